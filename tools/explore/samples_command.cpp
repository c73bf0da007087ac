#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "dcgan/errors.h"
#include "dcgan/output_files.h"
#include "dcgan/pictures.h"
#include "dcgan/png_file.h"
#include "dcgan/seeds.h"
#include "dcgan/train_library.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/explore/commands.h"
#include "tools/explore/generator.h"
#include "tools/explore/results.h"

namespace dcgan::explore_tool {
namespace {

namespace fs = std::filesystem;

struct SamplesOptions {
  int64_t count = 64;
  int64_t columns = 0;  ///< 0: as many as rows
  int64_t separate = 0;
  int64_t scale = 1;
  std::string keep;
  std::string names;
  std::string save;
};

template <class Visitor>
void describe(SamplesOptions& o, Visitor&& f) {
  f(o.count, "count", "images of the grid, where --z does not say how many");
  f(o.columns, "columns", "images side by side; 0: about as many as rows");
  f(o.separate, "separate",
    "instead of a grid, so many files sample-000000.png, ... for other programs, such as torch-fidelity");
  f(o.scale, "scale", "each pixel becomes so many in height and width");
  f(o.keep, "keep", "numbers or names of the samples to keep, such as 3,17,4, counted from 0 along the rows");
  f(o.names, "names", "what those are called from now on, such as seven,eight,nine");
}

void check(const SamplesOptions& o, const cli::CommandLine& line) {
  require_option(o.count >= 1 && o.count <= 10'000, "count", o.count, "from 1 to 10,000");
  require_option(o.columns >= 0, "columns", o.columns, "0 or more");
  require_option(o.separate >= 0 && o.separate <= 1'000'000, "separate", o.separate, "from 0 to 1,000,000");
  require_option(o.scale >= 1 && o.scale <= 32, "scale", o.scale, "from 1 to 32");
  for (const char* flag : {"count", "columns", "z", "keep", "html"}) {
    if (o.separate > 0 && line.given(flag)) {
      throw OptionError("--", flag, " is of a grid; leave it out with --separate.");
    }
  }
  if (o.save.empty() != o.keep.empty()) {
    throw OptionError(o.save.empty() ? "--keep without --save has no effect; name the file that gets them."
                                     : "--save is for the samples that --keep names; name some.");
  }
  if (!o.names.empty() && o.keep.empty()) throw OptionError("--names is for the samples that --keep names; name some.");
}

NamedNoise kept(const NamedNoise& noise, const SamplesOptions& options) {
  NamedNoise some = chosen(noise, rows_of(noise, "--keep", options.keep));
  if (options.names.empty()) return some;
  const std::vector<std::string> names = listed("--names", options.names);
  if (names.size() != some.names.size()) {
    throw OptionError("--names has ", names.size(), " names for the ", some.names.size(), " samples of --keep.");
  }
  some.names = names;
  return some;
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

void require_free_folder(const std::string& folder, bool overwrite) {
  const size_t samples = samples_in(folder).size();
  if (samples == 0 || overwrite) return;
  throw FileError(folder, "holds ", samples, " samples already; --overwrite removes them, or name another folder.");
}

// Minibatches are whole, so that no file depends on how many there are.
void write_files(const Generator& generator, const SamplesOptions& options, const std::string& folder,
                 const cli::CommonOptions& common) {
  constexpr int64_t kMinibatch = 128;
  cli::make_folder(folder);
  for (const fs::path& earlier : samples_in(folder)) fs::remove(earlier);
  cli::Progress progress("samples", options.separate, common);
  for (int64_t first = 0; first < options.separate; first += kMinibatch) {
    const uint64_t seed = derive_seed(common.seed, "separate", static_cast<uint64_t>(first / kMinibatch));
    const ImageBatch samples = enlarged(generator.images(generator.drawn(kMinibatch, seed).z), options.scale);
    for (int64_t i = 0; i < std::min(kMinibatch, options.separate - first); ++i) {
      char name[32];
      std::snprintf(name, sizeof name, "%s%06lld.png", kSamplePrefix, static_cast<long long>(first) + i);
      write_png_grid(fs::path(folder) / name, chosen_images(samples, {i}), 1);
    }
    progress.update(std::min(first + kMinibatch, options.separate));
    cli::stop_if_interrupted();
  }
}

/// What is printed where there is nothing but pictures.
void print_pictures(const char* kind, const std::string& path, int64_t count, const Generator& generator,
                    const cli::CommonOptions& common) {
  cli::print_result(common,
                    {{kind, path}, {"count", count}, {"seed", common.seed}, {"model-sha256", generator.model.sha256}},
                    text_of(path, ": ", count, " samples, seed ", common.seed, "\n"));
}

struct SamplesArguments {
  GeneratorOptions generator;
  SamplesOptions samples;
  ResultOptions output;
};

void write_separate(const SamplesArguments& a, const cli::CommonOptions& common) {
  require_free_folder(a.output.out, a.output.overwrite);
  const Generator generator(a.generator, common);
  write_files(generator, a.samples, a.output.out, common);
  print_pictures("folder", a.output.out, a.samples.separate, generator, common);
}

struct Grid {
  NamedNoise noise;
  ImageBatch images;
  int64_t columns;
};

/// Draws the samples, and saves those that are kept.
Grid make_grid(const SamplesArguments& a, const Generator& generator) {
  Grid grid;
  grid.noise = generator.noise(a.samples.count);
  const auto square = static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(grid.noise.count()))));
  grid.columns = a.samples.columns > 0 ? a.samples.columns : square;
  const NamedNoise some = a.samples.keep.empty() ? NamedNoise() : kept(grid.noise, a.samples);
  grid.images = enlarged(generator.images(grid.noise.z), a.samples.scale);
  if (!a.samples.save.empty()) {
    cli::make_folder_of(a.samples.save);
    save_noise(a.samples.save, some, nlohmann::ordered_json({{"model-sha256", generator.model.sha256}}).dump());
  }
  return grid;
}

void write_one_picture(const SamplesArguments& a, const cli::CommonOptions& common) {
  if (a.output.html) throw OptionError("--html needs a folder; name one with --out.");
  cli::require_free(a.output.out, a.output.overwrite);
  const Generator generator(a.generator, common);
  const Grid grid = make_grid(a, generator);
  cli::make_folder_of(a.output.out);
  write_png_grid(a.output.out, grid.images, grid.columns);
  print_pictures("file", a.output.out, grid.noise.count(), generator, common);
}

void write_results(const SamplesArguments& a, const cli::CommandLine& line) {
  Results results(line, a.output, {"samples.png", "samples.h5"});
  const Generator generator(a.generator, line.common());
  const Grid grid = make_grid(a, generator);
  generator.add_facts(results);
  results.facts["count"] = grid.noise.count();
  const std::string text = text_of(grid.noise.count(), " samples");
  results.picture("samples.png", text, grid.images, grid.columns);
  results.noise("samples.h5", grid.noise);
  results.finish(text_of(text, ", seed ", line.common().seed, "\n"));
}

}  // namespace

