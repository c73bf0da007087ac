#include "train/processes.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <c10/util/Exception.h>
#include <torch/csrc/autograd/custom_function.h>

#include <chrono>
#include <exception>
#include <new>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <torch/csrc/distributed/c10d/reducer.hpp>

#include "dcgan/errors.h"
#include "nn/device.h"

namespace dcgan::train {
namespace {

constexpr std::chrono::minutes kPatience{30};  // the first process saves and probes while the others wait
constexpr const char* kAnotherHasEnded =
    "another process has ended or does not answer, its own message says why; --resume goes on";
// PyTorch's DistributedDataParallel: a small first bucket starts the communication early.
constexpr int64_t kFirstBucketBytes = int64_t{1} << 20;
constexpr int64_t kBucketBytes = int64_t{25} << 20;

// What c10d throws is several lines long, with a stack.
std::string first_line(const std::exception& e) {
  const std::string text = e.what();
  return text.substr(0, text.find('\n'));
}

template <class Call>
auto with_clear_errors(const ProcessOptions& options, const std::string& failure, Call call) {
  try {
    return call();
  } catch (const c10::OutOfMemoryError&) {  // of this process
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    throw Error("process ", options.rank, " of ", options.count, ": ", failure, " (", first_line(e), ")");
  }
}

}  // namespace

struct Processes::Impl {
  c10::intrusive_ptr<c10d::ProcessGroup> group;
};

Processes::Processes(const ProcessOptions& options, const std::string& device)
    : options_(options),
      device_(nn::resolve_device(device, options.count == 1 ? std::nullopt : std::optional(options.local_rank))) {
  if (!device_.is_cpu()) accelerator_ = find_accelerator(accelerator_failure_);
  if (accelerator_ != nullptr) stream_ = accelerator_->leave_default_stream(device_.index());
  if (options.count == 1) return;
  if (!device_.is_cpu() && accelerator_ == nullptr) {
    throw Error("several processes on GPUs need libdcgan_cuda.so: ", accelerator_failure_, " Or give --device cpu.");
  }
  const std::string address = text_of(options.address, ":", options.port);
  impl_ = std::make_unique<Impl>();
  impl_->group = with_clear_errors(options, "cannot join the others at " + address, [&] {
    c10d::TCPStoreOptions store_options;
    store_options.port = static_cast<uint16_t>(options.port);
    store_options.isServer = options.rank == 0 && !options.has_store;
    store_options.numWorkers = static_cast<size_t>(options.count);
    store_options.waitWorkers = false;
    store_options.timeout = kPatience;
    const auto store = c10::make_intrusive<c10d::PrefixStore>(
        text_of("dcgan-train/", options.attempt), c10::make_intrusive<c10d::TCPStore>(options.address, store_options));
    auto gloo_options = c10d::ProcessGroupGloo::Options::create(kPatience);
    const bool one_machine = options.address == "localhost" || options.address.rfind("127.", 0) == 0;
    gloo_options->devices.push_back(one_machine ? c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1")
                                    : !options.interface.empty()
                                        ? c10d::ProcessGroupGloo::createDeviceForInterface(options.interface)
                                        : c10d::ProcessGroupGloo::createDefaultDevice());
    const auto rank = static_cast<int>(options.rank);
    const auto count = static_cast<int>(options.count);
    auto group = c10::make_intrusive<c10d::ProcessGroup>(store, rank, count);
    group->setBackend(c10::DeviceType::CPU, c10d::ProcessGroup::BackendType::GLOO,
                      c10::make_intrusive<c10d::ProcessGroupGloo>(c10::make_intrusive<c10d::PrefixStore>("gloo", store),
                                                                  rank, count, gloo_options));
    if (accelerator_ != nullptr) {
      const auto nccl = accelerator_->make_nccl(
          {c10::make_intrusive<c10d::PrefixStore>("nccl", store), options.rank, options.count, kPatience});
      if (!nccl) throw Error("libdcgan_cuda.so was built without nccl.h; build it after tools/setup --cuda");
      group->setBackend(device_.type(), c10d::ProcessGroup::BackendType::NCCL, nccl);
    }
    return group;
  });
}

Processes::~Processes() {
  if (!impl_) return;
  try {  // without it NCCL complains, and where another process has ended, it would wait
    std::uncaught_exceptions() > 0 ? impl_->group->abort() : impl_->group->shutdown();
  } catch (const std::exception&) {  // all was said already
  }
}

void Processes::sum(at::Tensor tensor) const {
  if (count() == 1) return;
  with_clear_errors(options_, kAnotherHasEnded, [&] {
    std::vector<at::Tensor> tensors = {tensor};
    impl_->group->allreduce(tensors)->wait();
  });
}

at::Tensor Processes::differentiable_sum(const at::Tensor& tensor) const {
  struct Sum : torch::autograd::Function<Sum> {
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, int64_t processes) {
      context->saved_data["processes"] = processes;
      at::Tensor total = x.contiguous().clone();
      reinterpret_cast<const Processes*>(processes)->sum(total);
      return total;
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   const torch::autograd::variable_list& gradients) {
      return {forward(context, gradients[0], context->saved_data["processes"].toInt()), at::Tensor()};
    }
  };
  return Sum::apply(tensor, reinterpret_cast<int64_t>(this));
}

