#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

#include "nn/networks.h"

namespace dcgan::train {

/// Squared Fréchet distance between the Gaussians that have the means and covariances of two sets of features:
/// |m - m'|^2 + tr(C + C' - 2 (C C')^(1/2)) (Dowson, Landau 1982, J. Multivariate Analysis 12, 450).
/// @param a, b  float64 [N, D] on the CPU, N at least 2
double frechet_distance(const at::Tensor& a, const at::Tensor& b);

/// The distance between real and generated images, as Heusel et al. 2017 (arXiv:1706.08500) measure trainings of GANs,
/// but with the features of a network of ours that is the same for all trainings: a discriminator of 5x5 convolutions,
/// one a scale, from 32 channels on, at its initial weights, with batch-norm statistics of the real images; of each
/// channel the mean over the map (224 features at 32x32), in units of its standard deviation over the real images.
/// Values compare trainings on the same images. They are not FID, which takes Inception's features, and have another
/// scale. Images of no power of two are reduced to one by averaging.
class FrechetDistance {
 public:
  /// Images first .. first + count - 1 of a set: float32 [count, C, H, W], as a discriminator takes them.
  using Images = std::function<at::Tensor(int64_t first, int64_t count)>;

  /// @param count         of the real images, and of the generated ones, at least 2
  /// @param architecture  of the networks that take and make such images
  FrechetDistance(const Images& real, int64_t count, const ArchitectureOptions& architecture, c10::Device device);

  double to(const Images& generated) const;

 private:
  at::Tensor features_of(const Images& images) const;

  int64_t count_;
  int64_t size_;  ///< that the network takes
  nn::Discriminator network_;
  at::Tensor scale_;  ///< float64 [D]
  at::Tensor real_;   ///< features, float64 [count, D]
};

}  // namespace dcgan::train
