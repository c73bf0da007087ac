#include "nn/device.h"

#include <ATen/Context.h>
#include <dlfcn.h>

#include <charconv>

#include "dcgan/errors.h"

namespace dcgan::nn {
namespace {

// Loading libtorch_cuda.so registers the CUDA backend. It lies beside libtorch_cpu.so, which holds at::globalContext.
bool load_cuda() {
  static const bool loaded = [] {
    if (at::hasCUDA()) return true;
    Dl_info info;
    if (dladdr(reinterpret_cast<const void*>(&at::globalContext), &info) == 0) return false;
    const std::string cpu = info.dli_fname;
    const std::string cuda = cpu.substr(0, cpu.rfind('/') + 1) + "libtorch_cuda.so";
    return dlopen(cuda.c_str(), RTLD_NOW | RTLD_GLOBAL) != nullptr && at::hasCUDA();
  }();
  return loaded;
}

}  // namespace

c10::Device resolve_device(const std::string& text) {
  if (text == "cpu") return c10::Device(c10::kCPU);
  if (text == "auto") {
    return load_cuda() && at::getNumGPUs() > 0 ? c10::Device(c10::kCUDA, 0) : c10::Device(c10::kCPU);
  }
  int index = 0;
  const bool numbered = text.rfind("cuda:", 0) == 0;
  const char* end = text.data() + text.size();
  if (text != "cuda" && !(numbered && std::from_chars(text.data() + 5, end, index).ptr == end && text.size() > 5)) {
    throw OptionError("--device is \"" + text + "\"; it must be auto, cpu, cuda or cuda:N.");
  }
  const auto devices = load_cuda() ? static_cast<int>(at::getNumGPUs()) : 0;
  if (index < 0 || index >= devices) {
    throw OptionError("--device is " + text + ", but LibTorch finds " + std::to_string(devices) +
                      " CUDA devices; use --device auto or cpu" +
                      (devices == 0 ? ", or tools/setup --cuda on a machine with an NVIDIA GPU and its driver." : "."));
  }
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
}

}  // namespace dcgan::nn
