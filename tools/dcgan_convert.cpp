// dcgan-convert: the authors' released weights in; what a model file holds.

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "data/resize.h"
#include "dcgan/model_file.h"
#include "dcgan/released_weights.h"
#include "dcgan/statistics.h"
#include "tools/cli/command_line.h"
#include "tools/extract/statistics_images.h"

using namespace dcgan;

namespace {

namespace fs = std::filesystem;

struct ReleasedOptions {
  std::string output;
  bool partial = false;
  bool overwrite = false;
};

template <class Visitor>
void describe(ReleasedOptions& o, Visitor&& f) {
  f(o.output, "output,o", "model file (.safetensors) to make");
  f(o.partial, "partial", "accept missing upper convolutions or a missing generator, and keep the rest");
  f(o.overwrite, "overwrite", "replace an existing output");
}

const std::string& only(const std::vector<std::string>& values, const std::string& what) {
  if (values.size() != 1) throw OptionError("expected one " + what + ", found " + std::to_string(values.size()) + ".");
  return values.front();
}

int released(int argc, const char* const* argv) {
  std::vector<std::string> folders;
  ReleasedOptions options;
  tools::StatisticsOptions statistics;
  cli::CommonOptions common;
  cli::CommandLine line(argv[0], "Makes a model file of the weights that the paper's authors released.",
                        "dcgan-convert released models/svhn -o svhn.safetensors --statistics-from svhn/train");
  line.positional(folders, "DIR", "folder with the .npy arrays");
  line.add("Output", options);
  line.add("Batch-norm statistics", statistics);
  line.add("Common", common);
  if (!line.parse(argc, argv)) return 0;
  const std::string& folder = only(folders, "folder with .npy arrays");
  if (options.output.empty()) throw OptionError("-o is missing; it names the model file to make.");
  if (statistics.statistics_from.empty()) {
    throw OptionError(
        "--statistics-from is missing; the released weights have no batch-norm statistics, they are inferred "
        "from images of the target domain.");
  }
  if (fs::exists(options.output) && !options.overwrite) {
    throw FileError(options.output, "exists; --overwrite replaces it.");
  }
  ModelFile model = read_released_weights(folder, options.partial);
  data::ResizeOptions resize;
  resize.size = model.architecture.image_size;
  tools::StatisticsImages images(statistics, resize, {}, cli::resolve_threads(common.threads), common.seed,
                                 common.quiet);
  infer_statistics(model, images.next(), statistics.statistics_from, common.seed);
  save_model(options.output, model);
  std::cout << options.output << ": " << model.convolutions << " convolutions"
            << (model.has_generator ? " and the generator" : ", no generator") << "\n";
  return 0;
}

int info(int argc, const char* const* argv) {
  std::vector<std::string> files;
  cli::CommonOptions common;
  cli::CommandLine line(argv[0], "Says what a model file holds.", "dcgan-convert info model.safetensors");
  line.positional(files, "FILE", "model file (.safetensors)");
  line.add("Common", common);
  if (!line.parse(argc, argv)) return 0;
  const std::string& path = only(files, "model file");
  const ModelFile model = load_model(path);
  int64_t parameters = 0;
  for (const auto& [name, tensor] : model.tensors) {
    if (name.find("running_") != std::string::npos) continue;
    int64_t count = 1;
    for (const int64_t size : tensor.shape) count *= size;
    parameters += count;
  }
  nlohmann::ordered_json out;
  out["file"] = path;
  out["sha256"] = model.sha256;
  out["architecture"] = nlohmann::ordered_json::parse(to_json(model.architecture));
  out["convolutions"] = model.convolutions;
  out["generator"] = model.has_generator;
  out["parameters"] = parameters;
  out["statistics"] = nlohmann::ordered_json::parse(model.statistics);
  out["training"] = nlohmann::ordered_json::parse(model.training);
  std::cout << out.dump(common.json ? -1 : 2) << "\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return cli::run_program(argc, argv, "Makes model files of released weights, and says what a model file holds.",
                          {{"released", "the authors' .npy arrays into a model file", released},
                           {"info", "what a model file holds", info}});
}
