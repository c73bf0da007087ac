// Networks of others as find_network() finds them: logits and samples are PyTorch's, and both engines' features
// LibTorch's (golden/make_networks.py wrote the values; the features are also compared in tests/features).
#include "tests/support/imported_networks.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "dcgan/keras_file.h"
#include "dcgan/keras_network.h"
#include "features/network_moments.h"
#include "nn/network_tensors.h"
#include "nn/networks.h"
#include "nn/torch_features.h"
#include "tests/support/tensor_near.h"

namespace dcgan {
namespace {

class ImportedNetwork : public testing::TestWithParam<const char*> {
 protected:
  ImportedNetwork() : model_(test::imported({std::string(GetParam()) + ".pt"}, test::facts_of(GetParam()))) {
    const int64_t size = model_.architecture.image_size;
    pixels_ = test::golden_pixels(size);
    const at::Tensor u8 = at::from_blob(pixels_.data(), {test::kGoldenImages, size, size, 3}, at::kByte);
    images_ = nn::images_from_pixels(u8, model_.architecture.input);
  }

  /// Within 1e-5 of the largest value.
  static void expect_golden(const at::Tensor& actual, const nlohmann::json& values) {
    const at::Tensor expected = at::tensor(values.get<std::vector<double>>(), at::kDouble);
    EXPECT_THAT(actual.reshape({-1}), test::tensor_near(expected, 1e-5 * expected.abs().max().item<double>()));
  }

