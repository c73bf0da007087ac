// libFuzzer target: any bytes are read or refused with a FileError. Seeds: tests/golden/data/svhn.
#include "data/matlab_file.h"
#include "data/svhn_mat.h"
#include "dcgan/errors.h"
#include "tests/fuzz/bytes_as_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const dcgan::test::BytesAsFile file(bytes, size);
  try {
    for (dcgan::data::MatlabFile variables(file.path()); variables.next();) {
      if (variables.array().numeric && variables.array().count < 1 << 20) variables.read_numbers();
    }
  } catch (const dcgan::FileError&) {  // a refusal is a right answer
  }
  try {
    dcgan::data::read_svhn_mat(file.path());
  } catch (const dcgan::FileError&) {
  }
  return 0;
}
