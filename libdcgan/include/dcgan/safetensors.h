#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "dcgan/export.h"

namespace dcgan {

enum class DType { kFloat32, kFloat16, kInt64, kUint8 };

/// A named array of a safetensors file, row-major, little-endian.
struct DCGAN_EXPORT StoredTensor {
  DType dtype = DType::kFloat32;
  std::vector<int64_t> shape;
  std::vector<std::byte> bytes;  ///< exactly the product of the shape times the size of the dtype

  /// The values of a float32 or float16 tensor as float32. @throws Error for another dtype.
  std::vector<float> to_floats() const;
};

DCGAN_EXPORT StoredTensor make_tensor(std::vector<int64_t> shape, const std::vector<float>& values,
                                      DType dtype = DType::kFloat32);

/// Whole content of a safetensors file (format: https://github.com/huggingface/safetensors).
struct SafetensorsFile {
  std::map<std::string, StoredTensor> tensors;
  std::map<std::string, std::string> metadata;  ///< `__metadata__`
};

/// Reads with every length, type and range checked; allocates nothing beyond the size of the file.
/// @throws FileError
DCGAN_EXPORT SafetensorsFile read_safetensors(const std::string& path);

/// Writes `path`.partial, then renames: a reader never meets half a file. Equal content gives equal bytes.
DCGAN_EXPORT void write_safetensors(const std::string& path, const SafetensorsFile& file);

}  // namespace dcgan
