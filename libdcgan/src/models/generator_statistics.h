#pragma once

#include "dcgan/export.h"
#include "dcgan/model_file.h"

namespace dcgan::models {

/// A training writes a model at every checkpoint, and few are looked at: of most the generator's batch-norm statistics
/// are left out, mean 0 and variance 1. ModelFile::statistics then has this key, with this value.
constexpr const char* kGeneratorStatistics = "generator";
constexpr const char* kNoStatistics = "none: mean 0, variance 1";

DCGAN_EXPORT bool lacks_generator_statistics(const ModelFile& model);

}  // namespace dcgan::models
