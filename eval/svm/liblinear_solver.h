#pragma once

#include <memory>

#include "eval/svm/solver.h"

namespace dcgan::eval {

/// LIBLINEAR's train() with -s 1 -e 0.1 (squared hinge) or -s 0 -e 0.01 (logistic), one thread, every fit from zero and
/// with the random numbers of LIBLINEAR's own programs. It has converged unless LIBLINEAR warns that it gave up.
/// Rows are copied into its format, 16 bytes a value.
std::unique_ptr<SvmSolver> make_liblinear_solver(const TrainingSet& set, const SvmOptions& options);

}  // namespace dcgan::eval
