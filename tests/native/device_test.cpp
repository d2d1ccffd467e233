// An engine on a device: it never touches the device's memory, what it repeats may be replayed, and faults and lacking
// memory end what they must and nothing else.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <future>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "support/checkpoint_files.h"
#include "support/sample_requests.h"
#include "support/shadow_device.h"

namespace blip3o {
namespace {

using test::ShadowDevice;
using test::ShadowOptions;

constexpr uint32_t kEverything = (1u << kValueCount) - 1;

std::unique_ptr<Engine> OpenOnCpu(const std::filesystem::path& path) {
  EngineOptions options;
  options.device = DeviceOption::kCpu;
  options.compute = ComputeOption::kF32;
  options.threads = 2;
  auto engine = Engine::Open(path, options);
  EXPECT_TRUE(engine.ok()) << engine.status().message();
  return engine.ok() ? std::move(engine.value()) : nullptr;
}

EngineOptions OnDevice(const std::shared_ptr<ShadowDevice>& device) {
  EngineOptions options;
  options.device = DeviceOption::kCuda;
  options.compute = ComputeOption::kF32;
  options.open_cuda = [device](const CudaOptions& cuda) -> Result<std::shared_ptr<Device>> {
    EXPECT_TRUE(cuda.exact);
    return std::shared_ptr<Device>(device);
  };
  return options;
}

std::unique_ptr<Engine> OpenOn(const std::shared_ptr<ShadowDevice>& device,
                               const std::filesystem::path& path = test::GoldenCheckpoint("tiny")) {
  auto engine = Engine::Open(path, OnDevice(device));
  EXPECT_TRUE(engine.ok()) << engine.status().message();
  return engine.ok() ? std::move(engine.value()) : nullptr;
}

Request Text(int64_t prompt_length, uint64_t seed, Stage last = Stage::kPixels) {
  Request request;
  for (int64_t i = 0; i < prompt_length; ++i) request.prompt.push_back(static_cast<int32_t>((i * 7 + 3) % 400));
  request.last_stage = last;
  request.outputs = kEverything;
  request.seed = seed;
  request.top_k = 40;
  request.top_p = 0.95f;
  request.steps = 3;
  return request;
}

HostTensor HostValues(DType dtype, const Shape& shape) {
  HostTensor tensor{dtype, shape, std::vector<std::byte>(static_cast<size_t>(shape.count() * SizeOf(dtype)))};
  for (int64_t i = 0; i < shape.count(); ++i) {
    const int32_t code = static_cast<int32_t>(i * 5 % 97);
    const float value = static_cast<float>(i % 13) * 0.1f - 0.6f;
    const void* from = dtype == DType::kI32 ? static_cast<const void*>(&code) : &value;
    std::memcpy(tensor.bytes.data() + 4 * i, from, 4);
  }
  return tensor;
}

Request WithPictures(const Engine& engine, Request request, const std::vector<PictureView>& references,
                     const PictureView& initial, const PictureView& mask) {
  request.first_stage = Stage::kReferences;
  request.prompt.insert(request.prompt.begin() + 2,
                        references.size() * static_cast<size_t>(engine.checkpoint().config().image_tokens.tokens),
                        kReferenceToken);
  const Status status =
      AddPictures(engine.checkpoint().config(), engine.capabilities(), {references, initial, mask}, request);
  EXPECT_TRUE(status.ok()) << status.message();
  return request;
}

// One of each kind that runs code of its own.
std::map<std::string, Request> Requests(const Engine& engine) {
  const ModelConfig& config = engine.checkpoint().config();
  std::map<std::string, Request> requests;
  requests["text"] = Text(5, 1);
  requests["long text"] = Text(300, 2);
  requests["greedy without guidance"] = Text(20, 3);
  requests["greedy without guidance"].temperature = 0;
  requests["greedy without guidance"].guidance = 1;
  requests["previews"] = Text(7, 4);
  requests["previews"].preview_steps = 1;
  requests["only what is due"] = Text(9, 5);
  requests["only what is due"].outputs = 0;
  requests["tokens"] = Text(5, 6, Stage::kTokens);
  requests["latents"] = Text(5, 7, Stage::kLatents);
  requests["given tokens"] = Text(130, 8);
  requests["given tokens"].tokens = HostValues(DType::kI32, {config.image_tokens.tokens});
  Request& hidden = requests["hidden states"] = Text(0, 9);
  hidden.first_stage = Stage::kCondition;
  hidden.hidden_states = HostValues(DType::kF32, {config.image_tokens.tokens + 1, config.language_model.hidden_size});
  const int64_t side = config.latent_side();
  Request& latents = requests["from latents"] = Text(0, 10);
  latents.first_stage = Stage::kPixels;
  latents.latents = HostValues(DType::kF32, {config.autoencoder.latent_channels, side, side});
  const Picture picture = test::Gradient(40, 60, 1), other = test::Gradient(50, 70, 2);
  Picture mask{std::vector<uint8_t>(50 * 70), 50, 70, 1};
  std::fill(mask.bytes.begin(), mask.bytes.begin() + 25 * 70, uint8_t{255});
  requests["edit"] = WithPictures(engine, Text(6, 11), {picture.view(), other.view()}, {}, {});
  requests["masked picture"] = WithPictures(engine, Text(6, 12), {}, other.view(), mask.view());
  requests["masked picture"].strength = 0.7f;
  return requests;
}

Values ResultsOf(Job& job, const std::string& name) {
  const Status status = job.Wait();
  EXPECT_TRUE(status.ok()) << name << ": " << status.message();
  return status.ok() ? *job.values() : Values();
}

Values Compute(Engine& engine, const Request& request, const std::string& name) {
  auto job = engine.Submit(request);
  EXPECT_TRUE(job.ok()) << name << ": " << job.status().message();
  return job.ok() ? ResultsOf(**job, name) : Values();
}

void ExpectSame(const Values& actual, const Values& expected, const std::string& name) {
  size_t filled = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(actual[i].bytes, expected[i].bytes) << name << ": value " << i;
    filled += expected[i].bytes.empty() ? 0 : 1;
  }
  EXPECT_GT(filled, 0u) << name;
}

void ExpectNoComplaints(const ShadowDevice& device) {
  for (const std::string& complaint : device.complaints()) ADD_FAILURE() << complaint;
}

// The CPU's results of every request, computed once.
class DeviceTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto engine = OpenOnCpu(test::GoldenCheckpoint("tiny"));
    requests_ = new std::map<std::string, Request>(Requests(*engine));
    expected_ = new std::map<std::string, Values>();
    for (const auto& [name, request] : *requests_) (*expected_)[name] = Compute(*engine, request, name);
  }
  static void TearDownTestSuite() {
    delete requests_;
    delete expected_;
  }

  static const Request& RequestOf(const std::string& name) { return requests_->at(name); }
  static void ExpectResults(const Values& actual, const std::string& name) {
    ExpectSame(actual, expected_->at(name), name);
  }

  static std::map<std::string, Request>* requests_;
  static std::map<std::string, Values>* expected_;
};

