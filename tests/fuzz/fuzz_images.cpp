// Packed image files: any bytes are read or refused with a dcgan::Error.
#include <algorithm>
#include <vector>

#include "dcgan/errors.h"
#include "dcgan/packed_images.h"
#include "tests/fuzz/bytes_as_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t count) {
  const dcgan::test::BytesAsFile file(bytes, count);
  try {
    const dcgan::PackedImageReader reader(file.path());
    reader.failures();
    const int64_t image_bytes = reader.info().height * reader.info().width * 3;
    if (image_bytes > 1 << 24) return 0;
    std::vector<uint8_t> pixels(static_cast<size_t>(image_bytes));
    for (int64_t i = 0; i < std::min<int64_t>(reader.count(), 4); ++i) reader.read(i, 1, pixels.data());
  } catch (const dcgan::Error&) {  // a refusal is a right answer
  }
  return 0;
}
