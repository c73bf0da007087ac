#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "nn/networks.h"

namespace dcgan::nn {

/// Features by LibTorch's own operators as they are defined: the twin that the engines are tested against.
/// Fixed batch-norm statistics; every wanted layer max-pooled to grid x grid, flattened (C, H, W) and concatenated.
/// @param images  float32 [N, 3, H, W] in [-1, 1]   @param layers  1-based, rising   @return float32 [N, D]
at::Tensor torch_features(const Discriminator& network, const at::Tensor& images, const std::vector<int64_t>& layers,
                          int64_t grid);

}  // namespace dcgan::nn
