#include "dcgan/filters.h"

#include <cmath>
#include <random>

#include "dcgan/seeds.h"

namespace dcgan {

double Kernels::deviation() const {
  double squares = 0;
  for (const float value : values) squares += double{value} * double{value};
  return std::sqrt(squares / static_cast<double>(values.size()));
}

Kernels first_kernels(const ModelFile& model) {
  const StoredTensor& weight = model.tensors.at("discriminator.conv1.weight");
  const int64_t size = weight.shape[2], area = size * size;
  const std::vector<float> values = weight.to_floats();
  const InputOptions& input = model.architecture.input;
  if (input.channels == 3 && input.order == ChannelOrder::kRgb) return {weight.shape[0], size, values};
  Kernels kernels{weight.shape[0], size, {}};  // in RGB; of grey three times the same
  for (int64_t o = 0; o < kernels.count; ++o) {
    for (int64_t c = 0; c < 3; ++c) {
      const int64_t own = input.channels == 1 ? o : 3 * o + 2 - c;
      kernels.values.insert(kernels.values.end(), values.begin() + own * area, values.begin() + (own + 1) * area);
    }
  }
  return kernels;
}

Kernels random_kernels(const ModelFile& model, uint64_t seed) {
  constexpr double kDeviation = 0.02;  // of all initial weights, arXiv:1511.06434, section 4
  constexpr double kPi = 3.14159265358979323846;
  Kernels kernels = first_kernels(model);
  std::mt19937_64 random(derive_seed(seed, "random-kernels"));
  const auto uniform = [&random] { return static_cast<double>((random() >> 11) + 1) * 0x1p-53; };  // in (0, 1]
  for (float& value : kernels.values) {  // Box and Muller (1958): the same on every platform
    const double radius = std::sqrt(-2 * std::log(uniform()));
    value = static_cast<float>(kDeviation * radius * std::cos(2 * kPi * uniform()));
  }
  return kernels;
}

}  // namespace dcgan
