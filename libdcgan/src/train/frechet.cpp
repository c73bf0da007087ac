#include "train/frechet.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cov.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/linalg_eigvalsh.h>

#include <tuple>

namespace dcgan::train {
namespace {

constexpr uint64_t kSeed = 1511'06434;  // of the network's weights, whatever the training's is

int64_t power_of_two_up_to(int64_t size) {
  int64_t power = 8;
  while (2 * power <= size) power *= 2;
  return power;
}

nn::Discriminator fixed_network(int64_t image_size, int64_t channels) {
  ArchitectureOptions options;
  options.image_size = image_size;
  options.kernel = 5;
  options.convs_per_scale = 1;
  options.ndf = 32;
  options.input.channels = channels;
  return nn::make_discriminator(options, kSeed);
}

at::Tensor of_size(const at::Tensor& images, int64_t size) {
  return images.size(2) == size ? images : at::adaptive_avg_pool2d(images, {size, size});
}

}  // namespace

double frechet_distance(const at::Tensor& a, const at::Tensor& b) {
  const int64_t features = a.size(1);
  const at::Tensor covariance_a = a.t().cov().reshape({features, features});  // of one feature it is a number
  const at::Tensor covariance_b = b.t().cov().reshape({features, features});
  // (C C')^(1/2) has the trace of (C^(1/2) C' C^(1/2))^(1/2), which is symmetric.
  const auto [values, vectors] = at::linalg_eigh(covariance_a);
  const at::Tensor root = vectors.mul(values.clamp_min(0).sqrt()).matmul(vectors.t());
  const at::Tensor product = root.matmul(covariance_b).matmul(root);
  const at::Tensor trace =
      covariance_a.trace() + covariance_b.trace() - at::linalg_eigvalsh(product).clamp_min(0).sqrt().sum().mul(2);
  return (a.mean(0) - b.mean(0)).square().sum().add(trace).item<double>();
}

FrechetDistance::FrechetDistance(const Images& real, int64_t count, const ArchitectureOptions& architecture,
                                 c10::Device device)
    : count_(count),
      size_(power_of_two_up_to(architecture.image_size)),
      network_(fixed_network(size_, architecture.input.channels)) {
  nn::move_to(device, network_);
  nn::infer_statistics(network_, count_,
                       [&](int64_t first, int64_t size) { return of_size(real(first, size), size_); });
  real_ = features_of(real);
  constexpr double kLeastDeviation = 1e-6;
  scale_ = real_.std(0).clamp_min(kLeastDeviation).reciprocal();
  real_.mul_(scale_);
}

double FrechetDistance::to(const Images& generated) const {
  return frechet_distance(real_, features_of(generated).mul(scale_));
}

at::Tensor FrechetDistance::features_of(const Images& images) const {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> rows;
  // Generated images are normalised by their minibatch's own statistics: the rule is for them, too.
  nn::for_each_statistics_minibatch(count_, [&](int64_t first, int64_t size) {
    const at::Tensor minibatch = of_size(images(first, size), size_);
    std::vector<at::Tensor> means;
    for (const at::Tensor& map : network_.activations(minibatch, nn::Statistics::kFixed)) {
      means.push_back(map.mean({2, 3}));
    }
    rows.push_back(at::cat(means, 1).to(at::kCPU, at::kDouble));
  });
  return at::cat(rows, 0);
}

}  // namespace dcgan::train
