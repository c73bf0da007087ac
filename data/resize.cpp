#include "data/resize.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "data/image_library.h"
#include "data/preparation.h"
#include "dcgan/options.h"

namespace dcgan::data {

void check(const ResizeOptions& options) {
  constexpr int64_t kLargest = 4096;
  require_option(options.size >= 1 && options.size <= kLargest, "size", options.size,
                 "from 1 to " + std::to_string(kLargest) + " pixels");
  require_option(
      options.shorter_side == 0 || (options.shorter_side >= options.size && options.shorter_side <= kLargest),
      "shorter-side", options.shorter_side,
      "0 (--size), or from --size (" + std::to_string(options.size) + ") to " + std::to_string(kLargest));
}

ResizedSize resized_size(int64_t height, int64_t width, int64_t size) {
  const auto [shorter, longer] = std::minmax(height, width);
  // The authors divide first: where longer * size / shorter ends in .5, the order of the operations decides.
  const double ratio = static_cast<double>(longer) / static_cast<double>(shorter);
  const int64_t other = std::lround(ratio * static_cast<double>(size));
  return height <= width ? ResizedSize{size, other} : ResizedSize{other, size};
}

int64_t crop_offset(int64_t side, int64_t size) { return std::lround(static_cast<double>(side - size) / 2.0); }

RgbImage resize_and_crop(RgbImage image, const ResizeOptions& options) {
  const int64_t size = options.size;
  const int64_t side = options.side();
  if (side == size && image.height == size && image.width == size) return image;
  const int64_t shorter = std::min(image.height, image.width);
  if (shorter != side) {
    const ResizedSize target = resized_size(image.height, image.width, side);
    constexpr int64_t kLongest = int64_t{1} << 20;  // of the resized image; far from what OpenCV cannot index
    if (std::max(target.height, target.width) > kLongest / side) {
      throw DecodeError(std::to_string(image.width) + " x " + std::to_string(image.height) +
                        " pixels are too elongated to be resized to a shorter side of " + std::to_string(side));
    }
    const bool area = options.resize == ResizeFilter::kArea && shorter > side;
    image = image_library().resize(std::move(image), target, area);
  }
  const int64_t top = crop_offset(image.height, size), left = crop_offset(image.width, size);
  RgbImage cropped{size, size, {}};
  for (int64_t y = top; y < top + size; ++y) {
    const auto row = image.pixels.begin() + (y * image.width + left) * 3;
    cropped.pixels.insert(cropped.pixels.end(), row, row + size * 3);
  }
  return cropped;
}

Preparation resize_preparation(const ResizeOptions& options) {
  check(options);
  Preparation preparation;
  preparation.size = options.size;
  preparation.prepare = [options](RgbImage image) {
    std::vector<PreparedImage> one(1);
    one.front().image = resize_and_crop(std::move(image), options);
    return one;
  };
  preparation.description =
      nlohmann::ordered_json({{"resize", nlohmann::ordered_json::parse(resize_description(options))}}).dump();
  return preparation;
}

std::string resize_description(const ResizeOptions& options) {
  const nlohmann::ordered_json description = {{"size", options.size},
                                              {"shorter_side_to", options.side()},
                                              {"resize", to_name(options.resize)},
                                              {"crop", "centre, offset rounded half away from zero"}};
  return description.dump();
}

}  // namespace dcgan::data
