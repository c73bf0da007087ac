#include "features/inference_engine.h"

#include <algorithm>
#include <utility>

#include "dcgan/errors.h"
#include "features/pixel_input.h"
#include "kernels/convolution.h"
#include "parallel/float_buffer.h"
#include "parallel/thread_pool.h"

namespace dcgan {
namespace {

using kernels::Convolution;
using kernels::Kernels;
using kernels::Range;
using parallel::FloatBuffer;
using parallel::ThreadPool;

int64_t round_up(int64_t x, int64_t multiple) { return (x + multiple - 1) / multiple * multiple; }

struct Layer {
  Convolution convolution;
  FloatBuffer weights;
  FloatBuffer transformed;  // from the first pass with many tiles on
  std::vector<float> bias;
  float slope = 1;
  std::vector<float> last_scale, last_shift;  // [out_channels], or empty
  int64_t pool = 1;
  int64_t feature_offset = -1;  // -1: not kept
};

void require(bool holds, size_t layer, const std::string& problem) {
  if (!holds) throw Error("convolution ", layer + 1, " ", problem);
}

void check_shapes(const std::vector<FoldedConvolution>& convolutions, int64_t channels) {
  for (size_t i = 0; i < convolutions.size(); ++i) {
    const FoldedConvolution& c = convolutions[i];
    require(c.in_channels == (i == 0 ? channels : convolutions[i - 1].out_channels), i,
            text_of("takes ", c.in_channels, " channels, which is not what lies below it"));
    require(c.out_channels > 0, i, "has no output channels");
    require(c.kernel > 0 && c.stride > 0, i, "has no kernel or no stride");
    require(c.pad_before >= 0 && c.pad_before < c.kernel && c.pad_after >= 0 && c.pad_after < c.kernel, i,
            "is padded by more than its kernel sees");
    require(c.size_in > 0 && c.size_in + c.pad_before + c.pad_after >= c.kernel, i,
            text_of("takes maps of side ", c.size_in, ", smaller than its kernel"));
    require(c.pool == 1 || (c.pool == 2 && c.size_out % 2 == 0), i,
            text_of("is pooled by ", c.pool, "; it must be 1, or 2 that divides its maps"));
    require(i == 0 || c.size_in == convolutions[i - 1].size_out / convolutions[i - 1].pool, i,
            "takes maps of another side than lie below it");
    require(c.size_out == (c.size_in + c.pad_before + c.pad_after - c.kernel) / c.stride + 1, i,
            "makes maps of another side than its kernel, stride and padding do");
    require(c.slope >= 0 && c.slope <= 1, i, "has a slope that is not from 0 to 1");
    require(
        c.last_scale.size() == c.last_shift.size() && (c.last_scale.empty() || c.last_scale.size() == c.bias.size()), i,
        "has a batch norm of another number of channels");
    require(static_cast<int64_t>(c.weight.size()) == c.out_channels * c.in_channels * c.kernel * c.kernel, i,
            text_of("has ", c.weight.size(), " weights, which does not fit its shape"));
    require(static_cast<int64_t>(c.bias.size()) == c.out_channels, i,
            text_of("has ", c.bias.size(), " biases, which does not fit its shape"));
  }
}

void check_options(const EngineOptions& o, const std::vector<FoldedConvolution>& convolutions) {
  const auto count = static_cast<int64_t>(convolutions.size());
  if (o.layers.empty()) throw Error("no layer to take features from");
  for (size_t i = 0; i < o.layers.size(); ++i) {
    if (o.layers[i] < 1 || o.layers[i] > count || (i > 0 && o.layers[i] <= o.layers[i - 1])) {
      throw Error("layer ", o.layers[i], " is out of range or out of order; there are ", count,
                  ", and each may be named once, lowest first");
    }
  }
  if (o.grid != 1 && o.grid != 2 && o.grid != 4) throw Error("grid is ", o.grid, "; use 1, 2 or 4");
  if (o.threads < 1) throw Error("threads is ", o.threads, "; it must be positive");
  if (o.batch_size < 1) throw Error("batch_size is ", o.batch_size, "; it must be positive");
}

const Kernels* find_kernels(InferenceEngine::Instructions instructions) {
  using Instructions = InferenceEngine::Instructions;
  switch (instructions) {
    case Instructions::kAvx512:
      return kernels::avx512_kernels();
    case Instructions::kAvx2:
      return kernels::avx2_kernels();
    case Instructions::kPortable:
      return kernels::portable_kernels();
    case Instructions::kBest:
      break;
  }
  return &kernels::best_kernels();
}

Layer plan_layer(const FoldedConvolution& c, int64_t in_stride, const Kernels& kernels, ThreadPool& threads) {
  const int64_t out_stride = round_up(c.out_channels, kernels.panel);
  Layer l{{kernels,
           {c.in_channels, c.out_channels, c.kernel, c.stride, /*adjoint=*/false, c.size_in, c.size_out, in_stride,
            out_stride, c.pad_before}},
          {},
          {},
          {},
          static_cast<float>(c.slope),
          c.last_scale,
          c.last_shift,
          c.pool};
  l.bias = c.bias;
  l.bias.resize(static_cast<size_t>(out_stride), 0.0F);
  l.weights = FloatBuffer(l.convolution.weight_floats());
  const int64_t area = c.kernel * c.kernel;
  threads.run(l.convolution.panels(), [&](int64_t panel, int64_t) {
    l.convolution.pack(c.weight.data(), {area, c.in_channels * area, 1}, panel, l.weights.data());
  });
  return l;
}

}  // namespace

struct InferenceEngine::Impl {
  const Kernels* kernels;
  EngineOptions options;
  features::PixelInput input{InputOptions()};
  std::vector<Layer> layers;
  int64_t feature_count = 0;
  FloatBuffer maps[2];   // inputs and outputs of a layer, [batch_size, size, size, channels]
  FloatBuffer unpooled;  // outputs of a layer that is pooled, before

