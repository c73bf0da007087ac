#include "tools/extract/feature_blocks.h"

#include <chrono>

namespace dcgan::extract_tool {

FeatureBlocks::FeatureBlocks(const FeatureMaker& maker, const data::ImageSource& source,
                             const data::PipelineOptions& options)
    : extractor_(maker.extractor), pipeline_(source, maker.extractor.resize(), options) {}

bool FeatureBlocks::next() {
  if (!pipeline_.next(block)) return false;
  const ImageBatch& images = block.images;
  features.resize(static_cast<size_t>(images.count() * extractor_.feature_count()));
  const auto start = std::chrono::steady_clock::now();
  extractor_.extract(images.pixels.data(), images.count(), images.width, images.height, 0, features.data());
  network_s_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return true;
}

}  // namespace dcgan::extract_tool
