#include "engine/scheduler.h"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace blip3o {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr int kLanguage = Scheduler::kLanguageLane, kPicture = 1, kFurther = 2;
constexpr int64_t kMiB = 1 << 20;

using Ids = std::vector<RequestId>;
using Ends = std::vector<std::pair<RequestId, End>>;

// A scheduler and a clock that stands unless a test moves it.
class SchedulerTest : public ::testing::Test {
 protected:
  void Create(const SchedulerOptions& options) { scheduler_.emplace(options); }
  Scheduler& scheduler() {
    if (!scheduler_) Create({});
    return *scheduler_;
  }

  void Submit(RequestId id, const Demand& demand) {
    const Status status = scheduler().Submit(id, demand, now_);
    ASSERT_TRUE(status.ok()) << status.message();
  }
  std::optional<WorkItem> Next(int lane) { return scheduler().Next(lane, now_); }
  // The requests of a lane's next piece of work; none: there is nothing that it could do.
  Ids NextIds(int lane) {
    const auto item = Next(lane);
    return item ? item->requests : Ids();
  }
  void Finish(int lane, const std::vector<Outcome>& outcomes) { scheduler().Finish(lane, outcomes, now_); }
  // The lane's only request goes on with `next`, or has done all.
  void Finish(int lane, RequestId id, std::optional<Work> next) { Finish(lane, {{id, false, next}}); }
  // The lane takes a piece of work, which must be of `id` alone, and finishes it.
  void Run(int lane, RequestId id, std::optional<Work> next) {
    ASSERT_EQ(NextIds(lane), Ids{id});
    Finish(lane, id, next);
  }

  // What was decided since the last call of either.
  Ids Started() {
    Take();
    return std::exchange(started_, {});
  }
  Ends Ended() {
    Take();
    return std::exchange(ended_, {});
  }
  std::vector<int> ReleasedLanes() {
    Take();
    return std::exchange(released_lanes_, {});
  }
  bool CacheReleased() {
    Take();
    return std::exchange(cache_released_, false);
  }

  Time now_ = seconds(1000);

 private:
  void Take() {
    const Decisions decisions = scheduler().TakeDecisions();
    started_.insert(started_.end(), decisions.started.begin(), decisions.started.end());
    for (const EndedRequest& ended : decisions.ended) ended_.emplace_back(ended.request, ended.end);
    released_lanes_.insert(released_lanes_.end(), decisions.released_lanes.begin(), decisions.released_lanes.end());
    cache_released_ |= decisions.cache_released;
  }

  std::optional<Scheduler> scheduler_;
  Ids started_;
  Ends ended_;
  std::vector<int> released_lanes_;
  bool cache_released_ = false;
};

Demand Prompt(int32_t priority = 0) { return {.priority = priority, .first = Work::kPrefill}; }
Demand Picture(int32_t priority = 0) { return {.priority = priority, .first = Work::kCondition}; }
Demand Bytes(int64_t slab, int64_t language, int64_t picture, Work first = Work::kCondition) {
  return {.slab_bytes = slab, .language_bytes = language, .picture_bytes = picture, .first = first};
}
Demand WithDeadline(Demand demand, Time deadline) {
  demand.deadline = deadline;
  return demand;
}
Demand WithPriority(Demand demand, int32_t priority) {
  demand.priority = priority;
  return demand;
}

// ---- Admission --------------------------------------------------------------------------------------------------

TEST_F(SchedulerTest, ARequestThatFitsStartsAtOnce) {
  Submit(7, Prompt());
  EXPECT_EQ(Started(), Ids{7});
  EXPECT_EQ(scheduler().running(), 1);
  EXPECT_EQ(scheduler().queued(), 0);
  EXPECT_TRUE(scheduler().Knows(7));
  EXPECT_FALSE(scheduler().IsQueued(7));
  EXPECT_FALSE(scheduler().IsBusy(7));
  ASSERT_EQ(NextIds(kLanguage), Ids{7});
  EXPECT_TRUE(scheduler().IsBusy(7));
  EXPECT_TRUE(scheduler().IsLaneBusy(kLanguage));
}

TEST_F(SchedulerTest, IsAdmittedByPriorityThenArrival) {
  Create({.most_running = 1});
  Submit(1, Picture());
  for (const auto& [id, priority] : {std::pair{2, 0}, {3, 5}, {4, -1}, {5, 5}, {6, 100}}) {
    Submit(static_cast<RequestId>(id), Picture(priority));
  }
  EXPECT_EQ(scheduler().queued(), 5);
  EXPECT_EQ(scheduler().Ahead(0), 4);
  EXPECT_EQ(scheduler().Ahead(5), 3);
  EXPECT_EQ(scheduler().Ahead(6), 1);
  EXPECT_EQ(scheduler().Ahead(-100), 5);
  Ids order;
  for (int i = 0; i < 6; ++i) {
    const Ids started = Started();
    ASSERT_EQ(started.size(), 1u);
    order.push_back(started[0]);
    Run(kPicture, started[0], std::nullopt);
  }
  EXPECT_EQ(order, (Ids{1, 6, 3, 5, 2, 4}));
}

