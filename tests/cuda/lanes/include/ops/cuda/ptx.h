// The instructions of native/src/ops/cuda/ptx.h for kernels that run lane by lane on the CPU: the same functions, found
// before the real ones. What they mean is documented there.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "lanes/instructions.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__
#define __launch_bounds__(...)
#define __restrict__

// A copy that the compiler leaves to the library is checked too.
extern "C" void* memcpy(void* to, const void* from, size_t bytes) noexcept __asm__("blip3o_lanes_memcpy");
extern "C" void* memset(void* to, int value, size_t bytes) noexcept __asm__("blip3o_lanes_memset");

// Inlined always, so that the caller's registers stay where no check looks.
#define BLIP3O_LANES_INLINE __attribute__((always_inline)) inline

namespace blip3o::cuda::ptx {

constexpr int kWarp = 32;

struct alignas(16) Words4 {
  uint32_t word[4];
};

// ---- Places ---------------------------------------------------------------------------------------------------------

BLIP3O_LANES_INLINE int Thread() { return lanes::Thread(); }
BLIP3O_LANES_INLINE int Threads() { return lanes::Threads(); }
BLIP3O_LANES_INLINE int Lane() { return lanes::Thread() % kWarp; }
BLIP3O_LANES_INLINE int Warp() { return lanes::Thread() / kWarp; }
BLIP3O_LANES_INLINE int BlockX() { return lanes::Block(0); }
BLIP3O_LANES_INLINE int BlockY() { return lanes::Block(1); }
BLIP3O_LANES_INLINE int BlockZ() { return lanes::Block(2); }
BLIP3O_LANES_INLINE int GridX() { return lanes::Grid(0); }
BLIP3O_LANES_INLINE int GridY() { return lanes::Grid(1); }
BLIP3O_LANES_INLINE int GridZ() { return lanes::Grid(2); }

BLIP3O_LANES_INLINE char* SharedMemory() { return lanes::SharedMemory(); }

// ---- Order ----------------------------------------------------------------------------------------------------------

BLIP3O_LANES_INLINE void SyncBlock() { lanes::SyncBlock(); }
BLIP3O_LANES_INLINE void SyncWarp() { lanes::SyncWarp(); }
BLIP3O_LANES_INLINE void FenceDevice() { lanes::FenceDevice(); }
BLIP3O_LANES_INLINE void WaitForPredecessor() { lanes::WaitForPredecessor(); }
BLIP3O_LANES_INLINE void ReleaseSuccessor() { lanes::ReleaseSuccessor(); }

// ---- Between lanes
// ----------------------------------------------------------------------------------------------------

template <typename T>
BLIP3O_LANES_INLINE uint64_t AsBits(T value) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  if constexpr (sizeof(T) == 4) {
    return std::bit_cast<uint32_t>(value);
  } else {
    return std::bit_cast<uint64_t>(value);
  }
}
template <typename T>
BLIP3O_LANES_INLINE T FromBits(uint64_t bits) {
  if constexpr (sizeof(T) == 4) {
    return std::bit_cast<T>(static_cast<uint32_t>(bits));
  } else {
    return std::bit_cast<T>(bits);
  }
}

template <typename T>
BLIP3O_LANES_INLINE T ShuffleXor(T value, int mask) {
  return FromBits<T>(lanes::ShuffleXor(AsBits(value), mask));
}
template <typename T>
BLIP3O_LANES_INLINE T ShuffleUp(T value, int delta) {
  return FromBits<T>(lanes::ShuffleUp(AsBits(value), delta));
}
template <typename T>
BLIP3O_LANES_INLINE T Shuffle(T value, int lane) {
  return FromBits<T>(lanes::Shuffle(AsBits(value), lane));
}
BLIP3O_LANES_INLINE uint32_t Ballot(bool predicate) { return lanes::Ballot(predicate); }

