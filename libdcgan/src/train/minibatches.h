#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "dcgan/packed_images.h"

namespace dcgan::train {

/// The training images in memory, and the minibatch of any position in the shuffled stream: a function of seed and
/// position alone, so that a training can go on anywhere.
class Minibatches {
 public:
  Minibatches(const PackedImageReader& images, int64_t batch_size, uint64_t seed, c10::Device device);

  /// The last minibatch may be short; one of a single image is left out, as the generator's batch norm over N needs
  /// two.
  /// Another order from now on.
  void reseed(uint64_t seed) {
    seed_ = seed;
    epoch_ = -1;
  }

  int64_t per_epoch() const { return (count_ + batch_size_ - 2) / batch_size_; }
  /// Number of images of a minibatch.
  int64_t size_of(int64_t position) const;
  /// Minibatch `position` (0, 1, ...): float32 [N, 3, H, W] in [-1, 1], channels last in memory.
  at::Tensor at(int64_t position);
  /// Images of the given rows, in that order, as at() gives them.
  at::Tensor rows(const int64_t* first, int64_t count) const;

 private:
  int64_t count_, batch_size_;
  uint64_t seed_;
  at::Tensor pixels_;  ///< uint8 [N, H, W, 3]
  int64_t epoch_ = -1;
  std::vector<int64_t> order_;
};

}  // namespace dcgan::train
