#include "tools/eval/supervised_trials.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "dcgan/errors.h"
#include "dcgan/options.h"
#include "dcgan/output_files.h"
#include "dcgan/seeds.h"
#include "dcgan/train_library.h"
#include "tools/cli/options_json.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"

namespace dcgan::eval_tool {
namespace {

using nlohmann::ordered_json;

constexpr const char* kTrialBegins = "{\"trial\":";

// The finished trials of a file. A last line without its end is of a run that was killed while it wrote; it is dropped.
std::vector<ordered_json> read_trials(const std::string& path, const ordered_json& setting) {
  std::vector<ordered_json> trials;
  output_target(path);  // refuses what is no file
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  const std::string text = content.str();
  const size_t whole = text.rfind('\n') + 1;  // npos + 1 is 0
  content.str(text.substr(0, whole));
  for (std::string line; std::getline(content, line);) {
    const ordered_json trial = ordered_json::parse(line, nullptr, false);
    const std::string number = std::to_string(trials.size() + 1);
    if (!trial.is_object() || !trial.contains("validation_error") || !trial["validation_error"].is_number() ||
        !trial.value("options", ordered_json()).is_object()) {
      throw FileError(path, "line ", number, " is no trial; name another --trials-file.");
    }
    if (trial.value("trial", ordered_json()) != trials.size() || trial.value("setting", ordered_json()) != setting) {
      throw FileError(path, "line ", number,
                      " was made with other data or options: ", trial.value("setting", ordered_json()).dump(),
                      ", expected ", setting.dump(), "; name another --trials-file.");
    }
    trials.push_back(trial);
  }
  const std::string rest = text.substr(whole);
  const std::string begins = kTrialBegins;
  if (rest.compare(0, begins.size(), begins, 0, rest.size()) != 0) {
    throw FileError(path, "ends with a line that is no trial; name another --trials-file.");
  }
  if (!rest.empty()) std::filesystem::resize_file(path, whole);
  return trials;
}

std::string summary(const ordered_json& trial) {
  std::string text;
  for (const auto& [name, value] : trial["options"].items())
    text += (text.empty() ? "" : ", ") + name + " " + value.dump();
  return text;
}

}  // namespace

void check(const TrialOptions& options) {
  require_option(options.trials >= 0, "trials", options.trials, "0 or more");
  require_option(options.epochs >= 1, "trials-epochs", options.epochs, "positive");
  require_option(options.patience >= 1, "trials-patience", options.patience, "positive");
  if (options.trials > 0 && options.file.empty()) {
    throw OptionError("--trials-file is missing; it names the file that finished trials are kept in.");
  }
  published_architecture(options.architecture);
}

eval::MeasuredRow supervised_row(const TrialOptions& options, const eval::DrawOptions& draws,
                                 const LoadedImages& training, const cli::CommonOptions& resources) {
  const eval::FeatureMatrix no_features(0, 1);  // rows are drawn by their labels
  const eval::LabelledFeatures labels{no_features, training.batch.labels, training.batch.paths, training.groups,
                                      training.classes};
  const eval::DrawnRows drawn = draw_rows(labels, draws, resources.seed);
  eval::ProtocolResult result;
  result.training_rows = static_cast<int64_t>(drawn.rows.training.size());
  result.pool_rows = drawn.pool_rows;
  result.validation_rows = static_cast<int64_t>(drawn.rows.validation.size());
  result.training_hash = split_hash(labels, drawn.rows.training);
  result.validation_hash = split_hash(labels, drawn.rows.validation);
  result.notes = drawn.notes;

  SupervisedRun run;
  run.architecture = published_architecture(options.architecture);
  run.architecture.image_size = training.batch.height;
  run.threads = resources.threads;
  run.device = resources.device;
  SupervisedOptions base;
  base.epochs = options.epochs;
  base.patience = options.patience;
  const ordered_json setting = {
      {"architecture", options.architecture}, {"seed", resources.seed}, {"training", result.training_hash},
      {"validation", result.validation_hash}, {"epochs", base.epochs},  {"patience", base.patience}};
  const TrainLibrary& library = train_library("the supervised CNN");
  std::vector<ordered_json> trials = read_trials(options.file, setting);
  const LoadedImages train = training.at(drawn.rows.training), validation = training.at(drawn.rows.validation);
  const auto classes = static_cast<int64_t>(training.classes.size());
  while (static_cast<int64_t>(trials.size()) < options.trials) {
    const auto number = static_cast<uint64_t>(trials.size());
    run.seed = derive_seed(resources.seed, "supervised trial", number);
    run.options = draw_supervised(base, run.architecture, derive_seed(run.seed, "options"));
    const std::string name = text_of("trial ", number + 1, " of ", options.trials);
    cli::Progress progress(name, run.options.epochs, resources);
    run.on_epoch = [&](const SupervisedEpoch& epoch) {
      cli::stop_if_interrupted();
      progress.update(epoch.epoch);
    };
    const SupervisedEpoch best = library.train_supervised(run, train.batch, validation.batch, classes);
    ordered_json drawn_options;
    cli::to_json(run.options, drawn_options);
    const ordered_json trial = {{"trial", number},
                                {"seed", run.seed},
                                {"setting", setting},
                                {"options", drawn_options},
                                {"validation_error", best.validation_error},
                                {"epoch", best.epoch},
                                {"training_loss", best.training_loss}};
    std::ofstream file(options.file, std::ios::app);
    file << trial << "\n" << std::flush;
    if (!file) throw FileError(options.file, "cannot be written: ", std::strerror(errno), ".");
    trials.push_back(trial);
    cli::log(resources.quiet, text_of("  ", name, ": validation error ", trial["validation_error"].dump(),
                                      " after epoch ", best.epoch, " (", summary(trial), ")"));
  }
  trials.resize(options.trials);
  const auto error = [](const ordered_json& trial) { return trial["validation_error"].get<double>(); };
  const ordered_json& best = *std::min_element(trials.begin(), trials.end(),
                                               [&](const auto& a, const auto& b) { return error(a) < error(b); });
  result.accuracy = eval::spread_of({1 - error(best)});
  result.notes.push_back("best trial: " + summary(best) + ", epoch " + best.value("epoch", ordered_json()).dump());
  eval::MeasuredRow row;
  row.model = "supervised CNN, " + options.architecture;
  row.notes = {text_of("validation error of the best of ", options.trials, " random trials, not a test error")};
  row.results = {result};
  return row;
}

}  // namespace dcgan::eval_tool
