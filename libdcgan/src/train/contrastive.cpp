#include "train/contrastive.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <limits>
#include <string>

#include "dcgan/errors.h"
#include "dcgan/seeds.h"

namespace dcgan::train {
namespace {

constexpr int64_t kDirectionSize = 128;
constexpr int64_t kHiddenFactor = 4;  // hidden units of every head, by the last layer's channels
constexpr size_t kLowestLayer = 2;

}  // namespace

at::Tensor random_dense(at::IntArrayRef shape, int64_t inputs, at::Generator& random) {
  const double bound = 1 / std::sqrt(static_cast<double>(inputs));
  return at::empty(shape, at::kFloat).uniform_(-bound, bound, random);
}

Contrast contrast(const Directions& directions) {
  const at::Tensor& own = directions.own;
  const int64_t count = own.size(0) / 2;
  const int64_t images = directions.all.size(0) / 2;
  const at::Tensor cosines = own.matmul(directions.all.t());
  const at::Tensor image = at::arange(count, own.options().dtype(at::kLong)).add(directions.first);
  const at::Tensor self = at::cat({image, image.add(images)});
  const at::Tensor partner = at::cat({image.add(images), image});
  const at::Tensor others =
      cosines.div(kTemperature).scatter(1, self.unsqueeze(1), -std::numeric_limits<double>::infinity());
  Contrast result;
  result.loss = at::cross_entropy_loss(others, partner, {}, /*reduction: none*/ 0);
  const at::NoGradGuard no_grad;
  result.found = others.argmax(1).eq(partner).to(at::kFloat);
  const at::Tensor same = cosines.gather(1, self.unsqueeze(1)).add(cosines.gather(1, partner.unsqueeze(1))).squeeze(1);
  result.similarity = cosines.sum(1).sub(same).div(static_cast<double>(2 * images - 2));
  return result;
}

ContrastiveHeads::ContrastiveHeads(const std::vector<ConvolutionShape>& convolutions, double lower_weight,
                                   uint64_t seed) {
  at::Generator random = at::make_generator<at::CPUGeneratorImpl>(derive_seed(seed, "contrastive"));
  const int64_t units = kHiddenFactor * convolutions.back().out_channels;
  for (size_t layer = convolutions.size(); layer >= 1; --layer) {
    if (layer < convolutions.size() && (lower_weight == 0 || layer < kLowestLayer)) break;
    const int64_t channels = convolutions[layer - 1].out_channels;
    Head head;
    head.layer = layer;
    head.hidden = random_dense({units, channels}, channels, random);
    head.batch_norm.weight = at::ones({units});
    head.batch_norm.bias = at::zeros({units});
    head.weight = random_dense({kDirectionSize, units}, units, random);
    head.bias = random_dense({kDirectionSize}, units, random);
    heads_.push_back(std::move(head));
  }
}

nn::NamedTensors ContrastiveHeads::parameters() const {
  nn::NamedTensors all;
  for (const Head& head : heads_) {
    const std::string name = text_of("contrastive", head.layer);
    all.emplace_back(name + ".hidden.weight", head.hidden);
    all.emplace_back(name + ".bn.weight", head.batch_norm.weight);
    all.emplace_back(name + ".bn.bias", head.batch_norm.bias);
    all.emplace_back(name + ".weight", head.weight);
    all.emplace_back(name + ".bias", head.bias);
  }
  return all;
}

void ContrastiveHeads::move_to(c10::Device device) {
  for (Head& head : heads_) {
    for (at::Tensor* t : {&head.hidden, &head.batch_norm.weight, &head.batch_norm.bias, &head.weight, &head.bias}) {
      *t = t->to(device);
    }
  }
}

void ContrastiveHeads::share_batch_norm(const std::function<at::Tensor(const at::Tensor&)>& sum) {
  for (Head& head : heads_) head.batch_norm.sum_over_processes = sum;
}

std::vector<at::Tensor> ContrastiveHeads::directions(const std::vector<at::Tensor>& maps,
                                                     nn::Statistics statistics) const {
  std::vector<at::Tensor> all;
  for (const Head& head : heads_) {
    // Maps as they lie in memory, so that their gradients lie so, too: mean({2, 3}) would give gradients whose rows
    // cross those of all other tensors, which makes LeakyReLU's and the sum of gradients four times as slow.
    const at::Tensor values = maps[head.layer - 1].permute({0, 2, 3, 1}).flatten(1, 2);  // [N, H * W, C]
    const at::Tensor means = values.mean({1}, /*keepdim=*/false, at::kFloat);
    const at::Tensor units = head.batch_norm.forward(at::linear(means, head.hidden), statistics).relu();
    const at::Tensor rows = at::linear(units, head.weight, head.bias).to(at::kFloat);
    constexpr double kLeastLength = 1e-12;
    all.push_back(rows.div(rows.norm(2, {1}, /*keepdim=*/true).clamp_min(kLeastLength)));
  }
  return all;
}

}  // namespace dcgan::train