TEST_F(SchedulerTest, ALargeHeadWaitsForMemoryAndNobodyOvertakesIt) {
  scheduler().SetLimit(100);
  Submit(1, Bytes(60, 0, 0));
  Submit(2, Bytes(50, 0, 0));
  Submit(3, Bytes(10, 0, 0));
  EXPECT_EQ(Started(), Ids{1});
  EXPECT_TRUE(scheduler().IsQueued(2));
  EXPECT_TRUE(scheduler().IsQueued(3));
  Run(kPicture, 1, Work::kStep);
  EXPECT_EQ(Started(), Ids());
  Run(kPicture, 1, std::nullopt);
  EXPECT_EQ(Started(), (Ids{2, 3}));
  EXPECT_EQ(scheduler().memory_in_use(), 60);
}

TEST_F(SchedulerTest, AHigherPriorityBecomesTheHead) {
  scheduler().SetLimit(100);
  Submit(1, Bytes(60, 0, 0));
  Submit(2, Bytes(50, 0, 0));
  Submit(3, WithPriority(Bytes(40, 0, 0), 1));
  EXPECT_EQ(Started(), (Ids{1, 3}));
}

TEST_F(SchedulerTest, NoMoreRunThanMay) {
  Create({.most_running = 2});
  for (RequestId id = 1; id <= 4; ++id) Submit(id, Picture());
  EXPECT_EQ(Started(), (Ids{1, 2}));
  EXPECT_EQ(scheduler().running(), 2);
  Run(kPicture, 1, std::nullopt);
  EXPECT_EQ(Started(), Ids{3});
}

TEST_F(SchedulerTest, AFullQueueRefusesWithAHint) {
  Create({.queue_limit = 2, .most_running = 1});
  for (RequestId id = 1; id <= 3; ++id) Submit(id, Picture());
  const Status refused = scheduler().Submit(4, Picture(100), now_);
  EXPECT_EQ(refused.code(), StatusCode::kQueueFull);
  EXPECT_EQ(refused.retry_after_millis(), 1000);  // nobody has ended yet
  EXPECT_NE(refused.message().find("2 requests wait, the limit is 2"), std::string::npos) << refused.message();
  EXPECT_NE(refused.message().find("1000 ms"), std::string::npos) << refused.message();
  EXPECT_FALSE(scheduler().Knows(4));
  scheduler().Cancel(3);
  Submit(5, Picture());
  EXPECT_TRUE(scheduler().IsQueued(5));
}

TEST_F(SchedulerTest, AnOverdueRequestLeavesItsPlaceInTheQueue) {
  Create({.queue_limit = 1, .most_running = 1});
  Submit(1, Picture());
  Submit(2, WithDeadline(Picture(), now_ + seconds(1)));
  now_ += seconds(1);
  Submit(3, Picture());
  EXPECT_EQ(Ended(), (Ends{{2, End::kExpired}}));
  EXPECT_TRUE(scheduler().IsQueued(3));
}

TEST_F(SchedulerTest, AQueueThatARaisedLimitLetsInIsNotFull) {
  Create({.queue_limit = 1});
  scheduler().SetLimit(100);
  Submit(1, Bytes(60, 0, 0));
  Submit(2, Bytes(60, 0, 0));
  scheduler().SetLimit(200);
  Submit(3, Bytes(100, 0, 0));
  EXPECT_EQ(Started(), (Ids{1, 2}));
  EXPECT_TRUE(scheduler().IsQueued(3));
}

TEST_F(SchedulerTest, TheHintIsTheTimeBetweenEnds) {
  Create({.most_running = 1});
  const auto run = [this](RequestId id, Time duration) {
    Submit(id, Picture());
    ASSERT_EQ(NextIds(kPicture), Ids{id});
    now_ += duration;
    Finish(kPicture, id, std::nullopt);
  };
  EXPECT_EQ(scheduler().RetryAfter(), seconds(1));
  run(1, seconds(8));
  EXPECT_EQ(scheduler().RetryAfter(), seconds(8));
  run(2, seconds(4));
  EXPECT_EQ(scheduler().RetryAfter(), seconds(7));
  now_ += std::chrono::hours(10);  // nobody runs: that tells nothing
  run(3, seconds(3));
  EXPECT_EQ(scheduler().RetryAfter(), seconds(6));
  run(4, std::chrono::hours(1));
  EXPECT_EQ(scheduler().RetryAfter(), minutes(1));
}

TEST_F(SchedulerTest, TheHintCountsFromEndToEndWhileRequestsRun) {
  Submit(1, Picture());
  Submit(2, Picture());
  ASSERT_EQ(NextIds(kPicture), Ids{1});
  now_ += milliseconds(2);
  Finish(kPicture, 1, std::nullopt);
  EXPECT_EQ(scheduler().RetryAfter(), milliseconds(10));  // no client should come more often
  now_ += milliseconds(5);
  ASSERT_EQ(NextIds(kPicture), Ids{2});
  now_ += milliseconds(77);
  Finish(kPicture, 2, std::nullopt);
  EXPECT_EQ(scheduler().RetryAfter(), milliseconds(22));  // 2 + (82 - 2) / 4
}

