#pragma once

// The kernels, written once for any vector type. Included by one file per instruction set, each compiled with its own
// flags, so nothing here may be shared between them: the vector types live in unnamed namespaces.
//
// Vec has kWidth floats and load, store, broadcast, zero, +, -, *, maximum (of numbers), multiply_add (a * b + c), and
// maximum_or_nan, which keeps a NaN of either side where PyTorch's max-pooling does.

#include <algorithm>
#include <type_traits>
#include <utility>

#include "kernels/filters.h"
#include "kernels/kernels.h"

namespace dcgan::kernels {

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

/// Calls use(i) for i from 0 to sizeof...(kIndices) - 1, each a constant of its own type.
template <class Use, int... kIndices>
inline void for_constants(std::integer_sequence<int, kIndices...>, const Use& use) {
  (use(std::integral_constant<int, kIndices>()), ...);
}
template <int kCount>
using Indices = std::make_integer_sequence<int, kCount>;

template <class Vec, int kTaps, int kStride, int kPhaseOutputs, bool kAdjoint = false>
struct TileKernels {
  using Algorithm = FilterAlgorithm<kTaps, kStride, kPhaseOutputs, kAdjoint>;
  static constexpr int kInputs = Algorithm::kInputs;
  static constexpr int kProducts = Algorithm::kProducts;
  static constexpr int kOutputs = Algorithm::kOutputs;
  static constexpr int kVectors = 2;  // of a panel
  static constexpr typename Algorithm::Matrices kMatrices = Algorithm::make();
  static constexpr auto kInput = kMatrices.input;
  static constexpr auto kOutput = kMatrices.output;
  static constexpr auto kOutputAdjoint = transpose(kMatrices.output);
  static constexpr auto kFilterAdjoint = transpose(kMatrices.filter);
  static constexpr DistinctRows<kProducts> kDistinct = distinct_rows(kMatrices.filter);
  static constexpr auto kDistinctFilter = first_rows<kDistinct.count>(kMatrices.filter, kDistinct);
  static constexpr Products<kProducts> kByFilter = products_by_filter(kDistinct);

  /// M x M^T for a square x; load(y, x) gives its elements, store(y, x, value) takes those of the result.
  template <const auto& kMatrix, int kRows, int kColumns, class Load, class Store>
  static void transform(const Load& load, const Store& store) {
    Vec column[kColumns];
    Vec half[kRows][kColumns];
    for (int x = 0; x < kColumns; ++x) {
      for (int y = 0; y < kColumns; ++y) column[y] = load(y, x);
      matrix_times<Vec, kMatrix, kRows, kColumns>(column, 1, [&](int row, Vec value) { half[row][x] = value; });
    }
    for (int y = 0; y < kRows; ++y) {
      matrix_times<Vec, kMatrix, kRows, kColumns>(half[y], 1, [&](int x, Vec value) { store(y, x, value); });
    }
  }

  template <const auto& kMatrix, int kRows, int kColumns>
  static void transform_pixels(const float* const* pixels, int64_t first, int64_t channels, float* rows,
                               int64_t row_stride) {
    for (int64_t c = 0; c < channels; c += Vec::kWidth) {
      float* out = rows + c;
      transform<kMatrix, kRows, kColumns>([&](int y, int x) { return Vec::load(pixels[y * kColumns + x] + first + c); },
                                          [&](int, int, Vec value) {
                                            value.store(out);
                                            out += row_stride;
                                          });
    }
  }

  static void transform_output(const float* rows, int64_t row_stride, const float* bias, float slope, float* pixels,
                               int64_t y_stride, int64_t x_stride) {
    const Vec leak = Vec::broadcast(slope);
    for (int64_t c = 0; c < kVectors * Vec::kWidth; c += Vec::kWidth) {
      const Vec shift = Vec::load(bias + c);
      transform<kOutput, kOutputs, kProducts>(
          [&](int y, int x) { return Vec::load(rows + (y * kProducts + x) * row_stride + c); },
          [&](int y, int x, Vec value) {
            value = value + shift;
            maximum(value, value * leak).store(pixels + y * y_stride + x * x_stride + c);
          });
    }
  }

