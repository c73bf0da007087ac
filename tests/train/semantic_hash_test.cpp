#include "dcgan/semantic_hash.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "dcgan/errors.h"

namespace dcgan::test {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// Smooth pictures: a few waves in random directions and colours. `contrast` around a grey of `level`.
std::vector<uint8_t> pictures(int64_t count, double contrast = 1, double level = 127) {
  std::vector<uint8_t> pixels;
  for (int64_t i = 0; i < count; ++i) {
    std::mt19937 random(static_cast<unsigned>(i + 1));
    const auto uniform = [&] { return static_cast<double>(random()) / 4294967296.0; };
    double wave[3][5];
    for (auto& w : wave) {
      for (double& value : w) value = uniform();
    }
    for (int64_t p = 0; p < kHashSide * kHashSide * 3; ++p) {
      const int64_t row = p / 3 / kHashSide, column = p / 3 % kHashSide;
      const auto y = static_cast<double>(row), x = static_cast<double>(column);
      double value = 0;
      for (int k = 0; k < 3; ++k) {
        const double phase = 6.28 * (wave[k][0] + (wave[k][1] - 0.5) * x / 16 + (wave[k][2] - 0.5) * y / 16);
        value += std::sin(phase) * (p % 3 == k ? 1 : wave[k][3]);
      }
      pixels.push_back(static_cast<uint8_t>(std::clamp(level + contrast * 30 * value, 0.0, 255.0)));
    }
  }
  return pixels;
}

SemanticHash::Training training(uint64_t seed = 1, int64_t epochs = 3) {
  SemanticHash::Training made;
  made.seed = seed;
  made.threads = 1;
  made.options.epochs = epochs;
  made.options.batch_size = 50;
  return made;
}

int64_t differing(const ImageCode& a, const ImageCode& b) {
  return __builtin_popcountll(a.bits[0] ^ b.bits[0]) + __builtin_popcountll(a.bits[1] ^ b.bits[1]);
}

int64_t differing(const std::vector<ImageCode>& a, const std::vector<ImageCode>& b) {
  int64_t sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += differing(a[i], b[i]);
  return sum;
}

TEST(SemanticHash, DifferentPicturesHaveDifferentCodesAndBrightnessHardlyCounts) {
  const std::vector<uint8_t> pixels = pictures(400);
  const SemanticHash hash(pixels, training());
  const std::vector<ImageCode> codes = hash.codes(pixels);
  std::set<std::array<uint64_t, 2>> distinct;
  for (const ImageCode& code : codes) distinct.insert(code.bits);
  EXPECT_GT(distinct.size(), 390U);
  const int64_t brighter = differing(codes, hash.codes(pictures(400, 0.9, 135)));
  EXPECT_LT(brighter, 2 * 400) << "of 128 bits each";
}

TEST(SemanticHash, ACodeDependsOnItsImageAlone) {
  const std::vector<uint8_t> pixels = pictures(100);
  const SemanticHash hash(pixels, training());
  const std::vector<ImageCode> together = hash.codes(pixels);
  for (const size_t i : {0U, 37U, 99U}) {
    const auto begin = pixels.begin() + static_cast<std::ptrdiff_t>(i * 3072);
    const ImageCode alone = hash.codes({begin, begin + 3072}).at(0);
    EXPECT_LE(differing(alone, together[i]), 1);  // a product of another shape may round the other way
  }
}

TEST(SemanticHash, ItsUnsureBitsAreThoseThatASmallChangeTurns) {
  const std::vector<uint8_t> pixels = pictures(300);
  const SemanticHash hash(pixels, training());
  std::vector<uint8_t> changed = pixels;
  for (size_t i = 0; i < changed.size(); i += 7) changed[i] = static_cast<uint8_t>(std::min(255, changed[i] + 6));
  const std::vector<ImageCode> before = hash.codes(pixels);
  const std::vector<ImageCode> after = hash.codes(changed);
  int64_t turned = 0;
  int64_t foreseen = 0;
  for (size_t i = 0; i < before.size(); ++i) {
    for (int b = 0; b < 128; ++b) {
      const auto bit = [&](const ImageCode& code) { return code.bits[b / 64] >> (b % 64) & 1U; };
      if (bit(before[i]) == bit(after[i])) continue;
      ++turned;
      foreseen += std::count(after[i].unsure.begin(), after[i].unsure.end(), b);
    }
  }
  EXPECT_GT(turned, 10);
  EXPECT_GT(foreseen, turned * 9 / 10);
}

TEST(SemanticHash, IsAFunctionOfSeedAndOptionsAndItsLossFalls) {
  const std::vector<uint8_t> pixels = pictures(200);
  const auto codes_of = [&](const SemanticHash::Training& made) { return SemanticHash(pixels, made).codes(pixels); };
  std::vector<double> losses;
  SemanticHash::Training made = training(1, 6);
  made.on_epoch = [&](int64_t, double loss) { losses.push_back(loss); };
  const std::vector<ImageCode> first = codes_of(made);
  ASSERT_EQ(losses.size(), 6U);
  EXPECT_LT(losses.back(), 0.95 * losses.front());
  EXPECT_EQ(differing(first, codes_of(training(1, 6))), 0);
  EXPECT_GT(differing(first, codes_of(training(2, 6))), 0);
  const auto changed = [&](auto change) {
    SemanticHash::Training other = training(1, 6);
    change(other.options);
    return differing(first, codes_of(other));
  };
  EXPECT_GT(changed([](HashOptions& o) { o.noise = 0.1; }), 0);
  EXPECT_GT(changed([](HashOptions& o) { o.dropout = 0; }), 0);
  EXPECT_GT(changed([](HashOptions& o) { o.learning_rate = 1e-2; }), 0);
  EXPECT_GT(changed([](HashOptions& o) { o.batch_size = 200; }), 0);
  EXPECT_GT(changed([](HashOptions& o) { o.epochs = 1; }), 0);
}

TEST(SemanticHash, LeavesTheNumberOfThreadsOfItsCaller) {
  const int before = at::get_num_threads();
  SemanticHash::Training made = training();
  made.threads = before + 1;
  const SemanticHash hash(pictures(20), made);
  EXPECT_EQ(at::get_num_threads(), before);
  hash.codes(pictures(1));
  EXPECT_EQ(at::get_num_threads(), before);
}

TEST(SemanticHash, NamesWhatCannotBe) {
  SemanticHash::Training made = training();
  made.options.dropout = 1;
  EXPECT_THAT([&] { SemanticHash(pictures(1), made); }, ThrowsMessage<OptionError>(HasSubstr("--dropout is 1")));
  EXPECT_THAT([&] { SemanticHash(std::vector<uint8_t>(3071), training()); }, ThrowsMessage<Error>(HasSubstr("3071")));
  EXPECT_THROW(SemanticHash({}, training()), Error);
}

}  // namespace
}  // namespace dcgan::test
