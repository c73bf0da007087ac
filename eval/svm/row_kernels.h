#pragma once

#include <cstdint>
#include <vector>

namespace dcgan::eval {

/// Rows and weight vectors are padded with zeros to a multiple of this many floats (one AVX-512 register).
constexpr int64_t kKernelStep = 16;

/// The inner loops of the dense solver, compiled for one instruction set. Columns first .. first + length - 1 of each
/// row are touched; `length` is a multiple of kKernelStep. Sums inside one call are float32, so that callers keep
/// calls short and add their results in float64.
struct RowKernels {
  const char* name;  ///< "plain", "avx2", "avx512"

  /// out[i * pitch + j] = a_i . b_j, float32 [na, nb]
  void (*dots)(const float* const* a, int64_t na, const float* const* b, int64_t nb, int64_t first, int64_t length,
               float* out, int64_t pitch);

  /// w_k += sum over i < n of factors[i * pitch + k] * x_i, for k < classes
  void (*accumulate)(const float* const* x, const float* factors, int64_t n, int64_t pitch, float* const* w,
                     int64_t classes, int64_t first, int64_t length);

  /// y += factor * x
  void (*axpy)(float factor, const float* x, float* y, int64_t length);
};

/// Those that this processor can run, slowest first.
const std::vector<RowKernels>& available_row_kernels();

/// The fastest of them.
inline const RowKernels& best_row_kernels() { return available_row_kernels().back(); }

}  // namespace dcgan::eval
