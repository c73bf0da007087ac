#include "features/inference_engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "dcgan/errors.h"
#include "tests/features/small_networks.h"

namespace dcgan {
namespace {

using Instructions = InferenceEngine::Instructions;
using test::make_images;
using test::make_network;
using test::Network;
using test::Step;

using Map = std::vector<double>;  // [channels, size, size]

/// The definition, term by term, in float64.
Map convolve(const FoldedConvolution& c, const Map& in) {
  Map out;
  for (int64_t o = 0; o < c.out_channels; ++o) {
    for (int64_t y = 0; y < c.size_out; ++y) {
      for (int64_t x = 0; x < c.size_out; ++x) {
        double sum = c.bias[static_cast<size_t>(o)];
        for (int64_t i = 0; i < c.in_channels; ++i) {
          for (int64_t u = 0; u < c.kernel; ++u) {
            for (int64_t v = 0; v < c.kernel; ++v) {
              const int64_t row = y * c.stride + u - c.pad_before;
              const int64_t column = x * c.stride + v - c.pad_before;
              if (row < 0 || row >= c.size_in || column < 0 || column >= c.size_in) continue;
              sum += static_cast<double>(
                         c.weight[static_cast<size_t>(((o * c.in_channels + i) * c.kernel + u) * c.kernel + v)]) *
                     in[static_cast<size_t>((i * c.size_in + row) * c.size_in + column)];
            }
          }
        }
        const double value = sum > 0 ? sum : c.slope * sum;
        const auto channel = static_cast<size_t>(o);
        out.push_back(c.last_scale.empty() ? value
                                           : value * double{c.last_scale[channel]} + double{c.last_shift[channel]});
      }
    }
  }
  return out;
}

void append_pooled(const FoldedConvolution& c, const Map& map, int64_t grid, std::vector<double>& features) {
  const auto begin = [&](int64_t i) { return i * c.size_out / grid; };
  const auto end = [&](int64_t i) { return ((i + 1) * c.size_out + grid - 1) / grid; };
  for (int64_t o = 0; o < c.out_channels; ++o) {
    for (int64_t cell = 0; cell < grid * grid; ++cell) {
      double best = -1e300;
      for (int64_t y = begin(cell / grid); y < end(cell / grid); ++y) {
        for (int64_t x = begin(cell % grid); x < end(cell % grid); ++x) {
          best = std::max(best, map[static_cast<size_t>((o * c.size_out + y) * c.size_out + x)]);
        }
      }
      features.push_back(best);
    }
  }
}

Map halved(const FoldedConvolution& c, const Map& map) {
  Map half;
  append_pooled(c, map, c.size_out / 2, half);
  return half;
}

/// Pillow's luma in whole numbers: (19595 R + 38470 G + 7471 B + 32768) / 65536.
double input_of(const InputOptions& o, const uint8_t* rgb, int64_t channel) {
  double pixel = rgb[o.order == ChannelOrder::kBgr ? 2 - channel : channel];
  if (o.channels == 1) pixel = std::floor((19595.0 * rgb[0] + 38470.0 * rgb[1] + 7471.0 * rgb[2] + 32768) / 65536);
  const auto of = [&](const std::vector<double>& values) {
    return values.size() == 1 ? values[0] : values.at(static_cast<size_t>(channel));
  };
  return (pixel / 255 - of(o.mean)) / of(o.deviation);
}

std::vector<double> naive_features(const Network& network, const EngineOptions& options,
                                   const std::vector<uint8_t>& images, int64_t count) {
  std::vector<double> features;
  const int64_t area = network.size * network.size;
  for (int64_t n = 0; n < count; ++n) {
    Map map;
    for (int64_t c = 0; c < options.input.channels; ++c) {
      for (int64_t p = 0; p < area; ++p)
        map.push_back(input_of(options.input, &images[static_cast<size_t>((n * area + p) * 3)], c));
    }
    for (size_t i = 0; i < network.convolutions.size(); ++i) {
      map = convolve(network.convolutions[i], map);
      if (std::count(options.layers.begin(), options.layers.end(), static_cast<int64_t>(i) + 1) > 0) {
        append_pooled(network.convolutions[i], map, options.grid, features);
      }
      if (network.convolutions[i].pool == 2) map = halved(network.convolutions[i], map);
    }
  }
  return features;
}

std::vector<float> engine_features(const Network& network, const EngineOptions& options,
                                   const std::vector<uint8_t>& images, int64_t count,
                                   Instructions instructions = Instructions::kBest) {
  InferenceEngine engine(network.convolutions, options, instructions);
  std::vector<float> features(static_cast<size_t>(count * engine.feature_count()), NAN);
  engine.run(images.data(), count, features.data());
  return features;
}

/// Largest difference, as a share of the largest feature.
double relative_difference(const std::vector<float>& actual, const std::vector<double>& expected) {
  if (actual.size() != expected.size()) return INFINITY;
  double largest = 0;
  double difference = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    largest = std::max(largest, std::abs(expected[i]));
    difference = std::max(difference, std::isnan(actual[i]) ? INFINITY : std::abs(actual[i] - expected[i]));
  }
  return difference / largest;
}

EngineOptions all_layers(const Network& network, int64_t grid = 4) {
  EngineOptions options;
  options.layers = network.all_layers();
  options.grid = grid;
  return options;
}

// The bar is 1e-4 of the largest feature on whole networks of published width; small ones do better.
constexpr double kTolerance = 2e-5;

struct Case {
  std::string name;
  int64_t size;
  std::vector<Step> steps;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class InferenceEngineAgreesWithTheDefinition : public testing::TestWithParam<std::tuple<Case, Instructions>> {};

TEST_P(InferenceEngineAgreesWithTheDefinition, InEveryLayerAndOnEveryGrid) {
  const auto& [test, instructions] = GetParam();
  if (!InferenceEngine::supports(instructions)) GTEST_SKIP() << "this machine lacks the instructions";
  const Network network = make_network(test.size, test.steps);
  const int64_t count = 3;
  const std::vector<uint8_t> images = make_images(count, test.size);
  for (const int64_t grid : {1, 2, 4}) {
    const EngineOptions options = all_layers(network, grid);
    const std::vector<double> expected = naive_features(network, options, images, count);
    EXPECT_LT(relative_difference(engine_features(network, options, images, count, instructions), expected), kTolerance)
        << "grid " << grid;
  }
}

const Case kCases[] = {
    {"ImageNet32Narrow", 32, {{3, 1, 16}, {3, 2, 16}, {3, 1, 32}, {3, 2, 32}, {3, 1, 64}, {3, 2, 64}}},
    {"Svhn", 32, {{5, 2, 16}, {5, 2, 32}, {5, 2, 40}}},
    {"Faces64", 64, {{5, 2, 8}, {5, 2, 16}, {5, 2, 24}, {5, 2, 32}}},
    {"ChannelsThatFillNoVector", 16, {{3, 1, 11}, {3, 2, 17}, {3, 1, 37}, {3, 2, 1}}},
    {"FewerThanEightChannels", 16, {{3, 1, 5}, {3, 2, 7}, {3, 1, 9}}},
    {"Kernel1", 16, {{1, 1, 9}, {1, 2, 19}, {1, 2, 8}}},
    {"Kernel5Stride1", 8, {{5, 1, 9}, {5, 1, 19}, {5, 2, 8}}},
    {"Kernel7", 16, {{7, 1, 9}, {7, 2, 10}, {7, 1, 8}, {7, 2, 12}}},
    {"Kernel9", 16, {{9, 1, 9}, {9, 2, 10}}},
    {"Pooled", 16, {{3, 1, 11, 2}, {5, 1, 17, 2}, {3, 1, 37}, {3, 2, 5}, {3, 1, 9}}},
    {"PooledWide", 32, {{3, 1, 16}, {3, 1, 16, 2}, {3, 1, 32}, {3, 1, 32, 2}, {3, 1, 64}, {3, 1, 64, 2}}},
    {"PyTorchsTutorial", 64, {{4, 2, 16}, {4, 2, 24}, {4, 2, 32}, {4, 2, 40}}},
    {"TensorFlowsSame", 32, {{5, 2, 16, 1, 1, 2}, {5, 2, 24, 1, 1, 2}, {5, 2, 32, 1, 1, 2}}},
    {"Of28Pixels", 28, {{5, 2, 16, 1, 2, 2}, {5, 2, 24, 1, 1, 2}, {3, 2, 32, 1, 1, 1}, {4, 2, 16}}},
    {"Of28PixelsKernel4", 28, {{4, 2, 16}, {4, 2, 24}, {3, 1, 17}}},
    {"Of48PixelsInTurn", 48, {{3, 1, 8}, {4, 2, 16}, {3, 1, 16}, {4, 2, 24}, {3, 1, 24}, {4, 2, 24}, {3, 1, 9}}},
    {"WithoutPadding", 21, {{3, 1, 9, 1, 0, 0}, {3, 2, 16, 1, 0, 0}, {2, 1, 16, 1, 1, 0}, {4, 3, 12, 1, 1, 1}}},
    {"NormBehindTheActivation", 16, {{3, 2, 16}, {3, 2, 24, 1, 1, 1, true}, {4, 2, 19, 1, 1, 1, true}}},
    {"DownToOnePixel", 8, {{3, 2, 16}, {3, 2, 16}, {3, 2, 16}, {3, 1, 20}}},
};

using NamedCase = testing::TestParamInfo<std::tuple<Case, Instructions>>;

std::string case_name(const NamedCase& info) {
  static const char* const kNames[] = {"Best", "Avx512", "Avx2", "Portable"};
  return std::get<0>(info.param).name + kNames[static_cast<int>(std::get<1>(info.param))];
}

INSTANTIATE_TEST_SUITE_P(Networks, InferenceEngineAgreesWithTheDefinition,
                         testing::Combine(testing::ValuesIn(kCases),
                                          testing::Values(Instructions::kAvx512, Instructions::kAvx2,
                                                          Instructions::kPortable)),
                         case_name);

const std::vector<Step> kSmall = {{3, 1, 16}, {3, 2, 24}, {3, 1, 32}, {5, 2, 40}};

void expect_the_same_bits_for_any_batch_size_count_and_number_of_threads(const Network& network) {
  const int64_t count = 37;
  const std::vector<uint8_t> images = make_images(count, 16);
  EngineOptions options = all_layers(network);
  const std::vector<float> reference = engine_features(network, options, images, count);
  for (const int64_t batch_size : {1, 5, 16, 64}) {
    for (const int64_t threads : {1, 2, 3, 8}) {
      options.batch_size = batch_size;
      options.threads = threads;
      EXPECT_EQ(engine_features(network, options, images, count), reference)
          << "batch size " << batch_size << ", " << threads << " threads";
    }
  }
  const std::vector<float> first = engine_features(network, options, images, 1);
  EXPECT_TRUE(std::equal(first.begin(), first.end(), reference.begin()));
}

TEST(InferenceEngine, GivesTheSameBitsForAnyBatchSizeCountAndNumberOfThreads) {
  expect_the_same_bits_for_any_batch_size_count_and_number_of_threads(make_network(16, kSmall));
  expect_the_same_bits_for_any_batch_size_count_and_number_of_threads(
      make_network(16, {{3, 1, 16, 2}, {3, 1, 24, 2}, {5, 1, 40}}));
  // Enough panels of channels that threads divide those where images are few.
  Network wide = make_network(16, {{3, 1, 40, 2}, {3, 1, 136}, {3, 2, 72}, {4, 2, 200}});
  wide.convolutions[1].last_scale.assign(136, 0.75F);
  wide.convolutions[1].last_shift.assign(136, 0.25F);
  expect_the_same_bits_for_any_batch_size_count_and_number_of_threads(wide);
}

TEST(InferenceEngine, GivesTheSameBitsOnEveryRun) {
  const Network network = make_network(16, kSmall);
  const std::vector<uint8_t> images = make_images(8, 16);
  InferenceEngine engine(network.convolutions, all_layers(network));
  std::vector<float> first(static_cast<size_t>(8 * engine.feature_count()));
  std::vector<float> second = first;
  engine.run(images.data(), 8, first.data());
  engine.run(images.data(), 3, second.data());  // another amount of work in between leaves no trace
  engine.run(images.data(), 8, second.data());
  EXPECT_EQ(first, second);
}

TEST(InferenceEngine, KeepsOnlyTheLayersThatWereAskedFor) {
  const Network network = make_network(16, kSmall);
  const std::vector<uint8_t> images = make_images(2, 16);
  EngineOptions options = all_layers(network);
  const std::vector<float> all = engine_features(network, options, images, 2);
  options.layers = {2, 3};
  const std::vector<float> some = engine_features(network, options, images, 2);
  const size_t d = all.size() / 2;
  ASSERT_EQ(some.size(), size_t{2 * (24 + 32) * 16});
  for (size_t n = 0; n < 2; ++n) {
    const std::vector<float> expected(all.begin() + static_cast<int64_t>(n * d + 16 * 16),
                                      all.begin() + static_cast<int64_t>(n * d + (16 + 24 + 32) * 16));
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), some.begin() + static_cast<int64_t>(n * (24 + 32) * 16)));
  }
}

