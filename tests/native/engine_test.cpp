// Jobs through the C interface: their order, end, cancellation, results and refusals.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "blip3o/blip3o.h"
#include "support/model_test.h"

namespace blip3o {
namespace {

const std::string kTiny = std::string(BLIP3O_SOURCE_DIR) + "/tests/golden/reference/tiny/model";
constexpr int32_t kHidden = 64, kTokens = 16, kCaption = 96, kChannels = 8, kSide = 8;

class EngineTest : public test::ModelTest {
 protected:
  void SetUp() override { Open(0, 2); }

  void Open(int64_t memory_limit_bytes, int32_t threads) { ModelTest::Open("tiny", memory_limit_bytes, threads); }

  blip3o_request Request() {
    blip3o_request request;
    blip3o_request_default(model_, &request);
    request.prompt = prompt_.data();
    request.prompt_length = static_cast<int64_t>(prompt_.size());
    request.steps = 3;
    request.seed = 7;
    return request;
  }

  // Bytes of one result of a whole run; empty when it failed.
  std::vector<uint8_t> Run(const blip3o_request& request, blip3o_value value) {
    blip3o_job* job = nullptr;
    if (blip3o_model_submit(model_, &request, &job, &error_) != BLIP3O_OK) return {};
    return TakeResult(job, value);
  }

  void ExpectRefused(const std::function<void(blip3o_request&)>& change, blip3o_status status,
                     const std::vector<std::string>& words) {
    blip3o_request request = Request();
    change(request);
    ModelTest::ExpectRefused(request, status, words);
  }

