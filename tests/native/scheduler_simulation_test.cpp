// Ten thousand random events against a model of its own: what lanes, queue and memory must look like after each.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/scheduler.h"

namespace blip3o {
namespace {

using std::chrono::milliseconds;

constexpr int kEvents = 10000;
constexpr size_t kMainPictureLane = 1;

// How often what happened, to see that the simulation reaches it.
struct Tally {
  std::map<End, int> ended;
  int submitted = 0, never_fit = 0, queue_full = 0;
  int cancelled_queued = 0, cancelled_ready = 0, cancelled_busy = 0;
  int expired_queued = 0, expired_ready = 0, expired_busy = 0;
  int done_though_ending = 0;
  int released_caches = 0, released_lanes = 0, released_main_lanes = 0;
  int over_limit = 0, waiting_heads = 0, lanes_held_back = 0;
  int chunks = 0, batches = 0, largest_batch = 0, further_lane_pieces = 0;
};

class Simulation {
 public:
  Simulation(uint64_t seed, Tally& tally) : seed_(seed), random_(seed), tally_(tally), scheduler_(Options()) {
    lanes_.resize(static_cast<size_t>(options_.picture_lanes) + 1);
    scheduler_.SetLimit(limit_);
    scheduler_.SetConstants(constants_);
  }

  void Run() {
    for (event_ = 0; event_ < kEvents; ++event_) {
      if (event_ % 500 == 0) submit_weight_ = Random(1, 30);
      now_ += milliseconds(Random(0, 5));
      Step(PickEvent());
      if (::testing::Test::HasFailure()) return;
    }
    RunOut();
  }

 private:
  enum class State { kQueued, kReady, kBusy };
  enum class Event { kSubmit, kCancel, kTime, kExpire, kLimit, kConstants, kCache, kNext, kFinish };

  struct Request {
    Demand demand;
    std::vector<Work> plan;
    size_t done = 0;  // pieces of the plan
    State state = State::kQueued;
    uint64_t turn = 0;
    bool prompt_begun = false;
    std::optional<End> ending;  // while busy

    Work next() const { return plan[done]; }
  };

  struct Lane {
    int64_t held = 0;
    std::optional<WorkItem> item;
  };

  // ---- Chance -------------------------------------------------------------------------------------------------------

  int64_t Random(int64_t low, int64_t high) {  // both may come
    return low + static_cast<int64_t>(random_() % static_cast<uint64_t>(high - low + 1));
  }
  bool Chance(int percent) { return Random(1, 100) <= percent; }

  const SchedulerOptions& Options() {
    options_.queue_limit = static_cast<int>(Random(1, 24));
    options_.most_running = static_cast<int>(Chance(30) ? 64 : Random(1, 12));
    options_.picture_lanes = static_cast<int>(1 + seed_ % 4);
    options_.latency_target = milliseconds(Random(5, 300));
    return options_;
  }

  Event PickEvent() {
    const std::pair<Event, int64_t> weights[] = {{Event::kSubmit, submit_weight_},
                                                 {Event::kCancel, 3},
                                                 {Event::kTime, 3},
                                                 {Event::kExpire, 4},
                                                 {Event::kLimit, 2},
                                                 {Event::kConstants, 1},
                                                 {Event::kCache, 4},
                                                 {Event::kNext, 40},
                                                 {Event::kFinish, 35}};
    int64_t sum = 0;
    for (const auto& [event, weight] : weights) sum += weight;
    int64_t left = Random(1, sum);
    for (const auto& [event, weight] : weights) {
      left -= weight;
      if (left <= 0) return event;
    }
    return Event::kTime;
  }

  // encode? prefill × k, token × n, condition, step × m, decode; some run only a part of it.
  std::vector<Work> RandomPlan() {
    std::vector<Work> plan;
    const int64_t part = Random(0, 9);
    if (part != 0) {
      if (Chance(30)) plan.push_back(Work::kEncode);
      plan.insert(plan.end(), static_cast<size_t>(Random(1, 4)), Work::kPrefill);
      plan.insert(plan.end(), static_cast<size_t>(Random(1, 8)), Work::kToken);
    }
    if (part != 1) {
      plan.push_back(Work::kCondition);
      plan.insert(plan.end(), static_cast<size_t>(Random(1, 6)), Work::kStep);
      plan.push_back(Work::kDecode);
    }
    return plan;
  }

