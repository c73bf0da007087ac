// A network trained in PyTorch under other names and with another epsilon: its logits, features and samples are the
// same here (golden/make_state_dicts.py wrote them).
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "dcgan/feature_extractor.h"
#include "dcgan/state_dict.h"
#include "nn/network_tensors.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_near.h"

namespace dcgan {
namespace {

std::string golden(const std::string& name) { return DCGAN_SOURCE_DIR "/tests/golden/state_dict/" + name; }

class StateDictGolden : public testing::Test {
 protected:
  StateDictGolden() {
    std::vector<StateDictReader> files;
    files.emplace_back(golden("netD.pt"));
    files.emplace_back(golden("netG.pt"));
    StateDictOptions options;
    options.architecture = {kSize, 3, 2, 3, 2, kNoise, Latent::kUniform};
    options.mapping =
        nlohmann::json::parse(std::ifstream(golden("mapping.json"))).get<std::map<std::string, std::string>>();
    model_ = model_from_state_dicts(files, options);
    for (size_t k = 0; k < pixels_.size(); ++k) pixels_[k] = static_cast<uint8_t>((k * k / 7 + k * 31) % 256);
  }

  /// Within 1e-5 of the largest value.
  void expect_golden(const at::Tensor& actual, const std::string& name) const {
    const at::Tensor expected = at::tensor(values_.at(name).get<std::vector<double>>(), at::kDouble);
    EXPECT_THAT(actual.reshape({-1}), test::tensor_near(expected, 1e-5 * expected.abs().max().item<double>())) << name;
  }

  static constexpr int64_t kSize = 16;
  static constexpr int64_t kNoise = 4;
  static constexpr int64_t kImages = 3;
  const at::NoGradGuard no_grad_;
  const nlohmann::json values_ = nlohmann::json::parse(std::ifstream(golden("values.json")));
  std::vector<uint8_t> pixels_ = std::vector<uint8_t>(kImages * kSize * kSize * 3);
  ModelFile model_;
};

TEST_F(StateDictGolden, LogitsAndSamplesAreThoseOfPyTorch) {
  const at::Tensor images =
      nn::images_from_pixels(at::from_blob(pixels_.data(), {kImages, kSize, kSize, 3}, at::kByte));
  expect_golden(nn::discriminator_from(model_).forward(images, nn::Statistics::kFixed), "logits");
  const at::Tensor z = at::arange(5 * kNoise, at::kDouble).sin().view({5, kNoise}).to(at::kFloat);
  const at::Tensor samples = nn::generator_from(model_).forward(z, nn::Statistics::kFixed);
  expect_golden(samples.select(3, 5).select(2, 3), "samples");
}

TEST_F(StateDictGolden, FeaturesAreThoseOfPyTorch) {
  const test::TemporaryFolder folder;
  save_model(folder / "m.safetensors", model_);
  FeatureExtractor extractor(folder / "m.safetensors");
  std::vector<float> features(static_cast<size_t>(kImages * extractor.feature_count()));
  extractor.extract(pixels_.data(), kImages, kSize, kSize, 0, features.data());
  expect_golden(at::from_blob(features.data(), {kImages, extractor.feature_count()}, at::kFloat), "features");
}

}  // namespace
}  // namespace dcgan
