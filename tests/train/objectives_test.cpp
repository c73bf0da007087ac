// What dcgan-train can ask of a discriminator beyond the published loss and the contrastive objective: hinge loss,
// augmented images, spectral norm, turned images.

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/linalg_svdvals.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dcgan/errors.h"
#include "dcgan/model_file.h"
#include "dcgan/trainer.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_near.h"
#include "tests/train/small_images.h"
#include "tests/train/small_runs.h"
#include "train/augmentation.h"
#include "train/spectral_norm.h"
#include "train/trained_networks.h"

namespace dcgan::train {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

// Colours as they are, no shift, and the square in the corner, of which a quarter is inside.
at::Tensor neutral_draws(int64_t count) {
  at::Tensor draws = at::full({count, 7}, 0.5F);
  draws.narrow(1, 5, 2).zero_();
  return draws;
}

at::Tensor random_images(int64_t count, int64_t side) { return at::rand({count, 3, side, side}).mul(2).sub(1); }

TEST(Augmentation, WithoutAChangeLeavesTheImageButForTheSquare) {
  const at::Tensor images = random_images(2, 8);
  const at::Tensor seen = augmented(images, neutral_draws(2));
  EXPECT_EQ(seen.narrow(2, 0, 2).narrow(3, 0, 2).abs().max().item<float>(), 0);
  EXPECT_THAT(seen.narrow(2, 2, 6), test::tensor_near(images.narrow(2, 2, 6), 1e-6));
  EXPECT_THAT(seen.narrow(3, 2, 6), test::tensor_near(images.narrow(3, 2, 6), 1e-6));
}

TEST(Augmentation, MovesEachImageByItsOwnDrawAndLetsZeroIn) {
  const at::Tensor images = random_images(2, 16);
  at::Tensor draws = neutral_draws(2);
  draws.select(1, 3)[0] = 0.99;  // the first one's rows come from two below
  draws.select(1, 4)[1] = 0;     // the second one's columns from two before
  const at::Tensor seen = augmented(images, draws);
  EXPECT_THAT(seen[0].narrow(1, 4, 10), test::tensor_near(images[0].narrow(1, 6, 10), 1e-6));
  EXPECT_EQ(seen[0].narrow(1, 14, 2).abs().max().item<float>(), 0);
  EXPECT_THAT(seen[1].narrow(2, 4, 12), test::tensor_near(images[1].narrow(2, 2, 12), 1e-6));
  EXPECT_EQ(seen[1].narrow(2, 0, 2).abs().max().item<float>(), 0);
}

TEST(Augmentation, ChangesBrightnessSaturationAndContrastAsItsPaperSays) {
  const at::Tensor images = random_images(1, 8);
  const auto seen_with = [&](int64_t draw, double value) {
    at::Tensor draws = neutral_draws(1);
    draws.select(1, draw).fill_(value);
    return augmented(images, draws).narrow(2, 2, 6);
  };
  const auto below = [](const at::Tensor& x) { return x.narrow(2, 2, 6); };
  EXPECT_THAT(seen_with(0, 1), test::tensor_near(below(images.add(0.5)), 1e-6));
  EXPECT_THAT(seen_with(1, 0), test::tensor_near(below(images.mean({1}, true).expand_as(images)), 1e-6)) << "grey";
  const at::Tensor mean = images.mean();
  EXPECT_THAT(seen_with(2, 1), test::tensor_near(below(images.sub(mean).mul(1.5).add(mean)), 1e-5));
}

// Affine in the images for given draws, so that a difference of any size is told by the gradient.
TEST(Augmentation, HasTheGradientOfWhatItDoes) {
  const at::Tensor draws = draw_augmentations(3, 5);
  const at::Tensor images = random_images(3, 8).set_requires_grad(true);
  const at::Tensor other = random_images(3, 8), weights = random_images(3, 8);
  augmented(images, draws).mul(weights).sum().backward();
  const at::NoGradGuard no_grad;
  const at::Tensor change = augmented(other, draws).sub(augmented(images, draws)).mul(weights).sum();
  EXPECT_THAT(images.grad().mul(other.sub(images)).sum(), test::tensor_near(change, 1e-4));
  EXPECT_THAT(draw_augmentations(3, 5), test::tensor_near(draws, 0));
  EXPECT_GT(draw_augmentations(3, 6).sub(draws).abs().max().item<float>(), 0.1);
}

ArchitectureOptions small_architecture() {
  ArchitectureOptions architecture;
  architecture.image_size = 16;
  architecture.ndf = architecture.ngf = 8;
  architecture.nz = 6;
  return architecture;
}

TEST(SpectralNorm, LeavesNoLargerSingularValueThanOneAndTheFunctionOfLayersWithBatchNorm) {
  const nn::Discriminator network = nn::make_discriminator(small_architecture(), 3);
  SpectralNorm norm(network, 3);
  for (int i = 0; i < 200; ++i) norm.iterate(network);
  const nn::Discriminator divided = norm.normalised(network);
  for (size_t layer = 0; layer < network.convolutions.size(); ++layer) {
    const at::Tensor values = at::linalg_svdvals(divided.convolutions[layer].weight.flatten(1));
    EXPECT_NEAR(values.max().item<float>(), 1, 1e-3) << layer;
  }
  EXPECT_NEAR(divided.head.norm().item<float>(), 1, 1e-5);
  const at::Tensor images = random_images(4, 16);
  const auto of_network = network.activations(images, nn::Statistics::kBatch);
  const auto of_divided = divided.activations(images, nn::Statistics::kBatch);
  const double factor = network.convolutions[0].weight.flatten(1).norm().item<double>() /
                        divided.convolutions[0].weight.flatten(1).norm().item<double>();
  EXPECT_THAT(of_divided[0].mul(factor), test::tensor_near(of_network[0], 1e-5));
  EXPECT_THAT(of_divided.back(), test::tensor_near(of_network.back(), 1e-3));
}

// d(w/s) = dw/s - w (u'dw v)/s^2: the division also gives back what its divisor owes to the weights.
TEST(SpectralNorm, PassesTheGradientOfTheDivisionByTheLargestSingularValue) {
  const nn::Discriminator network = nn::make_discriminator(small_architecture(), 3);
  SpectralNorm norm(network, 3);
  for (int i = 0; i < 1000; ++i) norm.iterate(network);
  const at::Tensor weight = network.convolutions[1].weight.set_requires_grad(true);
  const at::Tensor factors = weight.detach().clone();
  norm.normalised(network).convolutions[1].weight.mul(factors).sum().backward();
  const at::NoGradGuard no_grad;
  const auto [left, values, right] = at::linalg_svd(weight.flatten(1), /*full_matrices=*/false);
  const at::Tensor owed = weight.mul(factors).sum().div(values[0].square()).mul(left.select(1, 0).outer(right[0]));
  EXPECT_GT(owed.abs().max().item<float>(), 0.1);
  EXPECT_THAT(weight.grad().flatten(1), test::tensor_near(factors.flatten(1).div(values[0]).sub(owed), 1e-3));
}

class Objectives : public testing::Test {
 protected:
  TrainingRun small_run(const std::string& name, int64_t steps) {
    TrainingRun run = test::small_run(folder_ / name, steps, 16);
    run.architecture = small_architecture();
    run.options.batch_size = 8;
    return run;
  }
  int64_t train(const TrainingRun& run) { return run_training(run, images_); }
  static nlohmann::json last_metrics(const TrainingRun& run) { return test::metrics_of(run).back(); }

