#include "features/inference_engine.h"

#include <algorithm>
#include <new>
#include <utility>

#ifdef __linux__
#include <sys/mman.h>
#endif

#include "dcgan/errors.h"
#include "features/engine_kernels.h"
#include "features/engine_threads.h"

namespace dcgan {
namespace {

using engine::Kernels;
using engine::TileMethod;
using engine::WorkerPool;

constexpr int64_t kCacheLine = 16;  // floats

// Fewer input channels than this are not worth a transform: the first layer has 3.
constexpr int64_t kMinChannels = 8;

// Rows of transformed inputs that share one read of the weights, and the room for a pass's products, which should stay
// in the level-2 cache beside a panel of weights. Measured on Zen 3, docs/benchmarks.md.
constexpr int64_t kTilesPerBlock = 32;
constexpr int64_t kProductFloats = 48 * 1024;
constexpr int64_t kDirectRowFloats = 32 * 1024;

int64_t round_up(int64_t x, int64_t multiple) { return (x + multiple - 1) / multiple * multiple; }

/// Uninitialised floats, on huge pages where there are enough: the weights of the upper layers are read through once
/// per block of tiles, which otherwise misses the TLB on every panel.
class FloatBuffer {
 public:
  FloatBuffer() = default;
  explicit FloatBuffer(int64_t count)
      : data_(static_cast<float*>(::operator new(static_cast<size_t>(count) * sizeof(float), kAlignment))) {
#ifdef __linux__
    const size_t huge = static_cast<size_t>(count) * sizeof(float) / kHugePage * kHugePage;
    if (huge > 0) madvise(data_.get(), huge, MADV_HUGEPAGE);  // advice only: its failure changes nothing
#endif
  }
  float* data() const { return data_.get(); }

 private:
  static constexpr size_t kHugePage = size_t{2} << 20;
  static constexpr std::align_val_t kAlignment{kHugePage};
  struct Free {
    void operator()(float* p) const { ::operator delete(p, kAlignment); }
  };
  std::unique_ptr<float, Free> data_;
};

/// A convolution with its method, its weights in the order they are read, and the sizes that follow.
struct Layer {
  int64_t in_channels, out_channels, kernel, stride, size_in, size_out;
  int64_t in_stride;  // floats from one pixel to the next
  int64_t out_stride;
  const TileMethod* method;
  bool direct;         // rows are the pixels below the kernel, as they are
  int64_t points;      // P^2 matrix products
  int64_t depth;       // of each: channels, or all values below the kernel
  int64_t row_floats;  // from one tile's row to the next
  int64_t tiles_per_side;
  int64_t block;        // tiles at a time
  int64_t panels;       // of output channels
  int64_t group;        // panels at a time
  FloatBuffer weights;  // [panel group][point][panel of group][depth][channels of a panel]
  std::vector<float> bias;
  int64_t feature_offset = -1;  // -1: not kept

