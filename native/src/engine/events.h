// What a running job tells: a queue that its owner reads, so that no thread of the library calls into its caller.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

namespace blip3o {

// The same values as blip3o_event_kind in blip3o.h.
enum class EventKind : int32_t {
  kStarted = 0,
  kEncode = 1,
  kToken = 2,
  kStep = 3,
  kDecode = 4,
  kDone = 5,
  kFailed = 6,
  kCancelled = 7,
};

struct Event {
  EventKind kind = EventKind::kStarted;
  int32_t index = 0;
  int32_t count = 0;

  bool last() const { return kind >= EventKind::kDone; }
};

// Any number of writers and readers. A job's events are few (its tokens, steps and parts), so nothing is dropped.
class EventQueue {
 public:
  void Push(const Event& event) {
    {
      const std::lock_guard lock(mutex_);
      events_.push_back(event);
      if (event.last()) ended_ = true;
    }
    changed_.notify_all();
  }

  // The next event, waiting for it up to `timeout_millis` (< 0: without limit); none in time, or none any more.
  std::optional<Event> Next(int64_t timeout_millis) {
    std::unique_lock lock(mutex_);
    const auto ready = [this] { return !events_.empty() || ended_; };
    if (timeout_millis < 0) {
      changed_.wait(lock, ready);
    } else {
      changed_.wait_for(lock, std::chrono::milliseconds(timeout_millis), ready);
    }
    if (events_.empty()) return std::nullopt;
    const Event event = events_.front();
    events_.pop_front();
    return event;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Event> events_;
  bool ended_ = false;
};

}  // namespace blip3o
