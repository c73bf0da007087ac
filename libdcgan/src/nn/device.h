#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>

namespace dcgan::nn {

/// The device that "auto", "cpu", "cuda" or "cuda:N" names. CUDA's backend is loaded from the libtorch_cuda.so beside
/// libtorch_cpu.so, so that one binary runs with and without a GPU; auto takes the CPU where there is none.
/// @param local_rank  of one of several processes on this machine: "auto" and "cuda" give it the GPU of this number
/// @throws OptionError for another text, or for a CUDA device that is not there.
c10::Device resolve_device(const std::string& text, std::optional<int64_t> local_rank = std::nullopt);

/// The GPU, of `devices` that the process sees, that is the one of the process with this rank on its machine.
/// @throws OptionError if there is none for it
int64_t gpu_of_process(int64_t local_rank, int64_t devices);

/// Bytes of a GPU's memory that nobody uses; nothing for a CPU.
std::optional<int64_t> free_memory(c10::Device device);

/// The tensor on the device: itself if it is there, or a copy of one of the host's, which the host does not wait for.
at::Tensor to_device(const at::Tensor& tensor, c10::Device device);

}  // namespace dcgan::nn
