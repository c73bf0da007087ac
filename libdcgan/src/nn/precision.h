#pragma once

#include <c10/core/Device.h>

#include "dcgan/precision.h"

namespace dcgan::nn {

/// While it lives, cuDNN and cuBLAS take TensorFloat-32 for float32, or do not. A setting of the whole process.
class Tf32Scope {
 public:
  explicit Tf32Scope(Precision precision);
  ~Tf32Scope();
  Tf32Scope(const Tf32Scope&) = delete;
  Tf32Scope& operator=(const Tf32Scope&) = delete;

 private:
  bool convolutions_before_, products_before_;
};

/// While it lives, this thread's convolutions and dense layers on the device take bfloat16 if that is the precision
/// (LibTorch's autocast): their inputs are cast, parameters and everything else stay in float32. Backward follows what
/// forward did, outside.
class CastScope {
 public:
  CastScope(c10::Device device, Precision precision);
  ~CastScope();
  CastScope(const CastScope&) = delete;
  CastScope& operator=(const CastScope&) = delete;

 private:
  c10::DeviceType type_;
  bool casts_;
};

/// Whether a CastScope of this thread casts what is computed on the CPU.
bool casts_on_cpu();

}  // namespace dcgan::nn
