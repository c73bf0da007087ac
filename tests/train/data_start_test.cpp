#include "train/data_start.h"

#include <ATen/ops/im2col.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/linalg_inv.h>
#include <ATen/ops/stack.h>
#include <gmock/gmock.h>

#include <numeric>

#include "dcgan/errors.h"
#include "dcgan/models.h"
#include "nn/convolution.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_near.h"
#include "tests/train/small_images.h"

namespace dcgan::train {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class DataStart : public testing::Test {
 protected:
  DataStart() {
    observer_.on_message = [this](const std::string& line) { said_.push_back(line); };
    architecture_.image_size = 16;
    architecture_.ndf = 4;
    std::iota(all_.begin(), all_.end(), 0);
  }

  nn::Discriminator started(uint64_t seed) {
    nn::Discriminator network = nn::make_discriminator(architecture_, 1);
    EXPECT_TRUE(start_from_patches(network, rows_, seed, observer_));
    return network;
  }

  // What a convolution takes, of all images: they are fewer than a minibatch of the start.
  at::Tensor input(const nn::Discriminator& network, size_t layer) {
    const at::Tensor images = rows_.at(all_.data(), kCount);
    return layer == 0 ? images : network.activations(images, nn::Statistics::kBatch)[layer - 1];
  }

  static constexpr int64_t kCount = 40;
  test::TemporaryFolder folder_;
  ArchitectureOptions architecture_;
  PackedImageReader images_ = test::small_images(folder_ / "images.h5", kCount, 16);
  ImageRows rows_{images_, ImagePlace::kHost, c10::kCPU};
  std::vector<int64_t> all_ = std::vector<int64_t>(kCount);
  std::vector<std::string> said_;
  TrainObserver observer_;
};

TEST_F(DataStart, GivesEveryConvolutionOutputsOfDeviationOne) {
  const nn::Discriminator network = started(7);
  for (size_t layer = 0; layer < network.convolutions.size(); ++layer) {
    const nn::Convolution& c = network.convolutions[layer];
    const at::Tensor output = nn::convolve(input(network, layer), c.weight, c.shape.stride);
    EXPECT_NEAR(output.std().item<double>(), 1, 1e-3) << layer;
    if (!c.shape.batch_norm) continue;
    EXPECT_EQ(c.batch_norm.weight.min().item<float>(), 1);
    EXPECT_EQ(c.batch_norm.bias.abs().max().item<float>(), 0);
  }
  EXPECT_THAT(said_,
              testing::ElementsAre(HasSubstr("1 of 4"), HasSubstr("2 of 4"), HasSubstr("3 of 4"), HasSubstr("4 of 4")));
}

TEST_F(DataStart, HearsAStopInTheMiddleOfALayer) {
  int64_t asked = 0;
  constexpr int64_t kAsked = 20;  // in the second layer
  observer_.should_stop = [&] { return ++asked == kAsked; };
  nn::Discriminator network = nn::make_discriminator(architecture_, 1);
  EXPECT_FALSE(start_from_patches(network, rows_, 7, observer_));
  EXPECT_EQ(asked, kAsked);
  EXPECT_THAT(said_, testing::SizeIs(testing::AllOf(testing::Ge(1), testing::Lt(4))));
}

TEST_F(DataStart, LeavesFiltersOfTheImagesThatDoNotSeeAMean) {
  const at::Tensor filters = started(7).convolutions[0].weight;
  EXPECT_LT(filters.mean({1, 2, 3}).abs().max().item<float>(), 1e-5 * filters.abs().max().item<float>());
}

// All patches of so few images are taken, so that the whitening can be worked out here, from LibTorch's own im2col().
TEST_F(DataStart, ComesToAFixedPointOfSphericalKMeansOnWhitenedPatches) {
  const nn::Discriminator network = started(7);
  for (const size_t layer : {1, 2, 3}) {
    const at::Tensor columns = at::im2col(input(network, layer).contiguous(), {3, 3}, {1, 1}, {0, 0}, {1, 1});
    const at::Tensor patches = columns.permute({0, 2, 1}).flatten(0, 1).to(at::kDouble);  // [N * positions, I * 9]
    const at::Tensor centred = patches.sub(patches.mean(0));
    const auto [values, vectors] =
        at::linalg_eigh(centred.t().matmul(centred).div(static_cast<double>(centred.size(0))));
    const at::Tensor whitening = vectors.mul(values.add(values.mean().mul(0.1)).rsqrt()).matmul(vectors.t());
    const auto rows_of_length_1 = [](const at::Tensor& x) { return x.div(x.norm(2, {1}, true)); };
    const at::Tensor white = rows_of_length_1(centred.matmul(whitening));
    const at::Tensor filters = network.convolutions[layer].weight.contiguous().flatten(1).to(at::kDouble);
    const at::Tensor centroids = rows_of_length_1(filters.matmul(at::linalg_inv(whitening)));
    const at::Tensor nearest = white.matmul(centroids.t()).argmax(1);
    for (int64_t k = 0; k < centroids.size(0); ++k) {
      const at::Tensor members = white.index_select(0, nearest.eq(k).nonzero().squeeze(1));
      ASSERT_GT(members.size(0), 0) << "layer " << layer << ", centroid " << k;
      const at::Tensor mean = members.mean(0);
      // 15 rounds bring it near a fixed point, not onto it.
      EXPECT_GT(mean.div(mean.norm()).dot(centroids[k]).item<double>(), 0.97)
          << "layer " << layer << ", centroid " << k;
    }
  }
}

TEST_F(DataStart, IsAFunctionOfTheSeed) {
  const nn::Discriminator a = started(7), b = started(7), c = started(8);
  for (size_t layer = 0; layer < a.convolutions.size(); ++layer) {
    EXPECT_THAT(b.convolutions[layer].weight, test::tensor_near(a.convolutions[layer].weight, 0));
    EXPECT_GT(c.convolutions[layer].weight.sub(a.convolutions[layer].weight).abs().max().item<float>(), 0.01);
  }
}

TEST_F(DataStart, RefusesImagesWithFewerPatchesThanALayerNeeds) {
  architecture_.ndf = 64;
  EXPECT_THAT(
      [&] { check_patches(architecture_, 2); },
      ThrowsMessage<OptionError>(HasSubstr("--initialise patches: convolution 2 needs 576 patches of its input or "
                                           "more, and 2 images have 392; take more images")));
}

TEST_F(DataStart, RefusesImagesThatAreAllOneColour) {
  PackedImagesInfo info;
  info.height = info.width = 16;
  PackedImageWriter writer(folder_ / "grey.h5", info);
  ImageBatch batch;
  batch.height = batch.width = 16;
  for (int64_t i = 0; i < 10; ++i) batch.paths.push_back(std::to_string(i));
  batch.pixels.assign(10 * 16 * 16 * 3, 90);
  writer.append(batch);
  writer.close();
  const PackedImageReader grey(folder_ / "grey.h5");
  nn::Discriminator network = nn::make_discriminator(architecture_, 1);
  const ImageRows rows(grey, ImagePlace::kHost, c10::kCPU);
  EXPECT_THAT([&] { start_from_patches(network, rows, 1, {}); },
              ThrowsMessage<Error>(HasSubstr("the images do not vary")));
}

TEST(ModelStart, TakesWeightsThatFitAndNamesTheTensorThatDoesNot) {
  ArchitectureOptions architecture;
  architecture.image_size = 16;
  architecture.ndf = architecture.ngf = 4;
  const ModelFile model = initialised_model(architecture, 3);
  const nn::Discriminator same = nn::make_discriminator(architecture, 5);
  start_from_model(same.parameters(), model, "a.safetensors");
  const nn::Discriminator expected = nn::make_discriminator(architecture, 3);
  for (size_t i = 0; i < same.parameters().size(); ++i) {
    EXPECT_THAT(same.parameters()[i].second, test::tensor_near(expected.parameters()[i].second, 0));
  }
  architecture.ndf = 6;
  const nn::Discriminator wider = nn::make_discriminator(architecture, 5);
  EXPECT_THAT([&] { start_from_model(wider.parameters(), model, "a.safetensors"); },
              ThrowsMessage<FileError>(AllOf(HasSubstr("a.safetensors: discriminator.conv1.weight is 4 x 3 x 3 x 3"),
                                             HasSubstr("6 x 3 x 3 x 3"))));
  ModelFile partial = model;
  partial.tensors.erase("discriminator.head.weight");
  EXPECT_THAT([&] { start_from_model(same.parameters(), partial, "a.safetensors"); },
              ThrowsMessage<FileError>(HasSubstr("has no tensor discriminator.head.weight")));
}

}  // namespace
}  // namespace dcgan::train
