#include "nn/torch_engine.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/adaptive_max_pool2d.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/max_pool2d.h>

#include <algorithm>
#include <cstring>
#include <tuple>

#include "nn/precision.h"

namespace dcgan::nn {
TorchEngine::TorchEngine(const std::vector<FoldedConvolution>& convolutions, const EngineOptions& options,
                         c10::Device device, Precision precision)
    : input_(options.input),
      grid_(options.grid),
      size_(convolutions.front().size_in),
      batch_size_(options.batch_size),
      device_(device),
      precision_(precision) {
  const at::ScalarType type = precision == Precision::kBf16 ? at::kBFloat16 : at::kFloat;
  const auto on_device = [&](const std::vector<float>& values, at::IntArrayRef shape) {
    return at::from_blob(const_cast<float*>(values.data()), shape, at::kFloat).to(device, type, false, true);
  };
  for (int64_t i = 1; i <= options.layers.back(); ++i) {
    const FoldedConvolution& c = convolutions[i - 1];
    const bool kept = std::find(options.layers.begin(), options.layers.end(), i) != options.layers.end();
    const auto last = [&](const std::vector<float>& values) {
      return values.empty() ? at::Tensor() : on_device(values, {1, c.out_channels, 1, 1});
    };
    layers_.push_back({on_device(c.weight, {c.out_channels, c.in_channels, c.kernel, c.kernel})
                           .contiguous(at::MemoryFormat::ChannelsLast),
                       on_device(c.bias, {c.out_channels}), last(c.last_scale), last(c.last_shift), c.stride,
                       c.pad_before, c.pad_after, c.slope, kept, c.pool});
  }
}

void TorchEngine::run(const uint8_t* images, int64_t count, float* features) {
  const at::NoGradGuard no_grad;
  const Tf32Scope tf32(precision_);
  const auto image_bytes = static_cast<size_t>(size_ * size_ * 3);
  at::Tensor pixels = at::empty({batch_size_, size_, size_, 3}, at::kByte).zero_();
  for (int64_t first = 0; first < count; first += batch_size_) {
    const int64_t n = std::min(batch_size_, count - first);
    std::memcpy(pixels.mutable_data_ptr(), images + static_cast<size_t>(first) * image_bytes,
                static_cast<size_t>(n) * image_bytes);
    at::Tensor x = images_from_pixels(pixels.to(device_), input_).to(layers_.front().weight.scalar_type());
    std::vector<at::Tensor> parts;
    for (const Layer& layer : layers_) {
      const int64_t even = std::min(layer.pad_before, layer.pad_after);
      const int64_t before = layer.pad_before - even, after = layer.pad_after - even;
      if (before + after > 0) x = at::constant_pad_nd(x, {before, after, before, after});
      x = at::conv2d(x, layer.weight, layer.bias, layer.stride, even);
      at::leaky_relu_(x, layer.slope);
      if (layer.last_scale.defined()) x = x.mul_(layer.last_scale).add_(layer.last_shift);
      if (layer.kept) {
        parts.push_back(std::get<0>(at::adaptive_max_pool2d(x, {grid_, grid_})).contiguous().flatten(1));
      }
      if (layer.pool > 1) x = at::max_pool2d(x, layer.pool);
    }
    const at::Tensor rows = at::cat(parts, 1).slice(0, 0, n).to(at::kCPU, at::kFloat).contiguous();
    std::memcpy(features + first * rows.size(1), rows.const_data_ptr<float>(), rows.numel() * sizeof(float));
  }
}

TorchMoments::TorchMoments(Discriminator network, const InputOptions& input, c10::Device device)
    : network_(std::move(network)), input_(input), size_(network_.convolutions.front().shape.size_in), device_(device) {
  move_to(device_, network_);
}

void TorchMoments::add(const uint8_t* images, int64_t count, MomentAverage& average) {
  const at::Tensor pixels = at::from_blob(const_cast<uint8_t*>(images), {count, size_, size_, 3}, at::kByte);
  add_moments(network_, images_from_pixels(pixels.to(device_), input_), average);
}

}  // namespace dcgan::nn
