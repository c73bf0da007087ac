#include "tools/train/run_images.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "dcgan/errors.h"
#include "tools/cli/shipped_files.h"

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
bool pack_folder(const std::string& folder, const std::string& packed, int64_t size, const cli::CommonOptions& common) {
  const std::string prepare = cli::program_folder() / "dcgan-prepare";
  std::vector<std::string> arguments = {prepare,
                                        "folder",
                                        folder,
                                        "-o",
                                        packed,
                                        "--size",
                                        std::to_string(size),
                                        "--overwrite",
                                        "--threads",
                                        std::to_string(common.threads)};
  if (common.quiet) arguments.push_back("--quiet");
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t child = 0;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);  // results of this program alone on stdout
  const int failure = posix_spawn(&child, prepare.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) {
    throw Error(prepare + " cannot be run; pack the folder with it and give the packed file to --data.");
  }
  int status = 0;
  waitpid(child, &status, 0);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  if (code == 130 || cli::interrupted()) throw cli::Interrupted();
  if (code != 0 && code != cli::kSomeInputsFailed) throw Error(folder + ": could not be packed; the reason is above.");
  return code == 0;
}

}  // namespace

RunImages pack_for_run(const std::string& folder, const TrainingRun& run, const cli::CommonOptions& common) {
  const fs::path out = run.folder;
  const std::string packed = out / "data.h5";
  const bool begun = fs::exists(out / "options.json");
  if (begun && run.mode == TrainingRun::Mode::kNew) {
    throw FileError(run.folder, "holds a run already; use --resume to go on with it, --overwrite to start anew.");
  }
  if (begun && run.mode == TrainingRun::Mode::kResume) {
    const std::string source = recorded_source(out / "options.json");
    // A damaged options.json is refused by the training.
    if ((source.empty() || source == run.data_source) && fs::exists(packed)) return {packed, ""};
    throw OptionError("--data is " + folder + "; the run in " + run.folder + " was started from " + source +
                      (fs::exists(packed) ? ", a folder that was packed into " + packed : ", a packed file") +
                      ". Resume with the same, or start anew in another folder.");
  }
  fs::create_directories(out);
  const std::string fresh = out / "data.new.h5";
  const bool all_packed = pack_folder(folder, fresh, run.architecture.image_size, common);
  return {fresh, packed, all_packed};
}

}  // namespace dcgan::train_tool
