#include "nn/convolution.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <atomic>

#include "dcgan/errors.h"
#include "kernels/convolution.h"
#include "nn/precision.h"

namespace dcgan::nn {
namespace {

using kernels::FilterLayout;
using kernels::Kernels;
using kernels::MapShape;

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;

void run_parallel(int64_t items, const kernels::Work& work) {
  std::atomic<int64_t> next{0};
  at::parallel_for(0, at::get_num_threads(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t thread = begin; thread < end; ++thread) {
      for (int64_t item = next++; item < items; item = next++) work(item, thread);
    }
  });
}

at::Tensor floats(int64_t count) { return at::empty({count}, at::kFloat); }
at::Tensor map(int64_t images, int64_t channels, int64_t size) {
  return at::empty({images, channels, size, size}, at::TensorOptions(at::kFloat).memory_format(kChannelsLast));
}

/// The larger map of `weight` [small channels, large channels, k, k] has `size` pixels a side.
MapShape shape_of(const at::Tensor& weight, int64_t stride, int64_t size) {
  const int64_t small = weight.size(0);
  const int64_t large = weight.size(1);
  return {large, small, weight.size(2), stride, false, size, size / stride, large, small};
}

MapShape adjoint(const MapShape& s) {
  return {s.out_channels, s.in_channels, s.kernel, s.stride, true, s.size_out, s.size_in, s.out_stride, s.in_stride};
}

at::Tensor run(const MapShape& shape, const at::Tensor& x, const at::Tensor& weight) {
  const Kernels& kernels = kernels::best_kernels();
  const kernels::Convolution convolution(kernels, shape);
  const at::Tensor weights = floats(convolution.weight_floats());
  const at::Tensor transformed = floats(convolution.transformed_floats());
  const at::Tensor scratch = floats(convolution.scratch_floats() * at::get_num_threads());
  const at::Tensor bias = at::zeros({convolution.panels() * kernels.panel});
  at::Tensor y = map(x.size(0), shape.out_channels, shape.size_out);

  // Weights are [small, k, k, large] in memory.
  const int64_t large = weight.size(1);
  const int64_t small_step = shape.kernel * shape.kernel * large;
  const FilterLayout layout = shape.adjoint ? FilterLayout{small_step, 1, large} : FilterLayout{1, small_step, large};
  run_parallel(convolution.panels(), [&](int64_t panel, int64_t) {
    convolution.pack(weight.const_data_ptr<float>(), layout, panel, weights.mutable_data_ptr<float>());
    convolution.transform(weights.const_data_ptr<float>(), panel, transformed.mutable_data_ptr<float>());
  });
  const kernels::Convolution::Pass pass = {weights.const_data_ptr<float>(), transformed.const_data_ptr<float>(),
                                           bias.const_data_ptr<float>(),    1,
                                           x.const_data_ptr<float>(),       y.mutable_data_ptr<float>()};
  const int64_t tiles = x.size(0) * convolution.tiles_per_image();
  const int64_t block = convolution.block();
  run_parallel((tiles + block - 1) / block, [&](int64_t item, int64_t thread) {
    convolution.run(pass, {item * block, std::min((item + 1) * block, tiles)}, convolution.all_panels(),
                    scratch.mutable_data_ptr<float>() + thread * convolution.scratch_floats());
  });
  return y;
}

/// @param large, small  the two maps, or their gradients
at::Tensor filter_gradient(const MapShape& shape, const at::Tensor& large, const at::Tensor& small) {
  const kernels::FilterGradient gradient(kernels::best_kernels(), shape, large.size(0));
  const at::Tensor shared = floats(gradient.shared_floats());
  const at::Tensor scratch = floats(gradient.scratch_floats() * at::get_num_threads());
  at::Tensor result = at::empty({shape.out_channels, shape.in_channels, shape.kernel, shape.kernel},
                                at::TensorOptions(at::kFloat).memory_format(kChannelsLast));
  gradient.run({large.const_data_ptr<float>(), small.const_data_ptr<float>(), result.mutable_data_ptr<float>(),
                shared.mutable_data_ptr<float>(), scratch.mutable_data_ptr<float>()},
               run_parallel);
  return result;
}

// Where the products outweigh the transforms: docs/benchmarks.md, "Training step".
constexpr int64_t kLeastChannels[] = {16, 64};  // at stride 1, 2

// @param large  side of the larger map
bool is_ours(const at::Tensor& x, const at::Tensor& weight, const Sampling& sampling, bool transposed, int64_t large) {
  const int64_t stride = sampling.stride;
  if (!x.is_cpu() || x.scalar_type() != at::kFloat || weight.scalar_type() != at::kFloat) return false;
  if (casts_on_cpu()) return false;
  if (x.size(2) != x.size(3) || x.numel() == 0 || stride > 2) return false;
  if (std::min(weight.size(0), weight.size(1)) < kLeastChannels[stride - 1]) return false;
  const Kernels& kernels = kernels::best_kernels();
  const int64_t kernel = weight.size(2);
  if (sampling.pad_before != (kernel - 1) / 2 || large % stride != 0) return false;
  const int64_t small = large / stride;
  const bool halves = transposed ? x.size(2) == small
                                 : (large + sampling.pad_before + sampling.pad_after - kernel) / stride + 1 == small;
  const auto has_method = [&](bool adjoint, int64_t size) {
    return kernels.method(kernel, stride, adjoint, size).kernel == kernel;
  };
  return halves && kernel > 1 && has_method(false, small) && has_method(true, large);
}

class OurConvolution : public torch::autograd::Function<OurConvolution> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            int64_t stride, bool transposed) {
    const at::Tensor input = x.contiguous(kChannelsLast);
    const at::Tensor filters = weight.contiguous(kChannelsLast);
    context->save_for_backward({input, filters});
    context->saved_data["stride"] = stride;
    context->saved_data["transposed"] = transposed;
    const MapShape shape = shape_of(weight, stride, transposed ? x.size(2) * stride : x.size(2));
    return run(transposed ? adjoint(shape) : shape, input, filters);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    if (c10::GradMode::is_enabled()) {
      throw Error(
          "second-order gradients of convolutions are not there on a CPU in float32: gradients were asked for "
          "with create_graph, and would be taken for constants.");
    }
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const at::Tensor& input = saved[0];
    const at::Tensor& filters = saved[1];
    const bool transposed = context->saved_data["transposed"].toBool();
    const at::Tensor gradient = gradients[0].contiguous(kChannelsLast);
    const MapShape shape =
        shape_of(filters, context->saved_data["stride"].toInt(), transposed ? gradient.size(2) : input.size(2));
    at::Tensor input_gradient;
    at::Tensor weight_gradient;
    if (context->needs_input_grad(0)) input_gradient = run(transposed ? shape : adjoint(shape), gradient, filters);
    if (context->needs_input_grad(1)) {
      weight_gradient = transposed ? filter_gradient(shape, gradient, input) : filter_gradient(shape, input, gradient);
    }
    return {input_gradient, weight_gradient, {}, {}};
  }
};

}  // namespace