  Request RandomRequest() {
    Request request;
    request.plan = RandomPlan();
    request.demand.first = request.next();
    request.demand.priority = static_cast<int32_t>(Chance(50) ? 0 : Random(-2, 2));
    if (Chance(40)) request.demand.deadline = now_ + milliseconds(Random(0, 2000));
    request.demand.slab_bytes = Chance(20) ? Random(200, 1200) : Random(1, 120);
    for (const Work work : request.plan) {
      int64_t& bytes = HalfOf(work) == Half::kLanguage ? request.demand.language_bytes : request.demand.picture_bytes;
      if (bytes == 0) bytes = Chance(10) ? Random(100, 400) : Random(1, 80);
    }
    return request;
  }

  // ---- Memory -------------------------------------------------------------------------------------------------------

  static int64_t LaneBytes(size_t lane, const Demand& demand) {
    return lane == Scheduler::kLanguageLane ? demand.language_bytes : demand.picture_bytes;
  }

  // What is in use and promised, with `more` admitted too. `least`: with all given back that may be, and what busy
  // lanes hold only if `busy`.
  int64_t Use(const std::vector<Lane>& lanes, int64_t cache, const Demand* more, bool least, bool busy) const {
    int64_t use = constants_ + (least ? 0 : cache) + (more != nullptr ? more->slab_bytes : 0);
    for (const auto& [id, request] : live_) {
      if (request.state != State::kQueued) use += request.demand.slab_bytes;
    }
    for (size_t lane = 0; lane < lanes.size(); ++lane) {
      int64_t bytes = !least || (busy && lanes[lane].item) ? lanes[lane].held : 0;
      if (lane <= kMainPictureLane) {
        if (more != nullptr) bytes = std::max(bytes, LaneBytes(lane, *more));
        for (const auto& [id, request] : live_) {
          if (request.state != State::kQueued) bytes = std::max(bytes, LaneBytes(lane, request.demand));
        }
      }
      use += bytes;
    }
    return use;
  }
  int64_t Use() const { return Use(lanes_, cache_, nullptr, false, false); }

  // ---- What the model expects ---------------------------------------------------------------------------------------

  int Count(bool queued) const {
    return static_cast<int>(std::count_if(live_.begin(), live_.end(), [queued](const auto& entry) {
      return (entry.second.state == State::kQueued) == queued;
    }));
  }

  const std::pair<const RequestId, Request>* Head() const {
    const std::pair<const RequestId, Request>* head = nullptr;
    for (const auto& entry : live_) {
      if (entry.second.state != State::kQueued) continue;
      if (head == nullptr || entry.second.demand.priority > head->second.demand.priority) head = &entry;
    }
    return head;
  }

  // The head is kept out by what lanes hold beyond need.
  bool HeadWaitsForLanes() const {
    const auto* head = Head();
    return head != nullptr && Count(false) < options_.most_running &&
           Use(lanes_, cache_, &head->second.demand, true, false) <= limit_;
  }

  // Notes who must end by a call at `now_`.
  void ExpectExpired() {
    for (auto& [id, request] : live_) {
      if (request.demand.deadline > now_) continue;
      if (request.state != State::kBusy) {
        if (must_end_.emplace(id, End::kExpired).second) {
          ++(request.state == State::kQueued ? tally_.expired_queued : tally_.expired_ready);
        }
      } else if (!request.ending) {
        request.ending = End::kExpired;
        ++tally_.expired_busy;
      }
    }
  }

  // ---- Decisions ----------------------------------------------------------------------------------------------------

