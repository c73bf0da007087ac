#include "data/resize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <opencv2/imgproc.hpp>
#include <random>

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
  EXPECT_EQ(crop_offset(33, 32), 1);  // 0.5; Python 3 would say 0
  EXPECT_EQ(crop_offset(37, 32), 3);  // 2.5
  EXPECT_EQ(crop_offset(32, 32), 0);
  EXPECT_EQ(resized_size(64, 65, 32).width, 33);  // 32.5
  EXPECT_EQ(resized_size(65, 64, 32).height, 33);
  EXPECT_EQ(resized_size(100, 250, 32).width, 80);
  EXPECT_EQ(resized_size(100, 250, 32).height, 32);
}

// 46 * 50 / 40 is 57.5, and 46 / 40 * 50 a hair less, as in the authors' Python; 453 * 224 / 448 is 226.5.
TEST(Resize, DividesBeforeItMultipliesAsTheAuthorsDo) {
  EXPECT_EQ(resized_size(40, 46, 50).width, 57);
  EXPECT_EQ(resized_size(453, 448, 224).height, 226);
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

// OpenCV could not hold the image between the resize and the crop.
TEST(Resize, MakesOnlyTheSquareOfAnElongatedImage) {
  data::RgbImage image{1, 3'000'000, std::vector<uint8_t>(9'000'000, 7)};
  const data::RgbImage square = data::resize_and_crop(image, {32, data::ResizeFilter::kLinear});
  EXPECT_EQ(square.pixels, std::vector<uint8_t>(32 * 32 * 3, 7));
}

// What programs did before the library had kernels of its own; OpenCV is only here any more.
std::vector<uint8_t> opencv_resize_and_crop(const ImageView& image, const ResizeOptions& options) {
  const int type = CV_8UC(static_cast<int>(image.bytes_per_pixel()));
  // const_cast: cv::Mat has no other view of memory; it is not written to
  cv::Mat pixels(static_cast<int>(image.height), static_cast<int>(image.width), type,
                 const_cast<uint8_t*>(image.pixels), static_cast<size_t>(image.row_distance()));
  if (image.format == PixelFormat::kBgr) cv::cvtColor(pixels, pixels, cv::COLOR_BGR2RGB);
  if (image.format == PixelFormat::kRgba) cv::cvtColor(pixels, pixels, cv::COLOR_RGBA2RGB);
  if (image.format == PixelFormat::kGrey) cv::cvtColor(pixels, pixels, cv::COLOR_GRAY2RGB);
  const int64_t shorter = std::min(image.height, image.width);
  if (shorter != options.side()) {
    const ResizedSize target = resized_size(image.height, image.width, options.side());
    const bool area = options.resize == ResizeFilter::kArea && shorter > options.side();
    cv::resize(pixels, pixels, {static_cast<int>(target.width), static_cast<int>(target.height)}, 0, 0,
               area ? cv::INTER_AREA : cv::INTER_LINEAR);
  }
  const auto size = static_cast<int>(options.size);
  const cv::Rect square(static_cast<int>(crop_offset(pixels.cols, size)),
                        static_cast<int>(crop_offset(pixels.rows, size)), size, size);
  const cv::Mat cropped = pixels(square).clone();
  return {cropped.datastart, cropped.dataend};
}

TEST(Resize, GivesTheBitsOfOpenCvForTenThousandRandomSizesFormatsAndStrides) {
  std::mt19937 random(20161511);
  std::vector<uint8_t> bytes(12'000'000);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  const auto draw = [&](int64_t least, int64_t most) {
    return least + static_cast<int64_t>(random() % static_cast<uint32_t>(most - least + 1));
  };
  // Sizes of every magnitude alike: 1 to 1,023.
  const auto side = [&] { return draw(1, int64_t{2} << draw(0, 9)); };
  int64_t different_filters = 0;
  for (int i = 0; i < 10'000; ++i) {
    ImageView image{nullptr, side(), side(), 0, static_cast<PixelFormat>(draw(0, 3))};
    ResizeOptions options{draw(0, 1) == 0 ? 32 : draw(1, 100), ResizeFilter::kLinear};
    // Every fourth a whole multiple of the side, which OpenCV takes other ways for.
    if (i % 4 == 0) image.width = options.size * draw(1, 5), image.height = options.size * draw(1, 5);
    if (i % 3 == 0) options.shorter_side = draw(options.size, 130);
    if (i % 2 == 0) image.stride = image.row_bytes() + draw(0, 40);
    image.pixels = bytes.data() + draw(0, static_cast<int64_t>(bytes.size()) - image.row_distance() * image.height);
    std::array<std::vector<uint8_t>, 2> results;
    for (const ResizeFilter filter : {ResizeFilter::kLinear, ResizeFilter::kArea}) {
      options.resize = filter;
      std::vector<uint8_t>& result = results[static_cast<size_t>(filter)];
      result.resize(static_cast<size_t>(options.size * options.size * 3));
      check(image);
      resize_and_crop(image, options, result.data());
      ASSERT_EQ(result, opencv_resize_and_crop(image, options))
          << to_name(filter) << " " << image.width << "x" << image.height << " " << to_name(image.format) << " to "
          << options.side() << ", cut to " << options.size;
    }
    different_filters += results[0] != results[1];
  }
  EXPECT_GT(different_filters, 2'000);
}

TEST(Resize, NamesASizeThatCannotBe) {
  try {
    check(data::ResizeOptions{0, data::ResizeFilter::kLinear});
    FAIL() << "accepted";
  } catch (const OptionError& e) {
    EXPECT_STREQ(e.what(), "--size is 0; it must be from 1 to 4096 pixels.");
  }
}

}  // namespace
}  // namespace dcgan::test
