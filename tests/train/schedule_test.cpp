#include "train/schedule.h"

#include <gmock/gmock.h>

namespace dcgan::train {
namespace {

TrainOptions options() {
  TrainOptions o;
  o.steps = 10;
  return o;
}

TEST(RateShare, IsConstantUnlessItIsSaidToRiseOrFall) {
  for (int64_t step = 0; step < 10; ++step) EXPECT_EQ(rate_share(options(), step), 1);
}

TEST(RateShare, RisesLinearlyOverTheFirstSteps) {
  TrainOptions o = options();
  o.warm_up_steps = 4;
  for (const auto& [step, rate] : {std::pair(0, 0.5), {1, 1.0}, {2, 1.5}, {3, 2.0}, {4, 2.0}, {9, 2.0}}) {
    EXPECT_DOUBLE_EQ(2 * rate_share(o, step), rate) << step;
  }
}

TEST(RateShare, FallsLinearlyOrAsACosineOverTheLastSteps) {
  TrainOptions o = options();
  o.decay_steps = 4;
  for (const auto& [step, rate] : {std::pair(5, 2.0), {6, 2.0}, {7, 1.5}, {8, 1.0}, {9, 0.5}}) {
    EXPECT_DOUBLE_EQ(2 * rate_share(o, step), rate) << step;
  }
  o.decay_shape = DecayShape::kCosine;
  // 1 - cos(45 degrees) and so on.
  for (const auto& [step, rate] :
       {std::pair(5, 2.0), {6, 2.0}, {7, 1.7071067811865476}, {8, 1.0}, {9, 0.2928932188134524}}) {
    EXPECT_NEAR(2 * rate_share(o, step), rate, 1e-12) << step;
  }
}

}  // namespace
}  // namespace dcgan::train
