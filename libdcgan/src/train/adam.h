#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "nn/networks.h"

namespace dcgan::train {

struct AdamOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double weight_decay = 0;
  /// Loshchilov, Hutter 2019, arXiv:1711.05101: weights shrink by learning rate x weight decay, past the moments,
  /// instead of the decay being added to the gradient.
  bool decoupled = false;
};

/// Adam (Kingma, Ba 2015, arXiv:1412.6980) as in the authors' lib/updates.py: epsilon 1e-8 after the square root of the
/// bias-corrected second moment; weight decay added to the gradient. One pass over memory for all of it (ATen's fused
/// kernels).
class Adam {
 public:
  Adam(nn::NamedTensors parameters, const AdamOptions& options);

  /// Euclidean norm over the gradients of all parameters, float32 scalar.
  at::Tensor gradient_norm() const;
  /// One update from the parameters' gradients, which it then drops.
  /// @param learning_rate  float32, one number, on the parameters' device
  void step(const at::Tensor& learning_rate);

  /// "adam.first.<parameter>", "adam.second.<parameter>". Who fills them sets the number of updates, too.
  nn::NamedTensors moments() const;
  void set_updates(int64_t updates);

 private:
  nn::NamedTensors parameters_;
  AdamOptions options_;
  std::vector<at::Tensor> values_, first_, second_, updates_;
};

}  // namespace dcgan::train
