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
};

// Reports a part's progress as events of one kind, once the operations before it are finished.
class PartProgress final : public Progress {
 public:
  PartProgress(Ops& ops, RunObserver& observer, EventKind kind) : ops_(ops), observer_(observer), kind_(kind) {}

  // The next parts are numbered from `done` of `count` in all, whatever the part at hand counts itself.
  void Continue(int done, int count) {
    done_ = done;
    count_ = count;
  }

  Status Advance(int done, int count) override {
    BLIP3O_RETURN_IF_ERROR(ops_.Finish());
    return observer_.OnProgress(kind_, done_ + done, count_ > 0 ? count_ : count);
  }

 private:
  Ops& ops_;
  RunObserver& observer_;
  EventKind kind_;
  int done_ = 0;
  int count_ = 0;
};

}  // namespace blip3o
