#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "eval/svm/linear_model.h"
#include "eval/svm/rows.h"
#include "eval/svm/svm_options.h"

namespace dcgan::eval {

/// One fit. For each class k, one against the rest: 0.5 ||[w_k, b_k]||^2 + C * sum of losses (a sum, not a mean).
struct SvmFit {
  LinearModel model;
  double c = 0;
  double primal = 0;   ///< objective, summed over the classes, the intercept's penalty included
  double seconds = 0;  ///< of the fit alone
  bool converged = true;
  bool has_dual = false;           ///< whether the solver gives the following: the dense one does
  double dual = 0;                 ///< lower bound of the objective, summed over the classes
  double gap = 0;                  ///< (primal - dual) / primal; rounding can make it negative
  int64_t passes = 0;              ///< over the rows
  std::vector<double> class_gaps;  ///< [K] primal - dual of each class: |w_k - w_k*| <= sqrt(2 gap_k)
};

/// Fits machines to one training set, which must outlive it. Not safe for concurrent use.
class SvmSolver {
 public:
  virtual ~SvmSolver() = default;
  /// Successive fits start from the one before, so that a path of C from small to large is cheap.
  virtual SvmFit fit(double c) = 0;
};

/// What a solver may use.
struct SolverResources {
  int64_t threads = 0;                                      ///< 0: one per core
  int64_t max_memory = 0;                                   ///< bytes for rows that are not in memory; 0: no limit
  uint64_t seed = 42;                                       ///< of the order of the rows
  std::function<void(int64_t passes, double gap)> on_pass;  ///< may be empty; may throw to stop
  std::function<void()> on_fit;                      ///< after each fit to choose C, and of protocols; may be empty
  std::function<void(const std::string& line)> log;  ///< of each fit to choose C, and of protocols; may be empty
};

/// @throws OptionError or Error if options or training set cannot be used.
std::unique_ptr<SvmSolver> make_solver(const TrainingSet& set, const SvmOptions& options,
                                       const SolverResources& resources = {});

}  // namespace dcgan::eval
