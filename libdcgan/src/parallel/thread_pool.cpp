#include "eval/svm/thread_team.h"

#include <algorithm>
#include <chrono>
#include <limits>

namespace dcgan::eval {
namespace {

constexpr int64_t kClosed = std::numeric_limits<int64_t>::max() / 2;
constexpr auto kAwake = std::chrono::microseconds(50);

int64_t resolved(int64_t threads) {
  return threads > 0 ? threads : std::max<int64_t>(1, std::thread::hardware_concurrency());
}

}  // namespace

ThreadTeam::ThreadTeam(int64_t threads) : shares_(static_cast<size_t>(resolved(threads))) {
  for (Share& share : shares_) share.next = kClosed;
  for (size_t i = 1; i < shares_.size(); ++i) workers_.emplace_back([this, i] { work(i); });
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
  const int64_t threads = static_cast<int64_t>(shares_.size());
  for (int64_t t = 0; t < threads; ++t) {
    Share& share = shares_[static_cast<size_t>(t)];
    share.end = count * (t + 1) / threads;
    share.next = count * t / threads;  // opens the share
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++job_;
  }
  wake_.notify_all();
  take_tasks(0);
  while (busy_ != 0) std::this_thread::yield();
  for (Share& share : shares_) share.next = kClosed;
}

void ThreadTeam::take_tasks(size_t thread) {
  for (size_t t = 0; t < shares_.size(); ++t) {
    Share& share = shares_[(thread + t) % shares_.size()];
    for (int64_t i = share.next++; i < share.end; i = share.next++) (*task_)(i);
  }
}

void ThreadTeam::work(size_t thread) {
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
    take_tasks(thread);
    --busy_;
  }
}

}  // namespace dcgan::eval
