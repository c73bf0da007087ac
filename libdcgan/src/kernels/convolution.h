#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "dcgan/export.h"
#include "kernels/kernels.h"

namespace dcgan::kernels {

/// A convolution (cross-correlation) or its adjoint. Maps are float32 [N, size, size, channels].
struct MapShape {
  int64_t in_channels;
  int64_t out_channels;
  int64_t kernel;
  int64_t stride;
  bool adjoint;  ///< size_out is size_in * stride, not size_in / stride
  int64_t size_in;
  int64_t size_out;
  int64_t in_stride;                      ///< floats from one pixel to the next
  int64_t out_stride;                     ///< in_channels and out_channels, or more
  int64_t pad_before = (kernel - 1) / 2;  ///< rows of zeros above the convolution's input, columns to its left; of the
                                          ///< adjoint this alone. Below and to the right size_out says how many.
};

/// Where the weight of an input channel, an output channel and a tap lies: floats from one to the next.
struct FilterLayout {
  int64_t in, out, tap;
};

/// Calls work(item, thread) once for each item from 0 to items - 1 and returns when all are done.
using Work = std::function<void(int64_t item, int64_t thread)>;
using Parallel = std::function<void(int64_t items, const Work& work)>;

struct Range {
  int64_t begin, end;
};

/// A convolution with its method and the sizes that follow.
class DCGAN_EXPORT Convolution {
 public:
  Convolution(const Kernels& kernels, const MapShape& shape);

  const MapShape& shape() const { return shape_; }
  const TileMethod& method() const { return *method_; }
  bool direct() const { return direct_; }  ///< by the definition: rows are the pixels below the kernel, as they are
  int64_t panels() const { return panels_; }
  int64_t tiles_per_image() const { return tiles_per_side_ * tiles_per_side_; }
  int64_t block() const { return block_; }                                                  ///< tiles at a time
  int64_t in_floats() const { return shape_.size_in * shape_.size_in * shape_.in_stride; }  ///< of an image
  int64_t out_floats() const { return shape_.size_out * shape_.size_out * shape_.out_stride; }
  int64_t weight_floats() const { return panels_ * panel_floats(); }
  int64_t scratch_floats() const { return scratch_floats_; }  ///< of one thread

  /// Puts the weights of one panel of output channels where run() reads them.
  void pack(const float* filters, const FilterLayout& layout, int64_t panel, float* weights) const;

  /// Transforms one panel of packed weights once for many tiles; nothing where direct().
  int64_t transformed_floats() const { return direct_ ? 0 : panels_ * method_->filters * depth_ * kernels_.panel; }
  void transform(const float* weights, int64_t panel, float* transformed) const;

  struct Pass {
    const float* weights;      ///< of pack()
    const float* transformed;  ///< of transform(); nullptr: few_tiles() or fewer, on the way
    const float* bias;         ///< [panels * kernels.panel]
    float leaky_slope;         ///< 1: none
    const float* in;
    float* out;
  };
  /// So many tiles are quicker with weights that are transformed where they are used.
  int64_t few_tiles() const { return method_->few_tiles; }
  /// Some panels of some tiles of all images, up to block() of them.
  void run(const Pass& pass, Range tiles, Range panels, float* scratch) const;
  Range all_panels() const { return {0, panels_}; }

 private:
  void multiply(const Pass& pass, int64_t panel, int64_t count, float* scratch) const;
  void interleave(int64_t count, float* scratch) const;
  void transform_outputs(const Pass& pass, Range tiles, int64_t panel, float* scratch) const;
  int64_t panel_floats() const;  ///< of the weights: [depth][tap][panel], or directly [depth][panel]
  void transform_inputs(const float* in, Range tiles, float* scratch) const;
  // A line more than needed: points a power of two apart would share the same few sets of the cache.
  int64_t row_point_stride() const;
  int64_t product_point_stride() const;

  const Kernels& kernels_;
  MapShape shape_;
  const TileMethod* method_;
  bool direct_;
  int64_t points_;          ///< P^2 matrix products
  int64_t depth_;           ///< of each: channels, or all values below the kernel
  int64_t row_floats_;      ///< from one tile's row to the next
  int64_t tiles_per_side_;  ///< the last may stick out of the map
  int64_t block_;
  int64_t panels_;  ///< of output channels
  // Where the parts of a thread's scratch begin: rows [point][tile][depth]; those of few tiles interleaved; products
  // [point][tile][panel]; copies of pixels that have too few floats; a tile's outputs where it sticks out.
  int64_t interleaved_at_, products_at_, copies_at_, part_at_;
  int64_t scratch_floats_;
  std::vector<float> zeros_;  ///< a pixel outside the image
};

/// The gradient of a convolution, or of its adjoint, with respect to its filters: for each tap the sum over all pixels
/// of products of the larger map's channels with the smaller map's. The sums have the same order whatever the threads.
class DCGAN_EXPORT FilterGradient {
 public:
  /// @param shape  of the convolution (not the adjoint): in is the larger map
  FilterGradient(const Kernels& kernels, const MapShape& shape, int64_t images);

  int64_t shared_floats() const;
  int64_t scratch_floats() const;  ///< of one thread

  struct Pass {
    const float* in;
    const float* out_gradient;
    float* gradient;  ///< [out_channels, kernel, kernel, in_channels]
    float* shared;
    float* scratch;  ///< scratch_floats() for each thread
  };
  void run(const Pass& pass, const Parallel& parallel) const;

 private:
  void transform(const Pass& pass, int64_t first, int64_t count, float* transformed, float* copies) const;
  void correlate(const float* transformed, int64_t point, int64_t pair, int64_t count, bool add, float* sums) const;
  void sum_slices(const Pass& pass, const Parallel& parallel) const;
  void sum_pairs(const Pass& pass, const Parallel& parallel) const;
  void restore(const float* sums, int64_t point_stride, int64_t pair, float* gradient) const;
  int64_t point_stride() const;  ///< floats from a point's [chunk, panel] to the next point's
  int64_t transformed_floats() const { return (in_panels_ + out_panels_) * points_ * point_stride(); }
  int64_t square() const { return kernels_.panel * kernels_.panel; }
  int64_t pairs() const { return in_panels_ * out_panels_; }  ///< of an output panel and an input panel
  int64_t copied_floats() const;

  const Kernels& kernels_;
  MapShape shape_;
  const TileMethod* method_;
  int64_t points_, tiles_per_side_, tiles_;
  int64_t in_panels_, out_panels_;
  int64_t chunk_;   ///< tiles that are transformed before they are summed
  int64_t slices_;  ///< of the tiles, each with sums of its own; 1: few tiles, and panels are what threads share out
  std::vector<float> zeros_;
};

}  // namespace dcgan::kernels
