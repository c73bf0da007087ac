#include "dcgan/layers.h"

#include <gmock/gmock.h>

#include "dcgan/architecture.h"
#include "dcgan/errors.h"

namespace dcgan {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

// pytorch/examples, dcgan/main.py, with ndf 64.
constexpr const char* kPyTorch =
    "conv 4 2 1 to 64; lrelu 0.2; conv 4 2 1 to 128; bn; lrelu 0.2; conv 4 2 1 to 256; bn; lrelu 0.2; conv 4 2 1 to "
    "512; bn; lrelu 0.2; conv 4 1 0 to 1; sigmoid";
constexpr const char* kPyTorchGenerator =
    "deconv 4 1 0 to 512; bn; relu; deconv 4 2 1 to 256; bn; relu; deconv 4 2 1 to 128; bn; relu; deconv 4 2 1 to 64; "
    "bn; relu; deconv 4 2 1 to 3; tanh";

DiscriminatorLayers discriminator(const std::string& text, const MapsBelow& input) {
  DiscriminatorLayers layers = parse_discriminator(text);
  complete(layers, input);
  return layers;
}

std::string refusal(const std::string& text, const MapsBelow& input) {
  try {
    discriminator(text, input);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Layers, OfPyTorchsExampleHaveItsMapsAndItsHead) {
  const DiscriminatorLayers layers = discriminator(kPyTorch, {3, 64});
  std::vector<int64_t> sizes, widths;
  for (const ConvolutionShape& c : layers.convolutions) {
    sizes.push_back(c.size_out);
    widths.push_back(c.out_channels);
    EXPECT_EQ(c.slope, 0.2);
    EXPECT_EQ(c.epsilon, 1e-5);
  }
  EXPECT_THAT(sizes, ElementsAre(32, 16, 8, 4));
  EXPECT_THAT(widths, ElementsAre(64, 128, 256, 512));
  EXPECT_FALSE(layers.convolutions[0].batch_norm);
  EXPECT_TRUE(layers.convolutions[1].batch_norm);
  EXPECT_EQ(layers.head.inputs, 8192);  // the last convolution over the whole 4x4 maps
  EXPECT_FALSE(layers.head.bias);
}

TEST(Layers, AreReadAsTheyArePrinted) {
  const char* const kTexts[] = {
      "conv 4 2 1 to 64; lrelu 0.2; conv 4 2 1 to 128 bias; bn 1e-05; lrelu 0.2; dense to 1",
      "conv 5 2 1+2 to 8 bias; relu; conv 3 1 1 to 9; lrelu 0.3; bn 0.8 0.2; maxpool 2; mean; dense to 7 bias; bn "
      "0.001; "
      "lrelu 0.1; dense to 1 bias",
  };
  for (const char* text : kTexts) EXPECT_EQ(joined_steps(steps_of(discriminator(text, {3, 64}))), text);
  GeneratorLayers generator = parse_generator(kPyTorchGenerator);
  complete(generator, 100, {3, 64});
  EXPECT_EQ(generator.convolutions.back().size_out, 64);
  const std::string printed = joined_steps(steps_of(generator));
  EXPECT_EQ(joined_steps(steps_of(parse_generator(printed))), printed);
  const std::string dense =
      "dense to 64; bn 1e-05; relu; dense to 128x7x7 bias; bn units 1e-05; relu; deconv 5 2 2+1 to 64; bn 1e-05; relu; "
      "upsample 2; deconv 3 1 1 to 1 bias; sigmoid";
  EXPECT_EQ(joined_steps(steps_of(parse_generator(dense))), dense);
}

// TensorFlow's rule: of 3 rows in all for a kernel of 5, stride 2 and an even size the odd one lies at the end.
TEST(Layers, PadAsTensorFlowsSameDoes) {
  const DiscriminatorLayers layers = discriminator(
      "conv 5 2 same to 4; relu; conv 4 2 same to 4; relu; conv 3 1 same to 4; relu; dense to 1", {1, 28});
  std::vector<std::vector<int64_t>> found;
  for (const ConvolutionShape& c : layers.convolutions) found.push_back({c.pad_before, c.pad_after, c.size_out});
  EXPECT_THAT(found, ElementsAre(ElementsAre(1, 2, 14), ElementsAre(1, 1, 7), ElementsAre(1, 1, 7)));
}

TEST(Layers, OfThePublishedFamilyAreListsAsWell) {
  const DiscriminatorLayers layers = discriminator_layers(published_architecture("svhn32"));
  EXPECT_EQ(
      joined_steps(steps_of(layers)),
      "conv 5 2 2 to 64; lrelu 0.2; conv 5 2 2 to 128; bn 1e-08; lrelu 0.2; conv 5 2 2 to 256; bn 1e-08; lrelu 0.2; "
      "dense to 1");
  EXPECT_EQ(joined_steps(steps_of(generator_layers(published_architecture("svhn32")))),
            "dense to 256x4x4; bn units 1e-08; relu; deconv 5 2 2+1 to 128; bn 1e-08; relu; deconv 5 2 2+1 to 64; bn "
            "1e-08; relu; deconv 5 2 2+1 to 3; tanh");
}

// A list that says what the family is gives the same shapes, padding below and to the right apart, which no kernel
// sees.
TEST(Layers, OfAListAndOfTheFamilyHaveTheSameShapes) {
  for (const std::string& name : published_architecture_names()) {
    const ArchitectureOptions family = published_architecture(name);
    ArchitectureOptions list;
    list.image_size = family.image_size;
    list.nz = family.nz;
    list.network = joined_steps(steps_of(discriminator_layers(family)));
    list.generator_network = joined_steps(steps_of(generator_layers(family)));
    EXPECT_EQ(feature_count(list), feature_count(family)) << name;
    const auto generators = {generator_convolutions(list), generator_convolutions(family)};
    for (const auto& shapes : generators) EXPECT_EQ(shapes.back().size_out, family.image_size) << name;
    EXPECT_EQ(discriminator_layers(list).head.inputs, discriminator_layers(family).head.inputs) << name;
  }
}

TEST(Layers, ThatDoNotComeOutWholeAreNamed) {
  EXPECT_THAT(refusal("conv 4 2 1 to 8; relu; conv 4 2 0 to 8; relu; dense to 1", {3, 30}),
              AllOf(HasSubstr("convolution 2 does not come out whole"), HasSubstr("maps of 15 pixels the last 1")));
  EXPECT_THAT(refusal("conv 3 2 1 to 8; relu; conv 9 1 0 to 8; relu; dense to 1", {3, 8}),
              HasSubstr("convolution 2 has kernels of 9 pixels, for maps of 4"));
  EXPECT_THAT(refusal("conv 3 1 1 to 8; relu; maxpool 2; dense to 1", {3, 9}),
              HasSubstr("convolution 1 has maps of 9 pixels, which 2x2 max-pooling does not divide"));
  EXPECT_THAT(refusal(kPyTorch, {3, 96}), HasSubstr("has kernels of 4 pixels; the maps below it have 6"));
  EXPECT_THAT(refusal("conv 3 2 1; relu; dense to 1", {3, 8}), HasSubstr("convolution 1 has no number of channels"));
}

TEST(Layers, ThatAreNoListAreRefusedWithTheStep) {
  const auto says = [](const std::string& text) { return refusal(text, {3, 64}); };
  EXPECT_THAT(says(""), HasSubstr("the list of layers is empty"));
  EXPECT_THAT(says("conv 4 2 1 to 8; elu; dense to 1"),
              AllOf(HasSubstr("step 2 of the list, \"elu\", is no step"), HasSubstr("there are conv, bn")));
  EXPECT_THAT(says("conv 4 2"), HasSubstr("is not of the form conv KERNEL STRIDE PADDING"));
  EXPECT_THAT(says("conv 4 2 9 to 8; dense to 1"), HasSubstr("has \"9\"; expected a whole number from 0 to 3"));
  EXPECT_THAT(says("conv 4 2 1 to 8; lrelu; dense to 1"), HasSubstr("is not of the form lrelu SLOPE"));
  EXPECT_THAT(says("conv 4 2 1 to 8; lrelu 2; dense to 1"), HasSubstr("has \"2\"; expected a number from 0 to 1"));
  EXPECT_THAT(says("bn; conv 4 2 1 to 8; dense to 1"),
              HasSubstr("step 1 of the list, \"bn\", stands before any layer"));
  EXPECT_THAT(says("conv 4 2 1 to 8; bn; bn; dense to 1"), HasSubstr("second batch norm of one layer"));
  EXPECT_THAT(says("conv 4 2 1 to 8; relu"), HasSubstr("no layer that makes the logit"));
  EXPECT_THAT(says("conv 4 2 1 to 8; relu; conv 4 2 1 to 8"), HasSubstr("the last convolution makes no logit"));
  EXPECT_THAT(says("conv 4 2 1 to 8; relu; dense to 10"), HasSubstr("the last dense layer has 10 outputs; expected 1"));
  EXPECT_THAT(says("conv 4 2 1 to 8; maxpool 2; bn; dense to 1"), HasSubstr("step 3 of the list, \"bn\""));
  EXPECT_THAT([] { parse_generator("dense to 8x4x4; relu; tanh"); },
              ThrowsMessage<Error>(HasSubstr("does not end in a deconv")));
  EXPECT_THAT(
      [] {
        GeneratorLayers layers = parse_generator(kPyTorchGenerator);
        complete(layers, 100, {3, 128});
      },
      ThrowsMessage<Error>(HasSubstr("makes images of 3x64x64; expected 3x128x128")));
}

TEST(Layers, AreOptionsOfAnArchitectureThatRefusesWhatHasNoEffect) {
  ArchitectureOptions o;
  o.image_size = 64;
  o.network = kPyTorch;
  EXPECT_EQ(feature_count(o), 16 * (64 + 128 + 256 + 512));
  EXPECT_FALSE(o.has_generator());
  o.ndf = 32;
  EXPECT_THAT([&] { check(o); }, ThrowsMessage<OptionError>(HasSubstr("--ndf has no effect with --network")));
  o.ndf = 128;
  o.image_size = 96;
  EXPECT_THAT([&] { check(o); }, ThrowsMessage<OptionError>(HasSubstr("--network: the last convolution")));
  o.image_size = 64;
  o.generator_network = "dense to 8x4x4; relu; deconv 4 2 1 to 3; tanh";
  EXPECT_THAT([&] { check(o); }, ThrowsMessage<OptionError>(HasSubstr("--generator-network: the generator makes")));
  o.generator_network = kPyTorchGenerator;
  EXPECT_NO_THROW(check(o));
  o.input.channels = 1;
  EXPECT_THAT([&] { check(o); }, ThrowsMessage<OptionError>(HasSubstr("expected 1x64x64")));
}

TEST(InputOptions, OutOfRangeAreRefused) {
  const auto refuses = [](const InputOptions& input, const std::string& says) {
    ArchitectureOptions o;
    o.input = input;
    EXPECT_THAT([&] { check(o); }, ThrowsMessage<OptionError>(HasSubstr(says)));
  };
  refuses({2}, "--input-channels is 2; it must be 1 (grey) or 3");
  refuses({1, ChannelOrder::kBgr}, "--input-order is bgr");
  refuses({3, ChannelOrder::kRgb, {0.5, 0.5}}, "--input-mean has 2 numbers");
  refuses({3, ChannelOrder::kRgb, {0.5}, {0}}, "--input-deviation is 0");
}

}  // namespace
}  // namespace dcgan
