#include "train/adam.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

namespace dcgan::train {
namespace {

constexpr double kEpsilon = 1e-8;  // authors' lib/updates.py

}  // namespace

Adam::Adam(nn::NamedTensors parameters, const AdamOptions& options)
    : parameters_(std::move(parameters)), options_(options) {
  for (const auto& [name, value] : parameters_) {
    values_.push_back(value);
    first_.push_back(at::zeros_like(value));
    second_.push_back(at::zeros_like(value));
    updates_.push_back(at::zeros({}, value.options()));
  }
}

at::Tensor Adam::gradient_norm() const {
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& value : values_) gradients.push_back(value.grad());
  return at::stack(at::_foreach_norm(gradients)).norm();
}

void Adam::step(const at::Tensor& learning_rate) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  for (size_t i = 0; i < values_.size(); ++i) {
    // The kernel walks raw memory: a gradient must lie as its parameter does.
    gradients.push_back(values_[i].grad().contiguous(values_[i].suggest_memory_format()));
    updates_[i].add_(1);
  }
  const auto update = [&](auto kernel) {
    kernel(values_, gradients, first_, second_, at::TensorList(), updates_, learning_rate, options_.beta1,
           options_.beta2, options_.weight_decay, kEpsilon, /*amsgrad=*/false, /*maximize=*/false,
           std::optional<at::Tensor>(), std::optional<at::Tensor>());
  };
  if (options_.decoupled) {
    update([](auto&&... arguments) { at::_fused_adamw_(arguments...); });
  } else {
    update([](auto&&... arguments) { at::_fused_adam_(arguments...); });
  }
  for (at::Tensor& value : values_) value.mutable_grad().reset();
}

nn::NamedTensors Adam::moments() const {
  nn::NamedTensors all;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    all.emplace_back("adam.first." + parameters_[i].first, first_[i]);
    all.emplace_back("adam.second." + parameters_[i].first, second_[i]);
  }
  return all;
}

void Adam::set_updates(int64_t updates) {
  for (at::Tensor& count : updates_) count.fill_(updates);
}

}  // namespace dcgan::train