  struct Scratch {
    FloatBuffer image;  // first layer's input, [size, size, channels]
    FloatBuffer tiles;
    std::vector<float> cells;  // [grid, grid, channels of a panel], or those of a map that is halved
  };
  std::vector<Scratch> scratch;  // one per thread
  std::unique_ptr<ThreadPool> threads;

  /// Of an image as it comes, uint8 [size, size, 3].
  int64_t image_bytes() const {
    const int64_t size = layers.front().convolution.shape().size_in;
    return 3 * size * size;
  }
  void plan(const std::vector<FoldedConvolution>& convolutions);
  void allocate();
  void run_batch(const uint8_t* images, int64_t count, float* features);
  /// Some panels of output channels of some images.
  struct Item {
    int64_t first, count;
    Range panels;
  };
  Range channels_of(const Layer& layer, Range panels) const {
    return {panels.begin * kernels->panel,
            std::min(panels.end * kernels->panel, layer.convolution.shape().out_channels)};
  }
  void transform_weights(Layer& layer);
  void run_pixels(Convolution::Pass pass, const uint8_t* images, const Item& work, Scratch& s);
  static void run_tiles(const Convolution& c, const Convolution::Pass& pass, const Item& work, Scratch& s);
  void normalise(const Layer& layer, const Item& work, float* out);
  void pool(const Layer& layer, const Item& work, const float* image, float* features, Scratch& s);
  void halve(const Layer& layer, const Item& work, const float* image, float* half, Scratch& s);
};

void InferenceEngine::Impl::plan(const std::vector<FoldedConvolution>& convolutions) {
  int64_t stride = input.channels();
  for (int64_t i = 0; i < options.layers.back(); ++i) {
    layers.push_back(plan_layer(convolutions[i], stride, *kernels, *threads));
    stride = layers.back().convolution.shape().out_stride;
  }
  for (const int64_t kept : options.layers) {
    Layer& layer = layers[kept - 1];
    layer.feature_offset = feature_count;
    feature_count += layer.convolution.shape().out_channels * options.grid * options.grid;
  }
}

void InferenceEngine::Impl::allocate() {
  int64_t map[2] = {0, 0};
  int64_t tiles = 0;
  int64_t whole = 0;
  int64_t cells = options.grid * options.grid;
  for (size_t i = 0; i < layers.size(); ++i) {
    const Convolution& c = layers[i].convolution;
    const int64_t area = layers[i].pool * layers[i].pool;
    map[i % 2] = std::max(map[i % 2], c.out_floats() / area);
    tiles = std::max(tiles, c.scratch_floats());
    if (layers[i].pool == 1) continue;
    whole = std::max(whole, c.out_floats());
    cells = std::max(cells, c.shape().size_out * c.shape().size_out / area);
  }
  for (int i = 0; i < 2; ++i) maps[i] = FloatBuffer(options.batch_size * map[i]);
  unpooled = FloatBuffer(options.batch_size * whole);
  scratch.resize(options.threads);
  for (Scratch& s : scratch) {
    s.image = FloatBuffer(layers[0].convolution.in_floats());
    s.tiles = FloatBuffer(tiles);
    s.cells.resize(cells * kernels->panel);
  }
}

void InferenceEngine::Impl::transform_weights(Layer& layer) {
  const Convolution& c = layer.convolution;
  if (layer.transformed.data() != nullptr || c.transformed_floats() == 0) return;
  layer.transformed = FloatBuffer(c.transformed_floats());
  threads->run(c.panels(),
               [&](int64_t panel, int64_t) { c.transform(layer.weights.data(), panel, layer.transformed.data()); });
}

void InferenceEngine::Impl::run_batch(const uint8_t* images, int64_t count, float* features) {
  const float* in = nullptr;
  for (size_t i = 0; i < layers.size(); ++i) {
    Layer& layer = layers[i];
    const Convolution& c = layer.convolution;
    float* const result = maps[i % 2].data();
    float* const out = layer.pool == 1 ? result : unpooled.data();
    // An item of work is some whole images: as many as a thread has, where these are a few tiles; else enough to fill a
    // block of tiles, and as many items for one thread as for another. Where there are fewer blocks than threads, it is
    // a part of the output channels of these images.
    const int64_t each = (count + options.threads - 1) / options.threads;
    const bool few = each * c.tiles_per_image() <= c.few_tiles();
    const int64_t fill = few ? each : std::max<int64_t>(1, c.block() / c.tiles_per_image());
    const int64_t blocks = (count + fill - 1) / fill;
    const int64_t parts = std::clamp(options.threads / blocks, int64_t{1}, c.panels());
    const int64_t groups = round_up(blocks, std::max<int64_t>(1, options.threads / parts));
    const int64_t size = (count + groups - 1) / groups;
    if (!few) transform_weights(layer);
    const float* const transformed = few ? nullptr : layer.transformed.data();
    threads->run((count + size - 1) / size * parts, [&](int64_t item, int64_t thread) {
      const int64_t first = item / parts * size;
      const int64_t part = item % parts;
      const Item work = {
          first, std::min(size, count - first), {part * c.panels() / parts, (part + 1) * c.panels() / parts}};
      Scratch& s = scratch[static_cast<size_t>(thread)];
      const Convolution::Pass pass = {layer.weights.data(), transformed, layer.bias.data(), layer.slope, in, out};
      i == 0 ? run_pixels(pass, images, work, s) : run_tiles(c, pass, work, s);
      if (!layer.last_scale.empty()) normalise(layer, work, out);
      for (int64_t n = first; n < first + work.count; ++n) {
        const float* const map = out + n * c.out_floats();
        if (layer.feature_offset >= 0) pool(layer, work, map, features + n * feature_count + layer.feature_offset, s);
        if (layer.pool > 1) halve(layer, work, map, result + n * c.out_floats() / 4, s);
      }
    });
    in = result;
  }
}

/// The first layer takes pixels, one image at a time.
void InferenceEngine::Impl::run_pixels(Convolution::Pass pass, const uint8_t* images, const Item& work, Scratch& s) {
  const Convolution& c = layers.front().convolution;
  float* const out = pass.out;
  pass.in = s.image.data();
  for (int64_t n = work.first; n < work.first + work.count; ++n) {
    input.convert(images + n * image_bytes(), c.shape().size_in * c.shape().size_in, s.image.data());
    pass.out = out + n * c.out_floats();
    run_tiles(c, pass, {0, 1, work.panels}, s);
  }
}

void InferenceEngine::Impl::run_tiles(const Convolution& c, const Convolution::Pass& pass, const Item& work,
                                      Scratch& s) {
  const int64_t end = (work.first + work.count) * c.tiles_per_image();
  for (int64_t t = work.first * c.tiles_per_image(); t < end; t += c.block()) {
    c.run(pass, {t, std::min(t + c.block(), end)}, work.panels, s.tiles.data());
  }
}

/// The batch norm behind the activation.
void InferenceEngine::Impl::normalise(const Layer& layer, const Item& work, float* out) {
  const Convolution& c = layer.convolution;
  const kernels::MapShape& shape = c.shape();
  const Range channels = channels_of(layer, work.panels);
  for (int64_t n = work.first; n < work.first + work.count; ++n) {
    for (int64_t p = 0; p < shape.size_out * shape.size_out; ++p) {
      float* const pixel = out + n * c.out_floats() + p * shape.out_stride;
      for (int64_t o = channels.begin; o < channels.end; ++o) {
        pixel[o] = pixel[o] * layer.last_scale[o] + layer.last_shift[o];
      }
    }
  }
}

/// Max-pools one image [size, size, channels] to features [channels, grid, grid].
void InferenceEngine::Impl::pool(const Layer& layer, const Item& work, const float* image, float* features,
                                 Scratch& s) {
  const int64_t cells = options.grid * options.grid;
  const int64_t width = kernels->panel;
  const kernels::MapShape& shape = layer.convolution.shape();
  const Range channels = channels_of(layer, work.panels);
  for (int64_t channel = channels.begin; channel < channels.end; ++channel) {
    if (channel % width == 0) {
      kernels->pool(image + channel, shape.out_stride, shape.size_out, options.grid, s.cells.data());
    }
    for (int64_t cell = 0; cell < cells; ++cell) {
      features[channel * cells + cell] = s.cells[cell * width + channel % width];
    }
  }
}

/// Max-pools one image [size, size, channels] by 2x2.
void InferenceEngine::Impl::halve(const Layer& layer, const Item& work, const float* image, float* half, Scratch& s) {
  const kernels::MapShape& shape = layer.convolution.shape();
  const int64_t width = kernels->panel;
  const int64_t side = shape.size_out / 2;
  for (int64_t panel = work.panels.begin; panel < work.panels.end; ++panel) {
    const int64_t channel = panel * width;
    kernels->pool(image + channel, shape.out_stride, shape.size_out, side, s.cells.data());
    for (int64_t cell = 0; cell < side * side; ++cell) {
      std::copy_n(s.cells.data() + cell * width, width, half + cell * shape.out_stride + channel);
    }
  }
}

InferenceEngine::InferenceEngine(const std::vector<FoldedConvolution>& convolutions, const EngineOptions& options,
                                 Instructions instructions)
    : impl_(std::make_unique<Impl>()) {
  check_shapes(convolutions, options.input.channels);
  check_options(options, convolutions);
  impl_->kernels = find_kernels(instructions);
  if (impl_->kernels == nullptr) throw Error("this machine lacks the instructions that were asked for");
  impl_->options = options;
  impl_->input = features::PixelInput(options.input);
  impl_->threads = std::make_unique<ThreadPool>(options.threads);
  impl_->plan(convolutions);
  impl_->allocate();
}

InferenceEngine::~InferenceEngine() = default;
InferenceEngine::InferenceEngine(InferenceEngine&&) noexcept = default;
InferenceEngine& InferenceEngine::operator=(InferenceEngine&&) noexcept = default;

bool InferenceEngine::supports(Instructions instructions) { return find_kernels(instructions) != nullptr; }

int64_t InferenceEngine::feature_count() const { return impl_->feature_count; }

std::string InferenceEngine::description() const {
  std::string text = impl_->kernels->name;
  for (const Layer& l : impl_->layers) {
    const std::string tile = std::to_string(l.convolution.method().outputs);
    const std::string kernel = std::to_string(l.convolution.shape().kernel);
    text += text_of("; ", kernel, "x", kernel, " stride ", l.convolution.shape().stride, ": ");
    text += l.convolution.direct() ? "direct" : "tiles of " + tile + "x" + tile;
  }
  return text;
}

void InferenceEngine::run(const uint8_t* images, int64_t count, float* features) {
  const int64_t image_bytes = impl_->image_bytes();
  for (int64_t first = 0; first < count; first += impl_->options.batch_size) {
    impl_->run_batch(images + first * image_bytes, std::min(impl_->options.batch_size, count - first),
                     features + first * impl_->feature_count);
  }
}

}  // namespace dcgan
