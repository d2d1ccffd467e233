// The harness itself: right kernels pass, and of every kind of wrong one it says what is wrong.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "lanes/lane_queue.h"
#include "lanes/record_queue.h"
#include "lanes_kernels.h"
#include "ops/cuda/launch.h"
#include "support/kernel_test.h"
#include "support/lane_test.h"

namespace blip3o::test {

using cuda::lanes::CopyTiming;
using cuda::lanes::LaneOptions;
using cuda::lanes::LaneQueue;

using Kernel = void (*)(cuda::Queue&, const LanesCase&);

std::vector<float> Ascending(int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 8);
  return values;
}

// A launch of `kernel` with `fault` on memory of exactly the sizes that it needs.
Status RunOnce(Kernel kernel, Fault fault, const LaneOptions& options, int64_t n = 1024) {
  DeviceContext context(options);
  DeviceArray<float> in(context, Ascending(n));
  DeviceArray<float> out(context, std::vector<float>(static_cast<size_t>(n), 0.0f));
  DeviceArray<uint32_t> counter(context, std::vector<uint32_t>(8, 0));
  std::vector<float> host(16, 1.0f);
  LanesCase c{in.data(), out.data(), counter.data(), host.data(), n, fault};
  if (fault == Fault::kGivenBack) {
    DeviceArray<float> short_lived(context, host);
    c.elsewhere = short_lived.data();
  }
  if (fault == Fault::kBeyondAllocation) c.out += n - n / 64;  // as if there were one value a block
  kernel(context.queue, c);
  return context.queue.Finish();
}

// `kernel` is refused under every timing, and the report holds all of `words`.
void ExpectReport(Kernel kernel, Fault fault, const std::vector<std::string>& words, int64_t n = 1024) {
  for (CopyTiming timing : {CopyTiming::kAtOnce, CopyTiming::kAtWait, CopyTiming::kBetween}) {
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      const Status status = RunOnce(kernel, fault, {seed, timing}, n);
      ASSERT_EQ(status.code(), StatusCode::kInternalError) << "seed " << seed;
      for (const std::string& word : words) {
        EXPECT_NE(status.message().find(word), std::string::npos) << word << " is missing in: " << status.message();
      }
    }
  }
}

TEST(Lanes, RightKernelsPass) {
  ForEachSchedule([](DeviceContext& context) {
    const int64_t n = 1024;
    const std::vector<float> values = Ascending(n);
    DeviceArray<float> in(context, values);
    DeviceArray<uint32_t> counter(context, std::vector<uint32_t>(8, 0));
    const auto run = [&](Kernel kernel, size_t count = 1024) {
      DeviceArray<float> out(context, std::vector<float>(count));
      kernel(context.queue, {in.data(), out.data(), counter.data(), nullptr, n});
      return out.Read();
    };
    EXPECT_EQ(run(BlockSums, 16), std::vector<float>(16, 64 * 3.5f));
    EXPECT_EQ(run(CopyThrough), values);
    EXPECT_EQ(run(TicketSum, 33)[0], 1024 * 3.5f);
    EXPECT_EQ(run(TicketSum, 33)[0], 1024 * 3.5f);  // the counter is zero again
    const std::vector<float> swapped = run(SwapNeighbours), more = run(AddThree);
    for (size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(swapped[i], values[i ^ 1]);
      EXPECT_EQ(more[i], values[i] + 3);
    }
    run(Histogram);
    EXPECT_EQ(counter.Read(), std::vector<uint32_t>(8, 128));
  });
}

TEST(Lanes, InstructionsOfAWarp) {
  ForEachSchedule([](DeviceContext& context) {
    std::vector<float> values(32);
    for (int l = 0; l < 32; ++l) values[static_cast<size_t>(l)] = static_cast<float>(l * l);
    DeviceArray<float> in(context, values), out(context, std::vector<float>(7 * 32));
    LaneInstructions(context.queue, {in.data(), out.data(), nullptr, nullptr, 32});
    const std::vector<float> found = out.Read();
    for (int l = 0; l < 32; ++l) {
      const auto row = [&](int r) { return found[static_cast<size_t>(32 * r + l)]; };
      EXPECT_EQ(row(0), (l ^ 5) * (l ^ 5));
      EXPECT_EQ(row(1), l < 3 ? l * l : (l - 3) * (l - 3));
      EXPECT_EQ(row(2), (31 - l) * (31 - l));
      EXPECT_EQ(row(3), l % 3 == 0 ? 1 : 0);
      EXPECT_EQ(row(4), 4);  // 2^40 / 2^38
      EXPECT_EQ(row(5), 10416);
      EXPECT_EQ(row(6), 961);
    }
  });
}

