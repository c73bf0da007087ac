#include <cmath>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "dcgan/errors.h"
#include "dcgan/model_file.h"
#include "dcgan/models.h"
#include "dcgan/png_file.h"
#include "tools/cli/command_line.h"
#include "tools/cli/shipped_files.h"
#include "tools/explore/commands.h"

namespace dcgan::explore_tool {
namespace {

namespace fs = std::filesystem;

struct SamplesOptions {
  std::string model;
  std::string out;
  int64_t count = 64;
  int64_t columns = 0;  ///< 0: as many as rows
  bool fixed_statistics = false;
  bool overwrite = false;
};

template <class Visitor>
void describe(SamplesOptions& o, Visitor&& f) {
  f(o.model, "model", "model file (.safetensors) with a generator");
  f(o.out, "out", "folder that gets samples.png; made if it is not there");
  f(o.count, "count", "images");
  f(o.columns, "columns", "images side by side; 0: about as many as rows");
  f(o.fixed_statistics, "fixed-statistics",
    "normalise with the model's fixed statistics, not with those of these samples as the authors do");
  f(o.overwrite, "overwrite", "replace an existing output");
}

void check(const SamplesOptions& o) {
  if (o.model.empty()) throw OptionError("--model is missing; it names a model file with a generator.");
  if (o.out.empty()) throw OptionError("--out is missing; it names the folder that gets samples.png.");
  require_option(o.count >= 1 && o.count <= 10'000, "count", o.count, "from 1 to 10,000");
  require_option(o.columns >= 0, "columns", o.columns, "0 or more");
}

}  // namespace

int samples_command(int argc, const char* const* argv) {
  SamplesOptions options;
  cli::CommonOptions common;
  cli::CommandLine line(argv[0], "A grid of a generator's samples.",
                        "dcgan-explore samples --model run/model.safetensors --out pictures --seed 1");
  line.add("Samples", options);
  line.add("Common", common);
  if (!line.parse(argc, argv)) return 0;
  check(options);
  const std::string path = (fs::path(options.out) / "samples.png").string();
  if (fs::exists(path) && !options.overwrite) throw FileError(path, "exists; --overwrite replaces it.");
  const ModelFile model = load_model(cli::shipped_file(cli::kModels, "--model", options.model));
  if (!model.has_generator) throw FileError(options.model, "holds no generator; samples need one.");
  fs::create_directories(options.out);
  const auto square = static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(options.count))));
  write_png_grid(path, sample_images(model, options.count, common.seed, !options.fixed_statistics),
                 options.columns > 0 ? options.columns : square);
  if (common.json) {
    std::cout << nlohmann::ordered_json(
                     {{"file", path}, {"count", options.count}, {"seed", common.seed}, {"model-sha256", model.sha256}})
              << "\n";
  } else {
    std::cout << path << ": " << options.count << " samples, seed " << common.seed << "\n";
  }
  return 0;
}

}  // namespace dcgan::explore_tool
