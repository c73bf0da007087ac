#include "eval/svm/kernel_newton.h"

#include <Eigen/Cholesky>

#include "eval/svm/objective.h"
#include "eval/svm/svm_options.h"

namespace dcgan::eval {
namespace {
using Values = std::vector<double>;
}  // namespace

void kernel_newton(const float* gram, int64_t n, int64_t pitch, const Values& targets, double c, double tolerance,
                   Values& duals) {
  const size_t count = n;
  const auto times_gram = [&](const Values& v) {
    Values product(count);
    for (int64_t i = 0; i < n; ++i) {
      if (v[i] == 0) continue;
      const float* row = gram + i * pitch;
      for (int64_t j = 0; j < n; ++j) product[j] += v[i] * static_cast<double>(row[j]);
    }
    return product;
  };
  Values beta(count);
  for (size_t i = 0; i < count; ++i) beta[i] = targets[i] * duals[i];
  Values scores = times_gram(beta);
  constexpr int kMaxSteps = 50;
  for (int step = 0; step < kMaxSteps; ++step) {
    // The duals that belong to the margins differ from those that made them by r: the gap is r . gram r / 2.
    double primal = 0;
    Values difference(count);
    for (size_t i = 0; i < count; ++i) {
      const double margin = targets[i] * scores[i];
      duals[i] = dual_from_margin(Loss::kSquaredHinge, margin, c);
      difference[i] = beta[i] - targets[i] * duals[i];
      primal += 0.5 * beta[i] * scores[i] + c * loss_value(Loss::kSquaredHinge, margin);
    }
    const Values image = times_gram(difference);
    double gap = 0;
    for (size_t i = 0; i < count; ++i) gap += 0.5 * difference[i] * image[i];
    if (gap <= tolerance * primal) break;

    std::vector<int64_t> inside;
    for (int64_t i = 0; i < n; ++i) {
      if (targets[i] * scores[i] < 1) inside.push_back(i);
    }
    const auto m = static_cast<int64_t>(inside.size());
    Eigen::MatrixXd system(m, m);
    Eigen::VectorXd solution(m);
    for (int64_t j = 0; j < m; ++j) {
      const float* row = gram + inside[j] * pitch;
      for (int64_t i = j; i < m; ++i) system(i, j) = static_cast<double>(row[inside[i]]);
      system(j, j) += 0.5 / c;
      solution(j) = targets[inside[j]];
    }
    Eigen::LLT<Eigen::Ref<Eigen::MatrixXd>, Eigen::Lower>(system).solveInPlace(solution);
    Values direction(count);
    for (size_t i = 0; i < count; ++i) direction[i] = -beta[i];
    for (int64_t i = 0; i < m; ++i) direction[inside[i]] += solution(i);
    const Values change = times_gram(direction);
    // The slope of the objective along the direction rises; a full step is right near the end.
    double linear = 0, quadratic = 0;
    for (size_t i = 0; i < count; ++i) linear += direction[i] * scores[i], quadratic += direction[i] * change[i];
    const auto slope = [&](double t) {
      double sum = linear + t * quadratic;
      for (size_t i = 0; i < count; ++i) {
        const double margin = targets[i] * (scores[i] + t * change[i]);
        sum -= dual_from_margin(Loss::kSquaredHinge, margin, c) * targets[i] * change[i];
      }
      return sum;
    };
    const bool full = slope(1) <= 1e-12 * quadratic;
    double low = full ? 1 : 0, high = 1;
    for (int i = 0; !full && i < 40; ++i) {
      const double middle = 0.5 * (low + high);
      (slope(middle) < 0 ? low : high) = middle;
    }
    for (size_t i = 0; i < count; ++i) beta[i] += high * direction[i], scores[i] += high * change[i];
  }
}

}  // namespace dcgan::eval
