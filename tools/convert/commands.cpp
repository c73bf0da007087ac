#include "tools/convert/commands.h"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "dcgan/equalise.h"
#include "dcgan/errors.h"
#include "dcgan/released_weights.h"
#include "dcgan/state_dict.h"
#include "dcgan/statistics.h"
#include "dcgan/text.h"
#include "tools/cli/shipped_files.h"
#include "tools/convert/checkpoint.h"
#include "tools/convert/model_output.h"

namespace dcgan::convert_tool {
namespace {

struct NamesOptions {
  std::string mapping;
  std::string prefix;
  double epsilon = StateDictOptions().epsilon;
  bool list = false;
};

template <class Visitor>
void describe(NamesOptions& o, Visitor&& f) {
  f(o.mapping, "mapping",
    "JSON file with an object: our name of a tensor to its name in the files (FILE:NAME where "
    "several files have it); default: the names are ours");
  f(o.prefix, "prefix",
    "what stands before all these names in the files, such as ema.; default: found, where one dictionary has them all");
  f(o.epsilon, "batch-norm-epsilon", "epsilon of the batch norm that the network was trained with; PyTorch's default");
  f(o.list, "list", "print names, types and shapes of what the files hold, and stop");
}

std::map<std::string, std::string> read_mapping(const std::string& path) {
  if (path.empty()) return {};
  std::ifstream file(path);
  if (!file) throw FileError(path, "cannot be opened; expected a JSON file with our names and those of the files.");
  const auto json = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    throw FileError(path, R"(is no JSON object; expected such as {"discriminator.conv1.weight": "main.0.weight"}.)");
  }
  std::map<std::string, std::string> mapping;
  for (const auto& [ours, theirs] : json.items()) {
    if (!theirs.is_string()) throw FileError(path, "the value of \"", ours, "\" is no text; expected a name.");
    mapping[ours] = theirs;
  }
  return mapping;
}

// @param read  what is read beside the images of the statistics: files, and folders with all that lies in them
void require_free(const ModelOutput& output, const tools::StatisticsOptions& statistics,
                  const std::vector<std::string>& read, const cli::CommandLine& line) {
  output.file.require_free();
  line.require_apart([&] {
    std::vector<std::string> files = tools::files_of(statistics);
    for (const std::string& path : read) {
      files.push_back(path);
      std::error_code no_folder;
      for (const auto& entry : std::filesystem::directory_iterator(path, no_folder)) files.push_back(entry.path());
    }
    return files;
  });
}

void print_list(const std::vector<StateDictReader>& files, bool json) {
  nlohmann::ordered_json all = nlohmann::ordered_json::object();
  for (const StateDictReader& file : files) {
    for (const auto& [name, tensor] : file.tensors()) {
      const nlohmann::json shape = tensor.shape;
      all[file.path()][name] = {{"dtype", tensor.dtype}, {"shape", shape}};
      if (!json)
        std::cout << (files.size() > 1 ? file.path() + ":" : "") << name << "  " << tensor.dtype << "  " << shape
                  << "\n";
    }
  }
  if (json) std::cout << json_text(all) << "\n";
}

}  // namespace

int released_command(cli::CommandLine& line) {
  std::string folder;
  bool partial = false;
  ModelOutput output;
  tools::StatisticsOptions statistics;
  line.about("Makes a model file of the weights that the paper's authors released.",
             "models/svhn -o svhn.safetensors --statistics-from svhn/train");
  line.without({"device"});
  line.one(folder, "DIR", "folder with the .npy arrays");
  line.add("Input", partial, "partial", "accept missing upper convolutions or a missing generator, and keep the rest");
  output.add_to(line);
  line.add("Batch-norm statistics", statistics);
  if (!line.parse()) return 0;
  if (statistics.statistics_from.empty()) {
    throw OptionError(
        "--statistics-from is missing; the released weights have no batch-norm statistics, they are inferred "
        "from images of the target domain.");
  }
  require_free(output, statistics, {folder}, line);
  write_model(read_released_weights(folder, partial), output, statistics, line.common());
  return 0;
}