// ---- What never fits --------------------------------------------------------------------------------------------

TEST_F(SchedulerTest, WhatNeverFitsIsRefusedWithTheNumbers) {
  scheduler().SetLimit(100 * kMiB);
  scheduler().SetConstants(20 * kMiB);
  const Status refused = scheduler().Submit(1, Bytes(50 * kMiB, 17 * kMiB, 14 * kMiB), now_);
  EXPECT_EQ(refused.code(), StatusCode::kOutOfMemory);
  for (const char* number : {"81 MiB", "50 MiB", "17 MiB", "14 MiB", "100 MiB", "20 MiB"}) {
    EXPECT_NE(refused.message().find(number), std::string::npos) << number << ": " << refused.message();
  }
  EXPECT_FALSE(scheduler().Knows(1));
  EXPECT_EQ(scheduler().memory_in_use(), 20 * kMiB);
  Submit(2, Bytes(50 * kMiB, 17 * kMiB, 13 * kMiB));  // to the last byte
  EXPECT_EQ(Started(), Ids{2});
  EXPECT_EQ(scheduler().room(), 0);
}

TEST_F(SchedulerTest, WhatNeverFitsIsRefusedAsSuchThoughTheQueueIsFull) {
  Create({.queue_limit = 1, .most_running = 1});
  scheduler().SetLimit(100);
  Submit(1, Bytes(10, 0, 0));
  Submit(2, Bytes(10, 0, 0));
  EXPECT_EQ(scheduler().Submit(3, Bytes(101, 0, 0), now_).code(), StatusCode::kOutOfMemory);
  EXPECT_EQ(scheduler().Submit(4, Bytes(100, 0, 0), now_).code(), StatusCode::kQueueFull);
}

TEST_F(SchedulerTest, WhatWaitsWhenTheLimitFallsEndsOnceNobodyRuns) {
  scheduler().SetLimit(100);
  Submit(1, Bytes(60, 0, 0));
  Submit(2, Bytes(70, 0, 0));
  Submit(3, Bytes(20, 0, 0));
  EXPECT_EQ(Started(), Ids{1});
  scheduler().SetLimit(50);
  Run(kPicture, 1, Work::kStep);
  EXPECT_EQ(Ended(), Ends());  // the limit may rise again before the first ends
  Run(kPicture, 1, std::nullopt);
  EXPECT_EQ(Ended(), (Ends{{1, End::kDone}, {2, End::kNoMemory}}));
  EXPECT_EQ(Started(), Ids{3});
  EXPECT_FALSE(scheduler().Knows(2));
  EXPECT_EQ(scheduler().queued(), 0);
}

TEST_F(SchedulerTest, ALimitThatRisesInTimeLetsTheRequestIn) {
  scheduler().SetLimit(100);
  Submit(1, Bytes(60, 0, 0));
  Submit(2, Bytes(70, 0, 0));
  EXPECT_EQ(Started(), Ids{1});
  scheduler().SetLimit(50);
  EXPECT_EQ(NextIds(kLanguage), Ids());
  scheduler().SetLimit(130);
  EXPECT_EQ(NextIds(kLanguage), Ids());  // asking for work admits
  EXPECT_EQ(Started(), Ids{2});
}

// ---- Turns ------------------------------------------------------------------------------------------------------

TEST_F(SchedulerTest, EqualRequestsTakeTurnsStepByStep) {
  for (RequestId id = 1; id <= 3; ++id) Submit(id, Picture());
  Ids order;
  for (int i = 0; i < 9; ++i) {
    const auto item = Next(kPicture);
    ASSERT_TRUE(item.has_value());
    ASSERT_EQ(item->requests.size(), 1u);
    EXPECT_EQ(item->work, i < 3 ? Work::kCondition : Work::kStep);
    order.push_back(item->requests[0]);
    Finish(kPicture, item->requests[0], Work::kStep);
  }
  EXPECT_EQ(order, (Ids{1, 2, 3, 1, 2, 3, 1, 2, 3}));
}

TEST_F(SchedulerTest, ANewcomerWaitsForOneTurnOfEachOther) {
  for (RequestId id = 1; id <= 2; ++id) Submit(id, Picture());
  Run(kPicture, 1, Work::kStep);
  Submit(3, Picture());
  for (const RequestId id : {2, 1, 3, 2, 1, 3}) Run(kPicture, id, Work::kStep);
}

TEST_F(SchedulerTest, TheHighestPriorityGoesFirst) {
  Submit(1, Picture(0));
  Submit(2, Picture(0));
  Run(kPicture, 1, Work::kStep);
  Submit(3, Picture(7));
  Submit(4, Picture(-7));
  for (int i = 0; i < 3; ++i) Run(kPicture, 3, Work::kStep);
  Run(kPicture, 3, std::nullopt);
  for (const RequestId id : {2, 1, 2, 1}) Run(kPicture, id, Work::kStep);
  Run(kPicture, 2, std::nullopt);
  Run(kPicture, 1, std::nullopt);
  Run(kPicture, 4, Work::kStep);
}

