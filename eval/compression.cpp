#include "eval/compression.h"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <random>

#include "dcgan/errors.h"
#include "dcgan/options.h"
#include "dcgan/seeds.h"
#include "eval/svm/row_kernels.h"
#include "parallel/thread_pool.h"

namespace dcgan::eval {
namespace {

constexpr int64_t kRowsAtOnce = 256;
constexpr int64_t kColumnsAtOnce = 1024;  // float32 sums are this long, longer ones float64
constexpr int64_t kSpareDirections = 16;  // beyond the dimensions, which makes the last ones as good as the first

// Mean and standard deviation of each column; 1 over a deviation of 0 is taken as 0.
struct Scaling {
  std::vector<double> mean, inverse_deviation;  // [D]
};

class Passes {
 public:
  Passes(const RowSource& rows, const CompressionResources& resources, int64_t passes)
      : rows_(rows),
        resources_(resources),
        pool_(resources.threads),
        block_(std::min(kRowsAtOnce, rows.rows()), rows.columns()),
        total_(rows.rows() * passes) {}

  int64_t rows() const { return rows_.rows(); }
  int64_t columns() const { return rows_.columns(); }
  parallel::ThreadPool& pool() { return pool_; }

  /// Calls use(pointers to the rows) for each block.
  template <class Use>
  void over_rows(const Use& use) {
    std::vector<const float*> x;
    for (int64_t first = 0; first < rows(); first += kRowsAtOnce) {
      const int64_t count = std::min(kRowsAtOnce, rows() - first);
      rows_.read(first, count, block_.row(0), block_.pitch());
      x.clear();
      for (int64_t i = 0; i < count; ++i) x.push_back(block_.row(i));
      use(x);
      done_ += count;
      if (resources_.on_rows) resources_.on_rows(done_, total_);
    }
  }

  /// Calls use(first, length) for pieces of the columns, `padded` with the constant 1 and zeros or not.
  template <class Use>
  void over_columns(bool padded, const Use& use) {
    const int64_t all = padded ? block_.pitch() : columns();
    pool_.run((all + kColumnsAtOnce - 1) / kColumnsAtOnce, [&](int64_t piece) {
      const int64_t first = piece * kColumnsAtOnce;
      use(first, std::min(kColumnsAtOnce, all - first));
    });
  }

