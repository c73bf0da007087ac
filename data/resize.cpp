#include "data/resize.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "data/preparation.h"

namespace dcgan::data {

RgbImage resize_and_crop(RgbImage image, const ResizeOptions& options) {
  const int64_t size = options.size;
  if (options.side() == size && image.height == size && image.width == size) return image;
  RgbImage square{size, size, std::vector<uint8_t>(static_cast<size_t>(size * size * 3))};
  dcgan::resize_and_crop({image.pixels.data(), image.width, image.height}, options, square.pixels.data());
  return square;
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

}  // namespace dcgan::data
