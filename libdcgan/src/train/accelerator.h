#pragma once

#include <c10/util/intrusive_ptr.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace c10d {
class Backend;
class Store;
}  // namespace c10d

namespace dcgan::train {

/// Device work that was recorded and can be run again, on the same memory.
class Recording {
 public:
  virtual ~Recording() = default;
  virtual void run() = 0;
};

/// While it lives, a thread works on another device or stream than before.
class StreamScope {
 public:
  virtual ~StreamScope() = default;
};

struct NcclOptions {
  c10::intrusive_ptr<c10d::Store> store;  ///< where the processes meet
  int64_t rank = 0;
  int64_t count = 1;
  std::chrono::milliseconds patience{0};  ///< with a process that does not answer
};

/// What needs symbols of libtorch_cuda.so: made by libdcgan_cuda.so, which lies beside libdcgan.so and is opened at run
/// time, so that one binary works with and without CUDA. Tests give one of their own.
class Accelerator {
 public:
  virtual ~Accelerator() = default;

  /// This thread's work goes to the device and to a stream of its own from now on, as what is on the default one cannot
  /// be recorded; as before once what is returned is destroyed.
  virtual std::unique_ptr<StreamScope> leave_default_stream(int64_t device) const = 0;
  /// The device work that `work` gives to this thread's stream. It is not done yet, only recorded.
  virtual std::unique_ptr<Recording> record(const std::function<void()>& work) const = 0;
  /// c10d's NCCL on this thread's device; null if libdcgan_cuda.so was built without its header.
  virtual c10::intrusive_ptr<c10d::Backend> make_nccl(const NcclOptions& options) const = 0;
};

/// The function that libdcgan_cuda.so exports.
constexpr const char* kAcceleratorFunction = "dcgan_accelerator";
using AcceleratorFunction = const Accelerator*();

/// The one beside this library; opened once.
/// @return null if there is none or it cannot be opened; then `reason`, a sentence, says why
const Accelerator* find_accelerator(std::string& reason);

}  // namespace dcgan::train
