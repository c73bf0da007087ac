#include "eval/svm/kernel_newton.h"

#include <gmock/gmock.h>

#include <cmath>

#include "eval/svm/solver.h"
#include "svm_data.h"

namespace dcgan::eval {
namespace {

// float64 [n, n], the constant feature included.
std::vector<double> gram_of(const SvmData& data) {
  const int64_t n = data.matrix->rows();
  std::vector<double> gram;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      double sum = 1;
      for (int64_t d = 0; d < data.matrix->columns(); ++d) {
        sum += static_cast<double>(data.matrix->row(i)[d]) * static_cast<double>(data.matrix->row(j)[d]);
      }
      gram.push_back(sum);
    }
  }
  return gram;
}

// The one point where every dual variable belongs to its own margin, a = 2 C max(0, 1 - margin), is the optimum of the
// squared hinge (Chapelle 2007, section 3), whatever method found it.
TEST(KernelNewton, EndsWhereEveryDualBelongsToItsMargin) {
  const SvmData data = clouds(60, 90, 2, 0.3);
  const std::vector<double> gram = gram_of(data);
  const std::vector<float> rounded(gram.begin(), gram.end());
  std::vector<double> targets;
  for (const int32_t label : data.set.labels) targets.push_back(label == 0 ? 1 : -1);
  for (const double c : {1e-3, 1.0, 1e3}) {
    std::vector<double> duals(60);
    kernel_newton(rounded.data(), 60, 60, targets, c, 1e-12, duals);
    double largest = 0, off = 0;
    for (size_t i = 0; i < 60; ++i) {
      double margin = 0;
      for (size_t j = 0; j < 60; ++j) margin += targets[i] * targets[j] * duals[j] * gram[i * 60 + j];
      largest = std::max(largest, duals[i]);
      off = std::max(off, std::abs(duals[i] - 2 * c * std::max(0.0, 1 - margin)) / (2 * c));
    }
    EXPECT_GT(largest, 0);
    EXPECT_LT(off, 1e-5) << "C = " << c << ": margins are off by as much, float32 products by 1e-6";
  }
}

TEST(KernelNewton, LeavesNothingToDoForOtherMethodsWhereRowsAreFewerThanColumns) {
  const SvmData data = clouds(60, 90, 3, 0.3, 3.0);  // a common mean, on which descent crawls
  const SvmFit fit = make_solver(data.set, {})->fit(100);
  EXPECT_TRUE(fit.converged);
  EXPECT_LE(fit.passes, 2) << "all happens inside the Gram matrix that the first pass makes";
}

}  // namespace
}  // namespace dcgan::eval
