#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dcgan/export.h"
#include "dcgan/network_import.h"

namespace dcgan {

/// What a Keras model's HDF5 file holds: a whole model (.h5), or weights only (.weights.h5, and .h5 of save_weights()).
struct KerasFile {
  struct Array {
    std::string name;  ///< "model_weights/conv2d/conv2d/kernel:0", "layers/conv2d/vars/0"
    std::vector<int64_t> shape;
    std::vector<float> values;  ///< float32, row-major
  };
  std::vector<Array> arrays;  ///< in the order of the layers where the file says it; an optimiser's are left out
  bool ordered = false;       ///< whether it does
  std::string config;         ///< JSON of the model's layers; empty where there are weights only
};

/// Whether the file begins as HDF5 does.
DCGAN_EXPORT bool is_hdf5(const std::string& path);
/// @throws FileError
DCGAN_EXPORT KerasFile read_keras_file(const std::string& path);

/// Keras' arrays under PyTorch's names and in its order of axes: kernels HWIO become OIHW, of the dense layer behind a
/// flatten of [H, W, C] the inputs are those of (C, H, W).
struct KerasNetwork {
  StateDictReader tensors;
  NetworkFacts facts;  ///< of the model's configuration, where there is one, otherwise as told
};
/// @throws FileError for layers that no list has, and where nothing says the order of the layers
DCGAN_EXPORT KerasNetwork keras_network(const std::string& path, const KerasFile& file, const NetworkFacts& told);

}  // namespace dcgan
