// A request's picture does not depend on its neighbours: whatever runs beside it, each result has the bytes that it has
// alone on a fresh engine of one thread.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <ostream>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "blip3o/blip3o.h"
#include "support/checkpoint_files.h"
#include "support/sample_requests.h"

namespace blip3o {
namespace {

using test::Results;
using test::SampleRequest;
using test::SampleRequests;

struct Setting {
  const char* model;
  blip3o_compute compute;
};

std::ostream& operator<<(std::ostream& out, const Setting& setting) {
  return out << setting.model << (setting.compute == BLIP3O_COMPUTE_F32 ? "_f32" : "_bf16");
}

class CompanyTest : public testing::TestWithParam<Setting> {
 protected:
  // A request, and what it yields alone.
  struct Known {
    SampleRequest sample;
    Results alone;
  };

  void SetUp() override { Open(1); }
  void TearDown() override { blip3o_model_close(model_); }

  void Open(int32_t threads, int32_t latency_target_millis = 0) {
    blip3o_model_close(model_);
    blip3o_model_options options;
    blip3o_model_options_default(&options);
    options.threads = threads;
    options.compute = GetParam().compute;
    options.latency_target_millis = latency_target_millis;
    ASSERT_EQ(blip3o_model_open(Path().c_str(), &options, &model_, &error_), BLIP3O_OK) << error_.message;
  }

  std::filesystem::path Path() const { return test::GoldenCheckpoint(GetParam().model); }

  Known Learn(SampleRequest sample) const {
    Results alone = test::RunAlone(Path(), GetParam().compute, sample);
    EXPECT_EQ(alone.status, BLIP3O_OK) << sample.name << ": " << alone.message;
    return {std::move(sample), std::move(alone)};
  }

  blip3o_job* Submit(const blip3o_request& request) {
    blip3o_job* job = nullptr;
    blip3o_error error;
    EXPECT_EQ(blip3o_model_submit(model_, &request, &job, &error), BLIP3O_OK) << error.message;
    return job;
  }

  blip3o_metrics Metrics() {
    blip3o_metrics metrics;
    blip3o_model_metrics(model_, &metrics);
    return metrics;
  }

