#pragma once

#include <cstdint>
#include <vector>

#include "eval/svm/rows.h"

namespace dcgan::eval {

/// K linear machines; the class of a row is the one with the largest score.
struct LinearModel {
  int64_t classes = 0;          ///< K
  int64_t columns = 0;          ///< D
  std::vector<double> weights;  ///< float64 [K, D + 1]; the last column is the intercept, 0 where there is none

  const double* machine(int64_t k) const { return weights.data() + k * (columns + 1); }
  double* machine(int64_t k) { return weights.data() + k * (columns + 1); }
};

/// Scores of the given rows, float64 [rows.size(), K].
std::vector<double> scores(const LinearModel& model, const RowSource& features, const std::vector<int64_t>& rows,
                           int64_t threads);
/// Classes of the given rows; of equal scores the first wins.
std::vector<int32_t> predict(const LinearModel& model, const RowSource& features, const std::vector<int64_t>& rows,
                             int64_t threads);

/// Share of predictions that are right, 0 to 1. NaN for none.
double accuracy(const std::vector<int32_t>& predicted, const std::vector<int32_t>& labels);

}  // namespace dcgan::eval