  // Takes them over into the model, and checks that they had to be, or could be. A newcomer joins the queue after the
  // other decisions of its call.
  void ApplyDecisions(std::optional<std::pair<RequestId, Request>> newcomer = {}) {
    const Decisions decisions = scheduler_.TakeDecisions();
    ApplyEnded(decisions.ended);
    if (::testing::Test::HasFatalFailure()) return;
    const std::vector<Lane> lanes_before = lanes_;
    const int64_t cache_before = cache_;
    ApplyReleased(decisions);
    if (::testing::Test::HasFatalFailure()) return;
    const bool given_back = decisions.cache_released || !decisions.released_lanes.empty();
    ASSERT_TRUE(decisions.released_lanes.empty() || cache_ == 0) << "the cache comes before the lanes";
    // Whether somebody lacked what was given back, were lanes and cache still as before: those that were started, or a
    // head that waits.
    bool needed = false;
    const int running_before = Count(false);
    ApplyStarted(decisions.started, std::move(newcomer), [&] {
      const Demand* waiting = HeadWaitsForLanes() ? &Head()->second.demand : nullptr;
      needed |= (waiting != nullptr || Count(false) > running_before) &&
                Use(lanes_before, cache_before, waiting, false, false) > limit_;
    });
    if (::testing::Test::HasFatalFailure()) return;
    ASSERT_TRUE(!given_back || needed) << "given back for nobody";
  }

  void ApplyEnded(const std::vector<EndedRequest>& ended) {
    for (const auto& [id, end] : ended) {
      const auto at = live_.find(id);
      ASSERT_NE(at, live_.end()) << id << " ended twice or was never there";
      ASSERT_NE(at->second.state, State::kBusy) << id;
      const auto expected = must_end_.find(id);
      if (expected != must_end_.end()) {
        ASSERT_EQ(end, expected->second) << id;
        must_end_.erase(expected);
      } else {
        const Demand& demand = at->second.demand;
        ASSERT_EQ(end, End::kNoMemory) << id << " ended without a reason";
        ASSERT_EQ(Head(), &*at) << id;
        ASSERT_EQ(Count(false), 0) << id << " could have waited for those that run";
        ASSERT_GT(demand.slab_bytes + demand.language_bytes + demand.picture_bytes, limit_ - constants_) << id;
      }
      live_.erase(at);
      ASSERT_TRUE(ended_.emplace(id, end).second) << id;
      ++tally_.ended[end];
    }
    ASSERT_TRUE(must_end_.empty()) << must_end_.begin()->first << " should have ended";
  }

  void ApplyReleased(const Decisions& decisions) {
    if (decisions.cache_released) {
      ASSERT_GT(cache_, 0);
      cache_ = 0;
      ++tally_.released_caches;
    }
    for (const int lane : decisions.released_lanes) {
      Lane& released = lanes_.at(static_cast<size_t>(lane));
      ASSERT_FALSE(released.item.has_value()) << "lane " << lane << " still works";
      ASSERT_GT(released.held, 0) << "lane " << lane;
      released.held = 0;
      ++tally_.released_lanes;
      tally_.released_main_lanes += static_cast<size_t>(lane) <= kMainPictureLane;
    }
  }

  // Calls `look` between the starts.
  void ApplyStarted(const std::vector<RequestId>& started, std::optional<std::pair<RequestId, Request>> newcomer,
                    const std::function<void()>& look) {
    const auto join = [&] { live_.insert(*std::exchange(newcomer, std::nullopt)); };
    look();
    for (const RequestId id : started) {
      if (newcomer && newcomer->first == id) join();
      const auto at = live_.find(id);
      ASSERT_NE(at, live_.end()) << id << " was started after its end";
      ASSERT_EQ(at->second.state, State::kQueued) << id << " was started twice";
      ASSERT_EQ(Head(), &*at) << id << " overtook " << Head()->first;
      at->second.state = State::kReady;
      at->second.turn = ++turns_;
      ASSERT_LE(Count(false), options_.most_running);
      ASSERT_LE(Use(), limit_) << id << " does not fit";
      look();
    }
    if (newcomer) join();
    look();
  }

