// Compiled with -mavx512f; see avx2.cpp.
#include "kernels/kernels_impl.h"

#if defined(__AVX512F__)
#include <immintrin.h>

namespace dcgan::kernels {
namespace {

struct Vec {
  static constexpr int kWidth = 16;
  static constexpr int kFewSums = 24;  ///< vectors that fit into the registers beside their factors
  __m512 v;

  static Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Vec broadcast(float x) { return {_mm512_set1_ps(x)}; }
  static Vec zero() { return {_mm512_setzero_ps()}; }
  void store(float* p) const { _mm512_storeu_ps(p, v); }
};
inline Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Vec maximum(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
inline Vec maximum_or_nan(Vec kept, Vec next) {
  const __mmask16 nan = _mm512_cmp_ps_mask(next.v, next.v, _CMP_UNORD_Q);
  return {_mm512_mask_mov_ps(_mm512_max_ps(next.v, kept.v), nan, next.v)};
}
inline Vec multiply_add(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }

constexpr Kernels kKernels = make_kernels<Vec, 12>("AVX-512");  // 24 sums, 2 weights, 1 value: 27 of 32 registers

}  // namespace

const Kernels* avx512_kernels() { return __builtin_cpu_supports("avx512f") ? &kKernels : nullptr; }

}  // namespace dcgan::kernels
#else
namespace dcgan::kernels {
const Kernels* avx512_kernels() { return nullptr; }
}  // namespace dcgan::kernels
#endif
