#include "eval/svm/kernel_newton.h"

#include <cmath>

#include "eval/svm/objective.h"
#include "eval/svm/svm_options.h"

namespace dcgan::eval {
namespace {

using Values = std::vector<double>;

// Solves A x = b for a symmetric positive definite A [n, n], of which the lower half is used and overwritten.
Values solve_cholesky(const RowKernels& kernels, Values a, Values b) {
  const int64_t n = static_cast<int64_t>(b.size());
  for (int64_t i = 0; i < n; ++i) {
    double* row = a.data() + i * n;
    for (int64_t j = 0; j < i; ++j)
      row[j] = (row[j] - kernels.dot_doubles(row, a.data() + j * n, j)) / a[static_cast<size_t>(j * n + j)];
    row[i] = std::sqrt(row[i] - kernels.dot_doubles(row, row, i));
  }
  for (int64_t i = 0; i < n; ++i) {
    const double* row = a.data() + i * n;
    b[static_cast<size_t>(i)] = (b[static_cast<size_t>(i)] - kernels.dot_doubles(row, b.data(), i)) / row[i];
  }
  for (int64_t i = n - 1; i >= 0; --i) {
    const double* row = a.data() + i * n;
    const double x = b[static_cast<size_t>(i)] /= row[i];
    for (int64_t j = 0; j < i; ++j) b[static_cast<size_t>(j)] -= row[j] * x;
  }
  return b;
}

}  // namespace

void kernel_newton(const RowKernels& kernels, const float* gram, int64_t n, int64_t pitch, const Values& targets,
                   double c, double tolerance, Values& duals) {
  const size_t count = static_cast<size_t>(n);
  const auto times_gram = [&](const Values& v) {
    Values product(count);
    for (int64_t i = 0; i < n; ++i) {
      if (v[static_cast<size_t>(i)] == 0) continue;
      const float* row = gram + i * pitch;
      for (int64_t j = 0; j < n; ++j)
        product[static_cast<size_t>(j)] += v[static_cast<size_t>(i)] * static_cast<double>(row[j]);
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
      if (targets[static_cast<size_t>(i)] * scores[static_cast<size_t>(i)] < 1) inside.push_back(i);
    }
    const size_t m = inside.size();
    Values system(m * m), right(m);
    for (size_t i = 0; i < m; ++i) {
      const float* row = gram + inside[i] * pitch;
      for (size_t j = 0; j <= i; ++j) system[i * m + j] = static_cast<double>(row[inside[j]]);
      system[i * m + i] += 0.5 / c;
      right[i] = targets[static_cast<size_t>(inside[i])];
    }
    const Values solution = solve_cholesky(kernels, std::move(system), std::move(right));
    Values direction(count);
    for (size_t i = 0; i < count; ++i) direction[i] = -beta[i];
    for (size_t i = 0; i < m; ++i) direction[static_cast<size_t>(inside[i])] += solution[i];
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
