#include "kernels/convolution.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

namespace dcgan::kernels {
namespace {

constexpr int64_t kCacheLine = 16;  // floats

// Fewer input channels than this are not worth a transform: the first layer has 3.
constexpr int64_t kMinChannels = 8;

// Rows of transformed inputs that share one read of the weights. Measured on Zen 3, docs/benchmarks.md.
constexpr int64_t kTilesPerBlock = 32;
constexpr int64_t kDirectRowFloats = 32 * 1024;

// A filter's gradient: tiles that are transformed at a time, tiles so few that all are, and room for sums of slices.
constexpr int64_t kChunkFloats = 1024 * 1024;
constexpr int64_t kMinChunk = 64;
constexpr int64_t kMaxChunk = 256;
constexpr int64_t kFewTiles = 512;
constexpr int64_t kSumFloats = 16 * 1024 * 1024;
constexpr int64_t kMostSlices = 16;
constexpr int64_t kTilesPerItem = 16;

constexpr int64_t kDepthsPerGather = 8;

constexpr int64_t kMostInputs = 11 * 11;  // of all methods: 5 taps, stride 2, 4 x 4 outputs
using Pixels = std::array<const float*, static_cast<size_t>(kMostInputs)>;

int64_t round_up(int64_t x, int64_t multiple) { return (x + multiple - 1) / multiple * multiple; }

/// A map [size, size] of which tiles are taken; pixels outside the image are `zeros`.
struct Map {
  int64_t size, channels, stride;
  int64_t width;  ///< floats that are read at each pixel
  const float* zeros;

  bool padded() const { return width > stride; }

