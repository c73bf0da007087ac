// The released arrays through the whole float32 pipeline, against values computed in float64 by another program
// (golden/make_released.py). A mirrored kernel costs the SVM about one point only: these values and a look at samples
// are what finds it.
#include <ATen/TensorIndexing.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "dcgan/released_weights.h"
#include "nn/network_tensors.h"
#include "nn/torch_features.h"

namespace dcgan {
namespace {

constexpr int64_t kImages = 8;

std::string golden(const std::string& name) { return DCGAN_SOURCE_DIR "/tests/golden/released/" + name; }

/// z[i][j] = 2 sin(0.1 (nz i + j) + i i)
at::Tensor golden_noise(int64_t nz) {
  const at::Tensor i = at::arange(kImages, at::kDouble).unsqueeze(1);
  const at::Tensor j = at::arange(nz, at::kDouble);
  return (0.1 * (nz * i + j) + i * i).sin().mul(2).to(at::kFloat);
}

class ReleasedGolden : public testing::TestWithParam<const char*> {
 protected:
  static std::vector<double> values_of(const at::Tensor& tensor) {
    const at::Tensor doubles = tensor.to(at::kDouble).contiguous();
    return {doubles.const_data_ptr<double>(), doubles.const_data_ptr<double>() + doubles.numel()};
  }

  /// Each value to 1e-4, relative where it is larger than 1.
  void expect_near(const std::string& name, const at::Tensor& actual, const std::vector<double>& wanted) {
    const std::vector<double> found = values_of(actual);
    ASSERT_EQ(found.size(), wanted.size()) << name;
    for (size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_NEAR(found[i], wanted[i], 1e-4 * std::max(1.0, std::abs(wanted[i]))) << name << " " << i;
    }
  }

  const at::NoGradGuard no_grad_;
};

TEST_P(ReleasedGolden, SamplesLogitsStatisticsAndFeaturesAreThoseOfTheFloat64Reference) {
  const std::string name = GetParam();
  std::string folder = golden(name);
  if (name == "svhn") {
    const char* data = std::getenv("DCGAN_DATA_DIR");
    if (data == nullptr) GTEST_SKIP() << "DCGAN_DATA_DIR is not set; it names the folder with released-weights/svhn";
    folder = std::string(data) + "/released-weights/svhn";
  }
  const nlohmann::json expected = nlohmann::json::parse(std::ifstream(golden("values.json"))).at(name);

  const ModelFile model = read_released_weights(folder, /*partial=*/false);
  nn::Discriminator discriminator = nn::discriminator_from(model);
  const at::Tensor z = golden_noise(model.architecture.nz);
  const at::Tensor images = nn::generator_from(model).forward(z, nn::Statistics::kBatch);
  expect_near("mean of the images", images.mean().view({1}), {expected["images"][0].get<double>()});
  expect_near("deviation", images.std(/*unbiased=*/false).view({1}), {expected["images"][1].get<double>()});
  expect_near("minimum", images.min().view({1}), {expected["images"][2].get<double>()});
  expect_near("maximum", images.max().view({1}), {expected["images"][3].get<double>()});
  using at::indexing::Slice;
  const auto pixel = [&](int64_t n, int64_t y, int64_t x) { return images.index({n, Slice(), y, x}); };
  expect_near("pixels", at::cat({pixel(0, 0, 0), pixel(7, 16, 16), pixel(3, 5, 26)}), expected["pixels"]);

  expect_near("logits", discriminator.forward(images, nn::Statistics::kBatch), expected["logits"]);

  nn::StatisticsAverage average(discriminator);
  average.add(images);
  average.finish();
  size_t normalised = 0;
  std::vector<int64_t> layers;
  for (const nn::Convolution& c : discriminator.convolutions) {
    layers.push_back(static_cast<int64_t>(layers.size()) + 1);
    if (!c.shape.batch_norm) continue;
    const std::string layer = "layer " + std::to_string(layers.back());
    expect_near("mean of " + layer, c.batch_norm.running_mean.slice(0, 0, 4), expected["means"][normalised]);
    expect_near("variance of " + layer, c.batch_norm.running_var.slice(0, 0, 4), expected["variances"][normalised]);
    ++normalised;
  }
  EXPECT_EQ(normalised, expected["means"].size());

  const at::Tensor features = nn::torch_features(discriminator, images, layers, 4);
  expect_near("first features", features[0].slice(0, 0, 16), expected["first_features_of_image_0"]);
  expect_near("last features", features[7].slice(0, -16), expected["last_features_of_image_7"]);
  int64_t begin = 0;
  for (size_t i = 0; i < layers.size(); ++i) {
    const int64_t end = begin + 16 * discriminator.convolutions[i].shape.out_channels;
    expect_near("mean of the features of layer " + std::to_string(i + 1),
                features.slice(1, begin, end).mean().view({1}), {expected["feature_means"][i].get<double>()});
    begin = end;
  }
  EXPECT_EQ(begin, features.size(1));
}

INSTANTIATE_TEST_SUITE_P(, ReleasedGolden, testing::Values("svhn-like", "imagenet32-like", "svhn"),
                         [](const auto& network) {
                           std::string name = network.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace dcgan
