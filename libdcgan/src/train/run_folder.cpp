#include "train/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/options_json.h"
#include "dcgan/errors.h"
#include "dcgan/model_file.h"
#include "dcgan/png_file.h"

namespace dcgan::train {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* kOptionsFile = "options.json";
constexpr const char* kMetricsFile = "metrics.jsonl";
constexpr const char* kModelFile = "model.safetensors";
constexpr const char* kBestFile = "best.safetensors";
constexpr const char* kScore = "probe_score";  // in metrics.jsonl and TensorBoard

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
    ordered_json options = ordered_json::parse(file);
    if (options.is_object()) return options;
  } catch (const ordered_json::exception&) {
  }
  throw FileError(path, "is damaged: no JSON object; restore it, or start anew with --overwrite.");
}

// A run of an earlier version lacks the options that came later: it did what their defaults do. Guidelines that are
// followed are left out of the architecture in any version.
void fill_in_defaults(ordered_json& theirs, ordered_json& ours) {
  const ordered_json architecture = options_to_json(ArchitectureOptions());
  const ordered_json options = options_to_json(TrainOptions());
  for (const auto& [key, value] : architecture.items()) {
    for (ordered_json* side : {&theirs, &ours}) {
      if (!(*side)["architecture"].contains(key)) (*side)["architecture"][key] = value;
    }
  }
  for (const auto& [key, value] : options.items()) {
    if (ours["options"].contains(key) && !theirs["options"].contains(key)) theirs["options"][key] = value;
  }
}

// Both flattened.
void refuse_differences(const std::string& path, const ordered_json& theirs, const ordered_json& ours) {
  for (const ordered_json& side : {theirs, ours}) {
    for (const auto& [key, value] : side.items()) {
      const std::string was = theirs.contains(key) ? theirs[key].dump() : "nothing";
      const std::string is = ours.contains(key) ? ours[key].dump() : "nothing";
      if (was == is || key == "/data/source") continue;  // a file of another name with the same images is the same data
      throw OptionError(path + ": the run was made with " + key.substr(1) + " = " + was + ", now it is " + is +
                        "; resume with the same options, or start anew in another folder.");
    }
  }
}

}  // namespace

RunFolder::RunFolder(const std::string& folder, const std::string& options, const Workers& workers,
                     TrainingRun::Mode mode)
    : folder_(folder), recorded_workers_(workers) {
  const std::string options_path = path(kOptionsFile);
  const bool exists = fs::exists(options_path);
  if (mode == TrainingRun::Mode::kNew && (exists || fs::exists(path(kModelFile)))) {
    throw FileError(folder, "holds a run already; use --resume to go on with it, --overwrite to start anew.");
  }
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw FileError(folder, "cannot be created: " + error.message() + ".");
  lock_ = store::File(path("lock"), O_RDWR | O_CREAT);
  if (::flock(lock_.descriptor(), LOCK_EX | LOCK_NB) != 0) {
    throw FileError(folder, "another training is writing to it; wait until it ends, or stop it.");
  }
  ordered_json ours = ordered_json::parse(options);
  if (mode == TrainingRun::Mode::kResume && exists) {
    ordered_json theirs = read_options(options_path);
    ordered_json now = ours;
    try {
      recorded_workers_ = {theirs.value("threads", workers.threads), theirs.value("processes", int64_t{1})};
      for (const char* free : {"threads", "processes"}) theirs.erase(free);
      fill_in_defaults(theirs, now);
    } catch (const ordered_json::exception&) {
      throw FileError(options_path,
                      "is damaged: a value is of another type; restore it, or start anew with --overwrite.");
    }
    refuse_differences(options_path, theirs.flatten(), now.flatten());
  }
  if (mode == TrainingRun::Mode::kOverwrite && exists) {  // what no run has written is left alone
    for (const char* name : {"checkpoints", "samples", kMetricsFile, kModelFile, kBestFile}) {
      fs::remove_all(path(name), error);
    }
    remove_event_files(folder);
  }
  for (const char* name : {"checkpoints", "samples"}) {
    fs::create_directories(path(name), error);
    if (error) throw FileError(path(name), "cannot be created: " + error.message() + ".");
  }
  if (mode == TrainingRun::Mode::kResume && exists) return;
  ours["threads"] = workers.threads;
  ours["processes"] = workers.processes;
  write_text(options_path, ours.dump(2) + "\n");
}

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

