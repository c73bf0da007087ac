#include "dcgan/architecture.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "base/network_constants.h"
#include "dcgan/errors.h"
#include "dcgan/options.h"

namespace dcgan {
namespace {

bool is_power_of_two(int64_t x) { return x > 0 && (x & (x - 1)) == 0; }

const std::map<std::string, ArchitectureOptions>& published() {
  static const std::map<std::string, ArchitectureOptions> models = {
      // arXiv:1511.06434 section 5.1; authors' imagenet/load_pretrained.py and released weights.
      {"imagenet32", {32, 3, 2, 128, 128, 256, Latent::kUniform}},
      // arXiv:1511.06434 figure 1 for the generator; the discriminator is that of the authors' faces script (inferred).
      {"lsun64", {64, 5, 1, 128, 128, 100, Latent::kUniform}},
      // Authors' faces/train_uncond_dcgan.py.
      {"faces64", {64, 5, 1, 128, 128, 100, Latent::kUniform}},
      // Authors' svhn/svhn_semisup_analysis.py and released weights.
      {"svhn32", {32, 5, 1, 64, 64, 100, Latent::kNormal}},
  };
  return models;
}

void check_input(const InputOptions& o) {
  require_option(o.channels == 1 || o.channels == 3, "input-channels", o.channels, "1 (grey) or 3");
  require_option(o.order == ChannelOrder::kRgb || o.channels == 3, "input-order", to_name(o.order),
                 "rgb where --input-channels is 1");
  const auto check_values = [&](const std::vector<double>& values, const char* flag, double least) {
    const auto count = static_cast<int64_t>(values.size());
    if (count != 1 && count != o.channels) {
      throw OptionError(text_of("--", flag, " has ", count, " numbers; it must have one, or one for each of ",
                                o.channels, " channels."));
    }
    for (const double value : values) {
      require_option(value >= least && value <= 1000, flag, value, least > 0 ? "from 1e-6 to 1000" : "from 0 to 1000");
    }
  };
  check_values(o.mean, "input-mean", 0);
  check_values(o.deviation, "input-deviation", 1e-6);
}

void check_family(const ArchitectureOptions& o) {
  require_option(is_power_of_two(o.image_size) && o.image_size >= 8 && o.image_size <= 1024, "image-size", o.image_size,
                 "a power of two from 8 to 1024; --network makes networks for others");
  require_option(o.kernel % 2 == 1 && o.kernel >= 1 && o.kernel <= 15, "kernel", o.kernel,
                 "odd, from 1 to 15; --network makes networks of others");
  require_option(o.convs_per_scale >= 1 && o.convs_per_scale <= 16, "convs-per-scale", o.convs_per_scale,
                 "from 1 to 16");
  require_option(o.ndf >= 1 && o.ndf <= 4096, "ndf", o.ndf, "from 1 to 4096");
  require_option(o.ngf >= 1 && o.ngf <= 4096, "ngf", o.ngf, "from 1 to 4096");
  const int64_t hidden = o.guidelines.hidden_dense;
  require_option(hidden >= 0 && hidden <= 65536, "hidden-dense", hidden, "from 0 to 65536");
  if (!o.generator_network.empty()) {
    throw OptionError("--generator-network has no effect without --network, the discriminator beside it.");
  }
}

// What says widths, depth and guidelines is the list alone.
void check_list(const ArchitectureOptions& o) {
  require_option(o.image_size >= 1 && o.image_size <= 1024, "image-size", o.image_size, "from 1 to 1024");
  const ArchitectureOptions none;
  const auto refuse = [](bool there, const char* flag) {
    if (there) throw OptionError(text_of("--", flag, " has no effect with --network, which says all layers."));
  };
  refuse(o.kernel != none.kernel, "kernel");
  refuse(o.convs_per_scale != none.convs_per_scale, "convs-per-scale");
  refuse(o.ndf != none.ndf, "ndf");
  refuse(o.ngf != none.ngf, "ngf");
  const GuidelineOptions& g = o.guidelines;
  refuse(g.scaling != none.guidelines.scaling, "scaling");
  refuse(g.batch_norm != none.guidelines.batch_norm, "batch-norm");
  refuse(g.hidden_dense != none.guidelines.hidden_dense, "hidden-dense");
  refuse(g.head != none.guidelines.head, "head");
  refuse(g.activation != none.guidelines.activation, "activation");
}

// @param flag  whose text it is
template <class Layers>
Layers listed(const char* flag, const std::function<Layers()>& layers) {
  try {
    return layers();
  } catch (const OptionError&) {
    throw;
  } catch (const Error& error) {
    throw OptionError(text_of("--", flag, ": ", error.what()));
  }
}

DiscriminatorLayers listed_discriminator(const ArchitectureOptions& o) {
  return listed<DiscriminatorLayers>("network", [&] {
    DiscriminatorLayers layers = parse_discriminator(o.network);
    complete(layers, {o.input.channels, o.image_size});
    return layers;
  });
}

GeneratorLayers listed_generator(const ArchitectureOptions& o) {
  if (o.generator_network.empty()) throw OptionError("--generator-network is missing: the list is a discriminator's.");
  return listed<GeneratorLayers>("generator-network", [&] {
    GeneratorLayers layers = parse_generator(o.generator_network);
    complete(layers, o.nz, {o.input.channels, o.image_size});
    return layers;
  });
}

}  // namespace

void check(const ArchitectureOptions& o) {
  check_input(o.input);
  require_option(o.nz >= 1 && o.nz <= 65536, "nz", o.nz, "from 1 to 65536");
  if (!o.is_list()) return check_family(o);
  check_list(o);
  listed_discriminator(o);
  if (!o.generator_network.empty()) listed_generator(o);
}

ArchitectureOptions published_architecture(const std::string& name) {
  const auto found = published().find(name);
  if (found != published().end()) return found->second;
  std::string known;
  for (const std::string& k : published_architecture_names()) known += (known.empty() ? "" : ", ") + k;
  throw OptionError("\"", name, "\" is no published architecture; known ones: ", known, ".");
}

const std::vector<std::string>& published_architecture_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& [name, options] : published()) all.push_back(name);
    return all;
  }();
  return names;
}