  // After a call that admits: the head of the queue really has to wait.
  void CheckAdmission() {
    const auto* head = Head();
    if (head == nullptr) return;
    ++tally_.waiting_heads;
    ASSERT_GT(Count(false), 0) << head->first << " waits and nobody runs";
    if (Count(false) >= options_.most_running) return;
    ASSERT_GT(Use(lanes_, cache_, &head->second.demand, true, true), limit_) << head->first << " waits needlessly";
  }

  void CheckState() {
    ASSERT_EQ(scheduler_.queued(), Count(true));
    ASSERT_EQ(scheduler_.running(), Count(false));
    ASSERT_LE(scheduler_.queued(), options_.queue_limit);
    Time deadline = Time::max();
    const int32_t priority = static_cast<int32_t>(Random(-3, 3));
    int ahead = 0;
    for (const auto& [id, request] : live_) {
      ASSERT_TRUE(scheduler_.Knows(id)) << id << " is lost";
      ASSERT_EQ(scheduler_.IsQueued(id), request.state == State::kQueued) << id;
      ASSERT_EQ(scheduler_.IsBusy(id), request.state == State::kBusy) << id;
      if (!request.ending) deadline = std::min(deadline, request.demand.deadline);
      ahead += request.state == State::kQueued && request.demand.priority >= priority;
    }
    ASSERT_EQ(scheduler_.NextDeadline(), deadline);
    ASSERT_EQ(scheduler_.Ahead(priority), ahead) << "of priority " << priority;
    ASSERT_GE(scheduler_.RetryAfter(), milliseconds(10));
    ASSERT_LE(scheduler_.RetryAfter(), std::chrono::minutes(1));

    std::set<RequestId> in_lanes;
    for (size_t lane = 0; lane < lanes_.size(); ++lane) {
      ASSERT_EQ(scheduler_.IsLaneBusy(static_cast<int>(lane)), lanes_[lane].item.has_value()) << "lane " << lane;
      ASSERT_EQ(scheduler_.LaneBytes(static_cast<int>(lane)), lanes_[lane].held) << "lane " << lane;
      if (!lanes_[lane].item) continue;
      for (const RequestId id : lanes_[lane].item->requests) {
        ASSERT_TRUE(in_lanes.insert(id).second) << id << " is in two lanes";
        ASSERT_EQ(live_.at(id).state, State::kBusy) << id;
      }
    }
    for (const auto& [id, request] : live_) {
      ASSERT_EQ(request.state == State::kBusy, in_lanes.contains(id)) << id;
    }
    ASSERT_EQ(scheduler_.memory_in_use(), Use());
    ASSERT_EQ(scheduler_.room(), limit_ - Use());
  }

  // ---- Events -------------------------------------------------------------------------------------------------------

  static const char* Name(Event event) {
    constexpr const char* kNames[] = {"submit",    "cancel", "time", "expire", "limit",
                                      "constants", "cache",  "next", "finish"};
    return kNames[static_cast<size_t>(event)];
  }

  void Step(Event event) {
    SCOPED_TRACE(fmt::format("seed {}, event {}: {}", seed_, event_, Name(event)));
    const int64_t use_before = Use();
    switch (event) {
      case Event::kSubmit:
        Submit();
        break;
      case Event::kCancel:
        Cancel();
        break;
      case Event::kTime:
        now_ += milliseconds(Random(0, 300));
        break;
      case Event::kExpire:
        ExpectExpired();
        scheduler_.Expire(now_);
        ApplyDecisions();
        break;
      case Event::kLimit:
        limit_ = Random(300, 1500);
        scheduler_.SetLimit(limit_);
        break;
      case Event::kConstants:
        constants_ = Random(20, 80);
        scheduler_.SetConstants(constants_);
        break;
      case Event::kCache:
        cache_ = Chance(20) ? 0 : cache_ + Random(0, std::max<int64_t>(0, std::min<int64_t>(200, limit_ - Use())));
        scheduler_.SetCache(cache_);
        break;
      case Event::kNext:
        AskFor(RandomLane(false));
        break;
      case Event::kFinish:
        FinishWork(RandomLane(true));
        break;
    }
    if (::testing::Test::HasFailure()) return;
    CheckState();
    if (::testing::Test::HasFailure()) return;
    if (event != Event::kLimit && event != Event::kConstants && Use() > limit_) {
      // Only a limit that falls below what is in use already may be exceeded.
      ASSERT_LE(Use(), use_before) << "the limit is " << limit_;
      ++tally_.over_limit;
    }
  }