  blip3o_model* model_ = nullptr;
  blip3o_error error_ = {};
};

void ExpectSame(const Results& found, const Results& alone, const std::string& what) {
  ASSERT_EQ(found.values.size(), alone.values.size()) << what;
  for (const auto& [value, bytes] : alone.values) {
    EXPECT_TRUE(found.values.contains(value) && found.values.at(value) == bytes) << what << ", value " << value;
  }
}

// One of a mix, and what is done to it.
struct Guest {
  size_t known = 0;
  int32_t priority = 0;
  int32_t preview_steps = 0;
  int64_t deadline_millis = 0;
  int64_t submit_after_micros = 0;
  int64_t cancel_after_micros = -1;  // never
};

// `hasty`: all come at once.
Guest DrawGuest(std::mt19937_64& random, size_t known, bool hasty) {
  const auto below = [&](uint64_t bound) { return random() % bound; };
  Guest guest;
  guest.known = below(known);
  if (below(3) == 0) guest.priority = static_cast<int32_t>(below(7)) - 3;
  if (below(4) == 0) guest.preview_steps = static_cast<int32_t>(1 + below(2));
  if (below(12) == 0) guest.deadline_millis = static_cast<int64_t>(1 + below(40));
  if (!hasty && below(2) == 0) guest.submit_after_micros = static_cast<int64_t>(below(2000));
  if (below(8) == 0) guest.cancel_after_micros = hasty ? 0 : static_cast<int64_t>(below(8000));
  return guest;
}

// 50 mixes, over all settings: of 1, 2, 8, 9 and 33 requests and any number, by three threads at random moments.
TEST_P(CompanyTest, RandomMixesHaveTheBytesOfEachAlone) {
  constexpr int kKnown = 36, kThreads = 3;
  const bool f32 = GetParam().compute == BLIP3O_COMPUTE_F32;
  const int mixes = f32 ? 15 : 10;
  const uint64_t seed = f32 ? 1 : 2;
  SampleRequests samples(model_, seed);
  std::mt19937_64 random(seed);
  std::vector<Known> known;
  for (int i = 0; i < kKnown; ++i) known.push_back(Learn(samples.Draw()));
  int64_t survivors = 0, tokens = 0, batches = 0;
  for (int mix = 0; mix < mixes; ++mix) {
    Open(1 + mix % 4);
    constexpr size_t kSizes[] = {33, 9, 8, 2, 1};
    const size_t size = mix % 3 == 2 ? 3 + random() % 40 : kSizes[static_cast<size_t>(mix) % 5];
    std::vector<Guest> guests;
    for (size_t i = 0; i < size; ++i) guests.push_back(DrawGuest(random, known.size(), mix % 2 == 0));
    std::vector<Results> results(size);
    const auto serve = [&](size_t first) {
      std::vector<std::pair<size_t, blip3o_job*>> jobs;
      for (size_t i = first; i < size; i += kThreads) {
        const Guest& guest = guests[i];
        std::this_thread::sleep_for(std::chrono::microseconds(guest.submit_after_micros));
        blip3o_request request = known[guest.known].sample.request;
        request.priority = guest.priority;
        request.preview_steps = guest.preview_steps;
        request.deadline_millis = guest.deadline_millis;
        jobs.emplace_back(i, Submit(request));
        if (guest.cancel_after_micros < 0) continue;
        std::this_thread::sleep_for(std::chrono::microseconds(guest.cancel_after_micros));
        blip3o_job_cancel(jobs.back().second);
      }
      for (const auto& [i, job] : jobs) results[i] = test::TakeResults(job);
    };
    std::vector<std::thread> threads;
    for (size_t t = 0; t < kThreads; ++t) threads.emplace_back(serve, t);
    for (std::thread& thread : threads) thread.join();
    for (size_t i = 0; i < size; ++i) {
      const Guest& guest = guests[i];
      const Known& expected = known[guest.known];
      const std::string what = "mix " + std::to_string(mix) + ", request " + std::to_string(i) + ", " +
                               expected.sample.name + ": " + results[i].message;
      if (results[i].status == BLIP3O_OK) {
        ExpectSame(results[i], expected.alone, what);
        ++survivors;
      } else {
        const bool cancelled = results[i].status == BLIP3O_CANCELLED && guest.cancel_after_micros >= 0;
        EXPECT_TRUE(cancelled || (results[i].status == BLIP3O_DEADLINE_EXCEEDED && guest.deadline_millis > 0)) << what;
      }
    }
    tokens += Metrics().tokens;
    batches += Metrics().token_batches;
  }
  EXPECT_GT(survivors, mixes * 5);
  EXPECT_GT(tokens, batches);
}

// A batch of exactly so many rows in every pass over the weights: while a long prompt of the highest priority is
// prefilled, all others come; then their prompts go before the first token, which a large latency target allows.
TEST_P(CompanyTest, EveryBatchSizeHasTheBytesOfEachAlone) {
  constexpr size_t kMost = 33;
  constexpr int32_t kLargeTarget = 600 * 1000;
  SampleRequests samples(model_, 3);
  std::vector<Known> known;
  for (size_t i = 0; i < kMost; ++i) {
    // The seventh is the sixth's prompt again, and so on.
    known.push_back(Learn(samples.Text(3 + 40 * static_cast<int64_t>(i / 2 % 8), 0, BLIP3O_STAGE_TOKENS)));
  }
  const Known blocker = Learn(samples.Text(900, 0, BLIP3O_STAGE_TOKENS));
  blip3o_model_info info;
  blip3o_model_describe(model_, &info);
  int32_t threads = 0;
  for (const size_t size : {size_t{1}, size_t{2}, size_t{8}, size_t{9}, kMost}) {
    bool exact = false;
    for (int attempt = 0; attempt < 20 && !exact; ++attempt) {
      Open(1 + threads++ % 4, kLargeTarget);
      blip3o_request first = blocker.sample.request;
      first.priority = 100;
      std::vector<blip3o_job*> jobs;
      if (size > 1) jobs.push_back(Submit(first));
      while (jobs.size() < size) jobs.push_back(Submit(known[jobs.size()].sample.request));
      for (size_t i = 0; i < size; ++i) {
        const Known& expected = size > 1 && i == 0 ? blocker : known[i];
        const Results results = test::TakeResults(jobs[i]);
        ASSERT_EQ(results.status, BLIP3O_OK) << results.message;
        ExpectSame(results, expected.alone, std::to_string(i) + " of " + std::to_string(size));
      }
      const blip3o_metrics metrics = Metrics();
      EXPECT_EQ(metrics.tokens, static_cast<int64_t>(size) * info.image_tokens);
      exact = metrics.token_batches == info.image_tokens;
    }
    EXPECT_TRUE(exact) << "no batches of " << size;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, CompanyTest,
                         testing::Values(Setting{"tiny", BLIP3O_COMPUTE_F32}, Setting{"tiny", BLIP3O_COMPUTE_BF16},
                                         Setting{"table", BLIP3O_COMPUTE_F32}, Setting{"table", BLIP3O_COMPUTE_BF16}),
                         [](const auto& info) { return testing::PrintToString(info.param); });

}  // namespace
}  // namespace blip3o
