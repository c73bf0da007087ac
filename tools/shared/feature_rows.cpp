#include "tools/shared/feature_rows.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "dcgan/errors.h"

namespace dcgan::tools {

std::string FeatureRows::name_of(int64_t row) const {
  const std::vector<std::string>& paths = file_.paths();
  return text_of("row ", row, paths.empty() ? "" : " (" + paths[row] + ")");
}

void FeatureRows::read(int64_t first, int64_t count, float* out, int64_t pitch) const {
  // The reader packs rows densely; a few at a time, since a copy of all would double the memory.
  constexpr int64_t kRowsAtOnce = 32;
  const int64_t width = columns();
  std::vector<float> dense(std::min(count, kRowsAtOnce) * width);
  for (int64_t done = 0; done < count; done += kRowsAtOnce) {
    const int64_t now = std::min(kRowsAtOnce, count - done);
    file_.read(first + done, now, dense.data());
    for (int64_t i = 0; i < now; ++i) {
      const float* row = dense.data() + i * width;
      if (const int64_t column = eval::find_not_finite(row, width); column >= 0) {
        throw FileError(file_.path(), name_of(first + done + i), " has a value that is not finite in column ", column,
                        "; remove the row, or extract it again.");
      }
      std::memcpy(out + (done + i) * pitch, row, width * sizeof(float));
    }
  }
}

}  // namespace dcgan::tools
