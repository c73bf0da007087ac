#include "tools/train/run_images.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "data/archive.h"
#include "data/lmdb_images.h"
#include "data/open_images.h"
#include "data/pack.h"
#include "dcgan/errors.h"
#include "dcgan/output_files.h"
#include "tools/cli/failure_log.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/shared/inputs_report.h"

namespace dcgan::train_tool {
namespace {

namespace fs = std::filesystem;

// Name of the data that a run was started from, without the folders that it was in.
std::string recorded_source(const fs::path& options) {
  std::ifstream file(options);
  const auto json = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
  const nlohmann::json::json_pointer source("/data/source");
  return json.is_object() && json.contains(source) && json[source].is_string() ? json[source].get<std::string>() : "";
}

// @return whether every image could be read
bool pack_folder(const std::string& folder, const std::string& packed, const TrainingRun& run,
                 const cli::CommandLine& line) {
  const cli::CommonOptions& common = line.common();
  const data::OpenedImages images = data::open_images({folder}, {}, {});
  refuse_own_input(run.folder, true, [&images] { return images.source->files(); });
  tools::log_notes(images, common);
  cli::Progress progress("image", images.source->count(), common);
  data::PackJob job;
  job.output = packed;
  job.mode = OutputMode::kOverwrite;
  job.preparation = data::resize_preparation({run.architecture.image_size});
  job.threads = common.threads;
  job.seed = cli::Resources().seed;  // nothing is drawn; what `dcgan-prepare folder` records, and with it the model
  job.command_line = line.text();
  cli::FailureLog failures;
  job.on_failure = [&](const Failure& failure) { failures.add(failure); };
  job.on_progress = [&](int64_t done, int64_t /*total*/) { progress.update(done); };
  job.should_stop = cli::interrupted;
  const data::PackResult result = data::pack_images(*images.source, job);
  if (result.stopped) throw cli::Interrupted();
  failures.finish(packed);
  std::istringstream said(tools::InputsReport{result.classes, images.passed_over, result.remarks}.text());
  for (std::string text; std::getline(said, text);) cli::log(common.quiet, text);
  return result.failures == 0;
}

}  // namespace

FreshImages::~FreshImages() {
  if (folder_.empty()) return;
  std::error_code not_there;
  for (const char* end : {"", ".partial", ".partial.journal", ".partial.head"}) fs::remove(file() + end, not_there);
}

void FreshImages::run_begins() {
  fs::rename(file(), folder_ + "/data.h5");
  folder_.clear();
}

void refuse_own_input(const std::string& folder, bool packs, const std::function<std::vector<std::string>()>& read) {
  const fs::path out = folder;
  std::vector<std::string> written;
  for (const char* name : {"options.json", "metrics.jsonl", "model.safetensors", "best.safetensors", "lock"}) {
    written.push_back(out / name);
  }
  if (packs) written.push_back(out / "data.h5");
  for (const char* name : {"samples", "checkpoints"}) {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(out / name, none)) written.push_back(entry.path());
  }
  for (const std::string& file : written) dcgan::refuse_own_input(file, read);
}

bool needs_packing(const std::string& path) {
  return fs::is_directory(path) || data::is_archive(path) || data::is_lmdb(path);
}

RunImages pack_for_run(const std::string& folder, const TrainingRun& run, const cli::CommandLine& line) {
  const fs::path out = run.folder;
  const std::string packed = out / "data.h5";
  const bool begun = fs::exists(out / "options.json");
  if (begun && run.mode == OutputMode::kCreate) {
    throw FileError(run.folder, "holds a run already; use --resume to go on with it, --overwrite to start anew.");
  }
  if (begun && run.mode == OutputMode::kResume) {
    const std::string source = recorded_source(out / "options.json");
    // A damaged options.json is refused by the training.
    if ((source.empty() || source == run.data_source) && fs::exists(packed)) return {packed, nullptr};
    throw OptionError("--data is ", folder, "; the run in ", run.folder, " was started from ", source,
                      fs::exists(packed) ? ", a folder that was packed into " + packed : ", a packed file",
                      ". Resume with the same, or start anew in another folder.");
  }
  cli::make_folder_of(packed);
  auto fresh = std::make_unique<FreshImages>(run.folder);
  const bool all_packed = pack_folder(folder, fresh->file(), run, line);
  return {fresh->file(), std::move(fresh), all_packed};
}

}  // namespace dcgan::train_tool
