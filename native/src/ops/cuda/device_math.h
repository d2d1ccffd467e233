// Small functions that several kernels share. Sums of a warp and of a block have one order.
#pragma once

#include <cmath>
#include <cstdint>

#include "ops/cuda/device_tensor.h"
#include "ops/cuda/ptx.h"
#include "ops/ops.h"

namespace blip3o::cuda {

// In every lane: the sum over the warp, a butterfly from the far lanes to the near.
__device__ inline float WarpSum(float value) {
  for (int mask = 16; mask > 0; mask /= 2) value += ptx::ShuffleXor(value, mask);
  return value;
}

__device__ inline float WarpMax(float value) {
  for (int mask = 16; mask > 0; mask /= 2) value = fmaxf(value, ptx::ShuffleXor(value, mask));
  return value;
}

// In every thread: the sum over the block, warp by warp in ascending order. `shared` holds a float for each warp; it
// may be used again behind the next barrier.
__device__ inline float BlockSum(float value, float* shared) {
  value = WarpSum(value);
  if (ptx::Lane() == 0) shared[ptx::Warp()] = value;
  ptx::SyncBlock();
  float sum = 0.0f;
  for (int w = 0; w < ptx::Threads() / ptx::kWarp; ++w) sum += shared[w];
  ptx::SyncBlock();
  return sum;
}

// In every thread: whether the block is the last of `blocks` that come here with this ticket. Then what the others
// wrote before is visible to it, and the ticket is 0 again. `shared`: a word of the block's.
__device__ inline bool IsLastBlock(uint32_t* ticket, uint32_t blocks, uint32_t* shared) {
  ptx::SyncBlock();
  if (ptx::Thread() == 0) {
    ptx::FenceDevice();
    const bool is_last = ptx::AtomicAdd(ticket, 1u) + 1 == blocks;
    if (is_last) ptx::AtomicAnd(ticket, 0u);
    ptx::FenceDevice();
    *shared = is_last ? 1 : 0;
  }
  ptx::SyncBlock();
  return *shared != 0;
}

__device__ inline float Sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }
__device__ inline float Silu(float x) { return x / (1.0f + expf(-x)); }

__device__ inline float Activated(Activation activation, float x) {
  switch (activation) {
    case Activation::kSilu:
      return Silu(x);
    case Activation::kGeluTanh:
      return 0.5f * x * (1.0f + tanhf(0.7978845608028654f * (x + 0.044715f * x * x * x)));
    case Activation::kRelu:
      return x > 0.0f ? x : (x == x ? 0.0f : x);
    case Activation::kTanh:
      return tanhf(x);
    case Activation::kNone:
      break;
  }
  return x;
}

// out[row, col] of a product, where the sum of products is `value`.
__device__ inline float Epilogued(const DeviceEpilogue& e, float value, int64_t row, int64_t col) {
  if (e.bias != nullptr) value += e.bias[col];
  value = Activated(e.activation, value);
  if (e.gate != nullptr) value *= e.gate[row * e.gate_stride + col];
  if (e.residual != nullptr) value += e.residual[row * e.residual_stride + col];
  return value;
}

// x = high + low + a rest below 2^-16 |x|; both packed with their right neighbours': word = PackBF16(x0, x1).
struct SplitWords {
  uint32_t high, low;
};
__device__ inline SplitWords SplitBF16(float x0, float x1) {
  SplitWords s;
  s.high = ptx::PackBF16(x0, x1);
  s.low = ptx::PackBF16(x0 - ptx::LowBF16(s.high), x1 - ptx::HighBF16(s.high));
  return s;
}

}  // namespace blip3o::cuda
