// Weights of mapped files, of any floating-point dtype and any alignment, in the layouts of the kernels. On the host.
#pragma once

#include <cstdint>

#include "base/q8.h"
#include "base/tensor.h"
#include "ops/cuda/device_tensor.h"
#include "ops/cuda/weight_store.h"

namespace blip3o::cuda {

constexpr int64_t ValueBytes(WeightType type) {
  switch (type) {
    case WeightType::kF32:
      return 4;
    case WeightType::kBF16:
      return 2;
    case WeightType::kInt8:
    case WeightType::kE4M3:
      break;
  }
  return 1;
}

// How a weight lies packed: `lines` of `cols` values, `stride` values from one to the next, zeros between.
struct PackedForm {
  WeightType type = WeightType::kF32;
  int64_t lines = 0;
  int64_t cols = 0;
  int64_t stride = 0;

  int64_t value_bytes() const { return ValueBytes(type); }
  int64_t line_bytes() const { return stride * value_bytes(); }
  // Of all lines; behind them stand the scales of the 8-bit types.
  int64_t lines_bytes() const { return lines * line_bytes(); }
  int64_t line_scales() const {
    return type == WeightType::kInt8 ? stride / kQ8Block : type == WeightType::kE4M3 ? 1 : 0;
  }
  int64_t scales_bytes() const { return lines * line_scales() * 4; }
  int64_t bytes() const { return lines_bytes() + scales_bytes(); }
};

// A kQ8 view stays what it is.
PackedForm FormOf(const View& view, Use use, const WeightOptions& options);

// Writes lines [first, first + count) to `to`, and where the form has scales, those of the lines to `scales`.
void PackLines(const View& view, Use use, const PackedForm& form, int64_t first, int64_t count, void* to,
               float* scales);

// To nearest, ties to even, magnitudes beyond 448 to 448; NaN stays NaN.
uint8_t E4M3FromF32(float value);

}  // namespace blip3o::cuda
