// The K-means baseline's inner loops: the patches of an image with 4,800 centroids, on one thread.
#include <benchmark/benchmark.h>

#include <cmath>
#include <vector>

#include "eval/baselines/patch_kernels.h"

namespace {

constexpr int64_t kBlock = 24, kDepth = 108, kCentroids = 4800;

std::vector<float> waves(int64_t count) {
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(std::sin(0.7 * static_cast<double>(i))));
  return values;
}

void products(benchmark::State& state, bool triangle) {
  const auto& kernels = dcgan::eval::available_patch_kernels().back();
  const std::vector<float> patches = waves(kBlock * kDepth), centroids = waves(kCentroids * kDepth);
  const std::vector<float> halves(kCentroids, 30.0f);
  const dcgan::eval::PanelMatrix matrix(centroids.data(), kCentroids, kDepth);
  std::vector<float> out(static_cast<size_t>(kBlock * matrix.padded_columns())), pool(kCentroids);
  for (auto _ : state) {
    kernels.multiply(patches.data(), kBlock, matrix, out.data());
    for (int64_t i = 0; triangle && i < kBlock; ++i) {
      kernels.add_triangle(out.data() + i * matrix.padded_columns(), 30, halves.data(), kCentroids, pool.data());
    }
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  // Counted in CPU time, which a busy machine disturbs less.
  state.counters["FLOP/s"] = benchmark::Counter(
      2.0 * kBlock * kDepth * kCentroids * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

}  // namespace

BENCHMARK_CAPTURE(products, multiply, false);
BENCHMARK_CAPTURE(products, multiply_and_triangle, true);
BENCHMARK_MAIN();