TEST_F(SchedulerTest, LanesWorkBesideEachOther) {
  Create({.picture_lanes = 2});
  EXPECT_EQ(scheduler().lanes(), 3);
  Submit(1, Prompt());
  Submit(2, Picture());
  Submit(3, Picture());
  EXPECT_EQ(NextIds(kFurther), Ids{2});
  EXPECT_EQ(NextIds(kPicture), Ids{3});
  EXPECT_EQ(NextIds(kLanguage), Ids{1});
  Finish(kPicture, 3, std::nullopt);
  EXPECT_EQ(NextIds(kPicture), Ids());  // 2 is busy, 1 is not of this half
  Finish(kLanguage, 1, Work::kCondition);
  EXPECT_EQ(NextIds(kLanguage), Ids());
  const auto item = Next(kPicture);
  ASSERT_TRUE(item.has_value());
  EXPECT_EQ(item->requests, Ids{1});
  EXPECT_EQ(item->work, Work::kCondition);
}

TEST_F(SchedulerTest, ARequestWalksThroughBothHalves) {
  Submit(1, {.first = Work::kEncode});
  EXPECT_EQ(NextIds(kLanguage), Ids());
  for (const auto& [lane, work, next] : {std::tuple{kPicture, Work::kEncode, std::optional(Work::kPrefill)},
                                         {kLanguage, Work::kPrefill, Work::kPrefill},
                                         {kLanguage, Work::kPrefill, Work::kToken},
                                         {kLanguage, Work::kToken, Work::kToken},
                                         {kLanguage, Work::kToken, Work::kCondition},
                                         {kPicture, Work::kCondition, Work::kStep},
                                         {kPicture, Work::kStep, Work::kDecode},
                                         {kPicture, Work::kDecode, std::nullopt}}) {
    EXPECT_EQ(NextIds(lane == kPicture ? kLanguage : kPicture), Ids());
    const auto item = Next(lane);
    ASSERT_TRUE(item.has_value());
    EXPECT_EQ(item->work, work);
    EXPECT_EQ(item->requests, Ids{1});
    Finish(lane, 1, next);
  }
  EXPECT_EQ(Ended(), (Ends{{1, End::kDone}}));
}

// ---- Tokens and prompts -----------------------------------------------------------------------------------------

TEST_F(SchedulerTest, ATokenBatchHoldsAllThatDraw) {
  for (RequestId id = 1; id <= 3; ++id) {
    Submit(id, {.priority = static_cast<int32_t>(id), .first = Work::kToken});
  }
  const auto item = Next(kLanguage);
  ASSERT_TRUE(item.has_value());
  EXPECT_EQ(item->work, Work::kToken);
  EXPECT_EQ(item->requests, (Ids{1, 2, 3}));
  EXPECT_TRUE(scheduler().IsBusy(1));
  EXPECT_TRUE(scheduler().IsBusy(3));
  Submit(4, {.first = Work::kToken});
  EXPECT_FALSE(scheduler().IsBusy(4));
  // One leaves and another joins at the next token; outcomes come in any order.
  Finish(kLanguage, {{3, false, Work::kToken}, {2, false, Work::kCondition}, {1, false, Work::kToken}});
  EXPECT_EQ(NextIds(kLanguage), (Ids{1, 3, 4}));
}

TEST_F(SchedulerTest, APromptIsPrefilledToItsEndBeforeTheNextBegins) {
  Submit(1, Prompt());
  Submit(2, Prompt());
  for (int i = 0; i < 3; ++i) Run(kLanguage, 1, Work::kPrefill);
  Submit(3, Prompt());
  Run(kLanguage, 1, Work::kCondition);
  for (int i = 0; i < 2; ++i) Run(kLanguage, 2, Work::kPrefill);
  Run(kLanguage, 2, Work::kCondition);
  Run(kLanguage, 3, Work::kCondition);
}

TEST_F(SchedulerTest, APromptFromTheEncoderQueuesBehindThoseThatWait) {
  Submit(1, {.first = Work::kEncode});
  Submit(2, Prompt());
  ASSERT_EQ(NextIds(kPicture), Ids{1});
  Run(kLanguage, 2, Work::kPrefill);
  Finish(kPicture, 1, Work::kPrefill);
  Submit(3, Prompt());
  Run(kLanguage, 2, Work::kPrefill);
  Run(kLanguage, 2, Work::kCondition);
  Run(kLanguage, 1, Work::kPrefill);
  Run(kLanguage, 1, Work::kCondition);
  Run(kLanguage, 3, Work::kCondition);
}

TEST_F(SchedulerTest, AHigherPriorityIsPrefilledFirst) {
  Submit(1, Prompt());
  Run(kLanguage, 1, Work::kPrefill);
  Submit(2, Prompt(1));
  Run(kLanguage, 2, Work::kPrefill);
  Run(kLanguage, 2, Work::kCondition);
  Run(kLanguage, 1, Work::kCondition);
}

