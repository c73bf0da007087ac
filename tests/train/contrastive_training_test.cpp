#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "dcgan/errors.h"
#include "dcgan/models.h"
#include "dcgan/safetensors.h"
#include "dcgan/trainer.h"
#include "tests/support/bytes_of.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/small_images.h"
#include "tests/train/small_runs.h"

// dcgan-train's second objective, its start from data and what comes with them.

namespace dcgan {
namespace {

using test::metrics_of;
using test::model_of;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;

TrainingRun small_run(const std::string& folder, int64_t steps) {
  TrainingRun run = test::small_run(folder, steps, 16);
  run.options.batch_size = 8;
  run.options.contrastive = 1;
  return run;
}

nlohmann::ordered_json options_of(const TrainingRun& run) {
  return nlohmann::ordered_json::parse(std::ifstream(run.folder + "/options.json"));
}

class ContrastiveTraining : public testing::Test {
 protected:
  int64_t train(const TrainingRun& run) { return run_training(run, images_); }
  test::TemporaryFolder folder_;
  PackedImageReader images_ = test::small_images(folder_ / "images.h5", 20, 32);
};

TEST_F(ContrastiveTraining, StoppedAnywhereAndResumedEndsAsIfItHadNeverStopped) {
  for (const double adversarial : {0.0, 1.0}) {
    TrainingRun whole = small_run(folder_ / ("whole" + std::to_string(adversarial)), 6);
    whole.options.adversarial = adversarial;
    whole.options.initialise = "patches";
    whole.options.average_decay = 0.5;
    whole.options.warm_up_steps = 3;
    train(whole);
    for (const int64_t stop : {0, 1, 4}) {  // 0: in the start
      TrainingRun parts = whole;
      parts.folder = whole.folder + "-parts" + std::to_string(stop);
      EXPECT_EQ(run_training(parts, images_, test::stop_at(stop)), stop);
      parts.mode = OutputMode::kResume;
      EXPECT_EQ(train(parts), 6);
      EXPECT_EQ(model_of(parts), model_of(whole)) << "adversarial " << adversarial << ", stopped at " << stop;
      EXPECT_EQ(test::bytes_of(parts.folder + "/checkpoints/step-00000006.safetensors"),
                test::bytes_of(whole.folder + "/checkpoints/step-00000006.safetensors"));
    }
  }
}

TEST_F(ContrastiveTraining, OfTheDiscriminatorAloneWritesNothingOfAGenerator) {
  TrainingRun run = small_run(folder_ / "alone", 3);
  run.options.adversarial = 0;
  run.options.sample_every = 1;
  run.options.frechet_images = 4;
  train(run);
  const ModelFile model = load_model(run.folder + "/model.safetensors");
  EXPECT_FALSE(model.has_generator);
  for (const auto& [name, tensor] : model.tensors) EXPECT_THAT(name, testing::StartsWith("discriminator."));
  EXPECT_TRUE(std::filesystem::is_empty(run.folder + "/samples"));
  for (const nlohmann::json& line : metrics_of(run)) {
    std::vector<std::string> names;
    for (const auto& [name, value] : line.items()) names.push_back(name);
    EXPECT_THAT(names, testing::UnorderedElementsAre("step", "discriminator_gradient", "contrastive_loss",
                                                     "partner_found", "view_similarity", "images_per_second"));
  }
}

TEST_F(ContrastiveTraining, KeepsItsHeadsInCheckpointsAndOutOfTheModel) {
  const TrainingRun run = small_run(folder_ / "run", 2);
  train(run);
  const SafetensorsFile checkpoint = read_safetensors(run.folder + "/checkpoints/step-00000002.safetensors");
  for (const char* name : {"contrastive4.hidden.weight", "contrastive2.bias", "adam.first.contrastive3.bn.weight"}) {
    EXPECT_EQ(checkpoint.tensors.count(name), 1U) << name;
  }
  for (const auto& [name, tensor] : load_model(run.folder + "/model.safetensors").tensors) {
    EXPECT_THAT(name, Not(HasSubstr("contrastive")));
  }
}

TEST_F(ContrastiveTraining, LearnsToFindTheOtherView) {
  TrainingRun run = small_run(folder_ / "run", 60);
  run.options.adversarial = 0;
  run.options.learning_rate = 2e-3;
  run.options.beta1 = 0.9;
  run.options.log_every = 20;
  train(run);
  const std::vector<nlohmann::json> metrics = metrics_of(run);
  ASSERT_EQ(metrics.size(), 3U);
  EXPECT_LT(metrics[2]["contrastive_loss"], metrics[0]["contrastive_loss"].get<double>() - 0.1);
  EXPECT_GT(metrics[2]["partner_found"], metrics[0]["partner_found"]);
}

TEST_F(ContrastiveTraining, IsChangedByEachOption) {
  TrainingRun plain = small_run(folder_ / "plain", 4);
  plain.options.weight_decay = 0.01;
  plain.options.decay_steps = 4;
  train(plain);
  const std::vector<std::pair<std::string, std::function<void(TrainOptions&)>>> changes = {
      {"contrastive", [](TrainOptions& o) { o.contrastive = 0.5; }},
      {"contrastive-layers", [](TrainOptions& o) { o.contrastive_layers = 0; }},
      {"adversarial", [](TrainOptions& o) { o.adversarial = 2; }},
      {"adversarial 0", [](TrainOptions& o) { o.adversarial = 0; }},
      {"initialise", [](TrainOptions& o) { o.initialise = "patches"; }},
      {"initialise model", [&](TrainOptions& o) { o.initialise = plain.folder + "/model.safetensors"; }},
      {"warm-up-steps", [](TrainOptions& o) { o.warm_up_steps = 3; }},
      {"decay-shape", [](TrainOptions& o) { o.decay_shape = DecayShape::kCosine; }},
      {"adversarial-trunk", [](TrainOptions& o) { o.adversarial_trunk = AdversarialTrunk::kOff; }},
      {"generator-learning-rate", [](TrainOptions& o) { o.generator_learning_rate = 1e-2; }},
      {"generator-beta1", [](TrainOptions& o) { o.generator_beta1 = 0; }},
      {"generator-beta2", [](TrainOptions& o) { o.generator_beta2 = 0.5; }},
      {"decoupled-weight-decay", [](TrainOptions& o) { o.decoupled_weight_decay = true; }},
  };
  const std::string tensor = "discriminator.conv2.weight";
  const ModelFile base = load_model(plain.folder + "/model.safetensors");
  for (const auto& [name, change] : changes) {
    TrainingRun run = plain;
    run.folder = folder_ / name;
    change(run.options);
    train(run);
    EXPECT_NE(load_model(run.folder + "/model.safetensors").tensors.at(tensor).bytes, base.tensors.at(tensor).bytes)
        << name;
    const std::string flag = name.substr(0, name.find(' '));
    EXPECT_TRUE(options_of(run)["options"].contains(flag)) << flag << " is recorded where it is not default";
    TrainingRun other = plain;
    other.folder = run.folder;
    other.mode = OutputMode::kResume;
    EXPECT_THAT([&] { train(other); }, ThrowsMessage<OptionError>(HasSubstr("--" + flag))) << name;
  }
}

TEST_F(ContrastiveTraining, LeavesTheTrunkToItselfWhereThePublishedObjectiveDoesNotTrainIt) {
  // Without weight on the contrastive objective's gradients the trunk would stay; with them it is that of a
  // discriminator alone, whose minibatches are those of the schedule with both steps on each.
  TrainingRun alone = small_run(folder_ / "alone", 3);
  alone.options.adversarial = 0;
  train(alone);
  TrainingRun both = small_run(folder_ / "both", 3);
  both.options.schedule = Schedule::kBoth;
  both.options.adversarial_trunk = AdversarialTrunk::kOff;
  train(both);
  const ModelFile a = load_model(alone.folder + "/model.safetensors");
  const ModelFile b = load_model(both.folder + "/model.safetensors");
  for (const char* name : {"discriminator.conv1.weight", "discriminator.conv4.weight", "discriminator.bn3.bias"}) {
    EXPECT_EQ(b.tensors.at(name).bytes, a.tensors.at(name).bytes) << name;
  }
  EXPECT_NE(b.tensors.at("discriminator.head.weight").bytes, a.tensors.at("discriminator.head.weight").bytes);
}

TEST_F(ContrastiveTraining, OptionsThatAreDefaultLeaveTheRecordAsItWas) {
  TrainingRun run = small_run(folder_ / "run", 1);
  run.options = TrainOptions();
  run.options.steps = 1;
  run.options.batch_size = 8;
  images_ = test::small_images(folder_ / "small.h5", 20, 16);
  train(run);
  nlohmann::ordered_json record = options_of(run);
  // What version 0.1.0 wrote.
  EXPECT_EQ(record["options"].dump(),
            R"({"batch-size":8,"schedule":"alternating","learning-rate":0.0002,"beta1":0.5,"beta2":0.999,)"
            R"("weight-decay":0.0,"decay-steps":0,"average-decay":0.0,"sync-batch-norm":false,"precision":"f32",)"
            R"("statistics-minibatches":32})");
  EXPECT_EQ(record["architecture"].dump(),
            R"({"image-size":16,"kernel":3,"convs-per-scale":2,"ndf":4,"ngf":4,"nz":6,"latent":"uniform"})");
}

TEST_F(ContrastiveTraining, SeesLargeImagesInItsViewsOnly) {
  // 32 x 32 pixels for a network that takes 16 x 16, and the same images reduced.
  std::vector<uint8_t> large(20 * 32 * 32 * 3);
  images_.read(0, 20, large.data());
  PackedImagesInfo info;
  info.height = info.width = 16;
  PackedImageWriter writer(folder_ / "reduced.h5", info);
  ImageBatch batch;
  batch.height = batch.width = 16;
  for (int64_t i = 0; i < 20 * 16 * 16 * 3; ++i) {
    const int64_t c = i % 3, x = i / 3 % 16, y = i / 48 % 16, n = i / 768;
    const auto at = [&](int64_t dy, int64_t dx) {
      return int{large[static_cast<size_t>(((n * 32 + 2 * y + dy) * 32 + 2 * x + dx) * 3 + c)]};
    };
    batch.pixels.push_back(static_cast<uint8_t>((at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1) + 2) / 4));
  }
  for (int64_t i = 0; i < 20; ++i) batch.paths.push_back(std::to_string(i));
  writer.append(batch);
  writer.close();
  const PackedImageReader reduced(folder_ / "reduced.h5");

