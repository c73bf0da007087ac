#include "train/run_identity.h"

#include <nlohmann/json.hpp>

#include "base/options_json.h"
#include "dcgan/errors.h"
#include "dcgan/seeds.h"
#include "dcgan/text.h"

namespace dcgan::train {
namespace {

using nlohmann::ordered_json;

// What two data sets that train differently differ in: size, preparation, and a sample of the pixels.
ordered_json describe_data(const PackedImageReader& images, const std::string& source) {
  constexpr int64_t kProbes = 256;
  const int64_t row = images.info().height * images.info().width * 3;
  std::string sample;
  for (int64_t i = 0; i < kProbes; ++i) {
    std::string pixels(row, '\0');
    images.read(i * (images.count() - 1) / (kProbes - 1), 1, reinterpret_cast<uint8_t*>(pixels.data()));
    sample += pixels;
  }
  return {{"source", source},
          {"images", images.count()},
          {"preparation", ordered_json::parse(images.info().preparation)},
          {"pixel-hash", derive_seed(0, sample)}};
}

}  // namespace

std::string run_identity(const TrainingRun& run, const PackedImageReader& images) {
  ordered_json options = options_to_json(run.options);
  for (const char* free : {"log-every", "sample-every", "checkpoint-every", "keep-checkpoints", "frechet-images",
                           "cuda-graphs", "on-collapse"}) {
    options.erase(free);
  }
  if (run.options.decay_steps == 0) {
    options.erase("steps");
    options.erase("decay-shape");
  }
  const ordered_json defaults = options_to_json(TrainOptions());
  for (const char* name : kRecordedUnlessDefault) {
    if (options.contains(name) && options[name] == defaults[name]) options.erase(name);
  }
  const std::string& start = run.options.initialise;
  if (start != TrainOptions::kRandomStart && start != TrainOptions::kPatchesStart) {
    options["initialise"] = start.substr(start.rfind('/') + 1) + " (SHA-256 " + load_model(start).sha256 + ")";
  }
  const ordered_json identity = {{"architecture", ordered_json::parse(to_json(run.architecture))},
                                 {"options", options},
                                 {"seed", run.seed},
                                 {"data", describe_data(images, run.data_source)}};
  return json_text(identity);
}

void check_same_run(const Processes& processes, const TrainingRun& run, const std::string& identity,
                    const std::string& path) {
  ordered_json agreed = ordered_json::parse(identity);
  agreed["data"].erase("source");
  const TrainOptions& o = run.options;
  agreed["free"] = {o.steps, o.log_every, o.sample_every, o.checkpoint_every, processes.device().is_cpu()};
  const auto hash = static_cast<int64_t>(derive_seed(0, json_text(agreed)));
  if (processes.receive_from_first(hash) == hash) return;
  throw FileError(path, "process ", processes.rank(),
                  " has other images there, or other options, than the first process; all need the same.");
}

}  // namespace dcgan::train
