#include "nn/networks.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <vector>

#include "tests/support/tensor_near.h"

namespace dcgan::nn {
namespace {

using test::tensor_near;

ArchitectureOptions small_architecture() {
  ArchitectureOptions o;
  o.image_size = 8;
  o.ndf = 4;
  o.ngf = 4;
  o.nz = 6;
  return o;
}

/// Each guideline of arXiv:1511.06434, section 3, not followed; and none of them.
std::vector<std::pair<std::string, ArchitectureOptions>> other_guidelines() {
  std::vector<std::pair<std::string, ArchitectureOptions>> all(7, {"", small_architecture()});
  const auto set = [&](size_t i, const char* name) -> GuidelineOptions& {
    all[i].first = name;
    return all[i].second.guidelines;
  };
  set(0, "pooling").scaling = Scaling::kPooling;
  set(1, "batch norm in all layers").batch_norm = NormalizedLayers::kAll;
  set(2, "no batch norm").batch_norm = NormalizedLayers::kNone;
  set(3, "hidden dense layers").hidden_dense = 5;
  set(4, "average pooling").head = Head::kAveragePool;
  set(5, "ReLU").activation = Activation::kRelu;
  set(6, "all together") = {Scaling::kPooling, NormalizedLayers::kNone, 5, Head::kAveragePool, Activation::kRelu};
  return all;
}

at::Tensor some_images(const ArchitectureOptions& o, int64_t count) {
  return at::arange(count * o.image_size * o.image_size * 3, at::kDouble)
      .mul(0.7)
      .sin()
      .view({count, o.image_size, o.image_size, 3})
      .permute({0, 3, 1, 2})
      .to(at::kFloat);
}

void to_double(BatchNorm& n) {
  for (at::Tensor* t : {&n.weight, &n.bias, &n.running_mean, &n.running_var}) {
    if (t->defined()) *t = t->to(at::kDouble);
  }
}

void to_double(Discriminator& d) {
  for (Convolution& c : d.convolutions) {
    c.weight = c.weight.to(at::kDouble);
    to_double(c.batch_norm);
  }
  d.hidden.weight = d.hidden.weight.defined() ? d.hidden.weight.to(at::kDouble) : at::Tensor();
  to_double(d.hidden.batch_norm);
  d.head = d.head.to(at::kDouble);
}

void to_double(Generator& g) {
  g.hidden.weight = g.hidden.weight.defined() ? g.hidden.weight.to(at::kDouble) : at::Tensor();
  to_double(g.hidden.batch_norm);
  g.project = g.project.to(at::kDouble);
  to_double(g.project_norm);
  for (Convolution& c : g.convolutions) {
    c.weight = c.weight.to(at::kDouble);
    to_double(c.batch_norm);
  }
}

TEST(Networks, HaveTheSizesOfEachPublishedModel) {
  for (const std::string& name : published_architecture_names()) {
    ArchitectureOptions o = published_architecture(name);
    o.ndf = o.ngf = 2;  // the shapes do not depend on the width; a test should be quick
    const at::NoGradGuard no_grad;
    const at::Tensor images = make_generator(o, 1).forward(draw_noise(o, 3, 1), Statistics::kBatch);
    EXPECT_EQ(images.sizes().vec(), (std::vector<int64_t>{3, 3, o.image_size, o.image_size})) << name;
    const Discriminator d = make_discriminator(o, 1);
    const auto activations = d.activations(images, Statistics::kBatch);
    const auto shapes = discriminator_convolutions(o);
    ASSERT_EQ(activations.size(), shapes.size());
    for (size_t i = 0; i < shapes.size(); ++i) {
      EXPECT_EQ(activations[i].sizes().vec(),
                (std::vector<int64_t>{3, shapes[i].out_channels, shapes[i].size_out, shapes[i].size_out}))
          << name << " layer " << i + 1;
    }
    EXPECT_EQ(d.forward(images, Statistics::kBatch).sizes().vec(), std::vector<int64_t>{3}) << name;
  }
}

// arXiv:1511.06434, section 4: N(0, 0.02); the authors' code: scale N(1, 0.02), shift 0.
TEST(Networks, AreInitialisedAsThePaperSays) {
  ArchitectureOptions o;
  const Discriminator d = make_discriminator(o, 7);
  const Generator g = make_generator(o, 7);
  for (const NamedTensors& parameters : {d.parameters(), g.parameters()}) {
    for (const auto& [name, tensor] : parameters) {
      const bool is_norm = name.find(".bn") != std::string::npos;
      const bool is_shift = is_norm && name.find(".bias") != std::string::npos;
      const double deviation = is_shift ? 0 : 0.02;
      const auto count = static_cast<double>(tensor.numel());
      // Five standard errors of the mean and of the standard deviation.
      EXPECT_NEAR(tensor.mean().item<double>(), is_norm && !is_shift ? 1 : 0, 5 * deviation / std::sqrt(count)) << name;
      EXPECT_NEAR(tensor.std().item<double>(), deviation, 5 * deviation / std::sqrt(2 * count)) << name;
    }
  }
}

TEST(Networks, OfEqualSeedsAreEqualAndOfOthersAreNot) {
  const ArchitectureOptions o = small_architecture();
  EXPECT_TRUE(at::equal(make_discriminator(o, 3).head, make_discriminator(o, 3).head));
  EXPECT_FALSE(at::equal(make_discriminator(o, 3).head, make_discriminator(o, 4).head));
  EXPECT_TRUE(at::equal(make_generator(o, 3).project, make_generator(o, 3).project));
  EXPECT_FALSE(at::equal(make_generator(o, 3).project, make_generator(o, 4).project));
}

TEST(Networks, HaveNoBatchNormOnTheDiscriminatorsInputAndTheGeneratorsOutput) {
  const Discriminator d = make_discriminator({}, 1);
  EXPECT_FALSE(d.convolutions.front().batch_norm.weight.defined());
  EXPECT_TRUE(d.convolutions.back().batch_norm.weight.defined());
  const Generator g = make_generator({}, 1);
  EXPECT_TRUE(g.project_norm.weight.defined());
  EXPECT_EQ(g.project_norm.weight.numel(), 512 * 4 * 4);  // per unit, before the reshape
  EXPECT_FALSE(g.convolutions.back().batch_norm.weight.defined());
}

TEST(BatchNorm, UsesTheBiasedVarianceAndTheAuthorsEpsilon) {
  // One channel with values 1, 2, 3, 6: mean 3, biased variance 3.5.
  const BatchNorm norm = {at::full({1}, 2.0), at::full({1}, 0.5), at::zeros({1}), at::full({1}, 4.0)};
  const at::Tensor x = at::tensor({1.0F, 2.0F, 3.0F, 6.0F}).view({4, 1, 1, 1});
  const double s = 2 / std::sqrt(3.5);
  EXPECT_THAT(norm.forward(x, Statistics::kBatch),
              tensor_near(at::tensor({-2 * s + 0.5, -s + 0.5, 0.5, 3 * s + 0.5}).view({4, 1, 1, 1}), 1e-6));
  // Fixed: mean 0, variance 4, so x / 2 * 2 + 0.5.
  EXPECT_THAT(norm.forward(x, Statistics::kFixed), tensor_near(x.add(0.5), 1e-6));
}

TEST(BatchNorm, WithTinyVarianceShowsItsEpsilon) {
  const BatchNorm norm = {at::full({1}, 1.0), at::zeros({1}), at::zeros({1}), at::full({1}, 1.0)};
  // Values +-1e-4 have variance 1e-8, so the result is 1e-4 / sqrt(2e-8) = 0.7071; with PyTorch's 1e-5 it would be
  // 0.03.
  const at::Tensor x = at::tensor({1e-4F, -1e-4F}).view({2, 1, 1, 1});
  EXPECT_NEAR(norm.forward(x, Statistics::kBatch).max().item<double>(), std::sqrt(0.5), 1e-4);
}

TEST(Networks, UseAConstantSlopeForNegativeInputs) {
  Discriminator d = make_discriminator(small_architecture(), 1);
  const at::NoGradGuard no_grad;
  const at::Tensor x = some_images(small_architecture(), 2);
  at::Tensor pre;
  const auto hook = [&](size_t layer, const at::Tensor& h) {
    if (layer == 1) pre = h.clone();
  };
  const at::Tensor post = d.activations(x, Statistics::kBatch, hook).front();
  EXPECT_THAT(post, tensor_near(pre.clamp_min(0).add(pre.clamp_max(0).mul(0.2)), 1e-7));
}

// Gradients of both losses against central differences in float64: batch norm, strides and activations take part.
void expect_gradients_of_finite_differences(const ArchitectureOptions& o, double weight_scale) {
  Discriminator d = make_discriminator(o, 5);
  Generator g = make_generator(o, 5);
  to_double(d);
  to_double(g);
  const at::Tensor real = some_images(o, 3).to(at::kDouble);
  const at::Tensor z = draw_noise(o, 3, 5).to(at::kDouble);
  const auto loss = [&] {
    const at::Tensor fake = d.forward(g.forward(z, Statistics::kBatch), Statistics::kBatch);
    return at::softplus(d.forward(real, Statistics::kBatch).neg()).mean().add(at::softplus(fake).mean());
  };
  NamedTensors parameters = d.parameters();
  for (const auto& p : g.parameters()) parameters.push_back(p);
  for (auto& [name, tensor] : parameters) {
    if (name.find(".bn") == std::string::npos) tensor.mul_(weight_scale);
    tensor.set_requires_grad(true);
  }
  loss().backward();

  const at::NoGradGuard no_grad;
  constexpr double kStep = 1e-7;  // small beside the distance of the activations from LeakyReLU's kink
  for (auto& [name, tensor] : parameters) {
    at::Tensor flat = tensor.is_contiguous() ? tensor.view({-1}) : tensor.permute({0, 2, 3, 1}).view({-1});
    const at::Tensor gradient =
        tensor.is_contiguous() ? tensor.grad().reshape({-1}) : tensor.grad().permute({0, 2, 3, 1}).reshape({-1});
    for (const int64_t i : {int64_t{0}, tensor.numel() / 2, tensor.numel() - 1}) {
      at::Tensor element = flat[i];
      const double value = element.item<double>();
      element.fill_(value + kStep);
      const double above = loss().item<double>();
      element.fill_(value - kStep);
      const double below = loss().item<double>();
      element.fill_(value);
      const double expected = (above - below) / (2 * kStep);
      EXPECT_NEAR(gradient[i].item<double>(), expected, 1e-6 + 1e-4 * std::abs(expected)) << name << "[" << i << "]";
    }
  }
}

TEST(Networks, HaveTheGradientsOfFiniteDifferences) { expect_gradients_of_finite_differences(small_architecture(), 1); }

TEST(Networks, HaveTheGradientsOfFiniteDifferencesWithOtherGuidelines) {
  for (const auto& [name, options] : other_guidelines()) {
    SCOPED_TRACE(name);
    expect_gradients_of_finite_differences(options, 20);  // without batch norm, initial weights have tiny gradients
  }
}

TEST(Networks, WithOtherGuidelinesKeepTheSizesOfTheirMapsAndDifferInTheirOutputs) {
  const at::NoGradGuard no_grad;
  const ArchitectureOptions published = small_architecture();
  const at::Tensor z = draw_noise(published, 3, 1);
  const at::Tensor images = make_generator(published, 1).forward(z, Statistics::kBatch);
  const Discriminator reference = make_discriminator(published, 1);
  const at::Tensor logits = reference.forward(images, Statistics::kBatch);
  for (const auto& [name, options] : other_guidelines()) {
    const GuidelineOptions& g = options.guidelines;
    const at::Tensor others = make_generator(options, 1).forward(z, Statistics::kBatch);
    ASSERT_EQ(others.sizes(), images.sizes()) << name;
    const bool in_discriminator_only = g.head != Head::kFlatten || g.activation != Activation::kLeakyRelu;
    const bool all_together = g.batch_norm == NormalizedLayers::kNone && in_discriminator_only;
    EXPECT_EQ(at::equal(others, images), in_discriminator_only && !all_together) << name;
    const Discriminator d = make_discriminator(options, 1);
    const at::Tensor other_logits = d.forward(images, Statistics::kBatch);
    ASSERT_EQ(other_logits.sizes(), logits.sizes()) << name;
    EXPECT_FALSE(at::allclose(other_logits, logits)) << name;
    const auto maps = d.activations(images, Statistics::kBatch);
    const auto reference_maps = reference.activations(images, Statistics::kBatch);
    for (size_t i = 0; i < maps.size(); ++i) EXPECT_EQ(maps[i].sizes(), reference_maps[i].sizes()) << name;
  }
}

TEST(Networks, WithPoolingTakeTheLargestOfFourAndRepeatEachPixel) {
  ArchitectureOptions o = small_architecture();
  o.guidelines.scaling = Scaling::kPooling;
  o.convs_per_scale = 1;
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> pre(2);
  const auto hook = [&](size_t layer, const at::Tensor& h) { pre[layer] = h.clone(); };
  const at::Tensor maps = make_discriminator(o, 1).activations(some_images(o, 2), Statistics::kBatch, hook).front();
  ASSERT_EQ(pre[1].sizes().vec(), (std::vector<int64_t>{2, 4, 8, 8}));
  const at::Tensor activated = pre[1].clamp_min(0).add(pre[1].clamp_max(0).mul(0.2)).contiguous();
  EXPECT_THAT(maps, tensor_near(activated.view({2, 4, 4, 2, 4, 2}).amax({3, 5}), 1e-7));

  const Generator g = make_generator(o, 1);
  g.forward(draw_noise(o, 2, 1), Statistics::kBatch, hook);
  const at::Tensor below = g.project_norm.forward(pre[0], Statistics::kBatch).relu().view({2, 4, 4, 4});
  const at::Tensor doubled = below.repeat_interleave(2, 2).repeat_interleave(2, 3);
  EXPECT_THAT(pre[1], tensor_near(at::conv_transpose2d(doubled, g.convolutions[0].weight, {}, 1, 1), 1e-6));
}

TEST(Networks, WithAveragePoolingSeeTheMeanOfEachMap) {
  ArchitectureOptions o = small_architecture();
  o.guidelines.head = Head::kAveragePool;
  const at::NoGradGuard no_grad;
  const Discriminator d = make_discriminator(o, 1);
  const at::Tensor means = d.activations(some_images(o, 3), Statistics::kBatch).back().mean({2, 3});
  EXPECT_THAT(d.forward(some_images(o, 3), Statistics::kBatch), tensor_near(means.matmul(d.head[0]), 1e-6));
}

TEST(Networks, HaveHiddenLayersOfTheWidthThatIsAskedFor) {
  ArchitectureOptions o = small_architecture();
  o.guidelines.hidden_dense = 5;
  const at::NoGradGuard no_grad;
  const Discriminator d = make_discriminator(o, 1);
  EXPECT_EQ(d.hidden.weight.sizes().vec(), (std::vector<int64_t>{5, 4 * 16}));
  const at::Tensor flat = d.activations(some_images(o, 3), Statistics::kBatch).back().contiguous().flatten(1);
  at::Tensor h = d.hidden.batch_norm.forward(flat.matmul(d.hidden.weight.t()), Statistics::kBatch);
  h = h.clamp_min(0).add(h.clamp_max(0).mul(0.2));
  EXPECT_THAT(d.forward(some_images(o, 3), Statistics::kBatch), tensor_near(h.matmul(d.head[0]), 1e-6));

  const Generator g = make_generator(o, 1);
  EXPECT_EQ(g.hidden.weight.sizes().vec(), (std::vector<int64_t>{5, 6}));
  const at::Tensor z = draw_noise(o, 3, 1);
  at::Tensor projected;
  g.forward(z, Statistics::kBatch, [&](size_t layer, const at::Tensor& x) {
    if (layer == 0) projected = x.clone();
  });
  h = g.hidden.batch_norm.forward(z.matmul(g.hidden.weight.t()), Statistics::kBatch).relu();
  EXPECT_THAT(projected, tensor_near(h.matmul(g.project.t()), 1e-6));
}

TEST(Networks, WithReluHaveNoNegativeActivations) {
  ArchitectureOptions o = small_architecture();
  o.guidelines.activation = Activation::kRelu;
  const at::NoGradGuard no_grad;
  at::Tensor pre;
  const auto hook = [&](size_t layer, const at::Tensor& h) {
    if (layer == 1) pre = h.clone();
  };
  const at::Tensor post = make_discriminator(o, 1).activations(some_images(o, 2), Statistics::kBatch, hook).front();
  EXPECT_THAT(post, tensor_near(pre.clamp_min(0), 0));
}

TEST(StatisticsMinibatches, AreOf128AndASingleImageAtTheEndGoesWithThoseBefore) {
  const std::map<int64_t, std::vector<int64_t>> expected = {
      {1, {1}}, {127, {127}}, {128, {128}}, {129, {129}}, {130, {128, 2}}, {257, {128, 129}}, {258, {128, 128, 2}}};
  for (const auto& [count, sizes] : expected) {
    std::vector<int64_t> found;
    int64_t end = 0;
    const int64_t minibatches = for_each_statistics_minibatch(count, [&](int64_t first, int64_t size) {
      EXPECT_EQ(first, end);
      end = first + size;
      found.push_back(size);
    });
    EXPECT_EQ(found, sizes) << count;
    EXPECT_EQ(minibatches, static_cast<int64_t>(sizes.size()));
  }
}

TEST(StatisticsAverage, IsThePlainAverageOverMinibatches) {
  // Two layers, the first without batch norm. Minibatches of 2 and 1 images count the same (the authors' short last
  // one).
  ArchitectureOptions o = small_architecture();
  Discriminator d = make_discriminator(o, 2);
  const at::Tensor a = some_images(o, 2);
  const at::Tensor b = some_images(o, 1).neg();
  std::vector<at::Tensor> pre;
  const auto hook = [&](size_t layer, const at::Tensor& h) {
    if (layer == 2) pre.push_back(h.clone());
  };
  const at::NoGradGuard no_grad;
  for (const at::Tensor& x : {a, b}) d.activations(x, Statistics::kBatch, hook);

  StatisticsAverage average(d);
  average.add(a);
  average.add(b);
  average.finish();
  at::Tensor mean = at::zeros({4}, at::kDouble);
  at::Tensor variance = at::zeros({4}, at::kDouble);
  for (const at::Tensor& h : pre) {
    const at::Tensor x = h.to(at::kDouble).transpose(0, 1).reshape({4, -1});
    const at::Tensor m = x.mean(1);
    mean.add_(m.mul(0.5));
    variance.add_(x.sub(m.unsqueeze(1)).square().mean(1).mul(0.5));
  }
  EXPECT_THAT(d.convolutions[1].batch_norm.running_mean, tensor_near(mean, 1e-7));
  EXPECT_THAT(d.convolutions[1].batch_norm.running_var, tensor_near(variance, 1e-7));
}

TEST(StatisticsAverage, OfOneMinibatchMakesFixedAndBatchStatisticsTheSame) {
  std::vector<std::pair<std::string, ArchitectureOptions>> cases = other_guidelines();
  cases.emplace_back("published", small_architecture());
  for (const auto& [name, o] : cases) {
    SCOPED_TRACE(name);
    Discriminator d = make_discriminator(o, 2);
    Generator g = make_generator(o, 2);
    const at::Tensor z = draw_noise(o, 16, 1);
    const at::NoGradGuard no_grad;
    StatisticsAverage of_generator(g);
    of_generator.add(z);
    of_generator.finish();
    const at::Tensor images = g.forward(z, Statistics::kBatch);
    EXPECT_THAT(g.forward(z, Statistics::kFixed), tensor_near(images, 1e-4));
    StatisticsAverage of_discriminator(d);
    of_discriminator.add(images);
    of_discriminator.finish();
    EXPECT_THAT(d.forward(images, Statistics::kFixed), tensor_near(d.forward(images, Statistics::kBatch), 1e-4));
  }
}

TEST(Noise, FollowsItsDistribution) {
  ArchitectureOptions o;
  const at::Tensor uniform = draw_noise(o, 1000, 1);
  EXPECT_LE(uniform.abs().max().item<double>(), 1);
  EXPECT_NEAR(uniform.mean().item<double>(), 0, 0.01);
  EXPECT_NEAR(uniform.std().item<double>(), 1 / std::sqrt(3), 0.01);
  o.latent = Latent::kNormal;
  const at::Tensor normal = draw_noise(o, 1000, 1);
  EXPECT_GT(normal.abs().max().item<double>(), 2);
  EXPECT_NEAR(normal.std().item<double>(), 1, 0.01);
}

TEST(Pixels, MapTo255StepsBetweenMinusOneAndOneAndBack) {
  const at::Tensor pixels = at::arange(256, at::kInt).to(at::kByte).view({1, 16, 16, 1}).expand({1, 16, 16, 3});
  const at::Tensor images = images_from_pixels(pixels);
  EXPECT_EQ(images.sizes().vec(), (std::vector<int64_t>{1, 3, 16, 16}));
  EXPECT_EQ(images.min().item<float>(), -1);
  EXPECT_EQ(images.max().item<float>(), 1);
  EXPECT_TRUE(at::equal(pixels_from_images(images), pixels));
  EXPECT_TRUE(images.is_contiguous(at::MemoryFormat::ChannelsLast));
}

}  // namespace
}  // namespace dcgan::nn