std::map<std::string, Request>* DeviceTest::requests_ = nullptr;
std::map<std::string, Values>* DeviceTest::expected_ = nullptr;

// ---- Memory and repeated work -------------------------------------------------------------------------------------

TEST_F(DeviceTest, HasTheBytesOfTheCpuAndNeverTouchesItsMemory) {
  for (const bool replays : {false, true}) {
    ShadowOptions options;
    options.replays = replays;
    const auto device = std::make_shared<ShadowDevice>(options);
    const auto engine = OpenOn(device);
    EXPECT_EQ(engine->device(), DeviceOption::kCuda);
    EXPECT_EQ(engine->backend(), "shadow");
    EXPECT_EQ(engine->device_reason(), "");
    // Twice: the second time prompts and pictures are known, and all that was recorded is there.
    for (int round = 0; round < 2; ++round) {
      for (const auto& [name, request] : *requests_) ExpectResults(Compute(*engine, request, name), name);
    }
    ExpectNoComplaints(*device);
    EXPECT_EQ(device->replayed() > 0, replays);
    EXPECT_LE(device->most_repeats_ahead(), options.tokens_ahead);
    EXPECT_GT(device->most_repeats_ahead(), 1);
  }
}

TEST_F(DeviceTest, HasTheBytesOfTheCpuInCompany) {
  const auto device = std::make_shared<ShadowDevice>();
  const auto engine = OpenOn(device);
  std::vector<std::pair<std::string, std::shared_ptr<Job>>> jobs;
  for (int round = 0; round < 2; ++round) {
    for (const auto& [name, request] : *requests_) {
      auto job = engine->Submit(request);
      ASSERT_TRUE(job.ok()) << job.status().message();
      jobs.emplace_back(name, *job);
    }
  }
  for (const auto& [name, job] : jobs) ExpectResults(ResultsOf(*job, name), name);
  ExpectNoComplaints(*device);
  EXPECT_GT(device->replayed(), 0);
}

