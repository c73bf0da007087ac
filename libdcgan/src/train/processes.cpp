#include "train/processes.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <c10/util/Exception.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <torch/csrc/autograd/custom_function.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <new>
#include <thread>
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

// Empty where somebody listens there.
std::string why_nobody_answers(const std::string& host, int64_t port) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found);
  if (error != 0) return ::gai_strerror(error);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, ::freeaddrinfo);
  int failure = ENETUNREACH;
  for (const addrinfo* a = found; a != nullptr && failure != 0; a = a->ai_next) {
    const int descriptor = ::socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) continue;
    failure = ::connect(descriptor, a->ai_addr, a->ai_addrlen) == 0 ? 0 : errno;
    if (failure == EINPROGRESS) {
      constexpr int kMilliseconds = 500;
      pollfd ready = {descriptor, POLLOUT, 0};
      socklen_t size = sizeof failure;
      failure = ETIMEDOUT;
      if (::poll(&ready, 1, kMilliseconds) == 1) ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &size);
    }
    ::close(descriptor);
  }
  return failure == 0 ? "" : std::strerror(failure);
}

// @param is_there  whether what is waited for has come; otherwise says in `missing` what has not
// @throws what `on_waiting` throws, and Error after kPatience
template <class IsThere>
void wait_until(const IsThere& is_there, const Processes::OnWaiting& on_waiting) {
  constexpr std::chrono::milliseconds kLook{200};
  const auto end = std::chrono::steady_clock::now() + kPatience;
  for (std::string missing; !is_there(missing); std::this_thread::sleep_for(kLook)) {
    if (std::chrono::steady_clock::now() > end) {
      throw Error(missing, " did not come in ", kPatience.count(), " minutes; start it, too, or all of them again.");
    }
    on_waiting(missing);
  }
}

// "processes 1, 3 of 0 to 3"
std::string absent(c10d::Store& store, const std::vector<std::string>& keys) {
  constexpr int64_t kMost = 8;
  std::string list;
  int64_t missing = 0;
  for (size_t rank = 0; rank < keys.size(); ++rank) {
    if (!store.check({keys[rank]}) && ++missing <= kMost) list += text_of(list.empty() ? " " : ", ", rank);
  }
  if (missing > kMost) list += text_of(" and ", missing - kMost, " more");
  return text_of(missing == 1 ? "process" : "processes", list, " of 0 to ", keys.size() - 1);
}

// Each says in the store that it is there, and that it has gone where it stops waiting.
void wait_for_all(const ProcessOptions& options, c10d::Store& store, const Processes::OnWaiting& on_waiting) {
  std::vector<std::string> keys;
  for (int64_t rank = 0; rank < options.count; ++rank) keys.push_back(text_of("here/", rank));
  const auto all_are_there = [&](std::string& missing) {
    return with_clear_errors(options, kAnotherHasEnded, [&] {
      if (store.check(keys)) return true;
      if (options.rank == 0) missing = absent(store, keys);
      return false;
    });
  };
  const std::string& own = keys[options.rank];
  with_clear_errors(options, kAnotherHasEnded, [&] { store.set(own, std::vector<uint8_t>{1}); });
  try {
    wait_until(all_are_there, on_waiting);
  } catch (...) {
    try {
      store.deleteKey(own);
    } catch (const std::exception&) {  // the store has gone, too
    }
    throw;
  }
}

}  // namespace

struct Processes::Impl {
  c10::intrusive_ptr<c10d::ProcessGroup> group;
};

Processes::Processes(const ProcessOptions& options, const std::string& device, const OnWaiting& on_waiting)
    : options_(options),
      device_(nn::resolve_device(device, options.count == 1 ? std::nullopt : std::optional(options.local_rank))) {
  if (!device_.is_cpu()) accelerator_ = find_accelerator(accelerator_failure_);
  if (accelerator_ != nullptr) stream_ = accelerator_->leave_default_stream(device_.index());
  if (options.count == 1) return;
  if (!device_.is_cpu() && accelerator_ == nullptr) {
    throw Error("several processes on GPUs need libdcgan_cuda.so: ", accelerator_failure_, " Or give --device cpu.");
  }
  const std::string address = text_of(options.address, ":", options.port);
  const std::string failure = "cannot join the others at " + address;
  const bool is_server = options.rank == 0 && !options.has_store;
  if (!is_server) {
    const auto answers = [&](std::string& missing) {
      const std::string reason = why_nobody_answers(options.address, options.port);
      missing = text_of("process 0, at ", address, " (", reason, "),");
      return reason.empty();
    };
    wait_until(answers, on_waiting);
  }
  const auto store = with_clear_errors(options, failure, [&] {
    c10d::TCPStoreOptions store_options;
    store_options.port = static_cast<uint16_t>(options.port);
    store_options.isServer = is_server;
    store_options.numWorkers = static_cast<size_t>(options.count);
    store_options.waitWorkers = false;
    store_options.timeout = kPatience;
    return c10::make_intrusive<c10d::PrefixStore>(text_of("dcgan-train/", options.attempt),
                                                  c10::make_intrusive<c10d::TCPStore>(options.address, store_options));
  });
  wait_for_all(options, *store, on_waiting);
  impl_ = std::make_unique<Impl>();
  impl_->group = with_clear_errors(options, failure, [&] {
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
