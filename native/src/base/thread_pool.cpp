// Workers wait for the next loop by spinning briefly, then sleep: decoding and small maps hand over thousands of loops
// a second, and waking a sleeping thread costs more than such a loop.
#include "base/thread_pool.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace blip3o {

namespace {

constexpr auto kSpinTime = std::chrono::microseconds(50);
constexpr int kPausesPerClockRead = 32;
constexpr int64_t kCacheLine = 64;

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

// Spins until `done()` holds; false when the time for it is over.
template <typename Done>
bool SpinUntil(const Done& done) {
  const auto end = std::chrono::steady_clock::now() + kSpinTime;
  do {
    for (int i = 0; i < kPausesPerClockRead; ++i) {
      if (done()) return true;
      Pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return done();
}

}  // namespace

struct ThreadPool::State {
  // `loop` in one word: the number of the loop, how many workers run in it, and whether more may join.
  static constexpr uint64_t kOpen = 1, kWorker = 2, kWorkers = 0xFFFE, kLoop = 0x10000;

  // Written by the calling thread while no worker runs in a loop.
  const TaskRef* body = nullptr;
  int64_t tasks = 0;
  bool stopping = false;

  alignas(kCacheLine) std::atomic<int64_t> next_task{0};
  alignas(kCacheLine) std::atomic<uint64_t> loop{0};

  // Only for sleeping: who sleeps says so under the mutex before it looks at its condition again.
  std::mutex mutex;
  std::condition_variable wake_workers, wake_caller;
  std::atomic<int> sleeping_workers{0};
  std::atomic<bool> caller_sleeps{false};

  std::vector<std::thread> workers;

  void RunTasks(int worker) {
    for (int64_t task = next_task.fetch_add(1, std::memory_order_relaxed); task < tasks;
         task = next_task.fetch_add(1, std::memory_order_relaxed)) {
      (*body)(task, worker);
    }
  }

  // Tells the workers of the new loop, or of the end.
  void Open() {
    loop.store((loop.load() / kLoop + 1) * kLoop + kOpen);
    if (sleeping_workers.load() == 0) return;
    const std::lock_guard<std::mutex> lock(mutex);
    wake_workers.notify_all();
  }

  // Lets nobody else join and waits for those who did: a worker that woke too late holds nobody up.
  void Close() {
    loop.fetch_and(~kOpen);
    const auto done = [&] { return (loop.load() & kWorkers) == 0; };
    if (SpinUntil(done)) return;
    std::unique_lock<std::mutex> lock(mutex);
    caller_sleeps.store(true);
    wake_caller.wait(lock, done);
    caller_sleeps.store(false);
  }

  void AwaitLoop(uint64_t seen) {
    const auto opened = [&] { return loop.load() / kLoop != seen; };
    if (SpinUntil(opened)) return;
    std::unique_lock<std::mutex> lock(mutex);
    sleeping_workers.fetch_add(1);
    wake_workers.wait(lock, opened);
    sleeping_workers.fetch_sub(1);
  }

  // Joins the loop at hand if it is still open; says which loop that was.
  bool Join(uint64_t* seen) {
    uint64_t now = loop.load();
    bool joined = false;
    while ((now & kOpen) != 0 && !joined) joined = loop.compare_exchange_weak(now, now + kWorker);
    *seen = now / kLoop;
    return joined;
  }

  void Leave() {
    if ((loop.fetch_sub(kWorker) & kWorkers) != kWorker || !caller_sleeps.load()) return;
    const std::lock_guard<std::mutex> lock(mutex);
    wake_caller.notify_one();
  }

  void Work(int worker) {
    for (uint64_t seen = 0;;) {
      AwaitLoop(seen);
      if (!Join(&seen)) continue;
      const bool stop = stopping;
      if (!stop) RunTasks(worker);
      Leave();
      if (stop) return;
    }
  }

  void Stop() {
    stopping = true;
    Open();
    for (std::thread& worker : workers) worker.join();
    workers.clear();
  }
};

Result<std::unique_ptr<ThreadPool>> ThreadPool::Create(int threads) {
  auto state = std::make_unique<State>();
  try {
    state->workers.reserve(static_cast<size_t>(threads) - 1);
    for (int worker = 1; worker < threads; ++worker) {
      state->workers.emplace_back([state = state.get(), worker] { state->Work(worker); });
    }
  } catch (const std::system_error& error) {
    const size_t started = state->workers.size();
    state->Stop();
    return OutOfMemory(fmt::format("the system refused thread {} of {} ({}): ask for fewer threads", started + 2,
                                   threads, error.what()));
  }
  return std::unique_ptr<ThreadPool>(new ThreadPool(std::move(state)));
}

ThreadPool::ThreadPool(std::unique_ptr<State> state) : state_(std::move(state)) {}

ThreadPool::~ThreadPool() { state_->Stop(); }

int ThreadPool::threads() const { return static_cast<int>(state_->workers.size()) + 1; }

void ThreadPool::ParallelFor(int64_t tasks, TaskRef f) {
  if (tasks <= 1 || state_->workers.empty()) {
    for (int64_t task = 0; task < tasks; ++task) f(task, 0);
    return;
  }
  state_->body = &f;
  state_->tasks = tasks;
  state_->next_task.store(0, std::memory_order_relaxed);
  state_->Open();
  state_->RunTasks(0);
  state_->Close();
}

int UsableProcessors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace blip3o
