#pragma once

#include <cstdint>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dcgan/trainer.h"
#include "tests/support/bytes_of.h"

namespace dcgan::test {

/// A training of a tiny network in `folder`, on one thread: every step is logged, samples and checkpoints come at its
/// end alone, distances are left out.
inline TrainingRun small_run(const std::string& folder, int64_t steps, int64_t image_size = 8) {
  TrainingRun run;
  run.folder = folder;
  run.architecture.image_size = image_size;
  run.architecture.ndf = run.architecture.ngf = 4;
  run.architecture.nz = 6;
  run.options.steps = steps;
  run.options.batch_size = 4;
  run.options.log_every = 1;
  run.options.sample_every = 1000;
  run.options.checkpoint_every = 1000;
  run.options.frechet_images = 0;
  run.threads = 1;
  return run;
}

/// Model files are equal when everything that decides them is: they hold no time, path or command line.
inline std::string model_of(const TrainingRun& run) { return bytes_of(run.folder + "/model.safetensors"); }

inline std::vector<nlohmann::json> metrics_of(const TrainingRun& run) {
  std::ifstream file(run.folder + "/metrics.jsonl");
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

/// Stops a training after a step.
inline TrainObserver stop_at(int64_t step) {
  TrainObserver observer;
  const auto last = std::make_shared<int64_t>(0);
  observer.on_step = [last](int64_t done, int64_t) { *last = done; };
  observer.should_stop = [last, step] { return *last >= step; };
  return observer;
}

/// Keeps what a training says.
struct Listener : TrainObserver {
  Listener() {
    on_message = [this](const std::string& line) { heard += line + "\n"; };
  }
  std::string heard;
};

}  // namespace dcgan::test
