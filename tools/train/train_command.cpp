#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "dcgan/errors.h"
#include "dcgan/output_files.h"
#include "dcgan/packed_images.h"
#include "dcgan/trainer.h"
#include "tools/cli/memory.h"
#include "tools/cli/options_json.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/cli/shipped_files.h"
#include "tools/shared/network_option.h"
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
  bool dry_run = false;
  bool distributed = false;
};

template <class Visitor>
void describe(FileOptions& o, Visitor&& f) {
  f(o.data, "data",
    "packed images (dcgan-prepare), or a folder or .tar archive of images, which is packed into the run folder first");
  f(o.out, "out,o", "run folder to make");
  f(o.recipe, "recipe",
    "options to start from: faces64, grey28, imagenet32, lsun64, pytorch64, pytorch128, svhn32, tiny-imagenet32, "
    "tiny-imagenet32-contrastive, or an INI file");
  f(o.max_memory, "max-memory",
    "memory of this machine for the images, such as 2G; if they need more, and a GPU has no room for them, minibatches "
    "are read from the packed file, which changes no result (default: half of what is available)");
  f(o.dry_run, "dry-run",
    "print all options as a recipe, and time and memory of a run, measured on three steps; write nothing");
  f(o.distributed, "distributed",
    "this is one of several processes that train together, as torchrun or srun say; a minibatch is divided among them");
}

// What a training tells, for a terminal and a log.
/// @param go_on  called before the first step
TrainObserver console_observer(const cli::CommonOptions& common, std::function<void()> go_on) {
  TrainObserver observer;
  const auto progress = std::make_shared<std::optional<cli::Progress>>();
  observer.on_message = [&common](const std::string& line) { cli::log(common.quiet, line); };
  observer.on_step = [&common, progress, go_on = std::move(go_on)](int64_t done, int64_t total) {
    if (!*progress) {
      go_on();
      progress->emplace("step", total, common);
    }
    (*progress)->update(done);
  };
  observer.on_report = [progress](const StepReport& report) {
    std::ostringstream losses;
    losses << std::setprecision(3);
    const char* between = "";
    if (report.has_generator) {
      losses << "losses " << report.discriminator_loss << " and " << report.generator_loss << ", D(x) "
             << report.real_probability << ", D(G(z)) " << report.fake_probability;
      between = "; ";
    }
    if (report.contrastive) {
      losses << between << "contrastive loss " << report.contrastive_loss << ", partner found " << report.partner_found;
      between = "; ";
    }
    if (report.rotation)
      losses << between << "rotation loss " << report.rotation_loss << ", turn found " << report.turn_found;
    if (*progress) (*progress)->note(losses.str());
  };
  observer.should_stop = cli::interrupted;
  return observer;
}

// A line every so often, in each process that knows who is missing.
std::function<void(const std::string&)> waiting_observer(bool quiet) {
  using Clock = std::chrono::steady_clock;
  return [quiet, last = Clock::now()](const std::string& missing) mutable {
    constexpr std::chrono::seconds kEvery{10};
    cli::stop_if_interrupted();
    if (missing.empty() || Clock::now() - last < kEvery) return;
    last = Clock::now();
    cli::log(quiet, "Waiting for " + missing + " to come; Ctrl-C ends it.");
  };
}

std::optional<double> tell_score(std::optional<double> accuracy, bool quiet) {
  cli::log(quiet, accuracy ? text_of("Probe: ", *accuracy, " of the held-out images are right.")
                           : "warning: the probe's machine did not converge, and this checkpoint has no score; a "
                             "smaller --probe-c is easier to fit.");
  return accuracy;
}

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
  cli::log(quiet, "The images are " + cli::human_bytes(bytes) + ", more than the " + cli::human_bytes(most) +
                      " that they may take (--max-memory): they stay in " + images.path() +
                      " unless a GPU has room for them.");
  return false;
}

