#include "train/processes.h"

#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <malloc.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <thread>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

namespace dcgan::train {
namespace {

int64_t free_port() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(descriptor, reinterpret_cast<sockaddr*>(&address), size), 0);
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(descriptor);
  return ntohs(address.sin_port);
}

// Two of them as two threads of this process.
void in_two(ProcessOptions options, const std::function<void(const Processes&)>& work) {
  // c10d's recorder of collectives is one for the process, and two groups at once write its map without a lock.
  ::setenv("TORCH_FR_BUFFER_SIZE", "0", /*overwrite=*/1);
  options.count = 2;
  const auto one = [&](int64_t rank) {
    ProcessOptions own = options;
    own.rank = rank;
    try {
      const Processes processes(own, "cpu", [](const std::string&) {});
      work(processes);
    } catch (const std::exception& e) {
      ADD_FAILURE() << "process " << rank << ": " << e.what();
    }
  };
  std::thread other(one, 1);
  one(0);
  other.join();
}

void in_two(const std::function<void(const Processes&)>& work) {
  ProcessOptions options;
  options.port = free_port();
  in_two(options, work);
}

TEST(Processes, AverageGradients) {
  in_two([](const Processes& processes) {
    const at::Tensor weight = at::zeros({2});
    const Processes::Gradients gradients(processes, {{"weight", weight}});
    for (int pair = 0; pair < 3; ++pair) {
      weight.mutable_grad().reset();
      gradients.backward(weight.sum().mul(static_cast<double>(1 + processes.rank() * 2 + pair)));
      EXPECT_EQ(weight.grad()[0].item<double>(), 2 + pair);
    }
  });
}

// c10d's Reducer notes in each backward which gradient came when, until it is asked to sort its buckets by that.
TEST(Processes, KeepNothingOfAPairOfSteps) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer has a malloc of its own, of which mallinfo2() knows nothing";
#endif
  constexpr int64_t kParameters = 200, kPairs = 200;
  size_t grown = 0;
  in_two([&](const Processes& processes) {
    nn::NamedTensors parameters;
    for (int64_t i = 0; i < kParameters; ++i) parameters.emplace_back(std::to_string(i), at::zeros({1}));
    const Processes::Gradients gradients(processes, parameters);
    const auto pair = [&] {
      at::Tensor loss = at::zeros({1});
      for (const auto& [name, value] : parameters) {
        value.mutable_grad().reset();
        loss = loss.add(value);
      }
      gradients.backward(loss.sum());
    };
    for (int i = 0; i < 5; ++i) pair();
    processes.any(false);
    const size_t before = mallinfo2().uordblks;
    processes.any(false);
    for (int64_t i = 0; i < kPairs; ++i) pair();
    processes.any(false);
    if (processes.is_first()) grown = mallinfo2().uordblks - std::min(before, mallinfo2().uordblks);
    processes.any(false);
  });
  // A tensor and a number of 8 bytes each for every parameter, pair and process would make 1.3 MB. What is left are
  // c10d's notes of the last collectives, whose number is limited.
  EXPECT_LT(grown, 800000U);
}

// As where torchrun starts all of them again: its store outlives them and remembers where the dead ones listened.
TEST(Processes, MeetUnderNamesOfTheirAttemptAndOfWhatJoinsThem) {
  c10d::TCPStoreOptions server;
  server.port = 0;
  server.isServer = true;
  server.waitWorkers = false;
  const auto store = c10::make_intrusive<c10d::TCPStore>("127.0.0.1", server);
  store->set("another program's", std::vector<uint8_t>{1});
  ProcessOptions options;
  options.port = store->getPort();
  options.has_store = true;
  std::vector<std::string> known = store->listKeys();
  for (const int64_t attempt : {0, 3}) {
    options.attempt = attempt;
    in_two(options, [](const Processes& processes) {
      const at::Tensor one = at::full({1}, 1.0);
      processes.sum(one);
      EXPECT_EQ(one.item<double>(), 2);
    });
    std::vector<std::string> keys = store->listKeys();
    EXPECT_GT(keys.size(), known.size());
    for (const std::string& key : keys) {
      if (std::find(known.begin(), known.end(), key) != known.end()) continue;
      const std::string own = "dcgan-train/" + std::to_string(attempt);
      EXPECT_THAT(key, testing::AnyOf(testing::HasSubstr(own + "/here/"), testing::HasSubstr(own + "/gloo/")));
    }
    known = std::move(keys);
  }
}

}  // namespace
}  // namespace dcgan::train
