#pragma once

#include <cstdint>
#include <vector>

#include "dcgan/architecture.h"

namespace dcgan::features {

/// A minibatch of noise for a generator: float32 [128, Z] from the architecture's distribution. The numbers are those
/// that LibTorch draws from this seed, as training uses them: uniform ones to the bit, normal ones up to rounding.
std::vector<float> draw_noise_minibatch(const ArchitectureOptions& options, uint64_t seed);

}  // namespace dcgan::features