  int64_t tiles_per_image() const { return tiles_per_side * tiles_per_side; }
  int64_t in_floats() const { return size_in * size_in * in_stride; }
  int64_t out_floats() const { return size_out * size_out * out_stride; }
  // A line more than needed: points a power of two apart would share the same few sets of the cache.
  int64_t row_point_stride() const { return block * row_floats + kCacheLine; }
  int64_t product_point_stride(int64_t panel) const { return block * panel + kCacheLine; }
};

void require(bool holds, size_t layer, const std::string& problem) {
  if (!holds) throw Error("convolution " + std::to_string(layer + 1) + " " + problem);
}

void check_shapes(const std::vector<FoldedConvolution>& convolutions) {
  for (size_t i = 0; i < convolutions.size(); ++i) {
    const FoldedConvolution& c = convolutions[i];
    require(c.in_channels == (i == 0 ? 3 : convolutions[i - 1].out_channels), i,
            "takes " + std::to_string(c.in_channels) + " channels, which is not what lies below it");
    require(c.out_channels > 0, i, "has no output channels");
    require(c.kernel > 0 && c.kernel % 2 == 1, i, "has kernel " + std::to_string(c.kernel) + "; it must be odd");
    require(c.stride == 1 || c.stride == 2, i, "has stride " + std::to_string(c.stride) + "; it must be 1 or 2");
    require(c.size_in > 0 && (c.size_in & (c.size_in - 1)) == 0, i,
            "takes maps of side " + std::to_string(c.size_in) + "; it must be a power of two");
    require(i == 0 || c.size_in == convolutions[i - 1].size_out, i, "takes maps of another side than lie below it");
    require(c.size_out * c.stride == c.size_in, i, "makes maps of another side than size_in / stride");
    require(static_cast<int64_t>(c.weight.size()) == c.out_channels * c.in_channels * c.kernel * c.kernel, i,
            "has " + std::to_string(c.weight.size()) + " weights, which does not fit its shape");
    require(static_cast<int64_t>(c.bias.size()) == c.out_channels, i,
            "has " + std::to_string(c.bias.size()) + " biases, which does not fit its shape");
  }
}

void check_options(const EngineOptions& o, const std::vector<FoldedConvolution>& convolutions) {
  const auto count = static_cast<int64_t>(convolutions.size());
  if (o.layers.empty()) throw Error("no layer to take features from");
  for (size_t i = 0; i < o.layers.size(); ++i) {
    if (o.layers[i] < 1 || o.layers[i] > count || (i > 0 && o.layers[i] <= o.layers[i - 1])) {
      throw Error("layer " + std::to_string(o.layers[i]) + " is out of range or out of order; there are " +
                  std::to_string(count) + ", and each may be named once, lowest first");
    }
    if (convolutions[static_cast<size_t>(o.layers[i] - 1)].size_out < o.grid) {
      throw Error("layer " + std::to_string(o.layers[i]) + " has maps smaller than the grid of " +
                  std::to_string(o.grid));
    }
  }
  if (o.grid != 1 && o.grid != 2 && o.grid != 4) throw Error("grid is " + std::to_string(o.grid) + "; use 1, 2 or 4");
  if (!(o.leaky_slope >= 0 && o.leaky_slope <= 1)) throw Error("leaky_slope must be from 0 to 1");
  if (o.threads < 1) throw Error("threads is " + std::to_string(o.threads) + "; it must be positive");
  if (o.batch_size < 1) throw Error("batch_size is " + std::to_string(o.batch_size) + "; it must be positive");
}

const Kernels* find_kernels(InferenceEngine::Instructions instructions) {
  using Instructions = InferenceEngine::Instructions;
  switch (instructions) {
    case Instructions::kAvx512:
      return engine::avx512_kernels();
    case Instructions::kAvx2:
      return engine::avx2_kernels();
    case Instructions::kPortable:
      return engine::portable_kernels();
    case Instructions::kBest:
      break;
  }
  for (const Instructions choice : {Instructions::kAvx512, Instructions::kAvx2}) {
    if (const Kernels* kernels = find_kernels(choice)) return kernels;
  }
  return engine::portable_kernels();
}

/// The first method that fits; the last of all is the plain matrix product.
const TileMethod* choose_method(const Kernels& kernels, const FoldedConvolution& c) {
  const TileMethod* plain = kernels.methods + kernels.method_count - 1;
  if (c.in_channels < kMinChannels) return plain;
  return std::find_if(kernels.methods, plain, [&](const TileMethod& m) {
    return m.kernel == c.kernel && m.stride == c.stride && c.size_out % m.outputs == 0;
  });
}

/// Weights [point] of one pair of channels: G g G^T, in double.
void transform_filter(const TileMethod& method, const float* filter, std::vector<double>& half,
                      std::vector<double>& points) {
  const int64_t k = method.kernel;
  const int64_t p = method.products;
  half.assign(static_cast<size_t>(p * k), 0.0);  // G g
  for (int64_t i = 0; i < p * k; ++i) {
    for (int64_t y = 0; y < k; ++y) {
      half[static_cast<size_t>(i)] += method.filter[i / k * k + y] * static_cast<double>(filter[y * k + i % k]);
    }
  }
  points.assign(static_cast<size_t>(p * p), 0.0);
  for (int64_t i = 0; i < p * p; ++i) {
    for (int64_t x = 0; x < k; ++x) {
      points[static_cast<size_t>(i)] += half[static_cast<size_t>(i / p * k + x)] * method.filter[i % p * k + x];
    }
  }
}

/// Lays out the weights of one panel of output channels.
void pack_panel(const Layer& layer, const FoldedConvolution& c, int64_t panel_width, int64_t panel) {
  const int64_t first = panel / layer.group * layer.group;
  const int64_t group = std::min(layer.group, layer.panels - first);
  float* const begin = layer.weights.data() + (first * layer.points + panel - first) * layer.depth * panel_width;
  const int64_t point_stride = group * layer.depth * panel_width;
  for (int64_t p = 0; p < layer.points; ++p) std::fill_n(begin + p * point_stride, layer.depth * panel_width, 0.0F);

  const int64_t area = c.kernel * c.kernel;
  std::vector<double> half;
  std::vector<double> points;
  for (int64_t i = 0; i < c.in_channels; ++i) {
    for (int64_t o = panel * panel_width; o < std::min((panel + 1) * panel_width, c.out_channels); ++o) {
      const float* filter = c.weight.data() + (o * c.in_channels + i) * area;
      float* to = begin + i * panel_width + o % panel_width;
      if (layer.direct) {
        for (int64_t tap = 0; tap < area; ++tap) to[tap * layer.in_stride * panel_width] = filter[tap];
      } else {
        transform_filter(*layer.method, filter, half, points);
        for (int64_t p = 0; p < layer.points; ++p)
          to[p * point_stride] = static_cast<float>(points[static_cast<size_t>(p)]);
      }
    }
  }
}

Layer plan_layer(const FoldedConvolution& c, int64_t in_stride, const Kernels& kernels, WorkerPool& threads) {
  Layer l{};
  l.in_channels = c.in_channels;
  l.out_channels = c.out_channels;
  l.kernel = c.kernel;
  l.stride = c.stride;
  l.size_in = c.size_in;
  l.size_out = c.size_out;
  l.in_stride = in_stride;
  l.panels = (c.out_channels + kernels.panel - 1) / kernels.panel;
  l.out_stride = l.panels * kernels.panel;
  l.method = choose_method(kernels, c);
  l.direct = l.method->kernel != c.kernel || l.method->stride != c.stride || c.kernel == 1;
  l.points = l.method->products * l.method->products;
  l.depth = l.direct ? c.kernel * c.kernel * in_stride : c.in_channels;
  l.row_floats = l.direct ? round_up(l.depth, kCacheLine) : in_stride;
  l.tiles_per_side = c.size_out / l.method->outputs;
  l.block = l.direct ? std::clamp(kDirectRowFloats / l.row_floats, kTilesPerBlock, int64_t{256}) : kTilesPerBlock;
  l.group = std::clamp(kProductFloats / (l.points * l.block * kernels.panel), int64_t{1}, l.panels);
  l.bias.assign(static_cast<size_t>(l.out_stride), 0.0F);
  std::copy(c.bias.begin(), c.bias.end(), l.bias.begin());
  l.weights = FloatBuffer(l.out_stride * l.points * l.depth);
  threads.run(l.panels, [&](int64_t panel, int64_t) { pack_panel(l, c, kernels.panel, panel); });
  return l;
}

/// Pointers to the pixels [L, L] that a tile sees; those outside the image are `zeros`.
void locate_pixels(const Layer& layer, const float* image, const float* zeros, int64_t tile, const float** pixels) {
  const int64_t step = layer.method->outputs * layer.stride;
  const int64_t top = tile / layer.tiles_per_side * step - layer.kernel / 2;
  const int64_t left = tile % layer.tiles_per_side * step - layer.kernel / 2;
  for (int64_t y = top; y < top + layer.method->inputs; ++y) {
    for (int64_t x = left; x < left + layer.method->inputs; ++x) {
      const bool inside = y >= 0 && y < layer.size_in && x >= 0 && x < layer.size_in;
      *pixels++ = inside ? image + (y * layer.size_in + x) * layer.in_stride : zeros;
    }
  }
}

/// All values below the kernel for one output pixel: [kernel, kernel, in_stride].
void copy_patch(const Layer& layer, const float* image, int64_t pixel, float* row) {
  const int64_t top = pixel / layer.size_out * layer.stride - layer.kernel / 2;
  const int64_t left = pixel % layer.size_out * layer.stride - layer.kernel / 2;
  const int64_t first = std::max<int64_t>(0, left);
  const int64_t end = std::min(layer.size_in, left + layer.kernel);
  const int64_t line = layer.kernel * layer.in_stride;
  for (int64_t y = top; y < top + layer.kernel; ++y, row += line) {
    if (y < 0 || y >= layer.size_in || end - first < layer.kernel) std::fill_n(row, line, 0.0F);
    if (y < 0 || y >= layer.size_in || first >= end) continue;
    std::copy_n(image + (y * layer.size_in + first) * layer.in_stride, (end - first) * layer.in_stride,
                row + (first - left) * layer.in_stride);
  }
}

}  // namespace

struct InferenceEngine::Impl {
  const Kernels* kernels;
  EngineOptions options;
  std::vector<Layer> layers;
  int64_t feature_count = 0;
  std::vector<float> zeros;
  FloatBuffer maps[2];  // inputs and outputs of a layer, [batch_size, size, size, channels]

