// Features on our kernels against LibTorch's operators.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "dcgan/feature_extractor.h"
#include "dcgan/model_file.h"
#include "nn/network_tensors.h"
#include "nn/torch_features.h"
#include "tests/support/small_extractor.h"
#include "tests/support/tensor_near.h"

namespace dcgan {
namespace {

class Extractor : public test::SmallExtractor {
 protected:
  void expect_libtorchs_features() const;
};

TEST_F(Extractor, AgreesWithLibTorchsOwnOperators) { expect_libtorchs_features(); }

TEST_F(Extractor, AgreesWithLibTorchsOwnOperatorsWhateverTheGuidelines) {
  constexpr auto kStrides = Scaling::kStrides;
  for (const GuidelineOptions& guidelines :
       {GuidelineOptions{Scaling::kPooling}, GuidelineOptions{kStrides, NormalizedLayers::kAll},
        GuidelineOptions{kStrides, NormalizedLayers::kNone}, GuidelineOptions{kStrides, {}, 6, Head::kAveragePool},
        GuidelineOptions{kStrides, {}, 0, {}, Activation::kRelu},
        GuidelineOptions{Scaling::kPooling, NormalizedLayers::kNone, 6, Head::kAveragePool, Activation::kRelu}}) {
    model_.architecture.guidelines = guidelines;
    SCOPED_TRACE(to_json(model_.architecture));
    save();
    expect_libtorchs_features();
  }
}

void Extractor::expect_libtorchs_features() const {
  const std::vector<uint8_t> pixels = some_pixels(5);
  for (const FeatureOptions& options : {FeatureOptions{}, FeatureOptions{{1, 4}, 2}, FeatureOptions{{6}, 1}}) {
    FeatureExtractor extractor(path_, options);
    extractor.infer_statistics(feed(pixels, 3), "these images");
    nn::Discriminator network = nn::discriminator_from(model_);
    const at::Tensor u8 = at::from_blob(const_cast<uint8_t*>(pixels.data()), {5, 32, 32, 3}, at::kByte);
    nn::StatisticsAverage average(network);
    average.add(nn::images_from_pixels(u8));
    average.finish();
    const at::Tensor expected =
        nn::torch_features(network, nn::images_from_pixels(u8), extractor.layers(), options.grid);
    const std::vector<float> actual = extract(extractor, pixels);
    const double largest = expected.abs().max().item<double>();
    EXPECT_THAT(at::from_blob(const_cast<float*>(actual.data()), expected.sizes(), at::kFloat),
                test::tensor_near(expected, 1e-5 * largest));
  }
}

TEST_F(Extractor, PoolsFlattensAndConcatenatesAsANaiveLoopDoes) {
  const nn::Discriminator network = nn::discriminator_from(model_);
  const std::vector<uint8_t> pixels = some_pixels(2);
  const at::Tensor images =
      nn::images_from_pixels(at::from_blob(const_cast<uint8_t*>(pixels.data()), {2, 32, 32, 3}, at::kByte));
  const at::NoGradGuard no_grad;
  const auto activations = network.activations(images, nn::Statistics::kFixed);
  const at::Tensor actual = nn::torch_features(network, images, {2, 5}, 4);
  for (int64_t n = 0; n < 2; ++n) {
    int64_t column = 0;
    for (const size_t layer : {2U, 5U}) {
      const at::Tensor map = activations[layer - 1][n].contiguous();
      const auto a = map.accessor<float, 3>();
      const int64_t window = map.size(1) / 4;
      for (int64_t c = 0; c < map.size(0); ++c) {
        for (int64_t y = 0; y < 4; ++y) {
          for (int64_t x = 0; x < 4; ++x, ++column) {
            float largest = a[c][y * window][x * window];
            for (int64_t i = 0; i < window; ++i) {
              for (int64_t j = 0; j < window; ++j) largest = std::max(largest, a[c][y * window + i][x * window + j]);
            }
            ASSERT_EQ(actual[n][column].item<float>(), largest) << "image " << n << " column " << column;
          }
        }
      }
    }
    ASSERT_EQ(column, actual.size(1));
  }
}

TEST_F(Extractor, InBfloat16ComesClose) {
  const std::vector<uint8_t> pixels = some_pixels(5);
  FeatureOptions options;
  options.device = "cpu";
  options.batch_size = 2;
  options.layers = {2, 6};
  FeatureExtractor exact(path_, options);
  options.precision = Precision::kBf16;
  FeatureExtractor rounded(path_, options);
  const std::vector<float> a = extract(exact, pixels), b = extract(rounded, pixels);
  double largest = 0, difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(double{a[i]}));
    difference = std::max(difference, std::abs(double{a[i]} - double{b[i]}));
  }
  EXPECT_GT(difference, 0);
  EXPECT_LT(difference, 0.03 * largest);
}

}  // namespace
}  // namespace dcgan
