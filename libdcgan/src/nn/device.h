#pragma once

#include <c10/core/Device.h>

#include <string>

namespace dcgan::nn {

/// The device that "auto", "cpu", "cuda" or "cuda:N" names. CUDA's backend is loaded from the libtorch_cuda.so beside
/// libtorch_cpu.so, so that one binary runs with and without a GPU; auto takes the CPU where there is none.
/// @throws OptionError for another text, or for a CUDA device that is not there.
c10::Device resolve_device(const std::string& text);

}  // namespace dcgan::nn
