#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/files.h"

namespace dcgan::models {

struct SafetensorsEntry {
  std::string dtype;           ///< as the format names it
  std::vector<int64_t> shape;  ///< the product fits the bytes
  int64_t begin = 0, end = 0;  ///< bytes of the file
};

struct SafetensorsHeader {
  std::map<std::string, SafetensorsEntry> entries;
  std::map<std::string, std::string> metadata;
};

/// By its first bytes.
bool is_safetensors(const base::File& file);
/// The header, checked: tensors of any type of the format fill the data, without overlap. @throws FileError
SafetensorsHeader read_safetensors_header(const base::File& file);

}  // namespace dcgan::models
