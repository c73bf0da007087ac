#pragma once

#include <cstdint>

// Numbers of the published networks that both ways of running them need: kernels of ours and LibTorch.
namespace dcgan {

/// arXiv:1511.06434, section 4; the authors' lib/activations.py.
constexpr double kLeakySlope = 0.2;
/// The authors' lib/ops.py, batchnorm(); PyTorch's default is 1e-5.
constexpr double kBatchNormEpsilon = 1e-8;
/// The authors' rule: batch-norm statistics are averages over minibatches of 128 images.
constexpr int64_t kStatisticsMinibatch = 128;

/// Size of the next of these minibatches. A single image that would be left over at the end goes with those before it:
/// its own variance is 0, and what is divided by that would count as much as 128 others.
constexpr int64_t statistics_minibatch_of(int64_t images_left) {
  return images_left <= kStatisticsMinibatch + 1 ? images_left : kStatisticsMinibatch;
}

}  // namespace dcgan
