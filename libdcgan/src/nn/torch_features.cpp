#include "nn/torch_features.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/max_pool2d.h>

namespace dcgan::nn {

at::Tensor torch_features(const Discriminator& network, const at::Tensor& images, const std::vector<int64_t>& layers,
                          int64_t grid) {
  const at::NoGradGuard no_grad;
  const std::vector<at::Tensor> activations = network.activations(images, Statistics::kFixed);
  std::vector<at::Tensor> parts;
  for (const int64_t layer : layers) {
    const at::Tensor& map = activations[layer - 1];
    const int64_t window = map.size(2) / grid;
    parts.push_back(at::max_pool2d(map, window, window).contiguous().flatten(1));
  }
  return at::cat(parts, 1);
}

}  // namespace dcgan::nn
