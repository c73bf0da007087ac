#include "train/spectral_norm.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <string>
#include <vector>

#include "dcgan/errors.h"
#include "dcgan/seeds.h"

namespace dcgan::train {
namespace {

constexpr int kFirstIterations = 15;  // as PyTorch's parametrizations.spectral_norm
constexpr double kLeastLength = 1e-12;

at::Tensor of_length_one(const at::Tensor& x) { return x.div(x.norm().clamp_min(kLeastLength)); }

// In the order of left_.
std::vector<at::Tensor*> weights_of(nn::Discriminator& network) {
  std::vector<at::Tensor*> all;
  for (nn::Convolution& c : network.convolutions) all.push_back(&c.weight);
  for (at::Tensor* dense : {&network.hidden.weight, &network.head}) {
    if (dense->defined()) all.push_back(dense);
  }
  return all;
}

at::Tensor as_matrix(const at::Tensor& weight) { return weight.flatten(1); }

// The right singular vector that belongs to the left one.
at::Tensor right_of(const at::Tensor& matrix, const at::Tensor& left) { return of_length_one(matrix.t().mv(left)); }

}  // namespace

SpectralNorm::SpectralNorm(const nn::Discriminator& network, uint64_t seed) {
  at::Generator random = at::make_generator<at::CPUGeneratorImpl>(derive_seed(seed, "spectral"));
  nn::Discriminator shared = network;
  for (const at::Tensor* weight : weights_of(shared)) {
    const std::string name = text_of("spectral.", left_.size() + 1);
    left_.emplace_back(name, of_length_one(at::empty({weight->size(0)}, at::kFloat).normal_(0, 1, random)));
  }
  settle(network);
}

void SpectralNorm::settle(const nn::Discriminator& network) {
  for (int i = 0; i < kFirstIterations; ++i) iterate(network);
}

void SpectralNorm::iterate(const nn::Discriminator& network) {
  const at::NoGradGuard no_grad;
  nn::Discriminator shared = network;
  size_t i = 0;
  for (const at::Tensor* weight : weights_of(shared)) {
    at::Tensor& left = left_[i++].second;
    const at::Tensor matrix = as_matrix(*weight);
    left.copy_(of_length_one(matrix.mv(right_of(matrix, left))));
  }
}

nn::Discriminator SpectralNorm::normalised(const nn::Discriminator& network) const {
  nn::Discriminator result = network;
  size_t i = 0;
  for (at::Tensor* weight : weights_of(result)) {
    const at::Tensor& left = left_[i++].second;
    const at::Tensor matrix = as_matrix(*weight);
    const at::Tensor largest = left.dot(matrix.mv(right_of(matrix.detach(), left)));
    *weight = weight->div(largest);
  }
  return result;
}

nn::NamedTensors SpectralNorm::state() const { return left_; }

void SpectralNorm::move_to(c10::Device device) {
  for (auto& [name, left] : left_) left = left.to(device);
}

}  // namespace dcgan::train
