#include "tools/extract/feature_blocks.h"

#include <chrono>

namespace dcgan::extract_tool {

FeatureBlocks::FeatureBlocks(const FeatureMaker& maker, const data::ImageSource& source,
                             const data::PipelineOptions& options)
    : extractor_(maker.extractor),
      compression_(maker.compression),
      pipeline_(source, maker.extractor.resize(), options) {}

bool FeatureBlocks::next() {
  if (!pipeline_.next(block)) return false;
  const ImageBatch& images = block.images;
  std::vector<float>& rows = compression_ == nullptr ? features : uncompressed_;
  rows.resize(static_cast<size_t>(images.count() * extractor_.feature_count()));
  const auto start = std::chrono::steady_clock::now();
  extractor_.extract(images.pixels.data(), images.count(), images.width, images.height, 0, rows.data());
  if (compression_ != nullptr) {
    features.resize(static_cast<size_t>(images.count() * compression_->dimensions()));
    compression_->apply(rows.data(), images.count(), features.data());
  }
  network_s_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return true;
}

}  // namespace dcgan::extract_tool
