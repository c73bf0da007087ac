#include "kernels/convolution.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>

namespace dcgan::kernels {
namespace {

using Floats = std::vector<float>;
using Doubles = std::vector<double>;

struct Case {
  int64_t large_channels, small_channels, kernel, stride, large_size, images;

  int64_t small_size() const { return large_size / stride; }
  MapShape down() const {
    return {large_channels, small_channels, kernel,         stride,        false,
            large_size,     small_size(),   large_channels, small_channels};
  }
  MapShape up() const {
    return {small_channels, large_channels, kernel,         stride,        true,
            small_size(),   large_size,     small_channels, large_channels};
  }
  int64_t large_count() const { return images * large_size * large_size * large_channels; }
  int64_t small_count() const { return images * small_size() * small_size() * small_channels; }
  int64_t weight_count() const { return small_channels * kernel * kernel * large_channels; }
  std::string name() const {
    return std::to_string(large_channels) + " and " + std::to_string(small_channels) + " channels, kernel " +
           std::to_string(kernel) + ", stride " + std::to_string(stride) + ", size " + std::to_string(large_size);
  }
};

Floats random(int64_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  Floats values(static_cast<size_t>(count));
  for (float& v : values) v = normal(engine);
  return values;
}

/// Calls f(large value, small value, weight) - all indices - for each product of the convolution's definition.
template <class Function>
void for_each_product(const Case& c, const Function& f) {
  for (int64_t n = 0; n < c.images; ++n) {
    for (int64_t y = 0; y < c.small_size(); ++y) {
      for (int64_t x = 0; x < c.small_size(); ++x) {
        for (int64_t tap = 0; tap < c.kernel * c.kernel; ++tap) {
          const int64_t row = y * c.stride + tap / c.kernel - (c.kernel - 1) / 2;
          const int64_t column = x * c.stride + tap % c.kernel - (c.kernel - 1) / 2;
          if (row < 0 || row >= c.large_size || column < 0 || column >= c.large_size) continue;
          for (int64_t o = 0; o < c.small_channels; ++o) {
            for (int64_t i = 0; i < c.large_channels; ++i) {
              f(static_cast<size_t>(((n * c.large_size + row) * c.large_size + column) * c.large_channels + i),
                static_cast<size_t>(((n * c.small_size() + y) * c.small_size() + x) * c.small_channels + o),
                static_cast<size_t>((o * c.kernel * c.kernel + tap) * c.large_channels + i));
            }
          }
        }
      }
    }
  }
}

Parallel threads_that_share(int64_t threads) {
  return [threads](int64_t items, const Work& work) {
    std::vector<std::thread> crew;
    for (int64_t t = 0; t < threads; ++t) {
      crew.emplace_back([=, &work] {
        for (int64_t item = t; item < items; item += threads) work(item, t);
      });
    }
    for (std::thread& member : crew) member.join();
  };
}

Floats run(const Kernels& kernels, const MapShape& shape, const Floats& in, const Floats& filters, int64_t images,
           int64_t few = 0) {
  const Convolution convolution(kernels, shape);
  const bool on_the_way = few > 0 && few <= convolution.few_tiles();
  const int64_t area = shape.kernel * shape.kernel;
  const FilterLayout layout = shape.adjoint ? FilterLayout{area * shape.out_channels, 1, shape.out_channels}
                                            : FilterLayout{1, area * shape.in_channels, shape.in_channels};
  Floats weights(static_cast<size_t>(convolution.weight_floats()), NAN);
  Floats scratch(static_cast<size_t>(convolution.scratch_floats()), NAN);
  Floats transformed_weights(static_cast<size_t>(convolution.transformed_floats()), NAN);
  for (int64_t p = 0; p < convolution.panels(); ++p) {
    convolution.pack(filters.data(), layout, p, weights.data());
    convolution.transform(weights.data(), p, transformed_weights.data());
  }
  const float* const transformed = on_the_way ? nullptr : transformed_weights.data();
  const Floats bias(static_cast<size_t>(convolution.panels() * kernels.panel), 0.0F);
  Floats out(static_cast<size_t>(images * convolution.out_floats()), NAN);
  const int64_t tiles = images * convolution.tiles_per_image();
  const int64_t block = on_the_way ? few : convolution.block();
  for (int64_t t = 0; t < tiles; t += block) {
    convolution.run({weights.data(), transformed, bias.data(), 1, in.data(), out.data()},
                    {t, std::min(t + block, tiles)}, convolution.all_panels(), scratch.data());
  }
  return out;
}

Floats filter_gradient(const Kernels& kernels, const Case& c, const Floats& large, const Floats& small,
                       int64_t threads) {
  const FilterGradient gradient(kernels, c.down(), c.images);
  Floats shared(static_cast<size_t>(gradient.shared_floats()), NAN);
  Floats scratch(static_cast<size_t>(threads * gradient.scratch_floats()), NAN);
  Floats result(static_cast<size_t>(c.weight_count()), NAN);
  gradient.run({large.data(), small.data(), result.data(), shared.data(), scratch.data()}, threads_that_share(threads));
  return result;
}

/// Largest difference as a share of the largest value.
double relative_error(const Floats& found, const Doubles& expected) {
  double largest = 0;
  double difference = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::abs(expected[i]));
    difference = std::max(difference, std::isnan(found[i]) ? INFINITY : std::abs(found[i] - expected[i]));
  }
  return difference / largest;
}

