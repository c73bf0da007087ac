#include "train/run_folder.h"

#include <fcntl.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/options_json.h"
#include "dcgan/errors.h"
#include "dcgan/model_file.h"
#include "dcgan/output_files.h"
#include "dcgan/png_file.h"
#include "dcgan/text.h"
#include "models/generator_statistics.h"
#include "train/run_identity.h"

namespace dcgan::train {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* kOptionsFile = "options.json";
constexpr const char* kMetricsFile = "metrics.jsonl";
constexpr const char* kBestFile = "best.safetensors";

std::string step_name(int64_t step) {
  char text[32];
  std::snprintf(text, sizeof text, "step-%08lld", static_cast<long long>(step));
  return text;
}

ordered_json read_options(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    throw FileError(path,
                    "cannot be opened, though other files of a run are there; restore it, or start anew with "
                    "--overwrite.");
  }
  try {
    ordered_json options = ordered_json::parse(file);
    if (options.is_object()) return options;
  } catch (const ordered_json::exception&) {
  }
  throw FileError(path, "is damaged: no JSON object; restore it, or start anew with --overwrite.");
}

void make_folder(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) return;
  const bool is_file = error == std::errc::not_a_directory || error == std::errc::file_exists;
  throw FileError(folder, is_file ? "is no folder, or lies in a file; name another one."
                                  : "cannot be made: " + error.message() + "; name another folder.");
}

// A run of an earlier version lacks the options that came later: it did what their defaults do. Guidelines that are
// followed are left out of the architecture in any version. What a run of an earlier version has recorded, and is free
// today, says nothing.
void fill_in_defaults(ordered_json& theirs, ordered_json& ours) {
  const ordered_json architecture = options_to_json(ArchitectureOptions());
  const ordered_json options = options_to_json(TrainOptions());
  for (const auto& [key, value] : architecture.items()) {
    for (ordered_json* side : {&theirs, &ours}) {
      if (!(*side)["architecture"].contains(key)) (*side)["architecture"][key] = value;
    }
  }
  for (const char* key : kRecordedUnlessDefault) {
    for (ordered_json* side : {&theirs, &ours}) {
      if (!(*side)["options"].contains(key)) (*side)["options"][key] = options[key];
    }
  }
  for (const auto& [key, value] : options.items()) {
    if (!ours["options"].contains(key)) {
      theirs["options"].erase(key);
    } else if (!theirs["options"].contains(key)) {
      theirs["options"][key] = value;
    }
  }
}

// The step from which on the learning rate falls.
int64_t decay_begin(const ordered_json& options) {
  const int64_t decay = options.value("decay-steps", int64_t{0});
  return decay == 0 ? std::numeric_limits<int64_t>::max() : options["steps"].get<int64_t>() - decay;
}

// A decay may be decided, or changed, as long as no step that is done belongs to it: such steps are the same without.
// @return whether ours is another one than theirs; theirs is then ours
bool takes_later_decay(ordered_json& theirs, const ordered_json& ours, int64_t step) {
  if (ours.value("decay-steps", int64_t{0}) == 0 || decay_begin(theirs) < step) return false;
  if (decay_begin(ours) < step) {
    throw OptionError("--decay-steps is ", ours["decay-steps"].dump(), " of --steps ", ours["steps"].dump(),
                      ": the learning rate would have begun to fall at step ", decay_begin(ours),
                      ", and the newest checkpoint is of step ", step, "; take more --steps.");
  }
  bool changed = false;
  for (const char* key : {"decay-steps", "decay-shape", "steps"}) {
    changed |= !theirs.contains(key) || theirs[key] != ours[key];
    theirs[key] = ours[key];
  }
  return changed;
}

