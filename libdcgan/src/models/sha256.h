#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "dcgan/export.h"

namespace dcgan::models {

/// The SHA-256 of bytes that come one after the other. The library that computes it is known to sha256.cpp alone.
class DCGAN_EXPORT Sha256 {
 public:
  Sha256();
  ~Sha256();
  void add(const void* bytes, size_t count);
  /// Of all that was added, as 64 lower-case hexadecimal digits; nothing can be added any more.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// @throws FileError if it cannot be read
DCGAN_EXPORT std::string sha256_of_file(const std::string& path);

}  // namespace dcgan::models