  struct Scratch {
    FloatBuffer image;     // first layer's input, [size, size, 3]
    FloatBuffer rows;      // [point][tile][depth]
    FloatBuffer products;  // [panel of group][point][tile][channels of a panel]
    std::vector<const float*> pixels;
    std::vector<float> cells;  // [grid, grid, channels of a panel]
  };
  std::vector<Scratch> scratch;  // one per thread
  std::unique_ptr<WorkerPool> threads;

  void plan(const std::vector<FoldedConvolution>& convolutions);
  void allocate();
  void run_batch(const uint8_t* images, int64_t count, float* features);
  void run_images(const Layer& layer, const uint8_t* images, const float* in, float* out, int64_t count, Scratch& s);
  void run_block(const Layer& layer, const float* in, float* out, int64_t first, int64_t count, Scratch& s);
  void transform_inputs(const Layer& layer, const float* in, int64_t first, int64_t count, Scratch& s);
  void pool(const Layer& layer, const float* image, float* features, Scratch& s);
};

void InferenceEngine::Impl::plan(const std::vector<FoldedConvolution>& convolutions) {
  int64_t stride = 3;
  for (int64_t i = 0; i < options.layers.back(); ++i) {
    layers.push_back(plan_layer(convolutions[static_cast<size_t>(i)], stride, *kernels, *threads));
    stride = layers.back().out_stride;
  }
  for (const int64_t kept : options.layers) {
    Layer& layer = layers[static_cast<size_t>(kept - 1)];
    layer.feature_offset = feature_count;
    feature_count += layer.out_channels * options.grid * options.grid;
  }
}

void InferenceEngine::Impl::allocate() {
  int64_t map[2] = {0, 0};
  int64_t rows = 0;
  int64_t products = 0;
  int64_t widest = 0;
  size_t pixels = 0;
  for (size_t i = 0; i < layers.size(); ++i) {
    const Layer& l = layers[i];
    map[i % 2] = std::max(map[i % 2], l.out_floats());
    rows = std::max(rows, l.points * l.row_point_stride());
    products = std::max(products, l.group * l.points * l.product_point_stride(kernels->panel));
    widest = std::max(widest, l.in_stride);
    pixels = std::max(pixels, static_cast<size_t>(l.method->inputs * l.method->inputs));
  }
  for (int i = 0; i < 2; ++i) maps[i] = FloatBuffer(options.batch_size * map[i]);
  zeros.assign(static_cast<size_t>(widest), 0.0F);
  scratch.resize(static_cast<size_t>(options.threads));
  for (Scratch& s : scratch) {
    s.image = FloatBuffer(layers[0].in_floats());
    s.rows = FloatBuffer(rows);
    s.products = FloatBuffer(products);
    s.pixels.resize(pixels);
    s.cells.resize(static_cast<size_t>(options.grid * options.grid * kernels->panel));
  }
}

void InferenceEngine::Impl::run_batch(const uint8_t* images, int64_t count, float* features) {
  const float* in = nullptr;
  for (size_t i = 0; i < layers.size(); ++i) {
    const Layer& layer = layers[i];
    float* out = maps[i % 2].data();
    // An item of work is some whole images: enough to fill a block of tiles, and as many items for one thread as for
    // another.
    const int64_t fill = std::max<int64_t>(1, layer.block / layer.tiles_per_image());
    const int64_t items = round_up((count + fill - 1) / fill, options.threads);
    const int64_t size = (count + items - 1) / items;
    threads->run((count + size - 1) / size, [&](int64_t item, int64_t thread) {
      const int64_t first = item * size;
      const int64_t images_here = std::min(size, count - first);
      Scratch& s = scratch[static_cast<size_t>(thread)];
      run_images(layer, i == 0 ? images + first * layer.size_in * layer.size_in * 3 : nullptr,
                 i == 0 ? nullptr : in + first * layer.in_floats(), out + first * layer.out_floats(), images_here, s);
      for (int64_t n = first; layer.feature_offset >= 0 && n < first + images_here; ++n) {
        pool(layer, out + n * layer.out_floats(), features + n * feature_count + layer.feature_offset, s);
      }
    });
    in = out;
  }
}

void InferenceEngine::Impl::run_images(const Layer& layer, const uint8_t* images, const float* in, float* out,
                                       int64_t count, Scratch& s) {
  if (images != nullptr) {  // the first layer takes pixels, one image at a time
    const int64_t tiles = layer.tiles_per_image();
    for (int64_t n = 0; n < count; ++n) {
      const uint8_t* image = images + n * layer.in_floats();
      for (int64_t i = 0; i < layer.in_floats(); ++i) s.image.data()[i] = static_cast<float>(image[i]) / 127.5F - 1.0F;
      for (int64_t t = 0; t < tiles; t += layer.block) {
        run_block(layer, s.image.data(), out + n * layer.out_floats(), t, std::min(layer.block, tiles - t), s);
      }
    }
    return;
  }
  const int64_t tiles = count * layer.tiles_per_image();
  for (int64_t t = 0; t < tiles; t += layer.block) run_block(layer, in, out, t, std::min(layer.block, tiles - t), s);
}

void InferenceEngine::Impl::transform_inputs(const Layer& layer, const float* in, int64_t first, int64_t count,
                                             Scratch& s) {
  for (int64_t t = 0; t < count; ++t) {
    const float* image = in + (first + t) / layer.tiles_per_image() * layer.in_floats();
    const int64_t tile = (first + t) % layer.tiles_per_image();
    float* row = s.rows.data() + t * layer.row_floats;
    if (layer.direct) {
      copy_patch(layer, image, tile, row);
    } else {
      locate_pixels(layer, image, zeros.data(), tile, s.pixels.data());
      layer.method->transform_input(s.pixels.data(), layer.in_stride, row, layer.row_point_stride());
    }
  }
}

/// Tiles first to first + count - 1 of all images.
void InferenceEngine::Impl::run_block(const Layer& layer, const float* in, float* out, int64_t first, int64_t count,
                                      Scratch& s) {
  transform_inputs(layer, in, first, count, s);
  const int64_t width = kernels->panel;
  const int64_t point_stride = layer.product_point_stride(width);
  const int64_t m = layer.method->outputs;
  const float* weights = layer.weights.data();
  for (int64_t panel = 0; panel < layer.panels; panel += layer.group) {
    const int64_t group = std::min(layer.group, layer.panels - panel);
    for (int64_t point = 0; point < layer.points; ++point) {
      for (int64_t g = 0; g < group; ++g) {
        kernels->multiply(s.rows.data() + point * layer.row_point_stride(), layer.row_floats, count, weights,
                          layer.depth, s.products.data() + (g * layer.points + point) * point_stride);
        weights += layer.depth * width;
      }
    }
    for (int64_t t = 0; t < count; ++t) {
      const int64_t tile = (first + t) % layer.tiles_per_image();
      const int64_t pixel = tile / layer.tiles_per_side * m * layer.size_out + tile % layer.tiles_per_side * m;
      float* corner = out + (first + t) / layer.tiles_per_image() * layer.out_floats() + pixel * layer.out_stride;
      for (int64_t g = 0; g < group; ++g) {
        const int64_t channel = (panel + g) * width;
        layer.method->transform_output(s.products.data() + g * layer.points * point_stride + t * width, point_stride,
                                       layer.bias.data() + channel, static_cast<float>(options.leaky_slope),
                                       corner + channel, layer.size_out * layer.out_stride, layer.out_stride);
      }
    }
  }
}

/// Max-pools one image [size, size, channels] to features [channels, grid, grid].
void InferenceEngine::Impl::pool(const Layer& layer, const float* image, float* features, Scratch& s) {
  const int64_t cells = options.grid * options.grid;
  const int64_t width = kernels->panel;
  for (int64_t channel = 0; channel < layer.out_channels; ++channel) {
    if (channel % width == 0) {
      kernels->pool(image + channel, layer.out_stride, layer.size_out, options.grid, s.cells.data());
    }
    for (int64_t cell = 0; cell < cells; ++cell) {
      *features++ = s.cells[static_cast<size_t>(cell * width + channel % width)];
    }
  }
}

InferenceEngine::InferenceEngine(const std::vector<FoldedConvolution>& convolutions, const EngineOptions& options,
                                 Instructions instructions)
    : impl_(std::make_unique<Impl>()) {
  check_shapes(convolutions);
  check_options(options, convolutions);
  impl_->kernels = find_kernels(instructions);
  if (impl_->kernels == nullptr) throw Error("this machine lacks the instructions that were asked for");
  impl_->options = options;
  impl_->threads = std::make_unique<WorkerPool>(options.threads);
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
    const std::string tile = std::to_string(l.method->outputs);
    const std::string kernel = std::to_string(l.kernel);
    text += "; " + kernel + "x" + kernel + " stride " + std::to_string(l.stride) + ": ";
    text += l.direct ? "direct" : "tiles of " + tile + "x" + tile;
  }
  return text;
}

void InferenceEngine::run(const uint8_t* images, int64_t count, float* features) {
  const int64_t image_bytes = impl_->layers[0].in_floats();
  for (int64_t first = 0; first < count; first += impl_->options.batch_size) {
    impl_->run_batch(images + first * image_bytes, std::min(impl_->options.batch_size, count - first),
                     features + first * impl_->feature_count);
  }
}

}  // namespace dcgan
