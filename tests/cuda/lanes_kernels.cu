#include <cstdint>

#include "lanes_kernels.h"
#include "ops/cuda/device_math.h"
#include "ops/cuda/launch.h"
#include "ops/cuda/ptx.h"

namespace blip3o::test {

namespace ptx = cuda::ptx;
using cuda::Cost;
using cuda::LaunchShape;

namespace {

constexpr int kThreads = 64;

__global__ void __launch_bounds__(kThreads, 1) BlockSumsKernel(const LanesCase c) {
  float* shared = reinterpret_cast<float*>(ptx::SharedMemory());
  const int t = ptx::Thread();
  const Fault f = c.fault;
  if (f == Fault::kEndedBeforeBarrier && t == 5) {
    ptx::WaitForPredecessor();
    return;
  }
  if (f == Fault::kWriteBeforeWait) c.out[ptx::BlockX()] = 0;
  if (f == Fault::kAtomicBeforeWait) ptx::AtomicAdd(c.counter, 1u);
  float early = 0;
  if (f == Fault::kReadBeforeWait) early = c.in[t];
  if (f != Fault::kNoWait) ptx::WaitForPredecessor();
  if (f == Fault::kTwoWaits) ptx::WaitForPredecessor();
  ptx::ReleaseSuccessor();
  shared[t] = c.in[ptx::BlockX() * kThreads + t] + 0 * early;
  if (f == Fault::kBeyondShared && t == 3) shared[kThreads] = 1;
  if (f == Fault::kBelowShared && t == 3) shared[-1] = 1;
  if (f == Fault::kHostMemory) shared[t] += c.elsewhere[0];
  if (f == Fault::kGivenBack && t == 1) shared[t] += c.elsewhere[0];
  if (f == Fault::kBelowAllocation) shared[t] += c.in[-1];
  if (f != Fault::kNoBarrier && (f != Fault::kDivergentBarrier || t < 40)) ptx::SyncBlock();
  if (f == Fault::kDivergentBarrier && t >= 40) ptx::Ballot(true);
  float sum = 0;
  if (t < 32) {
    for (int i = 0; i < kThreads; ++i) sum += shared[i];
  }
  if (f == Fault::kNoBarrierBehind && t == 33) shared[0] = 0;
  if (f == Fault::kShiftBy32) sum += static_cast<float>(1 << (t - static_cast<int>(c.n)));
  if (f == Fault::kIndexOutsideOfArray) {
    float few[4] = {1, 2, 3, 4};
    sum += few[t / 8 % 8];
  }
  const int64_t at = f == Fault::kBeyondAllocation     ? ptx::BlockX() + 1
                     : f == Fault::kBlocksWriteTheSame ? 0
                                                       : ptx::BlockX();
  if (t == 0) c.out[at] = sum;
  if (f == Fault::kBlocksReadWhatOneWrites && t == 1 && ptx::BlockX() > 0) c.out[ptx::BlockX()] = c.out[0];
}

__global__ void __launch_bounds__(kThreads, 1) SwapNeighboursKernel(const LanesCase c) {
  float* shared = reinterpret_cast<float*>(ptx::SharedMemory());
  const int t = ptx::Thread();
  const int64_t i = int64_t{ptx::BlockX()} * kThreads + t;
  ptx::WaitForPredecessor();
  const Fault f = c.fault;
  if (f == Fault::kEndedBeforeShuffle && t == 9) return;
  shared[t] = c.in[i];
  if (f == Fault::kDivergentShuffle && t < 20) ptx::ShuffleXor(1.0f, 1);
  if (f == Fault::kDifferentInstructions) {
    if (t % 2 == 0) {
      ptx::Ballot(true);
    } else {
      ptx::ShuffleXor(1.0f, 1);
    }
  }
  if (f == Fault::kShuffleOfLane32) ptx::Shuffle(1.0f, ptx::Lane() + 1);
  if (f == Fault::kEndedBeforeShuffle) ptx::ShuffleXor(1.0f, 1);
  if (f != Fault::kNoWarpSync) ptx::SyncWarp();
  c.out[i] = shared[t ^ 1];
}

__global__ void __launch_bounds__(kThreads, 1) CopyThroughKernel(const LanesCase c) {
  float* shared = reinterpret_cast<float*>(ptx::SharedMemory());
  const int t = ptx::Thread();
  const Fault f = c.fault;
  const float* in = c.in + int64_t{ptx::BlockX()} * 8 * kThreads;
  float* out = c.out + int64_t{ptx::BlockX()} * 8 * kThreads;
  if (f == Fault::kCopyBeforeWait) ptx::CopyAsync16(shared + 4 * t, in + 4 * t);
  ptx::WaitForPredecessor();
  if (f == Fault::kCopyMisaligned) ptx::CopyAsync16(shared + 4 * t + 1, in + 4 * t);
  if (f == Fault::kCopyToGlobal) ptx::CopyAsync16(out + 4 * t, in + 4 * t);
  if (f == Fault::kCopyBeyondTheEnd) ptx::CopyAsync16(shared + 4 * t, c.in + c.n);
  for (int group = 0; group < 2; ++group) {
    const int at = 4 * (group * kThreads + t);
    ptx::CopyAsync16(shared + at, in + at, true);
    ptx::CommitCopies();
  }
  ptx::CopyAsync4(shared + 8 * kThreads + t, in + c.n, false);  // zeros, and `in` is not read
  ptx::CommitCopies();
  if (f == Fault::kSourceOverwritten && t == 7) const_cast<float*>(in)[4 * t] = 0;
  for (int group = 0; group < 2; ++group) {
    if (f == Fault::kNoCopyWait) {
    } else if (group == 0) {
      ptx::WaitCopies<2>();
    } else if (f == Fault::kOneGroupLess) {
      ptx::WaitCopies<2>();
    } else {
      ptx::WaitCopies<0>();
    }
    const bool others = f == Fault::kCopyWaitNoBarrier;
    const int at = 4 * (group * kThreads + (others ? t ^ 1 : t));
    for (int i = 0; i < 4; ++i) out[at + i] = shared[at + i] + (group == 1 ? shared[8 * kThreads + t] : 0);
  }
  if (f == Fault::kCopyUnderWay) ptx::CopyAsync4(shared + 8 * kThreads + t, in + c.n, false);
}

__global__ void __launch_bounds__(kThreads, 1) TicketSumKernel(const LanesCase c) {
  float* shared = reinterpret_cast<float*>(ptx::SharedMemory());
  uint32_t* ticket = reinterpret_cast<uint32_t*>(shared + 2);
  const int t = ptx::Thread(), b = ptx::BlockX(), blocks = ptx::GridX();
  const Fault f = c.fault;
  ptx::WaitForPredecessor();
  const float sum = cuda::BlockSum(c.in[int64_t{b} * kThreads + t], shared);
  // Each warp leaves a half, so that the thread with the ticket is not the only one that writes.
  if (ptx::Lane() == 0) c.out[1 + 2 * b + ptx::Warp()] = sum / 2;
  if (f != Fault::kNoBarrierBefore) ptx::SyncBlock();
  if (t == 0) {
    if (f != Fault::kNoFenceBefore) ptx::FenceDevice();
    if (f == Fault::kPlainTicket) {
      *ticket = (*c.counter)++;
    } else {
      *ticket = ptx::AtomicAdd(c.counter, 1u);
    }
    if (f != Fault::kNoFenceBehind) ptx::FenceDevice();
  }
  if (f == Fault::kNoBarrierBehindTicket && t == 0) ptx::FenceDevice();
  if (f != Fault::kNoBarrierBehindTicket) ptx::SyncBlock();
  if (*ticket + 1 != static_cast<uint32_t>(blocks)) return;
  if (t == 0) *c.counter = 0;
  if (t == 33) {
    float all = 0;
    for (int i = 0; i < 2 * blocks; ++i) all += c.out[1 + i];
    c.out[0] = all;
  }
}

__global__ void __launch_bounds__(kThreads, 1) AddOneKernel(const LanesCase c) {
  const int64_t i = int64_t{ptx::BlockX()} * kThreads + ptx::Thread();
  float early = 0;
  if (c.fault == Fault::kReadBeforeWait && i < c.n) early = c.in[i];
  ptx::WaitForPredecessor();
  ptx::ReleaseSuccessor();
  if (c.fault == Fault::kOtherLanesStack) {
    float mine = static_cast<float>(i);
    const uint64_t other = ptx::ShuffleXor(reinterpret_cast<uint64_t>(&mine), 1);
    mine += *reinterpret_cast<const float*>(other);
    if (i < c.n) c.out[i] = mine;
    return;
  }
  if (c.fault == Fault::kMisalignedVector && i == 0) {
    reinterpret_cast<ptx::Words4*>(c.out)[0] = *reinterpret_cast<const ptx::Words4*>(c.in + 1);
  }
  if (c.fault == Fault::kMisalignedWord && i == 0) {
    c.out[0] = *reinterpret_cast<const float*>(reinterpret_cast<const char*>(c.in) + 2);
  }
  if (i < c.n) c.out[i] = c.in[i] + 1 + 0 * early;
}

// One warp. Rows of 16 bf16 in shared memory: a, then b or its transpose.
template <bool kTransposed>
__global__ void __launch_bounds__(32, 1) Multiply16Kernel(const LanesCase c) {
  uint32_t* words = reinterpret_cast<uint32_t*>(ptx::SharedMemory());
  const int lane = ptx::Lane();
  ptx::WaitForPredecessor();
  // a: 16 rows of 8 words, then 8 of 8 (bᵀ) or 16 of 4 (b).
  for (int w = lane; w < 192; w += 32) words[w] = ptx::PackBF16(c.in[2 * w], c.in[2 * w + 1]);
  ptx::SyncWarp();
  const char* shared = ptx::SharedMemory();
  const int m = lane / 8, r = lane % 8;
  uint32_t a[4], b[2];
  const void* row = shared + (8 * (m % 2) + r) * 32 + m / 2 * 16;
  if (c.fault == Fault::kMisalignedMatrix) row = shared + (8 * (m % 2) + r) * 32 + m / 2 * 8;
  if (c.fault == Fault::kMatrixOfGlobal) row = c.in + 8 * lane;
  ptx::LoadMatrix4(a, row);
  if (kTransposed) {
    ptx::LoadMatrix2Transposed(b, shared + 512 + (8 * (m % 2) + r) * 16);
  } else {
    ptx::LoadMatrix2(b, shared + 512 + r * 32 + m % 2 * 16);
  }
  float d[4] = {0, 0, 0, 0};
  ptx::MmaBF16(d, a, b);
  const int g = lane / 4, t = lane % 4;
  for (int i = 0; i < 4; ++i) c.out[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = d[i];
}

__global__ void __launch_bounds__(32, 1) LaneInstructionsKernel(const LanesCase c) {
  const int lane = ptx::Lane();
  ptx::WaitForPredecessor();
  const float x = c.in[lane];
  c.out[lane] = ptx::ShuffleXor(x, 5);
  c.out[32 + lane] = ptx::ShuffleUp(x, 3);
  c.out[64 + lane] = ptx::Shuffle(x, 31 - lane);
  c.out[96 + lane] = static_cast<float>(ptx::Ballot(lane % 3 == 0) >> lane & 1u);
  c.out[128 + lane] = static_cast<float>(ptx::Shuffle(uint64_t{1} << 40 | static_cast<uint64_t>(lane), 7) >> 38);
  c.out[160 + lane] = cuda::WarpSum(x);
  c.out[192 + lane] = cuda::WarpMax(x);
}

__global__ void __launch_bounds__(kThreads, 1) ApproximateKernel(const LanesCase c) {
  const int64_t i = int64_t{ptx::BlockX()} * kThreads + ptx::Thread();
  ptx::WaitForPredecessor();
  if (i >= c.n) return;
  const float x = c.in[i];
  c.out[i] = ptx::Exp2Approx(x);
  c.out[c.n + i] = ptx::ReciprocalApprox(x);
  c.out[2 * c.n + i] = ptx::RsqrtApprox(x);
  c.out[3 * c.n + i] = expf(x);
}

__global__ void __launch_bounds__(kThreads, 1) HistogramKernel(const LanesCase c) {
  uint32_t* counts = reinterpret_cast<uint32_t*>(ptx::SharedMemory());
  const int t = ptx::Thread();
  const int64_t i = int64_t{ptx::BlockX()} * kThreads + t;
  if (t < 8) counts[t] = 0;
  ptx::WaitForPredecessor();
  ptx::SyncBlock();
  if (i < c.n) ptx::AtomicAdd(&counts[static_cast<int>(c.in[i])], 1u);
  if (c.fault != Fault::kNoBarrier) ptx::SyncBlock();
  if (t < 8) ptx::AtomicAdd(&c.counter[t], counts[t]);
  if (c.fault == Fault::kPlainBesideAtomic && t == 0) c.counter[0] = 0;
}

__global__ void __launch_bounds__(kThreads, 1) ReadNothingKernel(const LanesCase c) {
  ptx::WaitForPredecessor();
  c.out[ptx::Thread()] = reinterpret_cast<const float*>(ptx::SharedMemory())[ptx::Thread()];
}

LaunchShape ShapeFor(int64_t blocks, int threads, int64_t shared_bytes) {
  return {{blocks, 1, 1}, threads, 1, shared_bytes};
}

}  // namespace

void BlockSums(cuda::Queue& queue, const LanesCase& c) {
  Launch(queue, "BlockSums", BlockSumsKernel, ShapeFor(c.n / kThreads, kThreads, 4 * kThreads), c, Cost{});
}

void SwapNeighbours(cuda::Queue& queue, const LanesCase& c) {
  Launch(queue, "SwapNeighbours", SwapNeighboursKernel, ShapeFor(c.n / kThreads, kThreads, 4 * kThreads), c, Cost{});
}

void CopyThrough(cuda::Queue& queue, const LanesCase& c) {
  Launch(queue, "CopyThrough", CopyThroughKernel, ShapeFor(c.n / (8 * kThreads), kThreads, 36 * kThreads), c, Cost{});
}

void TicketSum(cuda::Queue& queue, const LanesCase& c) {
  Launch(queue, "TicketSum", TicketSumKernel, ShapeFor(c.n / kThreads, kThreads, 16), c, Cost{});
}

void AddOne(cuda::Queue& queue, const LanesCase& c) {
  Launch(queue, "AddOne", AddOneKernel, ShapeFor(cuda::CeilDiv(c.n, kThreads), kThreads, 0), c, Cost{});
}

void AddThree(cuda::Queue& queue, const LanesCase& c) {
  LanesCase step = c;
  step.fault = Fault::kNone;
  AddOne(queue, step);
  step.in = c.out;
  AddOne(queue, step);
  step.fault = c.fault;
  AddOne(queue, step);
}

void Multiply16(cuda::Queue& queue, const LanesCase& c, bool transposed) {
  Launch(queue, "Multiply16", transposed ? Multiply16Kernel<true> : Multiply16Kernel<false>, ShapeFor(1, 32, 768), c,
         Cost{});
}

void LaneInstructions(cuda::Queue& queue, const LanesCase& c) {
  Launch(queue, "LaneInstructions", LaneInstructionsKernel, ShapeFor(1, 32, 0), c, Cost{});
}

void Approximate(cuda::Queue& queue, const LanesCase& c) {
  Launch(queue, "Approximate", ApproximateKernel, ShapeFor(cuda::CeilDiv(c.n, kThreads), kThreads, 0), c, Cost{});
}

void Histogram(cuda::Queue& queue, const LanesCase& c) {
  Launch(queue, "Histogram", HistogramKernel, ShapeFor(cuda::CeilDiv(c.n, kThreads), kThreads, 32), c, Cost{});
}

void ReadNothing(cuda::Queue& queue, const LanesCase& c) {
  Launch(queue, "ReadNothing", ReadNothingKernel, ShapeFor(1, kThreads, 4 * kThreads), c, Cost{});
}

float HostRead(const float* device) { return *device; }

}  // namespace blip3o::test
