#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/svm/solver.h"

namespace dcgan::eval {

// C is chosen on training rows only, by construction: a TestSplit gives its rows to nobody before it is shown a
// ChosenC, it opens once, and the functions that make a ChosenC take no TestSplit.

/// The grid of the authors' svhn_semisup_analysis.py.
const std::vector<double>& published_c_grid();

/// One value of the grid and how well it did on validation rows.
struct GridPoint {
  double c = 0;
  double accuracy = 0;  ///< mean over folds or draws
  int64_t fits = 0;
};

/// A C that is fixed.
class ChosenC {
 public:
  double value() const { return value_; }
  const std::vector<GridPoint>& grid() const { return grid_; }  ///< empty where C was given
  /// Whether the best value is the smallest or largest of the grid: a better one may lie outside.
  bool at_edge() const;
  /// One line for the user, empty unless at_edge().
  std::string edge_warning() const;

 private:
  friend ChosenC given_c(double c);
  friend ChosenC best_of(std::vector<GridPoint> grid);
  ChosenC(double value, std::vector<GridPoint> grid) : value_(value), grid_(std::move(grid)) {}
  double value_;
  std::vector<GridPoint> grid_;
};

/// @throws OptionError unless C is positive and finite.
ChosenC given_c(double c);
/// The value with the best accuracy; of equal ones the smallest.
ChosenC best_of(std::vector<GridPoint> grid);

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

/// Which C is better shows long before a fit is done to the last digit: those that only serve the choice stop at ten
/// times the tolerance, or 1e-3 where that is less.
SvmOptions for_validation(SvmOptions options);

/// Fits the grid from small to large on each split and takes the value that does best on the validation rows.
/// @param grid  at least one value; order does not matter
ChosenC choose_c(const TrainingSet& set, const std::vector<RowSplit>& splits, std::vector<double> grid,
                 const SvmOptions& options, const SolverResources& resources);

/// The subset of a training set at the given indices.
TrainingSet subset(const TrainingSet& set, const std::vector<int64_t>& indices);

/// Rows that nobody sees before C is fixed.
class TestSplit {
 public:
  TestSplit(const RowSource& features, std::vector<int64_t> rows, std::vector<int32_t> labels)
      : set_{features, std::move(rows), std::move(labels), 0} {}
  TestSplit(const TestSplit&) = delete;
  TestSplit& operator=(const TestSplit&) = delete;

  /// Machines on the test rows, all at once, since it opens only once.
  /// @return accuracy of each
  /// @throws Error at the second call, and if a machine was fitted with another C.
  std::vector<double> open(const ChosenC& c, const std::vector<SvmFit>& fits, int64_t threads);

 private:
  TrainingSet set_;
  bool opened_ = false;
};

}  // namespace dcgan::eval
