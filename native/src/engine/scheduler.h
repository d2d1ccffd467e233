// Decides which request works next, and which gets memory. A state machine without threads, clocks or tensors inside:
// the engine drives it with its lanes, a test with a clock of its own.
//
// A request is queued until it is admitted: its slab of memory is reserved, and it runs. Running, it does one piece of
// work after the other, each in a lane of the right half, and says after each what comes next. It ends when it has done
// all, when a piece fails, or when it is cancelled or overdue, at once while it waits and else at the end of the piece
// at hand. Requests are admitted by priority, then in the order of their arrival, and nobody is overtaken: a large
// request at the head waits for memory, and those behind it wait too. Of those that run, the highest priority goes
// first; equals take turns.
//
// Memory: a request reserves its slab, and the lanes must be able to hold what its work needs beside it. A lane keeps
// its memory for the next piece of work. When a request at the head of the queue lacks room that idle lanes and the
// cache of prompts hold beyond need, they give it back, and further picture lanes take none until it has got it. Where
// only the end of another request can make room, they keep what they have.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/sharing_policy.h"
#include "engine/work.h"

namespace blip3o {

using RequestId = uint64_t;  // ascending in the order of arrival

// What a request asks for.
struct Demand {
  int32_t priority = 0;
  Time deadline = Time::max();
  int64_t slab_bytes = 0;      // from admission to end
  int64_t language_bytes = 0;  // of the language lane, while it works for the request
  int64_t picture_bytes = 0;   // of a picture lane
  Work first = Work::kPrefill;

  // What it takes where nobody else runs.
  int64_t all_bytes() const { return slab_bytes + language_bytes + picture_bytes; }
};

struct SchedulerOptions {
  int queue_limit = 256;
  int most_running = 64;  // at most as many as draw tokens together
  int picture_lanes = 1;
  Time latency_target = std::chrono::milliseconds(200);
};

// One piece of work for a lane: of kToken for one or more requests, of others for one.
struct WorkItem {
  Work work = Work::kPrefill;
  std::vector<RequestId> requests;
  int64_t lane_bytes = 0;  // the lane must hold at least this, and may grow to it
};

// How a piece of work went for one request.
struct Outcome {
  RequestId request = 0;
  bool failed = false;
  std::optional<Work> next;  // none: it has done all
  bool copied = false;       // kPrefill: of a known prompt, which tells nothing about how long a chunk takes
};

enum class End { kDone, kFailed, kCancelled, kExpired, kNoMemory, kDeviceLost };

struct EndedRequest {
  RequestId request = 0;
  End end = End::kDone;
};

// What the caller has to carry out after a call, before it does anything else.
struct Decisions {
  std::vector<RequestId> started;   // admitted
  std::vector<EndedRequest> ended;  // their memory is free again
  std::vector<int> released_lanes;  // idle lanes that give their memory back
  bool cache_released = false;      // the cache of prompts gives its memory back
};

// Not safe for use by several threads at once. Lane 0 is the language model's, lanes 1 to picture_lanes draw pictures.
class Scheduler {
 public:
  static constexpr int kLanguageLane = 0;
  static constexpr int kMainPictureLane = 1;  // takes every request; further lanes only what fits beside the rest

  explicit Scheduler(const SchedulerOptions& options);

  int lanes() const { return static_cast<int>(lanes_.size()); }

  // ---- Memory --------------------------------------------------------------------------------------------------

  void SetLimit(int64_t bytes) { limit_ = bytes; }
  // Constants of the model.
  void SetConstants(int64_t bytes) { constants_ = bytes; }
  // What the cache of prompts holds: it may grow where there is room, and is the first to give back.
  void SetCache(int64_t bytes) { cache_ = bytes; }
  int64_t cache() const { return cache_; }
  int64_t limit() const { return limit_; }
  // Everything that is held or promised.
  int64_t memory_in_use() const;
  int64_t room() const { return limit_ - memory_in_use(); }

