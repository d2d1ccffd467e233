// Mixed requests of many threads for a while, with cancels, deadlines, full queues and models that open and close; and
// what is held after thousands of them.
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "blip3o/blip3o.h"
#include "support/checkpoint_files.h"
#include "support/sample_requests.h"
#include "support/sanitized.h"

// How long the soak goes on, from CMake's variable of that name.
#ifndef BLIP3O_SOAK_SECONDS
#define BLIP3O_SOAK_SECONDS 4
#endif

namespace blip3o {
namespace {

using Clock = std::chrono::steady_clock;
using test::Results;
using test::SampleRequest;
using test::SampleRequests;

struct Known {
  SampleRequest sample;
  Results alone;
};

// Requests of one model, and what each yields alone.
std::vector<Known> Learn(const std::string& name, size_t count, uint64_t seed) {
  const std::filesystem::path path = test::GoldenCheckpoint(name);
  blip3o_model* model = nullptr;
  blip3o_error error;
  std::vector<Known> known;
  EXPECT_EQ(blip3o_model_open(path.c_str(), nullptr, &model, &error), BLIP3O_OK) << error.message;
  if (model == nullptr) return known;
  SampleRequests samples(model, seed);
  while (known.size() < count) {
    SampleRequest sample = samples.Draw();
    Results alone = test::RunAlone(path, BLIP3O_COMPUTE_F32, sample);
    EXPECT_EQ(alone.status, BLIP3O_OK) << sample.name << ": " << alone.message;
    known.push_back({std::move(sample), std::move(alone)});
  }
  blip3o_model_close(model);
  return known;
}

// A model that is closed and opened again beside those that use it: they find another one, with other options.
class ChangingModel {
 public:
  explicit ChangingModel(const std::string& name) : path_(test::GoldenCheckpoint(name)) { Change(); }
  ~ChangingModel() { blip3o_model_close(model_); }
  ChangingModel(const ChangingModel&) = delete;
  ChangingModel& operator=(const ChangingModel&) = delete;

  void Change() {
    const std::unique_lock lock(mutex_);
    blip3o_model_close(model_);
    blip3o_model_options options;
    blip3o_model_options_default(&options);
    options.compute = BLIP3O_COMPUTE_F32;
    options.threads = 1 + opened_ / 2 % 4;
    // Every other model holds few requests at once, and few wait for it.
    options.memory_limit_bytes = opened_ % 2 == 0 ? int64_t{12} << 20 : 0;
    options.queue_limit = opened_ % 2 == 0 ? 1 : 0;
    ++opened_;
    blip3o_error error;
    EXPECT_EQ(blip3o_model_open(path_.c_str(), &options, &model_, &error), BLIP3O_OK) << error.message;
  }

  blip3o_status Submit(const blip3o_request& request, blip3o_job** job, blip3o_error* error) {
    const std::shared_lock lock(mutex_);
    return blip3o_model_submit(model_, &request, job, error);
  }

  // The sums hold at any moment.
  void CheckMetrics() {
    const std::shared_lock lock(mutex_);
    blip3o_metrics m;
    blip3o_model_metrics(model_, &m);
    EXPECT_EQ(m.submitted, m.queued + m.running + m.done + m.failed + m.cancelled + m.expired);
    EXPECT_EQ(m.failed, 0);
    EXPECT_LE(m.memory_peak_bytes, m.memory_limit_bytes);
  }

  // One reader of whatever has a tag, until it is told to stop.
  void ReadReady(const std::atomic<bool>& stop) {
    uint64_t tag = 0;
    while (!stop) {
      const std::shared_lock lock(mutex_);
      (void)blip3o_model_next_ready(model_, 5, &tag);
    }
  }

 private:
  const std::filesystem::path path_;
  std::shared_mutex mutex_;
  blip3o_model* model_ = nullptr;
  int opened_ = 0;
};

// What came of the requests, over all threads.
struct Tally {
  std::mutex mutex;
  std::map<blip3o_status, int64_t> ends;

  void Add(blip3o_status status) {
    const std::lock_guard lock(mutex);
    ++ends[status];
  }
};

// A caller: requests, several at a time, until the time is over.
class Caller {
 public:
  Caller(ChangingModel& model, const std::vector<Known>& known, Tally& tally, uint64_t seed)
      : model_(model), known_(known), tally_(tally), random_(seed) {}

