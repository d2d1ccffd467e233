// What the kernels of attention share.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

#include "base/status.h"
#include "ops/cuda/context.h"
#include "ops/cuda/ptx.h"
#include "ops/ops.h"

namespace blip3o::cuda {

constexpr int64_t kMaxHeadDim = 128;

// Where row `row` of the token loop stands in `layer` of its own cache.
__device__ inline KvSlot SlotOf(const TokenRow& row, int64_t layer, const AttentionShape& shape) {
  const int64_t values = shape.kv_heads * row.capacity * shape.head_dim;
  float* keys = row.cache + 2 * layer * values;
  return {keys, keys + values, row.capacity, row.position};
}

// The softmax is computed as powers of two of score · log2(e) / √d.
inline float ScoreScale(int64_t head_dim) {
  return static_cast<float>(1.4426950408889634 / std::sqrt(static_cast<double>(head_dim)));
}

// False, with a failure kept by the queue, for heads that the kernels don't hold.
inline bool HoldsHeads(Context& context, const char* operation, int64_t head_dim) {
  if (head_dim > 0 && head_dim <= kMaxHeadDim && head_dim % 2 == 0) return true;
  context.queue->Fail(Unsupported(std::string(operation) + ": head_dim must be even and at most " +
                                  std::to_string(kMaxHeadDim) + " on a CUDA device, found " + std::to_string(head_dim) +
                                  "; run this model on the CPU"));
  return false;
}

}  // namespace blip3o::cuda
