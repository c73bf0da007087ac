// NumPy arrays: any bytes are read or refused with a dcgan::Error.
#include "dcgan/errors.h"
#include "dcgan/npy_file.h"
#include "tests/fuzz/bytes_as_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t count) {
  const dcgan::test::BytesAsFile file(bytes, count);
  try {
    dcgan::read_npy(file.path());
  } catch (const dcgan::Error&) {  // a refusal is a right answer
  }
  return 0;
}
