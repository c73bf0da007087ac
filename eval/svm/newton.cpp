#include "eval/svm/newton.h"

#include <algorithm>
#include <cmath>

#include "eval/svm/objective.h"

namespace dcgan::eval {
namespace {

using Values = std::vector<double>;

class Newton {
 public:
  Newton(const NewtonProblem& problem, Values weights)
      : p_(problem), m_(problem.machines), width_(problem.set.features.columns() + 1), w_(std::move(weights)) {
    const size_t n = problem.set.rows.size() * static_cast<size_t>(m_);
    margins_.resize(n);
    curvatures_.resize(n);
    result_.duals.resize(n);
    result_.primal.resize(m_);
    result_.dual.resize(m_);
  }

  NewtonResult run(int64_t max_passes) {
    multiply(w_, margins_);
    while (true) {
      const Values gradient = evaluate();
      double primal = 0, dual = 0;
      for (int64_t k = 0; k < m_; ++k) primal += result_.primal[at(k)], dual += result_.dual[at(k)];
      gap_ = (primal - dual) / primal;
      report();
      result_.converged = primal - dual <= p_.options.tolerance * primal;
      if (result_.converged || result_.passes >= max_passes) break;
      const Values direction = solve(gradient, max_passes);
      Values change(margins_.size());
      multiply(direction, change);
      for (int64_t k = 0; k < m_; ++k) {
        const double step = line_search(direction, change, k);
        for (int64_t j = 0; j < width_; ++j) w_[at(k * width_ + j)] += step * direction[at(k * width_ + j)];
        for (size_t i = at(k); i < margins_.size(); i += at(m_)) margins_[i] += step * change[i];
      }
    }
    result_.weights = w_;
    return std::move(result_);
  }

 private:
  static size_t at(int64_t i) { return static_cast<size_t>(i); }
  double target(int64_t index, int64_t k) const { return p_.set.labels[at(index)] == k ? 1.0 : -1.0; }
  bool has_intercept() const { return p_.options.intercept == Intercept::kPenalised; }

  void report() const {
    if (p_.on_pass) p_.on_pass(result_.passes, gap_);
  }

  // out[i, k] = y_ik v_k . x_i
  void multiply(const Values& v, Values& out) {
    constexpr int64_t kRowsAtOnce = 16;
    for (int64_t piece = 0; piece < p_.stream.pieces(); ++piece) {
      const RowStream::Piece& rows = p_.stream.next();
      const int64_t n = static_cast<int64_t>(rows.rows.size());
      p_.pool.run((n + kRowsAtOnce - 1) / kRowsAtOnce, [&](int64_t task) {
        for (int64_t i = task * kRowsAtOnce; i < std::min(n, (task + 1) * kRowsAtOnce); ++i) {
          const float* x = rows.rows[at(i)];
          for (int64_t k = 0; k < m_; ++k) {
            const double* row = v.data() + k * width_;
            double sums[4] = {};
            int64_t j = 0;
            for (; j + 4 <= width_; j += 4) {
              for (int l = 0; l < 4; ++l) sums[l] += row[j + l] * static_cast<double>(x[j + l]);
            }
            for (; j < width_; ++j) sums[0] += row[j] * static_cast<double>(x[j]);
            const int64_t index = rows.indices[at(i)];
            out[at(index * m_ + k)] = target(index, k) * ((sums[0] + sums[1]) + (sums[2] + sums[3]));
          }
        }
      });
    }
    ++result_.passes;
  }

  // out_k = sum over i of factor(i, k) x_i (or its squares)
  template <class Factor>
  Values accumulate(const Factor& factor, bool squares) {
    constexpr int64_t kColumnsAtOnce = 256;
    Values out(at(m_ * width_));
    for (int64_t piece = 0; piece < p_.stream.pieces(); ++piece) {
      const RowStream::Piece& rows = p_.stream.next();
      p_.pool.run((width_ + kColumnsAtOnce - 1) / kColumnsAtOnce, [&](int64_t task) {
        const int64_t first = task * kColumnsAtOnce, last = std::min(width_, first + kColumnsAtOnce);
        for (size_t i = 0; i < rows.rows.size(); ++i) {
          const float* x = rows.rows[i];
          for (int64_t k = 0; k < m_; ++k) {
            const double f = factor(rows.indices[i], k);
            if (f == 0) continue;
            double* sums = out.data() + k * width_;
            for (int64_t j = first; j < last; ++j) {
              const double value = static_cast<double>(x[j]);
              sums[j] += f * (squares ? value * value : value);
            }
          }
        }
      });
    }
    if (!has_intercept()) {
      for (int64_t k = 0; k < m_; ++k) out[at(k * width_ + width_ - 1)] = 0;
    }
    return out;
  }

