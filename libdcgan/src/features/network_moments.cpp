#include "features/network_moments.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/network_constants.h"
#include "dcgan/errors.h"
#include "features/pixel_input.h"
#include "kernels/convolution.h"
#include "parallel/float_buffer.h"
#include "parallel/thread_pool.h"

namespace dcgan::features {
namespace {

using kernels::Convolution;
using kernels::FilterLayout;
using kernels::MapShape;
using parallel::FloatBuffer;
using parallel::ThreadPool;

int64_t round_up(int64_t x, int64_t multiple) { return (x + multiple - 1) / multiple * multiple; }

/// float32 [images, size, size, stride], of which `channels` count; the others are 0.
struct Maps {
  Maps(int64_t image_count, int64_t side, int64_t channel_count, int64_t pixel_stride)
      : images(image_count),
        size(side),
        channels(channel_count),
        stride(pixel_stride),
        values(image_count * side * side * pixel_stride) {}
  int64_t image_floats() const { return size * size * stride; }
  float* image(int64_t i) const { return values.data() + i * image_floats(); }
  float* pixel(int64_t i, int64_t y, int64_t x) const { return image(i) + (y * size + x) * stride; }

  int64_t images, size, channels, stride;
  FloatBuffer values;
};

/// What is done to the maps before or after a layer.
enum class Reshape {
  kNone,
  kFlatten,    ///< [C, H, W] becomes one pixel of C * H * W channels
  kUnflatten,  ///< back, to the generator's first maps
  kMean,       ///< one pixel: the mean of each map
  kHalve,      ///< max-pooled by 2x2
  kDouble,     ///< nearest-neighbour upsampling
  kStuff,      ///< zeros between the pixels: for a fractionally strided convolution without an algorithm of its own
};

/// Reshapings around a layer, and their sizes.
struct Reshapes {
  Reshape before = Reshape::kNone;
  Reshape between = Reshape::kNone;  ///< the layer's sums and its norm
  Reshape after = Reshape::kNone;
  int64_t side = 0;    ///< of unflattened maps
  int64_t factor = 2;  ///< of stuffed ones
};

/// A convolution, or a dense layer as one of a single pixel, with what follows it.
struct Layer {
  size_t number;  ///< of MomentAverage
  Reshapes reshapes;
  Convolution convolution;
  FloatBuffer weights, transformed;
  std::vector<float> bias;          ///< [panels of channels]
  std::vector<float> scale, shift;  ///< of batch norm, [channels]
  LayerEnd end;
};

}  // namespace

struct NetworkMoments::Impl {
  explicit Impl(int64_t threads) : kernels(kernels::best_kernels()), pool(threads) {}

  /// The tensors of a layer, and how it is built.
  struct Plan {
    std::string weight, norm;  ///< names in the model; no norm: no batch norm
    ConvolutionShape shape = {};
    bool transposed = false;  ///< fractionally strided, weights [I, O, k, k]
    Reshapes reshapes = {};
  };
  void add_layer(const ModelFile& model, size_t number, const Plan& plan);
  /// @param shape  as a convolution of a single pixel
  void add_dense(const ModelFile& model, size_t number, const Plan& plan);

  void run(Maps maps, MomentAverage& average);
  Maps reshape(const Maps& maps, Reshape how, int64_t side);
  Maps convolve(const Layer& layer, const Maps& maps);
  Moments moments(const Maps& maps);
  void normalise(const Layer& layer, const Moments& moments, Maps& maps);
  Maps resized(const Maps& maps, Reshape how, int64_t factor);
  template <class Work>
  void for_each_image(const Maps& maps, const Work& work) {
    pool.run(maps.images, work);
  }

