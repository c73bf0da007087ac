#include "nn/torch_engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/features/small_networks.h"

namespace dcgan::nn {
namespace {

void expect_features_of_the_inference_engine(const test::Network& network) {
  const std::vector<uint8_t> images = test::make_images(5, 16);
  EngineOptions options;
  options.layers = {1, 3};
  options.grid = 2;
  options.batch_size = 2;
  InferenceEngine ours(network.convolutions, options);
  std::vector<float> expected(static_cast<size_t>(5 * ours.feature_count()));
  ours.run(images.data(), 5, expected.data());
  TorchEngine engine(network.convolutions, options, c10::Device(c10::kCPU), Precision::kF32);
  std::vector<float> features(expected.size(), NAN);
  engine.run(images.data(), 5, features.data());
  double largest = 0;
  for (const float value : expected) largest = std::max(largest, std::abs(double{value}));
  for (size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(features[i], expected[i], 1e-5 * largest) << i;
  std::vector<float> first(features.size() / 5, NAN);
  engine.run(images.data(), 1, first.data());
  EXPECT_TRUE(std::equal(first.begin(), first.end(), features.begin()));
}

TEST(TorchEngine, GivesTheFeaturesOfTheInferenceEngineWhateverTheCount) {  // on the CPU; its home is the GPU
  expect_features_of_the_inference_engine(test::make_network(16, {{3, 1, 16}, {3, 2, 24}, {5, 1, 40}}));
  expect_features_of_the_inference_engine(test::make_network(16, {{3, 1, 16, 2}, {3, 1, 24}, {5, 1, 40, 2}}));
}

}  // namespace
}  // namespace dcgan::nn
