#include "nn/precision.h"

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>

namespace dcgan::nn {

Tf32Scope::Tf32Scope(Precision precision)
    : convolutions_before_(at::globalContext().allowTF32CuDNN()),
      products_before_(at::globalContext().allowTF32CuBLAS()) {
  at::globalContext().setAllowTF32CuDNN(precision == Precision::kTf32);
  at::globalContext().setAllowTF32CuBLAS(precision == Precision::kTf32);
}

Tf32Scope::~Tf32Scope() {
  at::globalContext().setAllowTF32CuDNN(convolutions_before_);
  at::globalContext().setAllowTF32CuBLAS(products_before_);
}

CastScope::CastScope(c10::Device device, Precision precision)
    : type_(device.type()), casts_(precision == Precision::kBf16) {
  if (!casts_) return;
  at::autocast::increment_nesting();
  at::autocast::set_autocast_dtype(type_, at::kBFloat16);
  at::autocast::set_autocast_enabled(type_, true);
}

CastScope::~CastScope() {
  if (!casts_) return;
  at::autocast::set_autocast_enabled(type_, false);
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();  // of parameters that were cast
}

bool casts_on_cpu() { return at::autocast::is_autocast_enabled(at::kCPU); }

}  // namespace dcgan::nn
