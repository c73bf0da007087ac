#include "nn/device.h"

#include <ATen/Context.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <dlfcn.h>

#include "base/device_text.h"
#include "dcgan/errors.h"

namespace dcgan::nn {
namespace {

// Loading libtorch_cuda.so registers the CUDA backend. It lies beside libtorch_cpu.so, which holds at::globalContext.
// LibTorch decides at the first question about CUDA, for good, whether there is any: none comes before the loading.
bool load_cuda() {
  static const bool loaded = [] {
    Dl_info info;
    if (dladdr(reinterpret_cast<const void*>(&at::globalContext), &info) == 0) return false;
    const std::string cpu = info.dli_fname;
    const std::string cuda = cpu.substr(0, cpu.rfind('/') + 1) + "libtorch_cuda.so";
    dlopen(cuda.c_str(), RTLD_NOW | RTLD_GLOBAL);
    return at::hasCUDA();
  }();
  return loaded;
}

c10::Device gpu(int64_t index) { return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index)); }

}  // namespace

c10::Device resolve_device(const std::string& text, std::optional<int64_t> local_rank) {
  const DeviceText wanted = parse_device(text);
  if (wanted.kind == DeviceText::Kind::kCpu) return c10::Device(c10::kCPU);
  if (wanted.index && local_rank) {
    throw OptionError("--device is ", text,
                      ", but each of several processes needs a GPU of its own; give --device cuda.");
  }
  const int64_t devices = load_cuda() ? at::getNumGPUs() : 0;
  if (wanted.kind == DeviceText::Kind::kAuto && devices == 0) return c10::Device(c10::kCPU);
  const int64_t index = wanted.index.value_or(0);
  if (index < 0 || index >= devices) {
    throw OptionError("--device is ", text, ", but LibTorch finds ", devices, " CUDA devices; use --device auto or cpu",
                      devices == 0 ? ", or tools/setup --cuda on a machine with an NVIDIA GPU and its driver." : ".");
  }
  return gpu(local_rank ? gpu_of_process(*local_rank, devices) : index);
}

int64_t gpu_of_process(int64_t local_rank, int64_t devices) {
  if (local_rank < devices) return local_rank;
  throw OptionError("process ", local_rank, " of this machine (counted from 0) has no GPU of its own: LibTorch finds ",
                    devices, "; start as many processes as there are GPUs, or give --device cpu.");
}

std::optional<int64_t> free_memory(c10::Device device) {
  if (device.is_cpu()) return std::nullopt;
  return static_cast<int64_t>(c10::getDeviceAllocator(device.type())->getMemoryInfo(device.index()).first);
}

at::Tensor to_device(const at::Tensor& tensor, c10::Device device) {
  return tensor.device() == device ? tensor : tensor.pin_memory().to(device, /*non_blocking=*/true);
}

}  // namespace dcgan::nn
