// The queue of a real device, over a runtime of the tests.
#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <new>
#include <numeric>
#include <string>
#include <vector>

#include "compiled/fake_cuda.h"
#include "ops/cuda/device/cuda_queue.h"
#include "ops/cuda/device/find_device.h"
#include "ops/cuda/probe.h"

namespace blip3o::cuda {

// In place of probe.cu, which is a device's: the kernel of the tests.
void Probe(Queue& queue, int32_t* values) {
  for (int32_t i = 0; i < kProbeValues; ++i) {
    const test::FakeParameters parameters = {values + i, values + i, 1, i};
    LaunchRequest request;
    request.name = "Probe";
    request.kernel = test::FakeKernel();
    request.shape.threads = 32;
    request.parameters = &parameters;
    request.parameters_bytes = sizeof(parameters);
    queue.Launch(request);
  }
}

}  // namespace blip3o::cuda

namespace blip3o::test {

using cuda::CudaQueue;
using cuda::DeviceLimits;
using cuda::DeviceState;
using cuda::LaunchRequest;
using cuda::MultiprocessorSplit;

class DeviceQueueTest : public testing::Test {
 protected:
  DeviceQueueTest() { ResetFakeCuda(); }
  ~DeviceQueueTest() override { ResetFakeCuda(); }