int samples_command(cli::CommandLine& line) {
  SamplesArguments arguments;
  line.about(
      "Samples of a generator: a grid, or files. Their noise is kept, so that those that are chosen can be walked, "
      "added "
      "and turned.",
      "--model run/model.safetensors --out pictures --keep 3,17 --names one,seven --save digits.h5");
  line.add("Generator", arguments.generator);
  line.add("Samples", arguments.samples);
  line.add_output("Samples", arguments.samples.save, "save",
                  "HDF5 file that gets the noise of those, for --z of the other commands");
  line.add("Output", arguments.output);
  line.require(arguments.generator.model, "--model", "a model file with a generator");
  line.require(arguments.output.out, "--out", "a folder, or the PNG to make");
  if (!line.parse()) return 0;
  const SamplesOptions& options = arguments.samples;
  check(options, line);
  if (!options.save.empty()) cli::require_free(options.save, arguments.output.overwrite);
  line.require_apart();
  const bool one_picture = fs::path(arguments.output.out).extension() == ".png";
  if (options.separate == 0 && one_picture) refuse_own_input(arguments.output.out, [&line] { return line.named(); });
  if (options.separate > 0) {
    write_separate(arguments, line.common());
  } else if (one_picture) {
    write_one_picture(arguments, line.common());
  } else {
    write_results(arguments, line);
  }
  return 0;
}

}  // namespace dcgan::explore_tool
