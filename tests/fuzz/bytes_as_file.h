#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace dcgan::test {

/// The fuzzer's bytes as a file; in memory, where there is /dev/shm. (HDF5 wants a path that can be resolved.)
class BytesAsFile {
 public:
  BytesAsFile(const uint8_t* bytes, size_t count) {
    path_ = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm/fuzz-XXXXXX" : "/tmp/fuzz-XXXXXX";
    const int descriptor = ::mkstemp(path_.data());
    const bool good = descriptor >= 0 && ::write(descriptor, bytes, count) == static_cast<ssize_t>(count);
    ::close(descriptor);
    if (!good) throw std::runtime_error("no file for the fuzzer's bytes");
  }
  ~BytesAsFile() { ::unlink(path_.c_str()); }
  BytesAsFile(const BytesAsFile&) = delete;
  BytesAsFile& operator=(const BytesAsFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace dcgan::test
