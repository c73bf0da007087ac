#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dcgan/export.h"

namespace dcgan {

/// One array of a NumPy file.
struct NpyArray {
  std::vector<int64_t> shape;
  std::vector<float> values;  ///< row-major, the product of the shape
};

/// Reads a `.npy` file of format 1, 2 or 3 that holds little-endian float32 in C order
/// (format: numpy.org/doc/stable/reference/generated/numpy.lib.format.html). Runs nothing and allocates nothing beyond
/// the size of the file.
/// @throws FileError naming what was found and what was expected.
DCGAN_EXPORT NpyArray read_npy(const std::string& path);

}  // namespace dcgan
