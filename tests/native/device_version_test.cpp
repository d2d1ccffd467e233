// New weights of the language model in a model on a device: they are what is drawn with, older ones give the device's
// memory back, and what fails leaves everything as it was.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/memory.h"
#include "engine/engine.h"
#include "support/checkpoint_files.h"
#include "support/shadow_device.h"

namespace blip3o {
namespace {

using test::ShadowDevice;
using test::ShadowOptions;

// A language model's tensors, in memory of the caller's.
class Weights {
 public:
  explicit Weights(const Engine& engine) : tensors_(engine.checkpoint().LanguageTensors()) {
    for (NamedTensor& tensor : tensors_) {
      const char* from = static_cast<const char*>(tensor.view.data);
      bytes_.emplace_back(from, from + tensor.view.size_bytes());
      tensor.view.data = bytes_.back().data();
    }
  }
  Weights(const Weights&) = delete;
  Weights& operator=(const Weights&) = delete;

  const std::vector<NamedTensor>& tensors() const { return tensors_; }
  // The signs of a third of the values of the last norm change: what is drawn becomes other tokens.
  Weights& Change() {
    for (size_t i = 0; i < tensors_.size(); ++i) {
      if (tensors_[i].name != "model.norm.weight") continue;
      const size_t step = static_cast<size_t>(SizeOf(tensors_[i].view.dtype));
      for (size_t at = step - 1; at < bytes_[i].size(); at += 3 * step) {
        bytes_[i][at] = static_cast<char>(bytes_[i][at] ^ 0x80);
      }
    }
    return *this;
  }
  Weights& Shorten() {
    tensors_.pop_back();
    return *this;
  }

 private:
  std::vector<NamedTensor> tensors_;
  std::vector<std::vector<char>> bytes_;
};

Request Tokens(uint64_t seed = 1) {
  Request request;
  request.prompt = {3, 10, 17, 24, static_cast<int32_t>(31 + seed % 2)};
  request.last_stage = Stage::kTokens;
  request.outputs = 1u << static_cast<int>(Value::kLogProbabilities);
  request.seed = seed;
  return request;
}

struct Drawn {
  std::vector<std::byte> tokens, hidden_states, scores;
  bool operator==(const Drawn&) const = default;
};

Drawn DrawnBy(Job& job) {
  const Status status = job.Wait();
  EXPECT_TRUE(status.ok()) << status.message();
  if (!status.ok()) return {};
  const auto bytes = [&](Value value) { return (*job.values())[static_cast<size_t>(value)].bytes; };
  return {bytes(Value::kTokens), bytes(Value::kHiddenStates), bytes(Value::kLogProbabilities)};
}

Drawn Draw(Engine& engine, uint64_t seed = 1) {
  auto job = engine.Submit(Tokens(seed));
  EXPECT_TRUE(job.ok()) << job.status().message();
  return job.ok() ? DrawnBy(**job) : Drawn();
}

class DeviceVersionTest : public testing::TestWithParam<const char*> {
 protected:
  ~DeviceVersionTest() override {
    engine_.reset();
    if (device_ == nullptr) return;
    EXPECT_EQ(device_->allocated_bytes(), 0);
    EXPECT_EQ(device_->recorded(), 0);
    for (const std::string& complaint : device_->complaints()) ADD_FAILURE() << complaint;
  }

  // With room for a version for each request that runs, where `memory_limit_bytes` does not say otherwise.
  void Open(const ShadowOptions& shadow = {}, uint32_t quantization = 0,
            int64_t memory_limit_bytes = int64_t{256} << 20) {
    engine_.reset();
    device_ = std::make_shared<ShadowDevice>(shadow);
    EngineOptions options = Options(quantization);
    options.device = DeviceOption::kCuda;
    options.memory_limit_bytes = memory_limit_bytes;
    options.open_cuda = [device = device_](const CudaOptions&) {
      return Result<std::shared_ptr<Device>>(std::shared_ptr<Device>(device));
    };
    auto engine = Engine::Open(test::GoldenCheckpoint(GetParam()), options);
    ASSERT_TRUE(engine.ok()) << engine.status().message();
    engine_ = std::move(*engine);
  }
  static EngineOptions Options(uint32_t quantization) {
    EngineOptions options;
    options.device = DeviceOption::kCpu;
    options.compute = ComputeOption::kF32;
    options.threads = 2;
    options.quantization = quantization;
    return options;
  }
  // What a model on the CPU draws with these weights.
  static Drawn OnCpu(const Weights& weights, uint32_t quantization = 0) {
    auto engine = Engine::Open(test::GoldenCheckpoint(GetParam()), Options(quantization));
    EXPECT_TRUE(engine.ok()) << engine.status().message();
    EXPECT_TRUE((*engine)->UpdateLanguageModel(weights.tensors()).ok());
    return Draw(**engine);
  }
  void Update(const Weights& weights, int64_t number) {
    const Result<int64_t> version = engine_->UpdateLanguageModel(weights.tensors());
    ASSERT_TRUE(version.ok()) << version.status().message();
    EXPECT_EQ(version.value(), number);
  }

