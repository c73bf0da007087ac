#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "dcgan/feature_extractor.h"
#include "dcgan/images.h"
#include "eval/svm/rows.h"

namespace dcgan::eval {

/// Features of images in memory, a row each.
/// @param on_block  called with the number of rows done after each block; may be empty, may throw to stop
/// @throws dcgan::Error unless the images have the size that the model takes.
std::unique_ptr<FeatureMatrix> feature_matrix(FeatureExtractor& extractor, const ImageBatch& images,
                                              const std::function<void(int64_t done)>& on_block = nullptr);

}  // namespace dcgan::eval