TEST(Lanes, MatrixProductInTheDocumentedLayouts) {
  ForEachSchedule([](DeviceContext& context) {
    for (bool transposed : {false, true}) {
      // bf16 holds them exactly.
      std::vector<float> values(384);
      for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * 37 % 61) - 30;
      DeviceArray<float> in(context, values), out(context, std::vector<float>(128));
      Multiply16(context.queue, {in.data(), out.data(), nullptr, nullptr, 384}, transposed);
      const std::vector<float> found = out.Read();
      for (size_t row = 0; row < 16; ++row) {
        for (size_t col = 0; col < 8; ++col) {
          float sum = 0;
          for (size_t k = 0; k < 16; ++k) {
            sum += values[16 * row + k] * values[256 + (transposed ? 8 * k + col : 16 * col + k)];
          }
          EXPECT_EQ(found[8 * row + col], sum) << row << "," << col;
        }
      }
    }
  });
}

TEST(Lanes, ApproximateFunctionsAreOffWithinTheirBounds) {
  std::set<std::vector<float>> different;
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    DeviceContext context(LaneOptions{seed});
    std::vector<float> values;
    Numbers numbers(5);
    for (int i = 0; i < 500; ++i) values.push_back(1.0f + 20.0f * std::abs(numbers()));
    const size_t n = values.size();
    values[0] = 0;
    values[1] = INFINITY;
    values[2] = NAN;
    DeviceArray<float> in(context, values), out(context, std::vector<float>(4 * n));
    Approximate(context.queue, {in.data(), out.data(), nullptr, nullptr, static_cast<int64_t>(n)});
    const std::vector<float> found = out.Read();
    ASSERT_TRUE(context.queue.Finish().ok());
    different.insert(std::vector<float>(found.begin() + 3, found.begin() + 500));
    double largest = 0;
    for (size_t i = 3; i < n; ++i) {
      const double x = values[i];
      const double exact[] = {std::exp2(x), 1 / x, 1 / std::sqrt(x), std::exp(x)};
      for (size_t f = 0; f < 4; ++f) {
        const double error = std::abs(found[f * n + i] / exact[f] - 1);
        EXPECT_LE(error, 0x1p-22) << f << " of " << x;
        largest = std::max(largest, error);
      }
    }
    EXPECT_GE(largest, 0x1p-23);
    EXPECT_EQ(found[0], 1);
    EXPECT_EQ(found[1], INFINITY);
    EXPECT_TRUE(std::isnan(found[2]));
    EXPECT_EQ(found[n], INFINITY);
    EXPECT_EQ(found[n + 1], 0);
  }
  EXPECT_EQ(different.size(), 3u);  // each seed errs in its own way
}

TEST(Lanes, MemoryThatNobodyWroteIsNaN) {
  DeviceContext context(LaneOptions{});
  const Buffer fresh = std::move(context.queue.Allocate(64).value());
  float value = 0;
  context.queue.CopyOut(fresh.data(), 4, &value);
  EXPECT_TRUE(std::isnan(value));
  EXPECT_TRUE(std::isnan(F32FromBF16(0xFFFF)));
  DeviceArray<float> out(context, std::vector<float>(64));
  ReadNothing(context.queue, {nullptr, out.data(), nullptr, nullptr, 64});
  for (float v : out.Read()) EXPECT_TRUE(std::isnan(v));
  EXPECT_TRUE(context.queue.Finish().ok());
}

TEST(Lanes, ReportsRacesInABlock) {
  ExpectReport(BlockSums, Fault::kNoBarrier, {"\"BlockSums\"", " shared memory (256 bytes) + ", "no barrier"});
  ExpectReport(BlockSums, Fault::kNoBarrierBehind, {"shared memory (256 bytes) + 0", "thread 33", "no barrier"});
  ExpectReport(SwapNeighbours, Fault::kNoWarpSync, {" shared memory (256 bytes) + ", "with no barrier between"});
  ExpectReport(Histogram, Fault::kNoBarrier, {"shared memory", "no barrier"});
}