// All options as an INI file that --recipe reads, and what the run will take.
void print_plan(TrainingRun& training, const PackedImageReader& images, const cli::CommonOptions& common) {
  const TrainingEstimate estimate = estimate_training(training, images);
  std::ostringstream text;
  const auto print = [&text](auto& field, const char* flag, const char* /*help*/) {
    text << flag << " = " << cli::to_text(field) << "\n";
  };
  describe(training.architecture, print);
  describe(training.options, print);
  print(training.seed, "seed", "");
  nlohmann::ordered_json options;
  cli::to_json(training.architecture, options);
  cli::to_json(training.options, options);
  options["seed"] = training.seed;
  const int64_t steps = training.options.steps;
  const double seconds = estimate.step_seconds * static_cast<double>(steps);
  text << "# discriminator: " << estimate.discriminator_parameters << " parameters, "
       << feature_count(training.architecture) << " features\n"
       << (training.options.has_generator() ? text_of("# generator: ", estimate.generator_parameters, " parameters\n")
                                            : "# no generator: --adversarial 0\n")
       << "# data: " << images.count() << " images of " << images.info().width << " x " << images.info().height
       << "\n# on " << estimate.device << ": " << estimate.step_seconds << " s a step, " << cli::human_duration(seconds)
       << " for " << steps << " steps, " << cli::human_bytes(estimate.memory_bytes) << " of memory for the steps\n";
  cli::print_result(common,
                    {{"options", options},
                     {"discriminator_parameters", estimate.discriminator_parameters},
                     {"generator_parameters", estimate.generator_parameters},
                     {"features", feature_count(training.architecture)},
                     {"images", images.count()},
                     {"device", estimate.device},
                     {"step_seconds", estimate.step_seconds},
                     {"seconds", seconds},
                     {"memory_bytes", estimate.memory_bytes}},
                    text.str());
}

struct TrainArguments {
  FileOptions files;
  cli::Output out;
  TrainingRun training;
  ProbeOptions probe;
  cli::CommonOptions common;
};

// What a run was asked for, for --resume, which takes from it what the command line leaves out. It has paths of this
// machine in it and never enters a model.
std::string call_file(const TrainArguments& arguments) { return arguments.files.out + "/resume.json"; }

// A file or folder for whoever starts the program elsewhere.
std::string absolute(const std::string& path) {
  return path.empty() || !fs::exists(path) ? path : fs::absolute(path).lexically_normal().string();
}

void record_call(TrainArguments arguments, const cli::CommandLine& line) {
  auto& [files, out, training, probe, common] = arguments;
  training.options.initialise = absolute(training.options.initialise);
  probe.images = absolute(probe.images);
  nlohmann::ordered_json json = {{"data", absolute(files.data)}};
  if (!files.max_memory.empty()) json["max-memory"] = files.max_memory;
  cli::to_json(probe, json);
  cli::to_json(training.architecture, json);
  cli::to_json(training.options, json);
  json["seed"] = common.seed;
  if (!line.all_cores()) json["threads"] = common.threads;
  if (line.given("device")) json["device"] = common.device;
  try {
    write_text_file(call_file(arguments), json.dump(2) + "\n");
  } catch (const nlohmann::json::type_error&) {  // a path that is no UTF-8: --resume then asks for it
  }
}

// Of a run that is resumed what the command line leaves out.
void take_recorded(const cli::CommandLine& line, TrainArguments& arguments) {
  const std::string path = call_file(arguments);
  if (!arguments.out.resume || !fs::exists(path)) return;
  std::ifstream file(path);
  auto json = nlohmann::ordered_json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    throw FileError(path, "is damaged: no JSON object; remove it, and give --data and all options.");
  const auto recorded = json;
  for (const auto& [flag, value] : recorded.items()) {
    // A recipe stands for all options of architecture and training.
    const bool of_recipe = line.given("recipe") && flag.compare(0, 5, "probe") != 0 && flag != "data";
    if (line.given(flag) || of_recipe) json.erase(flag);
  }
  try {
    cli::from_json(json, arguments.files);
    cli::from_json(json, arguments.probe);
    cli::from_json(json, arguments.training.architecture);
    cli::from_json(json, arguments.training.options);
    cli::from_json(json, arguments.common);
  } catch (const Error& error) {
    throw FileError(path, "is damaged: ", error.what());
  }
  const std::string& start = arguments.training.options.initialise;
  const bool from_file = start != TrainOptions::kRandomStart && start != TrainOptions::kPatchesStart;
  const bool packed = fs::exists(arguments.files.out + "/data.h5");
  for (const auto& [flag, value] :
       {std::pair("data", packed ? "" : arguments.files.data), std::pair("probe", arguments.probe.images),
        std::pair("initialise", from_file ? start : "")}) {
    if (!json.contains(flag) || value.empty() || fs::exists(value)) continue;
    throw OptionError(path, ": the run was made with --", flag, " ", value,
                      ", which is not there any more; say with --", flag, " where it lies now.");
  }
}

