// Every instruction that C++ has no word for, one thin function each. No other file holds `asm` or a CUDA built-in, so
// that a second implementation of this header runs every kernel as plain C++, lane by lane (tests/cuda/lanes).
//
// Rules for kernels, which that implementation relies on:
//   - `__global__ void __launch_bounds__(threads, blocks) XKernel(const XParameters p)`: one struct by value, launched
//     by Launch (launch.h); blocks are one-dimensional, of whole warps.
//   - Shared memory is dynamic and found by SharedMemory(); there are no __shared__ variables.
//   - A function marked "warp" is called by all 32 lanes of a warp together, SyncBlock by all threads of a block.
//   - Before WaitForPredecessor() a kernel reads nothing but weights and writes nothing; every thread calls it once.
//   - Atomics are of integers only: sums of floats have one order.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace blip3o::cuda::ptx {

constexpr int kWarp = 32;

struct alignas(16) Words4 {
  uint32_t word[4];
};

// ---- Places ---------------------------------------------------------------------------------------------------------

__device__ inline int Thread() { return static_cast<int>(threadIdx.x); }
__device__ inline int Threads() { return static_cast<int>(blockDim.x); }
// Unsigned arithmetic: a mask and a shift.
__device__ inline int Lane() { return static_cast<int>(threadIdx.x % static_cast<unsigned>(kWarp)); }
__device__ inline int Warp() { return static_cast<int>(threadIdx.x / static_cast<unsigned>(kWarp)); }
__device__ inline int BlockX() { return static_cast<int>(blockIdx.x); }
__device__ inline int BlockY() { return static_cast<int>(blockIdx.y); }
__device__ inline int BlockZ() { return static_cast<int>(blockIdx.z); }
__device__ inline int GridX() { return static_cast<int>(gridDim.x); }
__device__ inline int GridY() { return static_cast<int>(gridDim.y); }
__device__ inline int GridZ() { return static_cast<int>(gridDim.z); }

// The block's dynamic shared memory, aligned to 128 bytes.
__device__ inline char* SharedMemory() {
  extern __shared__ __align__(128) char blip3o_shared_memory[];
  return blip3o_shared_memory;
}

// ---- Order ----------------------------------------------------------------------------------------------------------

__device__ inline void SyncBlock() { __syncthreads(); }
// Warp. Makes shared memory that its lanes wrote visible to its lanes.
__device__ inline void SyncWarp() { __syncwarp(); }
// What this thread wrote before is visible to the whole device before what it writes after.
__device__ inline void FenceDevice() { __threadfence(); }

// Waits until the kernel before has ended and its memory is visible (programmatic dependent launch; sm_90 on).
__device__ inline void WaitForPredecessor() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
// The kernel behind may start: when every block has said so or ended.
__device__ inline void ReleaseSuccessor() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

// ---- Between lanes
// ----------------------------------------------------------------------------------------------------

// Warp. T has 4 or 8 bytes.
template <typename T>
__device__ inline T ShuffleXor(T value, int mask) {
  return __shfl_xor_sync(0xFFFFFFFFu, value, mask);
}
template <typename T>
__device__ inline T ShuffleUp(T value, int delta) {
  return __shfl_up_sync(0xFFFFFFFFu, value, delta);
}
// Warp. Every lane reads `value` of lane `lane`.
template <typename T>
__device__ inline T Shuffle(T value, int lane) {
  return __shfl_sync(0xFFFFFFFFu, value, lane);
}
// Warp.
__device__ inline uint32_t Ballot(bool predicate) { return __ballot_sync(0xFFFFFFFFu, predicate); }

// Shared or global memory; each yields the old value.
__device__ inline uint32_t AtomicAdd(uint32_t* at, uint32_t value) { return atomicAdd(at, value); }
__device__ inline uint64_t AtomicAdd(uint64_t* at, uint64_t value) {
  return atomicAdd(reinterpret_cast<unsigned long long*>(at), static_cast<unsigned long long>(value));
}
__device__ inline uint64_t AtomicMax(uint64_t* at, uint64_t value) {
  return atomicMax(reinterpret_cast<unsigned long long*>(at), static_cast<unsigned long long>(value));
}
__device__ inline uint32_t AtomicAnd(uint32_t* at, uint32_t value) { return atomicAnd(at, value); }
__device__ inline uint32_t AtomicOr(uint32_t* at, uint32_t value) { return atomicOr(at, value); }

// ---- Memory ---------------------------------------------------------------------------------------------------------

