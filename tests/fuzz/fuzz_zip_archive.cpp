// libFuzzer target: any bytes are a zip whose members can be read, or are refused. Seeds: zips of other programs.
#include "data/image_library.h"
#include "dcgan/errors.h"
#include "tests/fuzz/bytes_as_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const dcgan::test::BytesAsFile file(data, size);
  try {
    const auto archive = dcgan::data::image_library().open_zip(file.path());
    for (const dcgan::data::ArchiveMember& image : archive->members()) {
      if (archive->find(image.path) != &image) __builtin_trap();
      if (!image.failure.empty()) continue;
      try {
        if (archive->read(image).size() != static_cast<size_t>(image.size)) __builtin_trap();
      } catch (const dcgan::FileError&) {  // of this member alone
      }
    }
  } catch (const dcgan::FileError&) {  // a refusal is a right answer
  }
  return 0;
}
