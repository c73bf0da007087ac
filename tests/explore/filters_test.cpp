#include "dcgan/filters.h"

#include <gmock/gmock.h>

#include <cmath>

#include "tests/support/random_model.h"

namespace dcgan {
namespace {

using testing::ElementsAreArray;

ModelFile wide_model() {
  ArchitectureOptions architecture;
  architecture.image_size = 8;
  architecture.ndf = 200;
  return test::random_model(architecture);
}

TEST(Filters, AreTheWeightsOfTheFirstConvolution) {
  const ModelFile model = wide_model();
  const Kernels kernels = first_kernels(model);
  EXPECT_EQ(kernels.count, 200);
  EXPECT_EQ(kernels.size, 3);
  EXPECT_THAT(kernels.values, ElementsAreArray(model.tensors.at("discriminator.conv1.weight").to_floats()));
}

TEST(Filters, RandomOnesHaveTheDeviationThatTrainingStartsWith) {
  const ModelFile model = wide_model();
  const Kernels random = random_kernels(model, 1);
  const auto values = static_cast<double>(random.values.size());
  ASSERT_EQ(values, 200 * 27);
  // A root mean square of n normal values is off by 1 / sqrt(2 n) of itself, a mean by 1 / sqrt(n): five times that.
  EXPECT_NEAR(random.deviation(), 0.02, 0.02 * 5 / std::sqrt(2 * values));
  double mean = 0;
  int64_t beyond_two = 0;
  for (const float value : random.values) {
    mean += double{value} / values;
    beyond_two += std::fabs(value) > 0.04F;
  }
  EXPECT_NEAR(mean, 0, 0.02 * 5 / std::sqrt(values));
  EXPECT_NEAR(static_cast<double>(beyond_two) / values, 0.0455, 5 * std::sqrt(0.0455 / values));
  EXPECT_EQ(random.values, random_kernels(model, 1).values);
  EXPECT_NE(random.values, random_kernels(model, 2).values);
}

}  // namespace
}  // namespace dcgan
