#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "eval/svm/row_stream.h"
#include "eval/svm/svm_options.h"
#include "parallel/thread_pool.h"

namespace dcgan::eval {

/// What Newton's method works on. Machine k says yes to label k; there are `machines` of them.
struct NewtonProblem {
  const TrainingSet& set;
  RowStream& stream;
  parallel::ThreadPool& pool;
  const SvmOptions& options;
  double c = 0;
  int64_t machines = 0;
  std::function<void(int64_t passes, double gap)> on_pass;  ///< may be empty
};

struct NewtonResult {
  std::vector<double> weights;       ///< [machines, D + 1]
  std::vector<double> duals;         ///< [n, machines], those that belong to the margins
  std::vector<double> primal, dual;  ///< [machines]
  int64_t passes = 0;                ///< products with the rows, there and back
  bool converged = false;
};

/// Newton's method on the primal in float64 with conjugate gradients and the Hessian's diagonal as preconditioner
/// (after Keerthi and DeCoste 2005; Lin, Weng and Keerthi 2008), all machines sharing each pass. Slower than coordinate
/// descent on features of one scale, but it needs no more passes on badly scaled ones, where that crawls.
/// @param weights  start, [machines, D + 1]
NewtonResult newton(const NewtonProblem& problem, std::vector<double> weights, int64_t max_passes);

}  // namespace dcgan::eval
