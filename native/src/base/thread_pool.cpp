// Helpers wait for the next loop by spinning briefly, then sleep: decoding and small maps hand over thousands of loops
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
#include <utility>
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

// One lane's loop at hand. Helpers look at it at any time, so it lives as long as the pool and serves lane after lane.
struct ThreadPool::Loop {
  // `state` in one word: how many helpers run in the loop, and whether more may join.
  static constexpr uint32_t kOpen = 1, kHelper = 2;

  explicit Loop(Loop* next) : next(next) {}

  Loop* const next;
  bool taken = true;  // by a lane; under the pool's mutex
  // Only for sleeping: the lane says so under the mutex before it looks at `state` again.
  std::mutex mutex;
  std::condition_variable wake_lane;
  std::atomic<bool> lane_sleeps{false};

  alignas(kCacheLine) std::atomic<uint32_t> state{0};
  // Written by the lane while no helper runs in the loop; not on the line that helpers spin on.
  alignas(kCacheLine) const TaskRef* body = nullptr;
  int64_t tasks = 0;

  alignas(kCacheLine) std::atomic<int64_t> next_task{0};

  // Takes tasks as long as `go_on()`; false when it stopped before the last was taken.
  template <typename GoOn>
  bool RunTasks(int worker, const GoOn& go_on) {
    const TaskRef run = *body;
    const int64_t end = tasks;
    while (go_on()) {
      const int64_t task = next_task.fetch_add(1, std::memory_order_relaxed);
      if (task >= end) return true;
      run(task, worker);
    }
    return false;
  }

  bool IsOpen() const { return (state.load() & kOpen) != 0; }

  void Open(int64_t count, const TaskRef& f) {
    body = &f;
    tasks = count;
    next_task.store(0, std::memory_order_relaxed);
    state.store(kOpen);
  }

  // Lets nobody else join and waits for those who did: a helper that woke too late holds nobody up.
  void Close() {
    if (state.fetch_and(~kOpen) < kHelper) return;
    const auto done = [&] { return state.load() < kHelper; };
    if (SpinUntil(done)) return;
    std::unique_lock<std::mutex> lock(mutex);
    lane_sleeps.store(true);
    wake_lane.wait(lock, done);
    lane_sleeps.store(false);
  }

  bool Join() {
    uint32_t now = state.load();
    while ((now & kOpen) != 0) {
      if (state.compare_exchange_weak(now, now + kHelper)) return true;
    }
    return false;
  }

  // `exhausted`: no task is left, and nobody else need look.
  void Leave(bool exhausted) {
    uint32_t now = state.load(), left = 0;
    do {
      left = (now - kHelper) & ~(exhausted ? kOpen : 0u);
    } while (!state.compare_exchange_weak(now, left));
    if (left >= kHelper || !lane_sleeps.load()) return;
    const std::lock_guard<std::mutex> lock(mutex);
    wake_lane.notify_one();
  }
};

struct ThreadPool::State {
  struct Helper {
    std::thread thread;
    std::condition_variable wake;
    bool asleep = false;  // under the mutex; who wakes it says so
  };

  explicit State(int threads) : threads(threads), helpers(static_cast<size_t>(threads) - 1) {}
  ~State() {
    for (Loop* loop = loops.load(); loop != nullptr;) delete std::exchange(loop, loop->next);
  }

  const int threads;
  std::vector<Helper> helpers;  // helper h is helpers[h - 1]

  // Read by every helper that spins, seldom written.
  alignas(kCacheLine) std::atomic<Loop*> loops{nullptr};  // linked by `next`; grows at its head
  std::atomic<int> busy_lanes{0};                         // changed under the mutex
  std::atomic<bool> stopping{false};

  alignas(kCacheLine) std::mutex mutex;
  std::atomic<int> sleeping{0};  // helpers that sleep and may run; changed under the mutex

  // The first so many helpers have a processor that no busy lane uses.
  int AllowedHelpers() const {
    return std::clamp(threads - busy_lanes.load(std::memory_order_relaxed), 0, threads - 1);
  }
  bool MayRun(int helper) const { return helper <= threads - busy_lanes.load(std::memory_order_relaxed); }

  bool AnyOpen() const {
    for (const Loop* loop = loops.load(); loop != nullptr; loop = loop->next) {
      if (loop->IsOpen()) return true;
    }
    return false;
  }

  Loop* Next(const Loop* loop) const { return loop != nullptr && loop->next != nullptr ? loop->next : loops.load(); }

  // Joins the first open loop behind that of the lane served last; null when none is open.
  Loop* JoinAny(const Loop* served) const {
    for (Loop* loop = Next(served); loop != nullptr; loop = Next(loop)) {
      if (loop->Join()) return loop;
      if (loop == served || (served == nullptr && loop->next == nullptr)) return nullptr;
    }
    return nullptr;
  }

