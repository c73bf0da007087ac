#include "train/accelerator.h"

#include "base/plugin.h"

namespace dcgan::train {

const Accelerator* find_accelerator(std::string& reason) {
  static std::string failure;
  static const Accelerator* const accelerator = []() -> const Accelerator* {
    void* const function = plugin_function("libdcgan_cuda.so", kAcceleratorFunction, failure);
    return function == nullptr ? nullptr : reinterpret_cast<AcceleratorFunction*>(function)();
  }();
  if (accelerator == nullptr) reason = failure + ".";
  return accelerator;
}

}  // namespace dcgan::train
