#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dcgan {

// Letters mean one thing in this project: N images, C channels, H rows and W columns of pixels, Z noise dimensions,
// D features of an image, K classes. Arrays are row-major. Pixels in files and at the edges of the library are uint8
// [N, H, W, 3], RGB, 0 to 255; inside the networks they are float32 [N, 3, H, W] in [-1, 1] (x / 127.5 - 1).

/// Images of one size with their names and labels, as the readers hand them on.
struct ImageBatch {
  int64_t height = 0;
  int64_t width = 0;
  std::vector<uint8_t> pixels;     ///< uint8 [N, H, W, 3], RGB
  std::vector<std::string> paths;  ///< [N]
  std::vector<int32_t> labels;     ///< [N], 0 to K - 1, or -1: none; empty without classes

  int64_t count() const { return static_cast<int64_t>(paths.size()); }
};

/// An input that gave no row, and why.
struct Failure {
  std::string path;
  std::string reason;
};

}  // namespace dcgan
