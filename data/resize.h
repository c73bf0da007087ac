#pragma once

#include "data/image_decoder.h"
#include "dcgan/resize.h"

namespace dcgan::data {

using dcgan::ResizeFilter;
using dcgan::ResizeOptions;

/// @return uint8 [size, size, 3]; an image that has this size already is returned as it is.
RgbImage resize_and_crop(RgbImage image, const ResizeOptions& options);

}  // namespace dcgan::data
