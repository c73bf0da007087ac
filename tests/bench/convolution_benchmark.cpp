// Convolutions of a training step beside LibTorch's (oneDNN), channels last, batch 128: forward, gradient with
// respect to the inputs, gradient with respect to the weights. Both take turns in one process; best milliseconds of
// each, with one thread of the processor's time.
//
//   convolution_benchmark [WIDTH [ROUNDS [THREADS [PUBLISHED]]]]      32 10 1 imagenet32

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/randn.h>
#include <time.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

#include "dcgan/architecture.h"
#include "nn/convolution.h"
#include "train/tensor_memory.h"

namespace dcgan {
namespace {

using Times = std::array<double, 3>;  // milliseconds: forward, inputs' gradient, weights' gradient

at::Tensor convolution(const at::Tensor& x, const at::Tensor& weight, const ConvolutionShape& s, bool transposed,
                       bool ours) {
  if (ours) return transposed ? nn::convolve_transposed(x, weight, s.stride) : nn::convolve(x, weight, s.stride);
  return transposed ? at::conv_transpose2d(x, weight, {}, s.stride, s.kernel / 2, s.stride - 1)
                    : at::conv2d(x, weight, {}, s.stride, s.kernel / 2);
}

// With one thread the processor's time, which other programs disturb least.
double milliseconds() {
  timespec now{};
  clock_gettime(at::get_num_threads() == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

void measure(const ConvolutionShape& s, bool transposed, bool ours, Times& best) {
  constexpr int64_t kBatch = 128;
  constexpr auto kFormat = at::MemoryFormat::ChannelsLast;
  const at::Tensor x = at::randn({kBatch, s.in_channels, s.size_in, s.size_in}).contiguous(kFormat);
  const int64_t first = transposed ? s.in_channels : s.out_channels;
  const int64_t second = transposed ? s.out_channels : s.in_channels;
  const at::Tensor weight = at::randn({first, second, s.kernel, s.kernel}).contiguous(kFormat);
  const at::Tensor gradient = at::randn({kBatch, s.out_channels, s.size_out, s.size_out}).contiguous(kFormat);
  for (int part = 0; part < 3; ++part) {
    x.set_requires_grad(part == 1);
    weight.set_requires_grad(part == 2);
    double start = milliseconds();
    const at::Tensor y = convolution(x, weight, s, transposed, ours);
    if (part > 0) {
      start = milliseconds();
      torch::autograd::grad({y}, {part == 1 ? x : weight}, {gradient});
    }
    double& time = best[static_cast<size_t>(part)];
    time = std::min(time, milliseconds() - start);
  }
}

void compare(const ConvolutionShape& s, bool transposed, int rounds, Times (&total)[2]) {
  Times best[2];
  for (Times& times : best) times.fill(1e9);
  for (int round = 0; round < rounds; ++round) {
    for (const bool ours : {false, true}) measure(s, transposed, ours, best[ours]);
  }
  std::printf("%s %4lld -> %4lld, stride %lld, %2lld -> %2lld:", transposed ? "G" : "D",
              static_cast<long long>(s.in_channels), static_cast<long long>(s.out_channels),
              static_cast<long long>(s.stride), static_cast<long long>(s.size_in), static_cast<long long>(s.size_out));
  for (size_t part = 0; part < 3; ++part) {
    std::printf("  %8.2f %8.2f %5.2f", best[0][part], best[1][part], best[0][part] / best[1][part]);
    for (size_t i = 0; i < 2; ++i) total[i][part] += best[i][part];
  }
  std::printf("\n");
  std::fflush(stdout);
}

void run(const ArchitectureOptions& options, int rounds) {
  std::printf("milliseconds of LibTorch, of libdcgan, ratio: forward, inputs' gradient, weights' gradient\n");
  Times total[2] = {};
  for (const ConvolutionShape& s : discriminator_convolutions(options)) compare(s, false, rounds, total);
  for (const ConvolutionShape& s : generator_convolutions(options)) compare(s, true, rounds, total);
  std::printf("sum:                             ");
  for (size_t part = 0; part < 3; ++part) {
    std::printf("  %8.2f %8.2f %5.2f", total[0][part], total[1][part], total[0][part] / total[1][part]);
  }
  std::printf("\n");
}

}  // namespace
}  // namespace dcgan

int main(int argc, char** argv) {
  const auto argument = [&](int i, int otherwise) { return argc > i ? std::stoi(argv[i]) : otherwise; };
  at::set_num_threads(argument(3, 1));
  const dcgan::train::ReusedTensorMemory memory(c10::kCPU);
  dcgan::ArchitectureOptions options = dcgan::published_architecture(argc > 4 ? argv[4] : "imagenet32");
  options.ndf = options.ngf = argument(1, 32);
  dcgan::run(options, argument(2, 10));
}
