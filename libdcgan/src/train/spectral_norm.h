#pragma once

#include <cstdint>

#include "nn/networks.h"

namespace dcgan::train {

/// Divides each weight of a discriminator by its largest singular value, as a matrix [outputs, the rest], which power
/// iteration follows from update to update (Miyato et al. 2018, arXiv:1802.05957). A layer with batch norm computes
/// what it did, but for the gradients' sizes: only the others are bounded.
class SpectralNorm {
 public:
  SpectralNorm() = default;
  /// Begins with 15 iterations.
  SpectralNorm(const nn::Discriminator& network, uint64_t seed);

  /// 15 more, after weights have been set anew.
  void settle(const nn::Discriminator& network);
  /// One iteration, after the weights have changed.
  void iterate(const nn::Discriminator& network);
  /// The network with weights divided, differentiable in the weights; all else is shared with it.
  nn::Discriminator normalised(const nn::Discriminator& network) const;
  /// "spectral.1", ... from the lowest layer on: the left singular vectors.
  nn::NamedTensors state() const;
  void move_to(c10::Device device);

 private:
  nn::NamedTensors left_;  ///< float32 [outputs] each
};

}  // namespace dcgan::train
