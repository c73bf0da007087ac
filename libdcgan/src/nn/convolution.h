#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace dcgan::nn {

/// Where the outputs of a convolution lie among its inputs: see ConvolutionShape.
struct Sampling {
  int64_t stride, pad_before, pad_after;
};

/// A convolution without bias, and its gradients.
///
/// On the CPU, float32 maps of equal sides are taken by the kernels of kernels/convolution.h where these have an
/// algorithm for the kernel, the stride and the size: bit-identical for any number of threads. Everything else is
/// LibTorch's.
///
/// @param x       [N, I, H, W]
/// @param weight  [O, I, k, k]
/// @return [N, O, (H + padding - k) / stride + 1, ...], channels last in memory where x is
at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const Sampling& sampling);
/// Padding k / 2, k odd, as in the published networks: [N, O, H / stride, W / stride].
at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, int64_t stride);

/// The adjoint of such a convolution, from its output to its input.
///
/// @param x       [N, I, H, W]
/// @param weight  [I, O, k, k]
/// @return [N, O, (H - 1) * stride + k - padding, ...]
at::Tensor convolve_transposed(const at::Tensor& x, const at::Tensor& weight, const Sampling& sampling);
/// [N, O, H * stride, W * stride], k odd.
at::Tensor convolve_transposed(const at::Tensor& x, const at::Tensor& weight, int64_t stride);

}  // namespace dcgan::nn
