#include "data/packed_source.h"

#include <nlohmann/json.hpp>

namespace dcgan::data {

std::vector<DecodedImage> PackedSource::load(int64_t first, int64_t count) const {
  const int64_t height = reader_.info().height;
  const int64_t width = reader_.info().width;
  const int64_t size = height * width * 3;
  std::vector<uint8_t> pixels(count * size);
  reader_.read(first, count, pixels.data());
  std::vector<DecodedImage> images;
  for (auto at = pixels.begin(); at != pixels.end(); at += size)
    images.push_back({{height, width, {at, at + size}}, ""});
  return images;
}

std::string PackedSource::description() const {
  return nlohmann::ordered_json(
             {{"kind", "packed images"}, {"preparation", nlohmann::ordered_json::parse(reader_.info().preparation)}})
      .dump();
}

}  // namespace dcgan::data
