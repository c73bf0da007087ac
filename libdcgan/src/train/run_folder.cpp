#include "train/run_folder.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "dcgan/errors.h"
#include "store/files.h"

namespace dcgan::train {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* kOptionsFile = "options.json";
constexpr const char* kMetricsFile = "metrics.jsonl";

std::string step_name(int64_t step) {
  char text[32];
  std::snprintf(text, sizeof text, "step-%08lld", static_cast<long long>(step));
  return text;
}

void write_text(const std::string& path, const std::string& text) {
  store::write_whole_file(path, [&](const store::File& file) { file.write_at(0, text.data(), text.size()); });
}

ordered_json read_options(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    throw FileError(path, "cannot be opened; --resume needs the run folder of an earlier run of dcgan-train.");
  }
  try {
    return ordered_json::parse(file);
  } catch (const ordered_json::exception& e) {
    throw FileError(path, std::string("is no JSON (") + e.what() + "); restore it, or start anew with --overwrite.");
  }
}

}  // namespace

RunFolder::RunFolder(const std::string& folder, const std::string& options, TrainingRun::Mode mode) : folder_(folder) {
  const std::string options_path = path(kOptionsFile);
  const bool exists = fs::exists(options_path);
  const ordered_json ours = ordered_json::parse(options);
  if (mode == TrainingRun::Mode::kResume && exists) {
    const ordered_json theirs = read_options(options_path);
    const ordered_json a = theirs.flatten();
    const ordered_json b = ours.flatten();
    for (const ordered_json& side : {a, b}) {
      for (const auto& [key, value] : side.items()) {
        const std::string was = a.contains(key) ? a[key].dump() : "nothing";
        const std::string is = b.contains(key) ? b[key].dump() : "nothing";
        if (was == is) continue;
        throw OptionError(options_path + ": the run was made with " + key.substr(1) + " = " + was + ", now it is " +
                          is + "; resume with the same options, or start anew in another folder.");
      }
    }
    return;
  }
  if (mode == TrainingRun::Mode::kNew && (exists || fs::exists(path("model.safetensors")))) {
    throw FileError(folder, "holds a run already; use --resume to go on with it, --overwrite to start anew.");
  }
  std::error_code error;
  if (mode == TrainingRun::Mode::kOverwrite) {
    for (const char* name : {"checkpoints", "samples", kMetricsFile, "model.safetensors", "best.safetensors"}) {
      fs::remove_all(path(name), error);
    }
  }
  for (const char* name : {"checkpoints", "samples"}) {
    fs::create_directories(path(name), error);
    if (error) throw FileError(path(name), "cannot be created: " + error.message() + ".");
  }
  write_text(options_path, ours.dump(2) + "\n");
}

std::string RunFolder::sample_path(int64_t step) const { return path("samples/" + step_name(step) + ".png"); }

std::string RunFolder::checkpoint_path(int64_t step) const {
  return path("checkpoints/" + step_name(step) + ".safetensors");
}

std::vector<int64_t> RunFolder::checkpoint_steps() const {
  std::vector<int64_t> steps;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path("checkpoints"), error)) {
    long long step = 0;
    int end = 0;
    const std::string name = entry.path().filename().string();
    if (std::sscanf(name.c_str(), "step-%lld.safetensors%n", &step, &end) == 1 &&
        end == static_cast<int>(name.size())) {
      steps.push_back(step);
    }
  }
  std::sort(steps.rbegin(), steps.rend());
  return steps;
}

RunFolder::Checkpoint RunFolder::newest_checkpoint(TrainObserver& observer) const {
  for (const int64_t step : checkpoint_steps()) {
    try {
      return {step, read_safetensors(checkpoint_path(step))};
    } catch (const FileError& e) {
      observer.on_message(std::string(e.what()) + " Going on from the checkpoint before it.");
    }
  }
  return {};
}

void RunFolder::write_checkpoint(int64_t step, const SafetensorsFile& file, int64_t keep) const {
  write_safetensors(checkpoint_path(step), file);
  const std::vector<int64_t> steps = checkpoint_steps();
  for (size_t i = static_cast<size_t>(keep); i < steps.size(); ++i) fs::remove(checkpoint_path(steps[i]));
}

void RunFolder::cut_metrics(int64_t step) const {
  std::ifstream file(path(kMetricsFile));
  std::string kept;
  for (std::string line; std::getline(file, line);) {
    const ordered_json entry = ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (entry.is_object() && entry.value("step", INT64_MAX) <= step) kept += line + "\n";
  }
  file.close();
  write_text(path(kMetricsFile), kept);
}

void RunFolder::append_metrics(const StepReport& r) const {
  const ordered_json line = {{"step", r.step},
                             {"discriminator_loss", r.discriminator_loss},
                             {"generator_loss", r.generator_loss},
                             {"real_probability", r.real_probability},
                             {"fake_probability", r.fake_probability},
                             {"images_per_second", r.images_per_second}};
  std::ofstream file(path(kMetricsFile), std::ios::app);
  file << line.dump() << "\n";
  file.close();
  if (!file) throw FileError(path(kMetricsFile), "cannot be written; is the disk full? --resume goes on afterwards.");
}

}  // namespace dcgan::train
