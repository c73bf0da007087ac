#include "base/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

namespace dcgan::base {
namespace {

/// IEEE 754-2008 binary16 by its definition.
double value_of_half(uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const int fraction = half & 1023;
  const double sign = (half & 0x8000) != 0 ? -1 : 1;
  if (exponent == 31) return fraction != 0 ? std::nan("") : sign * std::numeric_limits<double>::infinity();
  return sign * (exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25));
}

std::vector<uint16_t> all_halves() {
  std::vector<uint16_t> halves(65536);
  std::iota(halves.begin(), halves.end(), uint16_t{0});
  return halves;
}

TEST(Half, EveryHalfBecomesItsValueInBothImplementations) {
  const std::vector<uint16_t> halves = all_halves();
  std::vector<float> fast(65536), portable(65536);
  halves_to_floats(halves.data(), 65536, fast.data());
  halves_to_floats_portable(halves.data(), 65536, portable.data());
  // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): the bits, also those of NaNs and of both zeros.
  EXPECT_EQ(std::memcmp(fast.data(), portable.data(), 65536 * sizeof(float)), 0);
  for (size_t i = 0; i < halves.size(); ++i) {
    const double expected = value_of_half(halves[i]);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(fast[i])) << i;
    } else {
      ASSERT_EQ(fast[i], expected) << i;
    }
  }
}

TEST(Half, FloatsRoundToTheNearestHalfTiesToEven) {
  const std::vector<uint16_t> halves = all_halves();
  for (uint16_t i = 0; i < 0x7bff; ++i) {  // every pair of neighbours, both signs
    const auto low = static_cast<float>(value_of_half(i));
    const auto high = static_cast<float>(value_of_half(static_cast<uint16_t>(i + 1)));
    const float middle = (low + high) / 2;  // exact in float32
    const float values[] = {low, std::nextafter(middle, low), middle, std::nextafter(middle, high), -middle};
    const auto even = static_cast<uint16_t>(i % 2 == 0 ? i : i + 1);
    const uint16_t expected[] = {i, i, even, static_cast<uint16_t>(i + 1), static_cast<uint16_t>(even | 0x8000)};
    uint16_t rounded[5];
    floats_to_halves_portable(values, 5, rounded);
    for (int k = 0; k < 5; ++k) ASSERT_EQ(rounded[k], expected[k]) << i << ' ' << k;
  }
}

TEST(Half, BothImplementationsAgreeOnRandomBits) {
  std::mt19937 random(1);
  std::vector<float> floats(100003);
  for (float& value : floats) {
    const uint32_t bits = static_cast<uint32_t>(random());
    std::memcpy(&value, &bits, sizeof value);
  }
  const float special[] = {65519.996F, 65520.0F, 65504.0F, 1e-8F, 0x1p-25F, 0x1.000002p-25F, -0.0F};
  std::copy(std::begin(special), std::end(special), floats.begin());
  std::vector<uint16_t> fast(floats.size()), portable(floats.size());
  floats_to_halves(floats.data(), static_cast<int64_t>(floats.size()), fast.data());
  floats_to_halves_portable(floats.data(), static_cast<int64_t>(floats.size()), portable.data());
  EXPECT_EQ(fast, portable);
  EXPECT_EQ(portable[0], 0x7bff);
  EXPECT_EQ(portable[1], 0x7c00);
}

}  // namespace
}  // namespace dcgan::base