const Case kCases[] = {
    {16, 32, 3, 1, 8, 3},   // tiles of 4 x 4
    {24, 40, 3, 1, 2, 3},   // of 2 x 2, and channels that fill no panel
    {16, 48, 3, 2, 16, 2},  // 4 x 4 at stride 2
    {19, 9, 3, 2, 4, 5},    // 2 x 2, and channels that fill no vector
    {8, 16, 5, 1, 8, 2},   {16, 16, 5, 2, 8, 3}, {11, 21, 5, 2, 4, 2},   {3, 16, 3, 1, 8, 2},
    {16, 3, 3, 1, 8, 2},   {3, 17, 5, 2, 16, 2}, {16, 16, 3, 1, 16, 40},  // enough tiles for slices
    {16, 32, 4, 2, 16, 3},  // PyTorch's 4 x 4, stride 2, padding 1: tiles of 4 x 4
    {19, 9, 4, 2, 4, 5},    // and of 2 x 2
    {3, 17, 4, 2, 16, 2},
};

TEST(Convolution, ItsAdjointAndItsFilterGradientAreThoseOfTheDefinitionInFloat64) {
  for (const Kernels* kernels : {avx512_kernels(), avx2_kernels(), portable_kernels()}) {
    if (kernels == nullptr) continue;
    for (const Case& c : kCases) {
      const Floats large = random(c.large_count(), 1);
      const Floats small = random(c.small_count(), 2);
      const Floats weights = random(c.weight_count(), 3);
      Doubles down(small.size());
      Doubles up(large.size());
      Doubles gradient(weights.size());
      for_each_product(c, [&](size_t l, size_t s, size_t w) {
        down[s] += static_cast<double>(large[l]) * static_cast<double>(weights[w]);
        up[l] += static_cast<double>(small[s]) * static_cast<double>(weights[w]);
        gradient[w] += static_cast<double>(large[l]) * static_cast<double>(small[s]);
      });
      constexpr double kTolerance = 1e-5;
      EXPECT_LT(relative_error(run(*kernels, c.down(), large, weights, c.images), down), kTolerance)
          << kernels->name << ", " << c.name();
      EXPECT_LT(relative_error(run(*kernels, c.up(), small, weights, c.images), up), kTolerance)
          << "adjoint, " << kernels->name << ", " << c.name();
      EXPECT_LT(relative_error(filter_gradient(*kernels, c, large, small, 1), gradient), kTolerance)
          << "filter gradient, " << kernels->name << ", " << c.name();
    }
  }
}

TEST(Convolution, HasTheSameBitsWhetherWeightsAreTransformedBeforeOrOnTheWay) {
  for (const Kernels* kernels : {avx512_kernels(), avx2_kernels(), portable_kernels()}) {
    if (kernels == nullptr) continue;
    for (const Case& c : kCases) {
      const Floats large = random(c.large_count(), 1);
      const Floats weights = random(c.weight_count(), 3);
      const Floats before = run(*kernels, c.down(), large, weights, c.images);
      for (const int64_t tiles : {1, 3, 4}) {
        EXPECT_EQ(run(*kernels, c.down(), large, weights, c.images, tiles), before)
            << kernels->name << ", " << c.name() << ", " << tiles << " tiles";
      }
    }
  }
}

// Without a method a convolution is taken by its definition; an adjoint would silently be another function.
TEST(Convolution, ThatIsAnAdjointWithoutAMethodIsRefusedAndSoIsItsFilterGradient) {
  const Case odd = {16, 16, 3, 2, 6, 1};  // to maps of side 3, which no tiles cover
  const Case seven = {16, 16, 7, 1, 8, 1};
  for (const Kernels* kernels : {avx512_kernels(), avx2_kernels(), portable_kernels()}) {
    if (kernels == nullptr) continue;
    EXPECT_NO_THROW(Convolution(*kernels, seven.down()));
    EXPECT_THROW(Convolution(*kernels, seven.up()), std::invalid_argument);
    EXPECT_THROW(FilterGradient(*kernels, seven.down(), 1), std::invalid_argument);
    EXPECT_THROW(FilterGradient(*kernels, odd.down(), 1), std::invalid_argument);
  }
}

TEST(FilterGradient, HasTheSameBitsForAnyNumberOfThreads) {
  for (const Case& c : {Case{16, 48, 3, 2, 16, 2}, Case{16, 16, 3, 1, 16, 40}}) {  // by pairs of panels, by slices
    const Floats large = random(c.large_count(), 1);
    const Floats small = random(c.small_count(), 2);
    const Floats one = filter_gradient(best_kernels(), c, large, small, 1);
    for (const int64_t threads : {2, 3, 7}) {
      EXPECT_EQ(filter_gradient(best_kernels(), c, large, small, threads), one) << threads << " threads";
    }
  }
}

}  // namespace
}  // namespace dcgan::kernels
