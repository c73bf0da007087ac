#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dcgan/trainer.h"
#include "nn/networks.h"
#include "train/accelerator.h"

namespace dcgan::train {

/// The processes that train together, joined by LibTorch's c10d: with Gloo on CPUs, with NCCL on GPUs, each process on
/// one of its own. A single process needs no network, and every function here leaves its values alone. All processes
/// must call the functions in the same order. Where another one has ended, they throw Error.
class Processes {
 public:
  using OnWaiting = decltype(TrainObserver::on_waiting);

  /// Waits until all have come, for half an hour at most.
  /// @param device      as TrainingRun::device
  /// @param on_waiting  as TrainObserver::on_waiting
  Processes(const ProcessOptions& options, const std::string& device, const OnWaiting& on_waiting);
  ~Processes();

  int64_t rank() const { return options_.rank; }
  int64_t count() const { return options_.count; }
  bool is_first() const { return options_.rank == 0; }
  c10::Device device() const { return device_; }  ///< of this process
  /// Of the device; null for a CPU, and where accelerator_failure() says why.
  const Accelerator* accelerator() const { return accelerator_; }
  const std::string& accelerator_failure() const { return accelerator_failure_; }

  /// Sum over the processes, in place. Any tensor of the CPU or the device; on CPUs the order of the sum is fixed.
  void sum(at::Tensor tensor) const;
  /// The same as a function that gradients go through.
  at::Tensor differentiable_sum(const at::Tensor& tensor) const;
  /// What the first process has, in place.
  void receive_from_first(const std::vector<at::Tensor>& tensors) const;
  int64_t receive_from_first(int64_t value) const;
  /// Whether it is true in one of the processes.
  bool any(bool value) const;

  /// Gradients of a network's parameters, averaged over the processes bucket by bucket while backward() still runs
  /// (c10d's Reducer).
  class Gradients {
   public:
    Gradients(const Processes& processes, const nn::NamedTensors& parameters);
    ~Gradients();
    /// loss.backward(), where all the parameters and none of another network need gradients.
    void backward(const at::Tensor& loss) const;

   private:
    struct Impl;
    const Processes& processes_;
    std::unique_ptr<Impl> impl_;
  };

 private:
  struct Impl;
  ProcessOptions options_;
  c10::Device device_;
  std::string accelerator_failure_;
  const Accelerator* accelerator_ = nullptr;
  std::unique_ptr<StreamScope> stream_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dcgan::train