  void Submit() {
    last_id_ += static_cast<RequestId>(Random(1, 3));
    const Request request = RandomRequest();
    const Demand& demand = request.demand;
    const bool never_fits = demand.slab_bytes + demand.language_bytes + demand.picture_bytes > limit_ - constants_;
    const Status status = scheduler_.Submit(last_id_, demand, now_);
    if (never_fits) {
      ++tally_.never_fit;
      ASSERT_EQ(status.code(), StatusCode::kOutOfMemory);
      ApplyDecisions();
      return;
    }
    ExpectExpired();
    if (!status.ok()) {
      ++tally_.queue_full;
      ASSERT_EQ(status.code(), StatusCode::kQueueFull) << status.message();
      ASSERT_EQ(status.retry_after_millis(), std::chrono::duration_cast<milliseconds>(scheduler_.RetryAfter()).count());
      ApplyDecisions();
      ASSERT_EQ(Count(true), options_.queue_limit);
    } else {
      ++tally_.submitted;
      ApplyDecisions(std::pair(last_id_, request));
    }
    if (!::testing::Test::HasFailure()) CheckAdmission();
  }

  void Cancel() {
    RequestId id = static_cast<RequestId>(Random(0, static_cast<int64_t>(last_id_) + 5));
    if (!live_.empty() && Chance(75)) id = std::next(live_.begin(), Random(0, std::ssize(live_) - 1))->first;
    if (const auto at = live_.find(id); at != live_.end()) {
      Request& request = at->second;
      if (request.state == State::kBusy) {
        if (!request.ending) request.ending = End::kCancelled;
        ++tally_.cancelled_busy;
      } else {
        must_end_.emplace(id, End::kCancelled);
        ++(request.state == State::kQueued ? tally_.cancelled_queued : tally_.cancelled_ready);
      }
    }
    scheduler_.Cancel(id);
    ApplyDecisions();
  }

  // A lane that works, or one that is idle; none if there is no such lane.
  std::optional<size_t> RandomLane(bool busy) {
    std::vector<size_t> lanes;
    for (size_t lane = 0; lane < lanes_.size(); ++lane) {
      if (lanes_[lane].item.has_value() == busy) lanes.push_back(lane);
    }
    if (lanes.empty()) return std::nullopt;
    return lanes[static_cast<size_t>(Random(0, std::ssize(lanes) - 1))];
  }

  void AskFor(std::optional<size_t> lane) {
    if (!lane) return;
    const auto item = scheduler_.Next(static_cast<int>(*lane), now_);
    ExpectExpired();
    ApplyDecisions();
    if (::testing::Test::HasFailure()) return;
    CheckAdmission();
    if (::testing::Test::HasFailure()) return;
    CheckWork(*lane, item);
    if (::testing::Test::HasFailure() || !item) return;
    for (const RequestId id : item->requests) live_.at(id).state = State::kBusy;
    lanes_[*lane].held = std::max(lanes_[*lane].held, item->lane_bytes);
    lanes_[*lane].item = item;
  }

  // Whether `lane` may take the next piece of `request`.
  bool MayTake(size_t lane, const Request& request) const {
    if (request.state != State::kReady) return false;
    if ((HalfOf(request.next()) == Half::kLanguage) != (lane == Scheduler::kLanguageLane)) return false;
    const int64_t growth = request.demand.picture_bytes - lanes_[lane].held;
    return lane <= kMainPictureLane || growth <= 0 || (!HeadWaitsForLanes() && Use() + growth <= limit_);
  }

