#pragma once

#include <cstdint>

#include "dcgan/trainer.h"

namespace dcgan::train {

/// Of the step after `step` steps: rises linearly over the first warm_up_steps, then is constant, then falls over the
/// last decay_steps. Where the parts overlap both hold.
double learning_rate(const TrainOptions& options, int64_t step);

}  // namespace dcgan::train
