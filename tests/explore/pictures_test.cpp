#include "dcgan/pictures.h"

#include <gmock/gmock.h>

namespace dcgan {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::FloatEq;

/// Grey images of one pixel.
ImageBatch greys(const std::vector<uint8_t>& values) {
  ImageBatch images;
  images.height = images.width = 1;
  for (const uint8_t value : values) {
    images.pixels.insert(images.pixels.end(), 3, value);
    images.paths.push_back(std::to_string(value));
  }
  return images;
}

std::vector<uint8_t> reds(const ImageBatch& images) {
  std::vector<uint8_t> values;
  for (size_t i = 0; i < images.pixels.size(); i += 3) values.push_back(images.pixels[i]);
  return values;
}

TEST(Pictures, EnlargedRepeatsEachPixelInASquare) {
  ImageBatch image;
  image.height = 1;
  image.width = 2;
  image.pixels = {1, 2, 3, 4, 5, 6};
  image.paths = {"a"};
  const ImageBatch large = enlarged(image, 2);
  EXPECT_EQ(large.height, 2);
  EXPECT_EQ(large.width, 4);
  EXPECT_THAT(large.pixels, ElementsAreArray({1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6,  //
                                              1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6}));
  EXPECT_EQ(enlarged(image, 1).pixels, image.pixels);
}

TEST(Pictures, BesideHasRowsOfEitherWithAGapBetween) {
  EXPECT_EQ(beside_columns(2), 5);
  EXPECT_THAT(reds(beside(greys({1, 2, 3}), greys({11, 12}), 2)),
              ElementsAre(1, 2, 255, 11, 12, 3, 255, 255, 255, 255));
}

TEST(Pictures, ValuesAreGreyAtZeroAndReachTheEndsByTheirLargest) {
  // One image of one pixel per plane: red 2, green 0, blue -1; the second all 0.
  EXPECT_THAT(images_of_values({2, 0, -1, 0, 0, 0}, 1).pixels, ElementsAre(255, 128, 64, 128, 128, 128));
}

TEST(Pictures, ChannelsOfValuesArePlanes) {
  EXPECT_THAT(images_of_values({1, 1, 1, -1, 0, 0, 0, 0, -1, -1, -1, -1}, 2).pixels,
              ElementsAre(255, 128, 0, 255, 128, 0, 255, 128, 0, 0, 128, 0));
}

TEST(Pictures, AHeatMapLightsTheImageWhereTheMapIsLargest) {
  ImageBatch image;
  image.height = image.width = 2;
  image.pixels.assign(12, 200);
  image.paths = {"a"};
  const ImageBatch maps = heat_maps(image, {4, 2, 0, -7, 0, 0, 0, 0}, 2);
  ASSERT_EQ(maps.count(), 2);
  // 0.15 of the image where the map is 0 or less, all of it at the largest value
  EXPECT_THAT(reds(maps), ElementsAre(200, 115, 30, 30, 30, 30, 30, 30));
  EXPECT_THAT(reds(heat_maps(image, {3}, 1)), Each(200));
}

TEST(Pictures, NetworkInputHasPlanesFromMinusOneToOne) {
  ImageBatch image;
  image.height = 1;
  image.width = 2;
  image.pixels = {0, 255, 51, 255, 0, 204};
  image.paths = {"a"};
  EXPECT_THAT(network_input(image), ElementsAre(-1, 1, 1, -1, FloatEq(51 / 127.5F - 1), FloatEq(204 / 127.5F - 1)));
}

TEST(Pictures, AWeightedSumIsRoundedAndStaysInRange) {
  EXPECT_THAT(reds(weighted_sum(greys({10, 20, 41}), {0.5, 0.5, 0})), ElementsAre(15));
  EXPECT_THAT(reds(weighted_sum(greys({200, 10, 100}), {1, -1, 1})), ElementsAre(255));
  EXPECT_THAT(reds(weighted_sum(greys({10, 200, 100}), {1, -1, 1})), ElementsAre(0));
  EXPECT_THAT(reds(weighted_sum(greys({7, 90, 90}), {1, -1, 1})), ElementsAre(7));
}

TEST(Pictures, ChosenImagesKeepTheirNames) {
  const ImageBatch some = chosen_images(greys({5, 6, 7}), {2, 0, 2});
  EXPECT_THAT(reds(some), ElementsAre(7, 5, 7));
  EXPECT_THAT(some.paths, ElementsAre("7", "5", "7"));
}

}  // namespace
}  // namespace dcgan