  static std::shared_ptr<DeviceState> NewState(int capability = 90) {
    return std::make_shared<DeviceState>(0, "Fake 1", DeviceLimits{capability, 132, 227 * 1024});
  }
  static std::unique_ptr<CudaQueue> NewQueue(std::shared_ptr<DeviceState> state,
                                             std::shared_ptr<MultiprocessorSplit> split = nullptr,
                                             LaneRole role = LaneRole::kLanguage) {
    return std::move(CudaQueue::Create(std::move(state), std::move(split), role).value());
  }
  // *to = *from · factor + added.
  static void Launch(CudaQueue& queue, const int32_t* from, int32_t* to, int32_t factor, int32_t added,
                     int64_t shared_bytes = 0) {
    const FakeParameters parameters = {from, to, factor, added};
    LaunchRequest request;
    request.name = "Test";
    request.kernel = FakeKernel();
    request.shape.threads = 32;
    request.shape.shared_bytes = shared_bytes;
    request.parameters = &parameters;
    request.parameters_bytes = sizeof(parameters);
    queue.Launch(request);
  }
  static int32_t Read(CudaQueue& queue, const int32_t* from) {
    int32_t value = -1;
    queue.CopyOut(from, sizeof(value), &value);
    return value;
  }
  static std::vector<bool> Dependent() {
    std::vector<bool> dependent;
    for (const FakeLaunch& launch : Fake().launches) dependent.push_back(launch.dependent);
    return dependent;
  }
  static int& Calls(const char* name) { return Fake().calls[name]; }
};

// A number in the device's memory.
struct Number {
  Number(CudaQueue& queue, int32_t value) : buffer(std::move(queue.Allocate(sizeof(value)).value())) {
    queue.CopyIn(&value, sizeof(value), at());
  }
  int32_t* at() const { return static_cast<int32_t*>(buffer.data()); }
  Buffer buffer;
};

// Copies larger than what they pass through, none of which has run when the host goes on.
TEST_F(DeviceQueueTest, TheHostMayWriteWhatWasCopiedIn) {
  const auto queue = NewQueue(NewState());
  std::vector<int32_t> values(3 << 20);
  std::iota(values.begin(), values.end(), 0);
  const int64_t bytes = static_cast<int64_t>(values.size()) * 4;
  const Buffer memory = std::move(queue->Allocate(bytes).value());
  queue->CopyIn(values.data(), bytes, memory.data());
  std::fill(values.begin(), values.end(), -1);
  queue->CopyIn(values.data(), 4, static_cast<int32_t*>(memory.data()) + 5);
  std::vector<int32_t> found(values.size());
  queue->CopyOut(memory.data(), bytes, found.data());
  ASSERT_TRUE(queue->Finish().ok());
  for (int32_t i = 0; i < static_cast<int32_t>(found.size()); ++i) {
    ASSERT_EQ(found[static_cast<size_t>(i)], i == 5 ? -1 : i);
  }
}

TEST_F(DeviceQueueTest, OnlyKernelsBehindKernelsStartEarly) {
  const auto queue = NewQueue(NewState());
  const Number a(*queue, 1);
  for (int i = 0; i < 3; ++i) Launch(*queue, a.at(), a.at(), 2, 0);
  queue->Fill(a.at(), 0, 4);
  Launch(*queue, a.at(), a.at(), 1, 1);
  queue->stream();  // somebody else's work
  Launch(*queue, a.at(), a.at(), 1, 1);
  EXPECT_EQ(Dependent(), (std::vector<bool>{false, true, true, false, false}));
  EXPECT_EQ(Read(*queue, a.at()), 2);
}

TEST_F(DeviceQueueTest, OlderArchitecturesStartNothingEarly) {
  const auto queue = NewQueue(NewState(80));
  const Number a(*queue, 1);
  for (int i = 0; i < 2; ++i) Launch(*queue, a.at(), a.at(), 2, 0);
  EXPECT_EQ(Dependent(), (std::vector<bool>{false, false}));
}

TEST_F(DeviceQueueTest, SharedMemoryIsAskedForOnce) {
  const auto queue = NewQueue(NewState());
  const Number a(*queue, 1);
  for (int64_t bytes : {1000, 1000, 900, 50000}) Launch(*queue, a.at(), a.at(), 1, 1, bytes);
  EXPECT_EQ(Calls("cudaFuncSetAttribute"), 2);
  EXPECT_EQ(Fake().launches.back().shared_bytes, 50000);
  Launch(*queue, a.at(), a.at(), 1, 1, 300 * 1024);
  const Status status = queue->Finish();
  EXPECT_EQ(status.code(), StatusCode::kInternalError);
  EXPECT_NE(status.message().find("Test asks for 307200 bytes of shared memory: Fake 1 has 232448"), std::string::npos);
}

TEST_F(DeviceQueueTest, WorkIsRunThenRecordedThenReplayed) {
  const auto queue = NewQueue(NewState());
  const Number a(*queue, 0);
  int runs = 0;
  for (int i = 0; i < 5; ++i) {
    queue->Repeat({1, nullptr, 7}, [&] {
      ++runs;
      Launch(*queue, a.at(), a.at(), 1, 1);
      Launch(*queue, a.at(), a.at(), 2, 0);
    });
  }
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(Calls("cudaGraphLaunch"), 4);
  EXPECT_EQ(Fake().graphs, 0);
  EXPECT_EQ(Read(*queue, a.at()), 62);
  EXPECT_EQ(Dependent(), (std::vector<bool>{false, true, false, true}));
  EXPECT_TRUE(Fake().launches.back().recorded);
  // Behind a replay a kernel waits.
  Launch(*queue, a.at(), a.at(), 1, 0);
  EXPECT_FALSE(Fake().launches.back().dependent);
}

TEST_F(DeviceQueueTest, AnotherOwnerInTheSamePlaceChangesTheRecord) {
  const auto queue = NewQueue(NewState());
  const Number a(*queue, 0);
  const auto add = [&](uint64_t owner, int32_t value) {
    queue->Repeat({owner, a.at(), 7}, [&] { Launch(*queue, a.at(), a.at(), 1, value); });
  };
  for (int i = 0; i < 3; ++i) add(1, 10);
  for (int i = 0; i < 3; ++i) add(2, 100);
  EXPECT_EQ(Read(*queue, a.at()), 330);
  EXPECT_EQ(Calls("cudaGraphInstantiate"), 1);
  EXPECT_EQ(Calls("cudaGraphExecUpdate"), 1);
  // One that can't be changed is built anew.
  Fake().updates_graphs = false;
  add(3, 1000);
  EXPECT_EQ(Read(*queue, a.at()), 1330);
  EXPECT_EQ(Calls("cudaGraphInstantiate"), 2);
  EXPECT_EQ(Fake().programs, 1);
}

TEST_F(DeviceQueueTest, TheLongestUnusedRecordGoesFirst) {
  const auto queue = NewQueue(NewState());
  const Number a(*queue, 0);
  int runs = 0;
  const auto run = [&](uint64_t form) {
    queue->Repeat({1, a.at(), form}, [&] {
      ++runs;
      Launch(*queue, a.at(), a.at(), 1, 1);
    });
  };
  const auto most = static_cast<uint64_t>(cuda::RecordedWork::kMost);
  for (uint64_t form = 0; form < most; ++form) run(form), run(form);
  run(0);
  const int before = runs;
  run(most), run(most);  // takes the place of form 1
  run(0);
  EXPECT_EQ(runs, before + 2);
  run(1);
  EXPECT_EQ(runs, before + 3);
  EXPECT_EQ(Fake().programs, cuda::RecordedWork::kMost);
  queue->ForgetRepeats();
  EXPECT_EQ(Fake().programs, 0);
  run(0);
  EXPECT_EQ(runs, before + 4);
  EXPECT_EQ(Read(*queue, a.at()), static_cast<int32_t>(2 * most + 1 + 2 + 1 + 1 + 1));
}

// As many requests as draw tokens together come and go: from the third round on nothing is recorded any more.
TEST_F(DeviceQueueTest, EveryNumberOfRowsIsRecordedOnceOnEachShare) {
  const auto state = NewState();
  std::shared_ptr<MultiprocessorSplit> split = std::move(MultiprocessorSplit::Create(state).value());
  const auto queue = NewQueue(state, split), other = NewQueue(state, split, LaneRole::kPicture);
  const Number a(*queue, 0);
  int runs = 0;
  const auto round = [&] {
    for (uint64_t rows = 1; rows <= 64; ++rows) {
      queue->Repeat({0, a.at(), 896 << 8 | rows}, [&] {
        ++runs;
        Launch(*queue, a.at(), a.at(), 1, 1);
      });
    }
  };
  for (int i = 0; i < 6; ++i) {
    round();
    other->BeginWork();
    round();
    other->EndWork();
  }
  EXPECT_EQ(runs, 2 * 2 * 64);
  EXPECT_EQ(Calls("cudaGraphInstantiate"), 2 * 64);
  EXPECT_EQ(Read(*queue, a.at()), 6 * 2 * 64);
}

TEST_F(DeviceQueueTest, WorkThatCanNotBeRecordedRunsAsItIs) {
  const auto queue = NewQueue(NewState());
  const Number a(*queue, 0);
  Fake().breaks_recordings = true;
  for (int i = 0; i < 6; ++i) {
    queue->Repeat({1, nullptr, 7}, [&] {
      Launch(*queue, a.at(), a.at(), 1, 1);
      Launch(*queue, a.at(), a.at(), 2, 0);
    });
  }
  EXPECT_EQ(Read(*queue, a.at()), 126);
  EXPECT_TRUE(queue->Finish().ok());
  EXPECT_EQ(Calls("cudaStreamBeginCapture"), 3);  // then it is given up
  EXPECT_NE(queue->name().find("launches one by one"), std::string::npos) << queue->name();
}

// A weight that is brought in while work is recorded is there before anything recorded runs.
TEST_F(DeviceQueueTest, CopiesWhileRecordingAreDoneAtOnce) {
  const auto queue = NewQueue(NewState());
  const Number a(*queue, 0), weight(*queue, 0);
  int32_t value = 5;
  for (int i = 0; i < 3; ++i) {
    queue->Repeat({1, nullptr, 7}, [&] {
      queue->CopyIn(&value, sizeof(value), weight.at());
      int32_t back = 0;
      queue->CopyOut(weight.at(), sizeof(back), &back);
      EXPECT_EQ(back, 5);
      Launch(*queue, weight.at(), a.at(), 1, 1);
    });
  }
  EXPECT_EQ(Read(*queue, a.at()), 6);
  EXPECT_TRUE(queue->Finish().ok());
}

// A failure of what is computed on the host ends the recording, and nothing of it is replayed.
TEST_F(DeviceQueueTest, AFailureInsideOfARecordingIsTheQueues) {
  const auto queue = NewQueue(NewState());
  const Number a(*queue, 0);
  int runs = 0;
  for (int i = 0; i < 3; ++i) {
    queue->Repeat({1, nullptr, 7}, [&] {
      if (++runs == 2) queue->Fail(OutOfMemory("no weight"));
      Launch(*queue, a.at(), a.at(), 1, 1);
    });
  }
  EXPECT_EQ(queue->Finish().message(), "no weight");
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(Fake().graphs, 0);
  EXPECT_EQ(Read(*queue, a.at()), 1);
}

// An exception of what is recorded leaves a queue that runs and records as before.
TEST_F(DeviceQueueTest, AnExceptionEndsARecording) {
  const auto queue = NewQueue(NewState());
  const Number a(*queue, 0);
  int runs = 0;
  const auto step = [&] {
    queue->Repeat({1, nullptr, 7}, [&] {
      Launch(*queue, a.at(), a.at(), 1, 1);
      if (++runs == 2) throw std::bad_alloc();
    });
  };
  step();
  EXPECT_THROW(step(), std::bad_alloc);
  EXPECT_EQ(Fake().graphs, 0);
  EXPECT_EQ(Read(*queue, a.at()), 1);
  EXPECT_TRUE(queue->Finish().ok());
  step(), step();
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(Read(*queue, a.at()), 3);
  EXPECT_TRUE(Fake().launches.back().recorded);
  EXPECT_EQ(Calls("cudaGraphInstantiate"), 1);
}

TEST_F(DeviceQueueTest, NoMemoryIsNoFault) {
  const auto state = NewState();
  const auto queue = NewQueue(state);
  const Result<Buffer> buffer = queue->Allocate(int64_t{2} << 30);
  ASSERT_FALSE(buffer.ok());
  EXPECT_EQ(buffer.status().code(), StatusCode::kOutOfMemory);
  EXPECT_NE(buffer.status().message().find("Fake 1 has no 2147483648 bytes left"), std::string::npos)
      << buffer.status().message();
  EXPECT_TRUE(state->health().ok());
  EXPECT_TRUE(queue->Allocate(16).ok());
}

// Requests that come and go behind the opening: slabs, memory of lanes that grow, prompts that stay for a while.
TEST_F(DeviceQueueTest, RequestsAskTheDriverForNoMemory) {
  const auto state = NewState();
  const auto language = NewQueue(state), picture = NewQueue(state, nullptr, LaneRole::kPicture);
  const Buffer weights = std::move(language->Allocate(1 << 20).value());
  ASSERT_TRUE(state->TakeArena(8 << 20).ok());
  EXPECT_FALSE(language->Owns(static_cast<char*>(weights.data()) + (1 << 20)));
  const int allocations = Calls("cudaMalloc"), frees = Calls("cudaFree");
  std::deque<Buffer> prompts;
  Buffer workspace;
  for (int i = 0; i < 100; ++i) {
    Buffer slab = std::move(language->Allocate(10000 + 700 * (i % 7)).value());
    ASSERT_EQ(reinterpret_cast<uintptr_t>(slab.data()) % 256, reinterpret_cast<uintptr_t>(weights.data()) % 256);
    EXPECT_TRUE(language->Owns(static_cast<char*>(slab.data()) + slab.size_bytes() - 1));
    if (i % 10 == 0) {
      workspace = Buffer();
      workspace = std::move(picture->Allocate(5000 * (i + 1)).value());
    }
    int32_t* number = static_cast<int32_t*>(slab.data());
    language->CopyIn(&i, sizeof(i), number);
    Launch(*language, number, number, 2, 1);
    ASSERT_TRUE(language->Finish().ok());
    EXPECT_EQ(Read(*picture, number), 2 * i + 1);
    prompts.push_back(std::move(language->Allocate(3000 + i).value()));
    if (prompts.size() > 16) prompts.pop_front();
  }
  EXPECT_EQ(Calls("cudaMalloc"), allocations);
  EXPECT_EQ(Calls("cudaFree"), frees);
  prompts.clear();
  workspace = Buffer();
  EXPECT_EQ(state->FreeBytes().value(), 8 << 20);
}

TEST_F(DeviceQueueTest, AFullArenaIsNoFault) {
  const auto state = NewState();
  const auto queue = NewQueue(state);
  ASSERT_TRUE(state->TakeArena(1 << 20).ok());
  std::vector<Buffer> pieces;
  for (int i = 0; i < 4; ++i) pieces.push_back(std::move(queue->Allocate(1 << 18).value()));
  pieces.erase(pieces.begin() + 2);
  pieces.erase(pieces.begin());
  // Half of it is free, and in two pieces.
  const Result<Buffer> none = queue->Allocate(1 << 19);
  EXPECT_EQ(none.status().code(), StatusCode::kOutOfMemory);
  EXPECT_NE(none.status().message().find("Fake 1 has no 524288 bytes left, 524288 are free in pieces"),
            std::string::npos)
      << none.status().message();
  EXPECT_TRUE(state->health().ok());
  EXPECT_TRUE(queue->Allocate(1 << 18).ok());
}

TEST_F(DeviceQueueTest, AnArenaThatCanNotBeHadSaysTheNumbers) {
  const auto state = NewState();
  const Status status = state->TakeArena(int64_t{2} << 30);
  EXPECT_EQ(status.code(), StatusCode::kOutOfMemory);
  EXPECT_NE(status.message().find("Fake 1 has no 2147483648 bytes in one piece for requests, beside the weights: "
                                  "1073741824 are free"),
            std::string::npos)
      << status.message();
  EXPECT_TRUE(state->health().ok());
}

// The move to the other stream failed: what was queued on the first is waited for all the same.
TEST_F(DeviceQueueTest, NothingIsUnderWayBehindAMoveThatFailed) {
  const auto state = NewState();
  std::shared_ptr<MultiprocessorSplit> split = std::move(MultiprocessorSplit::Create(state).value());
  const auto queue = NewQueue(state, split), other = NewQueue(state, split, LaneRole::kPicture);
  const Number a(*queue, 1);
  queue->BeginWork();
  Launch(*queue, a.at(), a.at(), 5, 0);
  other->BeginWork();
  Fake().fails["cudaStreamWaitEvent"] = cudaErrorInvalidValue;
  queue->Repeat({1, nullptr, 7}, [] {});
  EXPECT_FALSE(queue->Finish().ok());
  EXPECT_EQ(*a.at(), 5);
}

TEST_F(DeviceQueueTest, AFaultEndsEverythingAndNothingCallsTheDriverAgain) {
  const auto state = NewState();
  std::shared_ptr<MultiprocessorSplit> split = std::move(MultiprocessorSplit::Create(state).value());
  auto queue = NewQueue(state, split), other = NewQueue(state, split, LaneRole::kPicture);
  auto a = std::make_unique<Number>(*queue, 1);
  for (int i = 0; i < 3; ++i) {
    queue->Repeat({1, nullptr, 7}, [&] { Launch(*queue, a->at(), a->at(), 1, 1); });
  }
  Fake().dead = cudaErrorIllegalAddress;
  int32_t value = 77;
  queue->CopyOut(a->at(), sizeof(value), &value);
  EXPECT_FALSE(queue->ok());
  EXPECT_EQ(Fake().calls_when_dead, 1);  // the one that told it

  Launch(*other, a->at(), a->at(), 1, 1);
  EXPECT_FALSE(other->ok());
  EXPECT_FALSE(other->Allocate(16).ok());
  EXPECT_FALSE(CudaQueue::Create(state, split, LaneRole::kPicture).ok());
  queue->Repeat({1, nullptr, 7}, [&] { FAIL(); });
  queue->BeginWork();
  queue->EndWork();
  queue->ForgetRepeats();
  for (int i = 0; i < 2; ++i) {
    for (CudaQueue* q : {queue.get(), other.get()}) {
      const Status status = q->Finish();
      EXPECT_EQ(status.code(), StatusCode::kDeviceLost);
      EXPECT_NE(status.message().find("Fake 1 was lost"), std::string::npos) << status.message();
      EXPECT_NE(status.message().find("an illegal memory access"), std::string::npos) << status.message();
    }
  }
  EXPECT_EQ(state->health().code(), StatusCode::kDeviceLost);
  a.reset();
  queue.reset();
  other.reset();
  split.reset();
  EXPECT_EQ(Fake().calls_when_dead, 1);
  EXPECT_EQ(Fake().contexts, 2);
}

TEST_F(DeviceQueueTest, EverythingIsGivenBack) {
  {
    const auto state = NewState();
    std::shared_ptr<MultiprocessorSplit> split = std::move(MultiprocessorSplit::Create(state).value());
    const auto queue = NewQueue(state, split);
    split.reset();
    ASSERT_TRUE(state->TakeArena(1 << 16).ok());
    const Number a(*queue, 1);
    EXPECT_TRUE(queue->Owns(a.at()));
    EXPECT_FALSE(queue->Owns(a.at() + 1));
    for (int i = 0; i < 3; ++i) queue->Repeat({1, nullptr, 7}, [&] { Launch(*queue, a.at(), a.at(), 1, 1); });
  }
  EXPECT_EQ(Fake().allocated_bytes, 0);
  EXPECT_EQ(Fake().host_pieces, 0);
  EXPECT_EQ(Fake().streams, 0);
  EXPECT_EQ(Fake().events, 0);
  EXPECT_EQ(Fake().programs, 0);
  EXPECT_EQ(Fake().contexts, 0);
}

// ---- Roles that share a device --------------------------------------------------------------------------------------

TEST_F(DeviceQueueTest, RolesShareTheMultiprocessorsOnlyWhileBothWork) {
  const auto state = NewState();
  std::shared_ptr<MultiprocessorSplit> split = std::move(MultiprocessorSplit::Create(state).value());
  EXPECT_EQ(split->multiprocessors(LaneRole::kLanguage), 48);
  EXPECT_EQ(split->multiprocessors(LaneRole::kPicture), 84);
  const auto language = NewQueue(state, split), picture = NewQueue(state, split, LaneRole::kPicture);
  const Number a(*language, 1);
  int runs = 0;
  const auto step = [&] {
    language->Repeat({1, nullptr, 7}, [&] {
      ++runs;
      Launch(*language, a.at(), a.at(), 3, 1);
    });
  };
  language->BeginWork();
  step(), step(), step();
  EXPECT_EQ(runs, 2);
  const void* whole = Fake().launches.back().stream;
  EXPECT_EQ(language->limits().multiprocessors, 132);

  picture->BeginWork();
  EXPECT_EQ(picture->limits().multiprocessors, 84);
  // A record lies on the multiprocessors that it was made on.
  step(), step(), step();
  EXPECT_EQ(runs, 4);
  EXPECT_EQ(language->limits().multiprocessors, 48);
  EXPECT_NE(Fake().launches.back().stream, whole);
  picture->EndWork();
  step();
  EXPECT_EQ(runs, 4);
  EXPECT_EQ(language->limits().multiprocessors, 132);
  language->EndWork();
  // Work that moved from stream to stream kept its order: only the last of them is waited for.
  int32_t expected = 1;
  for (int i = 0; i < 7; ++i) expected = expected * 3 + 1;
  EXPECT_EQ(Read(*language, a.at()), expected);
}

TEST_F(DeviceQueueTest, AnOlderDriverSplitsNothing) {
  Fake().has_green_contexts = false;
  const auto split = MultiprocessorSplit::Create(NewState());
  ASSERT_FALSE(split.ok());
  EXPECT_EQ(split.status().code(), StatusCode::kUnsupported);
}

TEST_F(DeviceQueueTest, ASplitIsTriedBeforeItIsUsed) {
  {
    const auto state = NewState();
    const auto split = cuda::FindSplit(state);
    ASSERT_TRUE(split.ok()) << split.status().message();
    EXPECT_EQ(split.value()->multiprocessors(LaneRole::kPicture), 84);
    EXPECT_GT(Calls("cudaStreamWaitEvent"), 0);
    EXPECT_TRUE(Fake().launches.back().stream != nullptr);
    // Each role has recorded and replayed on its share.
    EXPECT_EQ(Calls("cudaGraphInstantiate"), 2);
    EXPECT_EQ(Calls("cudaGraphLaunch"), 4);
    EXPECT_EQ(state->working(LaneRole::kLanguage) + state->working(LaneRole::kPicture), 0);
  }
  EXPECT_EQ(Fake().allocated_bytes, 0);
  EXPECT_EQ(Fake().streams, 0);
  EXPECT_EQ(Fake().contexts, 0);
}

TEST_F(DeviceQueueTest, ASplitOfWhichAnyStepFailsIsNone) {
  for (const char* step : {"cudaStreamWaitEvent", "cudaEventRecord", "cudaLaunchKernelExC", "cudaGraphLaunch",
                           "cudaStreamBeginCapture", "cudaGraphInstantiate"}) {
    ResetFakeCuda();
    const auto state = NewState();
    Fake().fails[step] = cudaErrorInvalidResourceHandle;
    const auto split = cuda::FindSplit(state);
    ASSERT_FALSE(split.ok()) << step;
    EXPECT_NE(split.status().message().find("what the test asked for"), std::string::npos) << split.status().message();
    EXPECT_TRUE(state->health().ok());
    EXPECT_EQ(Fake().contexts, 0) << step;
    EXPECT_EQ(state->working(LaneRole::kLanguage) + state->working(LaneRole::kPicture), 0);
    // What has no share still has the device.
    const auto queue = NewQueue(state);
    const Number a(*queue, 3);
    EXPECT_EQ(Read(*queue, a.at()), 3);
  }
}

TEST(MultiprocessorSplit, AThirdIsForTokensInWholeUnits) {
  EXPECT_EQ(cuda::TokenMultiprocessors(132, 8, 8), 48);
  EXPECT_EQ(cuda::TokenMultiprocessors(108, 4, 2), 36);
  EXPECT_EQ(cuda::TokenMultiprocessors(16, 8, 8), 8);
  EXPECT_EQ(cuda::TokenMultiprocessors(8, 8, 8), 0);
  EXPECT_EQ(cuda::TokenMultiprocessors(1, 1, 1), 0);
}

// ---- Whether there is a device
// ----------------------------------------------------------------------------------------

class FindDeviceTest : public DeviceQueueTest {
 protected:
  static void ExpectRefused(StatusCode code, const std::string& words) {
    const Result<std::shared_ptr<DeviceState>> found = cuda::FindDevice();
    ASSERT_FALSE(found.ok());
    EXPECT_EQ(found.status().code(), code) << found.status().message();
    EXPECT_NE(found.status().message().find(words), std::string::npos) << found.status().message();
  }
};

TEST_F(FindDeviceTest, OneThatRunsKernels) {
  const Result<std::shared_ptr<DeviceState>> found = cuda::FindDevice();
  ASSERT_TRUE(found.ok()) << found.status().message();
  EXPECT_EQ(found.value()->limits().compute_capability, 90);
  EXPECT_EQ(found.value()->limits().multiprocessors, 132);
  EXPECT_EQ(Fake().allocated_bytes, 0);
}

TEST_F(FindDeviceTest, NoDriver) {
  Fake().start = cudaErrorInsufficientDriver;
  Fake().driver_version = 0;
  ExpectRefused(StatusCode::kUnsupported, "this machine has no CUDA driver");
}

TEST_F(FindDeviceTest, ADriverTooOld) {
  Fake().start = cudaErrorInsufficientDriver;
  Fake().driver_version = 12040;
  ExpectRefused(StatusCode::kUnsupported,
                "the CUDA driver is too old: it is made for CUDA 12.4, and this library for 13.");
}

TEST_F(FindDeviceTest, NoDevice) {
  Fake().start = cudaErrorNoDevice;
  ExpectRefused(StatusCode::kUnsupported, "finds no device");
}

TEST_F(FindDeviceTest, AnOldDevice) {
  Fake().capability = 75;
  ExpectRefused(StatusCode::kUnsupported, "Fake 1 has compute capability 7.5: this library needs 8.0");
}

TEST_F(FindDeviceTest, NoCodeForTheDevice) {
  Fake().fails["cudaLaunchKernelExC"] = cudaErrorNoKernelImageForDevice;
  ExpectRefused(StatusCode::kUnsupported, "no code for Fake 1, of compute capability 9.0");
}

TEST_F(FindDeviceTest, NoMemoryForAContext) {
  Fake().fails["cudaFree"] = cudaErrorMemoryAllocation;
  ExpectRefused(StatusCode::kOutOfMemory, "The start failed on Fake 1");
}

TEST_F(FindDeviceTest, ADeviceThatFaultsAtOnce) {
  Fake().fails["cudaStreamSynchronize"] = cudaErrorIllegalAddress;
  ExpectRefused(StatusCode::kDeviceLost, "Fake 1 was lost");
}

TEST_F(FindDeviceTest, AnotherError) {
  Fake().start = cudaErrorInitializationError;
  ExpectRefused(StatusCode::kUnsupported, "CUDA could not be started: what the test asked for");
}

}  // namespace blip3o::test
