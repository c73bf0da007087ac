#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "dcgan/packed_images.h"
#include "dcgan/trainer.h"
#include "tools/cli/command_line.h"
#include "tools/cli/memory.h"
#include "tools/cli/progress.h"
#include "tools/cli/shipped_files.h"
#include "tools/train/commands.h"
#include "tools/train/launcher.h"
#include "tools/train/probe.h"
#include "tools/train/run_images.h"

namespace dcgan::train_tool {
namespace {

namespace fs = std::filesystem;

struct FileOptions {
  std::string data;
  std::string out;
  std::string recipe = "imagenet32";
  std::string max_memory;
  bool resume = false;
  bool overwrite = false;
  bool dry_run = false;
  bool distributed = false;
};

template <class Visitor>
void describe(FileOptions& o, Visitor&& f) {
  f(o.data, "data", "packed images (dcgan-prepare), or a folder of images, which is packed into the run folder first");
  f(o.out, "out,o", "run folder to make");
  f(o.recipe, "recipe", "options to start from: faces64, imagenet32, lsun64, svhn32, tiny-imagenet32, or an INI file");
  f(o.max_memory, "max-memory",
    "memory of this machine for the images, such as 2G; if they need more, and a GPU has no room for them, minibatches "
    "are read from the packed file, which changes no result (default: half of what is available)");
  f(o.resume, "resume", "go on exactly where an earlier run in this folder stopped");
  f(o.overwrite, "overwrite", "start anew in a folder that holds a run");
  f(o.dry_run, "dry-run",
    "print all options as a recipe, and time and memory of a run, measured on three steps; write nothing");
  f(o.distributed, "distributed",
    "this is one of several processes that train together, as torchrun or srun say; a minibatch is divided among them");
}

class ConsoleObserver : public TrainObserver {
 public:
  ConsoleObserver(bool quiet, const RunImages& images, const Probe* probe)
      : quiet_(quiet), images_(images), probe_(probe) {}

  void on_message(const std::string& line) override { cli::log(quiet_, line); }
  void on_new_run() override {
    if (!images_.name.empty()) fs::rename(images_.file, images_.name);
  }
  void on_step(int64_t done, int64_t total) override {
    if (!progress_) progress_ = std::make_unique<cli::Progress>("step", total, quiet_);
    progress_->update(done);
  }
  std::optional<double> probe(const std::string& model_file) override {
    if (probe_ == nullptr) return std::nullopt;
    const std::optional<double> accuracy = probe_->accuracy(model_file);
    cli::log(quiet_, accuracy ? "Probe: " + std::to_string(*accuracy) + " of the held-out images are right."
                              : "warning: the probe's machine did not converge, and this checkpoint has no score; a "
                                "smaller --probe-c is easier to fit.");
    return accuracy;
  }
  bool should_stop() override { return cli::interrupted(); }

