// libFuzzer target: a batch file of the right length with the fuzzer's bytes at its front and its end, and one of the
// fuzzer's own length.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "data/cifar10_binary.h"
#include "dcgan/errors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace dcgan::data;
  static const std::string path =
      (std::filesystem::temp_directory_path() / ("fuzz-cifar10-" + std::to_string(getpid()) + ".bin")).string();
  std::vector<char> whole(kCifarBatchImages * kCifarRecordBytes);
  const auto used = static_cast<std::ptrdiff_t>(std::min(size, whole.size() / 2));
  std::copy(bytes, bytes + used, whole.begin());
  std::copy(bytes, bytes + used, whole.end() - used);
  for (const auto& content : {whole, std::vector<char>(bytes, bytes + size)}) {
    std::ofstream(path, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
    try {
      read_cifar10_batch(path);
    } catch (const dcgan::FileError&) {
    }
  }
  return 0;
}