  const kernels::Kernels& kernels;
  ThreadPool pool;
  std::vector<Layer> layers;  ///< up to the last one with batch norm
  int64_t input_size = 1;
  int64_t input_channels = 3;
  PixelInput pixels{InputOptions()};
};

void NetworkMoments::Impl::add_layer(const ModelFile& model, size_t number, const Plan& plan) {
  const ConvolutionShape& s = plan.shape;
  const int64_t area = s.kernel * s.kernel;
  const int64_t in_stride = layers.empty() ? input_channels : round_up(s.in_channels, kernels.panel);
  MapShape shape = {s.in_channels, s.out_channels,  s.kernel,
                    s.stride,      plan.transposed, s.size_in,
                    s.size_out,    in_stride,       round_up(s.out_channels, kernels.panel),
                    s.pad_before};
  FilterLayout layout = {area, s.in_channels * area, 1};
  const std::vector<float> filters = model.tensors.at(plan.weight).to_floats();
  const float* first = filters.data();
  Reshapes reshapes = plan.reshapes;
  if (plan.transposed) {
    layout = {s.out_channels * area, area, 1};
    const bool has_adjoint = s.kernel > 1 && s.pad_before == (s.kernel - 1) / 2 && s.size_out == s.size_in * s.stride &&
                             kernels.method(s.kernel, s.stride, true, s.size_out).kernel == s.kernel;
    if (!has_adjoint) {
      // The same sums by a convolution of stride 1, with the kernel turned by 180 degrees, over the stuffed map.
      shape.adjoint = false;
      shape.stride = 1;
      shape.size_in = s.size_in * s.stride;
      shape.pad_before = s.kernel - 1 - s.pad_before;
      layout.tap = -1;
      first += area - 1;
      if (s.stride > 1) {
        reshapes.before = Reshape::kStuff;
        reshapes.factor = s.stride;
      }
    }
  }
  Layer layer{number, reshapes, {kernels, shape}, {}, {}, {}, {}, {}, s};
  layer.weights = FloatBuffer(layer.convolution.weight_floats());
  layer.transformed = FloatBuffer(layer.convolution.transformed_floats());
  pool.run(layer.convolution.panels(), [&](int64_t panel, int64_t) {
    layer.convolution.pack(first, layout, panel, layer.weights.data());
    layer.convolution.transform(layer.weights.data(), panel, layer.transformed.data());
  });
  if (s.bias) {
    const std::string layer_name = plan.weight.substr(0, plan.weight.rfind('.'));
    const std::vector<float> values = model.tensors.at(layer_name + ".bias").to_floats();
    const int64_t units = s.out_channels / static_cast<int64_t>(values.size());  // of a value: those of its map
    for (const float value : values) layer.bias.insert(layer.bias.end(), static_cast<size_t>(units), value);
  }
  layer.bias.resize(static_cast<size_t>(shape.out_stride), 0.0F);
  if (s.batch_norm) {
    layer.scale = model.tensors.at(plan.norm + ".weight").to_floats();
    layer.shift = model.tensors.at(plan.norm + ".bias").to_floats();
  }
  layers.push_back(std::move(layer));
}

void NetworkMoments::Impl::add_dense(const ModelFile& model, size_t number, const Plan& plan) {
  const std::vector<int64_t>& shape = model.tensors.at(plan.weight).shape;  // [units, inputs], or [inputs, C, k, k]
  const int64_t units = shape.size() == 2 ? shape[0] : shape[1] * shape[2] * shape[3];
  Plan dense = plan;
  dense.shape.in_channels = shape.size() == 2 ? shape[1] : shape[0];
  dense.shape.out_channels = units;
  dense.shape.size_in = dense.shape.size_out = 1;
  dense.transposed = shape.size() != 2;
  add_layer(model, number, dense);
}

/// Between maps and a single pixel.
Maps NetworkMoments::Impl::reshape(const Maps& maps, Reshape how, int64_t unflattened) {
  const int64_t area = how == Reshape::kUnflatten ? unflattened * unflattened : maps.size * maps.size;
  const int64_t channels = how == Reshape::kFlatten ? maps.channels * area
                           : how == Reshape::kMean  ? maps.channels
                                                    : maps.channels / area;
  const int64_t side = how == Reshape::kUnflatten ? unflattened : 1;
  Maps result(maps.images, side, channels, round_up(channels, kernels.panel));
  for_each_image(maps, [&](int64_t i) {
    const float* const from = maps.image(i);
    float* const to = result.image(i);
    std::fill_n(to, result.image_floats(), 0.0F);
    for (int64_t c = 0; c < std::min(maps.channels, channels); ++c) {
      double sum = 0;
      for (int64_t p = 0; p < area; ++p) {
        if (how == Reshape::kUnflatten) to[p * result.stride + c] = from[c * area + p];
        if (how == Reshape::kFlatten) to[c * area + p] = from[p * maps.stride + c];
        if (how == Reshape::kMean) sum += double{from[p * maps.stride + c]};
      }
      if (how == Reshape::kMean) to[c] = static_cast<float>(sum / static_cast<double>(area));
    }
  });
  return result;
}

/// To half the side, twice it, or `factor` times it.
Maps NetworkMoments::Impl::resized(const Maps& maps, Reshape how, int64_t factor) {
  const int64_t times = how == Reshape::kStuff ? factor : 2;
  const int64_t side = how == Reshape::kHalve ? maps.size / 2 : maps.size * times;
  Maps result(maps.images, side, maps.channels, maps.stride);
  for_each_image(maps, [&](int64_t i) {
    for (int64_t y = 0; y < side; ++y) {
      for (int64_t x = 0; x < side; ++x) {
        float* const to = result.pixel(i, y, x);
        if (how == Reshape::kStuff && (y % times != 0 || x % times != 0)) {
          std::fill_n(to, maps.stride, 0.0F);
        } else if (how != Reshape::kHalve) {
          std::copy_n(maps.pixel(i, y / times, x / times), maps.stride, to);
        } else {
          const float* const a = maps.pixel(i, 2 * y, 2 * x);
          const float* const b = maps.pixel(i, 2 * y + 1, 2 * x);
          for (int64_t c = 0; c < maps.stride; ++c) {
            to[c] = std::max(std::max(a[c], a[maps.stride + c]), std::max(b[c], b[maps.stride + c]));
          }
        }
      }
    }
  });
  return result;
}

Maps NetworkMoments::Impl::convolve(const Layer& layer, const Maps& maps) {
  const Convolution& c = layer.convolution;
  const MapShape& shape = c.shape();
  Maps out(maps.images, shape.size_out, shape.out_channels, shape.out_stride);
  const bool norm_first = layer.end.batch_norm && !layer.end.norm_last;
  const float slope = norm_first ? 1.0F : static_cast<float>(layer.end.slope);
  const Convolution::Pass pass = {layer.weights.data(), layer.transformed.data(), layer.bias.data(), slope,
                                  maps.values.data(),   out.values.data()};
  const FloatBuffer scratch(c.scratch_floats() * pool.threads());
  const int64_t tiles = maps.images * c.tiles_per_image();
  pool.run((tiles + c.block() - 1) / c.block(), [&](int64_t item, int64_t thread) {
    const kernels::Range block = {item * c.block(), std::min((item + 1) * c.block(), tiles)};
    c.run(pass, block, c.all_panels(), scratch.data() + thread * c.scratch_floats());
  });
  return out;
}

Moments NetworkMoments::Impl::moments(const Maps& maps) {
  struct Sums {
    double values = 0, squares = 0;
  };
  const auto channels = static_cast<size_t>(maps.channels);
  std::vector<Sums> images(static_cast<size_t>(maps.images) * channels);
  for_each_image(maps, [&](int64_t i) {
    Sums* const sums = images.data() + static_cast<size_t>(i) * channels;
    for (int64_t p = 0; p < maps.size * maps.size; ++p) {
      const float* const pixel = maps.image(i) + p * maps.stride;
      for (size_t c = 0; c < channels; ++c) {
        const double value = pixel[c];
        sums[c].values += value;
        sums[c].squares += value * value;
      }
    }
  });
  Moments moments;
  const auto count = static_cast<double>(maps.images * maps.size * maps.size);
  for (size_t c = 0; c < channels; ++c) {
    Sums sum;
    for (size_t at = c; at < images.size(); at += channels) {
      sum.values += images[at].values;
      sum.squares += images[at].squares;
    }
    const double mean = sum.values / count;
    moments.mean.push_back(static_cast<float>(mean));
    moments.variance.push_back(static_cast<float>(std::max(0.0, sum.squares / count - mean * mean)));
  }
  return moments;
}

void NetworkMoments::Impl::normalise(const Layer& layer, const Moments& moments, Maps& maps) {
  std::vector<float> scale, shift;
  for (size_t c = 0; c < layer.scale.size(); ++c) {
    const double factor = double{layer.scale[c]} / std::sqrt(double{moments.variance[c]} + layer.end.epsilon);
    scale.push_back(static_cast<float>(factor));
    shift.push_back(static_cast<float>(double{layer.shift[c]} - factor * double{moments.mean[c]}));
  }
  const float slope = layer.end.norm_last ? 1.0F : static_cast<float>(layer.end.slope);
  for_each_image(maps, [&](int64_t i) {
    for (int64_t p = 0; p < maps.size * maps.size; ++p) {
      float* const pixel = maps.image(i) + p * maps.stride;
      for (size_t c = 0; c < scale.size(); ++c) {
        const float value = pixel[c] * scale[c] + shift[c];
        pixel[c] = value > 0 ? value : value * slope;
      }
    }
  });
}

void NetworkMoments::Impl::run(Maps maps, MomentAverage& average) {
  for (const Layer& layer : layers) {
    const auto change = [&](Reshape how) {
      if (how == Reshape::kNone) return;
      const bool side_only = how == Reshape::kHalve || how == Reshape::kDouble || how == Reshape::kStuff;
      maps = side_only ? resized(maps, how, layer.reshapes.factor) : reshape(maps, how, layer.reshapes.side);
    };
    change(layer.reshapes.before);
    maps = convolve(layer, maps);
    change(layer.reshapes.between);
    if (layer.end.batch_norm) {
      const Moments found = moments(maps);
      average.add(layer.number, found);
      normalise(layer, found, maps);
    }
    change(layer.reshapes.after);
  }
}

NetworkMoments NetworkMoments::of_discriminator(const ModelFile& model, int64_t threads) {
  auto impl = std::make_unique<Impl>(threads);
  const DiscriminatorLayers all = discriminator_layers(model.architecture);
  const size_t count = all.convolutions.size();
  impl->input_size = model.architecture.image_size;
  impl->input_channels = model.architecture.input.channels;
  impl->pixels = PixelInput(model.architecture.input);
  const auto name = [&](size_t layer) { return batch_norm_name("discriminator", layer, count); };
  for (size_t i = 1; i <= static_cast<size_t>(model.convolutions); ++i) {
    Impl::Plan plan{text_of("discriminator.conv", i, ".weight"), name(i), all.convolutions[i - 1]};
    plan.shape.size_out *= plan.shape.resize;  // before pooling
    if (plan.shape.resize > 1) plan.reshapes.after = Reshape::kHalve;
    impl->add_layer(model, i, plan);
  }
  const bool whole = static_cast<size_t>(model.convolutions) == count;
  if (whole && all.hidden && all.hidden->batch_norm) {
    Impl::Plan plan{"discriminator.hidden.weight", name(count + 1)};
    static_cast<LayerEnd&>(plan.shape) = *all.hidden;
    plan.reshapes.before = all.average_pool ? Reshape::kMean : Reshape::kFlatten;
    impl->add_dense(model, count + 1, plan);
  }
  while (!impl->layers.empty() && !impl->layers.back().end.batch_norm) impl->layers.pop_back();
  return NetworkMoments(std::move(impl));
}

NetworkMoments NetworkMoments::of_generator(const ModelFile& model, int64_t threads) {
  auto impl = std::make_unique<Impl>(threads);
  const GeneratorLayers all = generator_layers(model.architecture);
  const size_t count = all.convolutions.size();
  impl->input_channels = model.architecture.nz;
  const auto name = [&](size_t layer) { return batch_norm_name("generator", layer, count); };
  if (all.hidden) {
    Impl::Plan plan{"generator.hidden.weight", name(count + 1)};
    static_cast<LayerEnd&>(plan.shape) = *all.hidden;
    impl->add_dense(model, count + 1, plan);
  }
  Impl::Plan projection{"generator.project.weight", name(0)};
  static_cast<LayerEnd&>(projection.shape) = all.project;
  projection.reshapes.side = all.project.size;
  (all.project.norm_per_unit ? projection.reshapes.after : projection.reshapes.between) = Reshape::kUnflatten;
  impl->add_dense(model, 0, projection);
  for (size_t i = 1; i <= count; ++i) {
    Impl::Plan plan{text_of("generator.deconv", i, ".weight"), name(i), all.convolutions[i - 1], /*transposed=*/true};
    plan.shape.size_in *= plan.shape.resize;
    if (plan.shape.resize > 1) plan.reshapes.before = Reshape::kDouble;
    impl->add_layer(model, i, plan);
  }
  while (!impl->layers.empty() && !impl->layers.back().end.batch_norm) impl->layers.pop_back();
  return NetworkMoments(std::move(impl));
}

NetworkMoments::NetworkMoments(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
NetworkMoments::~NetworkMoments() = default;
NetworkMoments::NetworkMoments(NetworkMoments&&) noexcept = default;
NetworkMoments& NetworkMoments::operator=(NetworkMoments&&) noexcept = default;

void NetworkMoments::add(const uint8_t* images, int64_t count, MomentAverage& average) {
  const int64_t channels = impl_->input_channels;
  Maps maps(count, impl_->input_size, channels, channels);
  impl_->pixels.convert(images, count * maps.size * maps.size, maps.values.data());
  impl_->run(std::move(maps), average);
}

void NetworkMoments::add_noise(const std::vector<float>& noise, MomentAverage& average) {
  Maps maps(static_cast<int64_t>(noise.size()) / impl_->input_channels, 1, impl_->input_channels,
            impl_->input_channels);
  std::copy(noise.begin(), noise.end(), maps.values.data());
  impl_->run(std::move(maps), average);
}

}  // namespace dcgan::features