// Chunks of 95 ms, tokens of 20 ms, at most 200 ms between tokens: one chunk between two batches.
TEST_F(SchedulerTest, ChunksAndTokensShareTheLaneByTheClock) {
  Submit(1, Prompt());
  Submit(2, Prompt());
  const auto run = [this](std::optional<Work> next) {
    const auto item = Next(kLanguage);
    EXPECT_TRUE(item.has_value());
    now_ += item->work == Work::kPrefill ? milliseconds(95) : milliseconds(20);
    Finish(kLanguage, item->requests[0], next);
    return std::pair(item->work, item->requests[0]);
  };
  EXPECT_EQ(run(Work::kToken), std::pair(Work::kPrefill, RequestId{1}));
  EXPECT_EQ(run(Work::kPrefill), std::pair(Work::kPrefill, RequestId{2}));  // 190 ms since nobody drew
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(run(Work::kToken), std::pair(Work::kToken, RequestId{1}));
    EXPECT_EQ(run(Work::kPrefill), std::pair(Work::kPrefill, RequestId{2}));
  }
}

// Eight copies of a known prompt, or pieces that fail, take no time; chunks of 95 ms are not believed to be shorter.
TEST_F(SchedulerTest, OnlyWholeChunksTellHowLongTheyTake) {
  for (const bool failed : {false, true}) {
    Create({});
    Submit(1, Prompt());
    ASSERT_EQ(NextIds(kLanguage), Ids{1});
    now_ += milliseconds(95);
    Finish(kLanguage, 1, Work::kToken);
    const auto draw = [this] {
      const auto item = Next(kLanguage);
      ASSERT_TRUE(item.has_value());
      ASSERT_EQ(item->work, Work::kToken);
      now_ += milliseconds(20);
      Finish(kLanguage, 1, Work::kToken);
    };
    draw();
    for (RequestId id = 2; id < 10; ++id) {
      Submit(id, Prompt());
      ASSERT_EQ(NextIds(kLanguage), Ids{id});
      Finish(kLanguage, {{.request = id, .failed = failed, .next = Work::kCondition, .copied = !failed}});
    }
    Submit(10, Prompt());
    ASSERT_EQ(NextIds(kLanguage), Ids{10});
    now_ += milliseconds(95);
    Finish(kLanguage, 10, Work::kPrefill);
    draw();
  }
}

// ---- Cancellation and deadlines ---------------------------------------------------------------------------------

TEST_F(SchedulerTest, CancelsAtOnceWhatNobodyWorksOn) {
  Create({.most_running = 1});
  scheduler().SetLimit(100);
  Submit(1, Bytes(30, 0, 0));
  Submit(2, Bytes(40, 0, 0));
  Submit(3, Bytes(50, 0, 0));
  scheduler().Cancel(2);  // queued
  EXPECT_EQ(Ended(), (Ends{{2, End::kCancelled}}));
  EXPECT_EQ(scheduler().queued(), 1);
  scheduler().Cancel(1);  // ready: its place is taken at once
  EXPECT_EQ(Ended(), (Ends{{1, End::kCancelled}}));
  EXPECT_EQ(Started(), (Ids{1, 3}));
  EXPECT_EQ(scheduler().memory_in_use(), 50);
}

TEST_F(SchedulerTest, CancelsAfterTheWorkAtHandWhatIsBusy) {
  scheduler().SetLimit(100);
  Submit(1, Bytes(60, 0, 0));
  Submit(2, Bytes(60, 0, 0));
  ASSERT_EQ(NextIds(kPicture), Ids{1});
  scheduler().Cancel(1);
  scheduler().Cancel(1);
  EXPECT_EQ(Ended(), Ends());
  EXPECT_TRUE(scheduler().IsBusy(1));
  EXPECT_EQ(scheduler().memory_in_use(), 60);  // the lane still works in it
  Finish(kPicture, 1, Work::kStep);
  EXPECT_EQ(Ended(), (Ends{{1, End::kCancelled}}));
  EXPECT_EQ(Started(), (Ids{1, 2}));
}

TEST_F(SchedulerTest, ACancelledPieceThatFailsWasCancelled) {
  Submit(1, Picture());
  ASSERT_EQ(NextIds(kPicture), Ids{1});
  scheduler().Cancel(1);
  Finish(kPicture, {{1, true, std::nullopt}});
  EXPECT_EQ(Ended(), (Ends{{1, End::kCancelled}}));
}

TEST_F(SchedulerTest, WhatIsDoneIsDoneThoughItWasCancelledOrOverdue) {
  Submit(1, WithDeadline(Picture(), now_ + seconds(1)));
  Submit(2, Picture());
  ASSERT_EQ(NextIds(kPicture), Ids{1});
  now_ += seconds(1);
  scheduler().Expire(now_);
  Finish(kPicture, 1, std::nullopt);
  ASSERT_EQ(NextIds(kPicture), Ids{2});
  scheduler().Cancel(2);
  Finish(kPicture, 2, std::nullopt);
  EXPECT_EQ(Ended(), (Ends{{1, End::kDone}, {2, End::kDone}}));
}