  /// Pointers to a square of pixels. Where a pixel has too few floats it is copied to `copies`, [side, side, width].
  void locate(const float* image, int64_t top, int64_t left, int64_t side, float* copies, Pixels& pixels) const {
    size_t i = 0;
    for (int64_t y = top; y < top + side; ++y) {
      for (int64_t x = left; x < left + side; ++x, ++i) {
        const bool inside = y >= 0 && y < size && x >= 0 && x < size;
        pixels[i] = inside ? image + (y * size + x) * stride : zeros;
        if (inside && padded()) {
          float* const copy = copies + static_cast<int64_t>(i) * width;
          std::fill(std::copy_n(pixels[i], channels, copy), copy + width, 0.0F);
          pixels[i] = copy;
        }
      }
    }
  }
};

/// Calls use(first, block) for blocks of 4 tiles, then for one of 2 and one of 1, as they come out.
template <class Use>
void for_each_block(int64_t count, const Use& use) {
  for (int64_t block = 4, first = 0; first < count; first += block) {
    while (first + block > count) block /= 2;
    use(first, block);
  }
}

std::string no_method(const MapShape& shape) {
  return "no method for " + std::string(shape.adjoint ? "the adjoint of a" : "the filter gradient of a") +
         " convolution of kernel " + std::to_string(shape.kernel) + ", stride " + std::to_string(shape.stride) +
         " to maps of side " + std::to_string(shape.size_out);
}

}  // namespace

const TileMethod& Kernels::method(int64_t kernel, int64_t stride, bool adjoint, int64_t size_out) const {
  return *std::find_if(methods, methods + method_count - 1, [&](const TileMethod& m) {
    return m.kernel == kernel && m.stride == stride && m.adjoint == adjoint && size_out % m.outputs == 0;
  });
}

namespace {

// Of a convolution; where no tile divides the map, the smallest ones, of which the last stick out.
const TileMethod& method_of(const Kernels& kernels, const MapShape& shape) {
  const TileMethod* const definition = kernels.methods + kernels.method_count - 1;
  if (shape.adjoint) return kernels.method(shape.kernel, shape.stride, true, shape.size_out);
  if (shape.in_channels < kMinChannels) return *definition;
  const TileMethod& whole = kernels.method(shape.kernel, shape.stride, false, shape.size_out);
  if (&whole != definition || shape.size_out == 1) return whole;
  return kernels.method(shape.kernel, shape.stride, false, 2);
}

}  // namespace

const Kernels& best_kernels() {
  for (const Kernels* kernels : {avx512_kernels(), avx2_kernels()}) {
    if (kernels != nullptr) return *kernels;
  }
  return *portable_kernels();
}

Convolution::Convolution(const Kernels& kernels, const MapShape& shape)
    : kernels_(kernels), shape_(shape), method_(&method_of(kernels, shape)) {
  if (shape.adjoint && !(method_->adjoint && method_->kernel == shape.kernel && method_->stride == shape.stride &&
                         shape.pad_before == (shape.kernel - 1) / 2)) {
    throw std::invalid_argument(no_method(shape));  // by the definition it would be the convolution, not its adjoint
  }
  direct_ = method_->kernel != shape.kernel || method_->stride != shape.stride || shape.kernel == 1;
  points_ = method_->products * method_->products;
  depth_ = direct_ ? shape.kernel * shape.kernel * shape.in_stride : shape.in_channels;
  row_floats_ = direct_ ? round_up(depth_, kCacheLine) : round_up(shape.in_channels, kernels.panel / 2);
  tiles_per_side_ = (shape.size_out + method_->outputs - 1) / method_->outputs;
  block_ = direct_ ? std::clamp(kDirectRowFloats / row_floats_, kTilesPerBlock, int64_t{256}) : kTilesPerBlock;
  panels_ = (shape.out_channels + kernels.panel - 1) / kernels.panel;
  zeros_.assign(static_cast<size_t>(row_floats_), 0.0F);
  interleaved_at_ = points_ * row_point_stride();
  products_at_ = interleaved_at_ + method_->few_tiles * points_ * depth_;
  copies_at_ = products_at_ + points_ * product_point_stride();
  part_at_ = copies_at_ + method_->inputs * method_->inputs * row_floats_;
  scratch_floats_ = part_at_ + method_->outputs * method_->outputs * kernels.panel;
}

int64_t Convolution::row_point_stride() const { return block_ * row_floats_ + kCacheLine; }
int64_t Convolution::product_point_stride() const { return block_ * kernels_.panel + kCacheLine; }

int64_t Convolution::panel_floats() const {
  return depth_ * kernels_.panel * (direct_ ? 1 : shape_.kernel * shape_.kernel);
}

void Convolution::pack(const float* filters, const FilterLayout& layout, int64_t panel, float* weights) const {
  const int64_t width = kernels_.panel;
  float* const begin = weights + panel * panel_floats();
  const int64_t channels = std::min(width, shape_.out_channels - panel * width);
  const float* const from = filters + panel * width * layout.out;
  const int64_t area = shape_.kernel * shape_.kernel;
  std::fill_n(begin, panel_floats(), 0.0F);
  // A line of input channels lies together, or one of output channels; the loops keep to blocks of both.
  for (int64_t d = 0; d < shape_.in_channels; d += kDepthsPerGather) {
    const int64_t depths = std::min(kDepthsPerGather, shape_.in_channels - d);
    for (int64_t o = 0; o < channels; ++o) {
      for (int64_t tap = 0; tap < area; ++tap) {
        const float* const source = from + o * layout.out + tap * layout.tap + d * layout.in;
        float* const to = direct_ ? begin + (tap * shape_.in_stride + d) * width : begin + (d * area + tap) * width;
        const int64_t step = direct_ ? width : area * width;
        for (int64_t i = 0; i < depths; ++i) to[i * step + o] = source[i * layout.in];
      }
    }
  }
}

void Convolution::transform_inputs(const float* in, Range tiles, float* scratch) const {
  const Map map{shape_.size_in, shape_.in_channels, shape_.in_stride, row_floats_, zeros_.data()};
  const int64_t first_input = method_->first_input - (shape_.adjoint ? 0 : shape_.pad_before);
  Pixels pixels;
  float* next = scratch;
  for (int64_t t = tiles.begin; t < tiles.end; ++t, next += row_floats_) {
    const float* const image = in + t / tiles_per_image() * in_floats();
    const int64_t tile = t % tiles_per_image();
    if (!direct_) {
      map.locate(image, tile / tiles_per_side_ * method_->step + first_input,
                 tile % tiles_per_side_ * method_->step + first_input, method_->inputs, scratch + copies_at_, pixels);
      method_->transform_input(pixels.data(), 0, row_floats_, next, row_point_stride());
      continue;
    }
    // All values below the kernel for one output pixel: [kernel, kernel, in_stride].
    float* row = next;
    const int64_t top = tile / tiles_per_side_ * shape_.stride - shape_.pad_before;
    const int64_t left = tile % tiles_per_side_ * shape_.stride - shape_.pad_before;
    const int64_t begin = std::max<int64_t>(0, left);
    const int64_t end = std::min(shape_.size_in, left + shape_.kernel);
    const int64_t line = shape_.kernel * shape_.in_stride;
    for (int64_t y = top; y < top + shape_.kernel; ++y, row += line) {
      if (y < 0 || y >= shape_.size_in || end - begin < shape_.kernel) std::fill_n(row, line, 0.0F);
      if (y < 0 || y >= shape_.size_in || begin >= end) continue;
      std::copy_n(image + (y * shape_.size_in + begin) * shape_.in_stride, (end - begin) * shape_.in_stride,
                  row + (begin - left) * shape_.in_stride);
    }
  }
}

void Convolution::transform(const float* weights, int64_t panel, float* transformed) const {
  const int64_t filter_floats = depth_ * kernels_.panel;
  if (direct_) return;
  float* const filters = transformed + panel * method_->filters * filter_floats;
  for (int64_t d = 0; d < depth_; ++d) {
    method_->transform_filter(weights + panel * panel_floats() + d * shape_.kernel * shape_.kernel * kernels_.panel,
                              filters + d * kernels_.panel, filter_floats);
  }
}

/// Rows of few tiles as multiply_few() reads them, a block of 4, 2 or 1 tiles after the other.
void Convolution::interleave(int64_t count, float* scratch) const {
  float* to = scratch + interleaved_at_;
  for_each_block(count, [&](int64_t first_tile, int64_t block) {
    for (int64_t first_depth = 0; first_depth < depth_; first_depth += FewTiles::kDepths) {
      const int64_t depths = std::min(FewTiles::kDepths, depth_ - first_depth);
      const int64_t most = method_->few_sums / block;
      for (int64_t first = 0; first < points_; first += most) {
        const int64_t products = std::min(most, points_ - first);
        for (int64_t i = 0; i < products; ++i) {
          const float* row = scratch + method_->by_filter[first + i].point * row_point_stride() +
                             first_tile * row_floats_ + first_depth;
          for (int64_t t = 0; t < block; ++t, row += row_floats_) {
            for (int64_t d = 0; d < depths; ++d) to[(d * products + i) * block + t] = row[d];
          }
        }
        to += depths * products * block;
      }
    }
  });
}

/// All rows times one panel. A few tiles take the weights as they are and transform them on the way: transformed they
/// are four times as many bytes, and to read those takes longer than to make them.
void Convolution::multiply(const Pass& pass, int64_t panel, int64_t count, float* scratch) const {
  const float* const weights = pass.weights + panel * panel_floats();
  float* const products = scratch + products_at_;
  if (direct_) {
    kernels_.multiply(scratch, row_floats_, count, weights, depth_, products, /*ahead=*/nullptr);
  } else if (pass.transformed == nullptr) {
    for_each_block(count, [&](int64_t first, int64_t block) {
      const float* const rows = scratch + interleaved_at_ + first * depth_ * points_;
      method_->multiply_few({block, depth_, rows, weights, products + first * kernels_.panel, product_point_stride()});
    });
  } else {
    const int64_t filter_floats = depth_ * kernels_.panel;
    const float* const filters = pass.transformed + panel * method_->filters * filter_floats;
    for (int64_t i = 0; i < points_; ++i) {
      const Product& p = method_->by_filter[i];
      const float* const filter = filters + p.filter * filter_floats;
      const bool last = i + 1 == points_ || method_->by_filter[i + 1].filter != p.filter;
      kernels_.multiply(scratch + p.point * row_point_stride(), row_floats_, count, filter, depth_,
                        products + p.point * product_point_stride(), last ? filter + filter_floats : nullptr);
    }
  }
}

void Convolution::transform_outputs(const Pass& pass, Range tiles, int64_t panel, float* scratch) const {
  const int64_t width = kernels_.panel;
  const int64_t m = method_->outputs;
  const int64_t channel = panel * width;
  const float* rows = scratch + products_at_;
  for (int64_t t = tiles.begin; t < tiles.end; ++t, rows += width) {
    const int64_t tile = t % tiles_per_image();
    const int64_t y = tile / tiles_per_side_ * m, x = tile % tiles_per_side_ * m;
    const int64_t rows_inside = std::min(m, shape_.size_out - y), columns_inside = std::min(m, shape_.size_out - x);
    const int64_t pixel = y * shape_.size_out + x;
    float* const corner = pass.out + t / tiles_per_image() * out_floats() + pixel * shape_.out_stride + channel;
    if (channel + width <= shape_.out_stride && rows_inside == m && columns_inside == m) {
      method_->transform_output(rows, product_point_stride(), pass.bias + channel, pass.leaky_slope, corner,
                                shape_.size_out * shape_.out_stride, shape_.out_stride);
      continue;
    }
    method_->transform_output(rows, product_point_stride(), pass.bias + channel, pass.leaky_slope, scratch + part_at_,
                              m * width, width);
    const int64_t channels = std::min(width, shape_.out_stride - channel);
    for (int64_t i = 0; i < m * m; ++i) {
      if (i / m >= rows_inside || i % m >= columns_inside) continue;
      std::copy_n(scratch + part_at_ + i * width, channels,
                  corner + (i / m * shape_.size_out + i % m) * shape_.out_stride);
    }
  }
}

void Convolution::run(const Pass& pass, Range tiles, Range panels, float* scratch) const {
  transform_inputs(pass.in, tiles, scratch);
  if (pass.transformed == nullptr && !direct_) interleave(tiles.end - tiles.begin, scratch);
  for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
    multiply(pass, panel, tiles.end - tiles.begin, scratch);
    transform_outputs(pass, tiles, panel, scratch);
  }
}

