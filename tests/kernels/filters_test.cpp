#include "kernels/filters.h"

#include <gtest/gtest.h>

namespace dcgan::kernels {
namespace {

// y = A^T [(G g) . (B^T d)] equals the filter for every unit vector of taps and inputs, so for all.
template <int kTaps, int kStride, int kPhaseOutputs, bool kAdjoint = false>
void expect_filter() {
  using Algorithm = FilterAlgorithm<kTaps, kStride, kPhaseOutputs, kAdjoint>;
  constexpr auto kMatrices = Algorithm::make();
  for (int o = 0; o < Algorithm::kOutputs; ++o) {
    for (int t = 0; t < kTaps; ++t) {
      for (int d = 0; d < Algorithm::kInputs; ++d) {
        double sum = 0;
        for (int p = 0; p < Algorithm::kProducts; ++p) {
          sum += kMatrices.output.values[o][p] * kMatrices.filter.values[p][t] * kMatrices.input.values[p][d];
        }
        const bool meets =
            kAdjoint ? kStride * (d + Algorithm::kFirstInput) + t - (kTaps - 1) / 2 == o : d == kStride * o + t;
        EXPECT_NEAR(sum, meets ? 1 : 0, 1e-13) << "output " << o << ", tap " << t << ", input " << d;
      }
    }
  }
}

TEST(FilterAlgorithm, EqualsTheFilterItStandsFor) {
  expect_filter<3, 1, 4>();
  expect_filter<3, 1, 2>();
  expect_filter<3, 2, 4>();
  expect_filter<3, 2, 2>();
  expect_filter<4, 2, 4>();
  expect_filter<4, 2, 2>();
  expect_filter<5, 1, 2>();
  expect_filter<5, 2, 4>();
  expect_filter<5, 2, 2>();
  expect_filter<7, 2, 2>();
  expect_filter<1, 1, 1>();
}

TEST(FilterAlgorithm, EqualsTheAdjointOfTheFilter) {
  expect_filter<3, 1, 4, true>();
  expect_filter<3, 1, 2, true>();
  expect_filter<3, 2, 4, true>();
  expect_filter<3, 2, 2, true>();
  expect_filter<4, 2, 4, true>();
  expect_filter<4, 2, 2, true>();
  expect_filter<5, 1, 2, true>();
  expect_filter<5, 2, 4, true>();
  expect_filter<5, 2, 2, true>();
}

TEST(FilterAlgorithm, NeedsTheNumberOfProductsOfTheTheory) {
  EXPECT_EQ((FilterAlgorithm<3, 1, 4>::kProducts), 6);      // m + k - 1
  EXPECT_EQ((FilterAlgorithm<3, 2, 4>::kProducts), 4 + 5);  // one tap and two
  EXPECT_EQ((FilterAlgorithm<4, 2, 4>::kProducts), 5 + 5);  // two taps each
  EXPECT_EQ((FilterAlgorithm<5, 2, 4>::kProducts), 6 + 5);  // three taps and two
  EXPECT_EQ((FilterAlgorithm<3, 2, 4, true>::kProducts), 4 + 5);
  EXPECT_EQ((FilterAlgorithm<5, 2, 4, true>::kProducts), 6 + 5);
}

}  // namespace
}  // namespace dcgan::kernels
