#pragma once

#include "data/codecs.h"

namespace dcgan::data {

/// Whether bytes that stand between the last block of a JPEG's scan and the next marker are surplus: the scan is whole
/// before them. Of a damaged scan, in which the decoder lost its place and found it again, they are what was left over;
/// libjpeg, which only counts them, gives the same warning for both.
///
/// A scan that is whole fills its last byte with ones. What is left of a damaged one ends, block by block, exactly at
/// the marker; other bytes hardly ever do.
/// @return false also where it cannot be known: progressive, arithmetic and lossless JPEGs, several scans
bool scan_is_whole(ByteView jpeg);

}  // namespace dcgan::data
