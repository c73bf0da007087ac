#include <algorithm>
#include <numeric>

#include "dcgan/errors.h"
#include "dcgan/feature_extractor.h"
#include "dcgan/pictures.h"
#include "dcgan/seeds.h"
#include "dcgan/statistics.h"
#include "dcgan/train_library.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/cli/shipped_files.h"
#include "tools/explore/commands.h"
#include "tools/explore/generator.h"
#include "tools/explore/image_rows.h"
#include "tools/explore/results.h"

namespace dcgan::explore_tool {
namespace {

using nlohmann::ordered_json;

struct GuidedOptions {
  std::string model = cli::kDefaultModel;
  int64_t layer = 0;                                   ///< 0: the last
  std::vector<int64_t> channels = {0, 1, 2, 3, 4, 5};  ///< arXiv:1511.06434, figure 5
  int64_t strongest = 5;
  int64_t scale = 2;
};

template <class Visitor>
void describe(GuidedOptions& o, Visitor&& f) {
  f(o.model, "model", "model file (.safetensors), a run folder, or the name of one that ships");
  f(o.layer, "layer", "convolution, 1-based; 0: the last");
  f(o.channels, "channels", "of that layer, from 0; a row each");
  f(o.strongest, "strongest", "images for each channel, those with the strongest responses");
  f(o.scale, "scale", "side of a pixel of the image in the pictures");
}

constexpr int64_t kImagesAtOnce = 256;
constexpr int64_t kStatisticsImages = 2560;  // 20 minibatches, from which the untrained network's are inferred

/// Strongest response of each channel to each image that can be read: float32 [numbers.size(), C].
struct Responses {
  std::vector<int64_t> numbers;
  std::vector<float> values;
  int64_t channels = 0;
  std::vector<Failure> failures;

  /// The images to which a channel answers most, strongest first.
  std::vector<int64_t> strongest(int64_t channel, int64_t count) const {
    std::vector<size_t> order(numbers.size());
    std::iota(order.begin(), order.end(), size_t{0});
    const auto response = [&](size_t i) {
      return values[i * static_cast<size_t>(channels) + static_cast<size_t>(channel)];
    };
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return response(a) > response(b); });
    std::vector<int64_t> found;
    for (size_t i = 0; i < order.size() && static_cast<int64_t>(i) < count; ++i) found.push_back(numbers[order[i]]);
    return found;
  }
};

Responses responses_to(const PreparedImages& images, const ModelFile& model, int64_t layer,
                       const cli::CommonOptions& common) {
  FeatureOptions options;
  options.layers = {layer};
  options.grid = 1;
  options.threads = common.threads;
  options.device = common.device;
  FeatureExtractor extractor(model, options);
  Responses all;
  all.channels = extractor.feature_count();
  cli::Progress progress("images", images.count(), common);
  for (int64_t first = 0; first < images.count(); first += kImagesAtOnce) {
    cli::stop_if_interrupted();
    const PreparedImages::Part part = images.part(first, std::min(kImagesAtOnce, images.count() - first));
    const size_t before = all.values.size();
    all.values.resize(before + part.numbers.size() * static_cast<size_t>(all.channels));
    const ImageBatch& batch = part.images;
    extractor.extract(batch.pixels.data(), batch.count(), batch.width, batch.height, 0, all.values.data() + before);
    all.numbers.insert(all.numbers.end(), part.numbers.begin(), part.numbers.end());
    all.failures.insert(all.failures.end(), part.failures.begin(), part.failures.end());
    progress.update(first + kImagesAtOnce);
  }
  return all;
}

/// The same network before training, with statistics of these images.
ModelFile untrained_model(const ModelFile& model, const PreparedImages& images, const std::vector<int64_t>& numbers,
                          const cli::CommonOptions& common) {
  ModelFile untrained = train_library("the untrained network").initialised_model(model.architecture, common.seed);
  std::vector<int64_t> chosen;
  for (const int64_t i : shuffled_indices(static_cast<int64_t>(numbers.size()), common.seed)) {
    if (static_cast<int64_t>(chosen.size()) < kStatisticsImages) chosen.push_back(numbers[i]);
  }
  const ImageBatch batch = images.images(chosen);
  int64_t taken = 0;
  const int64_t bytes = batch.height * batch.width * 3;
  infer_statistics(untrained,
                   [&](uint8_t* pixels, int64_t capacity) {
                     const int64_t count = std::min(capacity, batch.count() - taken);
                     std::copy_n(batch.pixels.data() + taken * bytes, count * bytes, pixels);
                     taken += count;
                     return count;
                   },
                   {"images", common.seed, common.threads});
  return untrained;
}

/// What one network answers to.
struct Side {
  ImageBatch gradients, images;
  std::vector<float> values;  ///< float32 [channels, strongest, 3, H, W]
  ordered_json channels = ordered_json::array();
};

struct Request {
  const GuidedOptions& options;
  const PreparedImages& images;
  const cli::CommonOptions& common;
};

