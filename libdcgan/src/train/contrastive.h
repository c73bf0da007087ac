#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "nn/networks.h"

namespace dcgan::train {

/// Chen et al. 2020, arXiv:2002.05709, leave the temperature open; 0.2 is that of Chen, He 2021, arXiv:2003.04297.
constexpr double kTemperature = 0.2;

/// A process needs that many images, of views that are told from each other.
constexpr int64_t kLeastContrasted = 4;

/// Views of the images of a minibatch as directions, of which a process has some: those of the images first to
/// first + N - 1 of `images`.
struct Directions {
  at::Tensor own;  ///< float32 [2 N, D], rows of length 1; first one view of each image, then the other of each
  at::Tensor all;  ///< float32 [2 images, D], the same of the whole minibatch
  int64_t first = 0;
};

/// What telling the views of each image from those of all others gives, for each row of Directions::own.
struct Contrast {
  at::Tensor loss;   ///< float32 [2 N], nats: normalised temperature-scaled cross-entropy
  at::Tensor found;  ///< float32 [2 N], 1 where no view is nearer than the other one of the same image; no gradient
  at::Tensor similarity;  ///< float32 [2 N], mean cosine with the views of other images; no gradient
};
Contrast contrast(const Directions& directions);

/// Weights as LibTorch's dense layers have them at the start: uniform, with a variance of 1 / (3 inputs).
at::Tensor random_dense(at::IntArrayRef shape, int64_t inputs, at::Generator& random);

/// The heads that the contrastive objective sees the discriminator through, each on the means of one convolution's
/// maps: dense, batch norm, ReLU, dense to 128 (Chen et al. 2020). They are of use in training only.
class ContrastiveHeads {
 public:
  ContrastiveHeads() = default;
  /// A head on the last convolution; others on those from the second on where `lower_weight` is more than 0.
  ContrastiveHeads(const std::vector<ConvolutionShape>& convolutions, double lower_weight, uint64_t seed);

  nn::NamedTensors parameters()
      const;  ///< "contrastive6.hidden.weight", "contrastive6.bn.weight", ...; last layer first
  void move_to(c10::Device device);
  void share_batch_norm(const std::function<at::Tensor(const at::Tensor&)>& sum);

  /// Of each head, as float32 [N, 128] whose rows have length 1, what it says of the maps; the last layer's first.
  /// @param maps  as Discriminator::activations() gives them
  std::vector<at::Tensor> directions(const std::vector<at::Tensor>& maps, nn::Statistics statistics) const;

 private:
  struct Head {
    size_t layer;              ///< 1-based
    at::Tensor hidden;         ///< float32 [H, C]
    nn::BatchNorm batch_norm;  ///< [H]
    at::Tensor weight, bias;   ///< float32 [128, H], [128]
  };
  std::vector<Head> heads_;
};

}  // namespace dcgan::train
