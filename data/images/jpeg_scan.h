#pragma once

#include "data/codecs.h"

namespace dcgan::data {

/// Whether bytes that stand between the last block of a JPEG's scan and the marker at `marker` are surplus: the scan,
/// or the part of it since the last restart marker, is whole before them. Of a damaged scan, in which the decoder lost
/// its place and found it again, they are what was left over; libjpeg, which only counts them, gives the same warning
/// for both. These are signs of damage, of which an encoder's scan has none:
///  - the last byte is not filled with ones,
///  - a run of empty blocks reaches beyond the last block,
///  - a block's samples, or a coefficient, lie further outside their range than rounding can bring them,
///  - many bytes follow that are blocks of an image, one behind the other, up to the marker.
/// docs/formats.md says how many damaged ones have none of them.
/// @return false also where it cannot be known: arithmetic and lossless JPEGs
bool scan_is_whole(ByteView jpeg, size_t marker);

}  // namespace dcgan::data
