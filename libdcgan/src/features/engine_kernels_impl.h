#pragma once

// The kernels, written once for any vector type. Included by one file per instruction set, each compiled with its own
// flags, so nothing here may be shared between them: the vector types live in unnamed namespaces.
//
// Vec has kWidth floats and load, store, broadcast, zero, +, -, *, maximum, and multiply_add (a * b + c).

#include "features/engine_filters.h"
#include "features/engine_kernels.h"

namespace dcgan::engine {

/// sum over the columns of kMatrix[row][column] * x[column]; zeros cost nothing, ones no multiplication.
template <class Vec, const auto& kMatrix, int kRow, int kColumns, int kColumn = 0, bool kStarted = false>
inline Vec row_times(const Vec* x, int64_t step, Vec sum = Vec::zero()) {
  if constexpr (kColumn == kColumns) {
    return sum;
  } else {
    constexpr auto kValue = static_cast<float>(kMatrix.values[kRow][kColumn]);
    if constexpr (kValue != 0) {
      const Vec input = x[kColumn * step];
      if constexpr (!kStarted) {
        sum = kValue == 1 ? input : input * Vec::broadcast(kValue);
      } else if constexpr (kValue == 1) {
        sum = sum + input;
      } else if constexpr (kValue == -1) {
        sum = sum - input;
      } else {
        sum = multiply_add(input, Vec::broadcast(kValue), sum);
      }
    }
    return row_times < Vec, kMatrix, kRow, kColumns, kColumn + 1, kStarted || kValue != 0 > (x, step, sum);
  }
}

/// Calls use(row, value) for each row of kMatrix * x.
template <class Vec, const auto& kMatrix, int kRows, int kColumns, int kRow = 0, class Use>
inline void matrix_times(const Vec* x, int64_t step, const Use& use) {
  if constexpr (kRow < kRows) {
    use(kRow, row_times<Vec, kMatrix, kRow, kColumns>(x, step));
    matrix_times<Vec, kMatrix, kRows, kColumns, kRow + 1>(x, step, use);
  }
}

template <class Vec, int kTaps, int kStride, int kOutputs>
struct TileKernels {
  using Algorithm = FilterAlgorithm<kTaps, kStride, kOutputs>;
  static constexpr int kInputs = Algorithm::kInputs;
  static constexpr int kProducts = Algorithm::kProducts;
  static constexpr int kVectors = 2;  // of a panel
  static constexpr typename Algorithm::Matrices kMatrices = Algorithm::make();
  static constexpr auto kInput = kMatrices.input;
  static constexpr auto kOutput = kMatrices.output;

  static void transform_input(const float* const* pixels, int64_t channels, float* rows, int64_t row_stride) {
    Vec column[kInputs];
    Vec half[kProducts][kInputs];  // B^T d
    for (int64_t c = 0; c < channels; c += Vec::kWidth) {
      for (int x = 0; x < kInputs; ++x) {
        for (int y = 0; y < kInputs; ++y) column[y] = Vec::load(pixels[y * kInputs + x] + c);
        matrix_times<Vec, kInput, kProducts, kInputs>(column, 1, [&](int p, Vec value) { half[p][x] = value; });
      }
      float* out = rows + c;
      for (int p = 0; p < kProducts; ++p) {
        matrix_times<Vec, kInput, kProducts, kInputs>(half[p], 1, [&](int, Vec value) {
          value.store(out);
          out += row_stride;
        });
      }
    }
  }

  static void transform_output(const float* rows, int64_t row_stride, const float* bias, float slope, float* pixels,
                               int64_t y_stride, int64_t x_stride) {
    const Vec leak = Vec::broadcast(slope);
    Vec column[kProducts];
    Vec half[kOutputs][kProducts];  // A^T M
    for (int v = 0; v < kVectors; ++v) {
      const int64_t c = v * Vec::kWidth;
      const Vec shift = Vec::load(bias + c);
      for (int q = 0; q < kProducts; ++q) {
        for (int p = 0; p < kProducts; ++p) column[p] = Vec::load(rows + (p * kProducts + q) * row_stride + c);
        matrix_times<Vec, kOutput, kOutputs, kProducts>(column, 1, [&](int y, Vec value) { half[y][q] = value; });
      }
      for (int y = 0; y < kOutputs; ++y) {
        matrix_times<Vec, kOutput, kOutputs, kProducts>(half[y], 1, [&](int x, Vec value) {
          value = value + shift;
          maximum(value, value * leak).store(pixels + y * y_stride + x * x_stride + c);
        });
      }
    }
  }

