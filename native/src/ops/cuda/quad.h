// Rows of f32 taken by four values at once: 16-byte loads and stores where every operand is aligned for them, single
// values elsewhere and at a row's end. Which values a thread takes is the same either way, and so are the sums.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "base/tensor.h"
#include "ops/cuda/device_tensor.h"
#include "ops/cuda/ptx.h"

namespace blip3o::cuda {

struct alignas(16) Quad {
  float value[4];
};

struct alignas(8) BF16Quad {
  uint32_t word[2];
};

// A matrix as such kernels see it. A stride of 0: one row for all.
struct Operand {
  float* data = nullptr;
  int64_t stride = 0;
};

// Four columns of one row of a kernel's extent, fewer at its end.
struct QuadPlace {
  int64_t row = 0;
  int64_t col = 0;
  int64_t cols = 0;      // of the extent
  bool aligned = false;  // 16-byte accesses are allowed
};

inline Operand OperandOf(const Matrix& m) { return {m.data, m.stride}; }

// True where every row of every matrix starts at 16 bytes. Empty ones are.
inline bool QuadsAligned(std::initializer_list<Matrix> matrices) {
  for (const Matrix& m : matrices) {
    if (reinterpret_cast<uintptr_t>(m.data) % sizeof(Quad) != 0 || m.stride % 4 != 0) return false;
  }
  return true;
}
inline bool QuadsAligned(const float* values) { return reinterpret_cast<uintptr_t>(values) % sizeof(Quad) == 0; }

// Columns [col, col + 4) of `row`, which has `cols`; zeros beyond.
__device__ inline Quad LoadQuad(const float* row, int64_t col, int64_t cols, bool aligned) {
  if (aligned && col + 4 <= cols) return *reinterpret_cast<const Quad*>(row + col);
  Quad quad;
#pragma unroll
  for (int i = 0; i < 4; ++i) quad.value[i] = col + i < cols ? row[col + i] : 0.0f;
  return quad;
}

__device__ inline void StoreQuad(const Quad& quad, float* row, int64_t col, int64_t cols, bool aligned) {
  if (aligned && col + 4 <= cols) {
    *reinterpret_cast<Quad*>(row + col) = quad;
    return;
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    if (col + i < cols) row[col + i] = quad.value[i];
  }
}

__device__ inline Quad LoadQuad(const Operand& from, const QuadPlace& at) {
  return LoadQuad(from.data + at.row * from.stride, at.col, at.cols, at.aligned);
}
__device__ inline void StoreQuad(const Quad& quad, const Operand& to, const QuadPlace& at) {
  StoreQuad(quad, to.data + at.row * to.stride, at.col, at.cols, at.aligned);
}

// Four columns of row `row` of a table, kF32 or kBF16; rows of BF16 have zeros behind them.
__device__ inline Quad LoadTableQuad(const DeviceWeight& table, int64_t row, int64_t col, bool aligned) {
  if (table.type == WeightType::kF32) {
    return LoadQuad(static_cast<const float*>(table.data) + row * table.stride, col, table.cols, aligned);
  }
  const uint16_t* start = static_cast<const uint16_t*>(table.data) + row * table.stride + col;
  const BF16Quad quad = *reinterpret_cast<const BF16Quad*>(start);
  return {ptx::LowBF16(quad.word[0]), ptx::HighBF16(quad.word[0]), ptx::LowBF16(quad.word[1]),
          ptx::HighBF16(quad.word[1])};
}

}  // namespace blip3o::cuda
