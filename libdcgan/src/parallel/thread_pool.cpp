#include "parallel/thread_pool.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <system_error>

#include "dcgan/errors.h"
#include "parallel/control_groups.h"

namespace dcgan::parallel {
namespace {

// In a virtual machine a woken thread may stay on the core of the one that woke it until the system moves it: threads
// that slept between calls for one image gave them nothing (docs/benchmarks.md, "One image").
constexpr auto kAwake = std::chrono::microseconds(500);

uint64_t claim(uint32_t run, int64_t task) { return uint64_t{run} << 32 | static_cast<uint64_t>(task); }
uint32_t run_of(uint64_t claim) { return static_cast<uint32_t>(claim >> 32); }
int64_t task_of(uint64_t claim) { return static_cast<int64_t>(claim & UINT32_MAX); }

template <class Condition>
void wait_awake(const Condition& condition) {
  const auto asleep_at = std::chrono::steady_clock::now() + kAwake;
  while (!condition() && std::chrono::steady_clock::now() < asleep_at) std::this_thread::yield();
}

}  // namespace

int64_t resolved_threads(int64_t threads) { return threads > 0 ? threads : usable_cores(); }

ThreadPool::ThreadPool(int64_t threads) : shares_(resolved_threads(threads)) {
  const auto count = static_cast<int64_t>(shares_.size());
  workers_.reserve(shares_.size());
  try {
    for (int64_t i = 1; i < count; ++i) workers_.emplace_back([this, i] { work(i); });
  } catch (const std::system_error&) {  // the system gives no more threads: those that started do all of the work
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(Run run) {
  if (run.count > UINT32_MAX) throw std::length_error(text_of(run.count, " tasks; a run takes below 2^32"));
  if (workers_.empty() || run.count <= 1) {
    for (int64_t i = 0; i < run.count; ++i) run.call(run.context, i, 0);
    return;
  }
  run.number = number_ + 1;
  const auto shares = static_cast<int64_t>(shares_.size());
  for (int64_t s = 0; s < shares; ++s) shares_[s].next = claim(run.number, run.count * s / shares);
  done_ = 0;  // whoever did a task of the run before has counted it, or that run would not have returned
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    run_ = run;
    number_ = run.number;
  }
  wake_.notify_all();
  take_tasks(run, 0);
  const auto all_done = [&] { return done_ >= run.count; };
  wait_awake(all_done);
  if (all_done()) return;
  std::unique_lock<std::mutex> lock(mutex_);
  all_done_.wait(lock, all_done);
}

void ThreadPool::take_tasks(const Run& run, int64_t thread) {
  const auto shares = static_cast<int64_t>(shares_.size());
  int64_t taken = 0;
  for (int64_t t = 0; t < shares; ++t) {
    const int64_t s = (thread + t) % shares;
    const int64_t end = run.count * (s + 1) / shares;
    std::atomic<uint64_t>& next = shares_[s].next;
    for (uint64_t claimed = next; run_of(claimed) == run.number && task_of(claimed) < end;) {
      if (!next.compare_exchange_weak(claimed, claimed + 1)) continue;
      run.call(run.context, task_of(claimed), thread);
      ++taken;
      claimed = next;
    }
  }
  if (taken == 0 || done_.fetch_add(taken) + taken < run.count || thread == 0) return;
  const std::lock_guard<std::mutex> lock(mutex_);  // the caller is awake, or asleep: not between the two
  all_done_.notify_one();
}

void ThreadPool::work(int64_t thread) {
  uint32_t seen = 0;
  while (true) {
    wait_awake([&] { return number_ != seen; });
    Run run;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [&] { return run_.number != seen || stop_; });
      if (stop_) return;
      run = run_;
    }
    seen = run.number;
    take_tasks(run, thread);
  }
}

}  // namespace dcgan::parallel