  void CheckWork(size_t lane, const std::optional<WorkItem>& item) {
    // Those that draw tokens, and the first of the others.
    std::vector<RequestId> drawing;
    const std::pair<const RequestId, Request>* first = nullptr;
    bool held_back = false;
    for (const auto& entry : live_) {
      const Request& request = entry.second;
      held_back |= lane > kMainPictureLane && MayTake(kMainPictureLane, request) && !MayTake(lane, request);
      if (!MayTake(lane, request)) continue;
      if (request.next() == Work::kToken) {
        drawing.push_back(entry.first);
      } else if (first == nullptr || request.demand.priority > first->second.demand.priority ||
                 (request.demand.priority == first->second.demand.priority && request.turn < first->second.turn)) {
        first = &entry;
      }
    }
    tally_.lanes_held_back += held_back;
    if (!item) {
      ASSERT_TRUE(drawing.empty() && first == nullptr) << "lane " << lane << " has work to do";
      return;
    }
    int64_t bytes = 0;
    for (const RequestId id : item->requests) {
      ASSERT_TRUE(live_.contains(id)) << id << " has ended";
      ASSERT_TRUE(MayTake(lane, live_.at(id))) << id << " is not for lane " << lane;
      ASSERT_EQ(live_.at(id).next(), item->work) << id;
      bytes = std::max(bytes, LaneBytes(lane, live_.at(id).demand));
    }
    ASSERT_EQ(item->lane_bytes, bytes);
    if (item->work == Work::kToken) {
      ASSERT_EQ(item->requests, drawing);
      ASSERT_LE(std::ssize(drawing), options_.most_running);
      ++tally_.batches;
      tally_.largest_batch = std::max(tally_.largest_batch, static_cast<int>(drawing.size()));
      return;
    }
    ASSERT_NE(first, nullptr);
    ASSERT_EQ(item->requests, std::vector<RequestId>{first->first}) << "it was another's turn";
    if (item->work == Work::kPrefill) CheckPrompt(first->first);
    tally_.further_lane_pieces += lane > kMainPictureLane;
  }

  // No prompt of the same priority is between two chunks when another begins.
  void CheckPrompt(RequestId id) {
    Request& prompt = live_.at(id);
    ++tally_.chunks;
    if (std::exchange(prompt.prompt_begun, true)) return;
    for (const auto& [other, request] : live_) {
      if (other == id || request.demand.priority != prompt.demand.priority) continue;
      if (request.state == State::kQueued || request.next() != Work::kPrefill) continue;
      ASSERT_FALSE(request.prompt_begun) << id << " begins before " << other << " is through";
    }
  }

  void FinishWork(std::optional<size_t> lane, bool may_fail = true) {
    if (!lane) return;
    std::vector<Outcome> outcomes;
    for (const RequestId id : lanes_[*lane].item->requests) outcomes.push_back({id, false, std::nullopt});
    for (size_t i = outcomes.size(); i > 1; --i) {
      std::swap(outcomes[i - 1], outcomes[static_cast<size_t>(Random(0, static_cast<int64_t>(i) - 1))]);
    }
    for (Outcome& outcome : outcomes) {
      Request& request = live_.at(outcome.request);
      const Work work = request.next();
      ++request.done;
      request.state = State::kReady;
      outcome.failed = may_fail && Chance(2);
      if (!outcome.failed && request.done < request.plan.size()) outcome.next = request.next();
      if (!outcome.failed && !outcome.next) {
        tally_.done_though_ending += request.ending.has_value();
        must_end_.emplace(outcome.request, End::kDone);
      } else if (request.ending) {
        must_end_.emplace(outcome.request, *request.ending);
      } else if (outcome.failed) {
        must_end_.emplace(outcome.request, End::kFailed);
      } else if (work != Work::kPrefill || request.next() != Work::kPrefill) {
        request.turn = ++turns_;
      }
    }
    lanes_[*lane].item.reset();
    scheduler_.Finish(static_cast<int>(*lane), outcomes, now_);
    ExpectExpired();
    ApplyDecisions();
    if (!::testing::Test::HasFailure()) CheckAdmission();
  }

  // ---- The end ------------------------------------------------------------------------------------------------------