  const auto trained = [&](const PackedImageReader& images, const std::string& name, int64_t steps) {
    TrainingRun run = small_run(folder_ / name, steps);
    run.options.initialise = "patches";
    run.options.frechet_images = 8;
    run_training(run, images);
    const ModelFile model = load_model(run.folder + "/model.safetensors");
    return std::pair(model.tensors, metrics_of(run));
  };
  const auto [from_large, large_metrics] = trained(images_, "large", 0);
  const auto [from_reduced, reduced_metrics] = trained(reduced, "small", 0);
  ASSERT_EQ(from_large.size(), from_reduced.size());
  for (const auto& [name, tensor] : from_large) EXPECT_EQ(tensor.bytes, from_reduced.at(name).bytes) << name;
  EXPECT_EQ(large_metrics, reduced_metrics) << "the distance of samples from images";
  const std::string conv = "discriminator.conv2.weight";
  EXPECT_NE(trained(images_, "large1", 1).first.at(conv).bytes, trained(reduced, "small1", 1).first.at(conv).bytes)
      << "views of large images show more";
}

TEST_F(ContrastiveTraining, TakesADecayThatIsDecidedAtACheckpoint) {
  TrainingRun whole = small_run(folder_ / "whole", 6);
  whole.options.decay_steps = 3;
  whole.options.decay_shape = DecayShape::kCosine;
  train(whole);
  TrainingRun open = small_run(folder_ / "open", 3);
  train(open);
  open.mode = OutputMode::kResume;
  open.options.steps = 6;
  open.options.decay_steps = 4;
  EXPECT_THAT([&] { train(open); }, ThrowsMessage<OptionError>(
                                        HasSubstr("--decay-steps is 4 of --steps 6: the learning rate would have begun "
                                                  "to fall at step 2, and the newest checkpoint is of step 3")));
  open.options.decay_steps = 3;
  open.options.decay_shape = DecayShape::kCosine;
  EXPECT_EQ(run_training(open, images_, test::stop_at(4)), 4);
  // From here on the decay belongs to the run.
  TrainingRun other = open;
  other.options.steps = 8;
  EXPECT_THAT([&] { train(other); }, ThrowsMessage<OptionError>(HasSubstr("--steps 6, now it is 8")));
  other = open;
  other.options.decay_steps = 0;
  EXPECT_THAT([&] { train(other); }, ThrowsMessage<OptionError>(HasSubstr("--decay-steps 3, now it is 0")));
  EXPECT_EQ(train(open), 6);
  EXPECT_EQ(model_of(open), model_of(whole));
  EXPECT_EQ(test::bytes_of(open.folder + "/options.json"), test::bytes_of(whole.folder + "/options.json"));
}

TEST_F(ContrastiveTraining, GoesOnFromAModelWithAFreshOptimiser) {
  TrainingRun first = small_run(folder_ / "first", 2);
  train(first);
  TrainingRun next = small_run(folder_ / "next", 0);
  next.options.initialise = first.folder + "/model.safetensors";
  train(next);
  const ModelFile before = load_model(first.folder + "/model.safetensors");
  const ModelFile after = load_model(next.folder + "/model.safetensors");
  for (const char* name : {"discriminator.conv1.weight", "discriminator.head.weight", "generator.project.weight"}) {
    EXPECT_EQ(after.tensors.at(name).bytes, before.tensors.at(name).bytes) << name;
  }
  EXPECT_THAT(after.training, HasSubstr("model.safetensors (SHA-256 " + before.sha256 + ")"));
  // Of a discriminator alone, the generator stays random.
  TrainingRun alone = small_run(folder_ / "alone", 1);
  alone.options.adversarial = 0;
  train(alone);
  next.folder = folder_ / "half";
  next.options.initialise = alone.folder + "/model.safetensors";
  train(next);
  EXPECT_EQ(load_model(next.folder + "/model.safetensors").tensors.at("generator.project.weight").bytes,
            initialised_model(next.architecture, next.seed).tensors.at("generator.project.weight").bytes);
  next.folder = folder_ / "wider";
  next.architecture.ndf = 6;
  EXPECT_THAT([&] { train(next); }, ThrowsMessage<FileError>(HasSubstr("discriminator.conv1.weight is 4 x 3 x 3 x 3")));
}

TEST_F(ContrastiveTraining, RefusesWhatDoesNotFitBeforeItWritesAnything) {
  const auto refuses = [&](const std::function<void(TrainingRun&)>& change, const auto& message) {
    TrainingRun run = small_run(folder_ / "refused", 1);
    change(run);
    EXPECT_THAT([&] { train(run); }, ThrowsMessage<Error>(message));
    EXPECT_FALSE(std::filesystem::exists(run.folder));
  };
  refuses([](TrainingRun& r) { r.options.batch_size = 2; }, HasSubstr("--batch-size is 2; it must be 4 or more"));
  refuses([](TrainingRun& r) { r.options.contrastive = r.options.adversarial = 0; },
          HasSubstr("nothing would be trained"));
  refuses([](TrainingRun& r) { r.options.generator_beta1 = 1; },
          HasSubstr("--generator-beta1 is 1; it must be -1, or"));
  refuses(
      [](TrainingRun& r) {
        r.options.adversarial = 0;
        r.options.adversarial_trunk = AdversarialTrunk::kOff;
      },
      HasSubstr("--adversarial-trunk off needs"));
  refuses([](TrainingRun& r) { r.options.contrastive = -1; }, HasSubstr("--contrastive is -1; it must be 0 or more"));
  refuses([](TrainingRun& r) { r.options.contrastive = 0; },
          AllOf(HasSubstr("images are 32 x 32, the network takes 16 x 16"), HasSubstr("give --contrastive a weight")));
  refuses([](TrainingRun& r) { r.architecture.image_size = 64; },
          AllOf(HasSubstr("images are 32 x 32, the network takes 64 x 64"), Not(HasSubstr("give --contrastive"))));
  refuses([](TrainingRun& r) { r.processes.count = 2; }, HasSubstr("needs --sync-batch-norm"));
  refuses([&](TrainingRun& r) { r.options.initialise = folder_ / "none.safetensors"; }, HasSubstr("none.safetensors"));
  images_ = test::small_images(folder_ / "odd.h5", 20, 24);
  refuses([](TrainingRun&) {}, HasSubstr("images are 24 x 24, the network takes 16 x 16, or twice, three times"));
}

}  // namespace
}  // namespace dcgan
