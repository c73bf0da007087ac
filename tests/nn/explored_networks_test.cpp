#include "dcgan/explored_networks.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "dcgan/errors.h"
#include "tests/support/random_model.h"

namespace dcgan {
namespace {

using testing::Each;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;
using testing::ThrowsMessage;

ArchitectureOptions tiny(const GuidelineOptions& guidelines = {}) {
  ArchitectureOptions architecture;
  architecture.image_size = 8;
  architecture.ndf = architecture.ngf = 3;
  architecture.nz = 5;
  architecture.guidelines = guidelines;
  return architecture;
}

/// Changes a tensor value by value.
template <class Change>
void change(ModelFile& model, const std::string& name, const Change& to) {
  StoredTensor& tensor = model.tensors.at(name);
  std::vector<float> values = tensor.to_floats();
  for (size_t i = 0; i < values.size(); ++i) values[i] = to(values[i], static_cast<int64_t>(i));
  tensor = make_tensor(tensor.shape, values);
}

/// A model whose discriminator's activations are all positive for positive images.
ModelFile positive_model(const GuidelineOptions& guidelines = {}) {
  ModelFile model = test::random_model(tiny(guidelines));
  for (const char* name : {"discriminator.conv1.weight", "discriminator.conv2.weight"}) {
    change(model, name, [](float value, int64_t) { return std::fabs(value) * 10 + 0.01F; });
  }
  return model;
}

std::vector<float> positive_images(int64_t count) {
  std::vector<float> images(static_cast<size_t>(count * 3 * 8 * 8));
  for (size_t i = 0; i < images.size(); ++i) images[i] = 0.5F + 0.4F * std::sin(0.7F * static_cast<float>(i * i % 97));
  return images;
}

/// Of the response that guided_gradients() differentiates, at the place where it is strongest.
std::vector<float> finite_differences(const ExploredNetworks& networks, const std::vector<float>& image, int64_t layer,
                                      int64_t channel) {
  const int64_t position = networks.guided_gradients(image, layer, channel).positions.at(0);
  const auto response = [&](const std::vector<float>& pixels) {
    const FeatureMaps maps = networks.discriminator_maps(pixels, layer);
    return double{maps.values[static_cast<size_t>(channel * maps.size * maps.size + position)]};
  };
  constexpr float kStep = 1.0F / 64;  // the response is linear while activations stay positive
  std::vector<float> differences;
  for (size_t i = 0; i < image.size(); ++i) {
    std::vector<float> more = image, less = image;
    more[i] += kStep;
    less[i] -= kStep;
    differences.push_back(static_cast<float>((response(more) - response(less)) / (2 * double{kStep})));
  }
  return differences;
}

TEST(GuidedGradients, AreTheGradientsWhereAllActivationsArePositive) {
  GuidelineOptions pooling;
  pooling.scaling = Scaling::kPooling;
  for (const GuidelineOptions& guidelines : {GuidelineOptions{}, pooling}) {
    const auto networks = explored_networks(positive_model(guidelines), {false, "cpu"});
    const std::vector<float> image = positive_images(1);
    for (const int64_t layer : {1, 2}) {
      const GuidedGradients guided = networks->guided_gradients(image, layer, 2);
      const std::vector<float> expected = finite_differences(*networks, image, layer, 2);
      EXPECT_GT(*std::max_element(expected.begin(), expected.end()), 0.05F);
      EXPECT_THAT(guided.gradients, Pointwise(FloatNear(1e-3F), expected));
      EXPECT_GT(guided.responses.at(0), 0);
    }
  }
}

TEST(GuidedGradients, FollowTheStrongestResponseOfEachImage) {
  const auto networks = explored_networks(positive_model(), {false, "cpu"});
  const std::vector<float> images = positive_images(3);
  const GuidedGradients guided = networks->guided_gradients(images, 2, 1);
  const FeatureMaps maps = networks->discriminator_maps(images, 2);
  ASSERT_EQ(maps.count, 3);
  ASSERT_EQ(maps.channels, 3);
  for (int64_t i = 0; i < 3; ++i) {
    const float* const map = maps.values.data() + (i * maps.channels + 1) * maps.size * maps.size;
    const float* const largest = std::max_element(map, map + maps.size * maps.size);
    EXPECT_EQ(guided.positions[static_cast<size_t>(i)], largest - map);
    EXPECT_FLOAT_EQ(guided.responses[static_cast<size_t>(i)], *largest);
  }
}

TEST(GuidedGradients, AreZeroWhereTheResponseIsNotPositive) {
  ModelFile model = positive_model();
  change(model, "discriminator.conv1.weight", [](float value, int64_t) { return -value; });
  const auto networks = explored_networks(model, {false, "cpu"});
  const GuidedGradients guided = networks->guided_gradients(positive_images(1), 1, 0);
  EXPECT_LT(guided.responses.at(0), 0);
  EXPECT_THAT(guided.gradients, Each(0.0F));
}

/// Gradients of channel 2 of the second convolution, whose weights are [O, I = 3, 3, 3].
std::vector<float> top_gradients(const ModelFile& model) {
  return explored_networks(model, {false, "cpu"})->guided_gradients(positive_images(1), 2, 2).gradients;
}

ModelFile without_channel_0(ModelFile model) {
  change(model, "discriminator.conv2.weight", [](float value, int64_t i) { return i / 9 % 3 == 0 ? 0.0F : value; });
  return model;
}

TEST(GuidedGradients, DoNotPassAnActivationThatIsNegative) {
  ModelFile model = positive_model();
  change(model, "discriminator.conv1.weight", [](float value, int64_t i) { return i / 27 == 0 ? -value : value; });
  const std::vector<float> guided = top_gradients(model);
  EXPECT_THAT(guided, Pointwise(FloatNear(1e-6F), top_gradients(without_channel_0(model))));
  EXPECT_GT(*std::max_element(guided.begin(), guided.end()), 0.01F);
}

TEST(GuidedGradients, DoNotPassAGradientThatIsNegative) {
  ModelFile model = positive_model();
  change(model, "discriminator.conv2.weight",
         [](float value, int64_t i) { return i / 9 % 3 == 0 ? -0.1F * value : value; });
  const std::vector<float> guided = top_gradients(model);
  EXPECT_THAT(guided, Pointwise(FloatNear(1e-6F), top_gradients(without_channel_0(model))));
  EXPECT_GT(*std::max_element(guided.begin(), guided.end()), 0.01F);
}

int largest_difference(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b) {
  int largest = a.size() == b.size() ? 0 : 256;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

/// A generator whose images have contrast.
ModelFile vivid_model(const GuidelineOptions& guidelines = {}) {
  ModelFile model = test::random_model(tiny(guidelines));
  for (auto& [name, tensor] : model.tensors) {
    if (name.find("generator.") != 0) continue;
    if (tensor.shape.size() > 1) change(model, name, [](float value, int64_t) { return value * 20; });
    // A shift that would stay where only the scale of a dropped map is taken away.
    if (name.find(".bias") != name.npos) change(model, name, [](float, int64_t) { return 0.3F; });
  }
  return model;
}

TEST(ExploredGenerator, AnImageDependsOnItsOwnNoiseWithFixedStatisticsAndOnAllWithThoseOfTheBatch) {
  const ModelFile model = vivid_model();
  const std::vector<float> many = sample_noise(model.architecture, 300, 1);
  const std::vector<float> one(many.begin() + 200 * 5, many.begin() + 201 * 5);
  const auto of_many = [&](const ExploredNetworks& networks) {
    const ImageBatch images = networks.images(many);
    EXPECT_EQ(images.count(), 300);
    const auto begin = images.pixels.begin() + 200 * 8 * 8 * 3;
    return std::vector<uint8_t>(begin, begin + 8 * 8 * 3);
  };
  const auto fixed = explored_networks(model, {false, "cpu"});
  EXPECT_LE(largest_difference(of_many(*fixed), fixed->images(one).pixels), 1);
  const auto batch = explored_networks(model, {true, "cpu"});
  EXPECT_GT(largest_difference(of_many(*batch), batch->images(one).pixels), 1);
}

TEST(ExploredGenerator, NoiseOfFewSamplesIsThatOfTheFirstOfMany) {
  for (const Latent latent : {Latent::kUniform, Latent::kNormal}) {
    ArchitectureOptions architecture = tiny();
    architecture.latent = latent;
    const std::vector<float> many = sample_noise(architecture, 100, 1);
    ASSERT_EQ(many.size(), 500U);
    for (const int64_t count : {1, 3, 17}) {
      EXPECT_EQ(sample_noise(architecture, count, 1), std::vector<float>(many.begin(), many.begin() + count * 5));
    }
    EXPECT_NE(sample_noise(architecture, 100, 2), many);
  }
}

TEST(ExploredGenerator, DroppingNoMapChangesNothingAndADroppedMapIsZeroEverywhere) {
  GuidelineOptions plain, pooling;
  plain.batch_norm = NormalizedLayers::kNone;
  pooling.scaling = Scaling::kPooling;
  for (const GuidelineOptions& guidelines : {GuidelineOptions{}, plain, pooling}) {
    for (const int64_t layer : {0, 1}) {
      const ModelFile model = vivid_model(guidelines);
      const std::vector<float> z = sample_noise(model.architecture, 6, 2);
      const auto networks = explored_networks(model, {false, "cpu"});
      const ImageBatch before = networks->images(z);
      const FeatureMaps maps = networks->generator_maps(z, layer);
      ASSERT_EQ(maps.count, 6);
      networks->drop_maps(layer, {});
      EXPECT_EQ(networks->images(z).pixels, before.pixels);

      networks->drop_maps(layer, {1});
      const FeatureMaps dropped = networks->generator_maps(z, layer);
      EXPECT_NE(networks->images(z).pixels, before.pixels);
      float was = 0;
      for (size_t i = 0; i < maps.values.size(); ++i) {
        const auto channel = static_cast<int64_t>(i) / (maps.size * maps.size) % maps.channels;
        if (channel == 1) was = std::max(was, maps.values[i]);
        ASSERT_EQ(dropped.values[i], channel == 1 ? 0 : maps.values[i]) << "value " << i;
      }
      EXPECT_GT(was, 0);
    }
  }
}

TEST(ExploredGenerator, DroppingEveryMapOfALayerLeavesGreyImages) {
  const ModelFile model = vivid_model();
  const auto networks = explored_networks(model, {false, "cpu"});
  networks->drop_maps(1, {0, 1, 2});
  EXPECT_THAT(networks->images(sample_noise(model.architecture, 2, 1)).pixels, Each(128));
}

TEST(ExploredGenerator, RefusesAModelWithoutOneAndNoiseOfAnotherWidth) {
  ModelFile model = test::random_model(tiny());
  const auto networks = explored_networks(model, {false, "cpu"});
  EXPECT_THAT([&] { networks->images(std::vector<float>(7)); },
              ThrowsMessage<Error>(HasSubstr("no whole number of 5")));
  model.has_generator = false;
  for (auto i = model.tensors.begin(); i != model.tensors.end();) {
    i = i->first.find("generator.") == 0 ? model.tensors.erase(i) : std::next(i);
  }
  const auto half = explored_networks(model, {false, "cpu"});
  EXPECT_THAT([&] { half->images(std::vector<float>(5)); }, ThrowsMessage<Error>(HasSubstr("no generator")));
  EXPECT_EQ(half->discriminator_maps(positive_images(1), 1).channels, 3);
}

}  // namespace
}  // namespace dcgan
