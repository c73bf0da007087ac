#include "dcgan/supervised.h"

#include <gmock/gmock.h>

#include <cmath>
#include <set>

#include "dcgan/errors.h"

namespace dcgan::test {
namespace {

using testing::HasSubstr;

// Two classes of stripes, upright and lying, whose place and colour vary.
ImageBatch stripes(int64_t count, uint64_t first) {
  ImageBatch batch;
  batch.height = batch.width = 8;
  for (int64_t i = 0; i < count; ++i) {
    const auto n = static_cast<int64_t>(first) + i;
    for (int64_t p = 0; p < 8 * 8 * 3; ++p) {
      const int64_t along = (i % 2 == 0 ? p / 24 : p / 3 % 8) + n / 2;
      batch.pixels.push_back(static_cast<uint8_t>(along % 4 < 2 ? 40 + n % 50 : 180 + (n + 20 * (p % 3)) % 60));
    }
    batch.labels.push_back(static_cast<int32_t>(i % 2));
    batch.paths.push_back(std::to_string(n));
  }
  return batch;
}

SupervisedRun small_run() {
  SupervisedRun run;
  run.architecture = {8, 3, 1, 4, 4, 4, Latent::kUniform};
  run.options.ndf = 4;
  run.options.batch_size = 16;
  run.options.epochs = 10;
  run.threads = 1;
  run.device = "cpu";
  return run;
}

SupervisedEpoch train(const SupervisedRun& run) { return train_supervised(run, stripes(64, 0), stripes(40, 1000), 2); }

TEST(Supervised, LearnsToTellStripesApartAndRepeatsItselfWithTheSameSeed) {
  const SupervisedEpoch best = train(small_run());
  EXPECT_LT(best.validation_error, 0.2);
  EXPECT_GE(best.epoch, 5);
  EXPECT_EQ(best.training_loss, train(small_run()).training_loss);
  SupervisedRun other = small_run();
  other.seed = 7;
  EXPECT_NE(best.training_loss, train(other).training_loss);
}

TEST(Supervised, EveryOptionChangesTheTraining) {
  const auto loss_with = [](auto&& change) {
    SupervisedRun run = small_run();
    run.options.epochs = 5;
    change(run.options);
    return train(run).training_loss;
  };
  const double base = loss_with([](SupervisedOptions&) {});
  EXPECT_NE(base, loss_with([](SupervisedOptions& o) { o.ndf = 6; }));
  EXPECT_NE(base, loss_with([](SupervisedOptions& o) { o.batch_size = 20; }));
  EXPECT_NE(base, loss_with([](SupervisedOptions& o) { o.learning_rate = 2e-3; }));
  EXPECT_NE(base, loss_with([](SupervisedOptions& o) { o.beta1 = 0.5; }));
  EXPECT_NE(base, loss_with([](SupervisedOptions& o) { o.weight_decay = 0.1; }));
  EXPECT_NE(base, loss_with([](SupervisedOptions& o) { o.dropout = 0; }));
  EXPECT_NE(base, loss_with([](SupervisedOptions& o) { o.shift = 0; }));
  EXPECT_NE(base, loss_with([](SupervisedOptions& o) { o.epochs = 4; }));
}

TEST(Supervised, StopsWhenPatienceIsOverOrTheLossIsNotFinite) {
  SupervisedRun run = small_run();
  run.options.epochs = 1000;
  run.options.patience = 5;
  int64_t epochs = 0;
  run.on_epoch = [&](const SupervisedEpoch& epoch) { epochs = epoch.epoch; };
  const SupervisedEpoch best = train(run);
  EXPECT_EQ(epochs, best.epoch + 5);
  run.options.learning_rate = 1e30;
  const SupervisedEpoch diverged = train(run);
  EXPECT_TRUE(std::isfinite(diverged.training_loss));
  run.on_epoch = [](const SupervisedEpoch&) { throw Error("stop"); };
  run.options.learning_rate = 1e-3;
  EXPECT_THROW(train(run), Error);
}

TEST(Supervised, RefusesImagesAndLabelsThatDoNotFit) {
  const auto message = [](const SupervisedRun& run, const ImageBatch& images) {
    try {
      train_supervised(run, images, stripes(4, 0), 2);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  ImageBatch images = stripes(4, 0);
  images.labels[3] = 2;
  EXPECT_THAT(message(small_run(), images), HasSubstr("label 2 is no class"));
  images.labels.pop_back();
  EXPECT_THAT(message(small_run(), images), HasSubstr("3 labels for 4 images"));
  SupervisedRun large = small_run();
  large.architecture.image_size = 16;
  EXPECT_THAT(message(large, stripes(4, 0)), HasSubstr("images of 8x8 pixels, the network takes 16"));
  large.options.dropout = 1;
  EXPECT_THAT(message(large, stripes(4, 0)), HasSubstr("--dropout is 1; it must be from 0 to below 1"));
}

TEST(DrawSupervised, StaysInItsRangesReachesTheirEndsAndIsAFunctionOfTheSeed) {
  const ArchitectureOptions svhn = published_architecture("svhn32");
  SupervisedOptions base;
  base.epochs = 3;
  std::set<int64_t> widths, batches, shifts;
  double lowest = 1, highest = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const SupervisedOptions o = draw_supervised(base, svhn, seed);
    check(o);
    widths.insert(o.ndf);
    batches.insert(o.batch_size);
    shifts.insert(o.shift);
    lowest = std::min(lowest, o.learning_rate);
    highest = std::max(highest, o.learning_rate);
    EXPECT_LT(o.dropout, 0.7);
    EXPECT_GE(o.weight_decay, 1e-6);
    EXPECT_EQ(o.epochs, 3);
  }
  EXPECT_THAT(widths, testing::ElementsAre(32, 64));
  EXPECT_THAT(batches, testing::ElementsAre(32, 64, 128));
  EXPECT_THAT(shifts, testing::ElementsAre(0, 1, 2, 3, 4));
  EXPECT_GE(lowest, 1e-4);
  EXPECT_LT(lowest, 1.2e-4);
  EXPECT_GT(highest, 0.8e-2);
  EXPECT_LE(highest, 1e-2);
  EXPECT_EQ(draw_supervised(base, svhn, 5).learning_rate, draw_supervised(base, svhn, 5).learning_rate);
}

}  // namespace
}  // namespace dcgan::test
