#include "dcgan/model_precision.h"

#include <algorithm>
#include <cmath>

#include "dcgan/errors.h"

namespace dcgan {

void store_weights_as(FloatStorage storage, ModelFile& model) {
  for (auto& [name, tensor] : model.tensors) {
    const bool half = storage == FloatStorage::kFloat16 && name.find(".running_") == std::string::npos;
    tensor = make_tensor(tensor.shape, tensor.to_floats(), half ? DType::kFloat16 : DType::kFloat32);
    const std::vector<float> values = tensor.to_floats();
    if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) {
      throw Error("tensor \"", name, "\" holds values that are not finite",
                  half ? " as float16, which ends at 65504; keep it in float32." : ".");
    }
  }
}

}  // namespace dcgan