FilterGradient::FilterGradient(const Kernels& kernels, const MapShape& shape, int64_t images)
    : kernels_(kernels), shape_(shape), method_(&kernels.method(shape.kernel, shape.stride, false, shape.size_out)) {
  if (method_->kernel != shape.kernel || method_->stride != shape.stride) throw std::invalid_argument(no_method(shape));
  points_ = method_->products * method_->products;
  tiles_per_side_ = shape.size_out / method_->outputs;
  tiles_ = images * tiles_per_side_ * tiles_per_side_;
  in_panels_ = (shape.in_channels + kernels.panel - 1) / kernels.panel;
  out_panels_ = (shape.out_channels + kernels.panel - 1) / kernels.panel;
  if (tiles_ <= kFewTiles) {
    chunk_ = tiles_;
    slices_ = 1;
  } else {
    const int64_t tile_floats = points_ * (in_panels_ + out_panels_) * kernels.panel;
    chunk_ = std::clamp(kChunkFloats / tile_floats, kMinChunk, kMaxChunk);
    slices_ = std::clamp(kSumFloats / (points_ * pairs() * square()), int64_t{2}, kMostSlices);
  }
  zeros_.assign(static_cast<size_t>(std::max(in_panels_, out_panels_) * kernels.panel), 0.0F);
}

