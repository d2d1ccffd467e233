// Who hears how a run comes along, and how a model part's own progress reaches him.
#pragma once

#include "base/status.h"
#include "engine/events.h"
#include "model/progress.h"
#include "ops/ops.h"

namespace blip3o {

// Hears of every token, step and part, and may stop the run after it.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  // Not ok: stop, with this status.
  virtual Status OnProgress(EventKind kind, int index, int count) = 0;
  // Hears that work goes on, with nothing to tell. Not ok: stop, with this status.
  virtual Status OnWork() = 0;
};

// Of work that tells nobody where it is, but may be stopped.
class WorkProgress final : public Progress {
 public:
  explicit WorkProgress(RunObserver& observer) : observer_(observer) {}
  Status Advance(int, int) override { return observer_.OnWork(); }

 private:
  RunObserver& observer_;
};

// Reports a part's progress as events of one kind, once the operations before it are finished.
class PartProgress final : public Progress {
 public:
  // `count` parts in all, whatever the work at hand counts itself; `done` of them were done by work before it.
  PartProgress(Ops& ops, RunObserver& observer, EventKind kind, int count, int done = 0)
      : ops_(ops), observer_(observer), kind_(kind), count_(count), done_(done) {}

  Status Advance(int done, int /*count*/) override {
    BLIP3O_RETURN_IF_ERROR(ops_.Finish());
    return observer_.OnProgress(kind_, done_ + done, count_);
  }

 private:
  Ops& ops_;
  RunObserver& observer_;
  EventKind kind_;
  int count_;
  int done_;
};

}  // namespace blip3o
