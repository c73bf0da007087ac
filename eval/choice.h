#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/splits.h"
#include "eval/svm/convergence.h"
#include "eval/svm/solver.h"

namespace dcgan::eval {

/// The grid of the authors' svhn_semisup_analysis.py.
const std::vector<double>& published_c_grid();
/// Where none is published: 1e-5 to 1e-2, two values a decade.
const std::vector<double>& default_c_grid();
/// @throws OptionError unless there are values, all positive and finite
void check_grid(const std::vector<double>& grid);

/// One value of the grid and how well it did on validation rows.
struct GridPoint {
  double c = 0;
  double accuracy = 0;  ///< mean over folds or draws
  int64_t fits = 0;
  Convergence convergence;
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
  /// Of all fits that chose.
  Convergence convergence() const;

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

/// Which C is better shows long before a fit is done to the last digit: those that only serve the choice stop at ten
/// times the tolerance, or 1e-3 where that is less.
SvmOptions for_validation(SvmOptions options);

/// Rows to fit to, and rows that tell how good the machine is.
struct Trial {
  TrainingSet training, validation;
  std::string name;  ///< of short trials, "selection draw 3 of 10": all that is logged of it; empty: each fit is
};

/// The splits of one training set.
std::vector<Trial> trials_of(const TrainingSet& set, const std::vector<RowSplit>& splits);

/// Fits the grid from small to large in each trial and takes the value that does best on the validation rows, on
/// average: values of C are compared on the same rows, and one warm path fits them.
/// @param grid  at least one value; order does not matter
ChosenC choose_c(const std::vector<Trial>& trials, std::vector<double> grid, const SvmOptions& options,
                 const SolverResources& resources);

}  // namespace dcgan::eval
