#pragma once

#include <cstdint>
#include <vector>

#include "dcgan/export.h"
#include "dcgan/model_file.h"

namespace dcgan {

/// Kernels of a discriminator's first convolution, which see colours: float32 [count, 3, size, size].
struct Kernels {
  int64_t count = 0;
  int64_t size = 0;
  std::vector<float> values;

  DCGAN_EXPORT double deviation() const;  ///< root of the mean square
};

DCGAN_EXPORT Kernels first_kernels(const ModelFile& model);

/// As many as the model has, as training starts with them: normal with the paper's deviation of 0.02.
DCGAN_EXPORT Kernels random_kernels(const ModelFile& model, uint64_t seed);

}  // namespace dcgan
