#include "train/recorded_pairs.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <gmock/gmock.h>

#include <stdexcept>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "dcgan/errors.h"
#include "nn/networks.h"
#include "train/augmentation.h"

namespace dcgan::train {
namespace {

// Runs the work again instead of recording it, which a CPU cannot: it sees the memory that a graph would see.
class Again : public Recording {
 public:
  Again(std::function<void()> work, int64_t& runs) : work_(std::move(work)), runs_(runs) {}
  void run() override {
    ++runs_;
    work_();
  }

 private:
  std::function<void()> work_;
  int64_t& runs_;
};

class FakeAccelerator : public Accelerator {
 public:
  std::unique_ptr<StreamScope> leave_default_stream(int64_t) const override { return nullptr; }
  std::unique_ptr<Recording> record(const std::function<void()>& work) const override {
    ++recorded;
    return std::make_unique<Again>(work, runs);
  }
  c10::intrusive_ptr<c10d::Backend> make_nccl(const NcclOptions&) const override { return nullptr; }
  mutable int64_t recorded = 0, runs = 0;
};

TrainingRun small_run(Schedule schedule) {
  TrainingRun run;
  run.architecture.image_size = 8;
  run.architecture.ndf = run.architecture.ngf = 4;
  run.architecture.nz = 6;
  run.options.schedule = schedule;
  run.options.average_decay = 0.9;
  run.device = "cpu";
  return run;
}

PairInputs inputs(const TrainingRun& run, int64_t step, int64_t size) {
  const auto seed = static_cast<uint64_t>(step);
  const auto noise = [&](uint64_t s) { return nn::draw_noise(run.architecture, size, s); };
  const at::Tensor images = noise(3 * seed).narrow(1, 0, 1).view({size, 1, 1, 1}).expand({size, 3, 8, 8});
  PairInputs result;
  result.images = images.contiguous(at::MemoryFormat::ChannelsLast);
  result.discriminator_noise = noise(3 * seed + 1);
  result.generator_noise = noise(3 * seed + 2);
  result.learning_rate = at::full({}, 1e-3F * static_cast<float>(step + 1));
  result.generator_learning_rate = result.learning_rate.mul(0.5);
  result.discriminator_size = result.generator_size = size;
  if (run.options.contrastive > 0) {
    const at::Tensor views = noise(3 * seed).narrow(1, 0, 2).t().reshape({2 * size, 1, 1, 1});
    result.views = views.expand({2 * size, 3, 8, 8}).contiguous(at::MemoryFormat::ChannelsLast);
  }
  if (run.options.augment) {
    result.real_augmentation = draw_augmentations(size, 3 * seed);
    result.fake_augmentation = draw_augmentations(size, 3 * seed + 1);
    result.generator_augmentation = draw_augmentations(size, 3 * seed + 2);
  }
  return result;
}

TEST(RecordedPairs, GiveWhatPlainOnesGiveForMinibatchesOfAnySize) {
  for (const Schedule schedule : {Schedule::kAlternating, Schedule::kBoth}) {
    TrainingRun run = small_run(schedule);
    run.options.contrastive = schedule == Schedule::kBoth ? 1 : 0;
    run.options.rotation = run.options.contrastive;
    run.options.augment = run.options.spectral_norm = schedule == Schedule::kBoth;
    const Processes one(run.processes, run.device, {});
    TrainedNetworks plain(run, one, one.device());
    TrainedNetworks recorded(run, one, one.device());
    FakeAccelerator accelerator;
    RecordedPairs pairs(plain, nullptr);
    RecordedPairs recorded_pairs(recorded, &accelerator);
    for (int64_t step = 0; step < 9; ++step) {
      const int64_t size = step == 6 ? 3 : 4;  // the last minibatch of an epoch is short
      pairs.update(inputs(run, step, size));
      recorded_pairs.update(inputs(run, step, size));
    }
    EXPECT_EQ(accelerator.recorded, 1);
    EXPECT_EQ(accelerator.runs, 5) << "pairs 4, 5, 6, 8 and 9";
    const nn::NamedTensors expected = plain.state();
    const nn::NamedTensors state = recorded.state();
    ASSERT_EQ(state.size(), expected.size());
    for (size_t i = 0; i < state.size(); ++i) {
      EXPECT_TRUE(at::equal(state[i].second, expected[i].second)) << state[i].first;
    }
    EXPECT_TRUE(at::equal(plain.sums(), recorded.sums()));
  }
}

// A training of the alternating schedule with the stand-in.
struct Recorded {
  TrainingRun run = small_run(Schedule::kAlternating);
  Processes one = {run.processes, run.device, {}};
  TrainedNetworks networks = {run, one, one.device()};
  FakeAccelerator accelerator;
  RecordedPairs pairs = {networks, &accelerator};
};

TEST(RecordedPairs, AreRecordedOnlyAfterSomeOfTheirShape) {
  Recorded recorded;
  for (int64_t step = 0; step < 8; ++step) {
    recorded.pairs.update(inputs(recorded.run, step, step == 3 ? 3 : 4));
    EXPECT_EQ(recorded.accelerator.recorded, step < 7 ? 0 : 1)
        << step;  // three of a row, then the short one, then three again
  }
}

TEST(RecordedPairs, FollowTheLearningRateOfEachPair) {
  Recorded recorded;
  for (int64_t step = 0; step < 5; ++step) recorded.pairs.update(inputs(recorded.run, step, 4));
  const at::Tensor head = recorded.networks.discriminator().head;
  const at::Tensor before = head.detach().clone();
  PairInputs still = inputs(recorded.run, 5, 4);
  still.learning_rate = at::full({}, 0.0F);
  recorded.pairs.update(still);
  EXPECT_TRUE(at::equal(head, before));
}

// Nothing can be recorded with it. What it was given to record ends in the middle, with gradients that no step used.
class BrokenAccelerator : public FakeAccelerator {
 public:
  explicit BrokenAccelerator(TrainedNetworks& networks) : networks_(networks) {}
  std::unique_ptr<Recording> record(const std::function<void()>&) const override {
    ++recorded;
    for (const auto& [name, tensor] : networks_.discriminator().parameters()) {
      tensor.mutable_grad() = at::full(tensor.sizes(), 1.0F).contiguous(tensor.suggest_memory_format());
    }
    throw std::runtime_error("operation not permitted when stream is capturing\nand a stack");
  }