TEST_F(DeviceTest, DrawsAnyNumberOfTokensAhead) {
  for (const int ahead : {1, 3, 5, 1000}) {
    ShadowOptions options;
    options.tokens_ahead = ahead;
    const auto device = std::make_shared<ShadowDevice>(options);
    const auto engine = OpenOn(device);
    const int32_t tokens = static_cast<int32_t>(engine->checkpoint().config().image_tokens.tokens);
    auto job = engine->Submit(RequestOf("only what is due"));
    ASSERT_TRUE(job.ok()) << job.status().message();
    ExpectResults(ResultsOf(**job, "only what is due"), "only what is due");
    int32_t told = 0;
    while (const auto event = (*job)->events().Next(0)) {
      if (event->kind != EventKind::kToken) continue;
      EXPECT_EQ(event->index, ++told);
      EXPECT_EQ(event->count, tokens);
    }
    EXPECT_EQ(told, tokens);
    const Metrics metrics = engine->metrics();
    EXPECT_EQ(metrics.tokens, tokens);
    EXPECT_EQ(metrics.token_batches, tokens);
    EXPECT_EQ(metrics.first_tokens, 1);
    EXPECT_EQ(device->most_repeats_ahead(), std::min(ahead, tokens));
    ExpectNoComplaints(*device);
  }
}

TEST_F(DeviceTest, GivesAllItsMemoryBack) {
  const auto device = std::make_shared<ShadowDevice>();
  auto engine = OpenOn(device);
  for (const auto& [name, request] : *requests_) Compute(*engine, request, name);
  EXPECT_GT(device->allocated_bytes(), 0);
  engine.reset();
  EXPECT_EQ(device->allocated_bytes(), 0);
  ExpectNoComplaints(*device);
}

TEST_F(DeviceTest, AnswersForItsOwnMemory) {
  ShadowOptions options;
  options.memory_bytes = int64_t{16} << 20;
  const auto device = std::make_shared<ShadowDevice>(options);
  const auto engine = OpenOn(device);
  const Metrics metrics = engine->metrics();
  EXPECT_LE(metrics.memory_limit_bytes, options.memory_bytes);
  EXPECT_GT(metrics.memory_limit_bytes, options.memory_bytes / 2);
  ExpectResults(Compute(*engine, RequestOf("text"), "text"), "text");

  options.memory_bytes = int64_t{1} << 20;
  const auto small = std::make_shared<ShadowDevice>(options);
  const auto poor = OpenOn(small);
  EXPECT_NE(poor->capabilities().reference_tokens_lack, "") << "there is no room for the codebook";
  const auto refused = poor->Submit(RequestOf("text"));
  EXPECT_EQ(refused.status().code(), StatusCode::kOutOfMemory) << refused.status().message();
  EXPECT_TRUE(poor->metrics().healthy);
}

// All that is allocated lies in one piece, taken before anything else.
TEST_F(DeviceTest, TakesItsMemoryInOnePiece) {
  const auto device = std::make_shared<ShadowDevice>();
  ASSERT_NE(OpenOn(device), nullptr);
  EXPECT_GT(device->arena_bytes(), 0);
  EXPECT_LT(device->arena_bytes(), ShadowOptions().memory_bytes);
  ExpectNoComplaints(*device);

  const auto limited = std::make_shared<ShadowDevice>();
  EngineOptions options = OnDevice(limited);
  options.memory_limit_bytes = int64_t{48} << 20;
  auto engine = Engine::Open(test::GoldenCheckpoint("tiny"), options);
  ASSERT_TRUE(engine.ok()) << engine.status().message();
  EXPECT_EQ(limited->arena_bytes(), options.memory_limit_bytes);
  EXPECT_EQ((*engine)->metrics().memory_limit_bytes, options.memory_limit_bytes);
  ExpectResults(Compute(**engine, RequestOf("text"), "text"), "text");
  ExpectNoComplaints(*limited);
}