namespace {

constexpr double kOfTheGenerator = 0;  // ReLU

LayerEnd family_end(bool batch_norm, double slope) {
  LayerEnd end;
  end.batch_norm = batch_norm;
  end.epsilon = kBatchNormEpsilon;
  end.slope = slope;
  return end;
}

double discriminator_slope(const GuidelineOptions& o) { return o.activation == Activation::kRelu ? 0 : kLeakySlope; }

// Lowest first, with `width` channels at the lowest.
std::vector<ConvolutionShape> family_convolutions(const ArchitectureOptions& o, int64_t width) {
  const bool strided = o.guidelines.scaling == Scaling::kStrides;
  const bool batch_norm = o.guidelines.batch_norm != NormalizedLayers::kNone;
  std::vector<ConvolutionShape> layers;
  int64_t in = o.input.channels;
  for (int64_t size = o.image_size; size > kBaseSize; size /= 2, width *= 2) {
    for (int64_t i = 0; i < o.convs_per_scale; ++i) {
      const int64_t scale = i + 1 == o.convs_per_scale ? 2 : 1;
      ConvolutionShape c;
      static_cast<LayerEnd&>(c) = family_end(batch_norm, discriminator_slope(o.guidelines));
      c.in_channels = in;
      c.out_channels = width;
      c.kernel = o.kernel;
      c.stride = strided ? scale : 1;
      c.size_in = size;
      c.size_out = size / scale;
      c.resize = strided ? 1 : scale;
      c.pad_before = o.kernel / 2;
      c.pad_after = o.kernel / 2;
      layers.push_back(c);
      in = width;
    }
  }
  layers.front().batch_norm = o.guidelines.batch_norm == NormalizedLayers::kAll;
  return layers;
}

std::optional<DenseShape> family_hidden(const ArchitectureOptions& o, int64_t inputs, double slope) {
  if (o.guidelines.hidden_dense == 0) return std::nullopt;
  DenseShape hidden;
  static_cast<LayerEnd&>(hidden) = family_end(o.guidelines.batch_norm != NormalizedLayers::kNone, slope);
  hidden.inputs = inputs;
  hidden.outputs = o.guidelines.hidden_dense;
  return hidden;
}

}  // namespace