  const at::NoGradGuard no_grad_;
  ModelFile model_;
  std::vector<uint8_t> pixels_;
  at::Tensor images_;
};

TEST_P(ImportedNetwork, HasTheLogitsAndFeaturesOfPyTorch) {
  const nn::Discriminator network = nn::discriminator_from(model_);
  expect_golden(network.forward(images_, nn::Statistics::kFixed), test::golden_values().at(GetParam()).at("logits"));
  std::vector<int64_t> layers;
  for (int64_t i = 1; i <= model_.convolutions; ++i) layers.push_back(i);
  expect_golden(nn::torch_features(network, images_, layers, 4), test::golden_values().at(GetParam()).at("features"));
}

TEST_P(ImportedNetwork, GivesThePixelsBackThatItsInputWasMadeOf) {
  if (model_.architecture.input.channels == 1) GTEST_SKIP() << "colours do not come back from grey";
  const at::Tensor back = nn::pixels_from_images(images_, model_.architecture.input);
  EXPECT_TRUE(std::equal(pixels_.begin(), pixels_.end(), back.const_data_ptr<uint8_t>()));
}

// Of the authors' rule, for which the kernels of extraction run the network: the same as LibTorch's.
TEST_P(ImportedNetwork, HasTheBatchStatisticsOfLibTorch) {
  nn::Discriminator network = nn::discriminator_from(model_);
  MomentAverage expected, found;
  nn::add_moments(network, images_, expected);
  features::NetworkMoments::of_discriminator(model_, 2).add(pixels_.data(), test::kGoldenImages, found);
  for (size_t layer = 1; layer <= static_cast<size_t>(model_.convolutions); ++layer) {
    ASSERT_EQ(found.has(layer), expected.has(layer)) << layer;
    if (!expected.has(layer)) continue;
    const Moments a = expected.average(layer), b = found.average(layer);
    for (size_t c = 0; c < a.mean.size(); ++c) {
      EXPECT_NEAR(b.mean[c], a.mean[c], 1e-4 * (1 + std::abs(a.mean[c]))) << layer;
      EXPECT_NEAR(b.variance[c], a.variance[c], 1e-4 * (1 + a.variance[c])) << layer;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(OfPyTorch, ImportedNetwork, testing::ValuesIn(test::kGoldenNetworks),
                         [](const auto& test) { return std::string(test.param); });

/// Of files of Keras, golden/keras/NAME.h5.
ModelFile model_of_keras(const std::vector<std::string>& names) {
  NetworkFacts facts;
  std::vector<StateDictReader> files;
  for (const std::string& name : names) {
    const std::string path = DCGAN_SOURCE_DIR "/tests/golden/keras/" + name + ".h5";
    KerasNetwork network = keras_network(path, read_keras_file(path), facts);
    facts = network.facts;
    files.push_back(std::move(network.tensors));
  }
  return test::model_of(files, facts);
}

at::Tensor values_of_keras(const std::string& name, const char* what) {
  static const auto all = nlohmann::json::parse(std::ifstream(DCGAN_SOURCE_DIR "/tests/golden/keras/values.json"));
  return at::tensor(all.at(name).at(what).get<std::vector<double>>(), at::kDouble);
}

// golden/make_keras.py made the values. Features do not see the dense layer, whose inputs Keras has as [H, W, C].
TEST(KerasHead, HasTheLogitsOfKeras) {
  const at::NoGradGuard no_grad;
  for (const char* name : {"tutorial28", "example64"}) {
    const ModelFile model = model_of_keras({name});
    const int64_t size = model.architecture.image_size;
    std::vector<uint8_t> pixels = test::golden_pixels(size);
    const at::Tensor u8 = at::from_blob(pixels.data(), {test::kGoldenImages, size, size, 3}, at::kByte);
    const at::Tensor images = nn::images_from_pixels(u8, model.architecture.input);
    EXPECT_THAT(nn::discriminator_from(model).forward(images, nn::Statistics::kFixed).reshape({-1}),
                test::tensor_near(values_of_keras(name, "logits"), 1e-5))
        << name;
  }
}

// Kernels are turned, units permuted and paddings uneven on the way.
TEST(ImportedGenerator, HasTheSamplesOfKeras) {
  const at::NoGradGuard no_grad;
  const std::pair<const char*, const char*> pairs[] = {{"tutorial28", "generator28"}, {"example64", "generator64"}};
  for (const auto& [discriminator, generator] : pairs) {
    const nn::Generator built = nn::generator_from(model_of_keras({discriminator, generator}));
    const at::Tensor z = at::arange(18, at::kDouble).sin().view({3, 6}).to(at::kFloat);
    const at::Tensor samples = built.forward(z, nn::Statistics::kFixed);
    EXPECT_THAT(samples.select(3, 5).select(2, 3).reshape({-1}),
                test::tensor_near(values_of_keras(generator, "samples"), 1e-5))
        << generator;
  }
}

class GeneratorOfPyTorch : public testing::TestWithParam<const char*> {};

TEST_P(GeneratorOfPyTorch, HasItsSamplesAndBatchStatisticsOfLibTorch) {
  const at::NoGradGuard no_grad;
  const std::string name = GetParam();
  const ModelFile model = test::imported({name + ".pt", name + "G.pt"});
  const auto values = test::golden_values().at(name + "G").at("samples");
  const at::Tensor expected = at::tensor(values.get<std::vector<double>>(), at::kDouble);
  const at::Tensor z = at::arange(18, at::kDouble).sin().view({3, 6}).to(at::kFloat);
  nn::Generator generator = nn::generator_from(model);
  const at::Tensor samples = generator.forward(z, nn::Statistics::kFixed);
  EXPECT_THAT(samples.select(3, 5).select(2, 3).reshape({-1}),
              test::tensor_near(expected, 1e-5 * expected.abs().max().item<double>()));
  MomentAverage theirs, ours;
  nn::add_moments(generator, z, theirs);
  features::NetworkMoments::of_generator(model, 2).add_noise(
      {z.const_data_ptr<float>(), z.const_data_ptr<float>() + 18}, ours);
  for (size_t layer = 0; layer < 5; ++layer) {
    ASSERT_EQ(ours.has(layer), theirs.has(layer)) << layer;
    if (!theirs.has(layer)) continue;
    const Moments a = theirs.average(layer), b = ours.average(layer);
    ASSERT_EQ(a.mean.size(), b.mean.size());
    for (size_t c = 0; c < a.mean.size(); ++c) EXPECT_NEAR(b.variance[c], a.variance[c], 1e-4 * (1 + a.variance[c]));
  }
}

INSTANTIATE_TEST_SUITE_P(ImportedGenerator, GeneratorOfPyTorch, testing::Values("pytorch64", "pytorchgan32"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace dcgan
