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
// One loop runs at a time: ParallelFor is called from one thread, the engine's.
class ThreadPool {
 public:
  // `threads` >= 1 counts the calling thread. Fails when the system refuses a thread.
  static Result<std::unique_ptr<ThreadPool>> Create(int threads);
  ~ThreadPool();

  int threads() const;

  // Runs f(task, worker) for every task in [0, tasks), each once, in any order, on workers [0, threads).
  // Returns when all are done. `f` must not throw.
  void ParallelFor(int64_t tasks, TaskRef f);

 private:
  struct State;
  explicit ThreadPool(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The processors that this process may use (its affinity mask).
int UsableProcessors();

}  // namespace blip3o
