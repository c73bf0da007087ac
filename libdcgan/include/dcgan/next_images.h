#pragma once

#include <cstdint>
#include <functional>

namespace dcgan {

/// A stream of images: fills uint8 [n, H, W, 3], RGB, with the next n <= capacity images and returns n; 0 after the
/// last. It is asked again until a minibatch is full.
using NextImages = std::function<int64_t(uint8_t* pixels, int64_t capacity)>;

}  // namespace dcgan
