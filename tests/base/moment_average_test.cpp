#include "base/moment_average.h"

#include <gmock/gmock.h>

namespace dcgan {
namespace {

TEST(MomentAverage, IsThePlainMeanOverMinibatchesWhateverTheirSize) {
  MomentAverage average;
  average.add(2, {{1, 10}, {4, 0}});
  average.add(2, {{2, 20}, {5, 1}});
  average.add(2, {{6, 0}, {0, 2}});
  EXPECT_THAT(average.average(2).mean, testing::ElementsAre(3, 10));
  EXPECT_THAT(average.average(2).variance, testing::ElementsAre(3, 1));
}

TEST(MomentAverage, KnowsWhichLayersItHas) {
  MomentAverage average;
  average.add(2, {{1}, {1}});
  EXPECT_FALSE(average.has(0));
  EXPECT_TRUE(average.has(2));
  EXPECT_FALSE(average.has(3));
}

TEST(MomentAverage, SumsInFloat64) {
  MomentAverage average;
  average.add(0, {{1e8F}, {1}});
  for (int i = 0; i < 99; ++i) average.add(0, {{1}, {1}});  // each is lost beside 1e8 in float32
  EXPECT_EQ(average.average(0).mean.front(), static_cast<float>((1e8 + 99) / 100));
}

TEST(BatchNormName, IsThatOfTheModelFile) {
  EXPECT_EQ(batch_norm_name("generator", 0, 6), "generator.bn0");
  EXPECT_EQ(batch_norm_name("discriminator", 6, 6), "discriminator.bn6");
  EXPECT_EQ(batch_norm_name("discriminator", 7, 6), "discriminator.bn_hidden");
}

}  // namespace
}  // namespace dcgan
