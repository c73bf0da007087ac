#pragma once

#include <string>

#include "dcgan/export.h"
#include "dcgan/keras_arrays.h"

namespace dcgan {

/// @throws FileError
DCGAN_EXPORT KerasArrays read_keras_file(const std::string& path);

}  // namespace dcgan
