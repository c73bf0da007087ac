#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include "dcgan/export.h"

namespace dcgan::parallel {

/// What a number of threads stands for: 0 (or less) for usable_cores(), fewer than the machine has in a container or
/// under Slurm.
DCGAN_EXPORT int64_t resolved_threads(int64_t threads);

/// Threads that share out the numbered tasks of one run after another. Between runs they wait awake for half a
/// millisecond before they sleep, so that many short runs are cheap. Not safe for concurrent use.
class DCGAN_EXPORT ThreadPool {
 public:
  /// @param threads  with the caller; 0 as resolved_threads() says. There are fewer where the system gives no more.
  explicit ThreadPool(int64_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int64_t threads() const { return static_cast<int64_t>(workers_.size()) + 1; }

  /// Calls task(i), or task(i, thread) with thread in [0, threads()), once for each i from 0 to count - 1, in any
  /// order; returns when all are done. Which thread runs which task is left open, so a task's result must not depend on
  /// it. A task that throws ends the program.
  /// @param count  below 2^32
  template <class Task>
  void run(int64_t count, const Task& task) {
    const auto call = [](const void* context, int64_t i, int64_t thread) noexcept {
      if constexpr (std::is_invocable_v<const Task&, int64_t, int64_t>) {
        (*static_cast<const Task*>(context))(i, thread);
      } else {
        (*static_cast<const Task*>(context))(i);
      }
    };
    run({&task, call, count, 0});
  }

 private:
  struct Run {
    const void* context = nullptr;
    void (*call)(const void* context, int64_t i, int64_t thread) = nullptr;
    int64_t count = 0;
    uint32_t number = 0;
  };
  // The tasks that one thread takes first, before it helps the others: the data of a task stay near its thread from one
  // run to the next. A task is claimed by raising `next`, the number of the run above the number of the task: a thread
  // that comes late from an earlier run finds another number there, whatever became of its own run meanwhile. Each on
  // its own cache line.
  struct alignas(64) Share {
    std::atomic<uint64_t> next{0};
  };

  void run(Run run);
  void work(int64_t thread);
  void take_tasks(const Run& run, int64_t thread);

  std::vector<Share> shares_;  // one for each thread that was asked for
  std::mutex mutex_;
  std::condition_variable wake_, all_done_;
  Run run_;                          // the newest; under the mutex
  bool stop_ = false;                // under the mutex
  std::atomic<uint32_t> number_{0};  // of the newest run, for those who wait awake
  std::atomic<int64_t> done_{0};     // tasks of the newest run
  std::vector<std::thread> workers_;
};

}  // namespace dcgan::parallel