int64_t FilterGradient::point_stride() const { return chunk_ * kernels_.panel + kCacheLine; }

int64_t FilterGradient::copied_floats() const {
  return std::max(in_panels_ * method_->inputs * method_->inputs, out_panels_ * method_->outputs * method_->outputs) *
         kernels_.panel;
}

int64_t FilterGradient::shared_floats() const {
  return slices_ == 1 ? transformed_floats() : slices_ * points_ * pairs() * square();
}

int64_t FilterGradient::scratch_floats() const {
  return copied_floats() + (slices_ == 1 ? points_ * square() : transformed_floats());
}

/// Tiles first to first + count - 1 of all images, into [panel][point][tile of chunk][channels of a panel]: the panels
/// of the inputs, then those of the outputs' gradient.
void FilterGradient::transform(const Pass& pass, int64_t first, int64_t count, float* transformed,
                               float* copies) const {
  const int64_t width = kernels_.panel;
  const Map in{shape_.size_in, shape_.in_channels, shape_.in_stride, in_panels_ * width, zeros_.data()};
  const Map out{shape_.size_out, shape_.out_channels, shape_.out_stride, out_panels_ * width, zeros_.data()};
  Pixels pixels;
  for (int64_t t = first; t < first + count; ++t, transformed += width) {
    const int64_t image = t / (tiles_per_side_ * tiles_per_side_);
    const int64_t y = t / tiles_per_side_ % tiles_per_side_;
    const int64_t x = t % tiles_per_side_;
    float* rows = transformed;
    in.locate(pass.in + image * in.size * in.size * in.stride, y * method_->step - shape_.pad_before,
              x * method_->step - shape_.pad_before, method_->inputs, copies, pixels);
    for (int64_t panel = 0; panel < in_panels_; ++panel, rows += points_ * point_stride()) {
      method_->transform_input(pixels.data(), panel * width, width, rows, point_stride());
    }
    out.locate(pass.out_gradient + image * out.size * out.size * out.stride, y * method_->outputs, x * method_->outputs,
               method_->outputs, copies, pixels);
    for (int64_t panel = 0; panel < out_panels_; ++panel, rows += points_ * point_stride()) {
      method_->transform_gradient(pixels.data(), panel * width, width, rows, point_stride());
    }
  }
}

