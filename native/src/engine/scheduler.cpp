#include "engine/scheduler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/memory.h"

namespace blip3o {

namespace {

constexpr int kIntervalMemory = 4;
constexpr Time kLeastRetry = std::chrono::milliseconds(10), kMostRetry = std::chrono::minutes(1);
constexpr Time kUnknownRetry = std::chrono::seconds(1);

}  // namespace

Scheduler::Scheduler(const SchedulerOptions& options) : options_(options), policy_(options.latency_target) {
  assert(options.picture_lanes >= 1);
  lanes_.resize(1 + static_cast<size_t>(options.picture_lanes));
}

int64_t Scheduler::LaneNeed(size_t lane, const Demand* more) const {
  const auto bytes = [lane](const Demand& demand) {
    return lane == kLanguageLane ? demand.language_bytes : demand.picture_bytes;
  };
  int64_t need = more != nullptr ? bytes(*more) : 0;
  for (const auto& [id, entry] : requests_) {
    if (entry.state != State::kQueued) need = std::max(need, bytes(entry.demand));
  }
  return need;
}

int64_t Scheduler::memory_in_use() const {
  int64_t bytes = constants_ + cache_ + slabs_;
  for (size_t i = 0; i < lanes_.size(); ++i) {
    bytes += i <= kMainPictureLane ? std::max(lanes_[i].bytes, LaneNeed(i, nullptr)) : lanes_[i].bytes;
  }
  return bytes;
}

bool Scheduler::Fits(const Demand& demand) const {
  int64_t bytes = constants_ + cache_ + slabs_ + demand.slab_bytes;
  for (size_t i = 0; i < lanes_.size(); ++i) {
    bytes += i <= kMainPictureLane ? std::max(lanes_[i].bytes, LaneNeed(i, &demand)) : lanes_[i].bytes;
  }
  return bytes <= limit_;
}

void Scheduler::ReleaseLane(size_t lane) {
  if (lanes_[lane].bytes == 0) return;
  lanes_[lane].bytes = 0;
  decisions_.released_lanes.push_back(static_cast<int>(lane));
}

bool Scheduler::WouldFit(const Demand& demand) const {
  return constants_ + slabs_ + demand.slab_bytes + LaneNeed(kLanguageLane, &demand) +
             LaneNeed(kMainPictureLane, &demand) <=
         limit_;
}

bool Scheduler::MakeRoom(const Demand& demand) {
  if (Fits(demand)) return true;
  if (!WouldFit(demand)) return false;
  if (cache_ > 0) {
    cache_ = 0;
    decisions_.cache_released = true;
    if (Fits(demand)) return true;
  }
  for (size_t i = lanes_.size(); i-- > kMainPictureLane + 1;) {
    if (lanes_[i].item.has_value()) continue;
    ReleaseLane(i);
    if (Fits(demand)) return true;
  }
  for (size_t i = 0; i <= kMainPictureLane; ++i) {
    if (lanes_[i].item.has_value() || lanes_[i].bytes <= LaneNeed(i, &demand)) continue;
    ReleaseLane(i);
    if (Fits(demand)) return true;
  }
  return false;
}

bool Scheduler::HeadWaitsForLanes() {
  return queued_ > 0 && running() < options_.most_running && WouldFit(Head()->second.demand);
}

Status Scheduler::Submit(RequestId request, const Demand& demand, Time now) {
  assert(requests_.empty() || requests_.rbegin()->first < request);
  const int64_t alone = demand.all_bytes();
  if (alone > limit_ - constants_) {
    return OutOfMemory(fmt::format(
        "too little memory: the request takes {} ({} for what it keeps, {} and {} for the work of the two halves), "
        "the limit is {}{}: raise the limit, free some memory, or make the request smaller",
        Mebibytes(alone), Mebibytes(demand.slab_bytes), Mebibytes(demand.language_bytes),
        Mebibytes(demand.picture_bytes), Mebibytes(limit_),
        constants_ > 0 ? fmt::format(", {} of it for what the model keeps beside its files", Mebibytes(constants_))
                       : ""));
  }
  Expire(now);
  Admit();  // the limit may have risen
  if (queued_ >= options_.queue_limit) {
    const int64_t millis = std::chrono::duration_cast<std::chrono::milliseconds>(RetryAfter()).count();
    return QueueFull(fmt::format("the queue is full: {} requests wait, the limit is {}: try again in {} ms", queued_,
                                 options_.queue_limit, millis),
                     millis);
  }
  Entry entry;
  entry.demand = demand;
  entry.next = demand.first;
  requests_.emplace(request, std::move(entry));
  ++queued_;
  Admit();
  return {};
}

void Scheduler::Cancel(RequestId request) {
  const auto at = requests_.find(request);
  if (at == requests_.end()) return;
  if (at->second.state == State::kBusy) {
    if (!at->second.ending) at->second.ending = End::kCancelled;
  } else {
    EndRequest(at, End::kCancelled);
    Admit();
  }
}

void Scheduler::Expire(Time now) {
  bool ended = false;
  for (auto at = requests_.begin(); at != requests_.end();) {
    Entry& entry = at->second;
    if (entry.demand.deadline > now) {
      ++at;
    } else if (entry.state == State::kBusy) {
      if (!entry.ending) entry.ending = End::kExpired;
      ++at;
    } else {
      at = EndRequest(at, End::kExpired);
      ended = true;
    }
  }
  if (ended) Admit();
}

void Scheduler::EndAll(End end) {
  for (auto at = requests_.begin(); at != requests_.end();) {
    if (at->second.state == State::kBusy) {
      if (!at->second.ending) at->second.ending = end;
      ++at;
    } else {
      at = EndRequest(at, end);
    }
  }
}

Time Scheduler::NextDeadline() const {
  Time next = Time::max();
  for (const auto& [id, entry] : requests_) {
    if (!entry.ending) next = std::min(next, entry.demand.deadline);
  }
  return next;
}

Scheduler::Requests::iterator Scheduler::Head() {
  auto head = requests_.end();
  for (auto at = requests_.begin(); at != requests_.end(); ++at) {
    if (at->second.state != State::kQueued) continue;
    if (head == requests_.end() || at->second.demand.priority > head->second.demand.priority) head = at;
  }
  return head;
}

void Scheduler::Admit() {
  while (queued_ > 0) {
    const auto head = Head();
    if (running() >= options_.most_running) return;
    if (!MakeRoom(head->second.demand)) {
      if (running() > 0) return;
      // Nobody will give anything back: the limit has fallen since the request came.
      EndRequest(head, End::kNoMemory);
      continue;
    }
    Entry& entry = head->second;
    entry.state = State::kReady;
    entry.turn = ++turns_;
    slabs_ += entry.demand.slab_bytes;
    --queued_;
    decisions_.started.push_back(head->first);
  }
}

std::optional<WorkItem> Scheduler::Next(int lane, Time now) {
  const size_t index = static_cast<size_t>(lane);
  assert(!lanes_[index].item.has_value());
  Expire(now);
  Admit();
  std::optional<WorkItem> item = lane == kLanguageLane ? NextLanguage(now) : NextPicture(index);
  if (item) {
    lanes_[index].began = now;
    if (!interval_began_) interval_began_ = now;
  }
  return item;
}

std::optional<WorkItem> Scheduler::NextLanguage(Time now) {
  const auto before = [](const auto& a, const auto& b) {
    const int32_t pa = a->second.demand.priority, pb = b->second.demand.priority;
    return pa != pb ? pa > pb : a->second.turn < b->second.turn;
  };
  auto prompt = requests_.end();
  std::vector<Requests::iterator> drawing;
  for (auto at = requests_.begin(); at != requests_.end(); ++at) {
    if (at->second.state != State::kReady || HalfOf(at->second.next) != Half::kLanguage) continue;
    if (at->second.next == Work::kToken) {
      drawing.push_back(at);
    } else if (prompt == requests_.end() || before(at, prompt)) {
      prompt = at;
    }
  }
  if (drawing.empty()) policy_.NoteNobodyDraws(now);
  const bool prefill = prompt != requests_.end() && (drawing.empty() || policy_.PrefillFirst(now));
  if (prefill) {
    return Take(kLanguageLane, Work::kPrefill, {prompt->first}, prompt->second.demand.language_bytes);
  }
  if (drawing.empty()) return std::nullopt;
  std::vector<RequestId> requests;
  int64_t bytes = 0;
  for (const auto& at : drawing) {
    requests.push_back(at->first);
    bytes = std::max(bytes, at->second.demand.language_bytes);
  }
  return Take(kLanguageLane, Work::kToken, std::move(requests), bytes);
}

std::optional<WorkItem> Scheduler::NextPicture(size_t lane) {
  int64_t most_bytes = std::numeric_limits<int64_t>::max();
  if (lane > kMainPictureLane) {
    most_bytes = lanes_[lane].bytes + (HeadWaitsForLanes() ? 0 : std::max<int64_t>(0, room()));
  }
  auto best = requests_.end();
  for (auto at = requests_.begin(); at != requests_.end(); ++at) {
    const Entry& entry = at->second;
    if (entry.state != State::kReady || HalfOf(entry.next) != Half::kPicture) continue;
    if (entry.demand.picture_bytes > most_bytes) continue;
    if (best == requests_.end() || entry.demand.priority > best->second.demand.priority ||
        (entry.demand.priority == best->second.demand.priority && entry.turn < best->second.turn)) {
      best = at;
    }
  }
  if (best == requests_.end()) return std::nullopt;
  return Take(lane, best->second.next, {best->first}, best->second.demand.picture_bytes);
}

WorkItem Scheduler::Take(size_t lane, Work work, std::vector<RequestId> requests, int64_t bytes) {
  for (const RequestId id : requests) requests_.at(id).state = State::kBusy;
  lanes_[lane].bytes = std::max(lanes_[lane].bytes, bytes);
  WorkItem item{work, std::move(requests), bytes};
  lanes_[lane].item = item;
  return item;
}

void Scheduler::Finish(int lane, const std::vector<Outcome>& outcomes, Time now) {
  Lane& at_lane = lanes_[static_cast<size_t>(lane)];
  assert(at_lane.item.has_value() && outcomes.size() == at_lane.item->requests.size());
  const Work work = at_lane.item->work;
  if (std::any_of(outcomes.begin(), outcomes.end(), [](const Outcome& o) { return !o.failed && !o.copied; })) {
    if (work == Work::kPrefill) policy_.NotePrefill(at_lane.began, now);
    if (work == Work::kToken) policy_.NoteTokens(at_lane.began, now);
  }
  at_lane.item.reset();
  for (const Outcome& outcome : outcomes) {
    const auto at = requests_.find(outcome.request);
    assert(at != requests_.end() && at->second.state == State::kBusy);
    Entry& entry = at->second;
    entry.state = State::kReady;
    if (!outcome.failed && !outcome.next) {
      const Time interval = now - *interval_began_;
      end_interval_ =
          end_interval_ == Time::zero() ? interval : end_interval_ + (interval - end_interval_) / kIntervalMemory;
      interval_began_ = now;
      EndRequest(at, End::kDone);
    } else if (entry.ending) {
      EndRequest(at, *entry.ending);
    } else if (outcome.failed) {
      EndRequest(at, End::kFailed);
    } else {
      // A prompt is prefilled to its end before the next one begins: an equal one behind it then finds it known.
      if (*outcome.next != Work::kPrefill || entry.next != Work::kPrefill) entry.turn = ++turns_;
      entry.next = *outcome.next;
    }
  }
  Expire(now);
  Admit();
}

Scheduler::Requests::iterator Scheduler::EndRequest(Requests::iterator at, End end) {
  if (at->second.state == State::kQueued) {
    --queued_;
  } else {
    slabs_ -= at->second.demand.slab_bytes;
  }
  decisions_.ended.push_back({at->first, end});
  const auto next = requests_.erase(at);
  if (running() == 0) interval_began_.reset();
  return next;
}

Decisions Scheduler::TakeDecisions() { return std::exchange(decisions_, Decisions()); }

bool Scheduler::IsQueued(RequestId request) const {
  const auto at = requests_.find(request);
  return at != requests_.end() && at->second.state == State::kQueued;
}

bool Scheduler::IsBusy(RequestId request) const {
  const auto at = requests_.find(request);
  return at != requests_.end() && at->second.state == State::kBusy;
}

int Scheduler::Ready(Half half) const {
  int ready = 0;
  for (const auto& [id, entry] : requests_) ready += entry.state == State::kReady && HalfOf(entry.next) == half;
  return ready;
}

int Scheduler::Ahead(int32_t priority) const {
  int ahead = 0;
  for (const auto& [id, entry] : requests_) {
    ahead += entry.state == State::kQueued && entry.demand.priority >= priority;
  }
  return ahead;
}

Time Scheduler::RetryAfter() const {
  if (end_interval_ == Time::zero()) return kUnknownRetry;
  return std::clamp(end_interval_, kLeastRetry, kMostRetry);
}

}  // namespace blip3o
