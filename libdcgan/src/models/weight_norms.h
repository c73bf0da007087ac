#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dcgan::models {

/// How a network's weight is kept in a file: as it is, or as what PyTorch computes it from at every step.
enum class Normalization {
  kNone,
  kSpectral,  ///< torch.nn.utils.spectral_norm, and its parametrization: W / (u' W v)
  kWeight     ///< torch.nn.utils.weight_norm, and its parametrization: g V / |V|
};

/// The names that a weight's parts have in a file, below the layer: "weight_orig", "weight_u", "weight_v".
struct StoredForm {
  Normalization normalization;
  const char* weight;               ///< W, or V
  std::vector<const char*> others;  ///< u and v; or g
};

/// "weight" alone, and those of both generations of both normalizations. One whose parts are all there is the one.
const std::vector<StoredForm>& stored_forms();

struct Values {
  std::vector<int64_t> shape;
  std::vector<float> values;
};

/// The weight of a network that computes, from the parts of a form, W or V first.
/// @param transposed  a transposed convolution [in, out, ...]: its matrix has a row for each output
/// @throws Error if the shapes do not fit
std::vector<float> normalized_weight(Normalization normalization, const std::vector<Values>& parts, bool transposed);

}  // namespace dcgan::models
