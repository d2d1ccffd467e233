#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

namespace blip3o {
namespace {

using Busy = ThreadPool::Lane::Busy;

std::unique_ptr<ThreadPool> PoolOf(int threads) {
  auto created = ThreadPool::Create(threads);
  EXPECT_TRUE(created.ok());
  return std::move(created.value());
}

void SleepMillis(int millis) { std::this_thread::sleep_for(std::chrono::milliseconds(millis)); }

// Waits for what other threads do; false when it has not come within seconds.
template <typename Condition>
bool Eventually(const Condition& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

// Counts the runs of each task of a loop, and sees to it that no worker runs two tasks at once.
class Witness {
 public:
  Witness(int64_t tasks, int threads) : runs_(static_cast<size_t>(tasks)), in_task_(static_cast<size_t>(threads)) {}

  void operator()(int64_t task, int worker) const {
    if (worker < 0 || worker >= static_cast<int>(in_task_.size())) {
      strange_worker_ = true;
      return;
    }
    if (in_task_[static_cast<size_t>(worker)].exchange(true)) strange_worker_ = true;
    runs_[static_cast<size_t>(task)].fetch_add(1);
    in_task_[static_cast<size_t>(worker)].store(false);
  }

  bool EachTaskOnce() const {
    for (const auto& count : runs_) {
      if (count.load() != 1) return false;
    }
    return true;
  }
  bool WorkersInOrder() const { return !strange_worker_; }

 private:
  mutable std::vector<std::atomic<int>> runs_;
  mutable std::vector<std::atomic<bool>> in_task_;
  mutable std::atomic<bool> strange_worker_{false};
};

TEST(ThreadPool, RunsEveryTaskOnce) {
  for (int threads : {1, 2, 3, 4, 9}) {
    const auto pool = PoolOf(threads);
    const auto lane = pool->MakeLane();
    EXPECT_EQ(pool->threads(), threads);
    EXPECT_EQ(lane->threads(), threads);
    for (int64_t tasks : {0, 1, 2, 3, 7, 64, 1000}) {
      const Witness witness(tasks, threads);
      lane->ParallelFor(tasks, witness);
      ASSERT_TRUE(witness.EachTaskOnce());
      ASSERT_TRUE(witness.WorkersInOrder());
    }
  }
}

// Loops that follow each other at once, and loops that find the helpers asleep.
TEST(ThreadPool, NeverMixesLoops) {
  const auto pool = PoolOf(4);
  const auto lane = pool->MakeLane();
  for (int loop = 0; loop < 20000; ++loop) {
    std::atomic<int64_t> sum{0};
    lane->ParallelFor(5, [&, loop](int64_t task, int) { sum.fetch_add(task + loop); });
    ASSERT_EQ(sum.load(), 10 + 5 * loop);
    if (loop % 2000 == 0) SleepMillis(2);
  }
}

TEST(ThreadPool, WritesOfTasksAreVisibleAfterTheLoop) {
  const auto pool = PoolOf(4);
  const auto lane = pool->MakeLane();
  std::vector<int64_t> values(997);
  for (int64_t loop = 1; loop <= 500; ++loop) {
    lane->ParallelFor(997, [&](int64_t task, int) { values[static_cast<size_t>(task)] += task * loop; });
  }
  for (int64_t i = 0; i < 997; ++i) ASSERT_EQ(values[static_cast<size_t>(i)], i * 125250);
}

// Two tasks that wait for each other end only when two threads run them.
void RunTwoAtOnce(ThreadPool::Lane& lane) {
  std::atomic<int> arrived{0};
  lane.ParallelFor(2, [&](int64_t, int) {
    arrived.fetch_add(1);
    EXPECT_TRUE(Eventually([&] { return arrived.load() == 2; }));
  });
  ASSERT_EQ(arrived.load(), 2);
}

TEST(ThreadPool, RunsTasksAtTheSameTime) {
  const auto pool = PoolOf(2);
  const auto lane = pool->MakeLane();
  for (int repeat = 0; repeat < 20; ++repeat) {
    RunTwoAtOnce(*lane);
    if (repeat % 4 == 0) SleepMillis(1);
  }
}

TEST(ThreadPool, OneTaskRunsOnTheCaller) {
  const auto pool = PoolOf(3);
  std::thread::id id;
  pool->MakeLane()->ParallelFor(1, [&](int64_t, int worker) {
    id = std::this_thread::get_id();
    EXPECT_EQ(worker, 0);
  });
  EXPECT_EQ(id, std::this_thread::get_id());
}

TEST(ThreadPool, EndsWhileItsHelpersSpinOrSleep) {
  for (int repeat = 0; repeat < 50; ++repeat) {
    const auto pool = PoolOf(4);
    const auto lane = pool->MakeLane();
    std::optional<Busy> busy;
    if (repeat % 3 == 0) busy.emplace(*lane);
    if (repeat % 2 == 0) lane->ParallelFor(8, [](int64_t, int) {});
    if (repeat % 5 == 0) SleepMillis(1);
  }
}

// The lane's own thread keeps its index, and a helper has the same one wherever it works.
TEST(ThreadPool, AWorkerIsAlwaysTheSameThread) {
  constexpr int kThreads = 4;
  const auto pool = PoolOf(kThreads);
  const auto a = pool->MakeLane(), b = pool->MakeLane();
  std::vector<std::set<std::thread::id>> ids(kThreads);
  std::mutex mutex;
  for (int loop = 0; loop < 200; ++loop) {
    (loop % 2 == 0 ? *a : *b).ParallelFor(16, [&](int64_t, int worker) {
      const std::lock_guard lock(mutex);
      ids[static_cast<size_t>(worker)].insert(std::this_thread::get_id());
    });
  }
  EXPECT_EQ(ids[0], std::set{std::this_thread::get_id()});
  for (const auto& of_worker : ids) EXPECT_LE(of_worker.size(), 1u);
}

// Runs loops of many sizes on a lane of its own, busy in some of them.
void RunLoops(ThreadPool& pool, int seed, std::atomic<int>& failures) {
  const auto lane = pool.MakeLane();
  for (int piece = 0; piece < 40; ++piece) {
    std::optional<Busy> busy;
    if ((piece + seed) % 4 != 0) busy.emplace(*lane);
    for (int loop = 0; loop < 25; ++loop) {
      const int64_t tasks = (seed * 31 + piece * 7 + loop * 13) % 60;
      const Witness witness(tasks, pool.threads());
      std::vector<int64_t> squares(static_cast<size_t>(tasks));
      lane->ParallelFor(tasks, [&](int64_t task, int worker) {
        witness(task, worker);
        squares[static_cast<size_t>(task)] = task * task;
      });
      int64_t sum = 0;
      for (int64_t square : squares) sum += square;
      const bool right = sum == tasks * (tasks - 1) * (2 * tasks - 1) / 6;
      if (!right || !witness.EachTaskOnce() || !witness.WorkersInOrder()) failures.fetch_add(1);
    }
    if (piece % 10 == seed % 10) SleepMillis(1);
  }
}

// From one lane alone to more lanes than threads.
TEST(ThreadPool, LanesRunBesideEachOther) {
  for (int threads : {1, 2, 3, 5}) {
    for (int lanes : {1, 2, 3, 7}) {
      const auto pool = PoolOf(threads);
      std::atomic<int> failures{0};
      std::vector<std::thread> running;
      for (int lane = 0; lane < lanes; ++lane) {
        running.emplace_back([&, lane] { RunLoops(*pool, lane, failures); });
      }
      for (std::thread& thread : running) thread.join();
      ASSERT_EQ(failures.load(), 0) << lanes << " lanes, " << threads << " threads";
    }
  }
}

TEST(ThreadPool, LanesComeAndGoWhileOthersRun) {
  const auto pool = PoolOf(3);
  std::atomic<bool> stop{false};
  std::atomic<int> failures{0};
  std::atomic<int> rounds{0};
  std::thread steady([&] {
    for (; !stop; ++rounds) RunLoops(*pool, 3, failures);
  });
  for (int repeat = 0; repeat < 300 || rounds < 2; ++repeat) {
    const auto a = pool->MakeLane(), b = pool->MakeLane();
    const Busy busy(*a);
    const Witness witness(9, 3);
    (repeat % 2 == 0 ? *a : *b).ParallelFor(9, witness);
    if (!witness.EachTaskOnce() || !witness.WorkersInOrder()) failures.fetch_add(1);
  }
  stop = true;
  steady.join();
  EXPECT_EQ(failures.load(), 0);
}

// `busy_lanes` lanes are busy; the helpers that have a processor come, and nobody else.
TEST(ThreadPool, HelpersComeAsProcessorsAreFree) {
  constexpr int kThreads = 4;
  for (int busy_lanes : {1, 2, 3, 4, 6}) {
    const auto pool = PoolOf(kThreads);
    std::vector<std::unique_ptr<ThreadPool::Lane>> lanes;
    std::vector<std::unique_ptr<Busy>> busy;
    for (int i = 0; i < busy_lanes; ++i) {
      lanes.push_back(pool->MakeLane());
      busy.push_back(std::make_unique<Busy>(*lanes.back()));
    }
    const int workers = 1 + std::max(0, kThreads - busy_lanes);
    for (const auto& lane : lanes) {
      std::atomic<int> arrived{0};
      lane->ParallelFor(workers, [&](int64_t, int) {
        arrived.fetch_add(1);
        EXPECT_TRUE(Eventually([&] { return arrived.load() == workers; }));
      });
      std::atomic<int> largest{0};
      lane->ParallelFor(60, [&](int64_t, int worker) {
        for (int seen = largest; seen < worker && !largest.compare_exchange_weak(seen, worker);) continue;
        std::this_thread::sleep_for(std::chrono::microseconds(50));
      });
      EXPECT_LT(largest.load(), workers) << busy_lanes << " busy lanes";
    }
  }
}

// Another lane becomes busy in the middle of a loop: the helper ends its task, takes at most the one that it was about
// to take, and stays out.
TEST(ThreadPool, AHelperTooManyLeavesTheLoop) {
  const auto pool = PoolOf(2);
  const auto a = pool->MakeLane(), b = pool->MakeLane();
  const Busy busy(*a);
  for (int repeat = 0; repeat < 5; ++repeat) {
    std::optional<Busy> other;
    std::atomic<int> by_helper{0};
    int before = 0;
    a->ParallelFor(200, [&](int64_t, int worker) {
      if (worker == 1) {
        by_helper.fetch_add(1);
      } else if (!other) {
        EXPECT_TRUE(Eventually([&] { return by_helper.load() > 0; }));
        other.emplace(*b);
        before = by_helper.load();
      }
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    });
    ASSERT_TRUE(other.has_value());
    EXPECT_LE(by_helper.load(), before + 1);
  }
}

// The other way round: the helper comes to a loop that was open all the time.
TEST(ThreadPool, AHelperComesWhenAnotherLaneIsDone) {
  const auto pool = PoolOf(2);
  const auto a = pool->MakeLane(), b = pool->MakeLane();
  const Busy busy(*a);
  for (int repeat = 0; repeat < 20; ++repeat) {
    std::optional<Busy> other(*b);
    std::atomic<bool> helped{false};
    a->ParallelFor(10, [&](int64_t task, int worker) {
      if (worker == 1) {
        helped = true;
      } else if (task == 3) {
        EXPECT_FALSE(helped.load());
        if (repeat % 2 == 0) SleepMillis(1);
        other.reset();
        EXPECT_TRUE(Eventually([&] { return helped.load(); }));
      }
    });
    ASSERT_TRUE(helped.load());
  }
}

// Three lanes wait for the only helper all the time: it goes from one to the next.
TEST(ThreadPool, HelpersServeLanesInTurn) {
  constexpr size_t kLanes = 3, kLoops = 30;
  const auto pool = PoolOf(2);
  std::array<std::atomic<bool>, kLanes> waiting{};
  std::vector<size_t> served;  // written by the helper
  std::atomic<bool> finished{false};
  const auto run_lane = [&](size_t number) {
    const auto lane = pool->MakeLane();
    while (!finished) {
      std::atomic<bool> helped{false};
      lane->ParallelFor(2, [&](int64_t, int worker) {
        if (worker == 0) {
          waiting[number] = !helped;
          EXPECT_TRUE(Eventually([&] { return helped || finished; }));
          return;
        }
        const auto others_wait = [&] { return waiting[(number + 1) % kLanes] && waiting[(number + 2) % kLanes]; };
        EXPECT_TRUE(Eventually([&] { return others_wait() || finished; }));
        served.push_back(number);
        if (served.size() == kLoops) finished = true;
        waiting[number] = false;
        helped = true;
      });
    }
  };
  std::vector<std::thread> lanes;
  for (size_t number = 0; number < kLanes; ++number) lanes.emplace_back(run_lane, number);
  for (std::thread& lane : lanes) lane.join();
  ASSERT_GE(served.size(), kLoops);
  EXPECT_EQ((std::set<size_t>{served[0], served[1], served[2]}).size(), kLanes);
  for (size_t i = kLanes; i < kLoops; ++i) ASSERT_EQ(served[i], served[i - kLanes]) << "loop " << i;
}

TEST(ThreadPool, ThereIsAProcessorToUse) { EXPECT_GE(UsableProcessors(), 1); }

}  // namespace
}  // namespace blip3o
