#pragma once

#include <string>

#include "dcgan/export.h"

namespace dcgan {

/// Opens a library of this project that is not needed to start, and finds a function in it. It lies beside the one that
/// this function is in, or where the system looks for libraries.
/// @param library  file name, such as "libdcgan_cuda.so"
/// @return null if it cannot be opened or has no such function; then `reason`, a sentence without its end, says why
DCGAN_EXPORT void* plugin_function(const std::string& library, const char* function, std::string& reason);

}  // namespace dcgan
