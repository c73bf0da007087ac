// Compiled with -mavx2 -mfma: everything that may be inlined lives in the unnamed namespace, so that no other file can
// be given a function with these instructions.
#include "kernels/kernels_impl.h"

#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>

namespace dcgan::kernels {
namespace {

struct Vec {
  static constexpr int kWidth = 8;
  static constexpr int kFewSums = 12;  ///< vectors that fit into the registers beside their factors
  __m256 v;

  static Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static Vec broadcast(float x) { return {_mm256_set1_ps(x)}; }
  static Vec zero() { return {_mm256_setzero_ps()}; }
  void store(float* p) const { _mm256_storeu_ps(p, v); }
};
inline Vec operator+(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
inline Vec operator-(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
inline Vec operator*(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
inline Vec maximum(Vec a, Vec b) { return {_mm256_max_ps(a.v, b.v)}; }
inline Vec maximum_or_nan(Vec kept, Vec next) {
  const __m256 nan = _mm256_cmp_ps(next.v, next.v, _CMP_UNORD_Q);
  return {_mm256_blendv_ps(_mm256_max_ps(next.v, kept.v), next.v, nan)};
}
inline Vec multiply_add(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }

constexpr Kernels kKernels = make_kernels<Vec, 6>("AVX2");  // 12 sums, 2 weights, 1 value: 15 of 16 registers

}  // namespace

const Kernels* avx2_kernels() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &kKernels : nullptr;
}

}  // namespace dcgan::kernels
#else
namespace dcgan::kernels {
const Kernels* avx2_kernels() { return nullptr; }
}  // namespace dcgan::kernels
#endif
