#include "features/engine_threads.h"

namespace dcgan::engine {

WorkerPool::WorkerPool(int64_t threads) {
  try {
    for (int64_t i = 1; i < threads; ++i) workers_.emplace_back([this, i] { serve(i); });
  } catch (const std::system_error&) {  // the system gives no more threads: those that started do all of the work
  }
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  start_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void WorkerPool::run(int64_t items, const std::function<void(int64_t, int64_t)>& work) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    work_ = &work;
    items_ = items;
    next_ = 0;
    busy_ = static_cast<int64_t>(workers_.size());
    ++round_;
  }
  start_.notify_all();
  work_off(0);
  std::unique_lock<std::mutex> lock(mutex_);
  done_.wait(lock, [this] { return busy_ == 0; });
}

void WorkerPool::work_off(int64_t thread) {
  for (int64_t item = next_++; item < items_; item = next_++) (*work_)(item, thread);
}

void WorkerPool::serve(int64_t thread) {
  int64_t seen = 0;
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    start_.wait(lock, [&] { return stop_ || round_ != seen; });
    if (stop_) return;
    seen = round_;
    lock.unlock();
    work_off(thread);
    lock.lock();
    if (--busy_ == 0) done_.notify_one();
  }
}

}  // namespace dcgan::engine
