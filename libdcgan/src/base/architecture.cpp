#include "dcgan/architecture.h"

#include <algorithm>
#include <map>
#include <utility>

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

}  // namespace

void check(const ArchitectureOptions& o) {
  require_option(is_power_of_two(o.image_size) && o.image_size >= 8 && o.image_size <= 1024, "image-size", o.image_size,
                 "a power of two from 8 to 1024");
  require_option(o.kernel % 2 == 1 && o.kernel >= 1 && o.kernel <= 15, "kernel", o.kernel, "odd, from 1 to 15");
  require_option(o.convs_per_scale >= 1 && o.convs_per_scale <= 16, "convs-per-scale", o.convs_per_scale,
                 "from 1 to 16");
  require_option(o.ndf >= 1 && o.ndf <= 4096, "ndf", o.ndf, "from 1 to 4096");
  require_option(o.ngf >= 1 && o.ngf <= 4096, "ngf", o.ngf, "from 1 to 4096");
  require_option(o.nz >= 1 && o.nz <= 65536, "nz", o.nz, "from 1 to 65536");
  const int64_t hidden = o.guidelines.hidden_dense;
  require_option(hidden >= 0 && hidden <= 65536, "hidden-dense", hidden, "from 0 to 65536");
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

std::vector<ConvolutionShape> discriminator_convolutions(const ArchitectureOptions& o) {
  check(o);
  std::vector<ConvolutionShape> layers;
  int64_t in = 3;
  int64_t width = o.ndf;
  for (int64_t size = o.image_size; size > kBaseSize; size /= 2, width *= 2) {
    for (int64_t i = 0; i < o.convs_per_scale; ++i) {
      const int64_t scale = i + 1 == o.convs_per_scale ? 2 : 1;
      const bool strided = o.guidelines.scaling == Scaling::kStrides;
      layers.push_back({in, width, o.kernel, strided ? scale : 1, size, size / scale,
                        o.guidelines.batch_norm != NormalizedLayers::kNone, strided ? 1 : scale});
      in = width;
    }
  }
  layers.front().batch_norm = o.guidelines.batch_norm == NormalizedLayers::kAll;
  return layers;
}

std::vector<ConvolutionShape> generator_convolutions(const ArchitectureOptions& o) {
  ArchitectureOptions mirror = o;
  mirror.ndf = o.ngf;
  std::vector<ConvolutionShape> layers = discriminator_convolutions(mirror);
  std::reverse(layers.begin(), layers.end());
  for (ConvolutionShape& layer : layers) {
    std::swap(layer.in_channels, layer.out_channels);
    std::swap(layer.size_in, layer.size_out);
    layer.batch_norm = o.guidelines.batch_norm != NormalizedLayers::kNone;
  }
  layers.back().batch_norm = o.guidelines.batch_norm == NormalizedLayers::kAll;
  return layers;
}

int64_t dense_inputs(const ArchitectureOptions& options) {
  const int64_t channels = discriminator_convolutions(options).back().out_channels;
  return options.guidelines.head == Head::kFlatten ? channels * kBaseSize * kBaseSize : channels;
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