TEST_F(SchedulerTest, CancelOfTheUnknownAndTheEndedDoesNothing) {
  Submit(1, Picture());
  Run(kPicture, 1, std::nullopt);
  EXPECT_EQ(Ended(), (Ends{{1, End::kDone}}));
  scheduler().Cancel(1);
  scheduler().Cancel(99);
  EXPECT_EQ(Ended(), Ends());
  EXPECT_EQ(scheduler().running(), 0);
  EXPECT_EQ(scheduler().memory_in_use(), 0);
}

TEST_F(SchedulerTest, DeadlinesEndWhatIsQueuedReadyAndBusy) {
  Create({.most_running = 2});
  Submit(1, WithDeadline(Picture(), now_ + seconds(30)));
  Submit(2, WithDeadline(Picture(), now_ + seconds(20)));
  Submit(3, WithDeadline(Picture(), now_ + seconds(10)));
  Submit(4, Picture());
  EXPECT_EQ(scheduler().NextDeadline(), now_ + seconds(10));
  ASSERT_EQ(NextIds(kPicture), Ids{1});

  now_ += seconds(10) - milliseconds(1);
  scheduler().Expire(now_);
  EXPECT_EQ(Ended(), Ends());
  now_ += milliseconds(1);
  scheduler().Expire(now_);  // queued
  EXPECT_EQ(Ended(), (Ends{{3, End::kExpired}}));
  EXPECT_EQ(scheduler().NextDeadline(), now_ + seconds(10));

  now_ += seconds(10);
  scheduler().Expire(now_);  // ready: the next one takes its place
  EXPECT_EQ(Ended(), (Ends{{2, End::kExpired}}));
  EXPECT_EQ(Started(), (Ids{1, 2, 4}));

  now_ += seconds(10);
  scheduler().Expire(now_);  // busy
  EXPECT_EQ(Ended(), Ends());
  EXPECT_EQ(scheduler().NextDeadline(), Time::max());  // nothing more to wake up for
  scheduler().Cancel(1);                               // the first reason holds
  Finish(kPicture, 1, Work::kStep);
  EXPECT_EQ(Ended(), (Ends{{1, End::kExpired}}));
}

TEST_F(SchedulerTest, NoLaneTakesWhatIsOverdue) {
  Submit(1, WithDeadline(Picture(), now_ + seconds(1)));
  Submit(2, Picture());
  now_ += seconds(1);
  EXPECT_EQ(NextIds(kPicture), Ids{2});
  EXPECT_EQ(Ended(), (Ends{{1, End::kExpired}}));
}

TEST_F(SchedulerTest, WhatIsOverdueDoesNotStartWhenItsPlaceBecomesFree) {
  Create({.most_running = 1});
  Submit(1, WithDeadline(Picture(), now_ + seconds(2)));
  Submit(2, WithDeadline(Picture(), now_ + seconds(1)));
  ASSERT_EQ(NextIds(kPicture), Ids{1});
  now_ += seconds(1);
  Finish(kPicture, 1, std::nullopt);
  EXPECT_EQ(Ended(), (Ends{{1, End::kDone}, {2, End::kExpired}}));
  EXPECT_EQ(Started(), Ids{1});
}

TEST_F(SchedulerTest, AFailedPieceEndsOnlyItsRequest) {
  for (RequestId id = 1; id <= 3; ++id) Submit(id, Bytes(10, 1, 1, Work::kToken));
  ASSERT_EQ(NextIds(kLanguage), (Ids{1, 2, 3}));
  Finish(kLanguage, {{1, false, Work::kToken}, {2, true, std::nullopt}, {3, false, Work::kCondition}});
  EXPECT_EQ(Ended(), (Ends{{2, End::kFailed}}));
  EXPECT_EQ(scheduler().running(), 2);
  EXPECT_EQ(scheduler().memory_in_use(), 22);
  EXPECT_EQ(NextIds(kLanguage), Ids{1});
  EXPECT_EQ(NextIds(kPicture), Ids{3});
}

TEST_F(SchedulerTest, AllEndAtOnceOrWithTheirWorkAtHand) {
  Create({.most_running = 4});
  for (RequestId id = 1; id <= 6; ++id) Submit(id, Bytes(10, 1, 1, id <= 2 ? Work::kToken : Work::kStep));
  ASSERT_EQ(NextIds(kLanguage), (Ids{1, 2}));
  ASSERT_EQ(NextIds(kPicture), Ids{3});
  scheduler().Cancel(2);
  scheduler().EndAll(End::kDeviceLost);
  EXPECT_EQ(Ended(), (Ends{{4, End::kDeviceLost}, {5, End::kDeviceLost}, {6, End::kDeviceLost}}));
  EXPECT_EQ(scheduler().queued(), 0);

  Finish(kPicture, 3, std::nullopt);  // it had all it needed
  Finish(kLanguage, {{1, true, std::nullopt}, {2, true, std::nullopt}});
  EXPECT_EQ(Ended(), (Ends{{3, End::kDone}, {1, End::kDeviceLost}, {2, End::kCancelled}}));
  EXPECT_EQ(scheduler().running(), 0);
  EXPECT_FALSE(Next(kLanguage) || Next(kPicture));
}

// ---- Memory -----------------------------------------------------------------------------------------------------

