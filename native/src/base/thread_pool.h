// A fixed set of threads that share loops of independent tasks.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include "base/status.h"

namespace blip3o {

// A borrowed callable void(int64_t task, int worker); lives only as long as what it was made from.
class TaskRef {
 public:
  template <typename F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, TaskRef>) TaskRef(const F& f)  // NOLINT: implicit by design
      : object_(&f),
        call_([](const void* object, int64_t task, int worker) { (*static_cast<const F*>(object))(task, worker); }) {}
  void operator()(int64_t task, int worker) const { call_(object_, task, worker); }

 private:
  const void* object_;
  void (*call_)(const void*, int64_t, int);
};

// Every loop is cut into tasks by its own shape, never by the number of threads, so results don't depend on it.
//
// Threads that have loops to run are the pool's lanes: each has a Lane of its own, and their loops run beside each
// other. A lane's own thread always works on its loop; the pool's threads, the helpers, go to whichever loop is open,
// to each lane in turn. Lanes that say when they are busy are counted among the processors in use: for every one beyond
// the first a helper sleeps, so that no more than `threads` threads compute at once.
class ThreadPool {
 public:
  class Lane;

  // `threads` >= 1: the processors to use in all, one of them by the lane that calls. Fails when the system refuses a
  // thread.
  static Result<std::unique_ptr<ThreadPool>> Create(int threads);
  // Lanes end before their pool.
  ~ThreadPool();

  int threads() const;

  // Any thread may call it, at any time.
  std::unique_ptr<Lane> MakeLane();

 private:
  struct Loop;
  struct State;
  explicit ThreadPool(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Used by one thread at a time.
class ThreadPool::Lane {
 public:
  class Busy;

  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  int threads() const;

  // Runs f(task, worker) for every task in [0, tasks), each once, in any order, on workers [0, threads); no two
  // threads are the same worker of a loop. Returns when all are done. `f` must not throw and must not start a loop.
  void ParallelFor(int64_t tasks, TaskRef f);

 private:
  friend class ThreadPool;
  Lane(State& state, Loop& loop) : state_(state), loop_(loop) {}
  State& state_;
  Loop& loop_;
};

// While it lives its lane counts as busy: for a piece of work of milliseconds or more. A helper that is too many then
// ends the task at hand and sleeps. Loops of a lane that is not busy run too, uncounted.
class ThreadPool::Lane::Busy {
 public:
  explicit Busy(Lane& lane);
  ~Busy();
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  State& state_;
};

// The processors that this process may use (its affinity mask).
int UsableProcessors();

}  // namespace blip3o