TEST_F(DeviceTest, IsTheCpuWhereItsMemoryCanNotBeHad) {
  EngineOptions options = OnDevice(std::make_shared<ShadowDevice>());
  options.memory_limit_bytes = int64_t{1} << 40;
  const auto refused = Engine::Open(test::GoldenCheckpoint("tiny"), options);
  EXPECT_EQ(refused.status().code(), StatusCode::kOutOfMemory);
  EXPECT_NE(refused.status().message().find("no 1099511627776 bytes for an arena"), std::string::npos);
  options.device = DeviceOption::kAuto;
  auto engine = Engine::Open(test::GoldenCheckpoint("tiny"), options);
  ASSERT_TRUE(engine.ok()) << engine.status().message();
  EXPECT_EQ((*engine)->device(), DeviceOption::kCpu);
  EXPECT_NE((*engine)->device_reason().find("for an arena"), std::string::npos);
}

// The shadow itself: what the tests above rely on.
TEST(ShadowDevice, NoticesWhatIsAgainstTheRules) {
  const auto complains = [](const std::function<void(Ops&, const Matrix& ours)>& work) {
    ShadowDevice device;
    std::unique_ptr<Ops> ops = std::move(device.CreateOps(LaneRole::kPicture).value());
    const Buffer memory = std::move(ops->Allocate(64 * 4).value());
    work(*ops, {static_cast<float*>(memory.data()), 4, 16, 16});
    EXPECT_TRUE(ops->Finish().ok());
    return !device.complaints().empty();
  };
  std::vector<float> host(65);
  const Matrix theirs{host.data(), 4, 16, 16};
  EXPECT_FALSE(complains([&](Ops& ops, const Matrix& ours) { ops.Copy(ours, ours); }));
  EXPECT_TRUE(complains([&](Ops& ops, const Matrix& ours) { ops.Copy(theirs, ours); }));
  EXPECT_TRUE(complains([&](Ops& ops, const Matrix& ours) { ops.Copy(ours, theirs); }));
  EXPECT_TRUE(complains([&](Ops& ops, const Matrix& ours) { ops.CopyIn(ours.data, 4, ours.data); }));
  EXPECT_TRUE(complains([&](Ops& ops, const Matrix& ours) { ops.CopyOut(ours.data, 4, ours.data); }));
  EXPECT_TRUE(complains([&](Ops& ops, const Matrix& ours) { ops.CopyIn(host.data(), 260, ours.data); }));
  EXPECT_TRUE(complains([&](Ops& ops, const Matrix& ours) {
    ops.RmsNorm(ours, {host.data(), DType::kF32, {16}}, {}, 1e-6, Activation::kNone, {}, ours);
  })) << "a weight that was not brought in";
  EXPECT_TRUE(complains([&](Ops& ops, const Matrix& ours) {
    ops.Repeat({1, nullptr, 0}, [&] { ops.CopyIn(host.data(), 4, ours.data); });
  }));
  EXPECT_TRUE(complains([&](Ops& ops, const Matrix&) {
    const Buffer gone = std::move(ops.Allocate(256).value());
    const Matrix lost{static_cast<float*>(gone.data()), 4, 16, 16};
    ops.Copy(lost, lost);
  })) << "memory that is given back before the operation runs";
}

TEST(ShadowDeviceDeathTest, ItsMemoryCanNotBeTouched) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  ShadowDevice device;
  std::unique_ptr<Ops> ops = std::move(device.CreateOps(LaneRole::kPicture).value());
  const Buffer memory = std::move(ops->Allocate(64).value());
  volatile float* data = static_cast<float*>(memory.data());
  EXPECT_DEATH(static_cast<void>(data[3]), "");
  EXPECT_DEATH(data[3] = 1, "");
}

// ---- Opening ------------------------------------------------------------------------------------------------------

