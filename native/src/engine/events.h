// What a job tells: a queue that its owner reads, so that no thread of the library calls into its caller, and a list of
// the jobs that have something to read.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace blip3o {

// The same values as blip3o_event_kind in blip3o.h.
enum class EventKind : int32_t {
  kQueued = 0,
  kStarted = 1,
  kEncode = 2,
  kToken = 3,
  kStep = 4,
  kPreview = 5,
  kDecode = 6,
  kPicture = 7,
  kDone = 8,
  kFailed = 9,
  kCancelled = 10,
};

// Waits until `ready`, up to `timeout_millis` (< 0: without limit).
template <typename Ready>
void AwaitReady(std::condition_variable& changed, std::unique_lock<std::mutex>& lock, int64_t timeout_millis,
                const Ready& ready) {
  // The clock can't tell times so far away that they are as good as never.
  constexpr int64_t kForever = int64_t{100} * 365 * 24 * 3600 * 1000;
  if (timeout_millis < 0 || timeout_millis >= kForever) return changed.wait(lock, ready);
  changed.wait_for(lock, std::chrono::milliseconds(timeout_millis), ready);
}

// A small picture: [height, width, 3] bytes.
struct Preview {
  int64_t height = 0, width = 0;
  std::vector<uint8_t> pixels;
};

struct Event {
  EventKind kind = EventKind::kStarted;
  int32_t index = 0;
  int32_t count = 0;
  std::shared_ptr<const Preview> preview = {};

  bool last() const { return kind >= EventKind::kDone; }
};

// Jobs, by their tags, that have events which their reader was not told of yet. Any number of writers and readers.
class ReadyList {
 public:
  void Push(uint64_t tag) {
    {
      const std::lock_guard lock(mutex_);
      tags_.push_back(tag);
    }
    changed_.notify_one();
  }

  // Makes one Next return without a tag.
  void Wake() {
    {
      const std::lock_guard lock(mutex_);
      ++wakes_;
    }
    changed_.notify_one();
  }

  // The next tag, waiting for it up to `timeout_millis` (< 0: without limit).
  std::optional<uint64_t> Next(int64_t timeout_millis) {
    std::unique_lock lock(mutex_);
    AwaitReady(changed_, lock, timeout_millis, [this] { return !tags_.empty() || wakes_ > 0; });
    if (wakes_ > 0) {
      --wakes_;
      return std::nullopt;
    }
    if (tags_.empty()) return std::nullopt;
    const uint64_t tag = tags_.front();
    tags_.pop_front();
    return tag;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<uint64_t> tags_;
  int64_t wakes_ = 0;
};

// Any number of writers and readers. A job's events are few (its tokens, steps and parts), so none is dropped; of
// previews only the last one keeps its picture.
class EventQueue {
 public:
  EventQueue() = default;
  // Also tells `ready` of the job, at most once between two moments when its reader has read all.
  EventQueue(std::shared_ptr<ReadyList> ready, uint64_t tag) : ready_(std::move(ready)), tag_(tag) {}

  void Push(Event event) {
    bool tell = false;
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return;  // nothing follows the end
      if (event.last()) ended_ = true;
      if (event.preview != nullptr) DropPreview();
      events_.push_back(std::move(event));
      tell = ready_ != nullptr && !std::exchange(told_, true);
    }
    changed_.notify_all();
    if (tell) ready_->Push(tag_);
  }

  // The next event, waiting for it up to `timeout_millis` (< 0: without limit); none in time, or none any more.
  std::optional<Event> Next(int64_t timeout_millis) {
    std::unique_lock lock(mutex_);
    AwaitReady(changed_, lock, timeout_millis, [this] { return !events_.empty() || ended_; });
    if (events_.empty()) {
      told_ = false;
      return std::nullopt;
    }
    Event event = std::move(events_.front());
    events_.pop_front();
    shown_ = event.preview;
    return event;
  }

 private:
  // The unread preview before the one that comes.
  void DropPreview() {
    for (auto it = events_.begin(); it != events_.end(); ++it) {
      if (it->kind != EventKind::kPreview) continue;
      events_.erase(it);
      return;
    }
  }

  const std::shared_ptr<ReadyList> ready_;
  const uint64_t tag_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Event> events_;
  std::shared_ptr<const Preview> shown_;  // of the event that was taken last: its reader may still look at it
  bool ended_ = false;
  bool told_ = false;
};

}  // namespace blip3o