void Processes::receive_from_first(const std::vector<at::Tensor>& tensors) const {
  if (count() == 1) return;
  const at::NoGradGuard no_grad;
  with_clear_errors(options_, kAnotherHasEnded, [&] {
    for (const at::Tensor& tensor : tensors) {
      // Gloo wants one piece of memory, in the same order everywhere.
      std::vector<at::Tensor> one = {tensor.detach().contiguous()};
      impl_->group->broadcast(one)->wait();
      at::Tensor(tensor).copy_(one[0]);
    }
  });
}

int64_t Processes::receive_from_first(int64_t value) const {
  if (count() == 1) return value;
  const at::Tensor one = at::full({1}, value, at::kLong);
  receive_from_first(std::vector<at::Tensor>{one});
  return one.item<int64_t>();
}

bool Processes::any(bool value) const {
  if (count() == 1) return value;
  const at::Tensor one = at::full({1}, value ? 1 : 0, at::kLong);
  sum(one);
  return one.item<int64_t>() > 0;
}

struct Processes::Gradients::Impl {
  c10d::Reducer reducer;
};

Processes::Gradients::Gradients(const Processes& processes, const nn::NamedTensors& parameters)
    : processes_(processes) {
  if (processes.count() == 1 || parameters.empty()) return;
  std::vector<at::Tensor> values;
  std::unordered_map<size_t, std::string> names;
  for (const auto& [name, value] : parameters) {
    value.set_requires_grad(true);
    names[values.size()] = name;
    values.push_back(value);
  }
  // Backward reaches the last layers first.
  std::vector<at::Tensor> reversed(values.rbegin(), values.rend());
  auto [buckets, limits] = c10d::compute_bucket_assignment_by_size(
      reversed, {static_cast<size_t>(kFirstBucketBytes), static_cast<size_t>(kBucketBytes)});
  for (std::vector<size_t>& bucket : buckets) {
    for (size_t& index : bucket) index = values.size() - 1 - index;
  }
  const std::vector<bool> sparse(values.size(), false);
  impl_.reset(new Impl{c10d::Reducer(values, buckets, processes.impl_->group, sparse, kBucketBytes,
                                     /*find_unused_parameters=*/false, /*gradient_as_bucket_view=*/false, names,
                                     kFirstBucketBytes, /*skip_all_reduce_unused_params=*/false,
                                     /*use_python_reducer=*/false, {})});
}

Processes::Gradients::~Gradients() = default;

void Processes::Gradients::backward(const at::Tensor& loss) const {
  if (!impl_) return loss.backward();
  with_clear_errors(processes_.options_, kAnotherHasEnded, [&] {
    impl_->reducer.rebuild_buckets();  // it would go on to note, for ever, in which order gradients come
    impl_->reducer.prepare_for_backward({});
    loss.backward();
  });
}

}  // namespace dcgan::train