  // ---- Requests ------------------------------------------------------------------------------------------------

  // Queues a request; ids must ascend. Errors: OUT_OF_MEMORY when it could never fit, QUEUE_FULL.
  Status Submit(RequestId request, const Demand& demand, Time now);
  // Ends a request, at once or after its work at hand. Unknown ids are those that have ended.
  void Cancel(RequestId request);
  // Ends the requests whose deadline has passed.
  void Expire(Time now);
  Time NextDeadline() const;
  // Ends every request, at once or after its work at hand.
  void EndAll(End end);

  // ---- Lanes ---------------------------------------------------------------------------------------------------

  // Work for an idle lane; none when there is nothing that it could do. Admits requests before it looks.
  std::optional<WorkItem> Next(int lane, Time now);
  // A lane has finished its piece of work; an outcome for each of its requests.
  void Finish(int lane, const std::vector<Outcome>& outcomes, Time now);

  // What was decided since it was last asked.
  Decisions TakeDecisions();

  // ---- State ---------------------------------------------------------------------------------------------------

  int queued() const { return queued_; }
  int running() const { return static_cast<int>(requests_.size()) - queued_; }
  bool Knows(RequestId request) const { return requests_.contains(request); }
  bool IsQueued(RequestId request) const;
  // Whether a lane works for it now.
  bool IsBusy(RequestId request) const;
  bool IsLaneBusy(int lane) const { return lanes_[static_cast<size_t>(lane)].item.has_value(); }
  int64_t LaneBytes(int lane) const { return lanes_[static_cast<size_t>(lane)].bytes; }
  // How many requests wait for a lane of this half.
  int Ready(Half half) const;
  // How many requests would be admitted before one of this priority that came now.
  int Ahead(int32_t priority) const;
  // When a place in the queue is likely to be free.
  Time RetryAfter() const;

 private:
  enum class State { kQueued, kReady, kBusy };

  struct Entry {
    Demand demand;
    State state = State::kQueued;
    Work next = Work::kPrefill;
    uint64_t turn = 0;          // the lowest of equal priority goes next
    std::optional<End> ending;  // when the work at hand is finished
  };

  struct Lane {
    int64_t bytes = 0;  // held
    std::optional<WorkItem> item;
    Time began = Time::zero();
  };

  using Requests = std::map<RequestId, Entry>;

  void Admit();
  Requests::iterator Head();
  bool Fits(const Demand& demand) const;
  // Whether `demand` would fit if lanes and cache held nothing beyond need.
  bool WouldFit(const Demand& demand) const;
  // Gives back what is held beyond need until `demand` fits, if that can be enough; whether it does.
  bool MakeRoom(const Demand& demand);
  // Whether the head of the queue waits only for busy lanes to give back what they hold beyond need.
  bool HeadWaitsForLanes();
  void ReleaseLane(size_t lane);
  // The bytes that lanes 0 and 1 must be able to hold for those that run, and for `more`.
  int64_t LaneNeed(size_t lane, const Demand* more) const;

  std::optional<WorkItem> NextLanguage(Time now);
  std::optional<WorkItem> NextPicture(size_t lane);
  WorkItem Take(size_t lane, Work work, std::vector<RequestId> requests, int64_t bytes);
  Requests::iterator EndRequest(Requests::iterator at, End end);

  const SchedulerOptions options_;
  SharingPolicy policy_;
  Requests requests_;
  std::vector<Lane> lanes_;
  Decisions decisions_;
  int queued_ = 0;
  uint64_t turns_ = 0;
  int64_t limit_ = std::numeric_limits<int64_t>::max();
  int64_t constants_ = 0, cache_ = 0, slabs_ = 0;
  // For the retry hint: the mean time from one end to the next, without the time in which nobody ran.
  std::optional<Time> interval_began_;
  Time end_interval_ = Time::zero();
};

}  // namespace blip3o
