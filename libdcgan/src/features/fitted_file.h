#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/json_value.h"
#include "dcgan/errors.h"
#include "dcgan/safetensors.h"

namespace dcgan::features {

/// Of a preprocessing what decides features: how images were found and decoded is not in it.
std::string decisive(const std::string& preprocessing);

/// The file of something that was fitted to features, in version 1 of its format: the rest is in its metadata.
class FittedFile {
 public:
  /// @param maker  the command that makes one
  /// @throws FileError for a file of another format or version
  FittedFile(const std::string& path, const std::string& format, const std::string& maker);

  std::string text(const std::string& key) const;
  template <class T>
  T value(const std::string& key) const {
    const std::string json = text(key);
    try {
      return json_value<T>(nlohmann::json::parse(json));
    } catch (const std::exception& e) {
      throw FileError(path_, "its metadata is damaged: ", e.what());
    }
  }
  std::vector<float> floats(const std::string& name, size_t dimensions) const;
  /// Of a tensor that floats() gave.
  int64_t rows(const std::string& name) const { return file_.tensors.at(name).shape.front(); }

 private:
  std::string path_;
  SafetensorsFile file_;
};

}  // namespace dcgan::features