void FilterGradient::correlate(const float* transformed, int64_t point, int64_t pair, int64_t count, bool add,
                               float* sums) const {
  kernels_.correlate(transformed + ((in_panels_ + pair / in_panels_) * points_ + point) * point_stride(),
                     transformed + (pair % in_panels_ * points_ + point) * point_stride(), count, add, sums);
}

/// @param sums  [point], `point_stride` floats apart, [output channel of a panel, input channel of a panel]
void FilterGradient::restore(const float* sums, int64_t point_stride, int64_t pair, float* gradient) const {
  const int64_t width = kernels_.panel;
  const int64_t area = shape_.kernel * shape_.kernel;
  const int64_t first_in = pair % in_panels_ * width;
  const int64_t first_out = pair / in_panels_ * width;
  const int64_t channels = std::min(width, shape_.in_channels - first_in);
  std::vector<float> taps(static_cast<size_t>(area * width));
  for (int64_t o = first_out; o < std::min(first_out + width, shape_.out_channels); ++o) {
    method_->restore_filter(sums + (o - first_out) * width, point_stride, taps.data());
    for (int64_t tap = 0; tap < area; ++tap) {
      std::copy_n(taps.data() + tap * width, channels, gradient + (o * area + tap) * shape_.in_channels + first_in);
    }
  }
}

/// Many tiles: each slice of them is summed by one thread into [point][pair], then the slices in their order.
void FilterGradient::sum_slices(const Pass& pass, const Parallel& parallel) const {
  const int64_t slice_floats = points_ * pairs() * square();
  parallel(slices_, [&](int64_t slice, int64_t thread) {
    float* const copies = pass.scratch + thread * scratch_floats();
    float* const transformed = copies + copied_floats();
    float* const sums = pass.shared + slice * slice_floats;
    const int64_t begin = slice * tiles_ / slices_;
    const int64_t end = (slice + 1) * tiles_ / slices_;
    for (int64_t first = begin; first < end; first += chunk_) {
      const int64_t count = std::min(chunk_, end - first);
      transform(pass, first, count, transformed, copies);
      for (int64_t point = 0; point < points_; ++point) {
        for (int64_t pair = 0; pair < pairs(); ++pair) {
          correlate(transformed, point, pair, count, first > begin, sums + (point * pairs() + pair) * square());
        }
      }
    }
  });
  parallel(pairs(), [&](int64_t pair, int64_t) {
    for (int64_t point = 0; point < points_; ++point) {
      float* const sums = pass.shared + (point * pairs() + pair) * square();
      for (int64_t slice = 1; slice < slices_; ++slice) {
        for (int64_t i = 0; i < square(); ++i) sums[i] += sums[slice * slice_floats + i];
      }
    }
    restore(pass.shared + pair * square(), pairs() * square(), pair, pass.gradient);
  });
}

/// Few tiles: all are transformed, and each pair of panels is summed where it is transformed back.
void FilterGradient::sum_pairs(const Pass& pass, const Parallel& parallel) const {
  parallel((tiles_ + kTilesPerItem - 1) / kTilesPerItem, [&](int64_t item, int64_t thread) {
    const int64_t first = item * kTilesPerItem;
    transform(pass, first, std::min(kTilesPerItem, tiles_ - first), pass.shared + first * kernels_.panel,
              pass.scratch + thread * scratch_floats());
  });
  parallel(pairs(), [&](int64_t pair, int64_t thread) {
    float* const sums = pass.scratch + thread * scratch_floats() + copied_floats();
    for (int64_t point = 0; point < points_; ++point) {
      correlate(pass.shared, point, pair, tiles_, false, sums + point * square());
    }
    restore(sums, square(), pair, pass.gradient);
  });
}

void FilterGradient::run(const Pass& pass, const Parallel& parallel) const {
  slices_ == 1 ? sum_pairs(pass, parallel) : sum_slices(pass, parallel);
}

}  // namespace dcgan::kernels
