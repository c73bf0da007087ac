#include "data/packed_contents.h"

#include <algorithm>

#include "models/sha256.h"

namespace dcgan::data {

std::string pixel_checksum(const PackedImageReader& images) {
  constexpr int64_t kBlock = 1024;
  const int64_t size = images.info().height * images.info().width * 3;
  models::Sha256 hash;
  std::vector<uint8_t> pixels(kBlock * size);
  for (int64_t first = 0; first < images.count(); first += kBlock) {
    const int64_t count = std::min(kBlock, images.count() - first);
    images.read(first, count, pixels.data());
    hash.add(pixels.data(), static_cast<size_t>(count * size));
  }
  return hash.hex();
}

ClassCounts class_counts(const PackedImageReader& images) {
  ClassCounts counts(images.info().classes);
  for (const int32_t label : images.labels()) {
    if (!counts.classes.empty()) counts.add(label);
  }
  return counts;
}

ImageBatch read_images(const PackedImageReader& images, int64_t first, int64_t count) {
  count = std::min(count, images.count() - first);
  ImageBatch batch;
  batch.height = images.info().height;
  batch.width = images.info().width;
  batch.pixels.resize(count * batch.height * batch.width * 3);
  images.read(first, count, batch.pixels.data());
  batch.paths.assign(images.paths().begin() + first, images.paths().begin() + first + count);
  if (!images.labels().empty())
    batch.labels.assign(images.labels().begin() + first, images.labels().begin() + first + count);
  return batch;
}

}  // namespace dcgan::data
