#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "dcgan/export.h"

namespace dcgan {

/// What an HDF5 file of arrays holds: datasets at its root. The same content gives the same bytes.
struct ArrayFile {
  struct Array {
    std::vector<int64_t> shape;
    std::vector<float> values;  ///< float32, row-major
  };
  std::map<std::string, Array> arrays;
  std::map<std::string, std::vector<std::string>> texts;  ///< datasets [N] of UTF-8 texts of fixed size
  std::string facts = "{}";                               ///< JSON, attribute "facts": what the arrays were made of
};

/// Replaces a file of this name. @throws Error if an array's shape does not fit its values
DCGAN_EXPORT void save_arrays(const std::string& path, const ArrayFile& file);

/// Chosen noise with its names: datasets /z float32 [N, Z] and /names [N] of a file of ours or of another program.
struct NamedNoise {
  std::vector<float> z;            ///< [N, Z]
  std::vector<std::string> names;  ///< [N]; "0", "1", ... where the file has none

  int64_t count() const { return static_cast<int64_t>(names.size()); }
};

/// @param nz  Z
/// @throws FileError if the file is damaged or its noise is of another width
DCGAN_EXPORT NamedNoise load_noise(const std::string& path, int64_t nz);
/// @param facts  JSON, as in ArrayFile
DCGAN_EXPORT void save_noise(const std::string& path, const NamedNoise& noise, const std::string& facts);

}  // namespace dcgan