// Both flattened.
void refuse_differences(const std::string& path, const ordered_json& theirs, const ordered_json& ours) {
  const auto text = [](const ordered_json& side, const std::string& key) {
    if (!side.contains(key)) return std::string("nothing");
    return side[key].is_string() ? side[key].get<std::string>() : side[key].dump();
  };
  const auto data_set = [&](const ordered_json& side) {
    return text(side, "/data/source") + " (" + text(side, "/data/images") + " images)";
  };
  for (const ordered_json& side : {theirs, ours}) {
    for (const auto& [key, value] : side.items()) {
      const std::string was = text(theirs, key), is = text(ours, key);
      if (was == is || key == "/data/source") continue;  // a file of another name with the same images is the same data
      const std::string name = key.substr(key.rfind('/') + 1);
      throw OptionError(path, ": the run was made with ",
                        key.compare(0, 6, "/data/") == 0
                            ? "other images: " + data_set(theirs) + ", now " + data_set(ours) + ", another " + name
                            : "--" + name + " " + was + ", now it is " + is,
                        "; resume with the same, or start anew in another folder.");
    }
  }
}

// A value of a model's record of its training; `otherwise` where the file, or the value, cannot be read.
template <class T>
T recorded(const std::string& model, const char* name, T otherwise) {
  try {
    return ordered_json::parse(load_model(model).training).at(name).get<T>();
  } catch (const std::exception&) {
    return otherwise;
  }
}

}  // namespace

RunFolder::RunFolder(const std::string& folder, const std::string& options, const Workers& workers, OutputMode mode)
    : folder_(folder), mode_(mode), recorded_workers_(workers) {
  const std::string options_path = path(kOptionsFile);
  holds_run_ = fs::exists(options_path) || fs::exists(model_path()) || !checkpoint_steps().empty();
  if (mode == OutputMode::kCreate && holds_run_) {
    throw FileError(folder, "holds a run already; use --resume to go on with it, --overwrite to start anew.");
  }
  make_folder(folder);
  lock_ = base::File(path("lock"), O_RDWR | O_CREAT);
  base::lock(lock_, folder, "another training is writing to it; wait until it ends, or stop it.");
  ordered_json ours = ordered_json::parse(options);
  if (mode == OutputMode::kResume && holds_run_) {
    const ordered_json recorded = read_options(options_path);
    ordered_json theirs = recorded;
    bool decays_anew = false;
    const ordered_json record = ours;
    const std::vector<int64_t> steps = checkpoint_steps();
    try {
      recorded_workers_ = {theirs.value("threads", workers.threads), theirs.value("processes", int64_t{1})};
      for (const char* free : {"threads", "processes"}) theirs.erase(free);
      fill_in_defaults(theirs, ours);
      decays_anew = takes_later_decay(theirs["options"], ours["options"], steps.empty() ? 0 : steps.front());
    } catch (const ordered_json::exception&) {
      throw FileError(options_path,
                      "is damaged: a value is of another type; restore it, or start anew with --overwrite.");
    }
    refuse_differences(options_path, theirs.flatten(), ours.flatten());
    if (!decays_anew) return;
    ordered_json anew = recorded;
    anew["options"] = record["options"];
    options_ = json_text(anew, 2) + "\n";
    return;
  }
  ours["threads"] = workers.threads;
  ours["processes"] = workers.processes;
  options_ = json_text(ours, 2) + "\n";
}

RunFolder::~RunFolder() {
  if (begun_ || holds_run_) return;
  std::error_code not_empty;
  fs::remove(path("lock"), not_empty);
  fs::remove(folder_, not_empty);
}

