#include "eval/svm/thread_team.h"

#include <algorithm>
#include <chrono>
#include <limits>

namespace dcgan::eval {
namespace {

constexpr int64_t kClosed = std::numeric_limits<int64_t>::max() / 2;
constexpr auto kAwake = std::chrono::microseconds(50);

}  // namespace

ThreadTeam::ThreadTeam(int64_t threads) : next_(kClosed) {
  if (threads <= 0) threads = std::max<int64_t>(1, std::thread::hardware_concurrency());
  for (int64_t i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
}

ThreadTeam::~ThreadTeam() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadTeam::run(int64_t count, const std::function<void(int64_t)>& task) {
  if (workers_.empty() || count <= 1) {
    for (int64_t i = 0; i < count; ++i) task(i);
    return;
  }
  task_ = &task;
  count_ = count;
  next_ = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++job_;
  }
  wake_.notify_all();
  take_tasks();
  while (busy_ != 0) std::this_thread::yield();
  next_ = kClosed;
}

void ThreadTeam::take_tasks() {
  for (int64_t i = next_++; i < count_; i = next_++) (*task_)(i);
}

void ThreadTeam::work() {
  for (int64_t seen = 0;;) {
    const auto asleep_at = std::chrono::steady_clock::now() + kAwake;
    while (job_ == seen && !stop_ && std::chrono::steady_clock::now() < asleep_at) std::this_thread::yield();
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [&] { return job_ != seen || stop_; });
      seen = job_;
    }
    if (stop_) return;
    ++busy_;
    take_tasks();
    --busy_;
  }
}

}  // namespace dcgan::eval
