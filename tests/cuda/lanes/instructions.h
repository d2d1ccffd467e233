// What the lanes' ptx.h calls. The files that kernels are in include it; nothing here is compiled with checks.
#pragma once

#include <cstddef>
#include <cstdint>

namespace blip3o::cuda::lanes {

using Floats4 = float __attribute__((vector_size(16)));
using Words4 = uint32_t __attribute__((vector_size(16)));
using Words2 = uint32_t __attribute__((vector_size(8)));

// Of a whole warp.
enum class Instruction : uint8_t {
  kNone,
  kSyncWarp,
  kShuffleXor,
  kShuffleUp,
  kShuffle,
  kBallot,
  kLoadMatrix4,
  kLoadMatrix4Transposed,
  kLoadMatrix2,
  kLoadMatrix2Transposed,
  kMma,
};

// One lane's operands, and its result.
struct Operands {
  uint64_t bits = 0;  // shuffles, ballot: value, then result
  int argument = 0;   // mask, delta or lane
  const void* address = nullptr;
  Words4 words = {};  // LoadMatrix: result; mma: a
  Words2 b = {};
  Floats4 d = {};  // mma: sum, then result
};

// Where the lane stands.
struct Place {
  int threads = 0;
  int block[3] = {};
  int grid[3] = {};
};

// None of these changes while a lane runs.
__attribute__((const)) int Thread();
__attribute__((const)) int Threads();
__attribute__((const)) int Block(int axis);
__attribute__((const)) int Grid(int axis);
__attribute__((const)) char* SharedMemory();

void SyncBlock();
void SyncWarp();
void FenceDevice();
void WaitForPredecessor();
void ReleaseSuccessor();

uint64_t ShuffleXor(uint64_t bits, int mask);
uint64_t ShuffleUp(uint64_t bits, int delta);
uint64_t Shuffle(uint64_t bits, int lane);
uint32_t Ballot(bool predicate);

enum class AtomicKind { kAdd, kMax, kAnd, kOr };
uint32_t Atomic(AtomicKind kind, uint32_t* at, uint32_t value);
uint64_t Atomic(AtomicKind kind, uint64_t* at, uint64_t value);

void CheckLoad(const void* global, size_t bytes);
void StartCopy(void* shared, const void* global, int bytes, bool valid);
void CommitCopies();
void WaitCopies(int pending);

Words4 LoadMatrix(Instruction instruction, const void* shared);
Floats4 Mma(Floats4 d, Words4 a, Words2 b);

enum class Approximation : uint64_t {
  kExp2Fast,
  kReciprocalFast,
  kRsqrtFast,
  kExp,
  kExp2,
  kLog,
  kLog1p,
  kTanh,
  kSin,
  kCos,
  kPow,
  kRsqrt,
  kErf,
};
// `exact`, computed with more digits, off by at most `ulps` units in the last place and rounded.
float Approximated(Approximation function, double exact, double ulps, float operand);

}  // namespace blip3o::cuda::lanes
