#pragma once

#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "eval/svm/rows.h"

namespace dcgan::eval {

/// A labelled matrix that owns its features.
struct SvmData {
  std::unique_ptr<FeatureMatrix> matrix;
  TrainingSet set;
};

inline SvmData make_data(int64_t n, int64_t columns, int64_t classes) {
  auto matrix = std::make_unique<FeatureMatrix>(n, columns);
  const FeatureMatrix& features = *matrix;
  return {std::move(matrix), {features, all_rows(n), std::vector<int32_t>(static_cast<size_t>(n)), classes}};
}

/// Gaussian clouds; class k has its mean at distance `apart` along a direction of its own, all share a mean of
/// `common`.
inline SvmData clouds(int64_t n, int64_t columns, int64_t classes, double apart, double common = 0.5,
                      uint64_t seed = 1) {
  SvmData data = make_data(n, columns, classes);
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t label = i % classes;
    data.set.labels[static_cast<size_t>(i)] = static_cast<int32_t>(label);
    for (int64_t j = 0; j < columns; ++j) {
      const double mean = common + (j % classes == label ? apart : 0);
      data.matrix->row(i)[j] = static_cast<float>(mean + normal(random));
    }
  }
  return data;
}

/// The five kinds that a solver must agree on.
inline SvmData data_of_kind(const std::string& kind) {
  if (kind == "separable") return clouds(120, 60, 3, 3);
  SvmData data = clouds(300, 40, 3, 0.4);
  if (kind == "duplicated") {
    for (int64_t i = 150; i < 300; ++i) {
      for (int64_t j = 0; j < 40; ++j) data.matrix->row(i)[j] = data.matrix->row(i - 150)[j];
      data.set.labels[static_cast<size_t>(i)] = data.set.labels[static_cast<size_t>(i - 150)];
    }
  }
  for (int64_t i = 0; i < 300; ++i) {
    float* row = data.matrix->row(i);
    if (kind == "constant column") row[7] = 100;
    if (kind == "badly scaled") {
      for (int64_t j = 0; j < 40; ++j) row[j] *= std::pow(10.0f, static_cast<float>(j % 7) - 3);
    }
  }
  return data;
}

}  // namespace dcgan::eval
