#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/image_decoder.h"
#include "data/resize.h"

namespace dcgan::data {

/// An image of the final size, cut from another.
struct PreparedImage {
  RgbImage image;      ///< uint8 [size, size, 3]
  std::string suffix;  ///< appended to the name of the input, where one input gives several
};

/// What becomes of each decoded image: one of the final size, several, or none.
struct Preparation {
  int64_t size = 0;  ///< H = W of the results, pixels
  /// Called from many threads. A DecodeError makes the input a failure.
  std::function<std::vector<PreparedImage>(RgbImage)> prepare;
  std::string description;  ///< JSON object, joined to the record of how pixels were made
};

/// Resize and central crop. @throws OptionError
Preparation resize_preparation(const ResizeOptions& options);

}  // namespace dcgan::data