  // Objectives, dual variables and curvatures at w_; returns the gradient.
  Values evaluate() {
    std::fill(result_.primal.begin(), result_.primal.end(), 0.0);
    std::fill(result_.dual.begin(), result_.dual.end(), 0.0);
    for (size_t i = 0; i < margins_.size(); ++i) {
      const size_t k = i % at(m_);
      result_.duals[i] = dual_from_margin(p_.options.loss, margins_[i], p_.c);
      curvatures_[i] = curvature(p_.options.loss, margins_[i], p_.c);
      result_.primal[k] += p_.c * loss_value(p_.options.loss, margins_[i]);
      result_.dual[k] += dual_gain(p_.options.loss, result_.duals[i], p_.c);
    }
    Values gradient = accumulate(
        [&](int64_t index, int64_t k) { return -target(index, k) * result_.duals[at(index * m_ + k)]; }, false);
    for (size_t j = 0; j < w_.size(); ++j) {
      const size_t k = j / at(width_);
      result_.primal[k] += 0.5 * w_[j] * w_[j];
      result_.dual[k] -= 0.5 * gradient[j] * gradient[j];
      gradient[j] += w_[j];
    }
    return gradient;
  }

  // Conjugate gradients for H d = -gradient, each machine with its own step lengths.
  Values solve(const Values& gradient, int64_t max_passes) {
    Values diagonal = accumulate([&](int64_t index, int64_t k) { return curvatures_[at(index * m_ + k)]; }, true);
    for (double& d : diagonal) d += 1;
    Values d(gradient.size()), residual(gradient.size()), search(gradient.size());
    Values size(at(m_)), goal(at(m_)), products(margins_.size());
    for (size_t j = 0; j < gradient.size(); ++j) {
      residual[j] = -gradient[j];
      search[j] = residual[j] / diagonal[j];
      size[j / at(width_)] += residual[j] * search[j];
    }
    constexpr double kAccuracy = 1e-2;  // of the squared residual: Newton's next step has another Hessian anyway
    for (int64_t k = 0; k < m_; ++k) goal[at(k)] = kAccuracy * size[at(k)];
    while (result_.passes < max_passes) {
      if (std::equal(size.begin(), size.end(), goal.begin(), [](double s, double g) { return s <= g; })) break;
      multiply(search, products);
      report();
      Values image = accumulate(
          [&](int64_t index, int64_t k) {
            const size_t i = at(index * m_ + k);
            return target(index, k) * curvatures_[i] * products[i];
          },
          false);
      for (size_t j = 0; j < image.size(); ++j) image[j] += search[j];
      for (int64_t k = 0; k < m_; ++k) {
        if (size[at(k)] <= goal[at(k)]) continue;
        double steepness = 0, next = 0;
        for (size_t j = at(k * width_); j < at((k + 1) * width_); ++j) steepness += search[j] * image[j];
        const double step = size[at(k)] / steepness;
        for (size_t j = at(k * width_); j < at((k + 1) * width_); ++j) {
          d[j] += step * search[j];
          residual[j] -= step * image[j];
          next += residual[j] * residual[j] / diagonal[j];
        }
        const double keep = next / size[at(k)];
        size[at(k)] = next;
        for (size_t j = at(k * width_); j < at((k + 1) * width_); ++j) {
          search[j] = residual[j] / diagonal[j] + keep * search[j];
        }
      }
    }
    return d;
  }

  // The step that minimises the objective of machine k along a direction: its slope rises, so it is bisected.
  double line_search(const Values& direction, const Values& change, int64_t k) const {
    double linear = 0, quadratic = 0;
    for (size_t j = at(k * width_); j < at((k + 1) * width_); ++j) {
      linear += w_[j] * direction[j];
      quadratic += direction[j] * direction[j];
    }
    if (quadratic == 0) return 0;
    const auto slope = [&](double t) {
      double sum = linear + t * quadratic;
      for (size_t i = at(k); i < margins_.size(); i += at(m_)) {
        sum -= dual_from_margin(p_.options.loss, margins_[i] + t * change[i], p_.c) * change[i];
      }
      return sum;
    };
    double low = 0, high = 1;
    for (int i = 0; i < 20 && slope(high) < 0; ++i) low = high, high *= 2;
    for (int i = 0; i < 40; ++i) {
      const double middle = 0.5 * (low + high);
      (slope(middle) < 0 ? low : high) = middle;
    }
    return 0.5 * (low + high);
  }

  const NewtonProblem& p_;
  const int64_t m_, width_;
  Values w_;           // [machines, D + 1]
  Values margins_;     // [n, machines]
  Values curvatures_;  // [n, machines]
  double gap_ = 1;     // relative, at w_
  NewtonResult result_;
};

}  // namespace

NewtonResult newton(const NewtonProblem& problem, std::vector<double> weights, int64_t max_passes) {
  return Newton(problem, std::move(weights)).run(max_passes);
}

}  // namespace dcgan::eval