int state_dict_command(cli::CommandLine& line) {
  std::vector<std::string> paths;
  NamesOptions names;
  StateDictOptions options;
  ModelOutput output;
  tools::StatisticsOptions statistics;
  line.about(
      "Makes a model file of a DCGAN trained in PyTorch: checkpoints of torch.save(), or safetensors, read without "
      "executing anything; spectral and weight norm are applied. The network must be one of this project's: no "
      "biases but batch norm's, LeakyReLU of slope 0.2, padding kernel / 2, a dense head.",
      "netD.pt netG.pt -o model.safetensors --mapping names.json --ndf 64");
  line.without({"device"});
  line.positional(paths, "FILE", "files of torch.save() (.pt, .pth, .ckpt) or safetensors", 1);
  line.add("Names", names);
  line.add("Architecture", options.architecture);
  output.add_to(line);
  line.add("Batch-norm statistics", statistics);
  if (!line.parse()) return 0;
  if (!names.list) require_free(output, statistics, {}, line);
  std::vector<StateDictReader> files;
  for (const std::string& path : paths) files.emplace_back(path);
  if (names.list) {
    print_list(files, line.common().json);
    return 0;
  }
  options.mapping = read_mapping(names.mapping);
  options.prefix = names.prefix;
  options.epsilon = names.epsilon;
  options.without_statistics = !statistics.statistics_from.empty();
  write_model(model_from_state_dicts(files, options), output, statistics, line.common());
  return 0;
}

namespace {

// With the statistics of its own training, unless other images are named.
ModelFile checkpoint_model(const std::string& path, const tools::StatisticsOptions& statistics,
                           const cli::CommandLine& line) {
  CheckpointModel checkpoint = model_of_checkpoint(path);
  if (!statistics.statistics_from.empty()) return checkpoint.model;
  const tools::StatisticsOptions& own = checkpoint.statistics;
  if (own.statistics_from.empty() || !std::filesystem::exists(own.statistics_from)) {
    throw FileError(path, "the images of its training are not ",
                    own.statistics_from.empty() ? "known" : "at " + own.statistics_from + " any more",
                    "; name them, or others, with --statistics-from.");
  }
  cli::CommonOptions common = line.common();
  common.seed = checkpoint.seed;
  infer_statistics(checkpoint.model, images_of(own, checkpoint.model, common),
                   {"training images", checkpoint.seed, common.threads});
  return checkpoint.model;
}

}  // namespace

int model_command(cli::CommandLine& line) {
  std::string file;
  ModelOutput output;
  tools::StatisticsOptions statistics;
  line.about(
      "Writes a model file anew: in float16, without the generator, with other statistics. Makes a model of a "
      "checkpoint, with statistics inferred as in its training.",
      "run/model.safetensors -o small.safetensors --storage f16 --no-generator");
  line.without({"device"});
  line.one(file, "MODEL",
           "model file (.safetensors), the name of one that ships with the project, or a run's checkpoint");
  output.add_to(line);
  line.add("Batch-norm statistics", statistics);
  if (!line.parse()) return 0;
  const std::string path = cli::model_file("MODEL", file);
  require_free(output, statistics, {path}, line);
  write_model(is_checkpoint(path) ? checkpoint_model(path, statistics, line) : load_model(path), output, statistics,
              line.common());
  return 0;
}

int equalise_command(cli::CommandLine& line) {
  std::string file;
  ModelOutput output;
  tools::StatisticsOptions statistics;
  line.about(
      "Scales a model's channels so that the features of all have the same deviation over images; what the network "
      "computes, and its batch-norm statistics, stay.",
      "run/model.safetensors -o equal.safetensors --statistics-from photos/");
  line.without({"device"});
  line.one(file, "MODEL", "model file (.safetensors), or the name of one that ships with the project");
  output.add_to(line);
  line.add("Images that the deviations are taken over", statistics);
  line.require(statistics.statistics_from, "--statistics-from", "the images that the deviations are taken over");
  if (!line.parse()) return 0;
  const std::string path = cli::model_file("MODEL", file);
  require_free(output, statistics, {path}, line);
  ModelFile model = load_model(path);
  equalise_channels(model, images_of(statistics, model, line.common()), statistics.statistics_from);
  write_model(std::move(model), output, {}, line.common());
  return 0;
}

int info_command(cli::CommandLine& line) {
  std::string file;
  line.about("Says what a model file holds.", "model.safetensors");
  line.without({"threads", "device", "seed", "progress-every"});
  line.one(file, "MODEL", "model file (.safetensors), or the name of one that ships with the project");
  if (!line.parse()) return 0;
  std::cout << model_report(cli::model_file("MODEL", file), line.common().json);
  return 0;
}

}  // namespace dcgan::convert_tool
