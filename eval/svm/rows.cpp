#include "eval/svm/rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <string>

#include "dcgan/errors.h"
#include "eval/svm/row_kernels.h"

namespace dcgan::eval {

int64_t row_pitch(int64_t columns) {
  const int64_t whole = (columns + 1 + kKernelStep - 1) / kKernelStep * kKernelStep;
  constexpr int64_t kPage = 1024;
  return whole % kPage == 0 ? whole + kKernelStep : whole;
}

RowBuffer::RowBuffer(int64_t rows, int64_t columns) : data_(rows * row_pitch(columns)), pitch_(row_pitch(columns)) {
  for (int64_t i = 0; i < rows; ++i) {
    std::fill(row(i) + columns, row(i) + pitch_, 0.0f);
    row(i)[columns] = 1.0f;
  }
}

FeatureMatrix::FeatureMatrix(const RowSource& source) : FeatureMatrix(source.rows(), source.columns()) {
  constexpr int64_t kRowsAtOnce = 256;
  for (int64_t i = 0; i < rows_; i += kRowsAtOnce) {
    source.read(i, std::min(kRowsAtOnce, rows_ - i), row(i), buffer_.pitch());
  }
}

void FeatureMatrix::read(int64_t first, int64_t count, float* out, int64_t pitch) const {
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(out + i * pitch, row(first + i), columns_ * sizeof(float));
  }
}

std::vector<int64_t> all_rows(int64_t count) {
  std::vector<int64_t> rows(count);
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

int64_t find_not_finite(const float* values, int64_t count) {
  float sum = 0;  // 0 * x is 0 unless x is not finite
  for (int64_t i = 0; i < count; ++i) sum += 0.0f * values[i];
  if (sum == 0.0f) return -1;
  return std::find_if(values, values + count, [](float x) { return !std::isfinite(x); }) - values;
}

void check(const TrainingSet& set) {
  const auto fail = [](const std::string& text) { throw Error("training set: ", text); };
  if (set.rows.size() != set.labels.size()) {
    fail(text_of(set.labels.size(), " labels for ", set.rows.size(), " rows"));
  }
  std::vector<bool> seen(std::max<int64_t>(set.classes, 0));
  for (const int32_t label : set.labels) {
    if (label < 0 || label >= set.classes) {
      fail(text_of("label ", label, ", expected 0 to ", set.classes - 1));
    }
    seen[label] = true;
  }
  for (const int64_t row : set.rows) {
    if (row < 0 || row >= set.features.rows()) {
      fail(text_of("row ", row, " of ", set.features.rows()));
    }
  }
  const auto present = std::count(seen.begin(), seen.end(), true);
  if (present < 2) {
    fail(text_of(present, " class(es) have examples, expected at least 2; add examples of another class"));
  }
}

}  // namespace dcgan::eval