  /// Between the [kColumns, kColumns] and the [kRows, kRows] values of one panel of channels.
  template <const auto& kMatrix, int kRows, int kColumns>
  static void transform_panel(const float* in, int64_t in_stride, float* out, int64_t out_stride) {
    for (int64_t c = 0; c < kVectors * Vec::kWidth; c += Vec::kWidth) {
      transform<kMatrix, kRows, kColumns>(
          [&](int y, int x) { return Vec::load(in + (y * kColumns + x) * in_stride + c); },
          [&](int y, int x, Vec value) { value.store(out + (y * kRows + x) * out_stride + c); });
    }
  }
  static void transform_filter(const float* taps, float* points, int64_t point_stride) {
    transform_panel<kDistinctFilter, kDistinct.count, kTaps>(taps, kVectors * Vec::kWidth, points, point_stride);
  }
  static void restore_filter(const float* points, int64_t point_stride, float* taps) {
    transform_panel<kFilterAdjoint, kTaps, kProducts>(points, point_stride, taps, kVectors * Vec::kWidth);
  }

  static constexpr int kPanel = kVectors * Vec::kWidth;
  static constexpr int kAll = kProducts * kProducts;
  static constexpr int kFilters = kDistinct.count;  ///< of one dimension
  static constexpr int kDepths = FewTiles::kDepths;
  using Halves = Vec[kDepths][kFilters][kTaps];  ///< filters that are transformed along one dimension

  /// One vector of kSize products of kRows tiles: the sums stay in registers, and so does a filter while it is used.
  /// Meanwhile fetches kLines cache lines a step.
  template <int kFirst, int kSize, int kRows, int kLines>
  static void multiply_group(const Halves& halves, int64_t depths, const FewTiles& p, const float* rows, bool add,
                             float* products, const float* ahead) {
    Vec sums[kSize][kRows];
    const auto each_sum = [&](const auto& use) {
      for_constants(Indices<kSize>(), [&](auto i) {
        float* const product = products + kByFilter.values[kFirst + i].point * p.product_point_stride;
        for (int r = 0; r < kRows; ++r) use(sums[i][r], product + r * kPanel);
      });
    };
    each_sum([&](Vec& sum, const float* product) { sum = add ? Vec::load(product) : Vec::zero(); });
    for (int64_t d = 0; d < depths; ++d, rows += kSize * kRows, ahead += kLines * kPanel) {
      for (int line = 0; line < kLines; ++line) __builtin_prefetch(ahead + line * kPanel);
      Vec filter;
      for_constants(Indices<kSize>(), [&](auto i) {
        constexpr int kFilter = kByFilter.values[kFirst + i].filter;
        if constexpr (i == 0 || kByFilter.values[kFirst + i - (i > 0)].filter != kFilter) {
          filter = row_times<Vec, kDistinctFilter, kFilter % kFilters, kTaps>(halves[d][kFilter / kFilters], 1);
        }
        for (int r = 0; r < kRows; ++r) {
          sums[i][r] = multiply_add(Vec::broadcast(rows[i * kRows + r]), filter, sums[i][r]);
        }
      });
    }
    each_sum([&](const Vec& sum, float* product) { sum.store(product); });
  }

  template <int kRows>
  static void multiply_few_of(const FewTiles& p) {
    constexpr int kGroup = Vec::kFewSums / kRows;
    constexpr int kGroups = (kAll + kGroup - 1) / kGroup;
    constexpr int kLines = (kTaps * kTaps + kGroups - 1) / kGroups;  // so that all groups fetch the next step's taps
    for (int64_t first = 0; first < p.depth; first += kDepths) {
      const int64_t depths = std::min<int64_t>(kDepths, p.depth - first);
      for (int64_t c = 0; c < kPanel; c += Vec::kWidth) {
        const float* const taps = p.taps + first * kTaps * kTaps * kPanel + c;
        Halves halves;
        for (int64_t d = 0; d < depths; ++d) {
          for (int x = 0; x < kTaps; ++x) {
            Vec column[kTaps];
            for (int y = 0; y < kTaps; ++y) column[y] = Vec::load(taps + ((d * kTaps + y) * kTaps + x) * kPanel);
            matrix_times<Vec, kDistinctFilter, kFilters, kTaps>(column, 1,
                                                                [&](int row, Vec value) { halves[d][row][x] = value; });
          }
        }
        for_constants(Indices<kGroups>(), [&](auto group) {
          constexpr int kFirst = group * kGroup;
          multiply_group<kFirst, std::min(kGroup, kAll - kFirst), kRows, kLines>(
              halves, depths, p, p.rows + (first * kAll + kFirst * depths) * kRows, first > 0, p.products + c,
              taps + (kDepths * kTaps * kTaps + group * kDepths * kLines) * kPanel);
        });
      }
    }
  }

