// Batch-norm statistics on our kernels against those of LibTorch's operators in float64.
#include "features/network_moments.h"

#include <ATen/ops/from_blob.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "features/noise.h"
#include "nn/network_tensors.h"

namespace dcgan {
namespace {

ArchitectureOptions small(int64_t kernel, const GuidelineOptions& guidelines = {}) {
  ArchitectureOptions o;
  o.image_size = 16;
  o.kernel = kernel;
  o.ndf = 20;  // no multiple of a panel
  o.ngf = 12;
  o.nz = 10;
  o.guidelines = guidelines;
  return o;
}

std::vector<ArchitectureOptions> architectures() {
  constexpr auto kStrides = Scaling::kStrides;
  std::vector<ArchitectureOptions> all = {small(3), small(5)};
  all.push_back(small(7));  // the kernels have no algorithm for it
  all.push_back(small(1));
  all.push_back(small(3, {Scaling::kPooling}));
  all.push_back(small(7, {Scaling::kPooling}));
  all.push_back(small(3, {kStrides, NormalizedLayers::kAll}));
  all.push_back(small(3, {kStrides, NormalizedLayers::kNone, 6}));
  all.push_back(small(3, {kStrides, NormalizedLayers::kPublished, 6}));
  all.push_back(small(3, {kStrides, NormalizedLayers::kAll, 6, Head::kAveragePool, Activation::kRelu}));
  return all;
}

ModelFile model_of(const ArchitectureOptions& architecture) {
  ModelFile model;
  model.architecture = architecture;
  const nn::Discriminator d = nn::make_discriminator(architecture, 3);
  const nn::Generator g = nn::make_generator(architecture, 3);
  for (const auto& tensors : {d.parameters(), d.buffers(), g.parameters(), g.buffers()}) {
    nn::store_tensors(tensors, model.tensors);
  }
  model.convolutions = static_cast<int64_t>(d.convolutions.size());
  return model;
}

void to_float64(nn::BatchNorm& norm) {
  if (!norm.weight.defined()) return;
  for (at::Tensor* t : {&norm.weight, &norm.bias, &norm.running_mean, &norm.running_var}) *t = t->to(at::kDouble);
}

template <class Network>
void layers_to_float64(Network& network) {
  for (nn::Convolution& c : network.convolutions) {
    c.weight = c.weight.to(at::kDouble);
    to_float64(c.batch_norm);
  }
  if (network.hidden.weight.defined()) network.hidden.weight = network.hidden.weight.to(at::kDouble);
  to_float64(network.hidden.batch_norm);
}

/// By LibTorch in float64.
MomentAverage moments_of(const ModelFile& model, const std::vector<uint8_t>& pixels, int64_t size) {
  nn::Discriminator network = nn::discriminator_from(model);
  layers_to_float64(network);
  const int64_t count = static_cast<int64_t>(pixels.size()) / (size * size * 3);
  const at::Tensor u8 = at::from_blob(const_cast<uint8_t*>(pixels.data()), {count, size, size, 3}, at::kByte);
  MomentAverage average;
  nn::add_moments(network, nn::images_from_pixels(u8).to(at::kDouble), average);
  return average;
}

MomentAverage moments_of(const ModelFile& model, std::vector<float> noise) {
  nn::Generator network = nn::generator_from(model);
  layers_to_float64(network);
  network.project = network.project.to(at::kDouble);
  to_float64(network.project_norm);
  MomentAverage average;
  const int64_t nz = model.architecture.nz;
  nn::add_moments(network, at::from_blob(noise.data(), {128, nz}, at::kFloat).to(at::kDouble), average);
  return average;
}

std::vector<uint8_t> some_pixels(int64_t count, int64_t size) {
  std::vector<uint8_t> pixels(static_cast<size_t>(count * size * size * 3));
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>((i * i / 7 + i * 31) % 256);
  return pixels;
}

void expect_near(const std::vector<float>& actual, const std::vector<float>& expected, double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(actual[i], expected[i], tolerance) << i;
}

/// @return layers that both have
int64_t expect_same(const MomentAverage& actual, const MomentAverage& expected) {
  int64_t layers = 0;
  for (size_t layer = 0; layer < 10; ++layer) {
    SCOPED_TRACE("layer " + std::to_string(layer));
    EXPECT_EQ(actual.has(layer), expected.has(layer));
    if (!actual.has(layer) || !expected.has(layer)) continue;
    // Products and sums of a few hundred terms in float32: 1e-5 of the largest deviation, and of the largest variance.
    const Moments moments = expected.average(layer);
    const double variance = double{*std::max_element(moments.variance.begin(), moments.variance.end())};
    expect_near(actual.average(layer).mean, moments.mean, 1e-5 * std::sqrt(variance));
    expect_near(actual.average(layer).variance, moments.variance, 1e-5 * variance);
    ++layers;
  }
  return layers;
}

TEST(NetworkMoments, OfADiscriminatorAreThoseOfLibTorchWhateverTheGuidelines) {
  const std::vector<uint8_t> pixels = some_pixels(9, 16);
  for (const ArchitectureOptions& architecture : architectures()) {
    SCOPED_TRACE(to_json(architecture));
    const ModelFile model = model_of(architecture);
    MomentAverage ours;
    features::NetworkMoments::of_discriminator(model, 2).add(pixels.data(), 9, ours);
    const bool none = architecture.guidelines.batch_norm == NormalizedLayers::kNone;
    EXPECT_EQ(expect_same(ours, moments_of(model, pixels, 16)) == 0, none);
  }
}

TEST(NetworkMoments, OfAGeneratorAreThoseOfLibTorchWhateverTheGuidelines) {
  for (const ArchitectureOptions& architecture : architectures()) {
    SCOPED_TRACE(to_json(architecture));
    const ModelFile model = model_of(architecture);
    const std::vector<float> noise = features::draw_noise_minibatch(architecture, 5);
    MomentAverage ours;
    features::NetworkMoments::of_generator(model, 2).add_noise(noise, ours);
    const bool none = architecture.guidelines.batch_norm == NormalizedLayers::kNone;
    EXPECT_EQ(expect_same(ours, moments_of(model, noise)) == 0, none);
  }
}

TEST(NetworkMoments, OfAPartialModelAreThoseOfTheConvolutionsThatItHolds) {
  ModelFile model = model_of(small(3));
  model.convolutions = 2;
  const std::vector<uint8_t> pixels = some_pixels(4, 16);
  MomentAverage ours;
  features::NetworkMoments::of_discriminator(model, 1).add(pixels.data(), 4, ours);
  EXPECT_EQ(expect_same(ours, moments_of(model, pixels, 16)), 1);
}

TEST(Noise, IsWhatLibTorchDrawsFromTheSeed) {
  ArchitectureOptions o;
  o.nz = 7;
  for (const Latent latent : {Latent::kUniform, Latent::kNormal}) {
    o.latent = latent;
    for (const uint64_t seed : {uint64_t{0}, uint64_t{1}, uint64_t{0xFEDCBA9876543210}}) {
      const std::vector<float> ours = features::draw_noise_minibatch(o, seed);
      const at::Tensor theirs = nn::draw_noise(o, 128, seed).contiguous();
      ASSERT_EQ(static_cast<int64_t>(ours.size()), theirs.numel());
      const float* expected = theirs.const_data_ptr<float>();
      for (size_t i = 0; i < ours.size(); ++i) {
        // Their logarithm and cosine are polynomials in float32.
        ASSERT_NEAR(ours[i], expected[i], latent == Latent::kUniform ? 0.0 : 2e-6) << to_name(latent) << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace dcgan
