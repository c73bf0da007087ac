#include "eval/compression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <Eigen/Eigenvalues>
#include <cmath>
#include <random>

#include "dcgan/errors.h"
#include "dcgan/options.h"

namespace dcgan::eval {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

// Rows of a few strong directions in noise; columns have means and deviations of their own, the third is constant.
FeatureMatrix correlated_rows(int64_t n = 700, int64_t columns = 60) {
  FeatureMatrix rows(n, columns);
  std::mt19937_64 generator(3);
  std::normal_distribution<float> normal;
  std::vector<float> mixing(static_cast<size_t>(columns) * 6);
  for (float& value : mixing) value = normal(generator);
  for (int64_t i = 0; i < n; ++i) {
    float hidden[6];
    for (float& value : hidden) value = normal(generator);
    for (int64_t d = 0; d < columns; ++d) {
      float value = normal(generator);
      for (int64_t h = 0; h < 6; ++h)
        value += mixing[static_cast<size_t>(d * 6 + h)] * hidden[h] * static_cast<float>(6 - h);
      rows.row(i)[d] = d == 2 ? 5 : 3 + static_cast<float>(d) + value * (1 + static_cast<float>(d % 7));
    }
  }
  return rows;
}

Eigen::MatrixXd matrix_of(const FeatureMatrix& rows) {
  Eigen::MatrixXd x(rows.rows(), rows.columns());
  for (int64_t i = 0; i < rows.rows(); ++i) {
    for (int64_t d = 0; d < rows.columns(); ++d) x(i, d) = rows.row(i)[d];
  }
  return x;
}

// The definition: eigenvectors of the correlation matrix, formed and decomposed whole.
struct Naive {
  explicit Naive(const FeatureMatrix& rows) {
    standardised = matrix_of(rows);
    standardised.rowwise() -= standardised.colwise().mean().eval();
    const auto n = static_cast<double>(rows.rows() - 1);
    for (int64_t d = 0; d < rows.columns(); ++d) {
      const double deviation = std::sqrt(standardised.col(d).squaredNorm() / n);
      if (deviation > 1e-9) standardised.col(d) /= deviation;
    }
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(standardised.transpose() * standardised / n);
    variances = solver.eigenvalues().reverse();
    components = solver.eigenvectors().rowwise().reverse();
  }
  Eigen::MatrixXd standardised, components;
  Eigen::VectorXd variances;
};

Eigen::MatrixXd compressed(const FeatureMatrix& rows, const Components& components) {
  const auto k = static_cast<int64_t>(components.offsets.size());
  Eigen::MatrixXd result(rows.rows(), k);
  for (int64_t i = 0; i < rows.rows(); ++i) {
    for (int64_t j = 0; j < k; ++j) {
      double sum = components.offsets[static_cast<size_t>(j)];
      for (int64_t d = 0; d < rows.columns(); ++d) {
        sum += double{components.weights[static_cast<size_t>(j * rows.columns() + d)]} * rows.row(i)[d];
      }
      result(i, j) = sum;
    }
  }
  return result;
}

CompressionOptions options_of(int64_t dimensions, int64_t passes = 8, bool whiten = false) {
  return {dimensions, passes, whiten};
}

TEST(PrincipalComponents, AreTheEigenvectorsOfTheCorrelationMatrix) {
  const FeatureMatrix rows = correlated_rows();
  const Naive naive(rows);
  const Components found = principal_components(rows, options_of(6), {});
  EXPECT_EQ(found.total_variance, 59) << "all columns but the constant one";
  const Eigen::MatrixXd result = compressed(rows, found);
  for (int64_t j = 0; j < 6; ++j) {
    EXPECT_NEAR(found.variances[static_cast<size_t>(j)], naive.variances(j), 1e-4 * naive.variances(0));
    const Eigen::VectorXd expected = naive.standardised * naive.components.col(j);
    const double sign = expected.dot(result.col(j)) < 0 ? -1 : 1;
    EXPECT_LT((result.col(j) - sign * expected).norm(), 1e-3 * expected.norm()) << j;
    EXPECT_NEAR(result.col(j).mean(), 0, 1e-4 * std::sqrt(naive.variances(0)));
  }
}

TEST(PrincipalComponents, AreTheSameForAnyNumberOfThreadsAndOthersForNoSeed) {
  const FeatureMatrix rows = correlated_rows();
  CompressionResources one, three;
  one.threads = 1;
  three.threads = 3;
  const Components a = principal_components(rows, options_of(4), one),
                   b = principal_components(rows, options_of(4), three);
  EXPECT_EQ(a.weights, b.weights);
  EXPECT_EQ(a.offsets, b.offsets);
  one.seed = 7;
  const Components c = principal_components(rows, options_of(4), one);
  EXPECT_NE(a.weights, c.weights) << "another start";
  const Eigen::MatrixXd first = compressed(rows, a), second = compressed(rows, c);
  EXPECT_LT((first - second).norm(), 1e-3 * first.norm()) << "the same components";
}

TEST(PrincipalComponents, ComeCloserToTheExactOnesWithEachPass) {
  const FeatureMatrix rows = correlated_rows(400, 200);
  const Naive naive(rows);
  const auto kept = [&](int64_t passes) {
    double sum = 0;
    for (const double variance : principal_components(rows, options_of(20, passes), {}).variances) sum += variance;
    return sum;
  };
  const double one = kept(1), two = kept(2), six = kept(6), most = naive.variances.head(20).sum();
  EXPECT_LT(one, two);
  EXPECT_LT(two, six);
  EXPECT_LT(six, most * (1 + 1e-5));
  EXPECT_GT(six, most * 0.99);
}

TEST(PrincipalComponents, WhitenedHaveVarianceOneAndNoCorrelation) {
  const FeatureMatrix rows = correlated_rows();
  const Eigen::MatrixXd result = compressed(rows, principal_components(rows, options_of(5, 8, true), {}));
  const Eigen::MatrixXd covariance = result.transpose() * result / static_cast<double>(rows.rows() - 1);
  EXPECT_LT((covariance - Eigen::MatrixXd::Identity(5, 5)).cwiseAbs().maxCoeff(), 1e-3);
}

TEST(PrincipalComponents, ReadTheRowsOnceForEachPassAndOnceMore) {
  const FeatureMatrix rows = correlated_rows();
  std::vector<int64_t> done;
  CompressionResources resources;
  resources.on_rows = [&](int64_t rows_done, int64_t total) {
    EXPECT_EQ(total, 4 * 700);
    done.push_back(rows_done);
  };
  principal_components(rows, options_of(4, 3), resources);
  EXPECT_EQ(done.back(), 4 * 700);
  EXPECT_EQ(done.size(), 4u * 3);
}

TEST(PrincipalComponents, RefuseMoreDimensionsThanThereAre) {
  const FeatureMatrix rows = correlated_rows(10, 60);
  EXPECT_THAT(
      [&] { principal_components(rows, options_of(10), {}); },
      ThrowsMessage<OptionError>(HasSubstr("--dimensions is 10; it must be at most 9 for 10 rows of 60 features")));
  EXPECT_EQ(principal_components(rows, options_of(9), {}).offsets.size(), 9u);
  EXPECT_THROW(principal_components(rows, options_of(0), {}), OptionError);
  EXPECT_THROW(principal_components(rows, options_of(2, 0), {}), OptionError);
}

}  // namespace
}  // namespace dcgan::eval
