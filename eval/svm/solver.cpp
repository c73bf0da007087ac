#include "eval/svm/solver.h"

#include "eval/svm/dense_solver.h"
#include "eval/svm/liblinear_solver.h"

namespace dcgan::eval {

std::unique_ptr<SvmSolver> make_solver(const TrainingSet& set, const SvmOptions& options,
                                       const SolverResources& resources) {
  if (options.solver == SolverKind::kLiblinear) return make_liblinear_solver(set, options);
  return make_dense_solver(set, options, resources);
}

}  // namespace dcgan::eval
