// libFuzzer target: a batch file of the right length with the fuzzer's bytes at its front and its end, and one of the
// fuzzer's own length.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "data/cifar10_binary.h"
#include "dcgan/errors.h"
#include "tests/fuzz/bytes_as_file.h"

namespace {

void read(const std::string& path) {
  try {
    dcgan::data::read_cifar10_batch(path);
  } catch (const dcgan::FileError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  constexpr size_t kWhole = dcgan::data::kCifarBatchImages * dcgan::data::kCifarRecordBytes;
  // Written once: to write 30 MB for each input would take nearly all of the time.
  static const std::vector<uint8_t> zeros(kWhole);
  static const dcgan::test::BytesAsFile whole(zeros.data(), kWhole);
  static const int descriptor = ::open(whole.path().c_str(), O_WRONLY);
  const size_t used = std::min(size, kWhole / 2);
  const auto put = [&](const uint8_t* from) {
    return ::pwrite(descriptor, from, used, 0) + ::pwrite(descriptor, from, used, static_cast<off_t>(kWhole - used)) ==
           static_cast<ssize_t>(2 * used);
  };
  if (!put(bytes)) return -1;
  read(whole.path());
  if (!put(zeros.data())) return -1;
  read(dcgan::test::BytesAsFile(bytes, size).path());
  return 0;
}