RunFolder::Checkpoint RunFolder::newest_checkpoint(TrainObserver& observer) {
  for (const int64_t step : checkpoint_steps()) {
    try {
      return {step, read_safetensors(checkpoint_path(step))};
    } catch (const FileError& e) {
      observer.on_message(std::string(e.what()) + " Going on from the checkpoint before it.");
      fs::remove(checkpoint_path(step));
    }
  }
  return {};
}

RunFolder::Checkpoint RunFolder::rewind() {
  const std::vector<int64_t> steps = checkpoint_steps();
  if (steps.empty()) return {};
  for (const int64_t step : steps) {
    if (step != steps.back()) fs::remove(checkpoint_path(step));
  }
  return {steps.back(), read_safetensors(checkpoint_path(steps.back()))};
}

int64_t RunFolder::model_step() const {
  try {
    const ordered_json training = ordered_json::parse(load_model(path(kModelFile)).training);
    return training.at("step").get<int64_t>();
  } catch (const std::exception&) {
    return -1;
  }
}

void RunFolder::write_checkpoint(int64_t step, const SafetensorsFile& file, int64_t keep) const {
  write_safetensors(checkpoint_path(step), file);
  const std::vector<int64_t> steps = checkpoint_steps();
  for (size_t i = static_cast<size_t>(keep); i < steps.size(); ++i) fs::remove(checkpoint_path(steps[i]));
}

void RunFolder::open_log(int64_t step) {
  std::ifstream file(path(kMetricsFile));
  std::string kept;
  best_score_ = -std::numeric_limits<double>::infinity();
  for (std::string line; std::getline(file, line);) {
    const ordered_json entry = ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
    const auto logged = entry.is_object() ? entry.find("step") : entry.end();
    if (logged != entry.end() && logged->is_number_integer() && *logged <= step) {
      kept += line + "\n";
      if (entry.contains(kScore)) best_score_ = std::max(best_score_, entry.value(kScore, best_score_));
    }
  }
  file.close();
  write_text(path(kMetricsFile), kept);
  events_.emplace(folder_, step);
}

void RunFolder::log(const StepReport& report) {
  ordered_json line = {{"step", report.step}};
  describe(report, [&](const char* name, double value) {
    line[name] = value;
    events_->add_scalar(report.step, name, value);
  });
  append_metrics(line.dump());
}

void RunFolder::log_measure(int64_t step, const char* name, double value) {
  append_metrics(ordered_json({{"step", step}, {name, value}}).dump());
  events_->add_scalar(step, name, value);
}

void RunFolder::log_probe(int64_t step, double score) {
  log_measure(step, kScore, score);
  if (score <= best_score_) return;
  best_score_ = score;
  const std::string partial = store::partial_path(path(kBestFile));
  fs::copy_file(path(kModelFile), partial, fs::copy_options::overwrite_existing);
  store::publish(partial, path(kBestFile));
}

void RunFolder::append_metrics(const std::string& line) const {
  std::ofstream file(path(kMetricsFile), std::ios::app);
  file << line << "\n";
  file.close();
  if (!file) throw FileError(path(kMetricsFile), "cannot be written; is the disk full? --resume goes on afterwards.");
}

void RunFolder::log_samples(int64_t step, const ImageBatch& samples, int64_t columns) {
  const std::string picture = path("samples/" + step_name(step) + ".png");
  write_png_grid(picture, samples, columns);
  std::ifstream file(picture, std::ios::binary);
  events_->add_image(step, "samples", {std::istreambuf_iterator<char>(file), {}});
}

}  // namespace dcgan::train