  void Work(int helper) {
    Loop* served = nullptr;
    const auto may_run = [&] { return MayRun(helper); };
    while (!stopping.load()) {
      Loop* joined = nullptr;
      SpinUntil([&] { return !may_run() || stopping.load() || (joined = JoinAny(served)) != nullptr; });
      if (joined == nullptr) {
        Sleep(helper);
        continue;
      }
      served = joined;
      joined->Leave(joined->RunTasks(helper, may_run));
    }
  }

  void Sleep(int number) {
    Helper& helper = helpers[static_cast<size_t>(number) - 1];
    std::unique_lock<std::mutex> lock(mutex);
    helper.asleep = true;
    if (MayRun(number)) {
      sleeping.fetch_add(1);
      if (AnyOpen()) Wake(helper);
    }
    if (stopping.load()) return;
    helper.wake.wait(lock, [&] { return !helper.asleep; });
  }

  // Under the mutex, of a helper that sleeps and may run.
  void Wake(Helper& helper) {
    helper.asleep = false;
    sleeping.fetch_sub(1);
    helper.wake.notify_one();
  }

  // No more than there are tasks for, beside the lane's own.
  void WakeFor(int64_t tasks) {
    if (sleeping.load() == 0) return;
    const std::lock_guard<std::mutex> lock(mutex);
    const int allowed = AllowedHelpers();
    for (int helper = 0; helper < allowed && tasks > 1; ++helper) {
      if (!helpers[static_cast<size_t>(helper)].asleep) continue;
      Wake(helpers[static_cast<size_t>(helper)]);
      --tasks;
    }
  }

  // The helper that may run with `busy` busy lanes and not with one more; null when there is none.
  Helper* LastAllowed(int busy) {
    const int number = threads - busy;
    return number >= 1 && number < threads ? &helpers[static_cast<size_t>(number) - 1] : nullptr;
  }

  void BeginBusy() {
    const std::lock_guard<std::mutex> lock(mutex);
    const Helper* surplus = LastAllowed(busy_lanes.fetch_add(1));
    if (surplus != nullptr && surplus->asleep) sleeping.fetch_sub(1);
  }

  void EndBusy() {
    const std::lock_guard<std::mutex> lock(mutex);
    Helper* allowed = LastAllowed(busy_lanes.fetch_sub(1) - 1);
    if (allowed == nullptr || !allowed->asleep) return;
    sleeping.fetch_add(1);
    if (AnyOpen()) Wake(*allowed);
  }

  Loop& TakeLoop() {
    const std::lock_guard<std::mutex> lock(mutex);
    for (Loop* loop = loops.load(); loop != nullptr; loop = loop->next) {
      if (!std::exchange(loop->taken, true)) return *loop;
    }
    Loop* loop = new Loop(loops.load());
    loops.store(loop);
    return *loop;
  }

  void GiveBack(Loop& loop) {
    const std::lock_guard<std::mutex> lock(mutex);
    loop.taken = false;
  }

  void Stop() {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      stopping.store(true);
      for (Helper& helper : helpers) {
        helper.asleep = false;
        helper.wake.notify_one();
      }
    }
    for (Helper& helper : helpers) {
      if (helper.thread.joinable()) helper.thread.join();
    }
  }
};

Result<std::unique_ptr<ThreadPool>> ThreadPool::Create(int threads) {
  auto state = std::make_unique<State>(threads);
  for (int helper = 1; helper < threads; ++helper) {
    try {
      state->helpers[static_cast<size_t>(helper) - 1].thread =
          std::thread([state = state.get(), helper] { state->Work(helper); });
    } catch (const std::system_error& error) {
      state->Stop();
      return OutOfMemory(fmt::format("the system refused thread {} of {} ({}): ask for fewer threads", helper + 1,
                                     threads, error.what()));
    }
  }
  return std::unique_ptr<ThreadPool>(new ThreadPool(std::move(state)));
}

ThreadPool::ThreadPool(std::unique_ptr<State> state) : state_(std::move(state)) {}

ThreadPool::~ThreadPool() { state_->Stop(); }

int ThreadPool::threads() const { return state_->threads; }

std::unique_ptr<ThreadPool::Lane> ThreadPool::MakeLane() {
  return std::unique_ptr<Lane>(new Lane(*state_, state_->TakeLoop()));
}

ThreadPool::Lane::~Lane() { state_.GiveBack(loop_); }

int ThreadPool::Lane::threads() const { return state_.threads; }

void ThreadPool::Lane::ParallelFor(int64_t tasks, TaskRef f) {
  if (tasks <= 1 || state_.threads == 1) {
    for (int64_t task = 0; task < tasks; ++task) f(task, 0);
    return;
  }
  // Open even while no helper may run: one that may again, joins in the middle of a long loop.
  loop_.Open(tasks, f);
  state_.WakeFor(tasks);
  loop_.RunTasks(0, [] { return true; });
  loop_.Close();
}

ThreadPool::Lane::Busy::Busy(Lane& lane) : state_(lane.state_) { state_.BeginBusy(); }

ThreadPool::Lane::Busy::~Busy() { state_.EndBusy(); }

int UsableProcessors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace blip3o
