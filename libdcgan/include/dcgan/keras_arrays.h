#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dcgan {

/// What a Keras model's file holds: a whole model (.h5, .keras), or weights only (.weights.h5, and .h5 of
/// save_weights()).
struct KerasArrays {
  struct Array {
    std::string name;  ///< "model_weights/conv2d/conv2d/kernel:0", "layers/conv2d/vars/0"
    std::vector<int64_t> shape;
    std::vector<float> values;  ///< float32, row-major
  };
  std::vector<Array> arrays;  ///< in the order of the layers where the file says it; an optimiser's are left out
  bool ordered = false;       ///< whether it does
  /// Whether arrays are named by the classes of their layers, numbered in the configuration's order ("conv2d",
  /// "conv2d_1"), whatever names the layers have there: so in .keras files.
  bool named_by_class = false;
  std::string config;  ///< JSON of the model's layers; empty where there are weights only
};

}  // namespace dcgan
