#include "dcgan/trainer.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "dcgan/errors.h"
#include "dcgan/models.h"
#include "tests/support/bytes_of.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/small_images.h"
#include "tests/train/small_runs.h"

namespace dcgan {
namespace {

namespace fs = std::filesystem;
using test::Listener;
using test::metrics_of;
using test::model_of;
using test::small_run;
using test::stop_at;
using testing::HasSubstr;
using testing::ThrowsMessage;

class Trainer : public testing::Test {
 protected:
  int64_t train(const TrainingRun& run) { return run_training(run, images_); }
  test::TemporaryFolder folder_;
  PackedImageReader images_ = test::small_images(folder_ / "images.h5", 10);
};

TEST_F(Trainer, OfEqualSeedsGivesEqualBytesAndOfOthersDoesNot) {
  const TrainingRun a = small_run(folder_ / "a", 3);
  const TrainingRun b = small_run(folder_ / "b", 3);
  TrainingRun c = small_run(folder_ / "c", 3);
  c.seed = 1;
  for (const TrainingRun& run : {a, b, c}) EXPECT_EQ(train(run), 3);
  EXPECT_EQ(model_of(a), model_of(b));
  EXPECT_NE(model_of(a), model_of(c));
}

TEST_F(Trainer, StoppedAnywhereAndResumedEndsAsIfItHadNeverStopped) {
  for (const Schedule schedule : {Schedule::kAlternating, Schedule::kBoth}) {
    TrainingRun whole = small_run(folder_ / ("whole-" + to_name(schedule)), 6);
    whole.options.schedule = schedule;
    whole.options.average_decay = schedule == Schedule::kBoth ? 0.9 : 0;
    train(whole);
    for (const int64_t stop : {1, 2, 5}) {
      TrainingRun parts = whole;
      parts.folder = folder_ / ("parts-" + to_name(schedule) + std::to_string(stop));
      EXPECT_EQ(run_training(parts, images_, stop_at(stop)), stop);
      parts.mode = OutputMode::kResume;
      EXPECT_EQ(train(parts), 6);
      EXPECT_EQ(model_of(parts), model_of(whole)) << to_name(schedule) << " stopped at " << stop;
      EXPECT_EQ(metrics_of(parts).size(), 6U);
    }
  }
}

TEST_F(Trainer, ResumesBeforeACheckpointThatIsDamaged) {
  TrainingRun run = small_run(folder_ / "run", 6);
  run.options.checkpoint_every = 2;
  train(run);
  const std::string model = model_of(run);
  const std::string last = run.folder + "/checkpoints/step-00000006.safetensors";
  fs::resize_file(last, fs::file_size(last) / 2);
  run.mode = OutputMode::kResume;
  train(run);
  EXPECT_EQ(model_of(run), model);
  EXPECT_EQ(metrics_of(run).size(), 6U) << "lines past the checkpoint are written once";

  // Nor does a damaged checkpoint push out the good ones that are written after it.
  fs::resize_file(last, fs::file_size(last) / 2);
  run.options.keep_checkpoints = 1;
  run_training(run, images_, stop_at(5));
  EXPECT_FALSE(fs::exists(last));
  EXPECT_TRUE(fs::exists(run.folder + "/checkpoints/step-00000005.safetensors"));
}

TEST_F(Trainer, KeepsTheNewestCheckpointsOnly) {
  TrainingRun run = small_run(folder_ / "run", 6);
  run.options.checkpoint_every = 1;
  run.options.keep_checkpoints = 2;
  train(run);
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(run.folder + "/checkpoints"))
    names.push_back(entry.path().filename());
  EXPECT_THAT(names, testing::UnorderedElementsAre("step-00000005.safetensors", "step-00000006.safetensors"));
}

TEST_F(Trainer, WritesTheRunFolderOfTheInterface) {
  TrainingRun run = small_run(folder_ / "run", 4);
  run.options.log_every = 2;
  run.options.sample_every = 2;
  train(run);
  for (const char* name : {"model.safetensors", "metrics.jsonl", "options.json", "samples/step-00000002.png",
                           "samples/step-00000004.png", "checkpoints/step-00000004.safetensors"}) {
    EXPECT_TRUE(fs::exists(run.folder + "/" + name)) << name;
  }
  const auto metrics = metrics_of(run);
  ASSERT_EQ(metrics.size(), 2U);
  EXPECT_EQ(metrics[1]["step"], 4);
  const ModelFile model = load_model(run.folder + "/model.safetensors");
  const auto training = nlohmann::json::parse(model.training);
  EXPECT_EQ(training["step"], 4);
  EXPECT_EQ(training["seed"], 42);
  EXPECT_EQ(training["data"]["images"], 10);
  EXPECT_EQ(model.convolutions, 2);
}

// An untrained discriminator says about 1/2 to everything: its loss is 2 ln 2, the generator's ln 2.
TEST_F(Trainer, StartsAtTheLossesOfAGuess) {
  const TrainingRun run = small_run(folder_ / "run", 1);
  train(run);
  const nlohmann::json first = metrics_of(run).front();
  EXPECT_NEAR(first["discriminator_loss"].get<double>(), 2 * std::log(2), 0.2);
  EXPECT_NEAR(first["generator_loss"].get<double>(), std::log(2), 0.2);
  EXPECT_NEAR(first["real_probability"].get<double>(), 0.5, 0.1);
}

TEST_F(Trainer, TellsRealFromGeneratedAfterSomeSteps) {
  TrainingRun run = small_run(folder_ / "run", 150);
  run.options.learning_rate = 1e-3;
  train(run);
  const nlohmann::json last = metrics_of(run).back();
  EXPECT_GT(last["real_probability"].get<double>(), last["fake_probability"].get<double>() + 0.1);
}

// bfloat16 has 7 bits of fraction: a loss, a mean over some hundred products, moves by less than 2^-7 of itself.
TEST_F(Trainer, InBfloat16FollowsFloat32Closely) {
  TrainingRun run = small_run(folder_ / "f32", 5);
  train(run);
  const auto exact = metrics_of(run);
  run.folder = folder_ / "bf16";
  run.options.precision = Precision::kBf16;
  train(run);
  const auto rounded = metrics_of(run);
  for (size_t i = 0; i < 5; ++i) {
    for (const char* loss : {"discriminator_loss", "generator_loss"}) {
      EXPECT_NEAR(rounded[i][loss].get<double>(), exact[i][loss].get<double>(), 0.01) << loss << " of step " << i + 1;
      EXPECT_NE(rounded[i][loss], exact[i][loss]);
    }
  }
  run.options.steps = 6;
  run.mode = OutputMode::kResume;
  train(run);
  EXPECT_EQ(metrics_of(run).size(), 6U);
}

TEST_F(Trainer, IsChangedByEachOption) {
  const TrainingRun plain = small_run(folder_ / "plain", 3);
  train(plain);
  const std::vector<std::pair<std::string, std::function<void(TrainingRun&)>>> changes = {
      {"steps", [](TrainingRun& r) { r.options.steps = 4; }},
      {"batch-size", [](TrainingRun& r) { r.options.batch_size = 5; }},
      {"schedule", [](TrainingRun& r) { r.options.schedule = Schedule::kBoth; }},
      {"learning-rate", [](TrainingRun& r) { r.options.learning_rate = 1e-3; }},
      {"beta1", [](TrainingRun& r) { r.options.beta1 = 0.9; }},
      {"beta2", [](TrainingRun& r) { r.options.beta2 = 0.9; }},
      {"weight-decay", [](TrainingRun& r) { r.options.weight_decay = 0.1; }},
      {"average-decay", [](TrainingRun& r) { r.options.average_decay = 0.5; }},
      {"precision", [](TrainingRun& r) { r.options.precision = Precision::kBf16; }},
      {"decay-steps", [](TrainingRun& r) { r.options.decay_steps = 3; }},
      {"ndf", [](TrainingRun& r) { r.architecture.ndf = 5; }},
      {"ngf", [](TrainingRun& r) { r.architecture.ngf = 5; }},
      {"nz", [](TrainingRun& r) { r.architecture.nz = 5; }},
      {"kernel", [](TrainingRun& r) { r.architecture.kernel = 5; }},
      {"convs-per-scale", [](TrainingRun& r) { r.architecture.convs_per_scale = 1; }},
      {"latent", [](TrainingRun& r) { r.architecture.latent = Latent::kNormal; }},
      {"scaling", [](TrainingRun& r) { r.architecture.guidelines.scaling = Scaling::kPooling; }},
      {"batch-norm all", [](TrainingRun& r) { r.architecture.guidelines.batch_norm = NormalizedLayers::kAll; }},
      {"batch-norm none", [](TrainingRun& r) { r.architecture.guidelines.batch_norm = NormalizedLayers::kNone; }},
      {"hidden-dense", [](TrainingRun& r) { r.architecture.guidelines.hidden_dense = 3; }},
      {"head", [](TrainingRun& r) { r.architecture.guidelines.head = Head::kAveragePool; }},
      {"activation", [](TrainingRun& r) { r.architecture.guidelines.activation = Activation::kRelu; }},
  };
  const ModelFile base = load_model(plain.folder + "/model.safetensors");
  for (const auto& [name, change] : changes) {
    TrainingRun run = small_run(folder_ / name, 3);
    change(run);
    train(run);
    const ModelFile model = load_model(run.folder + "/model.safetensors");
    const bool same =
        model.tensors.at("discriminator.conv1.weight").bytes == base.tensors.at("discriminator.conv1.weight").bytes &&
        model.tensors.at("generator.project.weight").bytes == base.tensors.at("generator.project.weight").bytes;
    EXPECT_FALSE(same) << name;
  }
  TrainingRun statistics = small_run(folder_ / "statistics", 3);
  statistics.options.batch_size = 4;
  statistics.options.statistics_minibatches = 1;
  images_ = test::small_images(folder_ / "more.h5", 200);
  train(statistics);
  const std::string one = model_of(statistics);
  statistics.folder = folder_ / "statistics2";
  statistics.options.statistics_minibatches = 2;
  train(statistics);
  EXPECT_NE(one, model_of(statistics));
}

TEST_F(Trainer, RefusesToResumeWithOtherOptionsAndSaysWhich) {
  TrainingRun run = small_run(folder_ / "run", 2);
  train(run);
  run.mode = OutputMode::kResume;
  run.options.batch_size = 5;
  EXPECT_THAT([&] { train(run); }, ThrowsMessage<OptionError>(HasSubstr("--batch-size 4, now it is 5")));
  run.options.batch_size = 4;
  run.architecture.ndf = 8;
  EXPECT_THAT([&] { train(run); }, ThrowsMessage<OptionError>(HasSubstr("--ndf 4, now it is 8")));
  run.architecture.ndf = 4;
  run.architecture.guidelines.scaling = Scaling::kPooling;
  EXPECT_THAT([&] { train(run); }, ThrowsMessage<OptionError>(HasSubstr("--scaling strides, now it is pooling")));
  run.architecture.guidelines = {};
  images_ = test::small_images(folder_ / "others.h5", 11);
  EXPECT_THAT([&] { train(run); }, ThrowsMessage<OptionError>(HasSubstr("(10 images), now  (11 images)")));
}

TEST_F(Trainer, ResumesARunWithOtherGuidelinesExactlyAndWithNoOthers) {
  TrainingRun whole = small_run(folder_ / "whole", 4);
  whole.architecture.guidelines = {Scaling::kPooling, NormalizedLayers::kAll, 3, Head::kAveragePool, Activation::kRelu};
  train(whole);
  TrainingRun parts = whole;
  parts.folder = folder_ / "parts";
  EXPECT_EQ(run_training(parts, images_, stop_at(2)), 2);
  parts.mode = OutputMode::kResume;
  EXPECT_EQ(train(parts), 4);
  EXPECT_EQ(model_of(parts), model_of(whole));
  parts.architecture.guidelines.batch_norm = NormalizedLayers::kPublished;
  EXPECT_THAT([&] { train(parts); }, ThrowsMessage<OptionError>(HasSubstr("--batch-norm all, now it is published")));
}

TEST_F(Trainer, DoesNotTouchARunThatIsThere) {
  TrainingRun run = small_run(folder_ / "run", 2);
  train(run);
  const std::string model = model_of(run);
  EXPECT_THAT([&] { train(run); }, ThrowsMessage<FileError>(HasSubstr("--resume to go on with it, --overwrite")));
  EXPECT_EQ(model_of(run), model);
  run.mode = OutputMode::kOverwrite;
  run.options.steps = 1;
  EXPECT_EQ(train(run), 1);
}

std::vector<float> first_kernel(const TrainingRun& run) {
  return load_model(run.folder + "/model.safetensors").tensors.at("discriminator.conv1.weight").to_floats();
}

TEST_F(Trainer, AveragesWeightsOverTheStepsAsTheOptionSays) {
  constexpr double kDecay = 0.75;
  std::vector<std::vector<float>> weights;
  for (int64_t steps = 0; steps <= 3; ++steps) {
    const TrainingRun run = small_run(folder_ / ("plain" + std::to_string(steps)), steps);
    train(run);
    weights.push_back(first_kernel(run));
  }
  TrainingRun averaged = small_run(folder_ / "averaged", 3);
  averaged.options.average_decay = kDecay;
  train(averaged);
  const std::vector<float> result = first_kernel(averaged);
  for (size_t i = 0; i < result.size(); ++i) {
    double expected = weights[0][i];
    for (size_t step = 1; step <= 3; ++step) expected = kDecay * expected + (1 - kDecay) * weights[step][i];
    EXPECT_NEAR(result[i], expected, 1e-7);
  }
}

// A generator of one channel against a discriminator of 16 that learns far too fast.
TrainingRun collapsing_run(const std::string& folder, OnCollapse on_collapse) {
  TrainingRun run = small_run(folder, 100);
  run.architecture.ngf = 1;
  run.architecture.ndf = 16;
  run.architecture.nz = 2;
  run.options.learning_rate = 0.05;
  run.options.sample_every = 5;
  run.options.checkpoint_every = 5;
  run.options.on_collapse = on_collapse;
  return run;
}

TEST_F(Trainer, WarnsStopsOrGoesBackWhenItHasCollapsed) {
  const TrainingRun warned = collapsing_run(folder_ / "warned", OnCollapse::kWarn);
  Listener listener;
  EXPECT_EQ(run_training(warned, images_, listener), 100);
  EXPECT_THAT(listener.heard, HasSubstr("At step "));
  EXPECT_THAT(test::bytes_of(warned.folder + "/metrics.jsonl"), HasSubstr(R"("alarm":"At step )"));

  const TrainingRun stopped = collapsing_run(folder_ / "stopped", OnCollapse::kStop);
  EXPECT_THAT([&] { train(stopped); }, ThrowsMessage<Error>(HasSubstr("a lower --learning-rate")));
  EXPECT_FALSE(fs::is_empty(stopped.folder + "/checkpoints"));

  const TrainingRun rewound = collapsing_run(folder_ / "rewound", OnCollapse::kRewind);
  Listener rewinds;
  EXPECT_THAT([&] { run_training(rewound, images_, rewinds); }, ThrowsMessage<Error>(HasSubstr("At step ")));
  EXPECT_THAT(rewinds.heard, HasSubstr("Going back to step "));
  EXPECT_FALSE(fs::is_empty(rewound.folder + "/checkpoints"));
  EXPECT_THAT(test::bytes_of(rewound.folder + "/metrics.jsonl"), HasSubstr("Going back to step "));

  TrainingRun resumed = stopped;  // what follows a collapse may change
  resumed.mode = OutputMode::kResume;
  resumed.options.on_collapse = OnCollapse::kWarn;
  EXPECT_EQ(train(resumed), 100);
}

TEST_F(Trainer, KeepsTheModelOfTheHighestScoreAlsoAfterAResume) {
  TrainObserver observer;
  std::vector<double> scores = {0.3, 0.7, 0.1};  // the next one is the last
  observer.probe = [&](const std::string&) {
    const double score = scores.back();
    scores.pop_back();
    return score;
  };
  TrainingRun run = small_run(folder_ / "run", 3);
  run.options.checkpoint_every = 1;
  run_training(run, images_, observer);
  const auto best_step = [&] {
    return nlohmann::json::parse(load_model(run.folder + "/best.safetensors").training)["step"].get<int64_t>();
  };
  EXPECT_EQ(best_step(), 2);
  EXPECT_EQ(metrics_of(run).at(3)["probe_score"], 0.7);
  run.mode = OutputMode::kResume;
  run.options.steps = 5;
  scores = {0.9, 0.6};
  run_training(run, images_, observer);
  EXPECT_EQ(best_step(), 5);
}

TrainObserver dying_in_step(int64_t step) {
  TrainObserver observer;
  observer.on_step = [step](int64_t done, int64_t) {
    if (done == step) throw Error("as if it were killed here");
  };
  return observer;
}

// Scores models by their step, and throws where the run is to end as if it were killed.
TrainObserver killed_probe(int64_t in_step = 0, int64_t in_probe_of = 0) {
  TrainObserver observer = dying_in_step(in_step);
  observer.probe = [in_probe_of](const std::string& model) {
    const int64_t step = nlohmann::json::parse(load_model(model).training)["step"];
    if (step == in_probe_of) throw Error("as if it were killed here");
    return std::map<int64_t, double>{{2, 0.1}, {4, 0.7}, {6, 0.3}, {8, 0.6}}.at(step);
  };
  return observer;
}

TEST_F(Trainer, KilledAnywhereAndResumedEndsWithTheBestModelOfTheRunLeftAlone) {
  const auto best_of = [](const TrainingRun& run) { return test::bytes_of(run.folder + "/best.safetensors"); };
  const auto scores_of = [](const TrainingRun& run) {
    std::vector<nlohmann::json> scores;
    for (const nlohmann::json& line : metrics_of(run)) {
      if (line.contains("probe_score")) scores.push_back(line);
    }
    return scores;
  };
  TrainingRun whole = small_run(folder_ / "whole", 8);
  whole.options.checkpoint_every = 2;
  run_training(whole, images_, killed_probe());
  ASSERT_EQ(nlohmann::json::parse(load_model(whole.folder + "/best.safetensors").training)["step"], 4);

  int64_t runs = 0;
  const auto dies = [&](int64_t in_step, int64_t in_probe_of) {
    TrainingRun run = whole;
    run.folder = folder_ / ("killed-" + std::to_string(++runs));
    const TrainObserver probe = killed_probe(in_step, in_probe_of);
    EXPECT_THAT([&] { run_training(run, images_, probe); }, ThrowsMessage<Error>("as if it were killed here"));
    return run;
  };
  const auto goes_on = [&](TrainingRun run, const std::string& when) {
    run.mode = OutputMode::kResume;
    EXPECT_EQ(run_training(run, images_, killed_probe()), 8) << when;
    EXPECT_EQ(best_of(run), best_of(whole)) << when;
    EXPECT_EQ(model_of(run), model_of(whole)) << when;
    EXPECT_EQ(scores_of(run), scores_of(whole)) << when;
  };
  for (int64_t step = 1; step <= 8; ++step) goes_on(dies(step, 0), "in step " + std::to_string(step));
  std::string model_before;
  for (const int64_t step : {2, 4, 6, 8}) {
    const std::string of_step = " of step " + std::to_string(step);
    const TrainingRun in_probe = dies(0, step);
    goes_on(in_probe, "in the probe" + of_step);
    const TrainingRun between = dies(0, step);  // between the checkpoint and the model
    const std::string model = between.folder + "/model.safetensors", written = test::bytes_of(model);
    fs::remove(model);
    if (!model_before.empty()) std::ofstream(model, std::ios::binary) << model_before;
    goes_on(between, "before the model" + of_step);
    model_before = written;
    if (step == 8) continue;
    const TrainingRun scored = dies(step + 1, 0);  // between the best model and the line with its score
    const std::string metrics = scored.folder + "/metrics.jsonl", lines = test::bytes_of(metrics);
    const size_t last = lines.rfind('\n', lines.size() - 2) + 1;
    ASSERT_THAT(lines.substr(last), HasSubstr("probe_score"));
    fs::resize_file(metrics, last);
    goes_on(scored, "before the score" + of_step + " is logged");
  }
}

TEST_F(Trainer, MeasuresAfterAResumeWhatItHadNotComeToAtItsLastCheckpoint) {
  bool fails = true;
  int calls = 0;
  TrainObserver observer;
  observer.probe = [&](const std::string&) {
    ++calls;
    if (fails) throw Error("as if it were killed here");
    return 0.5;
  };
  TrainingRun run = small_run(folder_ / "run", 2);
  run.options.frechet_images = 8;
  EXPECT_THROW(run_training(run, images_, observer), Error);
  run.mode = OutputMode::kResume;
  fails = false;
  for (int resume = 0; resume < 2; ++resume) run_training(run, images_, observer);
  EXPECT_EQ(calls, 2);
  std::map<std::string, int> measures;
  for (const nlohmann::json& line : metrics_of(run)) {
    for (const auto& [name, value] : line.items()) measures[name] += line["step"] == 2;
  }
  EXPECT_EQ(measures["probe_score"], 1);
  EXPECT_EQ(measures["frechet_distance"], 1);
  EXPECT_TRUE(fs::exists(run.folder + "/best.safetensors"));
}

TEST_F(Trainer, LeavesARunThatItWouldReplaceWhereMemoryIsTooSmallAndSaysHowMuchItNeeds) {
  TrainingRun run = small_run(folder_ / "run", 1);
  train(run);
  const std::string model = model_of(run);
  run.mode = OutputMode::kOverwrite;
  run.architecture.guidelines.hidden_dense = 65536;  // 141 MB; all else is small
  run.available_memory = 100000000;
  EXPECT_THAT([&] { train(run); }, ThrowsMessage<Error>(HasSubstr("(100 MB are available)")));
  EXPECT_THAT([&] { estimate_training(run, images_); }, ThrowsMessage<Error>(HasSubstr("needs at least")));
  EXPECT_EQ(model_of(run), model);
}

TEST_F(Trainer, LogsTheFrechetDistanceWithEachCheckpointAndTrainsTheSame) {
  TrainingRun run = small_run(folder_ / "run", 4);
  run.options.checkpoint_every = 2;
  train(run);
  TrainingRun measured = run;
  measured.folder = folder_ / "measured";
  measured.options.frechet_images = 8;
  train(measured);
  std::vector<int64_t> steps;
  for (const nlohmann::json& line : metrics_of(measured)) {
    if (!line.contains("frechet_distance")) continue;
    steps.push_back(line["step"]);
    EXPECT_GT(line["frechet_distance"], 0);
  }
  EXPECT_EQ(steps, (std::vector<int64_t>{2, 4}));
  EXPECT_EQ(model_of(measured), model_of(run));
  measured.options.frechet_images = 1;
  EXPECT_THAT([&] { train(measured); }, ThrowsMessage<OptionError>(HasSubstr("--frechet-images is 1")));
}

TEST_F(Trainer, OverwritesRunsOnly) {
  TrainingRun run = small_run(folder_ / "project", 1);
  const std::string precious = run.folder + "/samples/precious.txt";
  fs::create_directories(run.folder + "/samples");
  std::ofstream(precious) << "not of a run";
  run.mode = OutputMode::kOverwrite;
  train(run);
  EXPECT_TRUE(fs::exists(precious));
}

TEST_F(Trainer, ResumesWithTheSameImagesUnderAnotherName) {
  TrainingRun run = small_run(folder_ / "run", 1);
  run.data_source = "a.h5";
  train(run);
  run.mode = OutputMode::kResume;
  run.data_source = "b.h5";
  run.options.steps = 2;
  EXPECT_EQ(train(run), 2);
}

TEST_F(Trainer, KeepsASecondTrainingOutOfItsFolder) {
  const TrainingRun run = small_run(folder_ / "run", 2);
  int64_t refused = 0;
  TrainObserver intruder;
  intruder.on_step = [&](int64_t, int64_t) {
    for (const auto mode : {OutputMode::kResume, OutputMode::kOverwrite}) {
      TrainingRun second = run;
      second.mode = mode;
      EXPECT_THAT([&] { train(second); }, ThrowsMessage<FileError>(HasSubstr("another training is writing to it")));
      ++refused;
    }
  };
  EXPECT_EQ(run_training(run, images_, intruder), 2);
  EXPECT_EQ(refused, 4);
}

TEST_F(Trainer, RecordsItsThreadsAndSaysWhenTheyDiffer) {
  TrainingRun run = small_run(folder_ / "run", 2);
  train(run);
  run.mode = OutputMode::kResume;
  Listener same;
  run_training(run, images_, same);
  EXPECT_THAT(same.heard, testing::Not(HasSubstr("started with")));
  run.threads = 2;
  Listener other;
  run_training(run, images_, other);
  EXPECT_THAT(other.heard, HasSubstr("The run was started with 1 thread;"));
}

TEST_F(Trainer, ResumesARunOfAnEarlierVersionWithTheDefaultsOfNewerOptions) {
  TrainingRun run = small_run(folder_ / "run", 1);
  train(run);
  const std::string path = folder_ / "run/options.json";
  nlohmann::ordered_json options = nlohmann::ordered_json::parse(std::ifstream(path));
  ASSERT_EQ(options["options"].erase("average-decay"), 1);
  std::ofstream(path) << options;
  run.mode = OutputMode::kResume;
  run.options.steps = 2;
  EXPECT_EQ(train(run), 2);
  run.options.average_decay = 0.5;
  EXPECT_THAT([&] { train(run); }, ThrowsMessage<OptionError>(HasSubstr("--average-decay 0.0, now it is 0.5")));
}

TEST_F(Trainer, NamesTheFlagOfAWrongOption) {
  TrainingRun run = small_run(folder_ / "run", 2);
  run.options.batch_size = 11;
  EXPECT_THAT([&] { train(run); }, ThrowsMessage<OptionError>(HasSubstr("--batch-size is 11; it must be at most 10")));
  run.options.batch_size = 1;
  EXPECT_THAT([&] { train(run); }, ThrowsMessage<OptionError>(HasSubstr("--batch-size is 1; it must be 2 or more")));
  run = small_run(folder_ / "run", 2);
  run.architecture.image_size = 16;
  EXPECT_THAT([&] { train(run); }, ThrowsMessage<FileError>(HasSubstr("images are 8 x 8, the network takes 16 x 16")));
  EXPECT_FALSE(fs::exists(run.folder)) << "a refused run leaves nothing behind";
}

TEST_F(Trainer, StopsOrGoesBackWhenLossesAreNotFiniteAndKeepsTheLastCheckpoint) {
  TrainingRun run = small_run(folder_ / "run", 2);
  train(run);
  const std::string model = model_of(run);
  run.mode = OutputMode::kResume;
  run.options.steps = 40;
  // The learning rate is part of the run's identity; a huge weight in the checkpoint has the same effect.
  const std::string path = run.folder + "/checkpoints/step-00000002.safetensors";
  SafetensorsFile checkpoint = read_safetensors(path);
  StoredTensor& head = checkpoint.tensors.at("discriminator.head.weight");
  head = make_tensor(head.shape, std::vector<float>(head.to_floats().size(), std::numeric_limits<float>::infinity()));
  write_safetensors(path, checkpoint);
  EXPECT_THAT([&] { train(run); }, ThrowsMessage<Error>(HasSubstr("At step 3 losses or gradients are not finite.")));
  EXPECT_EQ(model_of(run), model);
  run.options.on_collapse = OnCollapse::kRewind;
  Listener rewinds;
  EXPECT_THAT([&] { run_training(run, images_, rewinds); }, ThrowsMessage<Error>(HasSubstr("are not finite.")));
  EXPECT_THAT(rewinds.heard, HasSubstr("are not finite. Going back to step 2"));
  EXPECT_TRUE(fs::exists(path));
}

TEST_F(Trainer, GivesSamplesOfTheModelThatItWrote) {
  const TrainingRun run = small_run(folder_ / "run", 2);
  train(run);
  const ModelFile model = load_model(run.folder + "/model.safetensors");
  const ImageBatch a = sample_images(model, 5, 1, false);
  EXPECT_EQ(a.count(), 5);
  EXPECT_EQ(a.pixels.size(), 5U * 8 * 8 * 3);
  EXPECT_EQ(a.pixels, sample_images(model, 5, 1, false).pixels);
  EXPECT_NE(a.pixels, sample_images(model, 5, 2, false).pixels);
  EXPECT_NE(a.pixels, sample_images(model, 5, 1, true).pixels);
}

// Lines of the reports at steps that `every` divides, without the speed.
std::vector<nlohmann::json> reports_of(const TrainingRun& run, int64_t every) {
  std::vector<nlohmann::json> reports;
  for (nlohmann::json line : metrics_of(run)) {
    if (!line.contains("discriminator_loss") || line["step"].get<int64_t>() % every != 0) continue;
    line.erase("images_per_second");
    reports.push_back(line);
  }
  return reports;
}

TEST_F(Trainer, ReportsTheSameAtItsFixedStepsHoweverOftenItWasStoppedBetween) {
  TrainingRun whole = small_run(folder_ / "whole", 9);
  whole.options.log_every = 4;
  train(whole);
  TrainingRun parts = whole;
  parts.folder = folder_ / "parts";
  for (const int64_t stop : {1, 2, 5, 6}) {
    EXPECT_EQ(run_training(parts, images_, stop_at(stop)), stop);
    parts.mode = OutputMode::kResume;
  }
  train(parts);
  TrainingRun saved = whole;
  saved.folder = folder_ / "saved";
  saved.options.checkpoint_every = 3;
  train(saved);
  EXPECT_EQ(reports_of(saved, 4), reports_of(whole, 4));
  EXPECT_EQ(reports_of(parts, 4).size(), 2U);
  EXPECT_EQ(reports_of(parts, 4), reports_of(whole, 4));
  EXPECT_EQ(model_of(parts), model_of(whole));
}

// The message of the error that ends a training, after it was stopped at each of `stops`; empty if none does.
std::string end_of(TrainingRun run, const PackedImageReader& images, const std::vector<int64_t>& stops) {
  try {
    for (const int64_t stop : stops) {
      run_training(run, images, stop_at(stop));
      run.mode = OutputMode::kResume;
    }
    run_training(run, images);
  } catch (const Error& e) {
    const std::string message = e.what();
    return message.substr(0, message.find(" Checkpoints that"));
  }
  return "";
}

TEST_F(Trainer, CollapsesAtTheSameStepHoweverOftenItWasStoppedBefore) {
  TrainingRun run = collapsing_run(folder_ / "reports", OnCollapse::kStop);
  run.options.sample_every = 1000;
  run.options.log_every = 3;
  run.options.checkpoint_every = 1000;
  const std::string won = end_of(run, images_, {});
  ASSERT_THAT(won, HasSubstr("the discriminator has won"));
  const int64_t step = std::stoll(won.substr(std::string("At step ").size()));
  ASSERT_EQ(step % 3, 0);
  run.folder = folder_ / "reports stopped";
  // Of the last ten reports five more would be seen.
  EXPECT_EQ(end_of(run, images_, {step - 16, step - 13, step - 10, step - 7, step - 4}), won);

  run = collapsing_run(folder_ / "grids", OnCollapse::kStop);
  run.options.log_every = 1000;
  run.options.sample_every = 7;
  run.options.checkpoint_every = 1000;
  const std::string alike = end_of(run, images_, {});
  ASSERT_THAT(alike, HasSubstr("the samples are alike"));
  run.folder = folder_ / "grids stopped";
  EXPECT_EQ(end_of(run, images_, {std::stoll(alike.substr(std::string("At step ").size())) - 1}), alike);
}

nlohmann::json record_of(const std::string& model) { return nlohmann::json::parse(load_model(model).training); }

TEST_F(Trainer, WritesTheModelAnewWhereAKillLeftThatOfACourseThatWasGivenUp) {
  TrainingRun run = small_run(folder_ / "run", 2);
  train(run);
  const std::string given_up = model_of(run);
  EXPECT_FALSE(record_of(run.folder + "/model.safetensors").contains("rewinds"));
  // As after a collapse, when the training has come to step 2 again and is killed before its model is written.
  const std::string path = run.folder + "/checkpoints/step-00000002.safetensors";
  SafetensorsFile checkpoint = read_safetensors(path);
  checkpoint.metadata["rewinds"] = "1";
  for (auto& [name, tensor] : checkpoint.tensors) {
    std::vector<float> values = tensor.to_floats();
    for (float& value : values) value *= 1.5F;
    tensor = make_tensor(tensor.shape, values);
  }
  write_safetensors(path, checkpoint);
  run.mode = OutputMode::kResume;
  train(run);
  EXPECT_NE(model_of(run), given_up);
  EXPECT_EQ(record_of(run.folder + "/model.safetensors")["rewinds"], 1);
  EXPECT_EQ(load_model(run.folder + "/model.safetensors").tensors.at("discriminator.conv1.weight").bytes,
            checkpoint.tensors.at("discriminator.conv1.weight").bytes);
}

TEST_F(Trainer, GoesBackToTheSameCheckpointWhereItWasKilledWhileItWentBack) {
  TrainingRun run = collapsing_run(folder_ / "run", OnCollapse::kRewind);
  const std::string end = end_of(run, images_, {});
  ASSERT_FALSE(end.empty());
  const auto alarms = [](const TrainingRun& of) {
    std::vector<std::string> lines;
    for (const nlohmann::json& line : metrics_of(of)) {
      if (line.contains("alarm")) lines.push_back(line["alarm"]);
    }
    return lines;
  };
  // Killed when it has written the checkpoint that it goes back to, and before it has removed those after it.
  TrainingRun killed = run;
  killed.folder = folder_ / "killed";
  bool went_back = false;
  std::string log;
  TrainObserver observer;
  observer.on_step = [&](int64_t done, int64_t) {
    if (went_back) throw Error("as if it were killed here");
    if (done % killed.options.checkpoint_every != 1) return;
    fs::remove_all(killed.folder + "/before");
    fs::copy(killed.folder + "/checkpoints", killed.folder + "/before");
    log = test::bytes_of(killed.folder + "/metrics.jsonl");
  };
  observer.on_message = [&](const std::string& line) {
    went_back = went_back || line.find("Going back to step") != std::string::npos;
  };
  EXPECT_THAT([&] { run_training(killed, images_, observer); }, ThrowsMessage<Error>("as if it were killed here"));
  for (const auto& entry : fs::directory_iterator(killed.folder + "/before")) {
    const fs::path there = fs::path(killed.folder) / "checkpoints" / entry.path().filename();
    if (!fs::exists(there)) fs::copy_file(entry.path(), there);
  }
  std::ofstream(killed.folder + "/metrics.jsonl") << log;
  killed.mode = OutputMode::kResume;
  EXPECT_EQ(end_of(killed, images_, {}), end);
  EXPECT_EQ(alarms(killed), alarms(run));
}

bool lacks_generator_statistics(const std::string& path) {
  const ModelFile model = load_model(path);
  const bool says_so = nlohmann::json::parse(model.statistics).contains("generator");
  for (const auto& [name, tensor] : model.tensors) {
    if (name.rfind("generator.", 0) != 0 || name.find(".running_") == std::string::npos) continue;
    const std::vector<float> values = tensor.to_floats();
    const float none = name.find("running_var") != std::string::npos ? 1.0F : 0.0F;
    EXPECT_EQ(values == std::vector<float>(values.size(), none), says_so) << name;
  }
  return says_so;
}

TEST_F(Trainer, InfersTheGeneratorsStatisticsOnlyWhereItsModelIsLookedAt) {
  TrainingRun run = small_run(folder_ / "run", 8);
  run.options.checkpoint_every = 2;
  const auto lacks = [&run] { return lacks_generator_statistics(run.folder + "/model.safetensors"); };
  std::vector<bool> lacked;
  int64_t last = 0;
  TrainObserver watcher;
  watcher.on_step = [&](int64_t done, int64_t) {
    last = done;
    if (done > 2) lacked.push_back(lacks());
  };
  watcher.probe = [&](const std::string&) { return last == 4 ? std::optional<double>(0.5) : std::nullopt; };
  run_training(run, images_, watcher);
  // Before steps 3 to 8: of step 2, 4 (probed) and 6.
  EXPECT_EQ(lacked, (std::vector<bool>{true, true, false, false, true, true}));
  EXPECT_FALSE(lacks()) << "of the last step";
  EXPECT_FALSE(lacks_generator_statistics(run.folder + "/best.safetensors"));
  const std::string whole = model_of(run);

  run.folder = folder_ / "stopped";
  run_training(run, images_, stop_at(3));
  EXPECT_FALSE(lacks()) << "of a stop";

  run.folder = folder_ / "killed";
  EXPECT_THROW(run_training(run, images_, dying_in_step(3)), Error);
  EXPECT_TRUE(lacks());
  run.mode = OutputMode::kResume;
  lacked.clear();
  watcher.probe = TrainObserver().probe;
  run_training(run, images_, watcher);
  EXPECT_FALSE(lacked.front()) << "of step 2, on resume";
  EXPECT_EQ(model_of(run), whole);
}

TEST_F(Trainer, SamplesOfAModelWithoutTheGeneratorsStatisticsAreMadeWithSomeThatAreInferred) {
  const TrainingRun run = small_run(folder_ / "run", 2);
  train(run);
  ModelFile model = load_model(run.folder + "/model.safetensors");
  const ImageBatch whole = sample_images(model, 5, 1, false);
  for (auto& [name, tensor] : model.tensors) {
    if (name.rfind("generator.", 0) != 0 || name.find(".running_") == std::string::npos) continue;
    const float none = name.find("running_var") != std::string::npos ? 1.0F : 0.0F;
    tensor = make_tensor(tensor.shape, std::vector<float>(tensor.to_floats().size(), none));
  }
  const ImageBatch wrong = sample_images(model, 5, 1, false);  // nothing says that they are missing
  auto statistics = nlohmann::ordered_json::parse(model.statistics);
  statistics["generator"] = "none: mean 0, variance 1";
  model.statistics = statistics.dump();
  const ImageBatch inferred = sample_images(model, 5, 1, false);
  EXPECT_EQ(inferred.pixels, sample_images(model, 5, 1, false).pixels);
  const auto distance = [&](const ImageBatch& a) {
    double sum = 0;
    for (size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(a.pixels[i] - whole.pixels[i]);
    return sum / static_cast<double>(a.pixels.size());
  };
  // Both are averages over noise, over 10 rows of it and over 4,096: not the same, but near.
  EXPECT_LT(distance(inferred), 0.5 * distance(wrong));
  EXPECT_EQ(sample_images(model, 5, 1, true).pixels,
            sample_images(load_model(run.folder + "/model.safetensors"), 5, 1, true).pixels);
}

// A field more, less or elsewhere changes the bytes of every model.
TEST_F(Trainer, RecordsWhatDecidesTheParametersAndNothingElse) {
  TrainingRun run = small_run(folder_ / "run", 1);
  run.data_source = "small.h5";
  run.options.cuda_graphs = CudaGraphs::kOff;
  train(run);
  const ModelFile model = load_model(run.folder + "/model.safetensors");
  EXPECT_EQ(
      model.training,
      R"({"architecture":{"image-size":8,"kernel":3,"convs-per-scale":2,"ndf":4,"ngf":4,"nz":6,"latent":"uniform"},)"
      R"("options":{"batch-size":4,"schedule":"alternating","learning-rate":0.0002,"beta1":0.5,"beta2":0.999,)"
      R"("weight-decay":0.0,"decay-steps":0,"average-decay":0.0,"sync-batch-norm":false,"precision":"f32",)"
      R"("statistics-minibatches":32},"seed":42,)"
      R"("data":{"source":"small.h5","images":10,"preparation":{},"pixel-hash":14372935391891562818},"step":1})");
  EXPECT_EQ(model.statistics, R"({"source":"training images","minibatches":1,"minibatch-size":128})");
}

TEST_F(Trainer, RefusesCudaGraphsThatCannotBeBeforeItWritesAnything) {
  TrainingRun run = small_run(folder_ / "run", 1);
  run.device = "cpu";
  run.options.cuda_graphs = CudaGraphs::kOn;
  EXPECT_THAT([&] { train(run); },
              ThrowsMessage<OptionError>(HasSubstr("--cuda-graphs is on; that needs one process")));
  EXPECT_FALSE(fs::exists(run.folder));
}

TEST_F(Trainer, LeavesTheProcessesSettingsAsTheyWere) {
  at::set_num_threads(1);
  for (const bool searched : {false, true}) {
    at::globalContext().setBenchmarkCuDNN(searched);
    TrainingRun run = small_run(folder_ / ("run" + std::to_string(searched)), 1);
    run.threads = 2;
    train(run);
    EXPECT_EQ(at::get_num_threads(), 1);
    EXPECT_EQ(at::globalContext().benchmarkCuDNN(), searched);
    estimate_training(run, images_);
    EXPECT_EQ(at::get_num_threads(), 1);
    EXPECT_EQ(at::globalContext().benchmarkCuDNN(), searched);
  }
  at::globalContext().setBenchmarkCuDNN(false);
}

TEST_F(Trainer, OfImagesThatStayInTheirFileEndsAtTheSameBytes) {
  TrainingRun run = small_run(folder_ / "memory", 5);
  train(run);
  const std::string loaded = model_of(run);
  run.folder = folder_ / "file";
  run.images_in_memory = false;
  train(run);
  EXPECT_EQ(model_of(run), loaded);
}

}  // namespace
}  // namespace dcgan
