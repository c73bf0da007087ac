#include "eval/svm/objective.h"

#include <gtest/gtest.h>

#include <cmath>

#include "svm_data.h"

namespace dcgan::eval {
namespace {

// Two rows, two features, three classes: scores and slacks are small numbers.
TEST(PrimalObjective, EqualsTheValueByHand) {
  SvmData data = make_data(2, 2, 3);
  data.matrix->row(0)[0] = 1, data.matrix->row(0)[1] = 2;
  data.matrix->row(1)[0] = -1, data.matrix->row(1)[1] = 0;
  data.set.labels = {0, 2};
  // Machines (w, b): class 0 (1, 0, 0), class 1 (0, 0, -2), class 2 (0, -1, 0.5).
  const LinearModel model{3, 2, {1, 0, 0, 0, 0, -2, 0, -1, 0.5}};
  // Penalty: (1 + 4 + 1.25) / 2 = 3.125.
  // Row 0 (label 0): scores 1, -2, -1.5, slacks 0, 0, 0. Row 1 (label 2): scores -1, -2, 0.5, slacks 0, 0, 0.5.
  EXPECT_DOUBLE_EQ(primal_objective(model, data.set, Loss::kSquaredHinge, 2), 3.125 + 2 * 0.25);
  const double logistic = std::log1p(std::exp(-1.0)) + std::log1p(std::exp(-2.0)) + std::log1p(std::exp(-1.5)) +
                          std::log1p(std::exp(-1.0)) + std::log1p(std::exp(-2.0)) + std::log1p(std::exp(-0.5));
  EXPECT_NEAR(primal_objective(model, data.set, Loss::kLogistic, 2), 3.125 + 2 * logistic, 1e-12);
}

TEST(PrimalObjective, WithThePenaltyIsHalfTheSquaredNormMoreThanWithout) {
  SvmData data = clouds(20, 4, 3, 1);
  LinearModel model{3, 4, std::vector<double>(15, 0.3)};
  double losses = 0;
  for (int64_t i = 0; i < 20; ++i) {
    for (int k = 0; k < 3; ++k) {
      double score = 0.3;
      for (int64_t j = 0; j < 4; ++j) score += 0.3 * static_cast<double>(data.matrix->row(i)[j]);
      losses += loss_value(Loss::kSquaredHinge, data.set.labels[static_cast<size_t>(i)] == k ? score : -score);
    }
  }
  EXPECT_NEAR(primal_objective(model, data.set, Loss::kSquaredHinge, 0.7) - 0.7 * losses, 0.5 * 15 * 0.09, 1e-9);
}

class LossLaws : public testing::TestWithParam<Loss> {};

TEST_P(LossLaws, FenchelsInequalityIsAnEqualityAtTheDualOfAMargin) {
  const double c = 0.3;
  for (const double margin : {-3.0, -0.2, 0.0, 0.7, 0.999}) {
    const double a = dual_from_margin(GetParam(), margin, c);
    EXPECT_NEAR(c * loss_value(GetParam(), margin), dual_gain(GetParam(), a, c) - a * margin, 1e-12) << margin;
    for (const double other : {-2.0, 0.1, 2.0}) {
      EXPECT_GE(c * loss_value(GetParam(), other) + 1e-12, dual_gain(GetParam(), a, c) - a * other);
    }
  }
}

TEST_P(LossLaws, SlopeAndCurvatureAgreeWithDifferences) {
  const double c = 0.3, h = 1e-5;
  for (const double margin : {-3.0, -0.2, 0.4, 1.7}) {
    const double slope = (loss_value(GetParam(), margin + h) - loss_value(GetParam(), margin - h)) / (2 * h);
    EXPECT_NEAR(dual_from_margin(GetParam(), margin, c), -c * slope, 1e-8) << margin;
    const double change = dual_from_margin(GetParam(), margin + h, c) - dual_from_margin(GetParam(), margin - h, c);
    EXPECT_NEAR(curvature(GetParam(), margin, c), -change / (2 * h), 1e-6) << margin;
  }
}

TEST_P(LossLaws, TheBestDualLeavesNothingToGain) {
  const double c = 0.3, squared = 5, start = 0.1;
  for (const double margin : {-3.0, 0.2, 0.9, 4.0}) {
    // The dual along the coordinate: gain(a) - margin (a - start) - squared (a - start)^2 / 2.
    const auto dual = [&](double a) {
      return dual_gain(GetParam(), a, c) - margin * (a - start) - 0.5 * squared * (a - start) * (a - start);
    };
    const double best = best_dual(GetParam(), start, margin, squared, c);
    for (const double step : {-1e-4, 1e-4}) {
      if (best + step >= 0) {
        EXPECT_GE(dual(best) + 1e-12, dual(best + step)) << margin;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Both, LossLaws, testing::Values(Loss::kSquaredHinge, Loss::kLogistic),
                         [](const auto& test) { return test.param == Loss::kLogistic ? "Logistic" : "SquaredHinge"; });

}  // namespace
}  // namespace dcgan::eval
