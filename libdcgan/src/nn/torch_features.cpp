#include "nn/torch_features.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/adaptive_max_pool2d.h>
#include <ATen/ops/cat.h>

#include <tuple>

namespace dcgan::nn {

at::Tensor torch_features(const Discriminator& network, const at::Tensor& images, const std::vector<int64_t>& layers,
                          int64_t grid) {
  const at::NoGradGuard no_grad;
  const std::vector<at::Tensor> activations = network.activations(images, Statistics::kFixed);
  std::vector<at::Tensor> parts;
  for (const int64_t layer : layers) {
    const at::Tensor& map = activations[static_cast<size_t>(layer - 1)];
    parts.push_back(std::get<0>(at::adaptive_max_pool2d(map, {grid, grid})).contiguous().flatten(1));
  }
  return at::cat(parts, 1);
}

}  // namespace dcgan::nn
