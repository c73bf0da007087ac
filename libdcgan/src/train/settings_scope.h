#pragma once

#include <cstdint>

namespace dcgan::train {

/// While it lives, this process's LibTorch works as a training wants it: with so many threads, and with cuDNN's search
/// for the fastest algorithm, as the shapes are the same in every step. Then all is as the caller had it.
class SettingsScope {
 public:
  /// @param threads  0: as many as there are
  explicit SettingsScope(int64_t threads);
  ~SettingsScope();
  SettingsScope(const SettingsScope&) = delete;
  SettingsScope& operator=(const SettingsScope&) = delete;

 private:
  int threads_before_;
  bool searched_before_;
};

}  // namespace dcgan::train
