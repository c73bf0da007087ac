#pragma once

// Included before everything else in parallel_test, which compiles thread_pool.cpp again: each access to an atomic of
// the pool may be followed by a delay, so that threads meet each other in places where they hardly ever do.

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace dcgan::parallel {

inline std::atomic<bool> delays{false};  // the tests turn them on

inline void maybe_delay() {
  if (!delays.load(std::memory_order_relaxed)) return;
  thread_local auto state = static_cast<uint32_t>(std::hash<std::thread::id>()(std::this_thread::get_id()));
  state = state * 1664525U + 1013904223U;  // Numerical Recipes' generator; its low bits are poor
  const uint32_t random = state >> 16;
  if (random % 8 == 0) std::this_thread::yield();
  if (random % 8 >= 5) {
    for (volatile uint32_t i = 0; i < random / 256; i = i + 1) {
    }
  }
}

template <class T>
class DelayedAtomic {
 public:
  DelayedAtomic() = default;
  DelayedAtomic(T value) : value_(value) {}  // NOLINT(google-explicit-constructor): as in std::atomic
  operator T() const { return delayed(value_.load()); }
  T operator=(T value) {
    value_.store(value);
    return delayed(value);
  }
  T fetch_add(T value) { return delayed(value_.fetch_add(value)); }
  bool compare_exchange_weak(T& expected, T desired) {
    return delayed(value_.compare_exchange_weak(expected, desired));
  }

 private:
  template <class Value>
  static Value delayed(Value value) {
    maybe_delay();
    return value;
  }
  std::atomic<T> value_;
};

}  // namespace dcgan::parallel

namespace std {
using dcgan::parallel::DelayedAtomic;
}  // namespace std

#define atomic DelayedAtomic  // NOLINT: the class under test says std::atomic
