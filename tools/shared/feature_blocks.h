#pragma once

#include <vector>

#include "data/image_pipeline.h"
#include "data/image_source.h"
#include "dcgan/feature_extractor.h"

namespace dcgan::tools {

/// How images become features: what they are read from, and the network, which says how they are resized.
struct FeatureMaker {
  const data::ImageSource& source;
  FeatureExtractor& extractor;
};

/// The features of a run of inputs: decoded on several threads while the network works on the block before.
class FeatureBlocks {
 public:
  /// @param maker  what it refers to must outlive this
  FeatureBlocks(const FeatureMaker& maker, const data::PipelineOptions& options)
      : FeatureBlocks(maker, maker.source, options) {}
  /// Of another source than the maker's.
  FeatureBlocks(const FeatureMaker& maker, const data::ImageSource& source, const data::PipelineOptions& options);

  /// @return false after the last block
  bool next();

  data::DecodedBlock block;
  std::vector<float> features;  ///< float32 [block.images.count(), D]

  double network_s() const { return network_s_; }  ///< that the network worked
  data::PipelineTimes times() const { return pipeline_.times(); }

 private:
  FeatureExtractor& extractor_;
  data::ImagePipeline pipeline_;
  double network_s_ = 0;
};

}  // namespace dcgan::tools
