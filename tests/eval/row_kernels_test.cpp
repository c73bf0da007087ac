#include "eval/svm/row_kernels.h"

#include <gtest/gtest.h>

#include <random>

namespace dcgan::eval {
namespace {

struct Rows {
  Rows(int64_t n, int64_t length, uint64_t seed) : values(static_cast<size_t>(n * length)) {
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<float> uniform(-1, 1);
    for (float& value : values) value = uniform(random);
    for (int64_t i = 0; i < n; ++i) rows.push_back(values.data() + i * length);
  }
  std::vector<float> values;
  std::vector<float*> rows;
  const float* const* data() const { return rows.data(); }
};

TEST(RowKernels, PlainComesFirstAndEachHasItsName) {
  EXPECT_STREQ(available_row_kernels().front().name, "plain");
  EXPECT_STREQ(best_row_kernels().name, available_row_kernels().back().name);
}

// Every number of rows and classes up to past the tile sizes, with and without the first columns.
TEST(RowKernels, AgreeWithLoopsInFloat64WhateverTheSizes) {
  constexpr int64_t kLength = 48;
  for (const RowKernels& kernels : available_row_kernels()) {
    for (const int64_t first : {0, 16}) {
      for (int64_t na = 1; na <= 9; ++na) {
        for (int64_t nb = 1; nb <= 11; ++nb) {
          const Rows a(na, kLength, 1), b(nb, kLength, 2);
          Rows w(nb, kLength, 3);
          const Rows before = w.values.empty() ? w : Rows(nb, kLength, 3);
          const int64_t length = kLength - first, pitch = nb + 1;
          std::vector<float> out(static_cast<size_t>(na * pitch), -7);
          kernels.dots(a.data(), na, b.data(), nb, first, length, out.data(), pitch);
          const Rows factors(na, pitch, 4);
          kernels.accumulate(a.data(), factors.values.data(), na, pitch, w.rows.data(), nb, first, length);
          for (int64_t i = 0; i < na; ++i) {
            for (int64_t k = 0; k < nb; ++k) {
              double expected = 0;
              for (int64_t c = first; c < kLength; ++c)
                expected += double(a.rows[size_t(i)][c]) * double(b.rows[size_t(k)][c]);
              ASSERT_NEAR(out[static_cast<size_t>(i * pitch + k)], expected, 1e-5) << kernels.name << na << " x " << nb;
            }
            ASSERT_EQ(out[static_cast<size_t>(i * pitch + nb)], -7) << "wrote past the classes";
          }
          for (int64_t k = 0; k < nb; ++k) {
            for (int64_t c = 0; c < kLength; ++c) {
              double expected = double(before.rows[size_t(k)][c]);
              for (int64_t i = 0; c >= first && i < na; ++i) {
                expected += double(factors.rows[size_t(i)][k]) * double(a.rows[size_t(i)][c]);
              }
              ASSERT_NEAR(w.rows[static_cast<size_t>(k)][c], expected, 1e-5) << kernels.name << na << " x " << nb;
            }
          }
        }
      }
    }
  }
}

TEST(RowKernels, AxpyAddsAMultiple) {
  for (const RowKernels& kernels : available_row_kernels()) {
    const Rows x(1, 32, 1);
    Rows y(1, 32, 2);
    const Rows before(1, 32, 2);
    kernels.axpy(-0.5f, x.rows[0], y.rows[0], 32);
    for (int c = 0; c < 32; ++c)
      EXPECT_NEAR(y.values[size_t(c)], before.values[size_t(c)] - 0.5f * x.values[size_t(c)], 1e-6);
  }
}

}  // namespace
}  // namespace dcgan::eval
