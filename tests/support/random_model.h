#pragma once

#include <random>
#include <string>

#include "dcgan/model_file.h"
#include "models/model_tensors.h"

namespace dcgan::test {

/// A whole model of an architecture, initialised as the paper does: weights N(0, 0.02), batch norm's scale N(1, 0.02).
inline ModelFile random_model(const ArchitectureOptions& architecture) {
  ModelFile model;
  model.architecture = architecture;
  model.convolutions = static_cast<int64_t>(discriminator_convolutions(architecture).size());
  std::mt19937 random(3);
  std::normal_distribution<float> normal(0, 0.02F);
  for (const auto& [name, shape] : models::expected_shapes(model)) {
    size_t count = 1;
    for (const int64_t size : shape) count *= static_cast<size_t>(size);
    const auto ends_with = [name = name](const std::string& end) {
      return name.size() > end.size() && name.compare(name.size() - end.size(), end.size(), end) == 0;
    };
    const bool is_scale = shape.size() == 1 && ends_with(".weight");
    std::vector<float> values(count, ends_with(".running_var") || is_scale ? 1.0F : 0.0F);
    if (ends_with(".weight")) {
      for (float& value : values) value += normal(random);
    }
    model.tensors[name] = make_tensor(shape, values);
  }
  return model;
}

}  // namespace dcgan::test
