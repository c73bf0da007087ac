#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/image_decoder.h"

namespace dcgan::test {

using Bytes = std::vector<uint8_t>;

Bytes read_bytes(const std::string& path);
void write_bytes(const std::string& path, const Bytes& bytes);

/// A file of tests/golden/data/images, written by golden/make_data_images.py.
std::string golden_image(const std::string& name);
/// The pixels that it must decode to.
data::RgbImage golden_pixels(const std::string& name);

data::DecodedImage decode(const Bytes& bytes, const data::DecodeOptions& options = {});

/// Largest difference of two images of one size; 256 for images of different sizes.
int largest_difference(const data::RgbImage& a, const data::RgbImage& b);

}  // namespace dcgan::test
