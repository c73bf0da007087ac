#include "dcgan/equalise.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/ones_like.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <vector>

#include "dcgan/errors.h"
#include "dcgan/models.h"
#include "dcgan/statistics.h"
#include "nn/network_tensors.h"
#include "nn/torch_features.h"
#include "tests/support/tensor_near.h"

namespace dcgan {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr int64_t kImages = 40;
constexpr int64_t kSize = 16;

std::vector<uint8_t> pixels() {
  std::vector<uint8_t> values;
  for (int64_t i = 0; i < kImages * kSize * kSize * 3; ++i) {
    values.push_back(static_cast<uint8_t>((7 * i * i + 13 * i + 31 * (i / 97)) % 251));
  }
  return values;
}

// The first `count` images, some at a time.
NextImages images(const std::vector<uint8_t>& all, int64_t count = kImages) {
  return [&all, count, done = int64_t{0}](uint8_t* to, int64_t capacity) mutable {
    const int64_t n = std::min({capacity, count - done, int64_t{7}});
    std::copy_n(all.begin() + done * kSize * kSize * 3, n * kSize * kSize * 3, to);
    done += n;
    return n;
  };
}

// With statistics of the images, and scales and shifts that differ from channel to channel.
ModelFile model_of(const ArchitectureOptions& architecture, const std::vector<uint8_t>& all) {
  ModelFile model = initialised_model(architecture, 1);
  const nn::Discriminator network = nn::discriminator_from(model);
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : network.parameters()) {
    if (name.find(".bn") != std::string::npos) at::Tensor(tensor).add_(at::Tensor(tensor).cumsum(0), 0.3);
    if (name.find(".bias") != std::string::npos) at::Tensor(tensor).add_(0.1);
  }
  nn::store_tensors(network.parameters(), model.tensors);
  infer_statistics(model, images(all), {"images", 1, 1});
  return model;
}

at::Tensor inputs(const std::vector<uint8_t>& all) {
  return nn::images_from_pixels(
      at::from_blob(const_cast<uint8_t*>(all.data()), {kImages, kSize, kSize, 3}, at::kByte).clone());
}

// float32 [channels of all layers], of the features max-pooled to 4x4
at::Tensor deviations(const ModelFile& model, const std::vector<uint8_t>& all) {
  std::vector<int64_t> layers;
  for (int64_t layer = 1; layer <= model.convolutions; ++layer) layers.push_back(layer);
  const at::Tensor rows = nn::torch_features(nn::discriminator_from(model), inputs(all), layers, 4);
  return rows.var(0, /*unbiased=*/false).view({-1, 16}).mean(1).sqrt();
}

class Equalising : public testing::TestWithParam<int> {
 protected:
  static ArchitectureOptions architecture() {
    ArchitectureOptions o;
    o.image_size = kSize;
    o.ndf = o.ngf = 3;
    o.nz = 5;
    switch (GetParam()) {
      case 1:
        o.guidelines.batch_norm = NormalizedLayers::kAll;
        break;
      case 2:
        o.guidelines.batch_norm = NormalizedLayers::kNone;
        break;
      case 3:
        o.guidelines.scaling = Scaling::kPooling;
        break;
      case 4:
        o.guidelines.hidden_dense = 6;
        break;
      case 5:
        o.guidelines.head = Head::kAveragePool;
        break;
      case 6:
        o.guidelines.activation = Activation::kRelu;
        break;
      default:
        break;
    }
    return o;
  }
};

TEST_P(Equalising, GivesAllChannelsOneDeviationAndLeavesTheLogits) {
  const std::vector<uint8_t> all = pixels();
  ModelFile model = model_of(architecture(), all);
  const at::Tensor before = deviations(model, all);
  const at::Tensor logits = nn::discriminator_from(model).forward(inputs(all), nn::Statistics::kFixed);
  ASSERT_GT(before.max().item<float>(), 1.5 * before.min().item<float>());
  equalise_channels(model, images(all), "forty images");
  const at::Tensor after = nn::discriminator_from(model).forward(inputs(all), nn::Statistics::kFixed);
  const double scale = logits.abs().max().item<double>();
  EXPECT_THAT(after, test::tensor_near(logits, 1e-5 * scale));
  const at::Tensor equal = deviations(model, all);
  const double mean_variance = before.square().mean().item<double>();
  EXPECT_THAT(equal.square().div(mean_variance), test::tensor_near(at::ones_like(equal), 1e-3));
  EXPECT_THAT(model.training, HasSubstr(R"("equalised":{"source":"forty images","images":40})"));
}

INSTANTIATE_TEST_SUITE_P(OfEveryGuideline, Equalising, testing::Range(0, 7));

TEST(EqualiseChannels, RefusesASingleImageAndImagesWithoutVariance) {
  const std::vector<uint8_t> all = pixels();
  ArchitectureOptions architecture;
  architecture.image_size = kSize;
  architecture.ndf = architecture.ngf = 3;
  ModelFile model = model_of(architecture, all);
  EXPECT_THAT([&] { equalise_channels(model, images(all, 1), "one"); },
              ThrowsMessage<OptionError>(HasSubstr("need two images or more, found 1")));
  const std::vector<uint8_t> grey(all.size(), 90);
  EXPECT_THAT([&] { equalise_channels(model, images(grey), "grey"); },
              ThrowsMessage<Error>(HasSubstr("the features of all images are equal")));
}

}  // namespace
}  // namespace dcgan
