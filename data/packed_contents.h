#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/class_counts.h"
#include "dcgan/images.h"
#include "dcgan/packed_images.h"

namespace dcgan::data {

/// SHA-256 of all pixels, uint8 [N, H, W, 3] in order, lower-case hexadecimal: equal for equal images, whatever the
/// file's chunks, compression and attributes.
std::string pixel_checksum(const PackedImageReader& images);

ClassCounts class_counts(const PackedImageReader& images);

/// Images from `first` on, `count` of them or as many as there are.
ImageBatch read_images(const PackedImageReader& images, int64_t first, int64_t count);

}  // namespace dcgan::data
