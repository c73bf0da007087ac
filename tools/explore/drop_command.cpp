#include <algorithm>
#include <cmath>
#include <set>

#include "dcgan/boxes.h"
#include "dcgan/errors.h"
#include "dcgan/pictures.h"
#include "dcgan/seeds.h"
#include "eval/svm/solver.h"
#include "tools/cli/text_values.h"
#include "tools/explore/box_file.h"
#include "tools/explore/commands.h"
#include "tools/explore/generator.h"
#include "tools/explore/results.h"

namespace dcgan::explore_tool {
namespace {

struct DropOptions {
  std::string boxes;
  int64_t layer = -1;   ///< -1: the last hidden layer but one
  int64_t count = 150;  ///< arXiv:1511.06434, section 6.3.1
  int64_t fresh = 10;   ///< figure 6
  double c = 1;
};

template <class Visitor>
void describe(DropOptions& o, Visitor&& f) {
  f(o.boxes, "boxes", "CSV or JSON: sample, x, y, width, height of boxes around the object, in pixels of the samples");
  f(o.count, "count", "samples that the boxes are of, where --z does not give them");
  f(o.layer, "layer", "hidden layer of the generator, 0: the projection; -1: the last but one, the paper's");
  f(o.fresh, "fresh", "new samples that are shown with the object and without");
  f(o.c, "c", "weight of the losses in the logistic regression");
}

/// "0 (256x4x4), 1 (128x8x8)": the generator's hidden layers.
std::string layers_of(const ArchitectureOptions& architecture) {
  std::string all;
  int64_t number = 0;
  for (const ConvolutionShape& shape : generator_convolutions(architecture)) {  // each follows a hidden layer
    all += text_of(all.empty() ? "" : ", ", number++, " (", shape.in_channels, "x", shape.size_in, "x", shape.size_in,
                   ")");
  }
  return all;
}

/// What the regression learned of a layer's maps at single places.
struct Regression {
  std::vector<float> weights;  ///< [C]
  double accuracy = 0;         ///< on images that it was not fitted to
  int64_t positive = 0, negative = 0, held_out = 0;
};

/// A row for each example: the values of all maps at its place.
eval::FeatureMatrix rows_of_maps(const FeatureMaps& maps, const std::vector<MapPosition>& examples) {
  eval::FeatureMatrix rows(static_cast<int64_t>(examples.size()), maps.channels);
  const int64_t size = maps.size * maps.size;
  for (size_t i = 0; i < examples.size(); ++i) {
    for (int64_t c = 0; c < maps.channels; ++c) {
      rows.row(static_cast<int64_t>(i))[c] =
          maps.values[(examples[i].image * maps.channels + c) * size + examples[i].position];
    }
  }
  return rows;
}

Regression regress(const FeatureMaps& maps, const std::vector<MapPosition>& examples, double c,
                   const cli::CommonOptions& common) {
  std::set<int64_t> with_boxes;
  for (const MapPosition& e : examples) with_boxes.insert(e.image);
  const std::vector<int64_t> images(with_boxes.begin(), with_boxes.end());
  std::set<int64_t> held_out;
  for (const int64_t i : shuffled_indices(static_cast<int64_t>(images.size()), derive_seed(common.seed, "held-out"))) {
    if (static_cast<int64_t>(held_out.size()) < static_cast<int64_t>(images.size()) / 4) {
      held_out.insert(images[i]);
    }
  }
  const eval::FeatureMatrix rows = rows_of_maps(maps, examples);
  eval::SvmOptions options;
  options.loss = eval::Loss::kLogistic;
  eval::SolverResources resources;
  resources.threads = common.threads;
  resources.seed = common.seed;
  const auto fit = [&](const eval::TrainingSet& set) {
    return eval::make_solver(set, options, resources)->fit(c).model;
  };
  eval::TrainingSet all = {rows, eval::all_rows(rows.rows()), {}, 2}, part = {rows, {}, {}, 2};
  std::vector<int64_t> test_rows;
  std::vector<int32_t> test_labels;
  Regression found;
  for (size_t i = 0; i < examples.size(); ++i) {
    const int32_t label = examples[i].inside ? 1 : 0;
    all.labels.push_back(label);
    ++(label == 1 ? found.positive : found.negative);
    const bool held = held_out.count(examples[i].image) > 0;
    (held ? test_rows : part.rows).push_back(static_cast<int64_t>(i));
    (held ? test_labels : part.labels).push_back(label);
  }
  found.held_out = static_cast<int64_t>(held_out.size());
  found.accuracy = std::nan("");
  if (!held_out.empty()) {
    found.accuracy = eval::accuracy(eval::predict(fit(part), rows, test_rows, common.threads), test_labels);
  }
  const eval::LinearModel model = fit(all);
  const double* const weights = model.machine(1);
  found.weights.assign(weights, weights + maps.channels);
  return found;
}

}  // namespace

int drop_command(cli::CommandLine& line) {
  GeneratorOptions generator_options;
  DropOptions options;
  ResultOptions output;
  line.about(
      "Forgets an object: logistic regression on the generator's maps tells places inside of boxes that a person drew "
      "around it from random other places of the same samples; maps with positive weight are 0 everywhere from then on "
      "(Radford et al. 2016, section 6.3.1).",
      "--model run/model.safetensors --boxes windows.csv --out pictures");
  line.add("Generator", generator_options);
  line.add("Forgetting", options);
  line.add("Output", output);
  line.require(generator_options.model, "--model", "a model file with a generator");
  line.require(options.boxes, "--boxes", "a file with boxes around the object, in samples of the same seed or --z");
  line.require(output.out, "--out", "the folder that gets drop.png");
  if (!line.parse()) return 0;
  require_option(options.count >= 1 && options.count <= 10'000, "count", options.count, "from 1 to 10,000");
  require_option(options.fresh >= 1 && options.fresh <= 10'000, "fresh", options.fresh, "from 1 to 10,000");
  require_option(options.c > 0 && std::isfinite(options.c), "c", options.c, "positive");
  Results results(line, output, {"drop.png", "drop-boxes.png", "drop.h5"});
  const cli::CommonOptions& common = line.common();
  Generator generator(generator_options, common);
  const ArchitectureOptions& architecture = generator.model.architecture;
  const auto layers = static_cast<int64_t>(generator_convolutions(architecture).size());
  require_option(options.layer >= -1 && options.layer < layers, "layer", options.layer,
                 "one of " + layers_of(architecture));
  const int64_t layer = options.layer >= 0 ? options.layer : std::max<int64_t>(layers - 2, 0);

  const NamedNoise noise = generator.noise(options.count);
  const std::vector<Box> boxes = read_boxes(options.boxes, {noise.count(), architecture.image_size});
  const ImageBatch before = generator.images(noise.z);
  const FeatureMaps maps = generator.networks->generator_maps(noise.z, layer);
  const std::vector<MapPosition> examples = box_examples(boxes, {architecture.image_size, maps.size}, common.seed);
  const auto outside = [](const MapPosition& e) { return !e.inside; };
  if (std::none_of(examples.begin(), examples.end(), outside)) {
    throw FileError(options.boxes, "leaves nothing outside of its boxes to tell the object from.");
  }
  const Regression regression = regress(maps, examples, options.c, common);
  std::vector<int64_t> dropped;
  for (int64_t c = 0; c < maps.channels; ++c) {
    if (regression.weights[c] > 0) dropped.push_back(c);
  }
  const std::vector<float> fresh = generator.drawn(options.fresh, derive_seed(common.seed, "fresh")).z;
  const ImageBatch with = generator.images(fresh);
  generator.networks->drop_maps(layer, dropped);
  const ImageBatch after = generator.images(noise.z), without = generator.images(fresh);
  const BoxChange change = change_of(before, after, boxes);

  generator.add_facts(results);
  results.facts.update({{"layer", layer},
                        {"boxes", boxes.size()},
                        {"places-inside", regression.positive},
                        {"places-outside", regression.negative},
                        {"held-out-samples", regression.held_out},
                        {"held-out-accuracy", regression.accuracy},
                        {"maps", maps.channels},
                        {"maps-dropped", dropped.size()},
                        {"change-inside", change.inside},
                        {"change-outside", change.outside},
                        {"dropped", dropped}});
  ImageBatch pairs = with;
  append_images(pairs, without);
  results.picture("drop.png", "New samples with the object, and below them the same without", pairs, options.fresh);
  std::set<int64_t> boxed;
  for (const Box& box : boxes) boxed.insert(box.image);
  const std::vector<int64_t> shown(boxed.begin(), boxed.end());
  constexpr int64_t kColumns = 8;
  results.picture("drop-boxes.png", "The samples with boxes, and beside them the same without the object",
                  beside(chosen_images(with_boxes(before, boxes), shown), chosen_images(after, shown), kColumns),
                  beside_columns(kColumns));
  ArrayFile arrays;
  arrays.arrays["weights"] = {{maps.channels}, regression.weights};
  arrays.arrays["z"] = {{options.fresh, generator.nz()}, fresh};
  results.arrays("drop.h5", arrays);
  results.finish(text_of(dropped.size(), " of ", maps.channels, " maps of layer ", layer,
                         " dropped; regression right on ", cli::to_text(100 * regression.accuracy), "% of places in ",
                         regression.held_out, " held-out samples; change of pixels inside the boxes ",
                         cli::to_text(change.inside), ", outside ", cli::to_text(change.outside), " levels\n"));
  return 0;
}

}  // namespace dcgan::explore_tool
