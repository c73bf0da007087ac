#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "dcgan/errors.h"
#include "dcgan/model_file.h"
#include "dcgan/models.h"
#include "dcgan/png_file.h"
#include "dcgan/seeds.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
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
  int64_t separate = 0;
  int64_t scale = 1;
  bool fixed_statistics = false;
  bool overwrite = false;
};

template <class Visitor>
void describe(SamplesOptions& o, Visitor&& f) {
  f(o.model, "model", "model file (.safetensors) with a generator");
  f(o.out, "out", "PNG to make, or folder that gets samples.png; with --separate the folder of the files");
  f(o.count, "count", "images of the grid");
  f(o.columns, "columns", "images side by side; 0: about as many as rows");
  f(o.separate, "separate",
    "instead of a grid, so many files sample-000000.png, ... for other programs, such as torch-fidelity");
  f(o.scale, "scale", "each pixel becomes so many in height and width");
  f(o.fixed_statistics, "fixed-statistics",
    "normalise with the model's fixed statistics, not with those of these samples (with --separate, of each 128) as "
    "the authors do");
  f(o.overwrite, "overwrite", "replace an existing output");
}

void check(const SamplesOptions& o, const cli::CommandLine& line) {
  require_option(o.count >= 1 && o.count <= 10'000, "count", o.count, "from 1 to 10,000");
  require_option(o.columns >= 0, "columns", o.columns, "0 or more");
  require_option(o.separate >= 0 && o.separate <= 1'000'000, "separate", o.separate, "from 0 to 1,000,000");
  require_option(o.scale >= 1 && o.scale <= 32, "scale", o.scale, "from 1 to 32");
  for (const char* flag : {"count", "columns"}) {
    if (o.separate > 0 && line.given(flag)) {
      throw OptionError(std::string("--") + flag + " is of a grid; leave it out with --separate.");
    }
  }
}

// By nearest neighbour.
ImageBatch enlarged(const ImageBatch& images, int64_t scale) {
  ImageBatch large;
  large.height = images.height * scale;
  large.width = images.width * scale;
  large.paths = images.paths;
  const auto count = static_cast<int64_t>(images.paths.size());
  large.pixels.resize(static_cast<size_t>(count * large.height * large.width * 3));
  uint8_t* to = large.pixels.data();
  for (int64_t y = 0; y < count * large.height; ++y) {
    for (int64_t x = 0; x < large.width; ++x, to += 3) {
      std::copy_n(images.pixels.data() + (y / scale * images.width + x / scale) * 3, 3, to);
    }
  }
  return large;
}

std::string grid_path(const std::string& out) {
  return fs::path(out).extension() == ".png" ? out : (fs::path(out) / "samples.png").string();
}

void write_grid(const std::string& path, const ModelFile& model, const SamplesOptions& options, uint64_t seed) {
  const auto square = static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(options.count))));
  const ImageBatch samples = sample_images(model, options.count, seed, !options.fixed_statistics);
  cli::make_folder_of(path);
  write_png_grid(path, enlarged(samples, options.scale), options.columns > 0 ? options.columns : square);
}

constexpr const char* kSamplePrefix = "sample-";

// Those of an earlier run.
std::vector<fs::path> samples_in(const fs::path& folder) {
  std::vector<fs::path> samples;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    const fs::path& file = entry.path();
    if (file.extension() == ".png" && file.filename().string().rfind(kSamplePrefix, 0) == 0) samples.push_back(file);
  }
  return samples;
}

void require_free_folder(const SamplesOptions& options) {
  const size_t samples = samples_in(options.out).size();
  if (samples == 0 || options.overwrite) return;
  throw FileError(options.out, "holds " + std::to_string(samples) +
                                   " samples already; --overwrite removes them, or name another folder.");
}

// Minibatches are whole, so that no file depends on how many there are.
void write_files(const ModelFile& model, const SamplesOptions& options, const cli::CommonOptions& common) {
  constexpr int64_t kMinibatch = 128;
  cli::make_folder(options.out);
  for (const fs::path& earlier : samples_in(options.out)) fs::remove(earlier);
  cli::Progress progress("samples", options.separate, common);
  for (int64_t first = 0; first < options.separate; first += kMinibatch) {
    const uint64_t seed = derive_seed(common.seed, "separate", static_cast<uint64_t>(first / kMinibatch));
    const ImageBatch samples =
        enlarged(sample_images(model, kMinibatch, seed, !options.fixed_statistics), options.scale);
    const int64_t bytes = samples.height * samples.width * 3;
    for (int64_t i = 0; i < std::min(kMinibatch, options.separate - first); ++i) {
      char name[32];
      std::snprintf(name, sizeof name, "%s%06lld.png", kSamplePrefix, static_cast<long long>(first) + i);
      ImageBatch one;
      one.height = samples.height;
      one.width = samples.width;
      const auto pixels = samples.pixels.begin() + i * bytes;
      one.pixels.assign(pixels, pixels + bytes);
      write_png_grid(fs::path(options.out) / name, one, 1);
    }
    progress.update(std::min(first + kMinibatch, options.separate));
    cli::stop_if_interrupted();
  }
}

}  // namespace

int samples_command(cli::CommandLine& line) {
  SamplesOptions options;
  line.about("Samples of a generator: a grid, or files.", "--model run/model.safetensors --out samples.png --scale 4");
  line.without({"threads", "device"});
  line.add("Samples", options);
  line.require(options.model, "--model", "a model file with a generator");
  line.require(options.out, "--out", "the PNG to make, or a folder");
  if (!line.parse()) return 0;
  check(options, line);
  const bool separate = options.separate > 0;
  const std::string path = separate ? options.out : grid_path(options.out);
  separate ? require_free_folder(options) : cli::require_free(path, options.overwrite);
  const ModelFile model = load_model(cli::model_file("--model", options.model));
  if (!model.has_generator) throw FileError(options.model, "holds no generator; samples need one.");
  const uint64_t seed = line.common().seed;
  separate ? write_files(model, options, line.common()) : write_grid(path, model, options, seed);
  const int64_t count = separate ? options.separate : options.count;
  cli::print_result(
      line.common(),
      {{separate ? "folder" : "file", path}, {"count", count}, {"seed", seed}, {"model-sha256", model.sha256}},
      path + ": " + std::to_string(count) + " samples, seed " + std::to_string(seed) + "\n");
  return 0;
}

}  // namespace dcgan::explore_tool
