#pragma once

#include <cstdint>

#include "dcgan/export.h"
#include "kernels/filters.h"

namespace dcgan::kernels {

/// A block of 1, 2 or 4 tiles and what is multiplied with them.
struct FewTiles {
  static constexpr int64_t kDepths = 16;
  int64_t count, depth;
  /// float32, in the order in which they are read: kDepths of the depth at a time (the last time as many as are left),
  /// then few_sums / count products in the order of by_filter (as well), then [depth][product][count]
  const float* rows;
  const float* taps;  ///< float32 [depth][k, k, panel]; as many bytes behind them may be fetched into the cache
  float* products;    ///< float32 [P^2], `product_point_stride` floats apart, [count][panel]
  int64_t product_point_stride;
};

/// Two-dimensional convolution by tiles of outputs x outputs pixels (filters.h): transform a tile's inputs into
/// products^2 rows over the channels, multiply each row by its transformed filter, transform back. `adjoint`: the
/// fractionally strided convolution, whose map grows by the stride.
struct TileMethod {
  int64_t kernel;  ///< k
  int64_t stride;  ///< s
  bool adjoint;
  int64_t outputs;           ///< m, side of the tile that comes out
  int64_t products;          ///< P
  int64_t inputs;            ///< L, side of the tile that goes in
  int64_t first_input;       ///< of a tile, relative to tile * step and to the padding
  int64_t step;              ///< pixels of the input from tile to tile
  int64_t filters;           ///< different ones among the P^2: where a phase has one tap, several rows meet the same
  const Product* by_filter;  ///< [P^2], those of a filter together

  /// G g G^T for one panel of output channels.
  /// @param taps    float32 [k, k, panel]
  /// @param points  float32 [filters], `point_stride` floats apart, [panel] each
  void (*transform_filter)(const float* taps, float* points, int64_t point_stride);

  /// All products of a few tiles with one panel of filters, which are transformed on the way.
  void (*multiply_few)(const FewTiles& tiles);
  int64_t few_tiles;  ///< or 0: up to so many are quicker this way
  int64_t few_sums;   ///< vectors that stay in registers meanwhile

  /// @param pixels  [L, L] pointers to maps of pixels; channels `first` to first + channels - 1 are read
  /// @param rows    float32 [P, P], `row_stride` floats apart, [channels] each
  void (*transform_input)(const float* const* pixels, int64_t first, int64_t channels, float* rows, int64_t row_stride);

  /// Back to pixels, for one panel of channels; adds the bias and applies LeakyReLU.
  /// @param rows    float32 [P, P], `row_stride` floats apart, [panel] each
  /// @param pixels  float32 [m, m], pixel (y, x) at pixels + y * y_stride + x * x_stride
  void (*transform_output)(const float* rows, int64_t row_stride, const float* bias, float slope, float* pixels,
                           int64_t y_stride, int64_t x_stride);

  /// The adjoint of transform_output without bias and LeakyReLU, for one panel of channels: A y A^T.
  /// @param pixels  [m, m] pointers; @param rows as of transform_input
  void (*transform_gradient)(const float* const* pixels, int64_t first, int64_t channels, float* rows,
                             int64_t row_stride);

  /// The adjoint of G g G^T.
  /// @param points  float32 [P, P], `point_stride` floats apart, [panel] each
  void (*restore_filter)(const float* points, int64_t point_stride, float* taps);
};

/// The arithmetic of one instruction set. Each value comes from the same operations in the same order whatever the
/// number of tiles, so results do not depend on how work is divided.
struct DCGAN_EXPORT Kernels {
  const char* name;
  int64_t panel;              ///< output channels that are computed together; a multiple of 8
  const TileMethod* methods;  ///< the last is {kernel 1, stride 1, outputs 1}, a plain matrix product
  int64_t method_count;

  /// products = rows * weights. Meanwhile fetches as many weights from `ahead` into the cache, unless it is nullptr.
  /// @param rows      float32 [count, depth], `row_stride` floats apart
  /// @param weights   float32 [depth, panel]
  /// @param products  float32 [count, panel]
  void (*multiply)(const float* rows, int64_t row_stride, int64_t count, const float* weights, int64_t depth,
                   float* products, const float* ahead);

  /// sums = left^T * right, or added to what is there.
  /// @param left   float32 [depth, panel]
  /// @param right  float32 [depth, panel]
  /// @param sums   float32 [panel, panel]
  void (*correlate)(const float* left, const float* right, int64_t depth, bool add, float* sums);

  /// Largest values of each cell of a grid over one panel of channels. Cells are those of PyTorch's adaptive
  /// max-pooling, rows floor(i * size / grid) to ceil((i + 1) * size / grid) - 1: where `grid` does not divide the size
  /// neighbours share a row, and of maps smaller than the grid pixels stand in several cells.
  /// @param pixels  float32 [size, size, panel], `stride` floats from pixel to pixel
  /// @param cells   float32 [grid, grid, panel]
  void (*pool)(const float* pixels, int64_t stride, int64_t size, int64_t grid, float* cells);

  /// The fastest method for a map of side `size_out`, or the last of all.
  const TileMethod& method(int64_t kernel, int64_t stride, bool adjoint, int64_t size_out) const;
};

// nullptr where this machine lacks the instructions, or the build has no such variant.
const Kernels* avx512_kernels();
const Kernels* avx2_kernels();
const Kernels* portable_kernels();  ///< never nullptr

DCGAN_EXPORT const Kernels& best_kernels();  ///< the fastest that this machine can run

}  // namespace dcgan::kernels