  // Nobody comes any more: everybody ends, and all memory is free.
  void RunOut() {
    for (; !live_.empty(); ++event_) {
      SCOPED_TRACE(fmt::format("seed {}, event {}: run out", seed_, event_));
      ASSERT_LT(event_, 2 * kEvents) << live_.begin()->first << " is stuck";
      now_ += milliseconds(1);
      for (size_t lane = 0; lane < lanes_.size(); ++lane) {
        if (!lanes_[lane].item) AskFor(lane);
        if (::testing::Test::HasFailure()) return;
        if (lanes_[lane].item) FinishWork(lane, false);
        if (::testing::Test::HasFailure()) return;
        CheckState();
        if (::testing::Test::HasFailure()) return;
      }
    }
    SCOPED_TRACE(fmt::format("seed {}, event {}: the end", seed_, event_));
    int64_t left = constants_ + cache_;
    for (const Lane& lane : lanes_) left += lane.held;
    ASSERT_EQ(scheduler_.memory_in_use(), left);
    ASSERT_EQ(scheduler_.running() + scheduler_.queued(), 0);
    for (const auto& [id, end] : ended_) ASSERT_FALSE(scheduler_.Knows(id)) << id;

    // One that takes everything.
    last_id_ += 1;
    const Demand all{.slab_bytes = limit_ - constants_};
    ASSERT_TRUE(scheduler_.Submit(last_id_, all, now_).ok());
    ASSERT_EQ(scheduler_.TakeDecisions().started, std::vector<RequestId>{last_id_});
    ASSERT_EQ(scheduler_.room(), 0);
    scheduler_.Cancel(last_id_);
    ASSERT_EQ(scheduler_.memory_in_use(), constants_);
  }

  const uint64_t seed_;
  std::mt19937_64 random_;
  Tally& tally_;
  SchedulerOptions options_;
  Scheduler scheduler_;
  int event_ = 0;
  int64_t submit_weight_ = 1;
  Time now_ = std::chrono::hours(1);
  int64_t limit_ = 1000, constants_ = 50, cache_ = 0;
  std::vector<Lane> lanes_;
  std::map<RequestId, Request> live_;
  std::map<RequestId, End> ended_;
  std::map<RequestId, End> must_end_;  // by the call at hand
  RequestId last_id_ = 0;
  uint64_t turns_ = 0;
};

TEST(SchedulerSimulation, KeepsItsRulesThroughTenThousandRandomEvents) {
  Tally tally;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Simulation(seed, tally).Run();
    if (HasFailure()) return;
  }
  // There was enough of everything.
  int ended = 0;
  for (const auto& [end, count] : tally.ended) ended += count;
  EXPECT_EQ(ended, tally.submitted);
  for (const End end : {End::kDone, End::kFailed, End::kCancelled, End::kExpired, End::kNoMemory}) {
    EXPECT_GT(tally.ended[end], 5) << static_cast<int>(end);
  }
  for (const auto& [what, count] : {std::pair("never fit", tally.never_fit),
                                    {"queue full", tally.queue_full},
                                    {"cancelled in the queue", tally.cancelled_queued},
                                    {"cancelled between two pieces", tally.cancelled_ready},
                                    {"cancelled at work", tally.cancelled_busy},
                                    {"overdue in the queue", tally.expired_queued},
                                    {"overdue between two pieces", tally.expired_ready},
                                    {"overdue at work", tally.expired_busy},
                                    {"done though cancelled or overdue", tally.done_though_ending},
                                    {"caches given back", tally.released_caches},
                                    {"lanes given back", tally.released_lanes},
                                    {"main lanes given back", tally.released_main_lanes},
                                    {"above a fallen limit", tally.over_limit},
                                    {"waiting heads", tally.waiting_heads},
                                    {"further lanes without room", tally.lanes_held_back},
                                    {"chunks", tally.chunks},
                                    {"token batches", tally.batches},
                                    {"pieces in further lanes", tally.further_lane_pieces}}) {
    EXPECT_GT(count, 5) << what;
  }
  EXPECT_GT(tally.largest_batch, 3);
}

}  // namespace
}  // namespace blip3o
