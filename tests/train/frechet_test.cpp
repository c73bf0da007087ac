#include "train/frechet.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace dcgan::train {
namespace {

at::Tensor normal(at::IntArrayRef shape, uint64_t seed) {
  return at::empty(shape, at::kDouble).normal_(0, 1, at::make_generator<at::CPUGeneratorImpl>(seed));
}

TEST(FrechetDistance, OfOneFeatureIsThatOfTwoMeansAndTwoDeviations) {
  const at::Tensor x = normal({500, 1}, 1);
  const double deviation = x.std().item<double>();
  EXPECT_NEAR(frechet_distance(x, x), 0, 1e-12);
  EXPECT_NEAR(frechet_distance(x, x.add(3)), 9, 1e-12);
  EXPECT_NEAR(frechet_distance(x, x.sub(x.mean()).mul(4).add(x.mean())), std::pow(3 * deviation, 2), 1e-10);
}

// A symmetric positive map is the optimal transport from a Gaussian to its image, so the distance is the mean of
// |x - Ax|^2, whatever the covariance of x.
TEST(FrechetDistance, OfALinearImageIsTheMeanSquareOfTheWayThere) {
  constexpr int64_t kFeatures = 12;
  const at::Tensor x = normal({400, kFeatures}, 2).matmul(normal({kFeatures, kFeatures}, 3)).add(0.5);
  const at::Tensor half = normal({kFeatures, kFeatures}, 4);
  const at::Tensor map = half.matmul(half.t()).add(at::eye(kFeatures, at::kDouble));
  const at::Tensor moved = x.matmul(map);
  const at::Tensor way = x.sub(moved);
  const at::Tensor mean = way.mean(0);
  const double expected = mean.square().sum().item<double>() +
                          way.sub(mean).square().sum().item<double>() / static_cast<double>(x.size(0) - 1);
  EXPECT_NEAR(frechet_distance(x, moved) / expected, 1, 1e-9);
  EXPECT_NEAR(frechet_distance(moved, x) / expected, 1, 1e-9);
}

ArchitectureOptions of_8_pixels() {
  ArchitectureOptions architecture;
  architecture.image_size = 8;
  return architecture;
}

TEST(FrechetDistance, GrowsWithTheNoiseOnImages) {
  constexpr int64_t kImages = 150;  // more than a minibatch
  const at::Tensor real = normal({kImages, 3, 8, 8}, 5).to(at::kFloat).mul(0.4).clamp(-1, 1);
  const auto with_noise = [&](double deviation) {
    const at::Tensor noise = normal({kImages, 3, 8, 8}, 6).to(at::kFloat);
    return real.add(noise.mul(deviation)).clamp(-1, 1);
  };
  const auto images = [](const at::Tensor& all) {
    return [all](int64_t first, int64_t count) { return all.narrow(0, first, count); };
  };
  const FrechetDistance distance(images(real), kImages, of_8_pixels(), c10::Device(c10::kCPU));
  EXPECT_NEAR(distance.to(images(real)), 0, 1e-6);
  const double little = distance.to(images(with_noise(0.1)));
  const double much = distance.to(images(with_noise(0.5)));
  EXPECT_GT(little, 0.1);
  EXPECT_GT(much, 4 * little);
}

TEST(FrechetDistance, NeverAsksForASingleImageThatItsOwnStatisticsWouldNormalise) {
  constexpr int64_t kImages = 129;
  const at::Tensor real = normal({kImages, 3, 8, 8}, 5).to(at::kFloat).mul(0.4).clamp(-1, 1);
  std::vector<int64_t> sizes;
  const auto images = [&](int64_t first, int64_t count) {
    sizes.push_back(count);
    return real.narrow(0, first, count);
  };
  FrechetDistance(images, kImages, of_8_pixels(), c10::Device(c10::kCPU)).to(images);
  EXPECT_EQ(sizes, std::vector<int64_t>(3, kImages)) << "statistics, features of the real and of the others";
}

}  // namespace
}  // namespace dcgan::train