void RunFolder::begin(const TrainObserver& observer) {
  begun_ = true;
  if (mode_ == OutputMode::kOverwrite && holds_run_) {  // what no run has written is left alone
    fs::remove(path(kOptionsFile));  // first: what is removed by half is no run that could be resumed
    for (const int64_t step : checkpoint_steps()) fs::remove(checkpoint_path(step));
    store::remove_event_files(folder_);
    // Last the model: as long as it is there, the rest is taken for a run's.
    for (const char* name : {"samples", kMetricsFile, kBestFile}) fs::remove_all(path(name));
    fs::remove(model_path());
  }
  for (const char* name : {"checkpoints", "samples"}) make_folder(path(name));
  if (options_.empty()) return;
  if (mode_ != OutputMode::kResume || !holds_run_) observer.on_new_run();
  write_text_file(path(kOptionsFile), options_);
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

RunFolder::Checkpoint RunFolder::first_sound(const std::vector<int64_t>& steps, const TrainObserver& observer) const {
  std::vector<std::pair<std::string, std::string>> damaged;  // file, what is wrong
  for (const int64_t step : steps) {
    const std::string file = checkpoint_path(step);
    base::File(file, O_RDONLY);  // one that cannot be opened (rights, a network's disk) is not damaged: an error
    try {
      Checkpoint checkpoint = {step, read_safetensors(file)};
      for (const auto& [bad, reason] : damaged) {
        fs::rename(bad, bad + ".damaged");
        observer.on_message(reason + " It is set aside as " + bad + ".damaged.");
      }
      return checkpoint;
    } catch (const FileError& e) {
      damaged.emplace_back(file, e.what());
    }
  }
  return {};
}

RunFolder::Checkpoint RunFolder::newest_checkpoint(const TrainObserver& observer) {
  const std::vector<int64_t> steps = checkpoint_steps();
  Checkpoint newest = first_sound(steps, observer);
  if (newest.step >= 0 || steps.empty()) return newest;
  throw FileError(path("checkpoints"),
                  "holds no checkpoint that can be read; restore one, or start anew with --overwrite.");
}

RunFolder::Checkpoint RunFolder::oldest_checkpoint(const TrainObserver& observer) {
  const std::vector<int64_t> steps = checkpoint_steps();
  return first_sound({steps.rbegin(), steps.rend()}, observer);
}

RunFolder::ModelRecord RunFolder::model_record() const {
  try {
    const ModelFile model = load_model(model_path());
    const auto training = ordered_json::parse(model.training);
    return {training.value("step", int64_t{-1}), training.value("rewinds", int64_t{0}),
            !models::lacks_generator_statistics(model)};
  } catch (const std::exception&) {
    return {};
  }
}

void RunFolder::write_checkpoint(int64_t step, const SafetensorsFile& file) const {
  write_safetensors(checkpoint_path(step), file);
}

void RunFolder::keep_newest(int64_t keep) const {
  const std::vector<int64_t> steps = checkpoint_steps();
  for (size_t i = keep; i < steps.size(); ++i) fs::remove(checkpoint_path(steps[i]));
}

void RunFolder::drop_checkpoints_after(int64_t step) const {
  std::vector<int64_t> steps = checkpoint_steps();
  std::reverse(steps.begin(), steps.end());
  for (const int64_t later : steps) {
    if (later > step) fs::remove(checkpoint_path(later));
  }
}

void RunFolder::open_log(int64_t step) {
  const std::string metrics = path(kMetricsFile);
  std::ifstream file(metrics);
  if (!file && fs::exists(metrics)) throw FileError(metrics, "cannot be opened.");
  std::string kept;
  last_measures_.clear();
  double highest_score = -std::numeric_limits<double>::infinity();
  for (std::string line; std::getline(file, line);) {
    const ordered_json entry = ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
    const auto logged = entry.is_object() ? entry.find("step") : entry.end();
    if (logged == entry.end() || !logged->is_number_integer() || *logged > step) continue;
    kept += line + "\n";
    for (const auto& [name, value] : entry.items()) last_measures_[name] = *logged;
    const auto score = entry.find(kProbeScore);
    if (score != entry.end() && score->is_number()) highest_score = std::max<double>(highest_score, *score);
  }
  file.close();
  const std::string best = path(kBestFile);
  // An earlier version left the score in the log alone.
  best_score_ =
      fs::exists(best) ? recorded(best, kProbeScore, highest_score) : -std::numeric_limits<double>::infinity();
  write_text_file(metrics, kept);
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
  last_measures_[name] = step;
}

bool RunFolder::has_measure(int64_t step, const std::string& name) const {
  const auto last = last_measures_.find(name);
  return last != last_measures_.end() && last->second == step;
}

void RunFolder::log_probe(int64_t step, double score) {
  if (score > best_score_) {
    ModelFile model = load_model(model_path());
    ordered_json training = ordered_json::parse(model.training);
    training[kProbeScore] = score;
    model.training = training.dump();
    save_model(path(kBestFile), model);
    best_score_ = score;
  }
  log_measure(step, kProbeScore, score);
}

void RunFolder::log_alarm(int64_t step, const std::string& alarm) {
  append_metrics(ordered_json({{"step", step}, {"alarm", alarm}}).dump());
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
