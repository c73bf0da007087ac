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

}  // namespace dcgan