 private:
  const RowSource& rows_;
  const CompressionResources& resources_;
  parallel::ThreadPool pool_;
  RowBuffer block_;
  int64_t done_ = 0, total_;
};

Scaling scaling_of(Passes& passes) {
  const auto columns = static_cast<size_t>(passes.columns());
  const auto n = static_cast<double>(passes.rows());
  std::vector<double> sums(columns), squares(columns);
  passes.over_rows([&](const std::vector<const float*>& x) {
    passes.over_columns(false, [&](int64_t first, int64_t length) {
      for (const float* row : x) {
        for (int64_t d = first; d < first + length; ++d) {
          const double value = row[d];
          sums[d] += value;
          squares[d] += value * value;
        }
      }
    });
  });
  Scaling scaling;
  for (size_t d = 0; d < columns; ++d) {
    const double mean = sums[d] / n;
    const double variance = (squares[d] - sums[d] * mean) / (n - 1);
    // Of a constant column rounding leaves less than this.
    const bool constant = variance <= 1e-12 * mean * mean;
    scaling.mean.push_back(mean);
    scaling.inverse_deviation.push_back(constant ? 0 : 1 / std::sqrt(variance));
  }
  return scaling;
}

Eigen::MatrixXd random_directions(int64_t columns, int64_t count, uint64_t seed) {
  Eigen::MatrixXd directions(columns, count);
  for (int64_t j = 0; j < count; ++j) {
    std::mt19937_64 generator(derive_seed(seed, "compression", static_cast<uint64_t>(j)));
    for (int64_t d = 0; d < columns; ++d) directions(d, j) = std::ldexp(static_cast<double>(generator()), -63) - 1;
  }
  return directions;
}

void orthonormalise(Eigen::MatrixXd& directions) {
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(directions);
  directions = qr.householderQ() * Eigen::MatrixXd::Identity(directions.rows(), directions.cols());
}

// Directions of standardised rows as weights of rows as they are; the constant 1 behind each row takes the offset.
void set_weights(const Eigen::MatrixXd& directions, const Scaling& scaling, RowBuffer& weights) {
  for (int64_t j = 0; j < directions.cols(); ++j) {
    double offset = 0;
    for (int64_t d = 0; d < directions.rows(); ++d) {
      const double weight = directions(d, j) * scaling.inverse_deviation[d];
      weights.row(j)[d] = static_cast<float>(weight);
      offset -= weight * scaling.mean[d];
    }
    weights.row(j)[directions.rows()] = static_cast<float>(offset);
  }
}

std::vector<float*> row_pointers(RowBuffer& buffer, int64_t count) {
  std::vector<float*> rows;
  for (int64_t j = 0; j < count; ++j) rows.push_back(buffer.row(j));
  return rows;
}

// What a pass finds for orthonormal directions Q of standardised rows Z: Q^T Z^T Z Q, and Z^T Z Q in their place.
Eigen::MatrixXd multiply_by_correlation(Passes& passes, const Scaling& scaling, Eigen::MatrixXd& directions) {
  const int64_t count = directions.cols(), columns = directions.rows();
  RowBuffer weights(count, columns), sums(count, columns);
  set_weights(directions, scaling, weights);
  const std::vector<float*> machines = row_pointers(weights, count), sum_rows = row_pointers(sums, count);
  const std::vector<const float*> read_only(machines.begin(), machines.end());
  for (float* row : sum_rows) std::fill_n(row, sums.pitch(), 0.0f);
  const RowKernels& kernels = best_row_kernels();
  Eigen::MatrixXd inner = Eigen::MatrixXd::Zero(count, count);
  Eigen::MatrixXd scores;  // [directions, rows of a block]
  std::vector<float> factors;
  passes.over_rows([&](const std::vector<const float*>& x) {
    const auto n = static_cast<int64_t>(x.size());
    scores.setZero(count, n);
    constexpr int64_t kRowsOfATask = 16;
    passes.pool().run((n + kRowsOfATask - 1) / kRowsOfATask, [&](int64_t task) {
      const int64_t first = task * kRowsOfATask, rows = std::min(kRowsOfATask, n - first);
      std::vector<float> part(rows * count);
      for (int64_t c = 0; c < weights.pitch(); c += kColumnsAtOnce) {
        kernels.dots(x.data() + first, rows, read_only.data(), count, c, std::min(kColumnsAtOnce, weights.pitch() - c),
                     part.data(), count);
        for (int64_t i = 0; i < rows; ++i) {
          for (int64_t j = 0; j < count; ++j) scores(j, first + i) += part[i * count + j];
        }
      }
    });
    inner.selfadjointView<Eigen::Lower>().rankUpdate(scores);
    factors.resize(n * count);
    std::transform(scores.data(), scores.data() + n * count, factors.begin(),
                   [](double score) { return static_cast<float>(score); });
    passes.over_columns(true, [&](int64_t first, int64_t length) {
      kernels.accumulate(x.data(), factors.data(), n, count, sum_rows.data(), count, first, length);
    });
  });
  for (int64_t j = 0; j < count; ++j) {
    const double sum_of_scores = sums.row(j)[columns];
    for (int64_t d = 0; d < columns; ++d) {
      directions(d, j) = (sums.row(j)[d] - sum_of_scores * scaling.mean[d]) * scaling.inverse_deviation[d];
    }
  }
  return inner.selfadjointView<Eigen::Lower>();
}

// The largest weight of a component is positive, so that equal rows give equal signs.
void fix_sign(Eigen::Ref<Eigen::VectorXd> component) {
  Eigen::Index largest = 0;
  component.cwiseAbs().maxCoeff(&largest);
  if (component(largest) < 0) component *= -1;
}

}  // namespace

void check(const CompressionOptions& options) {
  require_option(options.dimensions >= 1, "dimensions", options.dimensions, "positive");
  require_option(options.passes >= 1, "passes", options.passes, "positive");
}

Components principal_components(const RowSource& rows, const CompressionOptions& options,
                                const CompressionResources& resources) {
  check(options);
  const int64_t columns = rows.columns(), k = options.dimensions;
  const int64_t most = std::min(columns, rows.rows() - 1);
  require_option(
      k <= most, "dimensions", k,
      text_of("at most ", std::max<int64_t>(most, 0), " for ", rows.rows(), " rows of ", columns, " features"));
  Passes passes(rows, resources, 1 + options.passes);
  const Scaling scaling = scaling_of(passes);
  const int64_t count = std::min(most, k + kSpareDirections);
  Eigen::MatrixXd directions = random_directions(columns, count, resources.seed);
  Eigen::MatrixXd basis, inner;
  for (int64_t pass = 0; pass < options.passes; ++pass) {
    orthonormalise(directions);
    basis = directions;
    inner = multiply_by_correlation(passes, scaling, directions);
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(inner / static_cast<double>(rows.rows() - 1));
  Components result;
  result.columns = columns;
  for (const double inverse : scaling.inverse_deviation) result.total_variance += inverse > 0 ? 1 : 0;
  RowBuffer weights(1, columns);
  for (int64_t j = 0; j < k; ++j) {  // eigenvalues ascend
    const double variance = std::max(0.0, solver.eigenvalues()(count - 1 - j));
    Eigen::MatrixXd component = basis * solver.eigenvectors().col(count - 1 - j);
    fix_sign(component.col(0));
    if (options.whiten) component *= variance > 0 ? 1 / std::sqrt(variance) : 0;
    set_weights(component, scaling, weights);
    result.weights.insert(result.weights.end(), weights.row(0), weights.row(0) + columns);
    result.offsets.push_back(weights.row(0)[columns]);
    result.variances.push_back(variance);
  }
  return result;
}

}  // namespace dcgan::eval
