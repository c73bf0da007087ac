// Feature files: any bytes are read or refused with a dcgan::Error.
#include <algorithm>
#include <vector>

#include "dcgan/errors.h"
#include "dcgan/feature_file.h"
#include "tests/fuzz/bytes_as_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t count) {
  const dcgan::test::BytesAsFile file(bytes, count);
  try {
    const dcgan::FeatureFileReader reader(file.path());
    reader.failures();
    std::vector<float> row(static_cast<size_t>(std::min<int64_t>(reader.feature_count(), 1 << 20)));
    const auto columns = static_cast<int64_t>(row.size());
    for (int64_t i = 0; columns == reader.feature_count() && i < std::min<int64_t>(reader.rows(), 4); ++i) {
      reader.read(i, 1, row.data());
    }
  } catch (const dcgan::Error&) {  // a refusal is a right answer
  }
  return 0;
}
