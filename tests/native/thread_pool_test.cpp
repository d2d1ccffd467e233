#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace blip3o {
namespace {

std::unique_ptr<ThreadPool> PoolOf(int threads) {
  auto created = ThreadPool::Create(threads);
  EXPECT_TRUE(created.ok());
  return std::move(created.value());
}

TEST(ThreadPool, RunsEveryTaskOnce) {
  for (int threads : {1, 2, 3, 4, 9}) {
    const auto pool = PoolOf(threads);
    EXPECT_EQ(pool->threads(), threads);
    for (int64_t tasks : {0, 1, 2, 3, 7, 64, 1000}) {
      std::vector<std::atomic<int>> runs(static_cast<size_t>(tasks));
      std::atomic<bool> worker_in_range{true};
      pool->ParallelFor(tasks, [&](int64_t task, int worker) {
        runs[static_cast<size_t>(task)].fetch_add(1);
        if (worker < 0 || worker >= threads) worker_in_range = false;
      });
      for (const auto& count : runs) ASSERT_EQ(count.load(), 1);
      EXPECT_TRUE(worker_in_range);
    }
  }
}

// Loops that follow each other at once, and loops that find the workers asleep.
TEST(ThreadPool, NeverMixesLoops) {
  const auto pool = PoolOf(4);
  for (int loop = 0; loop < 20000; ++loop) {
    std::atomic<int64_t> sum{0};
    pool->ParallelFor(5, [&, loop](int64_t task, int) { sum.fetch_add(task + loop); });
    ASSERT_EQ(sum.load(), 10 + 5 * loop);
    if (loop % 2000 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

TEST(ThreadPool, WritesOfTasksAreVisibleAfterTheLoop) {
  const auto pool = PoolOf(4);
  std::vector<int64_t> values(997);
  for (int64_t loop = 1; loop <= 500; ++loop) {
    pool->ParallelFor(997, [&](int64_t task, int) { values[static_cast<size_t>(task)] += task * loop; });
  }
  for (int64_t i = 0; i < 997; ++i) ASSERT_EQ(values[static_cast<size_t>(i)], i * 125250);
}

// Two tasks that wait for each other end only when two threads run them.
TEST(ThreadPool, RunsTasksAtTheSameTime) {
  const auto pool = PoolOf(2);
  for (int repeat = 0; repeat < 20; ++repeat) {
    std::atomic<int> arrived{0};
    pool->ParallelFor(2, [&](int64_t, int) {
      arrived.fetch_add(1);
      while (arrived.load() < 2) std::this_thread::yield();
    });
    ASSERT_EQ(arrived.load(), 2);
    if (repeat % 4 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

TEST(ThreadPool, OneTaskRunsOnTheCaller) {
  const auto pool = PoolOf(3);
  std::thread::id id;
  pool->ParallelFor(1, [&](int64_t, int worker) {
    id = std::this_thread::get_id();
    EXPECT_EQ(worker, 0);
  });
  EXPECT_EQ(id, std::this_thread::get_id());
}

TEST(ThreadPool, EndsWhileItsWorkersSpinOrSleep) {
  for (int repeat = 0; repeat < 50; ++repeat) {
    const auto pool = PoolOf(4);
    if (repeat % 2 == 0) pool->ParallelFor(8, [](int64_t, int) {});
    if (repeat % 5 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

TEST(ThreadPool, ThereIsAProcessorToUse) { EXPECT_GE(UsableProcessors(), 1); }

}  // namespace
}  // namespace blip3o