TEST_F(SchedulerTest, LanesArePromisedBeforeTheyGrow) {
  scheduler().SetLimit(1000);
  scheduler().SetConstants(100);
  scheduler().SetCache(30);
  Submit(1, Bytes(200, 50, 70));
  Submit(2, Bytes(100, 60, 40));
  EXPECT_EQ(scheduler().memory_in_use(), 100 + 30 + 300 + 60 + 70);
  EXPECT_EQ(scheduler().room(), 1000 - 560);
  EXPECT_EQ(scheduler().LaneBytes(kPicture), 0);
  const auto item = Next(kPicture);
  ASSERT_TRUE(item.has_value());
  EXPECT_EQ(item->lane_bytes, 70);
  EXPECT_EQ(scheduler().LaneBytes(kPicture), 70);
  EXPECT_EQ(scheduler().memory_in_use(), 560);
  Finish(kPicture, 1, std::nullopt);
  Run(kPicture, 2, std::nullopt);
  EXPECT_EQ(scheduler().LaneBytes(kPicture), 70);  // kept for the next
  EXPECT_EQ(scheduler().LaneBytes(kLanguage), 0);
  EXPECT_EQ(scheduler().memory_in_use(), 100 + 30 + 70);
}

TEST_F(SchedulerTest, ABatchTakesAsMuchAsItsLargestRequest) {
  Submit(1, Bytes(0, 10, 0, Work::kToken));
  Submit(2, Bytes(0, 30, 0, Work::kToken));
  Submit(3, Bytes(0, 20, 0, Work::kToken));
  const auto item = Next(kLanguage);
  ASSERT_TRUE(item.has_value());
  EXPECT_EQ(item->lane_bytes, 30);
  EXPECT_EQ(scheduler().LaneBytes(kLanguage), 30);
}

TEST_F(SchedulerTest, TheHeadWaitsForWhatItsWorkNeedsBesideItsSlab) {
  scheduler().SetLimit(100);
  Submit(1, Bytes(40, 10, 10));
  Submit(2, Bytes(20, 10, 31));  // 60 + 10 + 31
  Submit(3, Bytes(1, 0, 0));
  EXPECT_EQ(Started(), Ids{1});
  scheduler().Cancel(2);
  Submit(4, Bytes(19, 10, 30));
  EXPECT_EQ(Started(), (Ids{3, 4}));
  EXPECT_EQ(scheduler().room(), 0);
}

TEST_F(SchedulerTest, TheCacheGivesBackFirst) {
  Create({.picture_lanes = 2});
  scheduler().SetLimit(100);
  Submit(1, Bytes(10, 0, 20));
  Submit(2, Bytes(10, 0, 20));
  Run(kFurther, 1, std::nullopt);
  Run(kFurther, 2, std::nullopt);
  scheduler().SetCache(30);
  EXPECT_EQ(scheduler().memory_in_use(), 50);
  Submit(3, Bytes(50, 0, 0));  // fits beside both
  EXPECT_FALSE(CacheReleased());
  Submit(4, Bytes(10, 0, 0));
  EXPECT_TRUE(CacheReleased());
  EXPECT_EQ(ReleasedLanes(), std::vector<int>());
  EXPECT_EQ(Started(), (Ids{1, 2, 3, 4}));
  EXPECT_EQ(scheduler().memory_in_use(), 80);
}

TEST_F(SchedulerTest, IdleLanesGiveBackForAHeadThatLacksRoom) {
  Create({.picture_lanes = 3});
  scheduler().SetLimit(100);
  for (RequestId id = 1; id <= 3; ++id) Submit(id, Bytes(0, 10, 20));
  Submit(4, Bytes(0, 30, 20, Work::kToken));
  for (int lane = 0; lane <= 3; ++lane) ASSERT_EQ(NextIds(lane).size(), 1u);
  for (int lane = 3; lane >= 1; --lane) Finish(lane, static_cast<RequestId>(lane), std::nullopt);
  Finish(kLanguage, 4, std::nullopt);
  EXPECT_EQ(scheduler().memory_in_use(), 90);

  Submit(5, Bytes(25, 0, 0));  // one further lane is enough, the last one
  EXPECT_EQ(Started(), (Ids{1, 2, 3, 4, 5}));
  EXPECT_EQ(ReleasedLanes(), std::vector<int>{3});
  Submit(6, Bytes(35, 5, 5));  // the other one, and what the language lane holds beyond need
  EXPECT_EQ(Started(), Ids{6});
  EXPECT_EQ(ReleasedLanes(), (std::vector<int>{2, kLanguage}));
  EXPECT_EQ(scheduler().LaneBytes(kLanguage), 0);
  EXPECT_EQ(scheduler().memory_in_use(), 60 + 5 + 20);
  Submit(7, Bytes(30, 0, 0));  // and the main picture lane
  EXPECT_EQ(Started(), Ids{7});
  EXPECT_EQ(ReleasedLanes(), std::vector<int>{kPicture});
  EXPECT_EQ(scheduler().room(), 0);
}

