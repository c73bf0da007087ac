#include <map>
#include <optional>

#include "dcgan/errors.h"
#include "dcgan/feature_compression.h"
#include "dcgan/feature_extractor.h"
#include "dcgan/pictures.h"
#include "eval/features/image_features.h"
#include "eval/neighbours/nearest.h"
#include "tools/cli/memory.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/cli/shipped_files.h"
#include "tools/explore/commands.h"
#include "tools/explore/generator.h"
#include "tools/explore/image_rows.h"
#include "tools/explore/results.h"
#include "tools/shared/feature_rows.h"

namespace dcgan::explore_tool {
namespace {

using nlohmann::ordered_json;

// Radford et al. 2016, section 6, after arXiv:1511.01844.
constexpr const char* kWarning =
    "Neighbours in pixels are no test of memorisation: small shifts of an image make its pixels far from themselves, "
    "so "
    "that a copy can go unnoticed, and smooth images are near to everything. The paper uses no such search for that "
    "reason.";

struct NeighboursOptions {
  std::string features;
  std::vector<std::string> queries;
  std::string images;
  std::string max_memory = "2G";
  int64_t count = 8;
  bool pixels = false;
};

template <class Visitor>
void describe(NeighboursOptions& o, Visitor&& f) {
  f(o.features, "features", "feature file that is searched; queries are prepared as its images were");
  f(o.images, "images", "the folder, archive or packed file that the feature file was made of: for the sheet");
  f(o.pixels, "pixels", "also the nearest of --images by their pixels");
  f(o.count, "count", "samples to ask for, where neither QUERY nor --z is given");
  f(o.max_memory, "max-memory", "for queries; more than fit take more than one pass over the file");
}

/// The queries: images that are named, or samples.
ImageBatch query_images(const NeighboursOptions& options, const GeneratorOptions& generator_options,
                        const data::ResizeOptions& resize, const cli::CommonOptions& common) {
  if (!options.queries.empty()) {
    const PreparedImages named(options.queries, resize, common);
    PreparedImages::Part part = named.part(0, named.count());
    for (const Failure& f : part.failures) throw FileError(f.path, f.reason, "; it cannot be asked for.");
    if (part.images.count() == 0) throw FileError(options.queries.front(), "holds no images to ask for.");
    return part.images;
  }
  const Generator generator(generator_options, common);
  const NamedNoise noise = generator.noise(options.count);
  ImageBatch images = generator.images(noise.z);
  images.paths = noise.names;
  for (std::string& name : images.paths) name = "sample " + name;
  if (images.height != resize.size) {
    throw FileError(generator_options.model, "makes images of ", images.height, " pixels a side, the features are of ",
                    resize.size, ".");
  }
  return images;
}

/// What made the rows of a feature file.
FeatureExtractor extractor_of(const FeatureFileInfo& info, const std::string& path, const std::string& model,
                              const cli::CommonOptions& common) {
  if (!compression_sha256(info.preprocessing).empty()) {
    throw FileError(path, "was compressed; extract without --compress what is to be searched.");
  }
  std::string file = cli::shipped_model_of(info.model_sha256);
  if (file.empty()) {
    if (model.empty()) {
      throw OptionError("--model is missing; ", path,
                        " was made with a model that does not ship with the project, SHA-256 ", info.model_sha256, ".");
    }
    file = cli::model_file("--model", model);
  }
  FeatureOptions options;
  options.layers = info.layers;
  options.grid = info.grid;
  options.threads = common.threads;
  options.device = common.device;
  FeatureExtractor extractor(file, options);
  if (extractor.model_sha256() != info.model_sha256) {
    throw FileError(file, "is another model than that of ", path, ", whose SHA-256 is ", info.model_sha256, ".");
  }
  const ordered_json made = ordered_json::parse(info.preprocessing, nullptr, false);
  if (made.is_object() && made.contains("statistics") &&
      made["statistics"] != ordered_json::parse(extractor.statistics(), nullptr, false)) {
    throw FileError(path,
                    "was made with batch-norm statistics of its own (--statistics-from); put them into a model, "
                    "dcgan-convert model --statistics-from, and extract with that.");
  }
  return extractor;
}

/// How its images were resized: when they were extracted, or before that, when they were packed.
data::ResizeOptions resize_of(const FeatureFileInfo& info, int64_t size) {
  data::ResizeOptions resize;
  resize.size = size;
  const ordered_json made = ordered_json::parse(info.preprocessing, nullptr, false);
  for (const char* place : {"/images/preparation/resize/resize", "/resize/resize"}) {
    const ordered_json::json_pointer pointer(place);
    if (!made.contains(pointer) || !made[pointer].is_string()) continue;
    from_name(made[pointer].get<std::string>(), resize.resize);
    break;
  }
  return resize;
}

/// Searches with a line of progress.
std::vector<std::vector<eval::Neighbour>> search(const eval::RowSource& queries, const eval::RowSource& rows,
                                                 eval::NearestOptions options, const cli::CommonOptions& common) {
  cli::Progress progress("rows", rows.rows() * eval::nearest_passes(queries, options), common);
  options.threads = common.threads;
  options.on_rows = [&](int64_t done) {
    cli::stop_if_interrupted();
    progress.update(done);
  };
  return eval::nearest(queries, rows, options);
}

using Found = std::vector<std::vector<eval::Neighbour>>;

ordered_json json_of(const std::vector<eval::Neighbour>& neighbours, const std::vector<std::string>& paths) {
  ordered_json all = ordered_json::array();
  for (const eval::Neighbour& n : neighbours) {
    ordered_json entry = {{"row", n.row}, {"distance", n.distance}};
    if (!paths.empty()) entry["path"] = paths[n.row];
    all.push_back(entry);
  }
  return all;
}

/// A row for each query: the query, a gap, its neighbours. @param number_of  of --images, for a row
template <class NumberOf>
ImageBatch sheet(const ImageBatch& queries, const Found& found, const PreparedImages& images,
                 const NumberOf& number_of) {
  ImageBatch all;
  for (int64_t query = 0; query < queries.count(); ++query) {
    std::vector<int64_t> numbers;
    for (const eval::Neighbour& n : found[query]) numbers.push_back(number_of(n.row));
    const ImageBatch nearest = images.images(numbers);
    ImageBatch row = beside(chosen_images(queries, {query}), chosen_images(nearest, {0}), 1);
    row = chosen_images(row, {0, 1});
    append_images(row, nearest);
    append_images(all, row);
  }
  return all;
}

int64_t sheet_columns(const Found& found) { return 2 + static_cast<int64_t>(found.front().size()); }

struct Searched {
  const NeighboursOptions& options;
  const GeneratorOptions& generator;
  const eval::NearestOptions& nearest;
  const cli::CommonOptions& common;
};

void search_everything(const Searched& s, Results& results) {
  std::optional<tools::FeatureRows> rows;
  std::optional<FeatureExtractor> extractor;
  data::ResizeOptions resize;
  if (!s.options.features.empty()) {
    rows.emplace(s.options.features);
    const FeatureFileInfo& info = rows->file().info();
    extractor.emplace(extractor_of(info, s.options.features, s.generator.model, s.common));
    resize = resize_of(info, extractor->image_size());
    results.facts["features-sha256-of-model"] = info.model_sha256;
  } else {
    resize.size = load_model(cli::model_file("--model", s.generator.model)).architecture.image_size;
  }
  const ImageBatch queries = query_images(s.options, s.generator, resize, s.common);
  std::optional<PreparedImages> images;
  std::map<std::string, int64_t> numbers;
  if (!s.options.images.empty()) {
    images.emplace(std::vector<std::string>{s.options.images}, resize, s.common);
    for (int64_t i = 0; i < images->count(); ++i) numbers.emplace(images->path(i), i);
  }
  results.facts.update({{"k", s.nearest.k}, {"metric", to_name(s.nearest.metric)}});
  ordered_json answers = ordered_json::array();
  for (const std::string& path : queries.paths) answers.push_back({{"query", path}});

  if (rows) {
    const std::vector<std::string>& paths = rows->file().paths();
    const Found found = search(*eval::feature_matrix(*extractor, queries), *rows, s.nearest, s.common);
    for (size_t i = 0; i < found.size(); ++i) answers[i]["features"] = json_of(found[i], paths);
    const auto number_of = [&](int64_t row) {
      const auto at = numbers.find(paths.empty() ? "" : paths[row]);
      if (at == numbers.end()) {
        throw FileError(s.options.images, "has no image ", paths.empty() ? "by name" : paths[row], ", which ",
                        s.options.features, " names; give what that file was made of.");
      }
      return at->second;
    };
    if (images) {
      results.picture("neighbours.png", "Each query, and after a gap its nearest images in the features",
                      sheet(queries, found, *images, number_of), sheet_columns(found));
    }
  }
  if (s.options.pixels) {
    const Found found = search(pixel_matrix(queries), PixelRows(*images), s.nearest, s.common);
    for (size_t i = 0; i < found.size(); ++i) {
      answers[i]["pixels"] = json_of(found[i], {});
      for (ordered_json& entry : answers[i]["pixels"]) entry["path"] = images->path(entry["row"]);
    }
    results.note(kWarning);
    results.picture("neighbours-pixels.png", std::string("The nearest images by their pixels. ") + kWarning,
                    sheet(queries, found, *images, [](int64_t row) { return row; }), sheet_columns(found));
  }
  results.facts["queries"] = answers;
}

}  // namespace

int neighbours_command(cli::CommandLine& line) {
  GeneratorOptions generator_options;
  NeighboursOptions options;
  eval::NearestOptions nearest;
  ResultOptions output;
  line.about(
      "The images of a feature file that are nearest to query images, or to samples of a generator, exactly, in the "
      "features and, with --pixels, in the pixels. The file may be larger than memory.",
      "cat.jpg --features photos.h5 --images photos/ --out pictures");
  line.positional(options.queries, "QUERY", "images to ask for, files or folders; without them samples of --model");
  line.add("Search", options);
  line.add("Search", nearest);
  line.add("Model (default: the one that the feature file names, where it ships with the project)", generator_options);
  line.add("Output", output);
  line.require(output.out, "--out", "the folder that gets neighbours.json and the sheet");
  if (!line.parse()) return 0;
  check(nearest);
  require_option(options.count >= 1 && options.count <= 10'000, "count", options.count, "from 1 to 10,000");
  if (options.features.empty() && !options.pixels) {
    throw OptionError("--features is missing; it names the feature file to search, or give --pixels and --images.");
  }
  if (options.pixels && options.images.empty()) {
    throw OptionError("--images is missing; --pixels searches them.");
  }
  if (generator_options.model.empty() && (options.queries.empty() || options.features.empty())) {
    throw OptionError("--model is missing; ",
                      std::string(options.queries.empty() ? "without QUERY its samples are asked for."
                                                          : "images are resized to what it takes."));
  }
  nearest.max_memory = cli::memory_size("max-memory", options.max_memory);
  std::vector<std::string> files;
  if (!options.features.empty() && !options.images.empty()) files.emplace_back("neighbours.png");
  if (options.pixels) files.emplace_back("neighbours-pixels.png");
  Results results(line, output, files);
  search_everything({options, generator_options, nearest, line.common()}, results);
  results.finish(text_of(results.facts["queries"].size(), " queries\n"));
  return 0;
}

}  // namespace dcgan::explore_tool
