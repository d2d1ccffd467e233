#include "lanes/instructions.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "lanes/hooks.h"
#include "lanes/launch_run.h"
#include "lanes/machine.h"
#include "lanes/warp_instructions.h"

namespace blip3o::cuda::lanes {

namespace {

// The harness works for the lane that runs: its own accesses don't count meanwhile.
class Inside {
 public:
  Inside() { CheckNothing(); }
  ~Inside() { run().Resume(); }
  LaunchRun& run() const { return *LaunchRun::Current(); }
};

uint64_t Collected(Instruction instruction, uint64_t bits, int argument) {
  Inside inside;
  if (argument < 0 || argument > 31) {
    inside.run().Fail(fmt::format("calls {} with {}: expected 0 to 31", NameOf(instruction), argument));
  }
  Operands operands;
  operands.bits = bits;
  operands.argument = argument;
  inside.run().Collect(instruction, operands);
  return operands.bits;
}

template <typename T>
T Updated(AtomicKind kind, T* at, T value) {
  Inside inside;
  inside.run().Atomic(reinterpret_cast<uintptr_t>(at), sizeof(T));
  const T old = *at;
  switch (kind) {
    case AtomicKind::kAdd:
      *at = old + value;
      break;
    case AtomicKind::kMax:
      *at = std::max(old, value);
      break;
    case AtomicKind::kAnd:
      *at = old & value;
      break;
    case AtomicKind::kOr:
      *at = old | value;
      break;
  }
  return old;
}

}  // namespace

int Thread() { return LaunchRun::Current()->lane().thread; }
int Threads() { return LaunchRun::Current()->place().threads; }
int Block(int axis) { return LaunchRun::Current()->place().block[axis]; }
int Grid(int axis) { return LaunchRun::Current()->place().grid[axis]; }
char* SharedMemory() { return Machine::Get().shared; }

void SyncBlock() {
  Inside inside;
  inside.run().SyncBlock();
}
void SyncWarp() { Collected(Instruction::kSyncWarp, 0, 0); }
void FenceDevice() {
  Inside inside;
  inside.run().FenceDevice();
}
void WaitForPredecessor() { LaunchRun::Current()->WaitForPredecessor(); }
void ReleaseSuccessor() {}

uint64_t ShuffleXor(uint64_t bits, int mask) { return Collected(Instruction::kShuffleXor, bits, mask); }
uint64_t ShuffleUp(uint64_t bits, int delta) { return Collected(Instruction::kShuffleUp, bits, delta); }
uint64_t Shuffle(uint64_t bits, int lane) { return Collected(Instruction::kShuffle, bits, lane); }
uint32_t Ballot(bool predicate) { return static_cast<uint32_t>(Collected(Instruction::kBallot, predicate ? 1 : 0, 0)); }

uint32_t Atomic(AtomicKind kind, uint32_t* at, uint32_t value) { return Updated(kind, at, value); }
uint64_t Atomic(AtomicKind kind, uint64_t* at, uint64_t value) { return Updated(kind, at, value); }

void CheckLoad(const void* global, size_t bytes) {
  Inside inside;
  const uintptr_t address = reinterpret_cast<uintptr_t>(global);
  if (!Machine::Get().memory.Contains(global)) {
    inside.run().Fail(fmt::format("loads from {}, which is not the device's memory", inside.run().Describe(address)));
  }
  if (address % bytes != 0) {
    inside.run().Fail(fmt::format("loads from {}, not aligned to {} bytes", inside.run().Describe(address), bytes));
  }
  inside.run().Touch(address, bytes, Access::kRead);
}

void StartCopy(void* shared, const void* global, int bytes, bool valid) {
  Inside inside;
  inside.run().StartCopy(shared, global, bytes, valid);
}
void CommitCopies() {
  Inside inside;
  inside.run().CommitCopies();
}
void WaitCopies(int pending) {
  Inside inside;
  inside.run().WaitCopies(pending);
}

Words4 LoadMatrix(Instruction instruction, const void* shared) {
  Inside inside;
  Operands operands;
  operands.address = shared;
  inside.run().Collect(instruction, operands);
  return operands.words;
}

Floats4 Mma(Floats4 d, Words4 a, Words2 b) {
  Inside inside;
  Operands operands;
  operands.words = a;
  operands.b = b;
  operands.d = d;
  inside.run().Collect(Instruction::kMma, operands);
  return operands.d;
}

float Approximated(Approximation function, double exact, double relative, float operand) {
  const LaunchRun* run = LaunchRun::Current();
  // Zero, one, infinity and NaN come out exactly; so does everything in host code.
  const float rounded = static_cast<float>(exact);
  if (run == nullptr || !std::isfinite(rounded) || rounded == 0.0f || std::fabs(rounded) == 1.0f) return rounded;
  const double wobble = run->Wobble(static_cast<uint64_t>(function), std::bit_cast<uint32_t>(operand));
  // Rounding to f32 takes its own half unit.
  return static_cast<float>(exact * (1.0 + wobble * (relative - 0x1p-24)));
}

}  // namespace blip3o::cuda::lanes