  static constexpr TileMethod method() {
    return {kTaps,
            kStride,
            kOutputs,
            kProducts,
            kInputs,
            &kMatrices.filter.values[0][0],
            &transform_input,
            &transform_output};
  }
};

/// Fastest first for each kernel and stride; the planner takes the first that fits.
template <class Vec>
constexpr TileMethod kMethods[] = {
    TileKernels<Vec, 3, 1, 4>::method(), TileKernels<Vec, 3, 1, 2>::method(), TileKernels<Vec, 3, 2, 4>::method(),
    TileKernels<Vec, 3, 2, 2>::method(), TileKernels<Vec, 5, 1, 2>::method(), TileKernels<Vec, 5, 2, 4>::method(),
    TileKernels<Vec, 5, 2, 2>::method(), TileKernels<Vec, 7, 2, 2>::method(), TileKernels<Vec, 1, 1, 1>::method()};

/// kRows rows times one panel of two vectors: 2 kRows sums stay in registers.
template <class Vec, int kRows>
void multiply_rows(const float* rows, int64_t row_stride, const float* weights, int64_t depth, float* products) {
  Vec sum[kRows][2];
  for (int r = 0; r < kRows; ++r) sum[r][0] = sum[r][1] = Vec::zero();
  for (int64_t d = 0; d < depth; ++d) {
    const Vec left = Vec::load(weights);
    const Vec right = Vec::load(weights + Vec::kWidth);
    for (int r = 0; r < kRows; ++r) {
      const Vec value = Vec::broadcast(rows[r * row_stride + d]);
      sum[r][0] = multiply_add(value, left, sum[r][0]);
      sum[r][1] = multiply_add(value, right, sum[r][1]);
    }
    weights += 2 * Vec::kWidth;
  }
  for (int r = 0; r < kRows; ++r) {
    sum[r][0].store(products + r * 2 * Vec::kWidth);
    sum[r][1].store(products + r * 2 * Vec::kWidth + Vec::kWidth);
  }
}

/// Picks multiply_rows<count>, 1 <= count <= kRows.
template <class Vec, int kRows>
void multiply_some(const float* rows, int64_t row_stride, int64_t count, const float* weights, int64_t depth,
                   float* products) {
  if (count == kRows) {
    multiply_rows<Vec, kRows>(rows, row_stride, weights, depth, products);
  } else if constexpr (kRows > 1) {
    multiply_some<Vec, kRows - 1>(rows, row_stride, count, weights, depth, products);
  }
}

/// Groups of kMaxRows rows and fewer, as even as they come: 32 rows are 6 + 6 + 5 + 5 + 5 + 5, not 5 x 6 + 2.
template <class Vec, int kMaxRows>
void multiply(const float* rows, int64_t row_stride, int64_t count, const float* weights, int64_t depth,
              float* products) {
  constexpr int64_t kLine = 64;  // bytes of a cache line
  const int64_t panel_bytes = depth * 2 * Vec::kWidth * static_cast<int64_t>(sizeof(float));
  const int64_t all_groups = (count + kMaxRows - 1) / kMaxRows;
  const int64_t share = (panel_bytes / kLine + all_groups - 1) / all_groups * kLine;
  const char* ahead = reinterpret_cast<const char*>(weights) + panel_bytes;
  for (int64_t groups = all_groups; groups > 0; --groups) {
    const int64_t size = (count + groups - 1) / groups;
    for (const char* end = ahead + share; ahead < end; ahead += kLine) __builtin_prefetch(ahead);
    multiply_some<Vec, kMaxRows>(rows, row_stride, size, weights, depth, products);
    rows += size * row_stride;
    products += size * 2 * Vec::kWidth;
    count -= size;
  }
}

template <class Vec>
void pool(const float* pixels, int64_t stride, int64_t size, int64_t grid, float* cells) {
  const int64_t window = size / grid;
  for (int64_t cell = 0; cell < grid * grid; ++cell) {
    const float* corner = pixels + (cell / grid * size + cell % grid) * window * stride;
    Vec left = Vec::load(corner);
    Vec right = Vec::load(corner + Vec::kWidth);
    for (int64_t y = 0; y < window; ++y) {
      for (int64_t x = 0; x < window; ++x) {
        const float* pixel = corner + (y * size + x) * stride;
        left = maximum(left, Vec::load(pixel));
        right = maximum(right, Vec::load(pixel + Vec::kWidth));
      }
    }
    left.store(cells + cell * 2 * Vec::kWidth);
    right.store(cells + cell * 2 * Vec::kWidth + Vec::kWidth);
  }
}

template <class Vec, int kMaxRows>
constexpr Kernels make_kernels(const char* name) {
  return {
      name,      2 * Vec::kWidth, kMethods<Vec>, sizeof(kMethods<Vec>) / sizeof(TileMethod), &multiply<Vec, kMaxRows>,
      &pool<Vec>};
}

}  // namespace dcgan::engine
