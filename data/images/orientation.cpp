#include <opencv2/core.hpp>

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
  cv::Mat pixels(static_cast<int>(image.height), static_cast<int>(image.width), CV_8UC3, image.pixels.data());
  cv::Mat turned = pixels.clone();
  if (orientation >= 5) turned = turned.t();
  // What is left after the transposition: mirrored left-right for 2 and 6, both ways for 3 and 7, up-down for 4 and 8.
  if (orientation == 2 || orientation == 6) cv::flip(turned, turned, 1);
  if (orientation == 3 || orientation == 7) cv::flip(turned, turned, -1);
  if (orientation == 4 || orientation == 8) cv::flip(turned, turned, 0);
  image.height = turned.rows;
  image.width = turned.cols;
  image.pixels.assign(turned.datastart, turned.dataend);
}

}  // namespace dcgan::data
