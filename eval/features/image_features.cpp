#include "eval/features/feature_matrix.h"

#include <algorithm>
#include <vector>

#include "dcgan/errors.h"

namespace dcgan::eval {

std::unique_ptr<FeatureMatrix> feature_matrix(FeatureExtractor& extractor, const ImageBatch& images,
                                              const std::function<void(int64_t done)>& on_block) {
  if (const int64_t size = extractor.image_size(); images.height != size || images.width != size) {
    throw OptionError("images are ", images.width, " x ", images.height, "; the model takes ", size, " x ", size,
                      " pixels.");
  }
  constexpr int64_t kBlock = 64;
  const int64_t count = images.count();
  const int64_t image_bytes = images.height * images.width * 3;
  const int64_t columns = extractor.feature_count();
  auto matrix = std::make_unique<FeatureMatrix>(count, columns);
  std::vector<float> features(kBlock * columns);
  for (int64_t first = 0; first < count; first += kBlock) {
    const int64_t block = std::min(kBlock, count - first);
    extractor.extract(images.pixels.data() + first * image_bytes, block, images.width, images.height, 0,
                      features.data());
    for (int64_t i = 0; i < block; ++i) {
      std::copy_n(features.data() + i * columns, columns, matrix->row(first + i));
    }
    if (on_block) on_block(first + block);
  }
  return matrix;
}

}  // namespace dcgan::eval
