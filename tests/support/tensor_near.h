#pragma once

#include <ATen/core/Tensor.h>
#include <gmock/gmock.h>

namespace dcgan::test {

/// EXPECT_THAT(actual, tensor_near(expected, 1e-6)): same shape, and every element within `tolerance`. A failure prints
/// the largest difference and where it is.
inline auto tensor_near(const at::Tensor& expected, double tolerance) {
  return testing::Truly([=](const at::Tensor& actual) {
    if (actual.sizes() != expected.sizes()) {
      ADD_FAILURE() << "shape " << actual.sizes() << ", expected " << expected.sizes();
      return false;
    }
    const at::Tensor difference = actual.to(at::kDouble).sub(expected.to(at::kDouble)).abs().reshape({-1});
    const auto [largest, where] = difference.max(0);
    if (largest.item<double>() <= tolerance) return true;
    const int64_t i = where.item<int64_t>();
    ADD_FAILURE() << "element " << i << " is " << actual.reshape({-1})[i].item<double>() << ", expected "
                  << expected.reshape({-1})[i].item<double>() << "; difference " << largest.item<double>()
                  << ", tolerance " << tolerance;
    return false;
  });
}

}  // namespace dcgan::test
