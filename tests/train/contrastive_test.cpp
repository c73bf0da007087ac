#include "train/contrastive.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "tests/support/tensor_near.h"

namespace dcgan::train {
namespace {

at::Tensor directions_of(const at::Tensor& z) { return z.div(z.norm(2, {1}, true)); }

struct Golden {
  nlohmann::json table =
      nlohmann::json::parse(std::ifstream(DCGAN_SOURCE_DIR "/tests/golden/data/train/contrast.json"));
  at::Tensor rows(const char* name, std::vector<int64_t> shape) const {
    std::vector<double> values = table[name];
    return at::from_blob(values.data(), shape, at::kDouble).clone();
  }
  int64_t count = table["rows"], columns = table["columns"];
  at::Tensor z = rows("z", {count, columns}).to(at::kFloat).set_requires_grad(true);
};

TEST(Contrast, IsTheLossOfItsPaperWithItsGradient) {
  const Golden golden;
  const at::Tensor rows = directions_of(golden.z);
  const Contrast contrast_of_all = contrast({rows, rows, 0});
  EXPECT_THAT(contrast_of_all.loss, test::tensor_near(golden.rows("losses", {golden.count}), 1e-5));
  EXPECT_THAT(contrast_of_all.found, test::tensor_near(golden.rows("found", {golden.count}), 0));
  EXPECT_THAT(contrast_of_all.similarity, test::tensor_near(golden.rows("similarity", {golden.count}), 1e-6));
  contrast_of_all.loss.mean().backward();
  EXPECT_THAT(golden.z.grad(), test::tensor_near(golden.rows("gradient", {golden.count, golden.columns}), 1e-5));
}

TEST(Contrast, OfAPartOfTheMinibatchIsThatOfItsRows) {
  const Golden golden;
  const at::Tensor rows = directions_of(golden.z.detach());
  const Contrast whole = contrast({rows, rows, 0});
  const auto part = [](const at::Tensor& x) { return at::cat({x.narrow(0, 1, 2), x.narrow(0, 5, 2)}); };  // images 1, 2
  const Contrast own = contrast({part(rows), rows, 1});
  EXPECT_THAT(own.loss, test::tensor_near(part(whole.loss), 1e-6));
  EXPECT_THAT(own.found, test::tensor_near(part(whole.found), 0));
  EXPECT_THAT(own.similarity, test::tensor_near(part(whole.similarity), 1e-6));
}

TEST(Contrast, IsTheLogarithmOfTheOtherViewsWhereAllAreAlike) {
  const at::Tensor rows = directions_of(at::full({6, 4}, 0.5F));
  const Contrast alike = contrast({rows, rows, 0});
  EXPECT_THAT(alike.loss, test::tensor_near(at::full({6}, std::log(5.0)), 1e-5));
  EXPECT_THAT(alike.similarity, test::tensor_near(at::full({6}, 1.0F), 1e-6));
}

TEST(Contrast, OfOrthogonalImagesWithEqualViewsIsWhatHandGives) {
  const at::Tensor rows = at::cat({at::eye(3), at::eye(3)});
  const Contrast apart = contrast({rows, rows, 0});
  // e^5 for the partner, e^0 for each of the four views of other images.
  EXPECT_THAT(apart.loss, test::tensor_near(at::full({6}, std::log1p(4 * std::exp(-1 / kTemperature))), 1e-6));
  EXPECT_THAT(apart.found, test::tensor_near(at::full({6}, 1.0F), 0));
  EXPECT_THAT(apart.similarity, test::tensor_near(at::full({6}, 0.0F), 0));
}

ArchitectureOptions small_architecture() {
  ArchitectureOptions architecture;
  architecture.image_size = 16;
  architecture.ndf = 4;
  return architecture;
}

TEST(ContrastiveHeads, AreOnTheLastLayerAndOnThoseFromTheSecondWhereTheyCount) {
  const std::vector<ConvolutionShape> shapes = discriminator_convolutions(small_architecture());
  ASSERT_EQ(shapes.size(), 4U);
  const auto names = [&](double lower_weight) {
    std::vector<std::string> all;
    for (const auto& [name, tensor] : ContrastiveHeads(shapes, lower_weight, 1).parameters()) all.push_back(name);
    return all;
  };
  EXPECT_THAT(names(0), testing::ElementsAre("contrastive4.hidden.weight", "contrastive4.bn.weight",
                                             "contrastive4.bn.bias", "contrastive4.weight", "contrastive4.bias"));
  EXPECT_EQ(names(0.5).size(), 15U);
  EXPECT_EQ(names(0.5)[10], "contrastive2.hidden.weight");
  // Equal seeds, equal heads: those of the last layer with and without others.
  EXPECT_THAT(ContrastiveHeads(shapes, 0.5, 1).parameters()[0].second,
              test::tensor_near(ContrastiveHeads(shapes, 0, 1).parameters()[0].second, 0));
}

TEST(ContrastiveHeads, GiveDirectionsThatDoNotDependOnTheScaleOfTheMaps) {
  const ArchitectureOptions architecture = small_architecture();
  const ContrastiveHeads heads(discriminator_convolutions(architecture), 0.5, 1);
  const nn::Discriminator network = nn::make_discriminator(architecture, 2);
  const at::Tensor images = nn::draw_noise(
                                [] {
                                  ArchitectureOptions noise;
                                  noise.nz = 3 * 16 * 16;
                                  return noise;
                                }(),
                                6, 3)
                                .view({6, 3, 16, 16});
  const std::vector<at::Tensor> maps = network.activations(images, nn::Statistics::kBatch);
  std::vector<at::Tensor> larger;
  for (const at::Tensor& map : maps) larger.push_back(map.mul(3));
  const std::vector<at::Tensor> a = heads.directions(maps, nn::Statistics::kBatch);
  const std::vector<at::Tensor> b = heads.directions(larger, nn::Statistics::kBatch);
  ASSERT_EQ(a.size(), 3U);
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].sizes(), (std::vector<int64_t>{6, 128}));
    EXPECT_THAT(a[i].norm(2, {1}), test::tensor_near(at::full({6}, 1.0F), 1e-5));
    EXPECT_THAT(b[i], test::tensor_near(a[i], 1e-4)) << "batch norm takes the scale away";
  }
}

}  // namespace
}  // namespace dcgan::train