// 16 bytes that are read once and never written while the kernel runs: weights. Aligned to 16.
__device__ inline Words4 LoadOnce16(const void* global) {
  Words4 v;
  asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(v.word[0]), "=r"(v.word[1]), "=r"(v.word[2]), "=r"(v.word[3])
               : "l"(global));
  return v;
}

// Starts a copy of 16 (8, 4) bytes, both sides aligned to as many; zeros where not `valid`, and then `global` is not
// read. The shared bytes are defined after WaitCopies in this thread, and after a barrier behind it in others.
__device__ inline void CopyAsync16(void* shared, const void* global, bool valid = true) {
  asm volatile(
      "cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(static_cast<uint32_t>(__cvta_generic_to_shared(shared))),
      "l"(global), "r"(valid ? 16 : 0)
      : "memory");
}
__device__ inline void CopyAsync8(void* shared, const void* global, bool valid = true) {
  asm volatile(
      "cp.async.ca.shared.global [%0], [%1], 8, %2;" ::"r"(static_cast<uint32_t>(__cvta_generic_to_shared(shared))),
      "l"(global), "r"(valid ? 8 : 0)
      : "memory");
}
__device__ inline void CopyAsync4(void* shared, const void* global, bool valid = true) {
  asm volatile(
      "cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(static_cast<uint32_t>(__cvta_generic_to_shared(shared))),
      "l"(global), "r"(valid ? 4 : 0)
      : "memory");
}
// Closes the group of copies that this thread started.
__device__ inline void CommitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits until at most `kPending` of this thread's newest groups are under way.
template <int kPending>
__device__ inline void WaitCopies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

// ---- Tensor cores
// -----------------------------------------------------------------------------------------------------

// Two bf16 in a word, rounded to nearest even: `low` in bits 0–15.
__device__ inline uint32_t PackBF16(float low, float high) {
  uint32_t word;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(high), "f"(low));
  return word;
}
__device__ inline float LowBF16(uint32_t word) { return __uint_as_float(word << 16); }
__device__ inline float HighBF16(uint32_t word) { return __uint_as_float(word & 0xFFFF0000u); }

// Warp. Loads 8×8 matrices of 16-bit values: lane 8·m + r gives the address of row r of matrix m (16 bytes, aligned to
// as many); lane l receives in word m of matrix m the values (l / 4, 2·(l % 4)) and the one right of it. Transposed:
// the values (2·(l % 4), l / 4) and the one below.
__device__ inline void LoadMatrix4(uint32_t (&word)[4], const void* shared) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(word[0]), "=r"(word[1]), "=r"(word[2]), "=r"(word[3])
               : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(shared)))
               : "memory");
}
__device__ inline void LoadMatrix4Transposed(uint32_t (&word)[4], const void* shared) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(word[0]), "=r"(word[1]), "=r"(word[2]), "=r"(word[3])
               : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(shared)))
               : "memory");
}
// Of lanes 0 to 15 the addresses count.
__device__ inline void LoadMatrix2(uint32_t (&word)[2], const void* shared) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
               : "=r"(word[0]), "=r"(word[1])
               : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(shared)))
               : "memory");
}
__device__ inline void LoadMatrix2Transposed(uint32_t (&word)[2], const void* shared) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
               : "=r"(word[0]), "=r"(word[1])
               : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(shared)))
               : "memory");
}

// Warp. d += a · b, a [16, 16] and b [16, 8] bf16, d [16, 8] f32 (PTX: mma.m16n8k16). With g = lane / 4, t = lane % 4:
//   a: word 0 = (g, 2t), word 1 = (g + 8, 2t), word 2 = (g, 2t + 8), word 3 = (g + 8, 2t + 8), each with the value
//   right
//      of it (row, column) in its upper half;
//   b: word 0 = (2t, g), word 1 = (2t + 8, g), each with the value below it;
//   d: (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1).
__device__ inline void MmaBF16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// ---- Approximate functions
// --------------------------------------------------------------------------------------------

// 2^x, relative error at most 2^-22; results below 2^-126 are 0.
__device__ inline float Exp2Approx(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
// 1/x, at most 1 ulp off.
__device__ inline float ReciprocalApprox(float x) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
// 1/√x, relative error at most 2^-22.
__device__ inline float RsqrtApprox(float x) {
  float y;
  asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// ---- Rounding that no compiler may fuse
// -----------------------------------------------------------------------------------

__device__ inline float MultiplyRounded(float a, float b) { return __fmul_rn(a, b); }
__device__ inline float AddRounded(float a, float b) { return __fadd_rn(a, b); }

__device__ inline uint32_t BitsOf(float value) { return __float_as_uint(value); }
__device__ inline float FloatOf(uint32_t bits) { return __uint_as_float(bits); }

}  // namespace blip3o::cuda::ptx
