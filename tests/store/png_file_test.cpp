#include "dcgan/png_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>

#include <filesystem>
#include <vector>

#include "dcgan/errors.h"
#include "tests/support/processes.h"
#include "tests/support/temporary_folder.h"

namespace dcgan::test {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// Image i is filled with the grey value 10 (i + 1), 2 x 3 pixels.
ImageBatch grey_images(int count) {
  ImageBatch images;
  images.height = 2;
  images.width = 3;
  for (int i = 1; i <= count; ++i) images.pixels.insert(images.pixels.end(), 18, static_cast<uint8_t>(10 * i));
  images.paths.resize(static_cast<size_t>(count));
  return images;
}

struct Picture {
  png_uint_32 width, height;
  std::vector<uint8_t> pixels;
};

Picture read_png(const std::string& path) {
  png_image png = {};
  png.version = PNG_IMAGE_VERSION;
  EXPECT_NE(png_image_begin_read_from_file(&png, path.c_str()), 0);
  png.format = PNG_FORMAT_RGB;
  Picture picture{png.width, png.height, std::vector<uint8_t>(PNG_IMAGE_SIZE(png))};
  EXPECT_NE(png_image_finish_read(&png, nullptr, picture.pixels.data(), 0, nullptr), 0);
  return picture;
}

TEST(PngGrid, PlacesImagesRowByRowWithAWhitePixelBetween) {
  const TemporaryFolder folder;
  const std::string path = folder / "grid.png";
  write_png_grid(path, grey_images(3), 2);
  const Picture picture = read_png(path);
  ASSERT_EQ(picture.width, 7);
  ASSERT_EQ(picture.height, 5);
  const std::vector<int> expected = {10,  10,  10,  255, 20,  20,  20,  10,  10,  10,  255, 20,
                                     20,  20,  255, 255, 255, 255, 255, 255, 255, 30,  30,  30,
                                     255, 255, 255, 255, 30,  30,  30,  255, 255, 255, 255};
  for (size_t i = 0; i < expected.size(); ++i) {
    for (size_t c = 0; c < 3; ++c) ASSERT_EQ(picture.pixels[3 * i + c], expected[i]) << i;
  }
}

TEST(PngGrid, IsNoWiderThanItsImages) {
  const TemporaryFolder folder;
  write_png_grid(folder / "grid.png", grey_images(2), 100);
  EXPECT_EQ(read_png(folder / "grid.png").width, 7);
}

TEST(PngGrid, RefusesWhatIsNoPicture) {
  const TemporaryFolder folder;
  EXPECT_THROW(write_png_grid(folder / "grid.png", {}, 2), FileError);
  EXPECT_THROW(write_png_grid(folder / "grid.png", grey_images(2), 0), FileError);
  ImageBatch images = grey_images(2);
  images.pixels.pop_back();
  EXPECT_THROW(write_png_grid(folder / "grid.png", images, 2), FileError);
  EXPECT_NO_THROW(write_png_grid(folder / "tall.png", grey_images(10000), 1));  // 2 rows of pixels and a white one each
  std::filesystem::remove(folder / "tall.png");
  EXPECT_THAT([&] { write_png_grid(folder / "grid.png", grey_images(10001), 1); },
              ThrowsMessage<FileError>(HasSubstr("3 x 30002 pixels, at most 30000 a side")));
  EXPECT_THAT([&] { write_png_grid(folder / "none/grid.png", grey_images(2), 2); },
              ThrowsMessage<FileError>(HasSubstr("does not exist")));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace dcgan::test
