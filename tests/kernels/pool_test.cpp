#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/kernels.h"

namespace dcgan::kernels {
namespace {

// PyTorch's max_pool2d: a cell that holds a NaN is NaN, so that what is broken does not look sound.
TEST(Pool, TakesTheLargestValueOfACellAndKeepsNaNWhereverItLies) {
  constexpr int64_t kSize = 4, kGrid = 2, kWindow = kSize / kGrid;
  for (const Kernels* kernels : {avx512_kernels(), avx2_kernels(), portable_kernels()}) {
    if (kernels == nullptr) continue;
    const int64_t panel = kernels->panel;
    for (int64_t broken = -1; broken < kWindow * kWindow; ++broken) {  // in the first cell, of channel 1
      std::vector<float> pixels(static_cast<size_t>(kSize * kSize * panel));
      for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<float>(i % 7) - 10;
      if (broken >= 0) {
        const int64_t pixel = broken / kWindow * kSize + broken % kWindow;
        pixels[static_cast<size_t>(pixel * panel + 1)] = NAN;
      }
      std::vector<float> cells(static_cast<size_t>(kGrid * kGrid * panel));
      kernels->pool(pixels.data(), panel, kSize, kGrid, cells.data());
      for (int64_t cell = 0; cell < kGrid * kGrid; ++cell) {
        for (int64_t channel = 0; channel < panel; ++channel) {
          float largest = -INFINITY;
          for (int64_t i = 0; i < kWindow * kWindow; ++i) {
            const int64_t y = cell / kGrid * kWindow + i / kWindow;
            const int64_t x = cell % kGrid * kWindow + i % kWindow;
            const float value = pixels[static_cast<size_t>((y * kSize + x) * panel + channel)];
            largest = std::isnan(value) || std::isnan(largest) ? NAN : std::max(largest, value);
          }
          const float found = cells[static_cast<size_t>(cell * panel + channel)];
          if (std::isnan(largest)) {
            EXPECT_TRUE(std::isnan(found)) << kernels->name << ", NaN at " << broken << ": " << found;
          } else {
            EXPECT_EQ(found, largest) << kernels->name << ", cell " << cell << ", channel " << channel;
          }
        }
      }
    }
  }
}

// torch.nn.functional.adaptive_max_pool2d: rows floor(i * size / grid) to ceil((i + 1) * size / grid) - 1. Values that
// rise with row and column show the last row and column of each cell: of 7 on a grid of 4 rows 0-1, 1-3, 3-5, 5-6.
TEST(Pool, HasTheCellsOfAdaptiveMaxPoolingWhereTheGridDoesNotDivideTheMap) {
  struct Case {
    int64_t size, grid;
    std::vector<int64_t> last, first;
  };
  for (const Case& c : {Case{7, 4, {1, 3, 5, 6}, {0, 1, 3, 5}}, Case{6, 4, {1, 2, 4, 5}, {0, 1, 3, 4}},
                        Case{3, 4, {0, 1, 2, 2}, {0, 0, 1, 2}}, Case{2, 4, {0, 0, 1, 1}, {0, 0, 1, 1}},
                        Case{1, 4, {0, 0, 0, 0}, {0, 0, 0, 0}}, Case{7, 2, {3, 6}, {0, 3}}, Case{3, 1, {2}, {0}}}) {
    for (const Kernels* kernels : {avx512_kernels(), avx2_kernels(), portable_kernels()}) {
      if (kernels == nullptr) continue;
      const int64_t panel = kernels->panel;
      for (const bool rising : {true, false}) {
        std::vector<float> pixels;
        for (int64_t p = 0; p < c.size * c.size * panel; ++p) {
          const int64_t value = 100 * (p / panel / c.size) + p / panel % c.size;
          pixels.push_back(static_cast<float>(rising ? value : -value));
        }
        std::vector<float> cells(static_cast<size_t>(c.grid * c.grid * panel));
        kernels->pool(pixels.data(), panel, c.size, c.grid, cells.data());
        const std::vector<int64_t>& of = rising ? c.last : c.first;
        for (int64_t cell = 0; cell < c.grid * c.grid; ++cell) {
          const int64_t expected =
              100 * of[static_cast<size_t>(cell / c.grid)] + of[static_cast<size_t>(cell % c.grid)];
          EXPECT_EQ(cells[static_cast<size_t>(cell * panel)], static_cast<float>(rising ? expected : -expected))
              << kernels->name << ", " << c.size << " on " << c.grid << ", cell " << cell;
        }
      }
    }
  }
}

}  // namespace
}  // namespace dcgan::kernels
