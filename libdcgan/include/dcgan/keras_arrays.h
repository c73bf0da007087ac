#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dcgan {

/// What a Keras model's HDF5 file holds: a whole model (.h5), or weights only (.weights.h5, and .h5 of save_weights()).
struct KerasArrays {
  struct Array {
    std::string name;  ///< "model_weights/conv2d/conv2d/kernel:0", "layers/conv2d/vars/0"
    std::vector<int64_t> shape;
    std::vector<float> values;  ///< float32, row-major
  };
  std::vector<Array> arrays;  ///< in the order of the layers where the file says it; an optimiser's are left out
  bool ordered = false;       ///< whether it does
  std::string config;         ///< JSON of the model's layers; empty where there are weights only
};

}  // namespace dcgan