TEST(Lanes, ReportsRacesOfCopies) {
  ExpectReport(CopyThrough, Fault::kNoCopyWait,
               {"reads shared memory", "asynchronous copy that it has not waited for"});
  ExpectReport(CopyThrough, Fault::kOneGroupLess, {"asynchronous copy that it has not waited for"});
  ExpectReport(CopyThrough, Fault::kCopyUnderWay, {"has ended with an asynchronous copy to shared memory"});
  ExpectReport(CopyThrough, Fault::kCopyWaitNoBarrier, {" shared memory (2304 bytes) + "});
  ExpectReport(CopyThrough, Fault::kSourceOverwritten,
               {"copies from allocation", "writes before the copy is waited for"});
}

TEST(Lanes, ReportsRacesOfBlocks) {
  ExpectReport(BlockSums, Fault::kBlocksWriteTheSame, {"writes allocation", "in the order of this run wrote"});
  ExpectReport(BlockSums, Fault::kBlocksReadWhatOneWrites, {"allocation"});
  for (Fault fault : {Fault::kNoFenceBefore, Fault::kNoFenceBehind}) {
    ExpectReport(TicketSum, fault, {"reads allocation", "needs FenceDevice before and behind an atomic"});
  }
  ExpectReport(TicketSum, Fault::kNoBarrierBefore, {"thread 33 reads allocation"});
  ExpectReport(TicketSum, Fault::kNoBarrierBehindTicket, {"shared memory", "no barrier"});
  ExpectReport(TicketSum, Fault::kPlainTicket, {"allocation"});
  ExpectReport(Histogram, Fault::kPlainBesideAtomic, {"allocation"});
}

TEST(Lanes, ReportsAccessesOutOfBounds) {
  ExpectReport(BlockSums, Fault::kBeyondShared, {"thread 3 writes 4 bytes at shared memory (256 bytes) + 256"});
  ExpectReport(BlockSums, Fault::kBelowShared, {"thread 3 writes 4 bytes at shared memory (256 bytes) - 4"});
  ExpectReport(BlockSums, Fault::kBeyondAllocation, {"writes 4 bytes at allocation", "+ 4096: out of bounds"});
  ExpectReport(BlockSums, Fault::kBelowAllocation, {"reads 4 bytes at allocation", "out of bounds"});
  ExpectReport(BlockSums, Fault::kGivenBack, {"reads 4 bytes at allocation", "given back) + 0: out of bounds"});
  ExpectReport(BlockSums, Fault::kHostMemory, {"reads 4 bytes at 0x", "not the device's memory"});
  ExpectReport(AddOne, Fault::kOtherLanesStack, {"reads 4 bytes at the local memory of thread"});
  ExpectReport(CopyThrough, Fault::kCopyToGlobal, {"copies 16 bytes to allocation", "not its shared memory"});
  ExpectReport(CopyThrough, Fault::kCopyBeyondTheEnd, {"reads 16 bytes at allocation", "+ 4096: out of bounds"});
  ExpectReport(BlockSums, Fault::kIndexOutsideOfArray, {"uses index ", " outside of an array (", "lanes_kernels.cu:"},
               64);
}

TEST(Lanes, ReportsMisalignment) {
  ExpectReport(AddOne, Fault::kMisalignedVector, {"must be aligned to 16 bytes"});
  ExpectReport(AddOne, Fault::kMisalignedWord, {"remainder 2, where it must be aligned to 4 bytes"});
  ExpectReport(CopyThrough, Fault::kCopyMisaligned, {"copies 16 bytes of shared memory", "not aligned"});
  const Kernel multiply = [](cuda::Queue& queue, const LanesCase& c) { Multiply16(queue, c, false); };
  ExpectReport(multiply, Fault::kMisalignedMatrix, {"calls LoadMatrix4", "not aligned to 16 bytes"});
  ExpectReport(multiply, Fault::kMatrixOfGlobal, {"calls LoadMatrix4", "it reads shared memory"});
}

