// libFuzzer target: any bytes are an archive whose members can be read, or are refused. Seeds: tar files of any writer.
#include <string>

#include "data/tar_archive.h"
#include "dcgan/errors.h"
#include "tests/data/example_tar.h"
#include "tests/fuzz/bytes_as_file.h"

namespace {

// The fuzzer cannot guess checksums: what calls itself a header gets the right one.
std::string with_checksums(std::string bytes) {
  constexpr size_t kBlock = 512;
  for (size_t at = 0; at + kBlock <= bytes.size(); at += kBlock) {
    if (bytes.compare(at + 257, 5, "ustar") == 0) {
      bytes.replace(at, kBlock, dcgan::test::with_checksum(bytes.substr(at, kBlock)));
    }
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes = with_checksums({data, data + size});
  const dcgan::test::BytesAsFile file(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  try {
    const dcgan::data::TarArchive archive(file.path());
    for (const dcgan::data::ArchiveMember& image : archive.members()) {
      if (image.failure.empty()) archive.read(image, image.size);
      if (archive.find(image.path) != &image) __builtin_trap();
    }
  } catch (const dcgan::FileError&) {  // a refusal is a right answer
  }
  return 0;
}
