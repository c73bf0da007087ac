#include "dcgan/feature_columns.h"

#include <gmock/gmock.h>

#include "dcgan/errors.h"

namespace dcgan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(LargestValues, StandLargestFirstAndOfEqualOnesTheFirst) {
  const std::vector<float> values = {-1, 5, 2, 5, -3};
  EXPECT_THAT(largest_values(values, 3), testing::ElementsAre(1, 3, 2));
  EXPECT_THAT(largest_values(values, 9), testing::ElementsAre(1, 3, 2, 0, 4)) << "no more than there are";
}

TEST(FeatureLayout, FindsTheMapAndTheCellOfAColumnOfThePapersVector) {
  // 128, 128, 256, 256, 512, 512 channels of 16 cells: offsets 0, 2048, 4096, 8192, 12288, 20480, 28672 (dcgan.md, 3).
  const FeatureLayout layout = {published_architecture("imagenet32"), {1, 2, 3, 4, 5, 6}, 4};
  const auto fields = [&](int64_t column) {
    const FeatureColumn at = layout.at(column);
    return std::vector<int64_t>{at.layer, at.channel, at.cell};
  };
  EXPECT_THAT(fields(0), ElementsAre(1, 0, 0));
  EXPECT_THAT(fields(2047), ElementsAre(1, 127, 15));
  EXPECT_THAT(fields(2048), ElementsAre(2, 0, 0));
  EXPECT_THAT(fields(12288 + 16 * 300 + 7), ElementsAre(5, 300, 7));
  EXPECT_THAT(fields(28671), ElementsAre(6, 511, 15));
  for (const int64_t column : {-1, 28672}) {
    EXPECT_THAT([&] { layout.at(column); },
                ThrowsMessage<OptionError>(HasSubstr("column " + std::to_string(column) + " is not there")));
  }
  EXPECT_THAT([&] { layout.at(28672); }, ThrowsMessage<OptionError>(HasSubstr("have 28672 columns")));
}

TEST(FeatureLayout, CountsOnlyTheLayersThatAreThere) {
  const FeatureLayout layout = {published_architecture("imagenet32"), {2, 5}, 2};
  EXPECT_EQ(layout.at(128 * 4 + 9).layer, 5);
  EXPECT_EQ(layout.at(128 * 4 + 9).channel, 2);
  EXPECT_EQ(layout.at(128 * 4 + 9).cell, 1);
  EXPECT_EQ(layout.first_column(5, 2), 128 * 4 + 8);
  EXPECT_EQ(layout.first_column(2, 0), 0);
}

TEST(Maps, ArePooledToTheLargestOfEachCell) {
  const FeatureMaps maps = {1, 2, 4, {1, 2, 3,  4,  5, 6,  7, 8,  9, 10, 11, 12, 13, 14, 15, 16,  //
                                      0, 0, -1, -2, 0, 20, 0, -3, 0, 0,  0,  0,  0,  0,  0,  30}};
  EXPECT_THAT(pooled(maps, 2).values, ElementsAre(6, 8, 14, 16, 20, 0, 0, 30));
  EXPECT_THAT(pooled(maps, 1).values, ElementsAre(16, 30));
  EXPECT_EQ(pooled(maps, 4).values, maps.values);
  EXPECT_THAT(strongest_channels(maps, 5), ElementsAre(1, 0));
  EXPECT_THAT(strongest_channels(maps, 1), ElementsAre(1));
  EXPECT_EQ(map_of(maps, 0, 1).at(5), 20);
}

}  // namespace
}  // namespace dcgan
