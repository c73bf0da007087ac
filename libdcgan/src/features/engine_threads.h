#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace dcgan::engine {

/// A fixed crew of threads that share out numbered pieces of work.
class WorkerPool {
 public:
  /// @param threads  including the one that calls run(); at least 1
  explicit WorkerPool(int64_t threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  int64_t threads() const { return static_cast<int64_t>(workers_.size()) + 1; }

  /// Calls work(item, thread) once for each item from 0 to items - 1, thread in [0, threads()), and returns when all
  /// are done. `work` must not throw.
  void run(int64_t items, const std::function<void(int64_t item, int64_t thread)>& work);

 private:
  void work_off(int64_t thread);
  void serve(int64_t thread);

  std::mutex mutex_;
  std::condition_variable start_;
  std::condition_variable done_;
  int64_t round_ = 0;  ///< counts calls of run(), so that a worker knows a new one
  int64_t busy_ = 0;
  bool stop_ = false;
  const std::function<void(int64_t, int64_t)>* work_ = nullptr;
  int64_t items_ = 0;
  std::atomic<int64_t> next_{0};
  std::vector<std::thread> workers_;
};

}  // namespace dcgan::engine
