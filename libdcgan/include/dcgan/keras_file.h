#pragma once

#include <string>

#include "dcgan/export.h"
#include "dcgan/keras_arrays.h"

namespace dcgan {

/// Whether the file begins as HDF5 does.
DCGAN_EXPORT bool is_hdf5(const std::string& path);
/// @throws FileError
DCGAN_EXPORT KerasArrays read_keras_file(const std::string& path);

}  // namespace dcgan
