#include "dcgan/boxes.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace dcgan {
namespace {

constexpr MapGeometry kGeometry = {32, 8};  // a place is 4 pixels wide

std::vector<int64_t> positions(const std::vector<MapPosition>& examples, bool inside) {
  std::vector<int64_t> all;
  for (const MapPosition& e : examples) {
    if (e.inside == inside) all.push_back(e.position);
  }
  return all;
}

TEST(BoxesCsv, HasAHeadAndALineForEachBox) {
  EXPECT_EQ(boxes_csv({{7, 1, 2, 3, 4}, {8, 0, 0, 31, 32}}), "sample,x,y,width,height\n7,1,2,3,4\n8,0,0,31,32\n");
}

TEST(BoxExamples, HaveThePlacesWhoseMiddlesAreInside) {
  // Middles lie at 2, 6, 10, ...: x from 4 to 12 holds columns 1 and 2, y from 7 to 11 row 2.
  const auto examples = box_examples({{3, 4, 7, 8, 4}}, kGeometry, 1);
  EXPECT_THAT(positions(examples, true), testing::ElementsAre(2 * 8 + 1, 2 * 8 + 2));
  EXPECT_EQ(positions(examples, false).size(), 2U);
  for (const MapPosition& e : examples) EXPECT_EQ(e.image, 3);
}

TEST(BoxExamples, ABoxBetweenTheMiddlesStandsForTheNearestPlace) {
  EXPECT_THAT(positions(box_examples({{0, 31, 0, 1, 1}}, kGeometry, 1), true), testing::ElementsAre(7));
  EXPECT_THAT(positions(box_examples({{0, 7, 11, 2, 2}}, kGeometry, 1), true), testing::ElementsAre(3 * 8 + 2));
}

TEST(BoxExamples, OthersAreOutsideOfAllBoxesOfTheImageAndAsMany) {
  const std::vector<Box> boxes = {{0, 0, 0, 16, 16}, {0, 8, 8, 16, 16}, {5, 0, 0, 4, 4}};
  const auto examples = box_examples(boxes, kGeometry, 1);
  std::vector<MapPosition> first;
  std::copy_if(examples.begin(), examples.end(), std::back_inserter(first),
               [](const MapPosition& e) { return e.image == 0; });
  const auto in = positions(first, true), out = positions(first, false);
  EXPECT_EQ(in.size(), 28U);  // two squares of 4 x 4 places that share 2 x 2
  EXPECT_EQ(out.size(), 28U);
  for (const int64_t p : out) EXPECT_EQ(std::count(in.begin(), in.end(), p), 0);
  EXPECT_EQ(examples.size(), 58U);
}

TEST(BoxExamples, DependOnTheSeedAlone) {
  const std::vector<Box> boxes = {{0, 0, 0, 12, 12}};
  const auto out = [&](uint64_t seed) { return positions(box_examples(boxes, kGeometry, seed), false); };
  EXPECT_EQ(out(1), out(1));
  EXPECT_NE(out(1), out(2));
}

TEST(BoxExamples, ABoxOverTheWholeImageLeavesNothingOutside) {
  const auto examples = box_examples({{0, 0, 0, 32, 32}}, kGeometry, 1);
  EXPECT_EQ(positions(examples, true).size(), 64U);
  EXPECT_TRUE(positions(examples, false).empty());
}

ImageBatch images(int64_t count, uint8_t value) {
  ImageBatch batch;
  batch.height = batch.width = 4;
  batch.pixels.assign(static_cast<size_t>(count * 48), value);
  for (int64_t i = 0; i < count; ++i) batch.paths.emplace_back("x");
  return batch;
}

TEST(BoxChange, CountsInsideAndOutsideOfImagesWithBoxesAlone) {
  const ImageBatch before = images(3, 100);
  ImageBatch after = images(3, 90);
  std::fill_n(after.pixels.begin(), 48, uint8_t{0});        // image 0 has no box
  std::fill_n(after.pixels.begin() + 48, 6, uint8_t{160});  // the first two pixels of image 1
  const BoxChange change = change_of(before, after, {{1, 0, 0, 2, 1}});
  EXPECT_DOUBLE_EQ(change.inside, 60);
  EXPECT_DOUBLE_EQ(change.outside, 10);
  const BoxChange none = change_of(before, before, {{1, 0, 0, 2, 1}});
  EXPECT_EQ(none.inside + none.outside, 0);
}

TEST(WithBoxes, PaintsTheEdges) {
  const ImageBatch painted = with_boxes(images(2, 7), {{1, 1, 0, 3, 3}});
  int red = 0;
  for (size_t i = 0; i < painted.pixels.size(); i += 3) red += painted.pixels[i] == 255;
  EXPECT_EQ(red, 8);
  EXPECT_EQ(painted.pixels[static_cast<size_t>((16 + 4 + 2) * 3)], 7) << "the middle of the box";
  EXPECT_EQ(painted.pixels[static_cast<size_t>((16 + 1) * 3)], 255) << "its corner";
}

}  // namespace
}  // namespace dcgan
