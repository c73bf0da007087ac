#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "features/inference_engine.h"

namespace dcgan::test {

/// kernel, stride and channels of a layer.
struct Step {
  int64_t kernel, stride, channels;
  int64_t pool = 1;
  int64_t pad_before = (kernel - 1) / 2, pad_after = kernel / 2;
  bool norm_last = false;
};

struct Network {
  std::vector<FoldedConvolution> convolutions;
  int64_t size;

  std::vector<int64_t> all_layers() const {
    std::vector<int64_t> layers;
    for (size_t i = 0; i < convolutions.size(); ++i) layers.push_back(static_cast<int64_t>(i) + 1);
    return layers;
  }
};

/// Weights of the size that keeps the maps' spread (He et al. 2015, arXiv:1502.01852), biases beside them.
inline Network make_network(int64_t size, const std::vector<Step>& steps, int64_t channels = 3) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  Network network{{}, size};
  int64_t in = channels;
  for (const Step& s : steps) {
    const int64_t out = (size + s.pad_before + s.pad_after - s.kernel) / s.stride + 1;
    FoldedConvolution c{in, s.channels, s.kernel, s.stride, size, out, {}, {}};
    const float spread = std::sqrt(2.0F / static_cast<float>(in * s.kernel * s.kernel));
    c.weight.resize(static_cast<size_t>(in * s.channels * s.kernel * s.kernel));
    c.bias.resize(static_cast<size_t>(s.channels));
    c.pool = s.pool;
    c.pad_before = s.pad_before;
    c.pad_after = s.pad_after;
    for (float& w : c.weight) w = spread * normal(random);
    for (float& b : c.bias) b = 0.1F * normal(random);
    for (int64_t i = 0; s.norm_last && i < s.channels; ++i) {
      c.last_scale.push_back(1 + 0.3F * normal(random));
      c.last_shift.push_back(0.3F * normal(random));
    }
    network.convolutions.push_back(c);
    in = s.channels;
    size = out / s.pool;
  }
  return network;
}

inline std::vector<uint8_t> make_images(int64_t count, int64_t size) {
  std::mt19937 random(11);
  std::vector<uint8_t> images(static_cast<size_t>(count * size * size * 3));
  for (uint8_t& x : images) x = static_cast<uint8_t>(random() % 256);
  return images;
}

}  // namespace dcgan::test