TEST(Lanes, ReportsDivergence) {
  ExpectReport(SwapNeighbours, Fault::kDivergentShuffle, {"ShuffleXor", "SyncWarp"});
  ExpectReport(SwapNeighbours, Fault::kDifferentInstructions, {"ShuffleXor", "Ballot"});
  ExpectReport(SwapNeighbours, Fault::kEndedBeforeShuffle, {"ended"});
  ExpectReport(SwapNeighbours, Fault::kShuffleOfLane32, {"calls Shuffle with ", ": expected 0 to 31"});
  ExpectReport(BlockSums, Fault::kDivergentBarrier, {"no thread can go on", "lanes wait at SyncBlock", "at Ballot"});
  ExpectReport(BlockSums, Fault::kEndedBeforeBarrier, {"SyncBlock", "ended"});
}

TEST(Lanes, ReportsWhatComesBeforeTheWait) {
  ExpectReport(BlockSums, Fault::kNoWait, {"before WaitForPredecessor"});
  ExpectReport(BlockSums, Fault::kTwoWaits, {"has called WaitForPredecessor 2 times"});
  ExpectReport(BlockSums, Fault::kReadBeforeWait, {"reads allocation", "which an earlier kernel wrote"});
  ExpectReport(BlockSums, Fault::kWriteBeforeWait, {"writes 4 bytes at allocation", "before WaitForPredecessor"});
  ExpectReport(BlockSums, Fault::kAtomicBeforeWait, {"updates 4 bytes at allocation", "before WaitForPredecessor"});
  ExpectReport(CopyThrough, Fault::kCopyBeforeWait, {"reads allocation", "before WaitForPredecessor"});
  ExpectReport(AddThree, Fault::kReadBeforeWait, {"reads allocation", "which an earlier kernel wrote"});
}

TEST(Lanes, WeightsMayBeReadBeforeTheWait) {
  LaneQueue queue;
  const std::vector<float> values(64, 1.0f);
  const Buffer in = std::move(queue.Allocate(256).value()), out = std::move(queue.Allocate(256).value());
  queue.CopyIn(values.data(), 256, in.data());
  const LanesCase c{static_cast<float*>(in.data()), static_cast<float*>(out.data()), nullptr, nullptr, 64,
                    Fault::kReadBeforeWait};
  AddOne(queue, c);
  EXPECT_TRUE(queue.Finish().ok());
  // What a kernel has written is a weight too once the host has waited for it.
  LanesCase second = c;
  second.in = c.out;
  second.out = static_cast<float*>(in.data());
  AddOne(queue, second);
  EXPECT_TRUE(queue.Finish().ok());
  AddOne(queue, c);
  AddOne(queue, second);
  EXPECT_FALSE(queue.Finish().ok());
}

TEST(Lanes, ReportsUndefinedBehaviour) {
  ExpectReport(BlockSums, Fault::kShiftBy32, {"shifts by", "lanes_kernels.cu:"}, 64);
}

TEST(Lanes, HostCodeMayNotTouchTheDevicesMemory) {
  DeviceContext context(LaneOptions{});
  DeviceArray<float> in(context, {1.0f, 2.0f});
  HostRead(in.data() + 1);
  const Status status = context.queue.Finish();
  EXPECT_NE(status.message().find("host code touches allocation"), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("(8 bytes) + 4"), std::string::npos) << status.message();
  EXPECT_TRUE(context.queue.Finish().ok());
}

TEST(Lanes, RefusesWhatNoDeviceTakes) {
  const auto refused = [](const cuda::LaunchShape& shape) {
    DeviceContext context(LaneOptions{});
    cuda::LaunchRequest request;
    request.name = "Shape";
    request.kernel = &request;  // never called
    request.shape = shape;
    context.queue.Launch(request);
    return context.queue.Finish().message();
  };
  const auto has = [](const std::string& text, const std::string& word) { return text.find(word) != text.npos; };
  EXPECT_TRUE(has(refused({{0, 1, 1}, 32, 1, 0}), "launch of \"Shape\": a grid of 0 x 1 x 1"));
  EXPECT_TRUE(has(refused({{1, 65536, 1}, 32, 1, 0}), "a grid of 1 x 65536 x 1"));
  EXPECT_TRUE(has(refused({{1, 1, 65536}, 32, 1, 0}), "a grid of"));
  EXPECT_TRUE(has(refused({{int64_t{1} << 31, 1, 1}, 32, 1, 0}), "a grid of"));
  EXPECT_TRUE(has(refused({{1, 1, 1}, 48, 1, 0}), "48 threads"));
  EXPECT_TRUE(has(refused({{1, 1, 1}, 1056, 1, 0}), "1056 threads"));
  EXPECT_TRUE(has(refused({{1, 1, 1}, 0, 1, 0}), "0 threads"));
  EXPECT_TRUE(has(refused({{1, 1, 1}, 32, 1, 99 * 1024 + 1}), "101377 bytes of shared memory"));
  EXPECT_TRUE(has(refused({{1, 1, 1}, 32, 0, 0}), "no blocks"));
}

