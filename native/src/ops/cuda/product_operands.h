// What kernels of ours do around a product of the library: its operand before it, the rest of its epilogue behind it.
#pragma once

#include <cstdint>

#include "base/tensor.h"
#include "ops/cuda/context.h"
#include "ops/cuda/device_tensor.h"

namespace blip3o::cuda {

// convert.cu: to = x rounded to bf16, dense [rows, padded_cols], zeros behind x's columns. `to` is aligned to 16 bytes,
// padded_cols a multiple of 8.
void RoundRows(Context& context, const Matrix& x, int64_t padded_cols, uint16_t* to);

// rows_to_e4m3.cu: values[t, k] = E4M3(x[t, k] / scales[t]), scales[t] = max |x[t]| / 448, dense [rows, padded_cols],
// zeros behind x's columns. Round to nearest even; NaN stays NaN, and a row with an infinity becomes NaN and 0.
// `values` is aligned to 16 bytes, padded_cols a multiple of 16.
void QuantizeRows(Context& context, const Matrix& x, int64_t padded_cols, uint8_t* values, float* scales);

// epilogue.cu: out = epilogue(product). `product` or the residual may be `out`.
void ApplyEpilogue(Context& context, const Matrix& product, const DeviceEpilogue& epilogue, const Matrix& out);

}  // namespace blip3o::cuda
