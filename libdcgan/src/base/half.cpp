#include "base/half.h"

#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace dcgan::base {
namespace {

uint32_t bits_of(float value) {
  uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

float float_of(uint32_t bits) {
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

uint16_t half_of(float value) {
  const uint32_t bits = bits_of(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000U);
  const uint32_t magnitude = bits & 0x7fffffffU;
  if (magnitude > 0x7f800000U) {  // NaN: quiet, the upper payload bits kept, as F16C does
    return static_cast<uint16_t>(sign | 0x7e00U | ((magnitude >> 13) & 0x3ffU));
  }
  if (magnitude >= 0x47800000U) return static_cast<uint16_t>(sign | 0x7c00U);  // 65536 and more
  if (magnitude < 0x38800000U) {
    // Below 2^-14 the halves are multiples of 2^-24: adding 0.5 lets the processor round to them.
    const uint32_t rounded = bits_of(float_of(magnitude) + 0.5F);
    return static_cast<uint16_t>(sign | (rounded - bits_of(0.5F)));
  }
  const uint32_t odd = (magnitude >> 13) & 1U;
  return static_cast<uint16_t>(sign | ((magnitude - (112U << 23) + 0xfffU + odd) >> 13));
}

float float_of_half(uint16_t half) {
  const uint32_t sign = (half & 0x8000U) << 16;
  const uint32_t magnitude = half & 0x7fffU;
  if (magnitude >= 0x7c00U) {  // a signalling NaN becomes quiet, as F16C makes it
    const uint32_t quiet = magnitude > 0x7c00U ? 0x400000U : 0U;
    return float_of(sign | 0x7f800000U | ((magnitude & 0x3ffU) << 13) | quiet);
  }
  if (magnitude < 0x400U) return float_of(sign | bits_of(static_cast<float>(magnitude) * 0x1p-24F));
  return float_of(sign | ((magnitude << 13) + (112U << 23)));
}

#if defined(__x86_64__)
bool has_f16c() {
  static const bool has = [] {
    unsigned a = 0, b = 0, c = 0, d = 0;
    // AVX2 asks whether the system saves the wide registers, too.
    return __builtin_cpu_supports("avx2") && __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
  }();
  return has;
}

__attribute__((target("avx2,f16c"))) int64_t floats_to_halves_f16c(const float* floats, int64_t count,
                                                                   uint16_t* halves) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i eight = _mm256_cvtps_ph(_mm256_loadu_ps(floats + i), _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(halves + i), eight);
  }
  return i;
}

__attribute__((target("avx2,f16c"))) int64_t halves_to_floats_f16c(const uint16_t* halves, int64_t count,
                                                                   float* floats) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i eight = _mm_loadu_si128(reinterpret_cast<const __m128i*>(halves + i));
    _mm256_storeu_ps(floats + i, _mm256_cvtph_ps(eight));
  }
  return i;
}
#endif

}  // namespace

void floats_to_halves_portable(const float* floats, int64_t count, uint16_t* halves) {
  for (int64_t i = 0; i < count; ++i) halves[i] = half_of(floats[i]);
}

void halves_to_floats_portable(const uint16_t* halves, int64_t count, float* floats) {
  for (int64_t i = 0; i < count; ++i) floats[i] = float_of_half(halves[i]);
}

void floats_to_halves(const float* floats, int64_t count, uint16_t* halves) {
  int64_t done = 0;
#if defined(__x86_64__)
  if (has_f16c()) done = floats_to_halves_f16c(floats, count, halves);
#endif
  floats_to_halves_portable(floats + done, count - done, halves + done);
}

void halves_to_floats(const uint16_t* halves, int64_t count, float* floats) {
  int64_t done = 0;
#if defined(__x86_64__)
  if (has_f16c()) done = halves_to_floats_f16c(halves, count, floats);
#endif
  halves_to_floats_portable(halves + done, count - done, floats + done);
}

}  // namespace dcgan::base
