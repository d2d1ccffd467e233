// Weights of mapped files, of any floating-point dtype and any alignment, in the layouts of the kernels. On the host.
#pragma once

#include <cstdint>

#include "base/q8.h"
#include "base/tensor.h"
#include "ops/cuda/device_tensor.h"
#include "ops/cuda/weight_store.h"

namespace blip3o::cuda {

// How a weight lies packed: `lines` of `cols` values, `stride` values from one to the next, zeros between.
struct PackedForm {
  WeightType type = WeightType::kF32;
  int64_t lines = 0;
  int64_t cols = 0;
  int64_t stride = 0;

  int64_t value_bytes() const { return type == WeightType::kInt8 ? 1 : type == WeightType::kBF16 ? 2 : 4; }
  int64_t line_bytes() const { return stride * value_bytes(); }
  // Of all lines; behind them stand the scales of kInt8.
  int64_t lines_bytes() const { return lines * line_bytes(); }
  int64_t scales_bytes() const { return type == WeightType::kInt8 ? lines * (stride / kQ8Block) * 4 : 0; }
  int64_t bytes() const { return lines_bytes() + scales_bytes(); }
};

// `product`: kF32 or kBF16, the type of products' weights. A kQ8 view stays what it is.
PackedForm FormOf(const View& view, Use use, WeightType product);

// Writes lines [first, first + count) to `to`.
void PackLines(const View& view, Use use, const PackedForm& form, int64_t first, int64_t count, void* to);

}  // namespace blip3o::cuda
