#include "eval/svm/row_kernels.h"

namespace dcgan::eval {
namespace {

#define DCGAN_KERNEL_SET plain
#define DCGAN_KERNEL_TARGET
#define DCGAN_KERNEL_BYTES 16
#define DCGAN_KERNEL_ROWS 2
#include "eval/svm/row_kernels.inc"

#if defined(__x86_64__)
#define DCGAN_KERNEL_SET avx2
#define DCGAN_KERNEL_TARGET __attribute__((target("avx2,fma")))
#define DCGAN_KERNEL_BYTES 32
#define DCGAN_KERNEL_ROWS 2
#include "eval/svm/row_kernels.inc"

#define DCGAN_KERNEL_SET avx512
#define DCGAN_KERNEL_TARGET __attribute__((target("avx512f")))
#define DCGAN_KERNEL_BYTES 64
#define DCGAN_KERNEL_ROWS 4
#include "eval/svm/row_kernels.inc"
#endif

}  // namespace

const std::vector<RowKernels>& available_row_kernels() {
  static const std::vector<RowKernels> kernels = [] {
    std::vector<RowKernels> list = {{"plain", plain::dots, plain::accumulate, plain::axpy}};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
      list.push_back({"avx2", avx2::dots, avx2::accumulate, avx2::axpy});
    }
    if (__builtin_cpu_supports("avx512f")) {
      list.push_back({"avx512", avx512::dots, avx512::accumulate, avx512::axpy});
    }
#endif
    return list;
  }();
  return kernels;
}

}  // namespace dcgan::eval