at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const Sampling& sampling) {
  const auto& [stride, before, after] = sampling;
  if (is_ours(x, weight, sampling, false, x.size(2))) return OurConvolution::apply(x, weight, stride, false);
  if (before == after) return at::conv2d(x, weight, {}, stride, before);
  return at::conv2d(at::constant_pad_nd(x, {before, after, before, after}), weight, {}, stride);
}

at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, int64_t stride) {
  return convolve(x, weight, {stride, weight.size(2) / 2, weight.size(2) / 2});
}

at::Tensor convolve_transposed(const at::Tensor& x, const at::Tensor& weight, const Sampling& sampling) {
  const auto& [stride, before, after] = sampling;
  const int64_t side = (x.size(2) - 1) * stride + weight.size(2) - before - after;
  if (is_ours(x, weight, sampling, true, side)) return OurConvolution::apply(x, weight, stride, true);
  if (after <= before && before - after < stride) {
    return at::conv_transpose2d(x, weight, {}, stride, before, /*output_padding=*/before - after);
  }
  return at::conv_transpose2d(x, weight, {}, stride).narrow(2, before, side).narrow(3, before, side);
}

at::Tensor convolve_transposed(const at::Tensor& x, const at::Tensor& weight, int64_t stride) {
  const int64_t before = weight.size(2) / 2;
  return convolve_transposed(x, weight, {stride, before, before - (stride - 1)});
}

}  // namespace dcgan::nn