// @return false if --help or --version was asked for and printed
bool parse(cli::CommandLine& line, TrainArguments& arguments) {
  auto& [files, out, training, probe, common] = arguments;
  line.about("Trains a DCGAN on unlabelled images.",
             "--data imagenet32.h5 --out runs/narrow --ndf 32 --ngf 32 --steps 5000");
  line.add("Files", files);
  line.add("Files", out.resume, "resume", "go on exactly where an earlier run in this folder stopped");
  line.add("Files", out.overwrite, "overwrite", "start anew in a folder that holds a run");
  line.add("Architecture", training.architecture);
  line.add("Training", training.options);
  line.add("Probe", probe);
  line.start_from(files.recipe,
                  [](const std::string& name) { return cli::shipped_file(cli::kRecipes, "--recipe", name); });
  if (!line.parse()) return false;
  common = line.common();
  take_recorded(line, arguments);
  tools::read_networks(training.architecture);
  if (files.data.empty()) throw OptionError("--data is missing; it names a packed image file or a folder of images.");
  if (files.out.empty() && !files.dry_run) throw OptionError("--out is missing; it names the run folder to make.");
  training.mode = out.mode();
  for (const char* flag : {"probe-c", "probe-images"}) {
    if (line.given(flag) && probe.images.empty()) {
      throw OptionError("--", flag, " has nothing to do without --probe.");
    }
  }
  if (line.given("contrastive-layers") && training.options.contrastive == 0) {
    throw OptionError("--contrastive-layers has nothing to do without --contrastive.");
  }
  if (files.dry_run && files.distributed) throw OptionError("--dry-run measures one process; leave --distributed out.");
  check(training.architecture);
  check(training.options);
  if (files.distributed) {
    training.processes = processes_from(std::getenv);
    if (line.all_cores()) common.threads = threads_here(std::getenv, common.threads);
    common.quiet |= training.processes.rank > 0;  // the first one speaks for all
  }
  training.folder = files.out;
  training.seed = common.seed;
  training.threads = common.threads;
  training.device = common.device;
  training.data_source = name_of(files.data);
  return true;
}

RunImages run_images(const TrainArguments& arguments, const cli::CommandLine& line) {
  const FileOptions& files = arguments.files;
  const std::string packed_before = files.out + "/data.h5";
  if (arguments.out.resume && !fs::exists(files.data) && fs::exists(packed_before)) return {packed_before, nullptr};
  if (!needs_packing(files.data)) return {files.data, nullptr};
  if (files.dry_run || files.distributed) {
    throw OptionError(std::string(files.dry_run ? "--dry-run" : "--distributed"),
                      " needs packed images in --data; dcgan-prepare folder packs ", files.data, ".");
  }
  return pack_for_run(files.data, arguments.training, line);
}

}  // namespace

int train_command(cli::CommandLine& line) {
  TrainArguments arguments;
  if (!parse(line, arguments)) return 0;
  auto& [files, out, training, probe_options, common] = arguments;
  if (training.mode != OutputMode::kResume && !files.dry_run) {
    refuse_own_input(files.out, needs_packing(files.data), [&line] { return line.named(); });
  }
  const RunImages packed = run_images(arguments, line);
  const PackedImageReader images(packed.file);
  // The processes of a training on this machine share its memory.
  training.available_memory = cli::available_memory() / (files.distributed ? processes_here(std::getenv) : 1);
  training.images_in_memory = fit_in_memory(images, files, training.available_memory, common.quiet);
  if (files.dry_run) {
    print_plan(training, images, common);
    return 0;
  }
  TrainObserver observer = console_observer(common, [&] {
    if (arguments.training.processes.rank == 0) record_call(arguments, line);
  });
  observer.on_new_run = [&] {
    if (packed.fresh) packed.fresh->run_begins();
    record_call(arguments, line);
  };
  observer.on_waiting = waiting_observer(line.common().quiet);  // not only in the process that speaks for all
  // In every process, so that all end where it is refused, and none waits for the others.
  std::optional<Probe> probe;
  if (!probe_options.images.empty()) {
    probe.emplace(probe_options, training.architecture.image_size, common);
    observer.probe = [&probe, quiet = common.quiet](const std::string& model) {
      return tell_score(probe->accuracy(model), quiet);
    };
  }
  const int64_t done = run_training(training, images, observer);
  const int64_t asked = training.options.steps;
  if (training.processes.rank == 0 && (done > 0 || asked == 0)) {
    const std::string model = files.out + "/model.safetensors";
    cli::print_result(common, {{"steps", done}, {"asked", asked}, {"model", model}},
                      text_of(model, ": ", done,
                              done > asked ? text_of(" steps were done before, more than --steps ", asked,
                                                     " asks for; nothing was left to do\n")
                                           : text_of(" of ", asked, " steps\n")));
  }
  if (done < asked) throw cli::Interrupted(done, asked, "steps");
  return packed.all_packed ? 0 : cli::kSomeInputsFailed;
}

}  // namespace dcgan::train_tool
