#include <algorithm>
#include <cmath>

#include "dcgan/errors.h"
#include "dcgan/feature_extractor.h"
#include "dcgan/latent_space.h"
#include "dcgan/pictures.h"
#include "tools/cli/command_line.h"
#include "tools/cli/text_values.h"
#include "tools/explore/commands.h"
#include "tools/explore/generator.h"
#include "tools/explore/results.h"

namespace dcgan::explore_tool {
namespace {

struct WalkCommandOptions : WalkOptions {
  int64_t points = 9;  ///< arXiv:1511.06434, figure 4
  int64_t columns = 10;
  int64_t milliseconds = 80;
  int64_t scale = 4;
};

template <class Visitor>
void describe(WalkCommandOptions& o, Visitor&& f) {
  f(o.points, "points", "random points that the path goes through, where --z does not give them");
  f(o.frames, "frames", "images of the path, evenly spread");
  f(o.closed, "closed", "the path goes back to its first point");
  f(o.interpolation, "interpolation", "between two points: linear, as the paper, or spherical");
  f(o.columns, "columns", "images side by side; the path goes on from row to row");
  f(o.milliseconds, "milliseconds", "that the animation shows each image");
  f(o.scale, "scale", "side of a pixel in the animation");
}

void check(const WalkCommandOptions& o) {
  require_option(o.points >= 2 && o.points <= 1000, "points", o.points, "from 2 to 1,000");
  require_option(o.frames >= 3 && o.frames <= 10'000, "frames", o.frames, "from 3 to 10,000");
  require_option(o.columns >= 1, "columns", o.columns, "positive");
  require_option(o.milliseconds >= 1 && o.milliseconds <= 10'000, "milliseconds", o.milliseconds, "from 1 to 10,000");
  require_option(o.scale >= 1 && o.scale <= 16, "scale", o.scale, "from 1 to 16");
}

/// Euclidean distances from each image to the next in the discriminator's features.
std::vector<double> feature_steps(const ModelFile& model, const ImageBatch& images, const cli::CommonOptions& common) {
  FeatureOptions options;
  options.threads = common.threads;
  options.device = common.device;
  FeatureExtractor extractor(model, options);
  const int64_t columns = extractor.feature_count();
  std::vector<float> features(images.count() * columns);
  extractor.extract(images.pixels.data(), images.count(), images.width, images.height, 0, features.data());
  std::vector<double> steps;
  for (int64_t i = 1; i < images.count(); ++i) {
    double squares = 0;
    for (int64_t c = 0; c < columns; ++c) {
      const double step = double{features[i * columns + c]} - double{features[(i - 1) * columns + c]};
      squares += step * step;
    }
    steps.push_back(std::sqrt(squares));
  }
  return steps;
}

}  // namespace

int walk_command(cli::CommandLine& line) {
  GeneratorOptions generator_options;
  WalkCommandOptions options;
  ResultOptions output;
  line.about(
      "One path through random points of the noise, as a grid and as an animation (Radford et al. 2016, figure 4). "
      "Sharp "
      "jumps from one image to the next are a sign of memorised images: the largest step between neighbours in the "
      "discriminator's features is given beside the mean one.",
      "--model run/model.safetensors --out pictures --seed 1");
  line.add("Generator", generator_options);
  line.add("Walk", options);
  line.add("Output", output);
  line.require(generator_options.model, "--model", "a model file with a generator");
  line.require(output.out, "--out", "the folder that gets walk.png");
  if (!line.parse()) return 0;
  check(options);
  Results results(line, output, {"walk.png", "walk.webp", "walk.h5"});
  const Generator generator(generator_options, line.common());
  const NamedNoise points = generator.noise(options.points);
  if (points.count() < 2) throw FileError(generator_options.z, "holds one point; a walk needs two.");

  NamedNoise path;
  path.z = walk(points.z, generator.nz(), options);
  for (int64_t i = 0; i < options.frames; ++i) path.names.push_back(text_of("frame-", i));
  const ImageBatch images = generator.images(path.z);
  const std::vector<double> steps = feature_steps(generator.model, images, line.common());
  double mean = 0;
  for (const double step : steps) mean += step / static_cast<double>(steps.size());
  const auto largest = std::max_element(steps.begin(), steps.end());
  const double ratio = mean > 0 ? *largest / mean : 0;

  generator.add_facts(results);
  results.facts.update({{"points", points.names},
                        {"frames", options.frames},
                        {"interpolation", to_name(options.interpolation)},
                        {"closed", options.closed},
                        {"largest-step", *largest},
                        {"mean-step", mean},
                        {"largest-to-mean", ratio},
                        {"largest-step-after-frame", largest - steps.begin()},
                        {"steps", steps}});
  results.picture("walk.png", text_of("A walk through ", points.count(), " points, row by row"), images,
                  options.columns);
  results.animation("walk.webp", "The same, one image after the other", enlarged(images, options.scale),
                    options.milliseconds);
  results.noise("walk.h5", path);
  results.finish("largest step " + cli::to_text(*largest) + ", mean step " + cli::to_text(mean) +
                 " in the discriminator's features: " + cli::to_text(ratio) + " times the mean\n");
  return 0;
}

}  // namespace dcgan::explore_tool
