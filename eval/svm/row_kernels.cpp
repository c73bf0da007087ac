#include "eval/svm/row_kernels.h"

#include "eval/registers.h"

namespace dcgan::eval {
namespace {

constexpr int kClassGroup = 5;  // 10 classes make two groups

#define DCGAN_LOAD(p) (*reinterpret_cast<const typename Registers<kBytes>::Unaligned*>(p))
#define DCGAN_STORE(p, value) (*reinterpret_cast<typename Registers<kBytes>::Unaligned*>(p) = (value))

template <int kBytes>
DCGAN_INLINE float lane_sum(const typename Registers<kBytes>::Vector& v) {
  typedef float Quarter __attribute__((vector_size(16)));
  constexpr int kQuarters = kBytes / 16;
  Quarter parts[kQuarters];
  __builtin_memcpy(parts, &v, sizeof(v));
  for (int i = 1; i < kQuarters; ++i) parts[0] += parts[i];
  return (parts[0][0] + parts[0][1]) + (parts[0][2] + parts[0][3]);
}

// `next` are the rows that come after, which are fetched meanwhile.
template <int kBytes, int kRows, int kColumns>
DCGAN_INLINE void dot_tile(const float* const* a, const float* const* next, const float* const* b, int64_t first,
                           int64_t length, float* out, int64_t pitch) {
  using Vector = typename Registers<kBytes>::Vector;
  Vector sums[kRows][kColumns] = {};
  for (int64_t c = first; c < first + length; c += kKernelStep) {
    for (int i = 0; i < kRows; ++i) __builtin_prefetch(next[i] + c);
    for (int64_t d = c; d < c + kKernelStep; d += Registers<kBytes>::kLanes) {
      Vector rows[kRows];
      for (int i = 0; i < kRows; ++i) rows[i] = DCGAN_LOAD(a[i] + d);
      for (int j = 0; j < kColumns; ++j) {
        const Vector column = DCGAN_LOAD(b[j] + d);
        for (int i = 0; i < kRows; ++i) sums[i][j] += rows[i] * column;
      }
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kColumns; ++j) out[i * pitch + j] = lane_sum<kBytes>(sums[i][j]);
  }
}

template <int kBytes, int kRows, int kColumns>
DCGAN_INLINE void dot_columns(const float* const* a, int64_t na, const float* const* b, int64_t first, int64_t length,
                              float* out, int64_t pitch) {
  int64_t i = 0;
  for (; i + kRows <= na; i += kRows) {
    const int64_t after = i + 2 * kRows <= na ? i + kRows : 0;
    dot_tile<kBytes, kRows, kColumns>(a + i, a + after, b, first, length, out + i * pitch, pitch);
  }
  for (; i < na; ++i) dot_tile<kBytes, 1, kColumns>(a + i, a + i, b, first, length, out + i * pitch, pitch);
}

template <int kBytes, int kRows>
DCGAN_INLINE void dots_of(const float* const* a, int64_t na, const float* const* b, int64_t nb, int64_t first,
                          int64_t length, float* out, int64_t pitch) {
  int64_t j = 0;
  for (; j + kClassGroup <= nb; j += kClassGroup)
    dot_columns<kBytes, kRows, kClassGroup>(a, na, b + j, first, length, out + j, pitch);
  switch (nb - j) {
    case 4:
      dot_columns<kBytes, kRows, 4>(a, na, b + j, first, length, out + j, pitch);
      break;
    case 3:
      dot_columns<kBytes, kRows, 3>(a, na, b + j, first, length, out + j, pitch);
      break;
    case 2:
      dot_columns<kBytes, kRows, 2>(a, na, b + j, first, length, out + j, pitch);
      break;
    case 1:
      dot_columns<kBytes, kRows, 1>(a, na, b + j, first, length, out + j, pitch);
      break;
    default:
      break;
  }
}

template <int kBytes, int kColumns>
DCGAN_INLINE void accumulate_classes(const float* const* x, const float* factors, int64_t n, int64_t pitch,
                                     float* const* w, int64_t c) {
  using Vector = typename Registers<kBytes>::Vector;
  constexpr int64_t kLanes = Registers<kBytes>::kLanes;
  constexpr int kVectors = kKernelStep / kLanes > 2 ? 2 : kKernelStep / kLanes;
  for (int64_t d = c; d < c + kKernelStep; d += kVectors * kLanes) {
    Vector sums[kColumns][kVectors] = {};
    for (int64_t i = 0; i < n; ++i) {
      Vector row[kVectors];
      for (int v = 0; v < kVectors; ++v) row[v] = DCGAN_LOAD(x[i] + d + v * kLanes);
      __builtin_prefetch(x[i] + d + kKernelStep);
      for (int k = 0; k < kColumns; ++k) {
        const float factor = factors[i * pitch + k];
        for (int v = 0; v < kVectors; ++v) sums[k][v] += factor * row[v];
      }
    }
    for (int k = 0; k < kColumns; ++k) {
      for (int v = 0; v < kVectors; ++v)
        DCGAN_STORE(w[k] + d + v * kLanes, DCGAN_LOAD(w[k] + d + v * kLanes) + sums[k][v]);
    }
  }
}

template <int kBytes>
DCGAN_INLINE void accumulate_rows(const float* const* x, const float* factors, int64_t n, int64_t pitch,
                                  float* const* w, int64_t classes, int64_t first, int64_t length) {
  for (int64_t c = first; c < first + length; c += kKernelStep) {
    int64_t k = 0;
    for (; k + kClassGroup <= classes; k += kClassGroup) {
      accumulate_classes<kBytes, kClassGroup>(x, factors + k, n, pitch, w + k, c);
    }
    switch (classes - k) {
      case 4:
        accumulate_classes<kBytes, 4>(x, factors + k, n, pitch, w + k, c);
        break;
      case 3:
        accumulate_classes<kBytes, 3>(x, factors + k, n, pitch, w + k, c);
        break;
      case 2:
        accumulate_classes<kBytes, 2>(x, factors + k, n, pitch, w + k, c);
        break;
      case 1:
        accumulate_classes<kBytes, 1>(x, factors + k, n, pitch, w + k, c);
        break;
      default:
        break;
    }
  }
}

template <int kBytes>
DCGAN_INLINE void add_scaled(float factor, const float* x, float* y, int64_t length) {
  for (int64_t c = 0; c < length; c += Registers<kBytes>::kLanes) {
    DCGAN_STORE(y + c, DCGAN_LOAD(y + c) + factor * DCGAN_LOAD(x + c));
  }
}

#undef DCGAN_LOAD
#undef DCGAN_STORE

// kRows: rows that dots() takes at once, kRows * kClassGroup sums stay in registers.
#define DCGAN_ROW_KERNELS(set, target, kBytes, kRows)                                                            \
  namespace set {                                                                                                \
  target void dots(const float* const* a, int64_t na, const float* const* b, int64_t nb, int64_t first,          \
                   int64_t length, float* out, int64_t pitch) {                                                  \
    dots_of<kBytes, kRows>(a, na, b, nb, first, length, out, pitch);                                             \
  }                                                                                                              \
  target void accumulate(const float* const* x, const float* factors, int64_t n, int64_t pitch, float* const* w, \
                         int64_t classes, int64_t first, int64_t length) {                                       \
    accumulate_rows<kBytes>(x, factors, n, pitch, w, classes, first, length);                                    \
  }                                                                                                              \
  target void axpy(float factor, const float* x, float* y, int64_t length) {                                     \
    add_scaled<kBytes>(factor, x, y, length);                                                                    \
  }                                                                                                              \
  }

DCGAN_ROW_KERNELS(plain, , 16, 2)
#if defined(__x86_64__)
DCGAN_ROW_KERNELS(avx2, __attribute__((target("avx2,fma"))), 32, 2)
DCGAN_ROW_KERNELS(avx512, __attribute__((target("avx512f"))), 64, 4)
#endif

}  // namespace

const std::vector<RowKernels>& available_row_kernels() {
  static const std::vector<RowKernels> kernels = [] {
    std::vector<RowKernels> list = {{"plain", plain::dots, plain::accumulate, plain::axpy}};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
      list.push_back({"avx2", avx2::dots, avx2::accumulate, avx2::axpy});
    }
    if (__builtin_cpu_supports("avx512f")) {
      list.push_back({"avx512", avx512::dots, avx512::accumulate, avx512::axpy});
    }
#endif
    return list;
  }();
  return kernels;
}

}  // namespace dcgan::eval
