#include "data/rendered_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <utility>

#include "dcgan/errors.h"

namespace dcgan::test {
namespace {

using data::RenderedSplit;

TEST(RenderedSet, IsAFunctionOfSeedSplitAndIndex) {
  const auto pixels = [](uint64_t seed, RenderedSplit split, int64_t i) {
    return data::render_digit(seed, split, i).pixels;
  };
  EXPECT_EQ(pixels(1, RenderedSplit::kTrain, 5), pixels(1, RenderedSplit::kTrain, 5));
  EXPECT_NE(pixels(1, RenderedSplit::kTrain, 5), pixels(2, RenderedSplit::kTrain, 5));
  EXPECT_NE(pixels(1, RenderedSplit::kTrain, 5), pixels(1, RenderedSplit::kTest, 5));
  EXPECT_NE(pixels(1, RenderedSplit::kTrain, 5), pixels(1, RenderedSplit::kTrain, 15));
}

TEST(RenderedSet, HasBalancedLabelsAndTheUnlabelledDrawHasNone) {
  data::RenderOptions options;
  options.count = 100;
  const data::RenderedSet train(options, 1);
  std::array<int, 10> counts{};
  for (int64_t i = 0; i < train.count(); ++i) ++counts.at(static_cast<size_t>(train.label(i)));
  EXPECT_EQ(std::count(counts.begin(), counts.end(), 10), 10);
  EXPECT_EQ(train.path(12), "train/00000012-2");
  options.split = RenderedSplit::kUnlabelled;
  EXPECT_TRUE(data::RenderedSet(options, 1).classes().empty());
}

TEST(RenderedSet, HasAPatchOfOneColourInEachBoxAndElsewhereTheSamePixels) {
  data::RenderOptions options;
  options.count = 20;
  const auto plain = data::RenderedSet(options, 1).load(0, options.count);
  options.plant = true;
  const data::RenderedSet set(options, 1);
  const auto planted = set.load(0, options.count);
  std::set<std::pair<int64_t, int64_t>> places;
  for (int64_t i = 0; i < options.count; ++i) {
    const Box box = data::planted_box(1, options.split, i);
    EXPECT_EQ(box.image, i);
    EXPECT_TRUE(box.x >= 0 && box.y >= 0 && box.x + box.width <= 32 && box.y + box.height <= 32);
    places.emplace(box.x, box.y);
    for (int64_t p = 0; p < 32 * 32; ++p) {
      const int64_t x = p % 32 - box.x, y = p / 32 - box.y;
      const bool inside = x >= 0 && x < box.width && y >= 0 && y < box.height;
      for (size_t c = 0; c < 3; ++c) {
        const size_t at = static_cast<size_t>(p) * 3 + c, image = static_cast<size_t>(i);
        const int expected = inside ? data::kPlantedColour.at(c) : plain[image].image.pixels[at];
        ASSERT_EQ(int{planted[image].image.pixels[at]}, expected) << i << ": " << p;
      }
    }
  }
  EXPECT_GT(places.size(), 15U);
  EXPECT_NE(set.description(), data::RenderedSet({}, 1).description()) << "a resumed run tells them apart";
}

// A linear classifier must find little in the raw pixels: the mean images of the classes hardly differ.
TEST(RenderedSet, ClassMeansAreCloseToEachOther) {
  constexpr int kPerClass = 200;
  std::array<std::vector<double>, 10> means;
  for (int64_t i = 0; i < 10 * kPerClass; ++i) {
    const data::RgbImage image = data::render_digit(3, RenderedSplit::kTrain, i);
    std::vector<double>& mean = means.at(static_cast<size_t>(i % 10));
    mean.resize(image.pixels.size());
    for (size_t p = 0; p < mean.size(); ++p) mean[p] += image.pixels[p] / static_cast<double>(kPerClass);
  }
  double square = 0;
  for (size_t p = 0; p < means[0].size(); ++p) square += std::pow(means[0][p] - means[1][p], 2);
  // Pixels have a standard deviation of about 60; means of 200 differ by 6 from chance alone.
  EXPECT_LT(std::sqrt(square / static_cast<double>(means[0].size())), 12);
}

TEST(RenderedSet, NamesACountThatCannotBe) {
  data::RenderOptions options;
  options.count = 0;
  EXPECT_THROW(data::RenderedSet(options, 1), OptionError);
}

}  // namespace
}  // namespace dcgan::test
