#include "eval/baselines/patch_kernels.h"

#include <cmath>
#include <limits>

#include "eval/registers.h"

namespace dcgan::eval {
namespace {

constexpr int64_t kPanel = PanelMatrix::kPanel;

// kRows: those that are multiplied at once. kRows x 16 sums stay in registers over the whole depth.
template <int kBytes, int kRows>
DCGAN_INLINE void multiply_tile(const float* rows, int64_t depth, const float* panel, float* out, int64_t pitch) {
  using Vector = typename Registers<kBytes>::Unaligned;
  constexpr int64_t kLanes = Registers<kBytes>::kLanes, kVectors = kPanel / kLanes;
  Vector sums[kRows][kVectors] = {};
  for (int64_t d = 0; d < depth; ++d) {
    Vector columns[kVectors];
    for (int v = 0; v < kVectors; ++v) columns[v] = *reinterpret_cast<const Vector*>(panel + d * kPanel + v * kLanes);
    for (int r = 0; r < kRows; ++r) {
      const float x = rows[r * depth + d];
      for (int v = 0; v < kVectors; ++v) sums[r][v] += x * columns[v];
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) *reinterpret_cast<Vector*>(out + r * pitch + v * kLanes) = sums[r][v];
  }
}

template <int kBytes, int kTileRows>
DCGAN_INLINE void multiply_rows(const float* rows, int64_t n, const PanelMatrix& matrix, float* out) {
  const int64_t depth = matrix.depth(), pitch = matrix.padded_columns();
  for (int64_t p = 0; p * kPanel < pitch; ++p) {
    const float* panel = matrix.panel(p);
    int64_t r = 0;
    for (; r + kTileRows <= n; r += kTileRows) {
      multiply_tile<kBytes, kTileRows>(rows + r * depth, depth, panel, out + r * pitch + p * kPanel, pitch);
    }
    for (; r < n; ++r) multiply_tile<kBytes, 1>(rows + r * depth, depth, panel, out + r * pitch + p * kPanel, pitch);
  }
}

DCGAN_INLINE int64_t nearest_column(const float* products, const float* half_squares, int64_t columns) {
  float best[kPanel];
  int32_t place[kPanel] = {};
  for (float& b : best) b = -std::numeric_limits<float>::infinity();
  int64_t j = 0;
  for (; j + kPanel <= columns; j += kPanel) {
    for (int64_t l = 0; l < kPanel; ++l) {
      const float score = products[j + l] - half_squares[j + l];
      place[l] = score > best[l] ? static_cast<int32_t>(j + l) : place[l];
      best[l] = score > best[l] ? score : best[l];
    }
  }
  for (; j < columns; ++j) {
    const float score = products[j] - half_squares[j];
    const int64_t l = j % kPanel;
    if (score > best[l]) place[l] = static_cast<int32_t>(j), best[l] = score;
  }
  int64_t winner = 0;
  for (int64_t l = 1; l < kPanel; ++l) {
    if (best[l] > best[winner] || (best[l] == best[winner] && place[l] < place[winner])) winner = l;
  }
  return place[winner];
}

DCGAN_INLINE float distance(float half_squares, float product) {
  const float squared = 2 * (half_squares - product);
  return std::sqrt(squared > 0 ? squared : 0.0f);
}

DCGAN_INLINE void add_triangle_row(float* products, float half_square, const float* half_squares, int64_t columns,
                                   float* pool) {
  float sums[kPanel] = {};
  int64_t j = 0;
  for (; j + kPanel <= columns; j += kPanel) {
    for (int64_t l = 0; l < kPanel; ++l) {
      products[j + l] = distance(half_square + half_squares[j + l], products[j + l]);
      sums[l] += products[j + l];
    }
  }
  for (; j < columns; ++j) {
    products[j] = distance(half_square + half_squares[j], products[j]);
    sums[j % kPanel] += products[j];
  }
  double sum = 0;
  for (const float s : sums) sum += static_cast<double>(s);
  const auto mean = static_cast<float>(sum / static_cast<double>(columns));
  for (j = 0; j < columns; ++j) pool[j] += mean > products[j] ? mean - products[j] : 0.0f;
}

#define DCGAN_PATCH_KERNELS(set, target, kBytes, kRows)                                                    \
  namespace set {                                                                                          \
  target void multiply(const float* rows, int64_t n, const PanelMatrix& matrix, float* out) {              \
    multiply_rows<kBytes, kRows>(rows, n, matrix, out);                                                    \
  }                                                                                                        \
  target int64_t nearest(const float* products, const float* half_squares, int64_t columns) {              \
    return nearest_column(products, half_squares, columns);                                                \
  }                                                                                                        \
  target void add_triangle(float* products, float half_square, const float* half_squares, int64_t columns, \
                           float* pool) {                                                                  \
    add_triangle_row(products, half_square, half_squares, columns, pool);                                  \
  }                                                                                                        \
  }

DCGAN_PATCH_KERNELS(plain, , 16, 3)
#if defined(__x86_64__)
DCGAN_PATCH_KERNELS(avx2, __attribute__((target("avx2,fma"))), 32, 6)
#endif

}  // namespace

PanelMatrix::PanelMatrix(const float* transposed, int64_t columns, int64_t depth)
    : columns_(columns), depth_(depth), values_(padded_columns() * depth) {
  for (int64_t j = 0; j < columns; ++j) {
    float* panel = values_.data() + j / kPanel * kPanel * depth;
    for (int64_t d = 0; d < depth; ++d) panel[d * kPanel + j % kPanel] = transposed[j * depth + d];
  }
}

const std::vector<PatchKernels>& available_patch_kernels() {
  static const std::vector<PatchKernels> kernels = [] {
    std::vector<PatchKernels> list = {{"plain", plain::multiply, plain::nearest, plain::add_triangle}};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
      list.push_back({"avx2", avx2::multiply, avx2::nearest, avx2::add_triangle});
    }
#endif
    return list;
  }();
  return kernels;
}

}  // namespace dcgan::eval
