#include "data/resize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "data/codecs.h"
#include "dcgan/errors.h"

namespace dcgan::test {
namespace {

// The input of golden/make_data_resize.py.
data::RgbImage picture(int64_t height, int64_t width) {
  data::RgbImage image{height, width, {}};
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      for (int64_t c = 0; c < 3; ++c) {
        image.pixels.push_back(static_cast<uint8_t>((37 * y + 61 * x + 101 * c + 5 * x * y) % 256));
      }
    }
  }
  return image;
}

TEST(Resize, EqualsTheAuthorsFormulasWithinTheRoundingOfPixels) {
  std::ifstream cases(DCGAN_SOURCE_DIR "/tests/golden/data/resize.txt");
  int count = 0;
  for (std::string filter; cases >> filter; ++count) {
    int64_t height = 0;
    int64_t width = 0;
    data::ResizeOptions options;
    cases >> height >> width >> options.size;
    ASSERT_TRUE(from_name(filter, options.resize));
    const data::RgbImage result = data::resize_and_crop(picture(height, width), options);
    for (const uint8_t pixel : result.pixels) {
      double expected = 0;
      cases >> expected;
      // Half a step of rounding, and OpenCV's weights of 11 bits (INTER_LINEAR is fixed-point).
      ASSERT_NEAR(pixel, expected, 0.75) << filter << " " << height << "x" << width << " to " << options.size;
    }
  }
  EXPECT_EQ(count, 7);
}

TEST(Resize, RoundsHalvesAwayFromZeroAsPython2Did) {
  EXPECT_EQ(data::crop_offset(33, 32), 1);  // 0.5; Python 3 would say 0
  EXPECT_EQ(data::crop_offset(37, 32), 3);  // 2.5
  EXPECT_EQ(data::crop_offset(32, 32), 0);
  EXPECT_EQ(data::resized_size(64, 65, 32).width, 33);  // 32.5
  EXPECT_EQ(data::resized_size(65, 64, 32).height, 33);
  EXPECT_EQ(data::resized_size(100, 250, 32).width, 80);
  EXPECT_EQ(data::resized_size(100, 250, 32).height, 32);
}

// 46 * 50 / 40 is 57.5, and 46 / 40 * 50 a hair less, as in the authors' Python; 453 * 224 / 448 is 226.5.
TEST(Resize, DividesBeforeItMultipliesAsTheAuthorsDo) {
  EXPECT_EQ(data::resized_size(40, 46, 50).width, 57);
  EXPECT_EQ(data::resized_size(453, 448, 224).height, 226);
}

TEST(Resize, LeavesImagesOfTheRightSizeUntouched) {
  for (const auto filter : {data::ResizeFilter::kLinear, data::ResizeFilter::kArea}) {
    const data::RgbImage image = picture(32, 32);
    EXPECT_EQ(data::resize_and_crop(image, {32, filter}).pixels, image.pixels);
  }
}

TEST(Resize, TheFilterChangesShrunkImagesOnly) {
  const auto resize = [](int64_t side, data::ResizeFilter filter) {
    return data::resize_and_crop(picture(side, side), {32, filter}).pixels;
  };
  EXPECT_NE(resize(100, data::ResizeFilter::kLinear), resize(100, data::ResizeFilter::kArea));
  EXPECT_EQ(resize(20, data::ResizeFilter::kLinear), resize(20, data::ResizeFilter::kArea));
}

TEST(Resize, TakesImagesThatAreOnePixelWide) {
  const data::RgbImage result = data::resize_and_crop(picture(1, 50), {8, data::ResizeFilter::kArea});
  EXPECT_EQ(result.pixels.size(), 8U * 8U * 3U);
}

TEST(Resize, RefusesImagesThatWouldBecomeHuge) {
  try {
    data::resize_and_crop(picture(1, 900000), {32, data::ResizeFilter::kLinear});
    FAIL() << "accepted";
  } catch (const data::DecodeError& e) {
    EXPECT_STREQ(e.what(), "900000 x 1 pixels are too elongated to be resized to a shorter side of 32");
  }
}

TEST(Resize, NamesASizeThatCannotBe) {
  try {
    data::check(data::ResizeOptions{0, data::ResizeFilter::kLinear});
    FAIL() << "accepted";
  } catch (const OptionError& e) {
    EXPECT_STREQ(e.what(), "--size is 0; it must be from 1 to 4096 pixels.");
  }
}

}  // namespace
}  // namespace dcgan::test