TEST(Lanes, TheFirstFailureIsKeptUntilFinish) {
  DeviceContext context(LaneOptions{});
  DeviceArray<float> in(context, Ascending(64)), out(context, std::vector<float>(64, 7.0f));
  const LanesCase good{in.data(), out.data(), nullptr, nullptr, 64};
  LanesCase bad = good;
  bad.fault = Fault::kTwoWaits;
  BlockSums(context.queue, bad);
  EXPECT_FALSE(context.queue.ok());
  AddOne(context.queue, good);  // does nothing
  context.queue.Fail(OutOfMemory("too late"));
  EXPECT_NE(context.queue.Finish().message().find("WaitForPredecessor 2 times"), std::string::npos);
  EXPECT_TRUE(context.queue.ok());
  EXPECT_EQ(out.Read()[1], 7.0f);
}

TEST(Lanes, RepeatReplaysWhatWasRecorded) {
  DeviceContext context(LaneOptions{});
  DeviceArray<float> values(context, std::vector<float>(64, 1.0f));
  DeviceArray<float> filled(context, std::vector<float>(1, 1.0f));
  int runs = 0;
  const auto work = [&] {
    ++runs;
    AddOne(context.queue, {values.data(), values.data(), nullptr, nullptr, 64});
    context.queue.Fill(filled.data(), 0, 4);
  };
  const RepeatKey key{1, values.data(), 2}, other{1, values.data(), 3};
  for (int i = 0; i < 3; ++i) context.queue.Repeat(key, work);
  EXPECT_EQ(runs, 1);
  context.queue.Repeat(other, work);
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(values.Read(), std::vector<float>(64, 5.0f));
  EXPECT_EQ(filled.Read()[0], 0);
  context.queue.ForgetRepeats();
  context.queue.Repeat(key, work);
  EXPECT_EQ(runs, 3);
  EXPECT_TRUE(context.queue.Finish().ok());
  const float host = 0;
  context.queue.Repeat({9, nullptr, 0}, [&] { context.queue.CopyIn(&host, 4, values.data()); });
  EXPECT_NE(context.queue.Finish().message().find("inside of Repeat"), std::string::npos);
}

TEST(Lanes, AMatrixGoesInAndOutWithItsPadding) {
  ForEachSchedule([](DeviceContext& context) {
    const OwnedMatrix host(3, 5, Numbers(1));
    const DeviceMatrix device(context, host);
    EXPECT_EQ((*device).stride, (*host).stride);
    EXPECT_NE(reinterpret_cast<uintptr_t>((*device).data) % 8, 0u);
    OwnedMatrix back(3, 5);
    device.CopyTo(back);
    EXPECT_TRUE(back == host);
    EXPECT_TRUE(back.PaddingUntouched());
  });
}

TEST(Lanes, ARecordQueueNotesLaunchesOfAnySize) {
  cuda::lanes::RecordQueue queue({90, 132, 99 * 1024});
  const Buffer huge = std::move(queue.Allocate(int64_t{1} << 45).value());
  EXPECT_TRUE(queue.Owns(huge.data()));
  EXPECT_FALSE(queue.Owns(&queue));
  const LanesCase c{static_cast<float*>(huge.data()), static_cast<float*>(huge.data()), nullptr, nullptr,
                    int64_t{1} << 40};
  AddOne(queue, c);
  EXPECT_NE(queue.Finish().message().find("a grid of 17179869184 x 1 x 1"), std::string::npos);
  ASSERT_EQ(queue.launches().size(), 1u);
  EXPECT_EQ(queue.launches()[0].name, "AddOne");
  EXPECT_EQ(queue.launches()[0].shape.grid.x, int64_t{1} << 34);
}

}  // namespace blip3o::test
