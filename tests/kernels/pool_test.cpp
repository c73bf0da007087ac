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

}  // namespace
}  // namespace dcgan::kernels
