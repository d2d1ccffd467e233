// Small kernels, right and deliberately wrong, that prove the harness itself.
#pragma once

#include <cstdint>

#include "ops/cuda/queue.h"

namespace blip3o::test {

// What a kernel does wrong.
enum class Fault {
  kNone,
  kNoBarrier,          // between a write and another warp's read
  kNoBarrierBehind,    // between a read and another warp's write
  kNoWarpSync,         // between a write and another lane's read
  kNoCopyWait,         // reads what a copy brings
  kOneGroupLess,       // waits for fewer groups than it reads
  kCopyUnderWay,       // at the end
  kCopyWaitNoBarrier,  // reads what another thread's copy has brought
  kSourceOverwritten,  // while the copy is under way
  kCopyMisaligned,     // by 4 bytes
  kCopyToGlobal,
  kCopyBeyondTheEnd,
  kBeyondShared,
  kBelowShared,
  kBeyondAllocation,
  kBelowAllocation,
  kGivenBack,  // memory
  kHostMemory,
  kOtherLanesStack,
  kMisalignedVector,
  kMisalignedWord,
  kMisalignedMatrix,
  kMatrixOfGlobal,
  kDivergentShuffle,
  kDivergentBarrier,
  kEndedBeforeBarrier,
  kEndedBeforeShuffle,
  kDifferentInstructions,
  kShuffleOfLane32,
  kNoWait,
  kTwoWaits,
  kReadBeforeWait,
  kWriteBeforeWait,
  kAtomicBeforeWait,
  kCopyBeforeWait,
  kBlocksWriteTheSame,
  kBlocksReadWhatOneWrites,
  kNoFenceBefore,  // the atomic that says that a part is there
  kNoFenceBehind,  // the atomic that says that all are
  kNoBarrierBefore,
  kNoBarrierBehindTicket,
  kPlainTicket,  // no atomic
  kPlainBesideAtomic,
  kIndexOutsideOfArray,
  kShiftBy32,
};

struct LanesCase {
  const float* in = nullptr;  // [n]
  float* out = nullptr;
  uint32_t* counter = nullptr;
  const float* elsewhere = nullptr;  // memory that no kernel may touch
  int64_t n = 0;
  Fault fault = Fault::kNone;
};

// out[b] = the sum of in over block b's 64 values, over shared memory; 64 threads.
void BlockSums(cuda::Queue& queue, const LanesCase& c);
// out[i] = in[i ^ 1], over shared memory within a warp; 64 threads a block.
void SwapNeighbours(cuda::Queue& queue, const LanesCase& c);
// out[i] = in[i] through asynchronous copies, two groups of 64 · 4 values a block; n a multiple of 512.
void CopyThrough(cuda::Queue& queue, const LanesCase& c);
// out[0] = the sum of in: each block leaves a part in out[1 + block], the last combines them.
void TicketSum(cuda::Queue& queue, const LanesCase& c);
// out[i] = in[i] + 1; 64 threads.
void AddOne(cuda::Queue& queue, const LanesCase& c);
// Three kernels that use the result of the one before: out = in + 3.
void AddThree(cuda::Queue& queue, const LanesCase& c);
// out [16, 8] = a [16, 16] · b [16, 8], in = a, then bᵀ [8, 16]; one warp, ldmatrix and mma. Transposed: b as it is.
void Multiply16(cuda::Queue& queue, const LanesCase& c, bool transposed);
// out[i] = the results of instructions among lanes, one row of 32 each: see the test.
void LaneInstructions(cuda::Queue& queue, const LanesCase& c);
// out[i] = four approximate functions of in[i], n apart.
void Approximate(cuda::Queue& queue, const LanesCase& c);
// counter[v] = how many values of in are v, over shared counters; 64 threads a block.
void Histogram(cuda::Queue& queue, const LanesCase& c);
// out[i] = shared memory that nobody wrote.
void ReadNothing(cuda::Queue& queue, const LanesCase& c);
// Host code that reads the device's memory.
float HostRead(const float* device);

}  // namespace blip3o::test
