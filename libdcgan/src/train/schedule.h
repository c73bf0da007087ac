#pragma once

#include <cstdint>

#include "dcgan/trainer.h"

namespace dcgan::train {

/// The share of the learning rate that the step after `step` steps has: rises linearly over the first warm_up_steps,
/// then is constant, then falls over the last decay_steps. Where the parts overlap both hold.
double rate_share(const TrainOptions& options, int64_t step);

}  // namespace dcgan::train
