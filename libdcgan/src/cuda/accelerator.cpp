// libdcgan_cuda.so: what of a training needs symbols of libtorch_cuda.so. train/accelerator.h says why it is apart.
#include "train/accelerator.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>

#ifdef DCGAN_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#else
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>
#endif

namespace dcgan::cuda {
namespace {

class Graph : public train::Recording {
 public:
  explicit Graph(const std::function<void()>& work) {
    c10::cuda::device_synchronize();                // nothing else may be under way while the work is recorded
    c10::cuda::CUDACachingAllocator::emptyCache();  // a recording has memory of its own, and cannot ask for it back
    graph_.capture_begin();
    try {
      work();
    } catch (...) {
      try {
        graph_.capture_end();  // leaves the stream as it was; what failed first is the error
      } catch (...) {
      }
      throw;
    }
    graph_.capture_end();
  }
  void run() override { graph_.replay(); }

 private:
  at::cuda::CUDAGraph graph_;
};

class StreamOfItsOwn : public train::StreamScope {
 public:
  explicit StreamOfItsOwn(c10::DeviceIndex device)
      : device_before_(c10::cuda::current_device()), stream_before_(c10::cuda::getCurrentCUDAStream(device)) {
    c10::cuda::set_device(device);
    c10::cuda::setCurrentCUDAStream(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device));
  }
  ~StreamOfItsOwn() override {
    c10::cuda::setCurrentCUDAStream(stream_before_);
    c10::cuda::set_device(device_before_);
  }
  StreamOfItsOwn(const StreamOfItsOwn&) = delete;
  StreamOfItsOwn& operator=(const StreamOfItsOwn&) = delete;

 private:
  c10::DeviceIndex device_before_;
  c10::cuda::CUDAStream stream_before_;
};

class CudaAccelerator : public train::Accelerator {
 public:
  std::unique_ptr<train::StreamScope> leave_default_stream(int64_t device) const override {
    return std::make_unique<StreamOfItsOwn>(static_cast<c10::DeviceIndex>(device));
  }

  std::unique_ptr<train::Recording> record(const std::function<void()>& work) const override {
    return std::make_unique<Graph>(work);
  }

  c10::intrusive_ptr<c10d::Backend> make_nccl(const train::NcclOptions& options) const override {
#ifdef DCGAN_NCCL
    const auto nccl = c10d::ProcessGroupNCCL::Options::create();
    nccl->timeout = options.patience;
    return c10::make_intrusive<c10d::ProcessGroupNCCL>(options.store, static_cast<int>(options.rank),
                                                       static_cast<int>(options.count), nccl);
#else
    static_cast<void>(options);
    return nullptr;
#endif
  }
};

}  // namespace
}  // namespace dcgan::cuda

extern "C" __attribute__((visibility("default"))) const dcgan::train::Accelerator* dcgan_accelerator() {
  static const dcgan::cuda::CudaAccelerator accelerator;
  return &accelerator;
}