  std::vector<int32_t> prompt_ = {1, 2, 3, 4, 5};
};

TEST_F(EngineTest, DescribesTheModel) {
  blip3o_model_info info;
  blip3o_model_describe(model_, &info);
  EXPECT_EQ(info.image_tokens, kTokens);
  EXPECT_EQ(info.hidden_size, kHidden);
  EXPECT_EQ(info.caption_size, kCaption);
  EXPECT_EQ(info.latent_channels, kChannels);
  EXPECT_EQ(info.picture_height, kSide * 8);
  EXPECT_EQ(info.threads, 2);
  EXPECT_STREQ(info.weight_dtype, "F32");
  EXPECT_EQ(info.compute, BLIP3O_COMPUTE_F32);
}

TEST_F(EngineTest, EventsTellTheWholeRun) {
  const blip3o_request request = Request();
  blip3o_job* job = nullptr;
  ASSERT_EQ(blip3o_model_submit(model_, &request, &job, &error_), BLIP3O_OK) << error_.message;
  std::vector<blip3o_event> events;
  blip3o_event event;
  while (blip3o_job_next_event(job, -1, &event) == 1) events.push_back(event);
  ASSERT_GT(events.size(), 2u);
  EXPECT_EQ(events[0].kind, BLIP3O_EVENT_QUEUED);
  EXPECT_EQ(events[1].kind, BLIP3O_EVENT_STARTED);
  EXPECT_EQ(events[events.size() - 2].kind, BLIP3O_EVENT_PICTURE);
  EXPECT_EQ(events.back().kind, BLIP3O_EVENT_DONE);
  int tokens = 0, steps = 0, parts = 0;
  for (const blip3o_event& e : events) {
    if (e.kind == BLIP3O_EVENT_TOKEN) {
      EXPECT_EQ(e.index, ++tokens);
    }
    if (e.kind == BLIP3O_EVENT_STEP) {
      EXPECT_EQ(e.index, ++steps);
    }
    if (e.kind == BLIP3O_EVENT_DECODE) {
      EXPECT_EQ(e.index, ++parts);
    }
  }
  EXPECT_EQ(tokens, kTokens);
  EXPECT_EQ(steps, 3);
  EXPECT_EQ(parts, events[events.size() - 3].count);
  EXPECT_EQ(blip3o_job_next_event(job, 0, &event), 0);
  blip3o_timings timings;
  blip3o_job_timings(job, &timings);
  EXPECT_GT(timings.tokens, 0);
  EXPECT_GT(timings.steps, 0);
  EXPECT_GT(timings.decode, 0);
  EXPECT_GT(timings.workspace_bytes, 0);
  blip3o_job_close(job);
}

TEST_F(EngineTest, SeedDecidesThePicture) {
  blip3o_request request = Request();
  const auto first = Run(request, BLIP3O_PIXELS);
  ASSERT_FALSE(first.empty()) << error_.message;
  EXPECT_EQ(first, Run(request, BLIP3O_PIXELS));
  request.seed = 8;
  EXPECT_NE(first, Run(request, BLIP3O_PIXELS));
}

TEST_F(EngineTest, ThreadsDontChangeAByte) {
  const auto two = Run(Request(), BLIP3O_PIXELS);
  ASSERT_FALSE(two.empty()) << error_.message;
  for (int32_t threads : {1, 3, 4}) {
    Open(0, threads);
    EXPECT_EQ(two, Run(Request(), BLIP3O_PIXELS)) << threads << " threads";
  }
}

TEST_F(EngineTest, StageByStageIsTheSameJob) {
  blip3o_request whole = Request();
  const auto pixels = Run(whole, BLIP3O_PIXELS);
  const auto last = [&](blip3o_stage first, blip3o_stage last) {
    blip3o_request request = Request();
    request.first_stage = first;
    request.last_stage = last;
    return request;
  };
  const auto tensor = [](const std::vector<uint8_t>& bytes, std::vector<int64_t> shape) {
    blip3o_tensor t = {};
    t.data = bytes.data();
    t.dtype = BLIP3O_F32;
    t.rank = static_cast<int32_t>(shape.size());
    std::copy(shape.begin(), shape.end(), t.shape);
    return t;
  };
  const auto hidden = Run(last(BLIP3O_STAGE_TOKENS, BLIP3O_STAGE_TOKENS), BLIP3O_HIDDEN_STATES);
  ASSERT_EQ(hidden.size(), static_cast<size_t>((kTokens + 1) * kHidden * 4)) << error_.message;
  blip3o_request request = last(BLIP3O_STAGE_CONDITION, BLIP3O_STAGE_CONDITION);
  request.hidden_states = tensor(hidden, {kTokens + 1, kHidden});
  const auto condition = Run(request, BLIP3O_CONDITION), null_condition = Run(request, BLIP3O_NULL_CONDITION);
  request = last(BLIP3O_STAGE_LATENTS, BLIP3O_STAGE_LATENTS);
  request.condition = tensor(condition, {kTokens + 1, kCaption});
  request.null_condition = tensor(null_condition, {1, kCaption});
  std::vector<uint8_t> noise(static_cast<size_t>(kChannels * kSide * kSide * 4));
  blip3o_noise_fill(7, reinterpret_cast<float*>(noise.data()), kChannels * kSide * kSide);
  request.noise = tensor(noise, {kChannels, kSide, kSide});
  const auto latents = Run(request, BLIP3O_LATENTS);
  ASSERT_FALSE(latents.empty()) << error_.message;
  request = last(BLIP3O_STAGE_PIXELS, BLIP3O_STAGE_PIXELS);
  request.latents = tensor(latents, {kChannels, kSide, kSide});
  EXPECT_EQ(pixels, Run(request, BLIP3O_PIXELS)) << error_.message;
}

// One prefill over known tokens yields what decoding kept, up to the order of sums.
TEST_F(EngineTest, HiddenStatesOfGivenTokensMatchDecoding) {
  blip3o_request request = Request();
  request.last_stage = BLIP3O_STAGE_TOKENS;
  const auto tokens = Run(request, BLIP3O_TOKENS), decoded = Run(request, BLIP3O_HIDDEN_STATES);
  request.first_stage = request.last_stage = BLIP3O_STAGE_TOKENS;
  request.tokens.data = tokens.data();
  request.tokens.dtype = BLIP3O_I32;
  request.tokens.rank = 1;
  request.tokens.shape[0] = kTokens;
  const auto prefilled = Run(request, BLIP3O_HIDDEN_STATES);
  ASSERT_EQ(decoded.size(), prefilled.size()) << error_.message;
  const auto* a = reinterpret_cast<const float*>(decoded.data());
  const auto* b = reinterpret_cast<const float*>(prefilled.data());
  double error = 0, norm = 0;
  for (size_t i = 0; i < decoded.size() / 4; ++i) {
    error += (a[i] - b[i]) * (a[i] - b[i]);
    norm += a[i] * a[i];
  }
  EXPECT_LE(std::sqrt(error), 1e-4 * std::sqrt(norm));
}

TEST_F(EngineTest, CancelEndsTheJobEarly) {
  blip3o_request request = Request();
  request.steps = 1000;
  blip3o_job *first = nullptr, *second = nullptr;
  ASSERT_EQ(blip3o_model_submit(model_, &request, &first, &error_), BLIP3O_OK);
  ASSERT_EQ(blip3o_model_submit(model_, &request, &second, &error_), BLIP3O_OK);
  blip3o_job_cancel(second);  // still waiting
  blip3o_event event;
  ASSERT_EQ(blip3o_job_next_event(first, -1, &event), 1);
  blip3o_job_cancel(first);
  EXPECT_EQ(blip3o_job_wait(first, &error_), BLIP3O_CANCELLED);
  EXPECT_EQ(blip3o_job_wait(second, &error_), BLIP3O_CANCELLED);
  blip3o_tensor tensor;
  EXPECT_EQ(blip3o_job_value(first, BLIP3O_PIXELS, &tensor, &error_), BLIP3O_INVALID_ARGUMENT);
  blip3o_job_close(first);
  blip3o_job_close(second);
  EXPECT_FALSE(Run(Request(), BLIP3O_PIXELS).empty()) << error_.message;  // and the engine goes on
}

TEST_F(EngineTest, ClosingTheModelEndsItsJobs) {
  blip3o_request request = Request();
  request.steps = 1000;
  std::vector<blip3o_job*> jobs(3);
  for (blip3o_job*& job : jobs) ASSERT_EQ(blip3o_model_submit(model_, &request, &job, &error_), BLIP3O_OK);
  blip3o_model_close(model_);
  model_ = nullptr;
  for (blip3o_job* job : jobs) {
    EXPECT_EQ(blip3o_job_wait(job, &error_), BLIP3O_CANCELLED);
    blip3o_job_close(job);
  }
}

TEST_F(EngineTest, ManyThreadsSubmit) {
  const auto expected = Run(Request(), BLIP3O_PIXELS);
  std::vector<std::thread> threads;
  std::vector<int> equal(8);
  for (int& same : equal) {
    threads.emplace_back([&] {
      const blip3o_request request = Request();
      blip3o_job* job = nullptr;
      blip3o_error error;
      if (blip3o_model_submit(model_, &request, &job, &error) != BLIP3O_OK) return;
      blip3o_tensor tensor;
      same = blip3o_job_wait(job, &error) == BLIP3O_OK &&
             blip3o_job_value(job, BLIP3O_PIXELS, &tensor, &error) == BLIP3O_OK &&
             std::memcmp(tensor.data, expected.data(), expected.size()) == 0;
      blip3o_job_close(job);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int same : equal) EXPECT_TRUE(same);
}

TEST_F(EngineTest, RefusesWhatCantRun) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  ExpectRefused([](auto& r) { r.steps = -1; }, BLIP3O_INVALID_ARGUMENT, {"steps", "1 to 1000", "-1"});
  ExpectRefused([](auto& r) { r.guidance = 0.5f; }, BLIP3O_INVALID_ARGUMENT, {"guidance", "0.5"});
  ExpectRefused([&](auto& r) { r.guidance = nan; }, BLIP3O_INVALID_ARGUMENT, {"guidance", "nan"});
  ExpectRefused([&](auto& r) { r.temperature = nan; }, BLIP3O_INVALID_ARGUMENT, {"temperature", "nan"});
  ExpectRefused([](auto& r) { r.top_k = -2; }, BLIP3O_INVALID_ARGUMENT, {"top_k", "-2"});
  ExpectRefused([](auto& r) { r.top_p = 0; }, BLIP3O_INVALID_ARGUMENT, {"top_p", "0"});
  ExpectRefused([](auto& r) { r.prompt_length = 0; }, BLIP3O_INVALID_ARGUMENT, {"prompt", "empty"});
  ExpectRefused([](auto& r) { r.first_stage = BLIP3O_STAGE_PIXELS, r.last_stage = BLIP3O_STAGE_TOKENS; },
                BLIP3O_INVALID_ARGUMENT, {"stages"});
  ExpectRefused([](auto& r) { r.first_stage = BLIP3O_STAGE_PIXELS; }, BLIP3O_INVALID_ARGUMENT, {"latents", "absent"});
  prompt_ = {1, 539};
  ExpectRefused([](auto&) {}, BLIP3O_INVALID_ARGUMENT, {"539", "position 1", "538"});
  prompt_.assign(1008, 1);  // 1024 positions less 16 tokens and one
  ExpectRefused([](auto&) {}, BLIP3O_INVALID_ARGUMENT, {"too long", "1007", "1008"});
  prompt_.assign(1007, 1);
  EXPECT_FALSE(Run(Request(), BLIP3O_PIXELS).empty()) << error_.message;
}

TEST_F(EngineTest, RefusesBadTensors) {
  std::vector<float> noise(static_cast<size_t>(kChannels * kSide * kSide));
  const auto with_noise = [&](blip3o_request& r) {
    r.noise.data = noise.data();
    r.noise.dtype = BLIP3O_F32;
    r.noise.rank = 3;
    r.noise.shape[0] = kChannels;
    r.noise.shape[1] = r.noise.shape[2] = kSide;
  };
  ExpectRefused([&](auto& r) { with_noise(r), r.noise.shape[2] = 4; }, BLIP3O_INVALID_ARGUMENT,
                {"noise", "[8, 8, 8]", "[8, 8, 4]"});
  ExpectRefused([&](auto& r) { with_noise(r), r.noise.dtype = BLIP3O_I32; }, BLIP3O_INVALID_ARGUMENT, {"F32", "I32"});
  ExpectRefused([&](auto& r) { with_noise(r), r.noise.rank = 9; }, BLIP3O_INVALID_ARGUMENT, {"noise", "rank 9"});
  noise[5] = std::numeric_limits<float>::infinity();
  ExpectRefused([&](auto& r) { with_noise(r); }, BLIP3O_INVALID_ARGUMENT, {"noise", "inf", "element 5"});
}

TEST_F(EngineTest, RefusesWhatNeverFitsTheMemoryLimit) {
  Open(1 << 20, 2);
  ExpectRefused([](auto&) {}, BLIP3O_OUT_OF_MEMORY, {"too little memory", "limit is 1 MiB"});
}

TEST(EngineOpen, RefusesBadOptions) {
  blip3o_model_options options;
  blip3o_model_options_default(&options);
  blip3o_model* model = nullptr;
  blip3o_error error;
  options.threads = -1;
  EXPECT_EQ(blip3o_model_open(kTiny.c_str(), &options, &model, &error), BLIP3O_INVALID_ARGUMENT);
  EXPECT_NE(std::string(error.message).find("threads"), std::string::npos) << error.message;
  options.threads = 0;
  options.memory_limit_bytes = -5;
  EXPECT_EQ(blip3o_model_open(kTiny.c_str(), &options, &model, &error), BLIP3O_INVALID_ARGUMENT);
  EXPECT_EQ(blip3o_model_open("", nullptr, &model, &error), BLIP3O_INVALID_ARGUMENT);
  EXPECT_EQ(model, nullptr);
}

}  // namespace
}  // namespace blip3o
