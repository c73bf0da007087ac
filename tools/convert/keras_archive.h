#pragma once

#include <string>

#include "dcgan/keras_arrays.h"

namespace dcgan::convert_tool {

/// Whether a file has the name of Keras 3's own format, .keras. (Keras 2 wrote HDF5 under this name.)
bool is_keras_archive(const std::string& path);

/// What a .keras file holds, a zip of the model's configuration and its model.weights.h5.
/// @throws FileError
KerasArrays read_keras_archive(const std::string& path);

}  // namespace dcgan::convert_tool