 private:
  bool quiet_;
  const RunImages& images_;
  const Probe* probe_;
  std::unique_ptr<cli::Progress> progress_;
};

// Name of a file or folder, without the folders that it is in.
std::string name_of(const std::string& path) {
  const fs::path normal = fs::absolute(path).lexically_normal();
  const std::string name = normal.has_filename() ? normal.filename() : normal.parent_path().filename();
  // JSON takes UTF-8 only; other bytes become U+FFFD.
  const auto replace = nlohmann::json::error_handler_t::replace;
  return nlohmann::json::parse(nlohmann::json(name).dump(-1, ' ', false, replace));
}

// Whether the images are loaded whole.
// @param available  bytes for this process
bool fit_in_memory(const PackedImageReader& images, const FileOptions& files, int64_t available, bool quiet) {
  const int64_t bytes = images.count() * images.info().height * images.info().width * 3;
  const int64_t most = files.max_memory.empty() ? available / 2 : cli::memory_size("max-memory", files.max_memory);
  if (bytes <= most) return true;
  cli::log(quiet, "The images are " + cli::human_bytes(static_cast<double>(bytes)) + ", more than the " +
                      cli::human_bytes(static_cast<double>(most)) +
                      " that they may take (--max-memory): they stay in " + images.path() +
                      " unless a GPU has room for them.");
  return false;
}

// All options as an INI file that --recipe reads, and what the run will take.
void print_plan(TrainingRun& training, const PackedImageReader& images) {
  const TrainingEstimate estimate = estimate_training(training, images);
  const auto print = [](auto& field, const char* flag, const char* /*help*/) {
    std::cout << flag << " = " << cli::to_text(field) << "\n";
  };
  describe(training.architecture, print);
  describe(training.options, print);
  print(training.seed, "seed", "");
  const int64_t steps = training.options.steps;
  std::cout << "# discriminator: " << estimate.discriminator_parameters << " parameters, "
            << feature_count(training.architecture) << " features\n"
            << (training.options.has_generator()
                    ? "# generator: " + std::to_string(estimate.generator_parameters) + " parameters\n"
                    : "# no generator: --adversarial 0\n")
            << "# data: " << images.count() << " images of " << images.info().width << " x " << images.info().height
            << "\n# on " << estimate.device << ": " << estimate.step_seconds << " s a step, "
            << cli::human_duration(estimate.step_seconds * static_cast<double>(steps)) << " for " << steps << " steps, "
            << cli::human_bytes(estimate.memory_bytes) << " of memory for the steps\n";
}

}  // namespace

int train_command(int argc, const char* const* argv) {
  FileOptions files;
  TrainingRun training;
  ProbeOptions probe_options;
  cli::CommonOptions common;
  cli::CommandLine line(
      "dcgan-train",
      "Trains a DCGAN on unlabelled images. dcgan-train report RUN writes the curves and samples of a "
      "run into one HTML file.",
      "dcgan-train --data imagenet32.h5 --out runs/narrow --ndf 32 --ngf 32 --steps 5000");
  line.add("Files", files);
  line.add("Architecture", training.architecture);
  line.add("Training", training.options);
  line.add("Probe", probe_options);
  line.add("Common", common);
  line.start_from(files.recipe,
                  [](const std::string& name) { return cli::shipped_file(cli::kRecipes, "--recipe", name); });
  if (!line.parse(argc, argv)) return 0;
  if (files.data.empty()) throw OptionError("--data is missing; it names a packed image file or a folder of images.");
  if (files.out.empty() && !files.dry_run) throw OptionError("--out is missing; it names the run folder to make.");
  if (files.resume && files.overwrite) throw OptionError("--resume and --overwrite exclude each other.");
  for (const char* flag : {"probe-c", "probe-images"}) {
    if (line.given(flag) && probe_options.images.empty()) {
      throw OptionError(std::string("--") + flag + " has nothing to do without --probe.");
    }
  }
  if (line.given("contrastive-layers") && training.options.contrastive == 0) {
    throw OptionError("--contrastive-layers has nothing to do without --contrastive.");
  }
  if (files.dry_run && files.distributed) throw OptionError("--dry-run measures one process; leave --distributed out.");
  check(training.architecture);
  check(training.options);

  training.folder = files.out;
  training.seed = common.seed;
  const bool shared = files.distributed && common.threads == 0;
  common.threads = cli::resolve_threads(common.threads);
  if (shared) common.threads = threads_here(std::getenv, common.threads);
  training.threads = common.threads;
  training.device = common.device;
  if (files.distributed) training.processes = processes_from(std::getenv);
  common.quiet |= training.processes.rank > 0;  // the first one speaks for all
  training.data_source = name_of(files.data);
  training.mode = files.resume      ? TrainingRun::Mode::kResume
                  : files.overwrite ? TrainingRun::Mode::kOverwrite
                                    : TrainingRun::Mode::kNew;

  RunImages packed = {files.data, ""};
  if (fs::is_directory(files.data)) {
    if (files.dry_run || files.distributed) {
      throw OptionError(std::string(files.dry_run ? "--dry-run" : "--distributed") +
                        " needs packed images in --data; dcgan-prepare folder packs " + files.data + ".");
    }
    packed = pack_for_run(files.data, training, common);
  }
  const PackedImageReader images(packed.file);
  // The processes of a training on this machine share its memory.
  training.available_memory = cli::available_memory() / (files.distributed ? processes_here(std::getenv) : 1);
  training.images_in_memory = fit_in_memory(images, files, training.available_memory, common.quiet);
  if (files.dry_run) {
    print_plan(training, images);
    return 0;
  }
  std::optional<Probe> probe;
  // In every process, so that all end where it is refused, and none waits for the others.
  if (!probe_options.images.empty()) probe.emplace(probe_options, training.architecture.image_size, common);
  ConsoleObserver observer(common.quiet, packed, probe ? &*probe : nullptr);
  const int64_t done = run_training(training, images, observer);
  const bool first = training.processes.rank == 0;
  const std::string model = files.out + "/model.safetensors";
  if (first && common.json) {
    std::cout << nlohmann::ordered_json({{"steps", done}, {"model", model}}).dump() << "\n";
  } else if (first) {
    std::cout << model << ": " << done << " of " << training.options.steps << " steps\n";
  }
  if (done < training.options.steps) throw cli::Interrupted();
  return packed.all_packed ? 0 : cli::kSomeInputsFailed;
}

}  // namespace dcgan::train_tool