Side look(const Request& r, const ModelFile& model, const Responses& responses) {
  const auto networks = open_networks(model, false, r.common);
  Side side;
  for (const int64_t channel : r.options.channels) {
    const std::vector<int64_t> numbers = responses.strongest(channel, r.options.strongest);
    const ImageBatch images = r.images.images(numbers);
    const GuidedGradients guided = networks->guided_gradients(network_input(images), r.options.layer, channel);
    append_images(side.gradients, images_of_values(guided.gradients, images.height));
    append_images(side.images, images);
    side.values.insert(side.values.end(), guided.gradients.begin(), guided.gradients.end());
    ordered_json row = {{"channel", channel}, {"images", ordered_json::array()}};
    for (size_t i = 0; i < numbers.size(); ++i) {
      row["images"].push_back(
          {{"path", r.images.path(numbers[i])}, {"response", guided.responses[i]}, {"position", guided.positions[i]}});
    }
    side.channels.push_back(row);
  }
  return side;
}

void check(GuidedOptions& o, const ModelFile& model) {
  const std::string layers = text_of("from 1 to ", model.convolutions, ", the convolutions of the model");
  require_option(o.layer >= 0 && o.layer <= model.convolutions, "layer", o.layer, layers);
  if (o.layer == 0) o.layer = model.convolutions;
  const int64_t channels = discriminator_convolutions(model.architecture)[o.layer - 1].out_channels;
  if (o.channels.empty()) throw OptionError("--channels names none; layer ", o.layer, " has ", channels, ", from 0.");
  for (const int64_t channel : o.channels) {
    require_option(channel >= 0 && channel < channels, "channels", channel,
                   text_of("from 0 to ", channels - 1, " in layer ", o.layer));
  }
}

}  // namespace

int guided_command(cli::CommandLine& line) {
  GuidedOptions options;
  ResultOptions output;
  std::vector<std::string> inputs;
  line.about(
      "Guided backpropagation (Springenberg et al. 2014): of the images to which a channel of the discriminator "
      "answers "
      "most strongly, the parts that it answers to; beside the same of the untrained network (Radford et al. 2016, "
      "figure 5). With LeakyReLU a gradient passes only where both the activation and the gradient are positive.",
      "photos/ --layer 6 --channels 0,1,2 --out pictures");
  line.positional(inputs, "IMAGES", "files, folders (recursive), one .tar archive or one packed file", 1);
  line.add("Guided backpropagation", options);
  line.add("Output", output);
  line.require(output.out, "--out", "the folder that gets guided.png");
  if (!line.parse()) return 0;
  require_option(options.strongest >= 1 && options.strongest <= 1000, "strongest", options.strongest,
                 "from 1 to 1,000");
  require_option(options.scale >= 1 && options.scale <= 16, "scale", options.scale, "from 1 to 16");
  const cli::CommonOptions& common = line.common();
  Results results(line, output, {"guided.png", "guided-images.png", "guided.h5"});
  const ModelFile model = load_model(cli::model_file("--model", options.model));
  check(options, model);
  data::ResizeOptions resize;
  resize.size = model.architecture.image_size;
  resize.resize = model.architecture.input.resize;
  const PreparedImages images(inputs, resize, common);
  const Responses learned = responses_to(images, model, options.layer, common);
  if (learned.numbers.empty()) throw FileError(inputs.front(), "holds no image that can be read.");
  options.strongest = std::min(options.strongest, static_cast<int64_t>(learned.numbers.size()));
  for (const Failure& f : learned.failures) cli::log(common.quiet, f.path + ": " + f.reason);
  const ModelFile untrained = untrained_model(model, images, learned.numbers, common);
  const Request request = {options, images, common};
  const Side trained_side = look(request, model, learned);
  const Side random_side = look(request, untrained, responses_to(images, untrained, options.layer, common));

  results.facts.update({{"model-sha256", model.sha256},
                        {"layer", options.layer},
                        {"images", learned.numbers.size()},
                        {"failures", learned.failures.size()},
                        {"learned", trained_side.channels},
                        {"random", random_side.channels}});
  const int64_t columns = beside_columns(options.strongest);
  const auto sides = [&](const ImageBatch& left, const ImageBatch& right) {
    return enlarged(beside(left, right, options.strongest), options.scale);
  };
  results.picture("guided.png", "What channels answer to, a row each: the trained network, and the untrained one",
                  sides(trained_side.gradients, random_side.gradients), columns);
  results.picture("guided-images.png", "The images of these", sides(trained_side.images, random_side.images), columns);
  ArrayFile arrays;
  const std::vector<int64_t> shape = {static_cast<int64_t>(options.channels.size()), options.strongest, 3, resize.size,
                                      resize.size};
  arrays.arrays["learned"] = {shape, trained_side.values};
  arrays.arrays["random"] = {shape, random_side.values};
  results.arrays("guided.h5", arrays);
  results.finish(text_of(options.channels.size(), " channels of layer ", options.layer, ", strongest of ",
                         learned.numbers.size(), " images\n"));
  return learned.failures.empty() ? 0 : cli::kSomeInputsFailed;
}

}  // namespace dcgan::explore_tool
