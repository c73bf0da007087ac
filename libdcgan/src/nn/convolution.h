#pragma once

#include <ATen/core/Tensor.h>

namespace dcgan::nn {

/// A convolution without bias, padding kernel / 2, and its gradients.
///
/// On the CPU, float32 maps of equal sides are taken by the kernels of kernels/convolution.h where these have an
/// algorithm for the kernel, the stride and the size: bit-identical for any number of threads. Everything else is
/// LibTorch's.
///
/// @param x       [N, I, H, W]
/// @param weight  [O, I, k, k], k odd
/// @return [N, O, H / stride, W / stride], channels last in memory where x is
at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, int64_t stride);

/// The fractionally strided one, with output padding stride - 1.
///
/// @param x       [N, I, H, W]
/// @param weight  [I, O, k, k], k odd
/// @return [N, O, H * stride, W * stride]
at::Tensor convolve_transposed(const at::Tensor& x, const at::Tensor& weight, int64_t stride);

}  // namespace dcgan::nn
