// PyTorch's files: any bytes are read or refused with a dcgan::Error; as a whole archive (whose checksums the fuzzer
// seldom gets right), and as the pickle of an archive that is well made.
#include "dcgan/errors.h"
#include "dcgan/network_import.h"
#include "dcgan/state_dict.h"
#include "tests/fuzz/bytes_as_file.h"
#include "tests/support/zip_of.h"

namespace {

void read(const uint8_t* bytes, size_t count) {
  const dcgan::test::BytesAsFile file(bytes, count);
  try {
    std::vector<dcgan::StateDictReader> files;
    files.emplace_back(file.path());
    const dcgan::StateDictReader& reader = files.front();
    size_t read = 0;
    for (const auto& [name, tensor] : reader.tensors()) {
      if (++read <= 20) reader.read(name);
    }
    dcgan::find_network(files, {});
  } catch (const dcgan::Error&) {  // a refusal is a right answer
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t count) {
  read(bytes, count);
  const std::string archive =
      dcgan::test::zip_of({{"a/data.pkl", std::string(bytes, bytes + count)}, {"a/data/0", std::string(432, '\1')}});
  read(reinterpret_cast<const uint8_t*>(archive.data()), archive.size());
  return 0;
}
