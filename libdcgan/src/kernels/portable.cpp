#include "kernels/kernels_impl.h"

namespace dcgan::kernels {
namespace {

// Plain C++ that compilers turn into the vector instructions of the target's baseline.
struct Vec {
  static constexpr int kWidth = 8;
  static constexpr int kFewSums = 0;  ///< nobody knows the registers
  float v[kWidth];

  template <class Function>
  static Vec make(const Function& f) {
    Vec result;
    for (int i = 0; i < kWidth; ++i) result.v[i] = f(i);
    return result;
  }
  static Vec load(const float* p) {
    return make([=](int i) { return p[i]; });
  }
  static Vec broadcast(float x) {
    return make([=](int) { return x; });
  }
  static Vec zero() { return broadcast(0); }
  void store(float* p) const {
    for (int i = 0; i < kWidth; ++i) p[i] = v[i];
  }
};
inline Vec operator+(const Vec& a, const Vec& b) {
  return Vec::make([&](int i) { return a.v[i] + b.v[i]; });
}
inline Vec operator-(const Vec& a, const Vec& b) {
  return Vec::make([&](int i) { return a.v[i] - b.v[i]; });
}
inline Vec operator*(const Vec& a, const Vec& b) {
  return Vec::make([&](int i) { return a.v[i] * b.v[i]; });
}
inline Vec maximum(const Vec& a, const Vec& b) {
  return Vec::make([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
}
inline Vec maximum_or_nan(const Vec& kept, const Vec& next) {
  return Vec::make([&](int i) { return next.v[i] > kept.v[i] || next.v[i] != next.v[i] ? next.v[i] : kept.v[i]; });
}
inline Vec multiply_add(const Vec& a, const Vec& b, const Vec& c) {
  return Vec::make([&](int i) { return a.v[i] * b.v[i] + c.v[i]; });
}

constexpr Kernels kKernels = make_kernels<Vec, 2>("portable");

}  // namespace

const Kernels* portable_kernels() { return &kKernels; }

}  // namespace dcgan::kernels
