#include "parallel/thread_pool.h"

#include <gmock/gmock.h>
#include <sched.h>

#include <numeric>
#include <stdexcept>

#undef atomic  // counters of the tests are plain std::atomic: delayed_atomics.h

namespace dcgan::parallel {
namespace {

// How often each task ran, also those past the end.
std::vector<int> runs_of_tasks(ThreadPool& pool, int64_t count) {
  constexpr int64_t kPastTheEnd = 64;
  std::vector<std::atomic<int>> runs(static_cast<size_t>(count + kPastTheEnd));
  pool.run(count, [&](int64_t i) { runs[static_cast<size_t>(i)].fetch_add(1, std::memory_order_relaxed); });
  return {runs.begin(), runs.end()};
}

std::vector<int> each_once(int64_t count) {
  std::vector<int> expected(static_cast<size_t>(count + 64));
  std::fill_n(expected.begin(), count, 1);
  return expected;
}

struct Delays {
  Delays() { delays = true; }
  ~Delays() { delays = false; }
};

TEST(ThreadPool, RunsEachTaskOnceHoweverManyThreads) {
  for (const int64_t threads : {1, 2, 7}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (int64_t round = 0; round < 200; ++round) {
      ASSERT_EQ(runs_of_tasks(pool, round % 13), each_once(round % 13)) << threads << " threads";
    }
  }
}

// A pool whose claims do not carry the number of their run fails here within some hundred runs: a thread that comes
// late from a run of few tasks takes its index for one of a run of many.
TEST(ThreadPool, RunsEachTaskOnceWhereThreadsComeLateToRunsOfChangingLengths) {
  const Delays delays;
  for (const int64_t threads : {3, 4}) {
    ThreadPool pool(threads);
    for (int64_t round = 0; round < 5'000; ++round) {
      const int64_t count = round % 2 == 0 ? 20 + round % 17 : 2 + round % 5;
      ASSERT_EQ(runs_of_tasks(pool, count), each_once(count)) << threads << " threads, run " << round;
    }
  }
}

TEST(ThreadPool, WhatTasksWroteIsThereWhenTheRunReturns) {
  const Delays delays;
  ThreadPool pool(4);
  std::vector<int64_t> values(37);
  for (int64_t round = 0; round < 2'000; ++round) {  // plain values: the thread sanitizer watches them
    pool.run(37, [&](int64_t i) { values[static_cast<size_t>(i)] = round + i; });
    ASSERT_EQ(std::accumulate(values.begin(), values.end(), int64_t{0}), 37 * round + 37 * 36 / 2);
  }
}

TEST(ThreadPool, WakesThreadsThatHaveGoneToSleepAndIsWokenByTasksThatTakeLong) {
  ThreadPool pool(3);
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // 100 times as long as they wait awake
    std::atomic<int64_t> done{0};
    pool.run(3, [&](int64_t i) {
      if (i > 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      ++done;
    });
    EXPECT_EQ(done, 3);
  }
}

TEST(ThreadPool, GivesEachThreadANumberThatNoOtherHasMeanwhile) {
  const Delays delays;
  ThreadPool pool(4);
  std::vector<int64_t> tasks_of(4);  // plain values: two threads with one number would race
  for (int round = 0; round < 1'000; ++round) {
    pool.run(40, [&](int64_t, int64_t thread) { ++tasks_of.at(static_cast<size_t>(thread)); });
  }
  EXPECT_EQ(std::accumulate(tasks_of.begin(), tasks_of.end(), int64_t{0}), 40'000);
}

TEST(ThreadPool, HasAThreadForEachCoreWhereNoNumberIsGiven) {
  cpu_set_t cores;
  ASSERT_EQ(sched_getaffinity(0, sizeof cores, &cores), 0);
  EXPECT_EQ(ThreadPool(0).threads(), CPU_COUNT(&cores));
}

TEST(ThreadPool, RefusesMoreTasksThanItCanNumber) {
  ThreadPool pool(2);
  EXPECT_THROW(pool.run(int64_t{1} << 32, [](int64_t) {}), std::length_error);
}

TEST(ThreadPoolDeathTest, ATaskThatThrowsEndsTheProgram) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_DEATH(ThreadPool(2).run(2,
                                 [](int64_t task) {
                                   // One alone: of two that throw at once, the second interrupts the first's message.
                                   if (task == 0) throw std::runtime_error("from a task");
                                 }),
               "from a task");
}

}  // namespace
}  // namespace dcgan::parallel
