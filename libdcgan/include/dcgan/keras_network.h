#pragma once

#include <string>

#include "dcgan/export.h"
#include "dcgan/keras_arrays.h"
#include "dcgan/network_import.h"

namespace dcgan {

/// Keras' arrays under PyTorch's names and in its order of axes: kernels HWIO become OIHW, of the dense layer behind a
/// flatten of [H, W, C] the inputs are those of (C, H, W).
struct KerasNetwork {
  StateDictReader tensors;
  NetworkFacts facts;  ///< of the model's configuration, where there is one, otherwise as told
};
/// @param path  of the file, for messages
/// @throws FileError for layers that no list has, and where nothing says the order of the layers
DCGAN_EXPORT KerasNetwork keras_network(const std::string& path, const KerasArrays& file, const NetworkFacts& told);

}  // namespace dcgan
