#pragma once

#include <string>

#include "dcgan/model_file.h"
#include "dcgan/next_images.h"
#include "features/engine.h"

namespace dcgan::features {

/// dcgan::infer_statistics() for the discriminator alone, on the given engine: changes its tensors and `statistics`.
/// @param source  name of the images
void infer_discriminator_statistics(ModelFile& model, const NextImages& next, const std::string& source,
                                    MomentEngine& engine);

}  // namespace dcgan::features