BLIP3O_LANES_INLINE uint32_t AtomicAdd(uint32_t* at, uint32_t value) {
  return lanes::Atomic(lanes::AtomicKind::kAdd, at, value);
}
BLIP3O_LANES_INLINE uint64_t AtomicAdd(uint64_t* at, uint64_t value) {
  return lanes::Atomic(lanes::AtomicKind::kAdd, at, value);
}
BLIP3O_LANES_INLINE uint64_t AtomicMax(uint64_t* at, uint64_t value) {
  return lanes::Atomic(lanes::AtomicKind::kMax, at, value);
}
BLIP3O_LANES_INLINE uint32_t AtomicAnd(uint32_t* at, uint32_t value) {
  return lanes::Atomic(lanes::AtomicKind::kAnd, at, value);
}
BLIP3O_LANES_INLINE uint32_t AtomicOr(uint32_t* at, uint32_t value) {
  return lanes::Atomic(lanes::AtomicKind::kOr, at, value);
}

// ---- Memory ---------------------------------------------------------------------------------------------------------

BLIP3O_LANES_INLINE Words4 LoadOnce16(const void* global) {
  lanes::CheckLoad(global, 16);
  return *static_cast<const Words4*>(global);
}

BLIP3O_LANES_INLINE void CopyAsync16(void* shared, const void* global, bool valid = true) {
  lanes::StartCopy(shared, global, 16, valid);
}
BLIP3O_LANES_INLINE void CopyAsync8(void* shared, const void* global, bool valid = true) {
  lanes::StartCopy(shared, global, 8, valid);
}
BLIP3O_LANES_INLINE void CopyAsync4(void* shared, const void* global, bool valid = true) {
  lanes::StartCopy(shared, global, 4, valid);
}
BLIP3O_LANES_INLINE void CommitCopies() { lanes::CommitCopies(); }
template <int kPending>
BLIP3O_LANES_INLINE void WaitCopies() {
  lanes::WaitCopies(kPending);
}

// ---- Tensor cores
// -----------------------------------------------------------------------------------------------------

BLIP3O_LANES_INLINE uint32_t RoundedToBF16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return 0x7FFFu;  // what the instruction makes of NaN
  return (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
}
BLIP3O_LANES_INLINE uint32_t PackBF16(float low, float high) { return RoundedToBF16(low) | RoundedToBF16(high) << 16; }
BLIP3O_LANES_INLINE float LowBF16(uint32_t word) { return std::bit_cast<float>(word << 16); }
BLIP3O_LANES_INLINE float HighBF16(uint32_t word) { return std::bit_cast<float>(word & 0xFFFF0000u); }

template <int kMatrices>
BLIP3O_LANES_INLINE void LoadMatrix(lanes::Instruction instruction, uint32_t (&word)[kMatrices], const void* shared) {
  const lanes::Words4 loaded = lanes::LoadMatrix(instruction, shared);
  for (int i = 0; i < kMatrices; ++i) word[i] = loaded[i];
}
BLIP3O_LANES_INLINE void LoadMatrix4(uint32_t (&word)[4], const void* shared) {
  LoadMatrix(lanes::Instruction::kLoadMatrix4, word, shared);
}
BLIP3O_LANES_INLINE void LoadMatrix4Transposed(uint32_t (&word)[4], const void* shared) {
  LoadMatrix(lanes::Instruction::kLoadMatrix4Transposed, word, shared);
}
BLIP3O_LANES_INLINE void LoadMatrix2(uint32_t (&word)[2], const void* shared) {
  LoadMatrix(lanes::Instruction::kLoadMatrix2, word, shared);
}
BLIP3O_LANES_INLINE void LoadMatrix2Transposed(uint32_t (&word)[2], const void* shared) {
  LoadMatrix(lanes::Instruction::kLoadMatrix2Transposed, word, shared);
}

BLIP3O_LANES_INLINE void MmaBF16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  const lanes::Floats4 sum = lanes::Mma(lanes::Floats4{d[0], d[1], d[2], d[3]}, lanes::Words4{a[0], a[1], a[2], a[3]},
                                        lanes::Words2{b[0], b[1]});
  for (int i = 0; i < 4; ++i) d[i] = sum[i];
}

