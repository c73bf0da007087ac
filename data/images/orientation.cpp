#include <utility>

#include "data/images/codecs.h"
#include "data/images/tiff_directory.h"

namespace dcgan::data {

int exif_orientation(ByteView tiff) {
  constexpr uint16_t kOrientation = 274;
  const TiffDirectory directory(tiff);
  const int64_t value = directory.value(kOrientation, 1);
  return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
}

void apply_orientation(int orientation, RgbImage& image) {
  if (orientation == 1) return;
  const bool transposed = orientation >= 5;
  // What is left after the transposition: mirrored left-right for 2 and 6, both ways for 3 and 7, up-down for 4 and 8.
  const bool left_right = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  const bool up_down = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  RgbImage turned;
  turned.height = transposed ? image.width : image.height;
  turned.width = transposed ? image.height : image.width;
  turned.pixels.reserve(image.pixels.size());
  for (int64_t row = 0; row < turned.height; ++row) {
    const int64_t y = up_down ? turned.height - 1 - row : row;
    for (int64_t column = 0; column < turned.width; ++column) {
      const int64_t x = left_right ? turned.width - 1 - column : column;
      const auto pixel = image.pixels.begin() + 3 * (transposed ? x * image.width + y : y * image.width + x);
      turned.pixels.insert(turned.pixels.end(), pixel, pixel + 3);
    }
  }
  image = std::move(turned);
}

}  // namespace dcgan::data
