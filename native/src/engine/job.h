// One submitted request: its events, its end and its results. Shared by the engine and the job's owner.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "base/status.h"
#include "engine/events.h"
#include "engine/request.h"
#include "ops/ops.h"

namespace blip3o {

// Seconds by stage, and the bytes of the run's memory. As blip3o_timings.
struct Timings {
  double queued = 0;
  double waiting = 0;
  double encode = 0;
  double prefill = 0;
  double tokens = 0;
  double condition = 0;
  double steps = 0;
  double decode = 0;
  int64_t workspace_bytes = 0;
};

struct MemoryNeed {
  int64_t workspace_bytes = 0;  // activations, key-value cache
  Capacity capacity;            // of the backend's scratch
};

class Job {
 public:
  // `ready` hears of events where the request has a tag.
  Job(Request request, const MemoryNeed& memory_need, const std::shared_ptr<ReadyList>& ready)
      : request_(std::move(request)),
        memory_need_(memory_need),
        events_(request_.tag != 0 ? ready : nullptr, request_.tag) {}

  const Request& request() const { return request_; }
  const MemoryNeed& memory_need() const { return memory_need_; }
  EventQueue& events() { return events_; }

  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

  // Called once, by the engine.
  void End(Status status, Values values) {
    const EventKind kind = status.ok()                               ? EventKind::kDone
                           : status.code() == StatusCode::kCancelled ? EventKind::kCancelled
                                                                     : EventKind::kFailed;
    {
      const std::lock_guard lock(mutex_);
      status_ = std::move(status);
      values_ = std::move(values);
      ended_ = true;
    }
    changed_.notify_all();
    events_.Push({kind});
  }

  Status Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_; });
    return status_;
  }

  // The results of a job that ended well, or null; they don't change after that.
  const Values* values() {
    const std::lock_guard lock(mutex_);
    return ended_ && status_.ok() ? &values_ : nullptr;
  }

  void SetTimings(const Timings& timings) {
    const std::lock_guard lock(mutex_);
    timings_ = timings;
  }
  Timings timings() {
    const std::lock_guard lock(mutex_);
    return timings_;
  }

 private:
  const Request request_;
  const MemoryNeed memory_need_;
  EventQueue events_;
  std::atomic<bool> cancelled_ = false;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool ended_ = false;
  Status status_;
  Values values_;
  Timings timings_;
};

}  // namespace blip3o
