#pragma once

#include <memory>

#include "eval/svm/row_kernels.h"
#include "eval/svm/solver.h"

namespace dcgan::eval {

/// Block coordinate descent on the dual, all classes sharing each pass over dense float32 rows.
///
/// Rows are cut into fixed blocks of a few hundred with a precomputed Gram matrix. A step on a block is three small
/// matrix products: scores of the block, coordinate descent for each class inside the Gram matrix (where a sweep costs
/// next to nothing), and one update of all weight vectors. Columns are cut into slabs of fixed width that threads take
/// as they come, and slabs are added in order, so that the result does not depend on the number of threads. A training
/// set of at most a thousand rows is one block: the kernel form.
std::unique_ptr<SvmSolver> make_dense_solver(const TrainingSet& set, const SvmOptions& options,
                                             const SolverResources& resources,
                                             const RowKernels& kernels = best_row_kernels());

}  // namespace dcgan::eval
