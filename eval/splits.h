#pragma once

#include <cstdint>
#include <vector>

#include "eval/svm/rows.h"

namespace dcgan::eval {

/// Rows of a training set apart from others.
struct RowSplit {
  std::vector<int64_t> training;    ///< indices, ascending
  std::vector<int64_t> validation;  ///< indices, ascending
};

struct ValidationOptions {
  int64_t folds = 0;      ///< 0: one hold-out; 2 or more: cross-validation
  double held_out = 0.2;  ///< share of each class that the hold-out takes
};

template <class Visitor>
void describe(ValidationOptions& o, Visitor&& f) {
  f(o.folds, "folds", "choose C by cross-validation in so many folds; 0: by one hold-out");
  f(o.held_out, "held-out", "share of each class that is held out to choose C");
}

void check(const ValidationOptions& options);

/// Splits that keep the shares of the classes. With groups (houses, persons) no group is on both sides.
/// @param groups  [n], or empty
/// @throws Error if a side would have no example of a class that the other has.
std::vector<RowSplit> validation_splits(const std::vector<int32_t>& labels, const std::vector<int64_t>& groups,
                                        const ValidationOptions& options, uint64_t seed);

/// The subset of a training set at the given indices.
TrainingSet subset(const TrainingSet& set, const std::vector<int64_t>& indices);

}  // namespace dcgan::eval
