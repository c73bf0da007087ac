#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "dcgan/model_file.h"

namespace dcgan::models {

/// Names and shapes of the tensors that a model of this architecture, `convolutions` and `has_generator` must have.
std::map<std::string, std::vector<int64_t>> expected_shapes(const ModelFile& model);

}  // namespace dcgan::models
