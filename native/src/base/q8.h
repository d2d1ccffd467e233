// The layout of a kQ8 weight [N, K]: N rows of int8, each padded with zeros to a multiple of 128, and behind them the
// scales [N, padded K / 128] in f32: value[n, k] = int8[n, k] · scale[n, k / 128].
#pragma once

#include <cstdint>

#include "base/tensor.h"

namespace blip3o {

constexpr int64_t kQ8Block = 128;

struct Q8Layout {
  int64_t rows = 0;    // N
  int64_t cols = 0;    // K
  int64_t stride = 0;  // K padded: bytes from row to row
  int64_t blocks = 0;  // of a row

  static Q8Layout Of(int64_t rows, int64_t cols) {
    const int64_t blocks = (cols + kQ8Block - 1) / kQ8Block;
    return {rows, cols, blocks * kQ8Block, blocks};
  }
  // Of a view [N, K], with more dimensions of 1 perhaps.
  static Q8Layout Of(const View& view) { return Of(view.shape[0], view.count() / view.shape[0]); }

  int64_t scales_offset() const { return rows * stride; }
  int64_t size_bytes() const { return scales_offset() + rows * blocks * static_cast<int64_t>(sizeof(float)); }

  const int8_t* row(const View& view, int64_t n) const { return static_cast<const int8_t*>(view.data) + n * stride; }
  const float* scales(const View& view, int64_t n) const {
    const char* data = static_cast<const char*>(view.data);
    return reinterpret_cast<const float*>(data + scales_offset()) + n * blocks;
  }
};

}  // namespace blip3o
