// What is promised to many callers at once, through the C interface: order, priorities, deadlines, limits, memory,
// events, previews and metrics.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "blip3o/blip3o.h"
#include "support/checkpoint_files.h"
#include "support/sample_requests.h"

namespace blip3o {
namespace {

using Clock = std::chrono::steady_clock;
using test::Results;
using test::SampleRequest;
using test::SampleRequests;

constexpr int64_t kPrecision = 1024;
constexpr int32_t kLong = 1000;  // steps, of a request that ends long after all others

double SecondsSince(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

class ServingTest : public testing::Test {
 protected:
  void SetUp() override { Open({}); }
  void TearDown() override {
    CloseJobs();
    blip3o_model_close(model_);
  }

  static blip3o_model_options Options(int32_t threads, int64_t memory_limit_bytes = 0, int32_t queue_limit = 0) {
    blip3o_model_options options;
    blip3o_model_options_default(&options);
    options.threads = threads;
    options.memory_limit_bytes = memory_limit_bytes;
    options.queue_limit = queue_limit;
    return options;
  }

  void Open(blip3o_model_options options) { Open(test::GoldenCheckpoint("tied"), options); }
  void Open(const std::filesystem::path& path, blip3o_model_options options) {
    CloseJobs();
    blip3o_model_close(model_);
    if (options.threads == 0) options.threads = 1;
    ASSERT_EQ(blip3o_model_open(path.c_str(), &options, &model_, &error_), BLIP3O_OK) << error_.message;
    blip3o_model_describe(model_, &info_);
  }

  // Text to image.
  blip3o_request Text(int32_t steps) {
    blip3o_request request;
    blip3o_request_default(model_, &request);
    request.prompt = prompt_.data();
    request.prompt_length = static_cast<int64_t>(prompt_.size());
    request.steps = steps;
    request.guidance = 1;
    request.seed = 5;
    return request;
  }

  // Only steps.
  blip3o_request Steps(int32_t steps) {
    blip3o_request request = Text(steps);
    condition_.resize(static_cast<size_t>(info_.caption_size));
    blip3o_noise_fill(1, condition_.data(), info_.caption_size);
    request.first_stage = request.last_stage = BLIP3O_STAGE_LATENTS;
    request.condition.data = condition_.data();
    request.condition.dtype = BLIP3O_F32;
    request.condition.rank = 2;
    request.condition.shape[0] = 1;
    request.condition.shape[1] = info_.caption_size;
    return request;
  }

  // Only the language half.
  blip3o_request Tokens() {
    blip3o_request request = Text(1);
    request.last_stage = BLIP3O_STAGE_TOKENS;
    return request;
  }

  // Closed with the test.
  blip3o_job* Submit(const blip3o_request& request) {
    blip3o_job* job = nullptr;
    EXPECT_EQ(blip3o_model_submit(model_, &request, &job, &error_), BLIP3O_OK) << error_.message;
    if (job != nullptr) jobs_.push_back(job);
    return job;
  }
  void CloseJobs() {
    for (blip3o_job* job : jobs_) blip3o_job_close(job);
    jobs_.clear();
  }

  blip3o_status Wait(blip3o_job* job) { return blip3o_job_wait(job, &error_); }

  blip3o_metrics Metrics() {
    blip3o_metrics metrics;
    blip3o_model_metrics(model_, &metrics);
    return metrics;
  }

  // The least limit with which the model takes the request, what it needs alone, to kPrecision bytes.
  int64_t LeastLimit(const blip3o_request& request, int32_t threads = 1,
                     const std::filesystem::path& path = test::GoldenCheckpoint("tied")) {
    const auto takes = [&](int64_t limit) {
      Open(path, Options(threads, limit));
      blip3o_job* job = nullptr;
      const blip3o_status status = blip3o_model_submit(model_, &request, &job, &error_);
      blip3o_job_close(job);
      return status == BLIP3O_OK;
    };
    EXPECT_FALSE(takes(1));
    constexpr char kBefore[] = "the request takes ";  // so many MiB, rounded up
    const char* const number = std::strstr(error_.message, kBefore);
    EXPECT_NE(number, nullptr) << error_.message;
    if (number == nullptr) return 0;
    int64_t taken = std::atoll(number + sizeof(kBefore) - 1) << 20, refused = taken - (1 << 20);
    EXPECT_TRUE(takes(taken)) << error_.message;
    while (taken - refused > kPrecision) {
      const int64_t limit = (refused + taken) / 2;
      (takes(limit) ? taken : refused) = limit;
    }
    return taken;
  }

  // A model of 400 image tokens and long prompts.
  void OpenWithManyTokens(int32_t latency_target_millis) {
    copy_.PatchJson("config.json", R"({"max_position_embeddings": 65536, "vision_tower_config": {"image_size": 280}})");
    blip3o_model_options options = Options(1);
    options.latency_target_millis = latency_target_millis;
    Open(copy_.path(), options);
    ASSERT_EQ(info_.image_tokens, 400);
  }

  blip3o_model* model_ = nullptr;
  blip3o_model_info info_ = {};
  blip3o_error error_ = {};
  std::vector<blip3o_job*> jobs_;
  std::vector<int32_t> prompt_ = {1, 2, 3, 4, 5};
  std::vector<float> condition_;
  const test::CheckpointCopy copy_{"tied"};
};

bool IsLast(const blip3o_event& event) { return event.kind >= BLIP3O_EVENT_DONE; }

// The events that are there now.
std::vector<blip3o_event> Unread(blip3o_job* job) {
  std::vector<blip3o_event> events;
  blip3o_event event;
  while (blip3o_job_next_event(job, 0, &event) == 1) events.push_back(event);
  return events;
}

bool HasEnded(blip3o_job* job) {
  const std::vector<blip3o_event> events = Unread(job);
  return !events.empty() && IsLast(events.back());
}

// Reads to the first event of the kind; whether there was one.
bool ReadTo(blip3o_job* job, blip3o_event_kind kind, int32_t index = -1) {
  blip3o_event event;
  while (blip3o_job_next_event(job, -1, &event) == 1) {
    if (event.kind == kind && (index < 0 || event.index == index)) return true;
  }
  return false;
}

int32_t CountOf(const std::vector<blip3o_event>& events, blip3o_event_kind kind) {
  return static_cast<int32_t>(
      std::count_if(events.begin(), events.end(), [&](const blip3o_event& event) { return event.kind == kind; }));
}

// ---- The queue -----------------------------------------------------------------------------------------------------

TEST_F(ServingTest, SubmitDoesNotWaitForWork) {
  blip3o_job* running = Submit(Text(kLong));
  ASSERT_TRUE(ReadTo(running, BLIP3O_EVENT_STEP));
  for (int i = 0; i < 100; ++i) Submit(Text(kLong));
  EXPECT_FALSE(HasEnded(running));
  EXPECT_EQ(Metrics().submitted, 101);
}

// Fitting the map of previews takes many small decodes, with which submission has nothing to do.
TEST_F(ServingTest, SubmitDoesNotWaitForTheFirstPreview) {
  Open(test::GoldenCheckpoint("demo"), Options(1));
  blip3o_request request = Steps(2);
  request.preview_steps = 1;
  blip3o_job* first = Submit(request);
  ASSERT_TRUE(ReadTo(first, BLIP3O_EVENT_STARTED));
  double longest = 0;
  // No more than the queue takes, however slow the fit is.
  for (int submitted = 0; CountOf(Unread(first), BLIP3O_EVENT_STEP) == 0;) {
    const Clock::time_point begin = Clock::now();
    if (submitted++ < 100) Submit(request);
    longest = std::max(longest, SecondsSince(begin));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ASSERT_EQ(Wait(first), BLIP3O_OK) << error_.message;
  blip3o_timings timings;
  blip3o_job_timings(first, &timings);
  EXPECT_LT(longest, 0.8 * timings.condition);  // one that waits for the fit takes nearly all of its time
}

TEST_F(ServingTest, ThoseThatWaitAreToldHowManyAreAhead) {
  Open(Options(1, LeastLimit(Text(kLong))));
  const std::vector<std::pair<int32_t, int32_t>> priority_and_ahead = {{0, 0}, {0, 0},  {0, 1},   {5, 0},  {5, 1},
                                                                       {0, 4}, {-1, 5}, {100, 0}, {-1, 7}, {5, 3}};
  for (const auto& [priority, ahead] : priority_and_ahead) {
    blip3o_request request = Text(kLong);
    request.priority = priority;
    blip3o_event event;
    blip3o_job* job = Submit(request);
    ASSERT_EQ(blip3o_job_next_event(job, 0, &event), 1);
    EXPECT_EQ(event.kind, BLIP3O_EVENT_QUEUED);
    EXPECT_EQ(event.index, ahead);
  }
  EXPECT_EQ(Metrics().running, 1);
  EXPECT_EQ(Metrics().queued, 9);
}

TEST_F(ServingTest, PrioritiesOvertakeInTheQueue) {
  Open(Options(1, LeastLimit(Text(2))));
  blip3o_job* running = Submit(Text(kLong));
  const std::vector<int32_t> priorities = {0, -1, 5, 0, 100, 5, -100};
  std::vector<std::pair<double, size_t>> starts;
  std::vector<blip3o_job*> jobs;
  const Clock::time_point begin = Clock::now();
  std::vector<double> submitted;
  for (const int32_t priority : priorities) {
    blip3o_request request = Text(2);
    request.priority = priority;
    submitted.push_back(SecondsSince(begin));
    jobs.push_back(Submit(request));
  }
  blip3o_job_cancel(running);
  for (size_t i = 0; i < jobs.size(); ++i) {
    ASSERT_EQ(Wait(jobs[i]), BLIP3O_OK) << error_.message;
    blip3o_timings timings;
    blip3o_job_timings(jobs[i], &timings);
    starts.emplace_back(submitted[i] + timings.queued, i);
  }
  std::sort(starts.begin(), starts.end());
  std::vector<size_t> order;
  for (const auto& [start, i] : starts) order.push_back(i);
  EXPECT_EQ(order, (std::vector<size_t>{4, 2, 5, 0, 3, 1, 6}));
}

TEST_F(ServingTest, PrioritiesOvertakeInTurns) {
  // Steps that another request had from the submission of one with 200 steps to its end, and to our hearing of it.
  constexpr int32_t kSteps = 200;
  const auto others_steps = [&](int32_t priority) {
    CloseJobs();
    blip3o_job* other = Submit(Steps(kLong));
    EXPECT_TRUE(ReadTo(other, BLIP3O_EVENT_STEP));
    const int64_t before = Metrics().steps;
    blip3o_request request = Steps(kSteps);
    request.priority = priority;
    EXPECT_EQ(Wait(Submit(request)), BLIP3O_OK) << error_.message;
    return Metrics().steps - before - kSteps;
  };
  EXPECT_GT(others_steps(0), kSteps * 3 / 4);
  int64_t least = kLong;
  for (int attempt = 0; attempt < 10 && least > kSteps / 4; ++attempt) least = std::min(least, others_steps(1));
  EXPECT_LE(least, kSteps / 4);
}

TEST_F(ServingTest, AFullQueueRefusesAtOnce) {
  Open(Options(1, LeastLimit(Text(kLong)), 2));
  Submit(Text(kLong));
  Submit(Text(kLong));
  blip3o_job* last = Submit(Text(kLong));
  const blip3o_request request = Text(1);
  blip3o_job* refused = last;
  EXPECT_EQ(blip3o_model_submit(model_, &request, &refused, &error_), BLIP3O_QUEUE_FULL);
  EXPECT_EQ(refused, nullptr);
  EXPECT_EQ(error_.status, BLIP3O_QUEUE_FULL);
  EXPECT_GT(error_.retry_after_millis, 0);
  EXPECT_NE(std::string(error_.message).find("2 requests wait"), std::string::npos) << error_.message;
  blip3o_metrics metrics = Metrics();
  EXPECT_EQ(metrics.refused, 1);
  EXPECT_EQ(metrics.queued, 2);
  EXPECT_EQ(metrics.submitted, 3);
  blip3o_job_cancel(last);
  Submit(request);
  EXPECT_EQ(Metrics().queued, 2);
}

// ---- Deadlines and cancellation ------------------------------------------------------------------------------------

TEST_F(ServingTest, ADeadlineEndsTheOneThatWaits) {
  Open(Options(1, LeastLimit(Text(kLong))));
  blip3o_job* running = Submit(Text(kLong));
  blip3o_request request = Text(1);
  request.deadline_millis = 50;
  const Clock::time_point begin = Clock::now();
  blip3o_job* job = Submit(request);
  EXPECT_EQ(Wait(job), BLIP3O_DEADLINE_EXCEEDED);
  EXPECT_GE(SecondsSince(begin), 0.05);
  EXPECT_NE(std::string(error_.message).find("50 ms"), std::string::npos) << error_.message;
  EXPECT_NE(std::string(error_.message).find("waiting to be started"), std::string::npos) << error_.message;
  EXPECT_FALSE(HasEnded(running));
  EXPECT_EQ(Unread(job).back().kind, BLIP3O_EVENT_FAILED);
  EXPECT_EQ(Metrics().expired, 1);
}

TEST_F(ServingTest, ADeadlineEndsTheOneThatRuns) {
  blip3o_request request = Text(kLong);
  request.deadline_millis = 30;
  blip3o_job* other = Submit(Text(kLong));
  const Clock::time_point begin = Clock::now();
  blip3o_job* job = Submit(request);
  EXPECT_EQ(Wait(job), BLIP3O_DEADLINE_EXCEEDED);
  EXPECT_GE(SecondsSince(begin), 0.03);
  EXPECT_NE(std::string(error_.message).find("being worked on"), std::string::npos) << error_.message;
  EXPECT_FALSE(HasEnded(other));
  const std::vector<blip3o_event> events = Unread(job);
  EXPECT_EQ(events.back().kind, BLIP3O_EVENT_FAILED);
  EXPECT_EQ(CountOf(events, BLIP3O_EVENT_STARTED), 1);
  EXPECT_EQ(Metrics().expired, 1);
}

TEST_F(ServingTest, CancellingTheOneThatWaitsEndsItAtOnce) {
  Open(Options(1, LeastLimit(Text(kLong))));
  blip3o_job* running = Submit(Text(kLong));
  blip3o_job* job = Submit(Text(1));
  blip3o_job_cancel(job);
  const std::vector<blip3o_event> events = Unread(job);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].kind, BLIP3O_EVENT_QUEUED);
  EXPECT_EQ(events[1].kind, BLIP3O_EVENT_CANCELLED);
  EXPECT_EQ(Wait(job), BLIP3O_CANCELLED);
  EXPECT_FALSE(HasEnded(running));
  EXPECT_EQ(Metrics().cancelled, 1);
}

// Within one step and one token, and all its memory is back.
TEST_F(ServingTest, CancellingTheOneThatRunsEndsItWithItsPieceOfWork) {
  prompt_.assign(600, 7);
  ASSERT_EQ(Wait(Submit(Text(1))), BLIP3O_OK) << error_.message;
  const blip3o_metrics before = Metrics();
  for (const blip3o_event_kind kind : {BLIP3O_EVENT_STARTED, BLIP3O_EVENT_TOKEN, BLIP3O_EVENT_STEP}) {
    for (int k = 0; k < 5; ++k) {
      blip3o_job* job = Submit(Text(kLong));
      ASSERT_TRUE(ReadTo(job, kind));
      (void)Unread(job);
      blip3o_job_cancel(job);
      (void)Unread(job);
      EXPECT_EQ(Wait(job), BLIP3O_CANCELLED);
      const blip3o_metrics after = Metrics();
      EXPECT_EQ(after.memory_in_use_bytes, before.memory_in_use_bytes);
      EXPECT_EQ(after.memory_blocks, before.memory_blocks);
      const std::vector<blip3o_event> rest = Unread(job);
      EXPECT_LE(rest.size(), 2u);
      if (!rest.empty()) {
        EXPECT_EQ(rest.back().kind, BLIP3O_EVENT_CANCELLED);
      }
    }
  }
}

// ---- Memory --------------------------------------------------------------------------------------------------------

TEST_F(ServingTest, WhatNeverFitsIsRefusedAndWhatFitsAloneWaitsForItsTurn) {
  const int64_t least = LeastLimit(Text(20));
  Open(Options(1, least - kPrecision));
  const blip3o_request request = Text(20);
  blip3o_job* job = nullptr;
  EXPECT_EQ(blip3o_model_submit(model_, &request, &job, &error_), BLIP3O_OUT_OF_MEMORY);
  EXPECT_EQ(job, nullptr);
  for (const char* word : {"too little memory", "the request takes", "MiB", "the limit is"}) {
    EXPECT_NE(std::string(error_.message).find(word), std::string::npos) << error_.message << " lacks " << word;
  }
  EXPECT_EQ(Metrics().submitted, 0);
  Open(Options(1, least));
  std::vector<blip3o_job*> jobs;
  for (int i = 0; i < 5; ++i) jobs.push_back(Submit(request));
  EXPECT_EQ(Metrics().queued, 4);
  double queued = 0;
  for (blip3o_job* waiting : jobs) {
    ASSERT_EQ(Wait(waiting), BLIP3O_OK) << error_.message;
    blip3o_timings timings;
    blip3o_job_timings(waiting, &timings);
    EXPECT_GE(timings.queued, queued);
    queued = timings.queued;
  }
  EXPECT_GT(queued, 0);
  EXPECT_LE(Metrics().memory_peak_bytes, least);
  EXPECT_EQ(Metrics().memory_limit_bytes, least);
}

// Whoever ends, is cancelled or waits, the memory that is held never exceeds the limit.
TEST_F(ServingTest, TheLimitHoldsInAnyCompany) {
  prompt_.assign(300, 7);
  for (const int32_t threads : {1, 3}) {
    const int64_t limit = LeastLimit(Text(20), threads) * 3 / 2;
    Open(Options(threads, limit));
    for (int i = 0; i < 60; ++i) {
      prompt_[0] = i % 7;
      blip3o_request request = i % 3 == 0 ? Steps(1 + i % 5) : Text(1 + i % 4);
      request.prompt_length = i % 2 == 0 ? 300 : 20;
      blip3o_job* job = Submit(request);
      if (i % 4 == 3) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      if (i % 5 == 4) blip3o_job_cancel(job);
    }
    for (blip3o_job* job : jobs_) {
      const blip3o_status status = Wait(job);
      EXPECT_TRUE(status == BLIP3O_OK || status == BLIP3O_CANCELLED) << error_.message;
    }
    EXPECT_LE(Metrics().memory_peak_bytes, limit);
    EXPECT_GT(Metrics().done, 30);
  }
}

// A limit that holds few prompts holds the latest.
TEST_F(ServingTest, TheLatestPromptsAreKept) {
  prompt_.assign(600, 7);
  Open(Options(1, LeastLimit(Text(1)) * 6));
  for (int i = 0; i < 20; ++i) {
    prompt_[0] = i;
    ASSERT_EQ(Wait(Submit(Tokens())), BLIP3O_OK) << error_.message;
    EXPECT_EQ(Metrics().prompts_reused, i);
    ASSERT_EQ(Wait(Submit(Tokens())), BLIP3O_OK) << error_.message;
    EXPECT_EQ(Metrics().prompts_reused, i + 1);
  }
  EXPECT_EQ(Metrics().prompts_computed, 20);
}

// ---- Events --------------------------------------------------------------------------------------------------------

TEST_F(ServingTest, EventsThatNobodyReadsHinderNobody) {
  std::vector<blip3o_job*> unread;
  for (uint64_t tag = 1; tag <= 30; ++tag) {
    blip3o_request request = Text(2);
    request.tag = tag;
    unread.push_back(Submit(request));
  }
  ASSERT_EQ(Wait(Submit(Text(2))), BLIP3O_OK);
  for (blip3o_job* job : unread) {
    ASSERT_EQ(Wait(job), BLIP3O_OK);
    const std::vector<blip3o_event> events = Unread(job);
    EXPECT_EQ(events.front().kind, BLIP3O_EVENT_QUEUED);
    EXPECT_EQ(CountOf(events, BLIP3O_EVENT_TOKEN), info_.image_tokens);
    EXPECT_EQ(events.back().kind, BLIP3O_EVENT_DONE);
  }
}

TEST_F(ServingTest, OneReaderIsToldWhichJobsHaveEvents) {
  constexpr uint64_t kTag = 42;
  blip3o_request request = Steps(kLong);
  uint64_t tag = 0;
  Submit(request);  // without a tag
  EXPECT_EQ(blip3o_model_next_ready(model_, 20, &tag), 0);
  request.tag = kTag;
  blip3o_job* job = Submit(request);
  ASSERT_EQ(blip3o_model_next_ready(model_, -1, &tag), 1);
  EXPECT_EQ(tag, kTag);
  // It was told, and its events are there until they are read.
  EXPECT_EQ(blip3o_model_next_ready(model_, 20, &tag), 0);
  EXPECT_FALSE(Unread(job).empty());
  ASSERT_EQ(blip3o_model_next_ready(model_, -1, &tag), 1);
  EXPECT_EQ(tag, kTag);
  blip3o_job_cancel(job);
  EXPECT_EQ(Wait(job), BLIP3O_CANCELLED);
  while (!HasEnded(job)) {
  }
  while (blip3o_model_next_ready(model_, 20, &tag) == 1) EXPECT_TRUE(Unread(job).empty());
}

TEST_F(ServingTest, OneReaderServesManyJobs) {
  constexpr uint64_t kJobs = 20;
  std::vector<std::vector<blip3o_event>> events(kJobs);
  std::vector<blip3o_job*> jobs;
  for (uint64_t i = 0; i < kJobs; ++i) {
    blip3o_request request = Text(3);
    request.tag = i + 1;
    jobs.push_back(Submit(request));
  }
  uint64_t tag = 0, ended = 0;
  while (ended < kJobs && blip3o_model_next_ready(model_, 20000, &tag) == 1) {
    ASSERT_TRUE(1 <= tag && tag <= kJobs);
    for (const blip3o_event& event : Unread(jobs[tag - 1])) {
      events[tag - 1].push_back(event);
      ended += IsLast(event);
    }
  }
  EXPECT_EQ(ended, kJobs);
  for (const auto& own : events) {
    EXPECT_EQ(CountOf(own, BLIP3O_EVENT_TOKEN), info_.image_tokens);
    EXPECT_EQ(CountOf(own, BLIP3O_EVENT_STEP), 3);
    EXPECT_EQ(own.back().kind, BLIP3O_EVENT_DONE);
  }
}

TEST_F(ServingTest, WakeEndsOneWait) {
  uint64_t tag = 0;
  int32_t found = -1;
  std::thread reader([&] { found = blip3o_model_next_ready(model_, -1, &tag); });
  blip3o_model_wake(model_);
  reader.join();
  EXPECT_EQ(found, 0);
  blip3o_model_wake(model_);  // nobody waits: the next one hears of it
  EXPECT_EQ(blip3o_model_next_ready(model_, -1, &tag), 0);
}

// The largest timeout is no overflow: it waits for the event.
TEST_F(ServingTest, AnyTimeoutIsATimeout) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  blip3o_request request = Text(1);
  request.tag = 1;
  blip3o_event event;
  uint64_t tag = 0;
  blip3o_job* job = Submit(request);
  EXPECT_EQ(blip3o_model_next_ready(model_, kMost, &tag), 1);
  int count = 0;
  while (blip3o_job_next_event(job, kMost, &event) == 1) ++count;
  EXPECT_TRUE(IsLast(event));
  EXPECT_GT(count, info_.image_tokens);
}

TEST_F(ServingTest, PreviewsComeEveryFewStepsButNotAfterTheLast) {
  blip3o_request request = Text(10);
  const Results without = test::TakeResults(Submit(request));
  jobs_.clear();
  ASSERT_EQ(without.status, BLIP3O_OK) << without.message;
  for (const auto& [every, previews, last] : {std::tuple(3, 3, 9), std::tuple(5, 1, 5), std::tuple(10, 0, 0)}) {
    const int64_t before = Metrics().previews;
    request.preview_steps = every;
    blip3o_job* job = Submit(request);
    ASSERT_EQ(Wait(job), BLIP3O_OK) << error_.message;
    EXPECT_EQ(Metrics().previews, before + previews);
    // Nobody read: the last one is left, in its place.
    blip3o_event event;
    int32_t step = 0, left = 0;
    while (blip3o_job_next_event(job, 0, &event) == 1) {
      if (event.kind == BLIP3O_EVENT_STEP) step = event.index;
      if (event.kind != BLIP3O_EVENT_PREVIEW) continue;
      ++left;
      EXPECT_EQ(event.index, last);
      EXPECT_EQ(event.count, 10);
      EXPECT_EQ(step, last);
      EXPECT_EQ(event.preview.dtype, BLIP3O_U8);
      ASSERT_EQ(event.preview.rank, 3);
      EXPECT_EQ(event.preview.shape[0], info_.latent_height);
      EXPECT_EQ(event.preview.shape[1], info_.latent_width);
      EXPECT_EQ(event.preview.shape[2], 3);
      const auto* pixels = static_cast<const uint8_t*>(event.preview.data);
      const std::vector<uint8_t> bytes(pixels, pixels + info_.latent_height * info_.latent_width * 3);
      EXPECT_NE(*std::max_element(bytes.begin(), bytes.end()), *std::min_element(bytes.begin(), bytes.end()));
    }
    EXPECT_EQ(left, previews > 0 ? 1 : 0);
    const Results with = test::TakeResults(job);
    jobs_.clear();
    EXPECT_EQ(with.values, without.values) << "previews every " << every;
  }
}

// A reader that keeps up sees each of them.
TEST_F(ServingTest, AReaderSeesEveryPreviewWhileItKeepsUp) {
  blip3o_request request = Text(kLong);
  request.preview_steps = 1;
  blip3o_job* job = Submit(request);
  int32_t seen = 0;
  for (int32_t last = 0; seen < 20;) {
    blip3o_event event;
    ASSERT_EQ(blip3o_job_next_event(job, -1, &event), 1);
    if (event.kind != BLIP3O_EVENT_PREVIEW) continue;
    ASSERT_GT(event.index, last);
    ASSERT_NE(event.preview.data, nullptr);
    last = event.index;
    ++seen;
  }
}

// ---- Sharing -------------------------------------------------------------------------------------------------------

TEST_F(ServingTest, StepsOfTwoRequestsAlternate) {
  blip3o_job* a = Submit(Steps(400));
  ASSERT_TRUE(ReadTo(a, BLIP3O_EVENT_STEP));
  blip3o_job* b = Submit(Steps(400));
  int32_t steps_a = 1 + CountOf(Unread(a), BLIP3O_EVENT_STEP), steps_b = 0;
  ASSERT_TRUE(ReadTo(b, BLIP3O_EVENT_STEP));
  ++steps_b;
  steps_a += CountOf(Unread(a), BLIP3O_EVENT_STEP);
  const int32_t ahead = steps_a;  // at most so many before they began to take turns
  // Whoever is read last has come further meanwhile, never less far.
  while (steps_b < 200) {
    ASSERT_TRUE(ReadTo(b, BLIP3O_EVENT_STEP));
    steps_b += 1 + CountOf(Unread(b), BLIP3O_EVENT_STEP);
    steps_a += CountOf(Unread(a), BLIP3O_EVENT_STEP);
    ASSERT_GE(steps_a, std::min(400, steps_b));
    const int32_t known_a = steps_a;
    steps_b += CountOf(Unread(b), BLIP3O_EVENT_STEP);
    ASSERT_GE(steps_b, std::min(400, known_a - ahead - 2));
  }
}

TEST_F(ServingTest, TokensOfOneRunBesideStepsOfAnother) {
  OpenWithManyTokens(1);
  blip3o_job* steps = Submit(Steps(kLong));
  ASSERT_TRUE(ReadTo(steps, BLIP3O_EVENT_STEP));
  blip3o_job* tokens = Submit(Tokens());
  ASSERT_TRUE(ReadTo(tokens, BLIP3O_EVENT_TOKEN));
  (void)Unread(steps);
  ASSERT_EQ(Wait(tokens), BLIP3O_OK) << error_.message;
  const std::vector<blip3o_event> meanwhile = Unread(steps);
  EXPECT_GT(CountOf(meanwhile, BLIP3O_EVENT_STEP), 0);
  EXPECT_EQ(CountOf(meanwhile, BLIP3O_EVENT_DONE), 0);
}

// With a small latency target the chunks of a newcomer's prompt get a part of the time; those who draw get the rest.
TEST_F(ServingTest, ANewcomersLongPromptDoesNotStallTheOthersTokens) {
  OpenWithManyTokens(1);
  ASSERT_EQ(Wait(Submit(Tokens())), BLIP3O_OK) << error_.message;  // so that it knows what tokens and chunks take
  blip3o_job* drawing = Submit(Tokens());
  ASSERT_TRUE(ReadTo(drawing, BLIP3O_EVENT_TOKEN));
  prompt_.assign(8000, 3);
  blip3o_job* newcomer = Submit(Tokens());
  ASSERT_TRUE(ReadTo(newcomer, BLIP3O_EVENT_STARTED));
  ASSERT_EQ(Wait(drawing), BLIP3O_OK);
  EXPECT_EQ(CountOf(Unread(newcomer), BLIP3O_EVENT_TOKEN), 0);
}

// ---- Metrics and the end -------------------------------------------------------------------------------------------

TEST_F(ServingTest, MetricsAddUp) {
  Open(Options(2, 0, 4));
  const auto check = [&] {
    const blip3o_metrics m = Metrics();
    EXPECT_EQ(m.submitted, m.queued + m.running + m.done + m.failed + m.cancelled + m.expired);
    EXPECT_EQ(m.started, m.running + m.done + m.failed + m.cancelled + m.expired);  // none ended in the queue
    EXPECT_LE(m.memory_in_use_bytes, m.memory_peak_bytes);
    EXPECT_LE(m.token_batches, m.tokens);
    return m;
  };
  constexpr int kDone = 12, kSteps = 3;
  for (int i = 0; i < kDone; ++i) {
    prompt_[0] = i % 4;
    Submit(Text(kSteps));
    check();
  }
  blip3o_request late = Text(kLong);
  late.deadline_millis = 10;
  Submit(late);
  blip3o_job* cancelled = Submit(Text(kLong));
  ASSERT_TRUE(ReadTo(cancelled, BLIP3O_EVENT_STARTED));
  blip3o_job_cancel(cancelled);
  while (Metrics().running > 0) check();
  const blip3o_metrics m = check();
  EXPECT_EQ(m.submitted, kDone + 2);
  EXPECT_EQ(m.done, kDone);
  EXPECT_EQ(m.expired, 1);
  EXPECT_EQ(m.cancelled, 1);
  EXPECT_EQ(m.queued, 0);
  EXPECT_EQ(m.pictures, kDone);
  EXPECT_GE(m.steps, kDone * kSteps);
  EXPECT_GE(m.tokens, kDone * info_.image_tokens);
  EXPECT_GE(m.first_tokens, kDone);
  EXPECT_GT(m.first_token_seconds, 0);
  EXPECT_GE(m.queue_seconds, 0);
  EXPECT_GE(m.prompts_computed + m.prompts_reused, m.first_tokens);
  EXPECT_GE(m.prompts_reused, kDone - 4);
  for (const double seconds :
       {m.prefill_seconds, m.tokens_seconds, m.condition_seconds, m.steps_seconds, m.decode_seconds}) {
    EXPECT_GT(seconds, 0);
  }
}

TEST_F(ServingTest, AFailureIsItsOwnersAndIsCounted) {
  // Noise so large that the steps overflow.
  std::vector<float> noise(static_cast<size_t>(info_.latent_channels * info_.latent_height * info_.latent_width),
                           std::numeric_limits<float>::max());
  blip3o_request request = Text(2);
  request.noise.data = noise.data();
  request.noise.dtype = BLIP3O_F32;
  request.noise.rank = 3;
  request.noise.shape[0] = info_.latent_channels;
  request.noise.shape[1] = info_.latent_height;
  request.noise.shape[2] = info_.latent_width;
  blip3o_job* failing = Submit(request);
  blip3o_job* other = Submit(Text(2));
  EXPECT_EQ(Wait(failing), BLIP3O_NUMERIC_ERROR);
  EXPECT_EQ(Unread(failing).back().kind, BLIP3O_EVENT_FAILED);
  EXPECT_EQ(Wait(other), BLIP3O_OK) << error_.message;
  EXPECT_EQ(Metrics().failed, 1);
  EXPECT_EQ(Metrics().done, 1);
}

TEST_F(ServingTest, JobsAreReadableAfterTheModelIsClosed) {
  const Results expected = test::TakeResults(Submit(Text(2)));
  jobs_.clear();
  const std::vector<int32_t> long_prompt(300, 1);
  blip3o_request large = Text(kLong);
  large.prompt = long_prompt.data();
  large.prompt_length = static_cast<int64_t>(long_prompt.size());
  for (const int32_t threads : {1, 2, 4}) {
    const int64_t limit = LeastLimit(large, threads);
    Open(Options(threads, limit));
    blip3o_job* done = Submit(Text(2));
    ASSERT_EQ(Wait(done), BLIP3O_OK) << error_.message;
    std::vector<blip3o_job*> others;
    for (int i = 0; i < 40; ++i) {
      others.push_back(Submit(i % 3 == 0 ? Steps(kLong) : i % 3 == 1 ? Text(kLong) : large));
    }
    EXPECT_GT(Metrics().queued, 0);
    EXPECT_GT(Metrics().running, 0);
    blip3o_model_close(model_);
    model_ = nullptr;
    for (blip3o_job* job : others) {
      EXPECT_EQ(Wait(job), BLIP3O_CANCELLED);
      EXPECT_NE(std::string(error_.message).find("closed"), std::string::npos) << error_.message;
      const std::vector<blip3o_event> events = Unread(job);
      EXPECT_EQ(events.front().kind, BLIP3O_EVENT_QUEUED);
      EXPECT_EQ(events.back().kind, BLIP3O_EVENT_CANCELLED);
    }
    EXPECT_EQ(Unread(done).back().kind, BLIP3O_EVENT_DONE);
    jobs_.erase(jobs_.begin());
    EXPECT_EQ(test::TakeResults(done).values, expected.values);
  }
}

// Lanes end one after the other: the end of the last work may ask one that is gone for its memory.
TEST_F(ServingTest, ClosingFindsTheMemoryOfLanesThatAreGone) {
  copy_.PatchJson("config.json", R"({"max_position_embeddings": 65536})");
  const std::vector<int32_t> ids(40000, 1);
  blip3o_request running = Tokens(), waiting = Tokens();
  running.prompt = waiting.prompt = ids.data();
  running.prompt_length = 20000;
  waiting.prompt_length = 40000;
  const int64_t limit = LeastLimit(waiting, 1, copy_.path());
  for (int attempt = 0; attempt < 5; ++attempt) {
    Open(copy_.path(), Options(1, limit));
    ASSERT_EQ(Wait(Submit(Steps(1))), BLIP3O_OK) << error_.message;  // of which the picture lane keeps its memory
    ASSERT_TRUE(ReadTo(Submit(running), BLIP3O_EVENT_STARTED));
    Submit(waiting);
    EXPECT_EQ(Metrics().queued, 1);
    blip3o_model_close(model_);
    model_ = nullptr;
    for (size_t i = 1; i < jobs_.size(); ++i) EXPECT_EQ(Wait(jobs_[i]), BLIP3O_CANCELLED);
  }
}

TEST_F(ServingTest, ClosingAtAnyMomentEndsWell) {
  const std::vector<int32_t> long_prompt(700, 1);
  blip3o_request large = Text(kLong), small = Steps(kLong);
  large.prompt = long_prompt.data();
  large.prompt_length = static_cast<int64_t>(long_prompt.size());
  const std::vector<int64_t> limits = {LeastLimit(large, 1), LeastLimit(large, 2), LeastLimit(large, 3)};
  for (int attempt = 0; attempt < 40; ++attempt) {
    Open(Options(1 + attempt % 3, limits[static_cast<size_t>(attempt) % 3]));
    for (int i = 0; i < 12; ++i) Submit((i + attempt) % 2 == 0 ? large : small);
    std::this_thread::sleep_for(std::chrono::microseconds(200 * attempt));
    for (int i = 0; i < 4; ++i) blip3o_job_cancel(jobs_[static_cast<size_t>(i)]);
    blip3o_model_close(model_);
    model_ = nullptr;
    for (blip3o_job* job : jobs_) EXPECT_EQ(Wait(job), BLIP3O_CANCELLED);
  }
}

}  // namespace
}  // namespace blip3o
