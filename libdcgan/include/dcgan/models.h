#pragma once

#include <cstdint>

#include "dcgan/architecture.h"
#include "dcgan/export.h"
#include "dcgan/images.h"
#include "dcgan/model_file.h"

namespace dcgan {

/// An untrained model: the paper's initialisation; statistics mean 0, variance 1 until they are inferred.
DCGAN_EXPORT ModelFile initialised_model(const ArchitectureOptions& options, uint64_t seed);

/// Samples of a model's generator, noise drawn from the seed. uint8 [count, H, W, 3].
/// @param batch_statistics  normalise with the statistics of these samples, as the authors do, rather than the fixed
/// ones; where the model's generator has none yet (a checkpoint's), these are inferred first, from a fixed seed
DCGAN_EXPORT ImageBatch sample_images(const ModelFile& model, int64_t count, uint64_t seed, bool batch_statistics);

}  // namespace dcgan
