#include "tools/convert/commands.h"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "dcgan/equalise.h"
#include "dcgan/errors.h"
#include "dcgan/keras_file.h"
#include "dcgan/keras_network.h"
#include "dcgan/network_import.h"
#include "dcgan/packed_images.h"
#include "dcgan/released_weights.h"
#include "dcgan/state_dict.h"
#include "dcgan/statistics.h"
#include "dcgan/text.h"
#include "tools/cli/shipped_files.h"
#include "tools/convert/checkpoint.h"
#include "tools/convert/keras_archive.h"
#include "tools/convert/model_output.h"
#include "tools/shared/network_option.h"

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
    "several files have it); default: the names are ours, or the network is found by names, shapes and order");
  f(o.prefix, "prefix",
    "what stands before all these names in the files, such as ema.; default: found, where one dictionary has them all");
  f(o.epsilon, "batch-norm-epsilon", "epsilon of the batch norm that the network was trained with; PyTorch's default");
  f(o.list, "list", "print names, types and shapes of what the files hold and the network that they are, and stop");
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

namespace {

// Options and names that only the published family has.
bool is_of_the_family(const cli::CommandLine& line, const std::vector<StateDictReader>& files) {
  for (const char* flag : {"mapping", "kernel", "convs-per-scale", "ndf", "ngf", "scaling", "batch-norm",
                           "hidden-dense", "head", "activation"}) {
    if (line.given(flag)) return true;
  }
  for (const StateDictReader& file : files) {
    for (const auto& [name, tensor] : file.tensors()) {
      if (name.find("discriminator.conv1.weight") != std::string::npos) return true;
    }
  }
  return false;
}

NetworkFacts facts_of(const StateDictOptions& options, const NamesOptions& names, const cli::CommandLine& line) {
  NetworkFacts facts;
  facts.architecture = options.architecture;
  facts.prefix = names.prefix;
  facts.image_size_known =
      line.given("image-size") || facts.architecture.image_size != ArchitectureOptions().image_size;
  InputOptions unsaid;
  unsaid.channels = facts.architecture.input.channels;
  facts.input_known =
      line.given("input-mean") || line.given("input-deviation") || !(facts.architecture.input == unsaid);
  if (line.given("batch-norm-epsilon")) facts.epsilon = names.epsilon;
  return facts;
}

std::string input_text(const InputOptions& o) {
  const auto text = [](const std::vector<double>& values) { return nlohmann::json(values).dump(); };
  return (o.channels == 1 ? "grey" : to_name(o.order)) + ", (pixel / 255 - " + text(o.mean) + ") / " +
         text(o.deviation) + ", resized by " + to_name(o.resize);
}

void print_network(const FoundNetwork& network) {
  std::cout << "network: "
            << (network.family.empty() ? "as --network or the file's configuration says"
                                       : "recognised as " + network.family)
            << "\n"
            << "  images: " << network.architecture.image_size << " x " << network.architecture.image_size << ", "
            << input_text(network.architecture.input) << "\n"
            << "  discriminator: " << network.architecture.network << "\n";
  if (!network.architecture.generator_network.empty()) {
    std::cout << "  generator: " << network.architecture.generator_network << "\n";
  }
  for (const std::string& what : network.assumed) std::cout << "  assumed: " << what << "\n";
  for (const std::string& what : network.left_out) std::cout << "  left out: " << what << "\n";
}

nlohmann::ordered_json json_of(const FoundNetwork& network) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  if (!network.family.empty()) json["family"] = network.family;
  if (!network.assumed.empty()) json["assumed"] = network.assumed;
  if (!network.left_out.empty()) json["left-out"] = network.left_out;
  return json;
}

// The tensors, and what they are taken for, or why for nothing.
void print_list(const std::vector<StateDictReader>& files, const NetworkFacts& facts, bool json) {
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
  nlohmann::ordered_json guess;
  try {
    const FoundNetwork network = find_network(files, facts);
    guess = json_of(network);
    guess["architecture"] = nlohmann::ordered_json::parse(to_json(network.architecture));
    if (!json) print_network(network);
  } catch (const Error& error) {
    guess["reason"] = error.what();
    if (!json) std::cout << "no network was recognised: " << error.what() << "\n";
  }
  all["network"] = guess;
  if (json) std::cout << json_text(all) << "\n";
}

}  // namespace

int state_dict_command(cli::CommandLine& line) {
  std::vector<std::string> paths;
  NamesOptions names;
  StateDictOptions options;
  ModelOutput output;
  tools::StatisticsOptions statistics;
  line.about(
      "Makes a model file of a DCGAN trained in PyTorch: checkpoints of torch.save(), or safetensors, read without "
      "executing anything; or in Keras (.keras, .h5, .weights.h5); spectral and weight norm are applied. Networks of "
      "known "
      "families are recognised by their "
      "shapes; for others --network says strides, paddings and activations, which stand in no file. With --mapping, or "
      "the options of an architecture, the network is one of the published family.",
      "netD.pth netG.pth -o model.safetensors");
  line.without({"device"});
  line.positional(paths, "FILE", "files of torch.save() (.pt, .pth, .ckpt), safetensors, or of Keras (.keras, .h5)", 1);
  line.add("Names", names);
  line.add("Architecture", options.architecture);
  output.add_to(line);
  line.add("Batch-norm statistics", statistics);
  if (!line.parse()) return 0;
  if (!names.list) require_free(output, statistics, {}, line);
  tools::read_networks(options.architecture);
  NetworkFacts facts = facts_of(options, names, line);
  std::vector<StateDictReader> files;
  bool keras = false;
  for (const std::string& path : paths) {
    const bool archive = is_keras_archive(path);
    if (!archive && !is_hdf5_file(path)) {
      files.emplace_back(path);
      continue;
    }
    keras = true;
    KerasNetwork network = keras_network(path, archive ? read_keras_archive(path) : read_keras_file(path), facts);
    facts = network.facts;
    files.push_back(std::move(network.tensors));
  }
  if (names.list) {
    print_list(files, facts, line.common().json);
    return 0;
  }
  options.without_statistics = !statistics.statistics_from.empty();
  if (keras || options.architecture.is_list() || !is_of_the_family(line, files)) {
    if (line.given("mapping"))
      throw OptionError("--mapping is for the published family; --network finds the names itself.");
    const FoundNetwork network = find_network(files, facts);
    options.architecture = network.architecture;
    options.mapping = network.mapping;
    options.turned = network.turned;
    ModelFile model = model_from_state_dicts(files, options);
    auto training = nlohmann::ordered_json::parse(model.training);
    training.update(json_of(network));
    model.training = training.dump();
    if (!line.common().json) print_network(network);
    write_model(std::move(model), output, statistics, line.common());
    return 0;
  }
  options.mapping = read_mapping(names.mapping);
  options.prefix = names.prefix;
  options.epsilon = names.epsilon;
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
