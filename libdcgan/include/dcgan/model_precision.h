#pragma once

#include "dcgan/export.h"
#include "dcgan/float_storage.h"
#include "dcgan/model_file.h"

namespace dcgan {

/// Stores a model's weights as float32 or float16. The batch-norm statistics stay float32: variances may be larger or
/// smaller than a float16 can be, and there are few of them.
/// @throws Error naming a tensor with values that are not finite, or not finite as float16 (which ends at 65504).
DCGAN_EXPORT void store_weights_as(FloatStorage storage, ModelFile& model);

}  // namespace dcgan
