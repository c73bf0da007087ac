#include "train/accelerator.h"

#include <dlfcn.h>

namespace dcgan::train {

const Accelerator* find_accelerator(std::string& reason) {
  static std::string failure;
  static const Accelerator* const accelerator = []() -> const Accelerator* {
    Dl_info here;
    if (dladdr(reinterpret_cast<const void*>(&find_accelerator), &here) == 0) return nullptr;
    const std::string library = here.dli_fname;
    const std::string path = library.substr(0, library.rfind('/') + 1) + "libdcgan_cuda.so";
    void* const handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    void* const function = handle == nullptr ? nullptr : dlsym(handle, kAcceleratorFunction);
    if (function != nullptr) return reinterpret_cast<AcceleratorFunction*>(function)();
    failure = std::string(dlerror()) + ".";
    return nullptr;
  }();
  reason = failure;
  return accelerator;
}

}  // namespace dcgan::train