  std::shared_ptr<ShadowDevice> device_;
  std::unique_ptr<Engine> engine_;
};

TEST_P(DeviceVersionTest, DrawsWithTheNewWeightsAsTheCpuDoes) {
  for (const uint32_t quantization : {0u, kInt8Language}) {
    Open({}, quantization);
    const Drawn before = Draw(*engine_);
    Weights original(*engine_), changed(*engine_);
    changed.Change();
    Update(changed, 1);
    const Drawn after = Draw(*engine_);
    EXPECT_NE(after.tokens, before.tokens);
    EXPECT_EQ(after, OnCpu(changed, quantization));
    EXPECT_EQ(Draw(*engine_), after) << "with a prompt that is known, and work that is replayed";
    Update(original, 2);
    EXPECT_EQ(Draw(*engine_), before);
  }
}

TEST_P(DeviceVersionTest, OldVersionsGiveTheDevicesMemoryBack) {
  Open();
  Weights weights(*engine_);
  Draw(*engine_);
  const int64_t without = device_->allocated_bytes(), in_use = engine_->metrics().memory_in_use_bytes;
  Update(weights, 1);
  Draw(*engine_);
  const int64_t version = device_->allocated_bytes() - without, recorded = device_->recorded();
  EXPECT_GT(version, 0);
  EXPECT_EQ(engine_->metrics().memory_in_use_bytes - in_use, version);
  EXPECT_GT(recorded, 0);
  for (int64_t number = 2; number < 7; ++number) {
    Update(weights, number);
    Draw(*engine_);
    EXPECT_EQ(device_->allocated_bytes() - without, version);
    EXPECT_EQ(engine_->metrics().memory_in_use_bytes - in_use, version);
    EXPECT_LE(device_->recorded(), recorded) << "what was recorded of versions that are gone";
  }
}

TEST_P(DeviceVersionTest, ARunKeepsTheVersionThatItBeganWith) {
  std::atomic<int64_t> pause_at = -1;
  std::atomic<bool> paused = false, go_on = false;
  ShadowOptions shadow;
  shadow.before_operation = [&](int64_t operation) {
    if (pause_at < 0 || operation < pause_at || paused.exchange(true)) return;
    paused.notify_all();
    go_on.wait(false);
  };
  Open(shadow);
  Weights weights(*engine_), changed(*engine_);
  Update(weights, 1);
  const Drawn expected = Draw(*engine_);
  const int64_t before = device_->allocated_bytes(), operations = device_->operations();
  Draw(*engine_, 3);
  pause_at = 2 * device_->operations() - operations - 20;  // near the end of the next one

  auto job = engine_->Submit(Tokens());
  ASSERT_TRUE(job.ok());
  paused.wait(false);
  Update(changed.Change(), 2);
  EXPECT_GT(device_->allocated_bytes(), before) << "two versions are there";
  go_on = true;
  go_on.notify_all();
  EXPECT_EQ(DrawnBy(**job), expected);
  EXPECT_EQ((*job)->language_version(), 1);
  EXPECT_EQ(Draw(*engine_), OnCpu(changed));
  engine_.reset();
}

TEST_P(DeviceVersionTest, WithoutMemoryTheOldVersionStaysWhole) {
  Open();
  {
    Weights weights(*engine_);
    Update(weights, 1);
  }
  const int64_t allocation = device_->allocations() - 1;  // the version's
  ShadowOptions shadow;
  shadow.no_memory_at = allocation;
  Open(shadow);
  Weights weights(*engine_);
  weights.Change();
  const int64_t held = device_->allocated_bytes(), in_use = engine_->metrics().memory_in_use_bytes;
  const Result<int64_t> refused = engine_->UpdateLanguageModel(weights.tensors());
  EXPECT_EQ(refused.status().code(), StatusCode::kOutOfMemory);
  EXPECT_EQ(device_->allocated_bytes(), held);
  EXPECT_EQ(engine_->metrics().memory_in_use_bytes, in_use);
  const Drawn before = Draw(*engine_);
  Update(weights, 1);
  EXPECT_NE(Draw(*engine_).tokens, before.tokens);
}

TEST_P(DeviceVersionTest, AVersionThatDoesNotFitIsRefused) {
  Open();
  Weights weights(*engine_);
  const int64_t without = device_->allocated_bytes();
  Update(weights, 1);
  const int64_t version = device_->allocated_bytes() - without;
  Draw(*engine_);
  Open({}, 0, engine_->metrics().memory_peak_bytes + version / 2);
  Update(weights, 1);
  const Drawn before = Draw(*engine_);
  const Result<int64_t> refused = engine_->UpdateLanguageModel(weights.Change().tensors());
  EXPECT_EQ(refused.status().code(), StatusCode::kOutOfMemory);
  EXPECT_NE(refused.status().message().find("new version of the language model takes"), std::string::npos)
      << refused.status().message();
  EXPECT_EQ(Draw(*engine_), before);
}

TEST_P(DeviceVersionTest, AnUpdateThatEndsInAnExceptionReservesNothing) {
  Open();
  const int64_t at_rest = engine_->metrics().memory_in_use_bytes, without = device_->allocated_bytes();
  Update(Weights(*engine_), 1);
  const int64_t version = device_->allocated_bytes() - without;

  bool fails = true;
  ShadowOptions shadow;
  shadow.before_load = [&] {
    if (fails) throw std::bad_alloc();
  };
  Open(shadow, 0, at_rest + version + version / 2);  // not enough for two
  const Weights weights(*engine_);
  const int64_t in_use = engine_->metrics().memory_in_use_bytes;
  EXPECT_THROW((void)engine_->UpdateLanguageModel(weights.tensors()), std::bad_alloc);
  EXPECT_EQ(engine_->metrics().memory_in_use_bytes, in_use);
  fails = false;
  Update(weights, 1);
}

TEST_P(DeviceVersionTest, WhatIsRefusedOnTheHostDoesNotReachTheDevice) {
  Open();
  Weights weights(*engine_);
  const int64_t allocations = device_->allocations();
  EXPECT_EQ(engine_->UpdateLanguageModel(weights.Shorten().tensors()).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(device_->allocations(), allocations);
}

TEST_P(DeviceVersionTest, ALostDeviceTakesNone) {
  Open();
  Weights weights(*engine_);
  device_->Break();
  EXPECT_EQ(engine_->UpdateLanguageModel(weights.tensors()).status().code(), StatusCode::kDeviceLost);
}

TEST_P(DeviceVersionTest, NoRequestSeesTwoVersions) {
  Open();
  Weights even(*engine_), odd(*engine_);
  odd.Change();
  constexpr uint64_t kSeeds = 3;
  std::vector<Drawn> expected[2];
  for (uint64_t seed = 0; seed < kSeeds; ++seed) expected[0].push_back(Draw(*engine_, seed));
  Update(odd, 1);
  for (uint64_t seed = 0; seed < kSeeds; ++seed) expected[1].push_back(Draw(*engine_, seed));
  std::atomic<bool> over = false;
  std::thread updates([&] {
    for (int64_t number = 2; !over; ++number) Update(number % 2 == 0 ? even : odd, number);
  });
  bool seen[2] = {false, false};
  for (int round = 0; round < 40 && !(round >= 2 && seen[0] && seen[1]); ++round) {
    std::vector<std::shared_ptr<Job>> jobs;
    for (uint64_t i = 0; i < 12; ++i) jobs.push_back(engine_->Submit(Tokens(i % kSeeds)).value());
    for (size_t i = 0; i < jobs.size(); ++i) {
      const Drawn drawn = DrawnBy(*jobs[i]);
      const int64_t version = jobs[i]->language_version();
      EXPECT_GE(version, 1);
      EXPECT_EQ(drawn, expected[version % 2][i % kSeeds]) << "version " << version;
      seen[version % 2] = true;
    }
  }
  over = true;
  updates.join();
  EXPECT_TRUE(seen[0] && seen[1]);
}

INSTANTIATE_TEST_SUITE_P(Models, DeviceVersionTest, testing::Values("tiny", "tied"),
                         [](const auto& info) { return std::string(info.param); });

// The host's part: its memory goes, its addresses stay.
TEST(PagesDeathTest, WhatIsLetGoOfCanNotBeReadAndNothingElseLiesThere) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  constexpr int64_t kBytes = int64_t{1} << 20;
  const Buffer pages = std::move(AllocatePages(kBytes).value());
  volatile char* data = static_cast<char*>(pages.data());
  data[kBytes - 1] = 1;
  LetGo(pages);
  EXPECT_DEATH(static_cast<void>(data[kBytes - 1]), "");
  for (int i = 0; i < 8; ++i) {
    const Buffer other = std::move(AllocatePages(kBytes).value());
    EXPECT_TRUE(static_cast<char*>(other.data()) + kBytes <= pages.data() ||
                static_cast<char*>(pages.data()) + kBytes <= other.data());
  }
  LetGo(Buffer());
}

}  // namespace
}  // namespace blip3o
