#include "data/duplicates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "dcgan/errors.h"

namespace dcgan::test {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

ImageCode code_of(uint64_t low, uint64_t high, std::vector<uint8_t> unsure = {}) {
  ImageCode code;
  code.bits = {low, high};
  for (uint8_t i = 0; i < ImageCode::kUnsureBits; ++i) code.unsure[i] = static_cast<uint8_t>(127 - i);
  std::copy(unsure.begin(), unsure.end(), code.unsure.begin());
  return code;
}

TEST(DuplicateFinder, AnImageWithAnEqualCodeDuplicatesTheFirst) {
  data::DuplicateFinder finder(0, 5);
  EXPECT_EQ(finder.add(code_of(1, 2)), -1);
  EXPECT_EQ(finder.add(code_of(2, 1)), -1);
  EXPECT_EQ(finder.add(code_of(1, 2)), 0);
  EXPECT_EQ(finder.add(code_of(2, 1)), 1);
  EXPECT_EQ(finder.add(code_of(1, 2)), 0);
}

TEST(DuplicateFinder, BitsNearTheirThresholdMayDifferAndNoOthers) {
  for (const int64_t unsure_bits : {0, 1, 2, 3}) {
    data::DuplicateFinder finder(unsure_bits, 10);
    finder.add(code_of(0, 0));
    const std::vector<uint8_t> unsure = {5, 70, 9};
    EXPECT_EQ(finder.add(code_of(1U << 5U, 0, unsure)), unsure_bits >= 1 ? 0 : -1);
    EXPECT_EQ(finder.add(code_of(1U << 5U, 1U << 6U, unsure)), unsure_bits >= 2 ? 0 : -1);
    EXPECT_EQ(finder.add(code_of(1U << 5U | 1U << 9U, 1U << 6U, unsure)), unsure_bits >= 3 ? 0 : -1);
    EXPECT_EQ(finder.add(code_of(1U << 20U, 0, unsure)), -1) << "a bit that was sure";
  }
}

TEST(DuplicateFinder, AgreesWithComparingAllPairs) {
  std::mt19937_64 random(3);
  constexpr int64_t kUnsure = 3;
  constexpr int64_t kImages = 800;
  data::DuplicateFinder finder(kUnsure, kImages);
  std::vector<ImageCode> kept;
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < kImages; ++i) {
    // Few bits in use, so that many codes are near each other.
    ImageCode code = code_of(random() & 0x3fU, random() & 0x7U);
    for (uint8_t b = 0; b < kUnsure; ++b) code.unsure[b] = static_cast<uint8_t>((random() % 3) * 2 + b % 2);
    std::sort(code.unsure.begin(), code.unsure.begin() + kUnsure);
    code.unsure[1] = static_cast<uint8_t>(code.unsure[0] == code.unsure[1] ? 64 : code.unsure[1]);
    code.unsure[2] = 65;
    std::array<uint64_t, 2> mask{};
    for (size_t b = 0; b < kUnsure; ++b) mask[code.unsure[b] / 64] |= uint64_t{1} << (code.unsure[b] % 64);
    std::vector<int64_t> alike;
    for (size_t k = 0; k < kept.size(); ++k) {
      const auto differs = [&](size_t w) { return (kept[k].bits[w] ^ code.bits[w]) & ~mask[w]; };
      if (differs(0) == 0 && differs(1) == 0) alike.push_back(numbers[k]);
    }
    const int64_t found = finder.add(code);
    if (alike.empty()) {
      ASSERT_EQ(found, -1);
      kept.push_back(code);
      numbers.push_back(i);
    } else {
      ASSERT_THAT(alike, ::testing::Contains(found));
    }
  }
  EXPECT_GT(kept.size(), 20U);
}

TEST(DuplicateFinder, NamesWhatCannotBe) {
  EXPECT_THAT([] { data::DuplicateFinder(13, 1); },
              ThrowsMessage<OptionError>(HasSubstr("--unsure-bits is 13; it must be from 0 to 12")));
  data::DuplicateFinder finder(0, 1);
  EXPECT_THROW(for (uint64_t i = 0; i < 20; ++i) finder.add(code_of(i, 0)), Error);
}

}  // namespace
}  // namespace dcgan::test