// ---- Approximate functions
// --------------------------------------------------------------------------------------------

BLIP3O_LANES_INLINE float Flushed(float x) { return std::fabs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x; }

BLIP3O_LANES_INLINE float Exp2Approx(float x) {
  return Flushed(
      lanes::Approximated(lanes::Approximation::kExp2Fast, std::exp2(static_cast<double>(Flushed(x))), 0x1p-22, x));
}
BLIP3O_LANES_INLINE float ReciprocalApprox(float x) {
  return Flushed(
      lanes::Approximated(lanes::Approximation::kReciprocalFast, 1.0 / static_cast<double>(Flushed(x)), 0x1p-23, x));
}
BLIP3O_LANES_INLINE float RsqrtApprox(float x) {
  return lanes::Approximated(lanes::Approximation::kRsqrtFast, 1.0 / std::sqrt(static_cast<double>(Flushed(x))),
                             0x1p-22, x);
}

// ---- Rounding that no compiler may fuse
// -----------------------------------------------------------------------------------

BLIP3O_LANES_INLINE float MultiplyRounded(float a, float b) { return a * b; }
BLIP3O_LANES_INLINE float AddRounded(float a, float b) { return a + b; }

BLIP3O_LANES_INLINE uint32_t BitsOf(float value) { return std::bit_cast<uint32_t>(value); }
BLIP3O_LANES_INLINE float FloatOf(uint32_t bits) { return std::bit_cast<float>(bits); }

}  // namespace blip3o::cuda::ptx

// ---- Functions of CUDA's mathematics, as far off as its programming guide says
// -----------------------------------------------

namespace blip3o::cuda::lanes {

constexpr double kUlp = 0x1p-24;  // at least, relative to the value

inline float Exp(float x) { return Approximated(Approximation::kExp, std::exp(double{x}), 2 * kUlp, x); }
inline float Exp2(float x) { return Approximated(Approximation::kExp2, std::exp2(double{x}), 2 * kUlp, x); }
inline float Log(float x) { return Approximated(Approximation::kLog, std::log(double{x}), kUlp, x); }
inline float Log1p(float x) { return Approximated(Approximation::kLog1p, std::log1p(double{x}), kUlp, x); }
inline float Tanh(float x) { return Approximated(Approximation::kTanh, std::tanh(double{x}), 2 * kUlp, x); }
inline float Sin(float x) { return Approximated(Approximation::kSin, std::sin(double{x}), 2 * kUlp, x); }
inline float Cos(float x) { return Approximated(Approximation::kCos, std::cos(double{x}), 2 * kUlp, x); }
inline float Pow(float x, float y) {
  return Approximated(Approximation::kPow, std::pow(double{x}, double{y}), 4 * kUlp, x);
}
inline float Rsqrt(float x) { return Approximated(Approximation::kRsqrt, 1.0 / std::sqrt(double{x}), 2 * kUlp, x); }
inline float Erf(float x) { return Approximated(Approximation::kErf, std::erf(double{x}), 2 * kUlp, x); }

}  // namespace blip3o::cuda::lanes

#define expf ::blip3o::cuda::lanes::Exp
#define exp2f ::blip3o::cuda::lanes::Exp2
#define logf ::blip3o::cuda::lanes::Log
#define log1pf ::blip3o::cuda::lanes::Log1p
#define tanhf ::blip3o::cuda::lanes::Tanh
#define sinf ::blip3o::cuda::lanes::Sin
#define cosf ::blip3o::cuda::lanes::Cos
#define powf ::blip3o::cuda::lanes::Pow
#define rsqrtf ::blip3o::cuda::lanes::Rsqrt
#define erff ::blip3o::cuda::lanes::Erf

using std::isfinite;
using std::isinf;
using std::isnan;
using std::max;
using std::min;