TEST(InferenceEngine, NeedsNoWeightsAboveTheLastLayerItKeeps) {
  Network network = make_network(16, kSmall);
  const std::vector<uint8_t> images = make_images(1, 16);
  EngineOptions options;
  options.layers = {1, 2};
  const std::vector<float> before = engine_features(network, options, images, 1);
  std::fill(network.convolutions[2].weight.begin(), network.convolutions[2].weight.end(), NAN);
  EXPECT_EQ(engine_features(network, options, images, 1), before);
}

TEST(InferenceEngine, UsesTheSlopeOfEachLayer) {
  Network network = make_network(16, kSmall);
  const std::vector<uint8_t> images = make_images(1, 16);
  const EngineOptions options = all_layers(network);
  for (const double slope : {0.0, 0.5, 1.0}) {
    for (size_t i = 0; i < network.convolutions.size(); ++i) network.convolutions[i].slope = i % 2 == 0 ? slope : 0.3;
    EXPECT_LT(
        relative_difference(engine_features(network, options, images, 1), naive_features(network, options, images, 1)),
        kTolerance);
  }
}

TEST(InferenceEngine, TakesItsInputInTheChannelsTheirOrderAndTheScaleThatItIsGiven) {
  const std::vector<uint8_t> images = make_images(2, 16);
  const InputOptions kInputs[] = {{3, ChannelOrder::kBgr, {0.5}, {0.5}},
                                  {3, ChannelOrder::kRgb, {0}, {1}},
                                  {3, ChannelOrder::kRgb, {0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}},
                                  {3, ChannelOrder::kBgr, {0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}},
                                  {1, ChannelOrder::kRgb, {0.5}, {0.5}},
                                  {1, ChannelOrder::kRgb, {0.1307}, {0.3081}}};
  std::vector<std::vector<float>> all;
  for (const InputOptions& input : kInputs) {
    const Network network = make_network(16, kSmall, input.channels);
    EngineOptions options = all_layers(network);
    options.input = input;
    all.push_back(engine_features(network, options, images, 2));
    EXPECT_LT(relative_difference(all.back(), naive_features(network, options, images, 2)), kTolerance);
  }
  for (size_t i = 1; i < 4; ++i) EXPECT_NE(all[i], all[0]);
  EXPECT_NE(all[5], all[4]);
}