  test::TemporaryFolder folder_;
  PackedImageReader images_ = test::small_images(folder_ / "images.h5", 20, 16);
};

TEST_F(Objectives, TheHingeLossIsThatOfItsPaper) {
  TrainingRun run = small_run("run", 1);
  run.options.adversarial_loss = AdversarialLoss::kHinge;
  run.options.schedule = Schedule::kBoth;
  run.options.learning_rate = 1e-30;  // the weights stay
  const Processes one(run.processes, "cpu", {});
  TrainedNetworks networks(run, one, one.device());
  PairInputs inputs;
  inputs.images = random_images(8, 16);
  inputs.discriminator_noise = at::rand({8, 6});
  inputs.generator_noise = at::rand({8, 6});
  inputs.learning_rate = inputs.generator_learning_rate = at::full({}, 1e-30F);
  inputs.discriminator_size = inputs.generator_size = 8;
  at::Tensor loss, generator_loss;
  {
    const at::NoGradGuard no_grad;
    const auto logits = [&](const at::Tensor& x) {
      return networks.discriminator().forward(x, nn::Statistics::kBatch);
    };
    const auto samples = [&](const at::Tensor& z) { return networks.generator().forward(z, nn::Statistics::kBatch); };
    loss = logits(inputs.images).neg().add(1).relu().mean();
    loss = loss.add(logits(samples(inputs.discriminator_noise)).add(1).relu().mean());
    generator_loss = logits(samples(inputs.generator_noise)).neg().mean();
  }
  networks.update(inputs);
  EXPECT_THAT(networks.sums()[0], test::tensor_near(loss, 1e-5));
  EXPECT_THAT(networks.sums()[1], test::tensor_near(generator_loss, 1e-5));
}

const std::vector<std::pair<std::string, std::function<void(TrainOptions&)>>> kChanges = {
    {"adversarial-loss", [](TrainOptions& o) { o.adversarial_loss = AdversarialLoss::kHinge; }},
    {"augment", [](TrainOptions& o) { o.augment = true; }},
    {"spectral-norm", [](TrainOptions& o) { o.spectral_norm = true; }},
    {"rotation", [](TrainOptions& o) { o.rotation = 0.5; }},
};

TEST_F(Objectives, EachOptionChangesTheNetworksAndBelongsToTheRun) {
  const TrainingRun plain = small_run("plain", 3);
  train(plain);
  const ModelFile base = load_model(plain.folder + "/model.safetensors");
  for (const auto& [flag, change] : kChanges) {
    TrainingRun run = small_run(flag, 3);
    change(run.options);
    train(run);
    const ModelFile model = load_model(run.folder + "/model.safetensors");
    ASSERT_EQ(model.tensors.size(), base.tensors.size()) << "what only trains stays out of models";
    EXPECT_NE(model.tensors.at("discriminator.conv2.weight").bytes, base.tensors.at("discriminator.conv2.weight").bytes)
        << flag;
    EXPECT_NE(model.tensors.at("generator.project.weight").bytes, base.tensors.at("generator.project.weight").bytes)
        << flag;
    TrainingRun other = plain;
    other.folder = run.folder;
    other.mode = OutputMode::kResume;
    EXPECT_THAT([&] { train(other); }, ThrowsMessage<OptionError>(HasSubstr("--" + flag)));
  }
}

TEST_F(Objectives, ARunWithAllOfThemStoppedAndResumedEndsAsIfItHadNeverStopped) {
  const auto with_all = [&](const std::string& name, int64_t steps) {
    TrainingRun run = small_run(name, steps);
    for (const auto& [flag, change] : kChanges) change(run.options);
    run.options.average_decay = 0.5;
    return run;
  };
  const TrainingRun whole = with_all("whole", 5);
  train(whole);
  TrainingRun parts = with_all("parts", 2);
  train(parts);
  parts.mode = OutputMode::kResume;
  parts.options.steps = 5;
  train(parts);
  EXPECT_EQ(test::model_of(parts), test::model_of(whole));
  EXPECT_EQ(last_metrics(parts)["rotation_loss"], last_metrics(whole)["rotation_loss"]);
}

TEST_F(Objectives, ADiscriminatorAloneLearnsToTellTurnsApart) {
  TrainingRun run = small_run("run", 80);
  run.options.adversarial = 0;
  run.options.rotation = 1;
  run.options.learning_rate = 2e-3;
  run.options.beta1 = 0.9;
  run.options.log_every = 20;
  train(run);
  const nlohmann::json last = last_metrics(run);
  EXPECT_GT(last["turn_found"], 0.6) << "by chance: 0.25";
  EXPECT_FALSE(last.contains("generator_loss"));
  EXPECT_FALSE(load_model(run.folder + "/model.safetensors").has_generator);
}

TEST_F(Objectives, OfTheGeneratorsGameAreRefusedWhereThereIsNoGame) {
  for (const size_t i : {0, 1}) {
    TrainingRun run = small_run("refused", 1);
    run.options.adversarial = 0;
    run.options.rotation = 1;
    kChanges[i].second(run.options);
    EXPECT_THAT([&] { train(run); }, ThrowsMessage<OptionError>(HasSubstr("--" + kChanges[i].first +
                                                                          " has nothing to do with --adversarial 0")));
  }
  TrainingRun run = small_run("refused", 1);
  run.options.rotation = -1;
  EXPECT_THAT([&] { train(run); }, ThrowsMessage<OptionError>(HasSubstr("--rotation is -1; it must be 0 or more")));
}

}  // namespace
}  // namespace dcgan::train