TEST_F(SchedulerTest, ABusyLaneGivesBackAfterItsWork) {
  scheduler().SetLimit(100);
  Submit(1, Bytes(0, 60, 0, Work::kToken));
  Submit(2, Bytes(0, 10, 0, Work::kToken));
  ASSERT_EQ(NextIds(kLanguage), (Ids{1, 2}));
  Submit(3, Bytes(50, 10, 0));
  Finish(kLanguage, {{1, false, std::nullopt}, {2, false, Work::kToken}});
  EXPECT_EQ(ReleasedLanes(), std::vector<int>{kLanguage});
  EXPECT_EQ(Started(), (Ids{1, 2, 3}));
  EXPECT_EQ(scheduler().memory_in_use(), 60);
}

TEST_F(SchedulerTest, NothingIsGivenBackWhereThatIsNotEnough) {
  Create({.picture_lanes = 2});
  scheduler().SetLimit(100);
  Submit(1, Bytes(50, 0, 10));
  Submit(2, Bytes(10, 0, 10));
  Run(kFurther, 1, Work::kStep);
  scheduler().SetCache(10);
  Submit(3, Bytes(40, 0, 0));
  EXPECT_TRUE(scheduler().IsQueued(3));
  for (int i = 0; i < 3; ++i) {
    Run(kFurther, i % 2 == 0 ? 2 : 1, Work::kStep);
    EXPECT_FALSE(CacheReleased());
    EXPECT_EQ(ReleasedLanes(), std::vector<int>());
  }
  scheduler().Cancel(2);
  EXPECT_TRUE(CacheReleased());
  EXPECT_EQ(ReleasedLanes(), std::vector<int>{kFurther});
  EXPECT_EQ(Started(), (Ids{1, 2, 3}));
  EXPECT_EQ(scheduler().room(), 0);
}

TEST_F(SchedulerTest, FurtherPictureLanesTakeOnlyWhatFits) {
  Create({.picture_lanes = 3});
  scheduler().SetLimit(100);
  for (RequestId id = 1; id <= 3; ++id) Submit(id, Bytes(5, 0, 30));
  EXPECT_EQ(scheduler().memory_in_use(), 45);  // the main lane's memory is promised
  ASSERT_EQ(NextIds(kFurther), Ids{1});
  EXPECT_EQ(scheduler().memory_in_use(), 75);
  EXPECT_EQ(NextIds(3), Ids());  // 105
  ASSERT_EQ(NextIds(kPicture), Ids{2});
  Finish(kFurther, 1, Work::kStep);
  scheduler().SetLimit(75);
  EXPECT_EQ(NextIds(kFurther), Ids{3});  // what it holds it may use
}

TEST_F(SchedulerTest, FurtherPictureLanesTakeASmallerRequestWhereTheNextIsTooLarge) {
  Create({.picture_lanes = 2});
  scheduler().SetLimit(100);
  Submit(1, Bytes(0, 0, 60));
  Submit(2, Bytes(0, 0, 40));
  EXPECT_EQ(NextIds(kFurther), Ids{2});
  EXPECT_EQ(NextIds(kPicture), Ids{1});
  EXPECT_EQ(scheduler().room(), 0);
}

// With lanes that took memory whenever some is free, two of them would keep the head waiting for as long as there are
// steps: one is always busy.
TEST_F(SchedulerTest, FurtherPictureLanesDoNotKeepTheHeadWaiting) {
  Create({.picture_lanes = 3});
  scheduler().SetLimit(100);
  for (RequestId id = 1; id <= 3; ++id) Submit(id, Bytes(0, 0, 30));
  ASSERT_EQ(NextIds(kFurther), Ids{1});
  ASSERT_EQ(NextIds(3), Ids{2});
  Submit(4, Bytes(70, 0, 30));
  EXPECT_TRUE(scheduler().IsQueued(4));
  Finish(kFurther, 1, Work::kStep);
  EXPECT_EQ(ReleasedLanes(), std::vector<int>{kFurther});
  EXPECT_EQ(NextIds(kFurther), Ids());
  ASSERT_EQ(NextIds(kPicture), Ids{3});  // the main lane goes on
  Finish(3, 2, Work::kStep);
  EXPECT_EQ(ReleasedLanes(), std::vector<int>{3});
  EXPECT_EQ(Started(), (Ids{1, 2, 3, 4}));
  EXPECT_EQ(scheduler().room(), 0);
}

TEST_F(SchedulerTest, AFallenLimitIsKeptByWhatComesNext) {
  Create({.picture_lanes = 2});
  scheduler().SetLimit(100);
  Submit(1, Bytes(30, 0, 10));
  Submit(2, Bytes(30, 0, 10));
  scheduler().SetLimit(50);
  EXPECT_EQ(scheduler().room(), -20);
  Submit(3, Bytes(10, 0, 10));
  EXPECT_TRUE(scheduler().IsQueued(3));
  EXPECT_EQ(NextIds(kFurther), Ids());
  Run(kPicture, 1, std::nullopt);
  EXPECT_EQ(scheduler().memory_in_use(), 50);
  EXPECT_EQ(Started(), (Ids{1, 2, 3}));
}

}  // namespace
}  // namespace blip3o
