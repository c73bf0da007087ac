#include "train/settings_scope.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

namespace dcgan::train {

SettingsScope::SettingsScope(int64_t threads)
    : threads_before_(at::get_num_threads()), searched_before_(at::globalContext().benchmarkCuDNN()) {
  if (threads > 0) at::set_num_threads(static_cast<int>(threads));
  at::globalContext().setBenchmarkCuDNN(true);
}

SettingsScope::~SettingsScope() {
  at::set_num_threads(threads_before_);
  at::globalContext().setBenchmarkCuDNN(searched_before_);
}

}  // namespace dcgan::train
