#pragma once

#include <cstdint>
#include <string>

#include "dcgan/export.h"
#include "dcgan/model_file.h"
#include "dcgan/next_images.h"

namespace dcgan {

/// Where batch-norm statistics come from.
struct StatisticsSource {
  std::string name;     ///< of the images; recorded in model.statistics
  uint64_t seed = 0;    ///< of the generator's noise
  int64_t threads = 0;  ///< 0: one per core
};

/// Infers a model's fixed batch-norm statistics by the authors' rule (svhn/svhn_semisup_analysis.py): minibatches of
/// 128 images in the given order, each layer's mean and biased variance while the layers below are normalised with the
/// minibatch's own, plain average over the minibatches. The generator's, if there is one, are averaged in the same way
/// over 32 minibatches of noise drawn from the seed.
/// @throws Error if there are no images.
DCGAN_EXPORT void infer_statistics(ModelFile& model, const NextImages& next, const StatisticsSource& source);

}  // namespace dcgan
