#include "eval/svm/linear_model.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "eval/confusion.h"
#include "eval/svm/row_kernels.h"
#include "parallel/thread_pool.h"

namespace dcgan::eval {
namespace {

constexpr int64_t kRowsAtOnce = 64;
constexpr int64_t kColumnsAtOnce = 1024;  // float32 sums are this long, longer ones float64

}  // namespace

std::vector<double> scores(const LinearModel& model, const RowSource& features, const std::vector<int64_t>& rows,
                           int64_t threads) {
  const int64_t n = static_cast<int64_t>(rows.size());
  const int64_t pitch = row_pitch(model.columns);
  RowBuffer weights(model.classes, model.columns);
  std::vector<const float*> machines;
  for (int64_t k = 0; k < model.classes; ++k) {
    float* machine = weights.row(k);
    std::transform(model.machine(k), model.machine(k) + model.columns + 1, machine,
                   [](double w) { return static_cast<float>(w); });
    machines.push_back(machine);
  }
  std::vector<double> result(n * model.classes);
  const auto score_rows = [&](int64_t first, const std::vector<const float*>& x) {
    std::vector<float> part(x.size() * static_cast<size_t>(model.classes));
    double* out = result.data() + first * model.classes;
    for (int64_t c = 0; c < pitch; c += kColumnsAtOnce) {
      best_row_kernels().dots(x.data(), static_cast<int64_t>(x.size()), machines.data(), model.classes, c,
                              std::min(kColumnsAtOnce, pitch - c), part.data(), model.classes);
      for (size_t i = 0; i < part.size(); ++i) out[i] += static_cast<double>(part[i]);
    }
  };
  const FeatureMatrix* matrix = features.in_memory();
  parallel::ThreadPool pool(threads);
  RowBuffer buffer(matrix ? 0 : kRowsAtOnce, model.columns);
  const auto block = [&](int64_t b) {
    std::vector<const float*> x;
    for (int64_t i = b * kRowsAtOnce; i < std::min(n, (b + 1) * kRowsAtOnce); ++i) {
      const int64_t row = rows[i];
      if (!matrix) {
        float* place = buffer.row(i - b * kRowsAtOnce);
        features.read(row, 1, place, buffer.pitch());
      }
      x.push_back(matrix ? matrix->row(row) : buffer.row(i - b * kRowsAtOnce));
    }
    score_rows(b * kRowsAtOnce, x);
  };
  const int64_t blocks = (n + kRowsAtOnce - 1) / kRowsAtOnce;
  if (matrix) {
    pool.run(blocks, block);
  } else {
    for (int64_t b = 0; b < blocks; ++b) block(b);
  }
  return result;
}

std::vector<int32_t> predict(const LinearModel& model, const RowSource& features, const std::vector<int64_t>& rows,
                             int64_t threads) {
  return best_classes(scores(model, features, rows, threads), static_cast<int64_t>(rows.size()));
}

double accuracy(const std::vector<int32_t>& predicted, const std::vector<int32_t>& labels) {
  if (labels.empty()) return std::numeric_limits<double>::quiet_NaN();
  int64_t right = 0;
  for (size_t i = 0; i < labels.size(); ++i) right += predicted[i] == labels[i];
  return static_cast<double>(right) / static_cast<double>(labels.size());
}

}  // namespace dcgan::eval
