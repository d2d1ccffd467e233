// Tensors as kernels see them.
#pragma once

#include <cstdint>

#include "base/tensor.h"
#include "ops/ops.h"

namespace blip3o::cuda {

// Weights on the device. The type decides how a product rounds:
//   kBF16: activations are rounded to bf16, sums are f32;
//   kF32:  both operands are split in two bf16, hi + lo, and hi·hi + hi·lo + lo·hi summed in f32 (error about 2^-16);
//   kInt8: activations are rounded to bf16; each 128 inputs of a row are summed by themselves, times their scale;
//   kE4M3: activations are rounded to 8-bit floats with a scale for each row of them. Only the library multiplies
//   those.
enum class WeightType : int32_t { kF32, kBF16, kInt8, kE4M3 };

// [N, K]. Rows of BF16 are padded with zeros to a multiple of 64 values and start at 16 bytes. Rows of F32 have no
// promise but their 4 bytes, and nothing behind K.
// Rows of kInt8 are K padded to a multiple of 128 int8 values, each row's scales stand at `scales` [N, padded K / 128]
// f32 (base/q8.h).
// Rows of kE4M3 are K padded with zeros to a multiple of 64 values, `scales` [N] f32.
struct DeviceWeight {
  const void* data = nullptr;
  const float* scales = nullptr;  // kInt8 and kE4M3 only
  WeightType type = WeightType::kF32;
  int64_t rows = 0;    // N
  int64_t cols = 0;    // K, without padding
  int64_t stride = 0;  // values from row to row
};

// The part of Epilogue (ops.h) in kernels. Null pointers: absent.
struct DeviceEpilogue {
  const float* bias = nullptr;  // [N]
  Activation activation = Activation::kNone;
  const float* gate = nullptr;
  int64_t gate_stride = 0;  // 0: one row for all
  const float* residual = nullptr;
  int64_t residual_stride = 0;
};

}  // namespace blip3o::cuda
