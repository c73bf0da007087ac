#pragma once

#include <cstdint>
#include <string>

#include "dcgan/packed_images.h"

namespace dcgan::test {

/// A packed file of `count` images of 8x8 pixels; image i has the value i in its first byte.
inline PackedImageReader small_images(const std::string& path, int64_t count, int64_t side = 8) {
  PackedImagesInfo info;
  info.height = info.width = side;
  PackedImageWriter writer(path, info, OutputMode::kOverwrite);
  ImageBatch batch;
  batch.height = batch.width = side;
  for (int64_t i = 0; i < count; ++i) {
    batch.paths.push_back(std::to_string(i));
    for (int64_t j = 0; j < side * side * 3; ++j) {
      batch.pixels.push_back(static_cast<uint8_t>(j == 0 ? i : (i * 37 + j * j * 11) % 256));
    }
  }
  writer.append(batch);
  writer.close();
  return PackedImageReader(path);
}

}  // namespace dcgan::test
