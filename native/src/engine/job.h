// One submitted request: its events, its end and its results. Shared by the engine and the job's owner.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
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

// What the work of one half takes of a lane.
struct HalfNeed {
  int64_t workspace_bytes = 0;
  Capacity capacity;  // of the backend's scratch
  bool operator==(const HalfNeed&) const = default;
};

struct MemoryNeed {
  int64_t slab_bytes = 0;  // key-value cache, latents, and what all steps share: from start to end
  HalfNeed language, picture;
};

// How a job's owner reaches the engine, as long as there is one.
class CancelBox {
 public:
  using Handler = std::function<void(uint64_t request)>;
  explicit CancelBox(Handler handler) : handler_(std::move(handler)) {}

  void Cancel(uint64_t request) {
    const std::lock_guard lock(mutex_);
    if (handler_) handler_(request);
  }
  // The engine is going: nobody calls it any more after this.
  void Close() {
    const std::lock_guard lock(mutex_);
    handler_ = nullptr;
  }

 private:
  std::mutex mutex_;
  Handler handler_;
};

class Job {
 public:
  // `ready` hears of events where the request has a tag.
  Job(Request request, uint64_t id, std::shared_ptr<CancelBox> engine, const std::shared_ptr<ReadyList>& ready)
      : request_(std::move(request)),
        id_(id),
        engine_(std::move(engine)),
        events_(request_.tag != 0 ? ready : nullptr, request_.tag) {}

  const Request& request() const { return request_; }
  uint64_t id() const { return id_; }
  EventQueue& events() { return events_; }

  // Any thread's. A job that waits ends at once, one that is worked on with the piece of work at hand.
  void Cancel() {
    if (cancelled_.exchange(true)) return;
    {
      // Closing a job cancels it: most have ended then, and the engine need not hear of it.
      const std::lock_guard lock(mutex_);
      if (ended_) return;
    }
    engine_->Cancel(id_);
  }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

  // Called once, by the engine. Whoever has waited finds the last event, and whoever reads it finds the results.
  void End(Status status, Values values) {
    const EventKind kind = status.ok()                               ? EventKind::kDone
                           : status.code() == StatusCode::kCancelled ? EventKind::kCancelled
                                                                     : EventKind::kFailed;
    {
      const std::lock_guard lock(mutex_);
      status_ = std::move(status);
      values_ = std::move(values);
      ended_ = true;
      events_.Push({kind});
    }
    changed_.notify_all();
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

  // Which version of the language model draws its tokens; -1: none does, or not yet.
  void SetLanguageVersion(int64_t version) {
    const std::lock_guard lock(mutex_);
    language_version_ = version;
  }
  int64_t language_version() {
    const std::lock_guard lock(mutex_);
    return language_version_;
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
  const uint64_t id_;
  const std::shared_ptr<CancelBox> engine_;
  EventQueue events_;
  std::atomic<bool> cancelled_ = false;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool ended_ = false;
  Status status_;
  Values values_;
  Timings timings_;
  int64_t language_version_ = -1;
};

}  // namespace blip3o
