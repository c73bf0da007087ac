#pragma once

#include <fstream>
#include <iterator>
#include <string>

namespace dcgan::test {

/// Content of a file; empty where there is none.
inline std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace dcgan::test
