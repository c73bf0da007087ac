#include "features/noise.h"

#include <cmath>
#include <random>

#include "base/network_constants.h"

namespace dcgan::features {
namespace {

constexpr double kPi = 3.14159265358979323846;

// In [0, 1), from the lower 24 bits of a number, as many as a float32 has.
float uniform(std::mt19937& random) { return static_cast<float>(random() & 0xFFFFFF) / 16777216.0F; }

// Box and Muller (1958), eight pairs at a time: values i and i + 8 come from the uniform ones in their places.
void make_normal(float* values) {
  for (int i = 0; i < 8; ++i) {
    const double radius = std::sqrt(-2 * std::log(1 - double{values[i]}));
    const double angle = 2 * kPi * double{values[i + 8]};
    values[i] = static_cast<float>(radius * std::cos(angle));
    values[i + 8] = static_cast<float>(radius * std::sin(angle));
  }
}

}  // namespace

std::vector<float> draw_noise_minibatch(const ArchitectureOptions& options, uint64_t seed) {
  static_assert(kStatisticsMinibatch % 16 == 0, "a last group of fewer than 16 would be drawn in another way");
  std::mt19937 random(static_cast<uint32_t>(seed));
  std::vector<float> values(kStatisticsMinibatch * options.nz);
  for (float& value : values) value = uniform(random);
  if (options.latent == Latent::kUniform) {
    for (float& value : values) value = value * 2 - 1;
  } else {
    for (size_t i = 0; i < values.size(); i += 16) make_normal(values.data() + i);
  }
  return values;
}

}  // namespace dcgan::features
