// Discriminators of the kinds that people have, found without a mapping: their features are PyTorch's
// (golden/make_networks.py wrote them). Their logits are in tests/nn.
#include "tests/support/imported_networks.h"

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "dcgan/errors.h"
#include "dcgan/feature_extractor.h"
#include "dcgan/network_import.h"
#include "tests/support/temporary_folder.h"

namespace dcgan {
namespace {

using test::facts_of;
using test::found;
using test::golden_pixels;
using test::golden_values;
using test::imported;
using test::kGoldenImages;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

class ImportedNetwork : public testing::TestWithParam<const char*> {};

TEST_P(ImportedNetwork, HasTheFeaturesOfPyTorch) {
  const std::string name = GetParam();
  const nlohmann::json& expected = golden_values().at(name);
  const test::TemporaryFolder folder;
  save_model(folder / "m.safetensors", imported({name + ".pt"}, facts_of(name)));
  FeatureExtractor extractor(folder / "m.safetensors");
  const auto size = expected.at("size").get<int64_t>();
  ASSERT_EQ(extractor.image_size(), size);
  const auto theirs = expected.at("features").get<std::vector<double>>();
  ASSERT_EQ(static_cast<int64_t>(theirs.size()), kGoldenImages * extractor.feature_count());
  std::vector<float> features(theirs.size());
  extractor.extract(golden_pixels(size).data(), kGoldenImages, size, size, 0, features.data());
  double largest = 0, difference = 0;
  for (size_t i = 0; i < theirs.size(); ++i) {
    largest = std::max(largest, std::abs(theirs[i]));
    difference = std::max(difference, std::abs(theirs[i] - double{features[i]}));
  }
  EXPECT_LT(difference, 1e-5 * largest);
}

INSTANTIATE_TEST_SUITE_P(OfPyTorch, ImportedNetwork, testing::ValuesIn(test::kGoldenNetworks),
                         [](const auto& test) { return std::string(test.param); });

std::string refusal(const std::vector<std::string>& names, const NetworkFacts& facts = {}) {
  try {
    imported(names, facts);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

/// A file of tensors of these shapes, filled with 0.1.
class Made {
 public:
  std::string file(const std::vector<std::pair<std::string, std::vector<int64_t>>>& shapes, float value = 0.1F) const {
    SafetensorsFile content;
    for (const auto& [name, shape] : shapes) {
      int64_t count = 1;
      for (const int64_t side : shape) count *= side;
      content.tensors[name] = make_tensor(shape, std::vector<float>(static_cast<size_t>(count), value));
    }
    write_safetensors(folder_ / "made.safetensors", content);
    return folder_ / "made.safetensors";
  }

 private:
  test::TemporaryFolder folder_;
};

TEST(NetworkImport, SaysWhichFamilyAndWhatWasAssumed) {
  const FoundNetwork network = found({"pytorch64.pt"});
  EXPECT_EQ(network.family, "PyTorch's DCGAN example");
  EXPECT_EQ(network.architecture.image_size, 64);
  EXPECT_EQ(
      network.architecture.network,
      "conv 4 2 1 to 4; lrelu 0.2; conv 4 2 1 to 8; bn 1e-05; lrelu 0.2; conv 4 2 1 to 16; bn 1e-05; lrelu 0.2; conv "
      "4 2 1 to 32; bn 1e-05; lrelu 0.2; dense to 1");
  EXPECT_THAT(network.assumed,
              ElementsAre("strides and paddings as in PyTorch's DCGAN example", "LeakyReLU of slope 0.2",
                          "epsilon 1e-05 of batch norm", "images of 64 x 64 pixels",
                          "pixels in the order RGB, scaled to [-1, 1] (mean 0.5, deviation 0.5)"));
  EXPECT_EQ(network.mapping.at("discriminator.bn2.running_var"), "pytorch64.pt:main.3.running_var");
  EXPECT_THAT(found({"pytorch128.pt"}).family, HasSubstr("descendant of PyTorch's"));
  EXPECT_EQ(found({"tensorflow64.pt"}).family, "DCGAN-tensorflow");
  EXPECT_THAT(found({"tensorflow64.pt"}).architecture.network, HasSubstr("conv 5 2 1+2 to 2 bias"));
  EXPECT_THAT(found({"five64.pt"}).architecture.network, HasSubstr("conv 5 2 2 to 2 bias"));
  EXPECT_THAT(found({"spectral32.pt"}).family, HasSubstr("SN-GAN"));
  EXPECT_THAT(found({"critic64.pt"}).family, HasSubstr("without batch norm"));
  EXPECT_THAT(found({"pytorchgan32.pt"}).architecture.network, HasSubstr("lrelu 0.2; bn 0.8"));
  EXPECT_EQ(found({"grey28.pt"}).architecture.input.channels, 1);
  EXPECT_EQ(found({"grey28.pt"}).architecture.image_size, 28);
  EXPECT_THAT(found({"own48.pt"}, facts_of("own48")).assumed, ElementsAre("images of 48 x 48 pixels"));
}

TEST(NetworkImport, TakesTheEpsilonThatItIsTold) {
  NetworkFacts facts;
  facts.epsilon = 1e-3;
  EXPECT_THAT(found({"pytorch64.pt"}, facts).architecture.network, HasSubstr("bn 0.001"));
}

TEST(NetworkImport, FindsTheGeneratorBesideTheDiscriminator) {
  const FoundNetwork network = found({"pytorch64.pt", "pytorch64G.pt"});
  EXPECT_EQ(network.architecture.nz, 6);
  EXPECT_EQ(network.architecture.latent, Latent::kNormal);
  EXPECT_EQ(network.architecture.generator_network,
            "deconv 4 1 0 to 16; bn 1e-05; relu; deconv 4 2 1 to 8; bn 1e-05; relu; deconv 4 2 1 to 4; bn 1e-05; relu; "
            "deconv 4 2 1 to 2; bn 1e-05; relu; deconv 4 2 1 to 3; tanh");
  const ModelFile model = imported({"pytorch64.pt", "pytorch64G.pt"});
  EXPECT_TRUE(model.has_generator);
  EXPECT_EQ(model.tensors.at("generator.project.weight").shape, (std::vector<int64_t>{6, 16, 4, 4}));
}

// Its convolutions are ordinary ones behind nn.Upsample: [O, I, k, k] in the file, transposed ones of stride 1 here.
TEST(NetworkImport, FindsAGeneratorThatDoublesItsMaps) {
  const FoundNetwork network = found({"pytorchgan32.pt", "pytorchgan32G.pt"});
  EXPECT_EQ(
      network.architecture.generator_network,
      "dense to 6x8x8 bias; bn 1e-05; upsample 2; deconv 3 1 1 to 6 bias; bn 0.8; lrelu 0.2; upsample 2; deconv 3 1 1 "
      "to 4 bias; bn 0.8; lrelu 0.2; deconv 3 1 1 to 3 bias; tanh");
  EXPECT_THAT(network.assumed, Contains("noise of normal distribution"));
  const std::vector<StateDictReader> files = test::read_networks({"pytorchgan32G.pt"});
  const std::vector<float> theirs = files.front().read("conv_blocks.6.weight").to_floats();
  const StoredTensor ours = imported({"pytorchgan32.pt", "pytorchgan32G.pt"}).tensors.at("generator.deconv2.weight");
  ASSERT_EQ(ours.shape, (std::vector<int64_t>{6, 4, 3, 3}));
  // Output 1, input 2, pixel [0, 1] of theirs is [2, 1] of ours.
  EXPECT_EQ(ours.to_floats()[(2 * 4 + 1) * 9 + 7], theirs[(1 * 6 + 2) * 9 + 1]);
  EXPECT_THAT(refusal({"pytorchgan32G.pt"}), HasSubstr("it is a generator"));
}

TEST(NetworkImport, SaysWhichGeneratorsItLeavesOut) {
  const Made made;
  const std::string file = made.file(
      {{"g.fc.weight", {8 * 8 * 8, 5}}, {"g.main.0.weight", {8, 8, 5, 5}}, {"g.main.3.weight", {3, 8, 5, 5}}});
  EXPECT_THAT(found({"pytorchgan32.pt", file}).left_out,
              ElementsAre(AllOf(HasSubstr("ordinary convolutions, behind what doubles maps (nn.Upsample)"),
                                HasSubstr("--generator-network"), HasSubstr("dense to 8x8x8; bn; upsample 2;"))));
  NetworkFacts facts;
  const std::string first = "dense to 8x8x8; lrelu 0.2; upsample 2; deconv 5 1 2; lrelu 0.2; ";
  facts.architecture.generator_network = first + "upsample 2; deconv 5 1 2; tanh";
  EXPECT_THAT(found({"pytorchgan32.pt", file}, facts).architecture.generator_network,
              HasSubstr("upsample 2; deconv 5 1 2 to 3; tanh"));
  facts.architecture.generator_network = first + "deconv 5 2 1+2; tanh";
  EXPECT_THAT(refusal({"pytorchgan32.pt", file}, facts), HasSubstr("it is \"upsample 2; deconv 5 1 2\" in a list"));
}

TEST(NetworkImport, AsksWhereStridesCannotBeKnown) {
  EXPECT_THAT([&] { found({"own48.pt"}); },
              ThrowsMessage<FileError>(AllOf(HasSubstr("own48.pt"), HasSubstr("stand in no file"),
                                             HasSubstr("--network \"conv 7 2 3; bn 1e-05; lrelu 0.2; "))));
}

TEST(NetworkImport, RefusesAListThatDoesNotFitTheShapes) {
  const auto told = [](const std::string& network) {
    NetworkFacts facts;
    facts.architecture.network = network;
    return facts;
  };
  const std::string rest = "; bn; lrelu 0.2; conv 4 2 1; bn; lrelu 0.2; conv 4 1 0";
  EXPECT_THAT(refusal({"pytorch64.pt"}, told("conv 4 2 1; lrelu 0.2; conv 4 2 1" + rest)),
              AllOf(HasSubstr("the list has 3 convolutions below the logit, the file 4"), HasSubstr("[4,3,4,4]")));
  EXPECT_THAT(refusal({"pytorch64.pt"}, told("conv 4 2 1; lrelu 0.2; conv 4 2 1; bn; lrelu 0.2; conv 3 2 1" + rest)),
              AllOf(HasSubstr("convolution 3, in the file \"main.5\" [16,8,4,4], has kernels of 4"),
                    HasSubstr("the list says 3")));
  EXPECT_THAT(
      refusal({"pytorch64.pt"}, told("conv 4 2 1; bn; lrelu 0.2; conv 4 2 1; bn; lrelu 0.2; conv 4 2 1" + rest)),
      HasSubstr("convolution 1, in the file \"main.0\" [4,3,4,4], has no batch norm behind it; the list has one"));
  EXPECT_THAT(
      refusal({"pytorch64.pt"}, told("conv 4 2 1 to 5; lrelu 0.2; conv 4 2 1; bn; lrelu 0.2; conv 4 2 1" + rest)),
      HasSubstr("makes 4 channels; the list says 5"));
  NetworkFacts wrong_size;
  wrong_size.architecture.image_size = 96;
  wrong_size.image_size_known = true;
  EXPECT_THAT(refusal({"pytorch64.pt"}, wrong_size), HasSubstr("the maps below it have 6"));
}

TEST(NetworkImport, SaysWhatElseAFileHolds) {
  EXPECT_THAT(refusal({"pytorch64G.pt"}), HasSubstr("it is a generator, which makes images of noise"));
  EXPECT_THAT(refusal({DCGAN_SOURCE_DIR "/tests/golden/state_dict/legacy.pt"}),
              HasSubstr("\"w\" [2] is no weight of a convolution"));
}

TEST(NetworkImport, RefusesNetworksWithShortcutsAttentionAndOtherNorms) {
  const Made made;
  EXPECT_THAT(refusal({made.file({{"conv1.weight", {64, 3, 7, 7}},
                                  {"layer1.0.conv1.weight", {64, 64, 3, 3}},
                                  {"layer2.0.conv1.weight", {128, 64, 3, 3}},
                                  {"layer2.0.downsample.0.weight", {128, 64, 1, 1}},
                                  {"fc.weight", {10, 128}}})}),
              AllOf(HasSubstr("\"layer2.0.downsample.0\" [128,64,1,1] takes 64 channels"), HasSubstr("a ResNet")));
  EXPECT_THAT(
      refusal({made.file(
          {{"blocks.0.qkv.weight", {96, 32}}, {"cls_token", {1, 1, 32}}, {"patch_embed.weight", {32, 3, 16, 16}}})}),
      AllOf(HasSubstr("\"cls_token\" [1,1,32]"), HasSubstr("a transformer")));
  EXPECT_THAT(refusal({made.file({{"0.weight", {8, 13, 4, 4}}, {"1.weight", {1, 8, 4, 4}}})}),
              HasSubstr("takes 13 channels; expected 1 or 3"));
  EXPECT_THAT(refusal({made.file({{"0.weight", {8, 3, 4, 4}}, {"2.weight", {10, 8, 4, 4}}})}),
              HasSubstr("makes 10 channels; expected 1, the logit"));
  EXPECT_THAT(refusal({made.file({{"fc1.weight", {8, 30}}, {"fc2.weight", {1, 8}}})}),
              HasSubstr("holds no convolution"));
}

TEST(NetworkImport, RefusesOtherNormsSayingWhichTheyProbablyAre) {
  const Made made;
  // A norm of these tensors behind the first convolution.
  const auto with = [&](const std::string& norm, std::vector<int64_t> shape, const std::vector<std::string>& parts) {
    std::vector<std::pair<std::string, std::vector<int64_t>>> shapes = {
        {"0.weight", {8, 3, 4, 4}}, {"3.weight", {8, 8, 4, 4}}, {"5.weight", {1, 8, 4, 4}}};
    for (const std::string& part : parts) shapes.emplace_back(norm + "." + part, shape);
    return refusal({made.file(shapes)});
  };
  const std::vector<std::string> affine = {"weight", "bias"};
  EXPECT_THAT(with("1", {8}, affine),
              AllOf(HasSubstr("\"1\" [8] is a norm without running statistics, probably InstanceNorm2d(affine=True)"),
                    HasSubstr("track_running_stats=True"), HasSubstr("exchange it in PyTorch and train on")));
  EXPECT_THAT(with("1.in1", {8}, affine), HasSubstr("by its name an instance norm"));
  EXPECT_THAT(with("1.InstanceNorm", {8}, affine), HasSubstr("by its name an instance norm"));
  EXPECT_THAT(with("1.gn", {8}, affine), HasSubstr("by its name a group norm"));
  EXPECT_THAT(with("1.ln_2", {8}, affine), HasSubstr("by its name a layer norm"));
  EXPECT_THAT(with("1.inner", {8}, affine), HasSubstr("probably InstanceNorm2d"));
  EXPECT_THAT(with("1", {8, 16, 16}, affine), HasSubstr("\"1\" [8,16,16] is a layer norm of whole maps"));
  EXPECT_THAT(with("1", {8}, {"running_mean", "running_var"}),
              AllOf(HasSubstr("no weight and bias (affine=False)"), HasSubstr("sd[\"1.weight\"] = torch.ones(8)")));
  EXPECT_THAT(with("1", {}, {"running_mean", "running_var"}), HasSubstr("is no list of channels"));
  EXPECT_EQ(with("1", {8}, {"weight", "bias", "running_mean", "running_var"}), "accepted");
}

// The default of InstanceNorm2d: only the numbers of the modules tell that something is there.
TEST(NetworkImport, AsksWhereANormWithoutWeightsMayHide) {
  const Made made;
  const std::string file = made.file({{"model.0.weight", {8, 3, 4, 4}},
                                      {"model.2.weight", {8, 8, 4, 4}},
                                      {"model.5.weight", {8, 8, 4, 4}},
                                      {"model.7.weight", {1, 8, 4, 4}}});
  EXPECT_THAT(refusal({file}),
              AllOf(HasSubstr("two modules or more between \"model.2\" [8,8,4,4] and \"model.5\""),
                    HasSubstr("InstanceNorm2d"), HasSubstr("--image-size 32 --network \"conv 4 2 1;")));
  NetworkFacts facts;
  facts.architecture.network = "conv 4 2 1; lrelu 0.2; conv 4 2 1; lrelu 0.2; conv 4 2 1; lrelu 0.2; conv 4 1 0";
  EXPECT_EQ(refusal({file}, facts), "accepted");
  // Beside batch norms nobody has instance norms.
  std::vector<std::pair<std::string, std::vector<int64_t>>> normed = {
      {"0.weight", {8, 3, 4, 4}}, {"3.weight", {8, 8, 4, 4}}, {"7.weight", {1, 8, 4, 4}}};
  for (const char* part : {"weight", "bias", "running_mean", "running_var"}) {
    normed.emplace_back(std::string("4.") + part, std::vector<int64_t>{8});
  }
  EXPECT_THAT(found({made.file(normed)}).assumed, Contains(HasSubstr("are dropout, not instance norm")));
  EXPECT_THAT(found({"grey28.pt"}).assumed, Contains(AllOf(HasSubstr("between \"0\" [6,1,5,5] and \"3\""),
                                                           HasSubstr("are dropout, not instance norm"))));
}

TEST(NetworkImport, RefusesWeightsThatAreNoNumbers) {
  const Made made;
  const std::vector<std::pair<std::string, std::vector<int64_t>>> shapes = {
      {"0.weight", {8, 3, 4, 4}}, {"2.weight", {8, 8, 4, 4}}, {"4.weight", {1, 8, 4, 4}}};
  EXPECT_EQ(refusal({made.file(shapes)}), "accepted");
  EXPECT_THAT(refusal({made.file(shapes, std::numeric_limits<float>::quiet_NaN())}),
              AllOf(HasSubstr("\"made.safetensors:0.weight\" holds values that are no numbers")));
}

TEST(NetworkImport, LeavesOutOtherHeadsAndSaysSo) {
  const Made made;
  const FoundNetwork network = found({made.file({{"conv.0.weight", {8, 3, 4, 4}},
                                                 {"conv.2.weight", {8, 8, 4, 4}},
                                                 {"xadv.weight", {1, 128}},
                                                 {"xaux.weight", {10, 128}}})});
  EXPECT_THAT(network.left_out, ElementsAre(HasSubstr("\"xaux\" [10,128]: another output than the logit")));
  EXPECT_EQ(network.architecture.image_size, 16);
}

// In a safetensors file tensors have no order but that of their names.
TEST(NetworkImport, FindsADenseHeadWhoseNameComesBeforeTheConvolutions) {
  const Made made;
  EXPECT_EQ(
      refusal({made.file({{"fc.weight", {1, 128}}, {"main.0.weight", {8, 3, 4, 4}}, {"main.2.weight", {8, 8, 4, 4}}})}),
      "accepted");
}

TEST(NetworkImport, AsksWhichOfSeveralNetworksIsMeant) {
  const Made made;
  const std::string file = made.file({{"ema.0.weight", {8, 3, 4, 4}},
                                      {"ema.2.weight", {1, 8, 4, 4}},
                                      {"net.0.weight", {8, 3, 4, 4}},
                                      {"net.2.weight", {1, 8, 4, 4}}});
  EXPECT_THAT(refusal({file}), HasSubstr("holds several discriminators, below \"ema.\", \"net.\""));
  NetworkFacts facts;
  facts.prefix = "net.";
  EXPECT_EQ(refusal({file}, facts), "accepted");
}

}  // namespace
}  // namespace dcgan