TEST(InferenceEngine, MapsPixels0And255ToMinusOneAndOne) {
  FoldedConvolution pass{3, 3, 1, 1, 4, 4, {1, 0, 0, 0, 1, 0, 0, 0, 1}, {0, 0, 0}};
  EngineOptions options;
  options.layers = {1};
  pass.slope = 1;
  InferenceEngine engine({pass}, options);
  std::vector<uint8_t> image(48, 0);
  image[0] = 255;   // red of the first pixel
  image[47] = 255;  // blue of the last
  std::vector<float> features(48);
  engine.run(image.data(), 1, features.data());
  std::vector<float> expected(48, -1);
  expected[0] = expected[47] = 1;
  EXPECT_EQ(features, expected);
}

TEST(InferenceEngine, RefusesConvolutionsThatDoNotFitAndSaysWhich) {
  Network network = make_network(16, kSmall);
  network.convolutions[2].in_channels = 23;
  try {
    InferenceEngine engine(network.convolutions, all_layers(network));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "convolution 3 takes 23 channels, which is not what lies below it");
  }
}

TEST(InferenceEngine, PoolsByTwoOrNotAtAll) {
  Network network = make_network(16, kSmall);
  network.convolutions[0].pool = 4;
  EXPECT_THROW(InferenceEngine(network.convolutions, all_layers(network)), Error);
  network.convolutions[0].pool = 2;  // the next one takes maps of the whole size
  EXPECT_THROW(InferenceEngine(network.convolutions, all_layers(network)), Error);
}

TEST(InferenceEngine, RefusesOptionsOutOfRange) {
  const Network network = make_network(16, kSmall);
  const auto refuses = [&](auto change) {
    EngineOptions options = all_layers(network);
    change(options);
    EXPECT_THROW(InferenceEngine(network.convolutions, options), Error);
  };
  refuses([](EngineOptions& o) { o.layers = {}; });
  refuses([](EngineOptions& o) { o.layers = {2, 1}; });
  refuses([](EngineOptions& o) { o.layers = {5}; });
  refuses([](EngineOptions& o) { o.grid = 3; });
  refuses([](EngineOptions& o) { o.threads = 0; });
  refuses([](EngineOptions& o) { o.batch_size = 0; });
  Network steep = network;
  steep.convolutions[1].slope = 1.5;
  EXPECT_THROW(InferenceEngine(steep.convolutions, all_layers(steep)), Error);
}

}  // namespace
}  // namespace dcgan
