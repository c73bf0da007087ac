#include <ATen/Parallel.h>
#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"
#include "tests/train/small_images.h"
#include "train/training.h"

namespace dcgan::train {
namespace {

using Parameters = std::map<std::string, std::vector<float>>;

// Of one schedule, from the table of tests/golden/make_course.py.
Parameters golden(const std::string& schedule) {
  std::ifstream file(DCGAN_SOURCE_DIR "/tests/golden/course.txt");
  Parameters parameters;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string first, name;
    words >> first >> name;
    if (first != schedule) continue;
    for (float value = 0; words >> value;) parameters[name].push_back(value);
  }
  return parameters;
}

// The numbers that the script begins with: exact in float32, by a formula over all parameters in the order of names.
void set_initial_parameters(SafetensorsFile& checkpoint) {
  uint64_t k = 0;
  for (auto& [name, tensor] : checkpoint.tensors) {
    if (name.rfind("discriminator.", 0) != 0 && name.rfind("generator.", 0) != 0) continue;
    const bool scale = name.find(".bn") != std::string::npos && name.find(".weight") != std::string::npos;
    std::vector<float> values = tensor.to_floats();
    for (float& value : values) {
      const uint64_t number = (k++ * 2654435761U) % (uint64_t{1} << 32) / 256;
      value = (static_cast<float>(number) / 16777216.0F - 0.5F) / 8 + (scale ? 1.0F : 0.0F);
    }
    tensor = make_tensor(tensor.shape, values);
  }
}

struct OneThread {
  OneThread() { at::set_num_threads(1); }
  ~OneThread() { at::set_num_threads(before); }
  const int before = at::get_num_threads();
};

// Order of images, noise, both updates, weight decay, the falling rate and the short minibatch, all at once, against a
// twin in float64 that shares no code with the program.
TEST(Course, OfFourPairsEndsAtTheParametersOfAnIndependentFloat64Twin) {
  // With two threads LibTorch sums in another order, and one of all parameters ends 1.2e-5 from its twin.
  const OneThread one_thread;
  const test::TemporaryFolder folder;
  const PackedImageReader images = test::small_images(folder / "images.h5", 10);
  for (const Schedule schedule : {Schedule::kAlternating, Schedule::kBoth}) {
    TrainingRun run;
    run.architecture.image_size = 8;
    run.architecture.ndf = run.architecture.ngf = 4;
    run.architecture.nz = 6;
    run.options.steps = 4;
    run.options.batch_size = 4;
    run.options.schedule = schedule;
    run.options.learning_rate = 0.005;
    run.options.weight_decay = 0.3;
    run.options.decay_steps = 3;
    run.device = "cpu";
    const Processes one(run.processes, run.device, {});
    TrainObserver silent;
    Training training({run, images, one, silent});
    RunFolder::Checkpoint start = {0, training.checkpoint()};
    set_initial_parameters(start.file);
    training.restore(start);
    while (training.step() < run.options.steps) training.run_step();

    const Parameters expected = golden(to_name(schedule));
    ASSERT_EQ(expected.size(), 12U);
    const SafetensorsFile end = training.checkpoint();
    for (const auto& [name, values] : expected) {
      const std::vector<float> found = end.tensors.at(name).to_floats();
      ASSERT_EQ(found.size(), values.size()) << name;
      for (size_t i = 0; i < values.size(); ++i) {
        EXPECT_NEAR(found[i], values[i], 1e-5) << to_name(schedule) << ", " << name << "[" << i << "]";
      }
    }
  }
}

}  // namespace
}  // namespace dcgan::train