  void Call(Clock::time_point end) {
    for (int64_t call = 0; Clock::now() < end; ++call) {
      std::vector<Guest> guests;
      // At first, and now and then, more than have room.
      const uint64_t count = call % 8 == 0 ? 50 : 1 + Below(6);
      for (uint64_t i = 0; i < count; ++i) Submit(guests);
      for (Guest& guest : guests) Finish(guest);
      model_.CheckMetrics();
    }
  }

 private:
  struct Guest {
    const Known* known;
    blip3o_job* job;
    bool hurried;  // has a deadline
  };

  uint64_t Below(uint64_t bound) { return random_() % bound; }

  void Submit(std::vector<Guest>& guests) {
    const Known& known = known_[Below(known_.size())];
    blip3o_request request = known.sample.request;
    request.priority = static_cast<int32_t>(Below(5)) - 2;
    request.tag = Below(3);
    if (Below(4) == 0) request.preview_steps = 1;
    if (Below(6) == 0) request.deadline_millis = static_cast<int64_t>(1 + Below(30));
    blip3o_job* job = nullptr;
    blip3o_error error;
    const blip3o_status status = model_.Submit(request, &job, &error);
    if (status == BLIP3O_OK) {
      guests.push_back({&known, job, request.deadline_millis > 0});
      return;
    }
    tally_.Add(status);
    EXPECT_EQ(status, BLIP3O_QUEUE_FULL) << error.message;
    EXPECT_GT(error.retry_after_millis, 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  void Finish(Guest& guest) {
    blip3o_event event;
    for (uint64_t i = Below(30); i > 0 && blip3o_job_next_event(guest.job, 50, &event) == 1; --i) {
    }
    const uint64_t fate = Below(10);
    if (fate < 2) blip3o_job_cancel(guest.job);
    if (fate == 9) {  // nobody waits for it
      blip3o_job_close(guest.job);
      return;
    }
    const Results results = test::TakeResults(guest.job);
    tally_.Add(results.status);
    if (results.status == BLIP3O_OK) {
      EXPECT_TRUE(results.values == guest.known->alone.values) << guest.known->sample.name;
    } else {
      // Cancelled by this one, or with its model.
      EXPECT_TRUE(results.status == BLIP3O_CANCELLED || (results.status == BLIP3O_DEADLINE_EXCEEDED && guest.hurried))
          << guest.known->sample.name << ": " << results.message;
    }
  }

  ChangingModel& model_;
  const std::vector<Known>& known_;
  Tally& tally_;
  std::mt19937_64 random_;
};

TEST(Soak, MixedRequestsOfManyThreads) {
  constexpr uint64_t kCallers = 4;
  constexpr size_t kKnown = test::kSanitized ? 10 : 24;  // of which each takes a model of its own
  const std::vector<Known> tiny = Learn("tiny", kKnown, 5), table = Learn("table", kKnown, 6);
  ChangingModel tiny_model("tiny"), table_model("table");
  Tally tally;
  std::atomic<bool> stop = false;
  const Clock::time_point end = Clock::now() + std::chrono::seconds(BLIP3O_SOAK_SECONDS);
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < kCallers; ++i) {
    threads.emplace_back(
        [&, i] { Caller(i % 2 == 0 ? tiny_model : table_model, i % 2 == 0 ? tiny : table, tally, i).Call(end); });
  }
  std::thread reader([&] { tiny_model.ReadReady(stop); });
  while (Clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(test::kSanitized ? 1000 : 150));
    tiny_model.Change();
    table_model.Change();
  }
  for (std::thread& thread : threads) thread.join();
  stop = true;
  reader.join();
  for (const blip3o_status status : {BLIP3O_OK, BLIP3O_CANCELLED, BLIP3O_DEADLINE_EXCEEDED, BLIP3O_QUEUE_FULL}) {
    EXPECT_GT(tally.ends[status], 0) << "no request ended with status " << status;
  }
}

// ---- What stays ----------------------------------------------------------------------------------------------------

// Pages that the process has in memory, in bytes; what the allocator keeps for later is given back first.
int64_t ResidentBytes() {
  malloc_trim(0);
  int64_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

// Requests of one seed, 30 in 100 of them cancelled at random moments, at most 16 at a time.
class Load {
 public:
  explicit Load(blip3o_model* model) : model_(model), samples_(model, 11), random_(11) {
    // Few enough that every lane has seen all of them early: products are compiled once for each lane and shape.
    for (int i = 0; i < 12; ++i) pool_.push_back(samples_.Draw());
    // As long as any, and more of them than the cache of prompts holds.
    for (int variant = 0; variant < 20; ++variant) longest_.push_back(samples_.Text(600, variant));
    for (SampleRequest& sample : longest_) sample.request.guidance = 2;
  }

  void Run(int count) {
    constexpr size_t kAtOnce = 16;
    std::vector<std::pair<blip3o_job*, bool>> jobs;
    for (int i = 0; i < count; ++i) {
      jobs.emplace_back(Submit(pool_[random_() % pool_.size()]), i % 10 < 3);
      if (jobs.size() == kAtOnce || i + 1 == count) Finish(jobs);
    }
    // The same at the end, so that what lanes and caches keep is the same.
    for (const SampleRequest& sample : longest_) jobs.emplace_back(Submit(sample), false);
    Finish(jobs);
  }

 private:
  blip3o_job* Submit(const SampleRequest& sample) {
    blip3o_job* job = nullptr;
    blip3o_error error;
    EXPECT_EQ(blip3o_model_submit(model_, &sample.request, &job, &error), BLIP3O_OK) << error.message;
    return job;
  }

  void Finish(std::vector<std::pair<blip3o_job*, bool>>& jobs) {
    for (const auto& [job, cancelled] : jobs) {
      if (!cancelled) continue;
      std::this_thread::sleep_for(std::chrono::microseconds(random_() % 1500));
      blip3o_job_cancel(job);
    }
    blip3o_error error;
    for (const auto& [job, cancelled] : jobs) {
      const blip3o_status status = blip3o_job_wait(job, &error);
      EXPECT_TRUE(status == BLIP3O_OK || (cancelled && status == BLIP3O_CANCELLED)) << error.message;
      blip3o_job_close(job);
    }
    jobs.clear();
  }

  blip3o_model* const model_;
  SampleRequests samples_;
  std::mt19937_64 random_;
  std::vector<SampleRequest> pool_, longest_;
};

TEST(Soak, WhatIsHeldDoesNotGrow) {
  // What is large goes back to the system at once: pages tell what is held, not how the allocator cut its heaps.
  mallopt(M_MMAP_THRESHOLD, 64 * 1024);
  // One heap, too: with one for each thread, which of them grows is chance.
  mallopt(M_ARENA_MAX, 1);
  blip3o_model_options options;
  blip3o_model_options_default(&options);
  options.threads = 2;
  blip3o_model* model = nullptr;
  blip3o_error error;
  ASSERT_EQ(blip3o_model_open(test::GoldenCheckpoint("tiny").c_str(), &options, &model, &error), BLIP3O_OK)
      << error.message;
  Load load(model);
  blip3o_metrics early, late;
  load.Run(100);
  blip3o_model_metrics(model, &early);
  const int64_t resident_early = ResidentBytes();
  load.Run(test::kSanitized ? 300 : 1900);
  blip3o_model_metrics(model, &late);
  const int64_t resident_late = ResidentBytes();
  EXPECT_EQ(late.memory_blocks, early.memory_blocks);
  EXPECT_EQ(late.memory_in_use_bytes, early.memory_in_use_bytes);
  EXPECT_GT(late.cancelled, late.submitted / 20);
  EXPECT_EQ(late.done + late.cancelled, late.submitted);
  const double growth = static_cast<double>(resident_late - resident_early) / static_cast<double>(resident_early);
  if (!test::kSanitized) {
    EXPECT_LE(std::abs(growth), 0.02) << resident_early << " bytes, then " << resident_late;
  }
  RecordProperty("resident_growth_percent", std::to_string(100 * growth));
  blip3o_model_close(model);
}

}  // namespace
}  // namespace blip3o
