#include "dcgan/equalise.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "dcgan/errors.h"
#include "features/torch_features.h"
#include "nn/network_tensors.h"

namespace dcgan {
namespace {

constexpr int64_t kGrid = 4;
constexpr int64_t kMinibatch = 128;
/// Share of its layer's mean variance below which a channel says nothing that is worth being made as large as the
/// others.
constexpr double kLeastVariance = 1e-4;

struct ChannelVariances {
  at::Tensor values;  ///< float64 [channels of all convolutions], mean over the cells of each
  int64_t images = 0;
};

ChannelVariances variances_of(const nn::Discriminator& network, int64_t size, const NextImages& next) {
  std::vector<int64_t> layers;
  int64_t channels = 0;
  for (const nn::Convolution& convolution : network.convolutions) {
    layers.push_back(static_cast<int64_t>(layers.size()) + 1);
    channels += convolution.shape.out_channels;
  }
  ChannelVariances result;
  std::vector<uint8_t> pixels(static_cast<size_t>(kMinibatch * size * size * 3));
  at::Tensor sums = at::zeros({channels * kGrid * kGrid}, at::kDouble);
  at::Tensor squares = at::zeros_like(sums);
  while (const int64_t count = next(pixels.data(), kMinibatch)) {
    const at::Tensor u8 = at::from_blob(pixels.data(), {count, size, size, 3}, at::kByte);
    const at::Tensor rows =
        features::torch_features(network, nn::images_from_pixels(u8), layers, kGrid).to(at::kDouble);
    sums.add_(rows.sum(0));
    squares.add_(rows.square().sum(0));
    result.images += count;
  }
  if (result.images < 2) {
    throw OptionError("deviations of features need two images or more, found " + std::to_string(result.images) + ".");
  }
  const auto images = static_cast<double>(result.images);
  result.values = squares.div(images).sub(sums.div(images).square()).clamp_min(0).view({channels, -1}).mean(1);
  return result;
}

// Makes the channels of convolution `layer` (from 0) as many times as large, seen from above as before.
// @param factors  float32 [C]
void scale_channels(nn::Discriminator& network, size_t layer, const at::Tensor& factors) {
  nn::Convolution& convolution = network.convolutions[layer];
  if (convolution.shape.batch_norm) {
    convolution.batch_norm.weight.mul_(factors);
    convolution.batch_norm.bias.mul_(factors);
  } else {
    convolution.weight.mul_(factors.view({-1, 1, 1, 1}));
  }
  const int64_t channels = factors.size(0);
  if (layer + 1 < network.convolutions.size()) {
    network.convolutions[layer + 1].weight.div_(factors.view({1, channels, 1, 1}));
    return;
  }
  at::Tensor reader = network.hidden.weight.defined() ? network.hidden.weight : network.head;
  if (reader.defined()) reader.view({reader.size(0), channels, -1}).div_(factors.view({1, channels, 1}));
}

}  // namespace

void equalise_channels(ModelFile& model, const NextImages& next, const std::string& source) {
  const at::NoGradGuard no_grad;
  nn::Discriminator network = nn::discriminator_from(model);
  const ChannelVariances variances = variances_of(network, model.architecture.image_size, next);
  const double mean = variances.values.mean().item<double>();
  if (!(mean > 0)) throw Error("the features of all images are equal; there is nothing to be equalised.");
  int64_t first = 0;
  for (size_t layer = 0; layer < network.convolutions.size(); ++layer) {
    const int64_t channels = network.convolutions[layer].shape.out_channels;
    const at::Tensor own = variances.values.narrow(0, first, channels);
    const at::Tensor counted = own.clamp_min(own.mean().mul(kLeastVariance).item<double>());
    scale_channels(network, layer, counted.div(mean).rsqrt().to(at::kFloat));  // the mean variance stays
    first += channels;
  }
  nn::store_tensors(network.parameters(), model.tensors);
  nlohmann::ordered_json training = nlohmann::ordered_json::parse(model.training);
  training["equalised"] = {{"source", source}, {"images", variances.images}};
  model.training = training.dump();
}

}  // namespace dcgan