TEST_F(DeviceTest, IsTheCpuWithAReasonWhereThereIsNone) {
  EngineOptions options;
  options.open_cuda = [](const CudaOptions&) -> Result<std::shared_ptr<Device>> {
    return Unsupported("the driver is too old");
  };
  auto engine = Engine::Open(test::GoldenCheckpoint("tiny"), options);
  ASSERT_TRUE(engine.ok()) << engine.status().message();
  EXPECT_EQ((*engine)->device(), DeviceOption::kCpu);
  EXPECT_EQ((*engine)->device_reason(), "the driver is too old");
  options.device = DeviceOption::kCuda;
  const auto refused = Engine::Open(test::GoldenCheckpoint("tiny"), options);
  EXPECT_EQ(refused.status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(refused.status().message(), "the model can't run on a CUDA device: the driver is too old");
  options.device = DeviceOption::kCpu;
  options.open_cuda = [](const CudaOptions&) -> Result<std::shared_ptr<Device>> {
    ADD_FAILURE() << "nobody asked for a device";
    return Unsupported("");
  };
  EXPECT_TRUE(Engine::Open(test::GoldenCheckpoint("tiny"), options).ok());
}

TEST_F(DeviceTest, IsTheCpuWhereItsWeightsFindNoMemory) {
  ShadowOptions shadow;
  shadow.preload_failure = OutOfMemory("the weights take more than the device has");
  EngineOptions options = OnDevice(std::make_shared<ShadowDevice>(shadow));
  EXPECT_EQ(Engine::Open(test::GoldenCheckpoint("tiny"), options).status().code(), StatusCode::kOutOfMemory);
  options.device = DeviceOption::kAuto;
  for (const uint32_t quantization : {0u, kInt8Language}) {
    options.quantization = quantization;
    auto engine = Engine::Open(test::GoldenCheckpoint("tiny"), options);
    ASSERT_TRUE(engine.ok()) << engine.status().message();
    EXPECT_EQ((*engine)->device(), DeviceOption::kCpu);
    EXPECT_EQ((*engine)->device_reason(), shadow.preload_failure.message());
    if (quantization == 0) ExpectResults(Compute(**engine, RequestOf("text"), "text"), "text");
  }
}

TEST_F(DeviceTest, IsTheCpuWhereADeviceIsLostWhileItOpens) {
  ShadowOptions shadow;
  shadow.fault_at = 2;
  EngineOptions options = OnDevice(std::make_shared<ShadowDevice>(shadow));
  EXPECT_EQ(Engine::Open(test::GoldenCheckpoint("tiny"), options).status().code(), StatusCode::kDeviceLost);
  options = OnDevice(std::make_shared<ShadowDevice>(shadow));
  options.device = DeviceOption::kAuto;
  auto engine = Engine::Open(test::GoldenCheckpoint("tiny"), options);
  ASSERT_TRUE(engine.ok()) << engine.status().message();
  EXPECT_EQ((*engine)->device(), DeviceOption::kCpu);
  EXPECT_NE((*engine)->device_reason().find("lost"), std::string::npos) << (*engine)->device_reason();
}

TEST_F(DeviceTest, SaysWhatItDoesWithout) {
  ShadowOptions shadow;
  shadow.lacks = "there is no library of products";
  const auto engine = OpenOn(std::make_shared<ShadowDevice>(shadow));
  EXPECT_EQ(engine->device(), DeviceOption::kCuda);
  EXPECT_EQ(engine->device_reason(), shadow.lacks);
}

// A checkpoint that is broken is so on any device.
TEST_F(DeviceTest, DoesNotHideWhatIsWrongWithACheckpoint) {
  const test::CheckpointCopy copy;
  test::EditTensors(copy.weights(), [](test::RawTensors& tensors) { tensors.erase("model.norm.weight"); });
  EngineOptions options = OnDevice(std::make_shared<ShadowDevice>());
  options.device = DeviceOption::kAuto;
  EXPECT_EQ(Engine::Open(copy.path(), options).status().code(), StatusCode::kInvalidCheckpoint);
}

TEST_F(DeviceTest, HearsWhichProductsMayBeInE4M3) {
  for (const bool wanted : {false, true}) {
    const auto device = std::make_shared<ShadowDevice>();
    EngineOptions options = OnDevice(device);
    if (wanted) options.quantization = kE4M3Diffusion;
    auto engine = Engine::Open(test::GoldenCheckpoint("tiny"), options);
    ASSERT_TRUE(engine.ok()) << engine.status().message();
    const auto& weights = (*engine)->checkpoint().weights().diffusion_transformer;
    EXPECT_EQ(device->e4m3().size(), wanted ? 7 * weights.blocks.size() : 0);
    std::set<const void*> views;
    for (const View& view : device->e4m3()) views.insert(view.data);
    EXPECT_EQ(views.size(), device->e4m3().size());
    for (const View& view : {weights.proj_out, weights.patch_embed, weights.blocks[0].attn2.to_out}) {
      EXPECT_FALSE(views.contains(view.data));
    }
    ExpectResults(Compute(**engine, RequestOf("text"), "text"), "text");
    ExpectNoComplaints(*device);
  }
}

// ---- Faults -------------------------------------------------------------------------------------------------------

// How some requests beside each other ended.
void RunTogether(Engine& engine, const std::vector<Request>& requests, std::vector<Status>& ends) {
  std::vector<std::shared_ptr<Job>> jobs;
  for (const Request& request : requests) {
    auto job = engine.Submit(request);
    if (job.ok()) {
      jobs.push_back(*job);
    } else {
      ends.push_back(job.status());
    }
  }
  for (const auto& job : jobs) ends.push_back(job->Wait());
}

// Submits `requests` to a device that is lost in operation `fault_at`, and looks at all that is left.
void ExpectOneError(const std::vector<Request>& requests, int64_t fault_at) {
  SCOPED_TRACE("a fault in operation " + std::to_string(fault_at));
  ShadowOptions options;
  options.fault_at = fault_at;
  const auto device = std::make_shared<ShadowDevice>(options);
  auto engine = OpenOn(device);
  ASSERT_NE(engine, nullptr);
  std::vector<Status> ends;
  RunTogether(*engine, requests, ends);
  const Status lost = device->health();
  ASSERT_EQ(lost.code(), StatusCode::kDeviceLost);
  size_t failed = 0;
  for (const Status& status : ends) {
    if (status.ok()) continue;
    ++failed;
    EXPECT_EQ(status.code(), StatusCode::kDeviceLost) << status.message();
    EXPECT_EQ(status.message(), lost.message());
  }
  EXPECT_GT(failed, 0u);
  // Nothing reaches the device any more, and nobody is let in.
  const int64_t operations = device->operations(), allocations = device->allocations();
  const auto refused = engine->Submit(requests.front());
  EXPECT_EQ(refused.status().code(), StatusCode::kDeviceLost);
  EXPECT_EQ(refused.status().message(), lost.message());
  const Metrics metrics = engine->metrics();
  EXPECT_FALSE(metrics.healthy);
  EXPECT_EQ(metrics.queued + metrics.running, 0);
  engine.reset();
  EXPECT_EQ(device->operations(), operations);
  EXPECT_EQ(device->allocations(), allocations);
  EXPECT_EQ(device->allocated_bytes(), 0);
  ExpectNoComplaints(*device);
}

// Operations until the model is open, and until `requests` have ended.
std::pair<int64_t, int64_t> CountOperations(const std::vector<Request>& requests) {
  const auto device = std::make_shared<ShadowDevice>();
  const auto engine = OpenOn(device);
  const int64_t opened = device->operations();
  std::vector<Status> ends;
  RunTogether(*engine, requests, ends);
  return {opened, device->operations()};
}

TEST_F(DeviceTest, AFaultInAnyOperationEndsTheRequestWithItsError) {
  for (const char* name : {"masked picture", "tokens", "latents"}) {
    const auto [opened, all] = CountOperations({RequestOf(name)});
    ASSERT_GT(all, opened + 100) << name;
    for (int64_t i = 0; i < 10; ++i) {
      ExpectOneError({RequestOf(name)}, opened + i);
      ExpectOneError({RequestOf(name)}, all - 1 - i);
      ExpectOneError({RequestOf(name)}, opened + (all - opened) * i / 10);
    }
  }
}

// How many operations there are depends on who works beside whom: not all of them are tried.
TEST_F(DeviceTest, AFaultEndsEveryRequestWithOneError) {
  const std::vector<Request> requests = {RequestOf("edit"), RequestOf("previews"), RequestOf("masked picture"),
                                         RequestOf("text")};
  const auto [opened, all] = CountOperations(requests);
  for (int64_t i = 0; i < 30; ++i) ExpectOneError(requests, opened + (all - opened) * i / 50);
}

TEST_F(DeviceTest, AFaultWhileNothingRunsIsToldToTheNext) {
  const auto device = std::make_shared<ShadowDevice>();
  const auto engine = OpenOn(device);
  ExpectResults(Compute(*engine, RequestOf("text"), "text"), "text");
  EXPECT_TRUE(engine->metrics().healthy);
  device->Break();
  EXPECT_FALSE(engine->metrics().healthy);
  EXPECT_EQ(engine->Submit(RequestOf("text")).status().code(), StatusCode::kDeviceLost);
}

TEST_F(DeviceTest, LackingMemoryIsNoFault) {
  int64_t opened = 0, all = 0;
  {
    const auto device = std::make_shared<ShadowDevice>();
    const auto engine = OpenOn(device);
    opened = device->allocations();
    Compute(*engine, RequestOf("text"), "text");
    all = device->allocations();
  }
  ASSERT_GT(all, opened + 2);
  int failures = 0;
  for (int64_t at = opened; at < all; ++at) {
    ShadowOptions options;
    options.no_memory_at = at;
    const auto device = std::make_shared<ShadowDevice>(options);
    const auto engine = OpenOn(device);
    auto job = engine->Submit(RequestOf("text"));
    ASSERT_TRUE(job.ok()) << job.status().message();
    const Status status = (*job)->Wait();
    if (!status.ok()) {
      ++failures;
      EXPECT_EQ(status.code(), StatusCode::kOutOfMemory) << status.message();
    }
    EXPECT_TRUE(engine->metrics().healthy);
    ExpectResults(Compute(*engine, RequestOf("text"), "text"), "text");
    ExpectNoComplaints(*device);
  }
  EXPECT_GT(failures, 1);
}

TEST_F(DeviceTest, NamesTheTokensWhoseLogitsAreNotFinite) {
  const test::CheckpointCopy copy;
  test::EditTensors(copy.weights(), [](test::RawTensors& tensors) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::memcpy(tensors.at("lm_head.weight").bytes.data() + 412 * 64 * 4, &nan, sizeof(nan));
  });
  const auto device = std::make_shared<ShadowDevice>();
  const auto engine = OpenOn(device, copy.path());
  auto job = engine->Submit(RequestOf("only what is due"));
  ASSERT_TRUE(job.ok()) << job.status().message();
  const Status status = (*job)->Wait();
  EXPECT_EQ(status.code(), StatusCode::kNumericError);
  EXPECT_NE(status.message().find("lm_head.weight"), std::string::npos) << status.message();
  EXPECT_TRUE(engine->metrics().healthy);
}

// No more than the tokens that are queued are still drawn.
TEST_F(DeviceTest, ACancelledRequestEndsWithTheRoundAtHand) {
  const auto [opened, all] = CountOperations({RequestOf("tokens")});
  const int64_t middle = (opened + all) / 2;
  std::promise<std::shared_ptr<Job>> submitted;
  std::shared_future<std::shared_ptr<Job>> job = submitted.get_future().share();
  ShadowOptions options;
  options.before_operation = [&, job](int64_t operation) {
    if (operation == middle) job.get()->Cancel();
  };
  const auto device = std::make_shared<ShadowDevice>(options);
  const auto engine = OpenOn(device);
  auto result = engine->Submit(RequestOf("tokens"));
  ASSERT_TRUE(result.ok()) << result.status().message();
  submitted.set_value(*result);
  EXPECT_EQ((*result)->Wait().code(), StatusCode::kCancelled);
  const int64_t token = (all - opened) / engine->checkpoint().config().image_tokens.tokens;
  EXPECT_LE(device->operations(), middle + (options.tokens_ahead + 1) * token);
  ExpectNoComplaints(*device);
}

}  // namespace
}  // namespace blip3o
