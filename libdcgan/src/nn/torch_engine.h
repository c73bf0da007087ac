#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "dcgan/precision.h"
#include "features/inference_engine.h"
#include "nn/networks.h"

namespace dcgan::nn {

/// The discriminator's convolutions by LibTorch's own operators, batch norm folded in: for GPUs, and for the precisions
/// that InferenceEngine has not. Every pass has `batch_size` images, the last one filled up, so that the same kernels
/// run whatever the count. One call at a time.
class TorchEngine : public features::Engine {
 public:
  TorchEngine(const std::vector<FoldedConvolution>& convolutions, const EngineOptions& options, c10::Device device,
              Precision precision);

  void run(const uint8_t* images, int64_t count, float* features) override;

 private:
  struct Layer {
    at::Tensor weight, bias;
    at::Tensor last_scale, last_shift;  ///< [1, C, 1, 1] of a batch norm behind the activation, or undefined
    int64_t stride, pad_before, pad_after;
    double slope;
    bool kept;     ///< whether it gives features
    int64_t pool;  ///< of the map before the next layer; 1: none
  };

  std::vector<Layer> layers_;  ///< up to the last one that is kept
  InputOptions input_;
  int64_t grid_, size_, batch_size_;
  c10::Device device_;
  Precision precision_;
};

/// A discriminator's moments by LibTorch's own operators, for GPUs.
class TorchMoments : public features::MomentEngine {
 public:
  TorchMoments(Discriminator network, const InputOptions& input, c10::Device device);
  void add(const uint8_t* images, int64_t count, MomentAverage& average) override;

 private:
  Discriminator network_;
  InputOptions input_;
  int64_t size_;
  c10::Device device_;
};

}  // namespace dcgan::nn
