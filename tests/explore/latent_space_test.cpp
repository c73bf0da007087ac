#include "dcgan/latent_space.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

namespace dcgan {
namespace {

using testing::ElementsAre;
using testing::FloatEq;

using Rows = std::vector<float>;

Rows row(const Rows& all, int64_t nz, int64_t i) { return {all.begin() + i * nz, all.begin() + (i + 1) * nz}; }

double length(const Rows& z) {
  double squares = 0;
  for (const float value : z) squares += double{value} * double{value};
  return std::sqrt(squares);
}

TEST(Walk, BeginsAndEndsWithItsPoints) {
  const Rows points = {0.3F, -0.7F, 0.1F, 0.9F, -0.2F, 0.5F};
  for (const Interpolation interpolation : {Interpolation::kLinear, Interpolation::kSpherical}) {
    const Rows path = walk(points, 2, {10, false, interpolation});
    ASSERT_EQ(path.size(), 20U);
    EXPECT_EQ(row(path, 2, 0), row(points, 2, 0));
    EXPECT_EQ(row(path, 2, 9), row(points, 2, 2));
  }
}

TEST(Walk, MeetsAPointWhereAFrameFallsOnIt) {
  const Rows points = {0, 0, 1, 2, -3, 4};
  const Rows path = walk(points, 2, {9, false, Interpolation::kLinear});
  EXPECT_THAT(row(path, 2, 4), ElementsAre(1, 2));
  EXPECT_THAT(row(path, 2, 1), ElementsAre(0.25, 0.5));
  EXPECT_THAT(row(path, 2, 6), ElementsAre(-1, 3));
}

TEST(Walk, StepsEvenlyOverSectionsThatFramesDoNotDivide) {
  const Rows points = {0, 1, 2, 3};  // on a line, so that every step of the path is as long as the others
  const Rows path = walk(points, 1, {8, false, Interpolation::kLinear});
  for (int i = 0; i < 8; ++i) EXPECT_THAT(path[static_cast<size_t>(i)], FloatEq(static_cast<float>(3.0 * i / 7)));
}

TEST(Walk, AClosedPathGoesBackAndDoesNotRepeatItsFirstPoint) {
  EXPECT_THAT(walk({0, 1, 2}, 1, {6, true, Interpolation::kLinear}), ElementsAre(0, 0.5, 1, 1.5, 2, 1));
}

TEST(Walk, SphericalKeepsTheLengthOfPointsOfOneLength) {
  const Rows points = {3, 4, -5, 0};
  const Rows path = walk(points, 2, {7, false, Interpolation::kSpherical});
  for (int64_t i = 0; i < 7; ++i) EXPECT_NEAR(length(row(path, 2, i)), 5, 1e-6);
  EXPECT_LT(length(row(walk(points, 2, {7, false, Interpolation::kLinear}), 2, 3)), 4);
}

TEST(Walk, SphericalIsTheLineBetweenPointsInOneDirectionAndFromTheOrigin) {
  for (const Rows& points : {Rows{1, 1, 3, 3}, Rows{0, 0, 3, 3}, Rows{1, 1, -3, -3}}) {
    EXPECT_EQ(walk(points, 2, {5, false, Interpolation::kSpherical}), walk(points, 2, {5, false, {}}));
  }
}

TEST(Arithmetic, OfAConceptAndItselfLeavesTheOther) {
  const Rows a = {0.1F, 1e7F, -3}, c = {0.7F, 0.3F, 9};
  EXPECT_EQ(difference_added(a, a, c), c);
  EXPECT_THAT(difference_added({5, 1}, {2, 7}, {10, 20}), ElementsAre(13, 14));
}

TEST(Arithmetic, AMeanIsThatOfTheChosenRows) {
  EXPECT_THAT(mean_of({1, 2, 3, 4, 100, 200, 5, 12}, 2, {0, 1, 3}), ElementsAre(3, 6));
  EXPECT_THAT(mean_of({1, 2, 3, 4}, 2, {1}), ElementsAre(3, 4));
}

TEST(Arithmetic, NeighboursFillTheirRangeAndDependOnTheSeedAlone) {
  const Rows point(1000, 2.0F);
  const Rows around = neighbourhood(point, 8, 0.25, 1);
  ASSERT_EQ(around.size(), 8000U);
  const auto [least, most] = std::minmax_element(around.begin(), around.end());
  EXPECT_GE(*least, 1.75F);
  EXPECT_LE(*most, 2.25F);
  // 8,000 uniform values: the chance that none lies in an outer hundredth is 0.99^8000 = 1e-35.
  EXPECT_LT(*least, 1.755F);
  EXPECT_GT(*most, 2.245F);
  double mean = 0;
  for (const float value : around) mean += double{value} / 8000;
  EXPECT_NEAR(mean, 2, 0.25 / std::sqrt(3.0) / std::sqrt(8000.0) * 5);  // five standard errors
  EXPECT_EQ(around, neighbourhood(point, 8, 0.25, 1));
  EXPECT_NE(around, neighbourhood(point, 8, 0.25, 2));
  EXPECT_EQ(neighbourhood(point, 2, 0, 1), Rows(2000, 2.0F));
}

TEST(Turned, GoesFromOneEndThroughTheSampleToTheOther) {
  const Rows moved = turned({1, 2, 10, 20}, {4, -2}, {5, 0.5});
  ASSERT_EQ(moved.size(), 20U);
  EXPECT_THAT(row(moved, 2, 0), ElementsAre(-1, 3));
  EXPECT_THAT(row(moved, 2, 1), ElementsAre(0, 2.5));
  EXPECT_THAT(row(moved, 2, 2), ElementsAre(1, 2));
  EXPECT_THAT(row(moved, 2, 4), ElementsAre(3, 1));
  EXPECT_THAT(row(moved, 2, 7), ElementsAre(10, 20));
  EXPECT_THAT(row(turned({1, 2}, {4, -2}, {5, 1}), 2, 0), ElementsAre(-3, 4));
}

}  // namespace
}  // namespace dcgan
