// Operands of panel products: weights packed into panels, activations rounded, results written with their epilogue.
#pragma once

#include <cstdint>

#include "base/tensor.h"
#include "ops/ops.h"

namespace blip3o::cpu {

// A product is always made of panels of this size, so that a row's sums don't depend on its company.
constexpr int64_t kPanelRows = 64;
constexpr int64_t kPanelWidth = 64;
constexpr int64_t kNarrowWidth = 16;    // the last panel's width is a multiple of it
constexpr int64_t kDepthMultiple = 64;  // of the pieces of a deeper product

constexpr int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t RoundUp(int64_t value, int64_t multiple) { return CeilDiv(value, multiple) * multiple; }

// A block of a weight [N, K]: rows [n, n + count) and columns [k, k + depth).
struct WeightBlock {
  const void* data = nullptr;  // of the whole weight, of any alignment
  DType dtype = DType::kF32;
  int64_t row_length = 0;  // K
  int64_t n = 0, count = 0;
  int64_t k = 0, depth = 0;
  int64_t weight_rows = 0;  // N; of kQ8 only, whose k is a multiple of 64
};

// panel[k, n] = block[n, k] as f32, of kQ8 with its scale, [depth, width] with zeros behind the block's columns.
void PackPanel(const WeightBlock& block, int64_t width, float* panel);

// panel[k / 2, n, k % 2] = block[n, k] of a BF16 weight, [padded_depth / 2, width, 2] with zeros behind the block.
void PackPairs(const WeightBlock& block, int64_t padded_depth, int64_t width, uint16_t* panel);

// to = x rounded to bf16 and widened again, dense [panel_rows, x.cols], zeros behind x's rows.
void RoundPanel(const Matrix& x, int64_t panel_rows, float* to);

// to = x rounded to bf16, dense [panel_rows, padded_cols], zeros behind x.
void RoundPanel(const Matrix& x, int64_t panel_rows, int64_t padded_cols, uint16_t* to);

// to[r, i] = from[r, i] for r in [0, rows), i in [0, count).
void CopyRows(const float* from, int64_t from_stride, int64_t rows, int64_t count, float* to, int64_t to_stride);

// Rows [row, row + rows) and columns [column, column + cols) of `out` = the epilogue of `sums`, whose rows lie
// `sums_stride` values apart. At most kMaxTileColumns columns.
constexpr int64_t kMaxTileColumns = 64;
struct Tile {
  int64_t row = 0, rows = 0;
  int64_t column = 0, cols = 0;
  const float* sums = nullptr;
  int64_t sums_stride = 0;
};
void WriteTile(const Epilogue& epilogue, const Tile& tile, const Matrix& out);

}  // namespace blip3o::cpu
