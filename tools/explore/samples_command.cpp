#include <cmath>
#include <filesystem>
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
};

template <class Visitor>
void describe(SamplesOptions& o, Visitor&& f) {
  f(o.model, "model", "model file (.safetensors) with a generator");
  f(o.out, "out", "folder that gets samples.png; made if it is not there");
  f(o.count, "count", "images");
  f(o.columns, "columns", "images side by side; 0: about as many as rows");
  f(o.fixed_statistics, "fixed-statistics",
    "normalise with the model's fixed statistics, not with those of these samples as the authors do");
}

void check(const SamplesOptions& o) {
  require_option(o.count >= 1 && o.count <= 10'000, "count", o.count, "from 1 to 10,000");
  require_option(o.columns >= 0, "columns", o.columns, "0 or more");
}

}  // namespace

int samples_command(cli::CommandLine& line) {
  SamplesOptions options;
  bool overwrite = false;
  line.about("A grid of a generator's samples.", "--model run/model.safetensors --out pictures --seed 1");
  line.add("Samples", options);
  line.add("Samples", overwrite, "overwrite", "replace an existing output");
  line.require(options.model, "--model", "a model file with a generator");
  line.require(options.out, "--out", "the folder that gets samples.png");
  if (!line.parse()) return 0;
  check(options);
  const std::string path = (fs::path(options.out) / "samples.png").string();
  cli::require_free(path, overwrite);
  const ModelFile model = load_model(cli::model_file("--model", options.model));
  if (!model.has_generator) throw FileError(options.model, "holds no generator; samples need one.");
  fs::create_directories(options.out);
  const uint64_t seed = line.common().seed;
  const auto square = static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(options.count))));
  write_png_grid(path, sample_images(model, options.count, seed, !options.fixed_statistics),
                 options.columns > 0 ? options.columns : square);
  cli::print_result(line.common(),
                    {{"file", path}, {"count", options.count}, {"seed", seed}, {"model-sha256", model.sha256}},
                    path + ": " + std::to_string(options.count) + " samples, seed " + std::to_string(seed) + "\n");
  return 0;
}

}  // namespace dcgan::explore_tool
