#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "dcgan/export.h"

namespace dcgan {

/// The seed of one purpose ("shuffle", "noise", ...) and one position (epoch, step) below a root seed. Every random
/// thing in the project takes its seed from here, so that a run is a function of its root seed.
DCGAN_EXPORT uint64_t derive_seed(uint64_t root, std::string_view purpose, uint64_t position = 0);

/// A random order of 0 .. count - 1 (Fisher-Yates on std::mt19937_64): the same on every platform.
DCGAN_EXPORT std::vector<int64_t> shuffled_indices(int64_t count, uint64_t seed);

}  // namespace dcgan