  /// Up to so many tiles are quicker this way than with filters transformed before; measured on Zen 5.
  static constexpr int kFewTiles = Vec::kFewSums == 0 || kAdjoint || kPhaseOutputs != 4 ? 0 : kAll <= 36 ? 4 : 1;
  static void multiply_few(const FewTiles& p) {
    if constexpr (kFewTiles >= 1) {
      if (p.count == 1) multiply_few_of<1>(p);
    }
    if constexpr (kFewTiles >= 4) {
      if (p.count == 2) multiply_few_of<2>(p);
      if (p.count == 4) multiply_few_of<4>(p);
    }
  }

  static constexpr TileMethod method() {
    return {kTaps,
            kStride,
            kAdjoint,
            kOutputs,
            kProducts,
            kInputs,
            kAdjoint ? Algorithm::kFirstInput : 0,
            kAdjoint ? kPhaseOutputs : kStride * kPhaseOutputs,
            kDistinct.count * kDistinct.count,
            kByFilter.values,
            &transform_filter,
            &multiply_few,
            kFewTiles,
            Vec::kFewSums,
            &transform_pixels<kInput, kProducts, kInputs>,
            &transform_output,
            &transform_pixels<kOutputAdjoint, kProducts, kOutputs>,
            &restore_filter};
  }
};

/// Fastest first for each kernel and stride; the planner takes the first that fits.
template <class Vec>
constexpr TileMethod kMethods[] = {TileKernels<Vec, 3, 1, 4>::method(),       TileKernels<Vec, 3, 1, 2>::method(),
                                   TileKernels<Vec, 3, 2, 4>::method(),       TileKernels<Vec, 3, 2, 2>::method(),
                                   TileKernels<Vec, 4, 2, 4>::method(),       TileKernels<Vec, 4, 2, 2>::method(),
                                   TileKernels<Vec, 5, 1, 2>::method(),       TileKernels<Vec, 5, 2, 4>::method(),
                                   TileKernels<Vec, 5, 2, 2>::method(),       TileKernels<Vec, 7, 2, 2>::method(),
                                   TileKernels<Vec, 3, 1, 4, true>::method(), TileKernels<Vec, 3, 1, 2, true>::method(),
                                   TileKernels<Vec, 3, 2, 4, true>::method(), TileKernels<Vec, 3, 2, 2, true>::method(),
                                   TileKernels<Vec, 4, 2, 4, true>::method(), TileKernels<Vec, 4, 2, 2, true>::method(),
                                   TileKernels<Vec, 5, 1, 2, true>::method(), TileKernels<Vec, 5, 2, 4, true>::method(),
                                   TileKernels<Vec, 5, 2, 2, true>::method(), TileKernels<Vec, 1, 1, 1>::method()};

/// How the left factor of a product lies in memory: row r of step d at r * row + d * step.
struct RowsOfDepth {
  int64_t row;
  static constexpr int64_t kStep = 1;
};
template <class Vec>
struct ColumnsOfPanel {
  static constexpr int64_t row = 1;
  static constexpr int64_t kStep = 2 * Vec::kWidth;
};

/// kRows rows times one panel of two vectors: 2 kRows sums stay in registers.
template <class Vec, int kRows, class Layout>
void multiply_rows(const float* rows, Layout layout, const float* weights, int64_t depth, bool add, float* products) {
  Vec sum[kRows][2];
  for (int r = 0; r < kRows; ++r) {
    sum[r][0] = add ? Vec::load(products + r * 2 * Vec::kWidth) : Vec::zero();
    sum[r][1] = add ? Vec::load(products + r * 2 * Vec::kWidth + Vec::kWidth) : Vec::zero();
  }
  for (int64_t d = 0; d < depth; ++d) {
    const Vec left = Vec::load(weights);
    const Vec right = Vec::load(weights + Vec::kWidth);
    for (int r = 0; r < kRows; ++r) {
      const Vec value = Vec::broadcast(rows[r * layout.row + d * Layout::kStep]);
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
template <class Vec, int kRows, class Layout>
void multiply_some(const float* rows, Layout layout, int64_t count, const float* weights, int64_t depth, bool add,
                   float* products) {
  if (count == kRows) {
    multiply_rows<Vec, kRows>(rows, layout, weights, depth, add, products);
  } else if constexpr (kRows > 1) {
    multiply_some<Vec, kRows - 1>(rows, layout, count, weights, depth, add, products);
  }
}

/// Groups of kMaxRows rows and fewer, as even as they come: 32 rows are 6 + 6 + 5 + 5 + 5 + 5, not 5 x 6 + 2.
template <class Vec, int kMaxRows>
void multiply(const float* rows, int64_t row_stride, int64_t count, const float* weights, int64_t depth,
              float* products, const float* ahead) {
  constexpr int64_t kLine = 64 / sizeof(float);
  const int64_t all_groups = (count + kMaxRows - 1) / kMaxRows;
  const int64_t share = ahead == nullptr ? 0 : (depth * 2 * Vec::kWidth / kLine + all_groups - 1) / all_groups * kLine;
  for (int64_t groups = all_groups; groups > 0; --groups) {
    const int64_t size = (count + groups - 1) / groups;
    for (const float* end = ahead + share; ahead < end; ahead += kLine) __builtin_prefetch(ahead);
    multiply_some<Vec, kMaxRows>(rows, RowsOfDepth{row_stride}, size, weights, depth, false, products);
    rows += size * row_stride;
    products += size * 2 * Vec::kWidth;
    count -= size;
  }
}

template <class Vec, int kMaxRows>
void correlate(const float* left, const float* right, int64_t depth, bool add, float* sums) {
  constexpr int64_t kPanel = 2 * Vec::kWidth;
  constexpr int64_t kGroups = (kPanel + kMaxRows - 1) / kMaxRows;
  for (int64_t group = 0, row = 0; group < kGroups; ++group) {
    const int64_t size = (kPanel - row + kGroups - group - 1) / (kGroups - group);
    multiply_some<Vec, kMaxRows>(left + row, ColumnsOfPanel<Vec>{}, size, right, depth, add, sums + row * kPanel);
    row += size;
  }
}

template <class Vec>
void pool(const float* pixels, int64_t stride, int64_t size, int64_t grid, float* cells) {
  const auto begin = [&](int64_t i) { return i * size / grid; };
  const auto end = [&](int64_t i) { return ((i + 1) * size + grid - 1) / grid; };
  for (int64_t cell = 0; cell < grid * grid; ++cell) {
    const int64_t row = cell / grid, column = cell % grid;
    const float* corner = pixels + (begin(row) * size + begin(column)) * stride;
    Vec left = Vec::load(corner);
    Vec right = Vec::load(corner + Vec::kWidth);
    for (int64_t y = begin(row); y < end(row); ++y) {
      for (int64_t x = begin(column); x < end(column); ++x) {
        const float* pixel = pixels + (y * size + x) * stride;
        left = maximum_or_nan(left, Vec::load(pixel));
        right = maximum_or_nan(right, Vec::load(pixel + Vec::kWidth));
      }
    }
    left.store(cells + cell * 2 * Vec::kWidth);
    right.store(cells + cell * 2 * Vec::kWidth + Vec::kWidth);
  }
}

template <class Vec, int kMaxRows>
constexpr Kernels make_kernels(const char* name) {
  return {name,
          2 * Vec::kWidth,
          kMethods<Vec>,
          sizeof(kMethods<Vec>) / sizeof(TileMethod),
          &multiply<Vec, kMaxRows>,
          &correlate<Vec, kMaxRows>,
          &pool<Vec>};
}

}  // namespace dcgan::kernels