 private:
  TrainedNetworks& networks_;
};

TEST(RecordedPairs, ThatCannotBeRecordedArePlainOnesAndThatIsSaidOnce) {
  for (const Schedule schedule : {Schedule::kAlternating, Schedule::kBoth}) {
    const TrainingRun run = small_run(schedule);
    const Processes one(run.processes, run.device, {});
    TrainedNetworks plain(run, one, one.device());
    TrainedNetworks networks(run, one, one.device());
    BrokenAccelerator accelerator(networks);
    std::vector<std::string> heard;
    RecordedPairs plain_pairs(plain, nullptr);
    RecordedPairs pairs(networks, &accelerator, [&](const std::string& line) { heard.push_back(line); });
    for (int64_t step = 0; step < 9; ++step) {
      plain_pairs.update(inputs(run, step, 4));
      pairs.update(inputs(run, step, 4));
    }
    EXPECT_THAT(heard, testing::ElementsAre("Steps are not recorded as CUDA graphs, which makes them slower: operation "
                                            "not permitted when stream is capturing"));
    EXPECT_EQ(accelerator.recorded, 1);
    const nn::NamedTensors expected = plain.state();
    const nn::NamedTensors state = networks.state();
    for (size_t i = 0; i < state.size(); ++i) {
      EXPECT_TRUE(at::equal(state[i].second, expected[i].second)) << state[i].first;
    }
  }
}

TEST(RecordedPairs, ThatMustBeRecordedAndCannotEndInAnErrorThatNamesTheFlag) {
  const TrainingRun run = small_run(Schedule::kBoth);
  const Processes one(run.processes, run.device, {});
  TrainedNetworks networks(run, one, one.device());
  BrokenAccelerator accelerator(networks);
  RecordedPairs pairs(networks, &accelerator);
  for (int64_t step = 0; step < RecordedPairs::kPlainPairs; ++step) pairs.update(inputs(run, step, 4));
  EXPECT_THAT([&] { pairs.update(inputs(run, 3, 4)); },
              testing::ThrowsMessage<Error>(testing::AllOf(testing::HasSubstr("--cuda-graphs on: "),
                                                           testing::HasSubstr("stream is capturing); give auto"))));
}

TEST(Accelerator, ThatIsNotThereIsNamed) {
  std::string reason;
  if (find_accelerator(reason) != nullptr) GTEST_SKIP() << "libdcgan_cuda.so lies beside this test";
  EXPECT_THAT(reason, testing::HasSubstr("libdcgan_cuda.so"));
}

}  // namespace
}  // namespace dcgan::train
