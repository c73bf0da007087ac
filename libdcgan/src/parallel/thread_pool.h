#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace dcgan::eval {

/// Threads that share many short loops: they wait awake for some microseconds before they sleep. Which thread runs
/// which task is left open, so a task's result must not depend on it.
class ThreadTeam {
 public:
  /// @param threads  with the caller; 0: one per core
  explicit ThreadTeam(int64_t threads);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  /// task(0) .. task(count - 1), in any order; returns when all are done. Tasks must not throw.
  void run(int64_t count, const std::function<void(int64_t)>& task);

 private:
  // The tasks that one thread takes first, before it helps the others: the data of a task stay near its thread from
  // one run to the next. Each on its own cache line.
  struct alignas(64) Share {
    std::atomic<int64_t> next{0}, end{0};
  };
  void work(size_t thread);
  void take_tasks(size_t thread);

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<int64_t> job_{0};
  std::atomic<bool> stop_{false};
  // A task is claimed through its share. Between jobs next is past every end, so that a worker that comes late finds
  // nothing; busy_ counts the workers that may hold a claim.
  std::vector<Share> shares_;
  std::atomic<int64_t> busy_{0};
  const std::function<void(int64_t)>* task_ = nullptr;
};

}  // namespace dcgan::eval
