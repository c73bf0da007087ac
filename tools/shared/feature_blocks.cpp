#include "tools/shared/feature_blocks.h"

#include "tools/cli/progress.h"

namespace dcgan::tools {

FeatureBlocks::FeatureBlocks(const FeatureMaker& maker, const data::ImageSource& source,
                             const data::PipelineOptions& options)
    : extractor_(maker.extractor), pipeline_(source, maker.extractor.resize(), options) {}

bool FeatureBlocks::next() {
  if (!pipeline_.next(block)) return false;
  const ImageBatch& images = block.images;
  features.resize(images.count() * extractor_.feature_count());
  const cli::Clock::time_point start = cli::Clock::now();
  extractor_.extract(images.pixels.data(), images.count(), images.width, images.height, 0, features.data());
  network_s_ += cli::seconds_since(start);
  return true;
}

}  // namespace dcgan::tools
