#pragma once

#include <cstdint>

#include "data/rendered_set.h"

namespace dcgan::data {

/// As render_digit() (data/rendered_set.h), which asks libdcgan_images.so for it.
RgbImage draw_digit_image(uint64_t seed, RenderedSplit split, int64_t index);

}  // namespace dcgan::data