DiscriminatorLayers discriminator_layers(const ArchitectureOptions& o) {
  check(o);
  if (o.is_list()) return listed_discriminator(o);
  DiscriminatorLayers layers;
  layers.convolutions = family_convolutions(o, o.ndf);
  layers.average_pool = o.guidelines.head == Head::kAveragePool;
  const int64_t inputs = layers.convolutions.back().out_channels * (layers.average_pool ? 1 : kBaseSize * kBaseSize);
  layers.hidden = family_hidden(o, inputs, discriminator_slope(o.guidelines));
  layers.head.inputs = layers.hidden ? layers.hidden->outputs : inputs;
  layers.head.outputs = 1;
  return layers;
}

GeneratorLayers generator_layers(const ArchitectureOptions& o) {
  check(o);
  if (o.is_list()) return listed_generator(o);
  const bool batch_norm = o.guidelines.batch_norm != NormalizedLayers::kNone;
  GeneratorLayers layers;
  layers.convolutions = family_convolutions(o, o.ngf);
  std::reverse(layers.convolutions.begin(), layers.convolutions.end());
  for (ConvolutionShape& layer : layers.convolutions) {
    std::swap(layer.in_channels, layer.out_channels);
    std::swap(layer.size_in, layer.size_out);
    static_cast<LayerEnd&>(layer) = family_end(batch_norm, kOfTheGenerator);
    layer.pad_after -= layer.stride - 1;  // whose output is stride times its input
  }
  layers.convolutions.back().batch_norm = o.guidelines.batch_norm == NormalizedLayers::kAll;
  layers.convolutions.back().slope = 1;
  layers.hidden = family_hidden(o, o.nz, kOfTheGenerator);
  static_cast<LayerEnd&>(layers.project) = family_end(batch_norm, kOfTheGenerator);
  layers.project.channels = layers.convolutions.front().in_channels;
  layers.project.size = kBaseSize;
  layers.project.norm_per_unit = true;
  return layers;
}

std::vector<ConvolutionShape> discriminator_convolutions(const ArchitectureOptions& options) {
  return discriminator_layers(options).convolutions;
}

std::vector<ConvolutionShape> generator_convolutions(const ArchitectureOptions& options) {
  return generator_layers(options).convolutions;
}

int64_t feature_count(const ArchitectureOptions& options, const std::vector<int64_t>& layers, int64_t grid) {
  require_option(grid == 1 || grid == 2 || grid == 4, "grid", grid, "1, 2 or 4");
  const std::vector<ConvolutionShape> shapes = discriminator_convolutions(options);
  const auto count = static_cast<int64_t>(shapes.size());
  int64_t channels = 0;
  for (int64_t i = 1; i <= count; ++i) {
    if (layers.empty() || std::find(layers.begin(), layers.end(), i) != layers.end()) {
      channels += shapes[i - 1].out_channels;
    }
  }
  for (size_t i = 0; i < layers.size(); ++i) {
    require_option(layers[i] >= 1 && layers[i] <= count, "layers", layers[i],
                   text_of("a convolution of the model, from 1 to ", count));
    require_option(i == 0 || layers[i] > layers[i - 1], "layers", layers[i], "in rising order, each layer once");
  }
  return channels * grid * grid;
}

}  // namespace dcgan
