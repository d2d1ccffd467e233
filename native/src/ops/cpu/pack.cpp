// Packing is a transposition, bound by the bytes read and by shuffles: four rows of 128 bits at a time in each block of
// a vector. 16-bit weights are transposed as pairs and widened afterwards, which halves the shuffles.
#include "ops/cpu/pack.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "base/q8.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/pack.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/cpu/lanes-inl.h"
#include "ops/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace blip3o::cpu {
namespace HWY_NAMESPACE {

constexpr int64_t kStagedDepth = 64;  // columns of an F16 weight that are widened at once

// ---- Transposition of 32-bit words ---------------------------------------------------------------------------------

#if HWY_TARGET != HWY_SCALAR
// Block b of the vector is the 16 bytes at `bytes` + b · `block_stride`.
template <class D>
HWY_INLINE hn::Vec<D> LoadBlocks(D d, const char* bytes, int64_t block_stride) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    return LoadBytes(d, bytes);
  } else {
    const hn::Half<D> half;
    const int64_t blocks = static_cast<int64_t>(hn::MaxLanes(D())) / 8;
    return hn::Combine(d, LoadBlocks(half, bytes + blocks * block_stride, block_stride),
                       LoadBlocks(half, bytes, block_stride));
  }
}

// Words [0, 4) of Lanes(d) rows: f(i, words i of all rows) for each i.
template <class D, class F>
HWY_INLINE void TransposeFour(D d, const char* bytes, int64_t row_bytes, const F& f) {
  const auto v0 = LoadBlocks(d, bytes, 4 * row_bytes), v1 = LoadBlocks(d, bytes + row_bytes, 4 * row_bytes);
  const auto v2 = LoadBlocks(d, bytes + 2 * row_bytes, 4 * row_bytes);
  const auto v3 = LoadBlocks(d, bytes + 3 * row_bytes, 4 * row_bytes);
  const auto even01 = hn::InterleaveLower(d, v0, v2), odd01 = hn::InterleaveLower(d, v1, v3);
  const auto even23 = hn::InterleaveUpper(d, v0, v2), odd23 = hn::InterleaveUpper(d, v1, v3);
  f(0, hn::InterleaveLower(d, even01, odd01));
  f(1, hn::InterleaveUpper(d, even01, odd01));
  f(2, hn::InterleaveLower(d, even23, odd23));
  f(3, hn::InterleaveUpper(d, even23, odd23));
}
#endif

// Calls store(d, word, row, words) with the words [word] of rows [row, row + Lanes(d)), covering `rows` × `words`.
template <class Store>
HWY_INLINE void TransposeWords(const char* bytes, int64_t row_bytes, int64_t rows, int64_t words, const Store& store) {
  const hn::CappedTag<uint32_t, 1> d1;
  const auto one_by_one = [&](int64_t row, int64_t first_word) HWY_ATTR {
    for (int64_t word = first_word; word < words; ++word) {
      uint32_t value;
      std::memcpy(&value, bytes + row * row_bytes + word * 4, 4);
      store(d1, word, row, hn::Set(d1, value));
    }
  };
  int64_t row = 0;
#if HWY_TARGET != HWY_SCALAR
  const auto blocks = [&](auto d) HWY_ATTR {
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    for (; row + lanes <= rows; row += lanes) {
      int64_t word = 0;
      for (; word + 4 <= words; word += 4) {
        TransposeFour(d, bytes + row * row_bytes + word * 4, row_bytes,
                      [&](int64_t i, auto values) HWY_ATTR { store(d, word + i, row, values); });
      }
      for (int64_t lane = 0; lane < lanes; ++lane) one_by_one(row + lane, word);
    }
  };
  blocks(hn::ScalableTag<uint32_t>());
  blocks(hn::CappedTag<uint32_t, 4>());
#endif
  for (; row < rows; ++row) one_by_one(row, 0);
}

// ---- Panels of weights ---------------------------------------------------------------------------------------------

void PackF32(const char* bytes, int64_t row_bytes, int64_t count, int64_t depth, int64_t width, float* panel) {
  TransposeWords(bytes, row_bytes, count, depth, [&](auto d, int64_t k, int64_t n, auto words) HWY_ATTR {
    const hn::RebindToFloat<decltype(d)> df;
    hn::StoreU(hn::BitCast(df, words), df, panel + k * width + n);
  });
}

void PackBF16(const char* bytes, int64_t row_bytes, int64_t count, int64_t depth, int64_t width, float* panel) {
  TransposeWords(bytes, row_bytes, count, depth / 2, [&](auto d, int64_t pair, int64_t n, auto words) HWY_ATTR {
    const hn::RebindToFloat<decltype(d)> df;
    float* to = panel + 2 * pair * width + n;
    hn::StoreU(hn::BitCast(df, hn::ShiftLeft<16>(words)), df, to);
    hn::StoreU(hn::BitCast(df, hn::And(words, hn::Set(d, 0xFFFF0000u))), df, to + width);
  });
  if (depth % 2 == 0) return;
  for (int64_t n = 0; n < count; ++n) {
    panel[(depth - 1) * width + n] = LoadAsF32(bytes + n * row_bytes, DType::kBF16, depth - 1);
  }
}

void PackF16(const char* bytes, int64_t row_bytes, int64_t count, int64_t depth, int64_t width, float* panel) {
  constexpr int64_t kStagedRows = 16;
  HWY_ALIGN float staged[kStagedRows * kStagedDepth];
  for (int64_t n = 0; n < count; n += kStagedRows) {
    const int64_t rows = std::min(kStagedRows, count - n);
    for (int64_t k = 0; k < depth; k += kStagedDepth) {
      const int64_t columns = std::min(kStagedDepth, depth - k);
      for (int64_t row = 0; row < rows; ++row) {
        const char* from = bytes + (n + row) * row_bytes + k * 2;
        float* to = staged + row * kStagedDepth;
        ForLanes(columns, [&](auto d, int64_t i) HWY_ATTR { hn::StoreU(AsF16::Load(d, from + i * 2), d, to + i); });
      }
      PackF32(reinterpret_cast<const char*>(staged), kStagedDepth * 4, rows, columns, width, panel + k * width + n);
    }
  }
}

// `block.k` and kStagedDepth divide a block of scales.
void PackQ8(const WeightBlock& block, int64_t width, float* panel) {
  static_assert(kQ8Block % kStagedDepth == 0);
  assert(block.k % kStagedDepth == 0);
  constexpr int64_t kStagedRows = 16;
  HWY_ALIGN float staged[kStagedRows * kStagedDepth];
  const View view{block.data, DType::kQ8, {block.weight_rows, block.row_length}};
  const Q8Layout layout = Q8Layout::Of(view);
  for (int64_t n = 0; n < block.count; n += kStagedRows) {
    const int64_t rows = std::min(kStagedRows, block.count - n);
    for (int64_t k = 0; k < block.depth; k += kStagedDepth) {
      const int64_t columns = std::min(kStagedDepth, block.depth - k);
      for (int64_t row = 0; row < rows; ++row) {
        const int8_t* from = layout.row(view, block.n + n + row) + block.k + k;
        const float scale = layout.scales(view, block.n + n + row)[(block.k + k) / kQ8Block];
        float* to = staged + row * kStagedDepth;
        for (int64_t i = 0; i < columns; ++i) to[i] = scale * static_cast<float>(from[i]);
      }
      PackF32(reinterpret_cast<const char*>(staged), kStagedDepth * 4, rows, columns, width, panel + k * width + n);
    }
  }
}

void PackPanelKernel(const WeightBlock& block, int64_t width, float* panel) {
  if (block.count < width) {
    for (int64_t k = 0; k < block.depth; ++k) {
      std::fill(panel + k * width + block.count, panel + (k + 1) * width, 0.0f);
    }
  }
  const int64_t size = SizeOf(block.dtype), row_bytes = block.row_length * size;
  const char* bytes = static_cast<const char*>(block.data) + block.n * row_bytes + block.k * size;
  switch (block.dtype) {
    case DType::kBF16:
      return PackBF16(bytes, row_bytes, block.count, block.depth, width, panel);
    case DType::kF16:
      return PackF16(bytes, row_bytes, block.count, block.depth, width, panel);
    case DType::kQ8:
      return PackQ8(block, width, panel);
    default:
      return PackF32(bytes, row_bytes, block.count, block.depth, width, panel);
  }
}

void PackPairsKernel(const WeightBlock& block, int64_t padded_depth, int64_t width, uint16_t* panel) {
  if (block.count < width || block.depth < padded_depth) {
    std::memset(panel, 0, static_cast<size_t>(padded_depth * width) * sizeof(uint16_t));
  }
  const int64_t row_bytes = block.row_length * 2;
  const char* bytes = static_cast<const char*>(block.data) + block.n * row_bytes + block.k * 2;
  uint32_t* pairs = reinterpret_cast<uint32_t*>(panel);
  TransposeWords(bytes, row_bytes, block.count, block.depth / 2,
                 [&](auto d, int64_t pair, int64_t n, auto words)
                     HWY_ATTR { hn::StoreU(words, d, pairs + pair * width + n); });
  if (block.depth % 2 == 0) return;
  for (int64_t n = 0; n < block.count; ++n) {
    std::memcpy(panel + (block.depth - 1) * width + 2 * n, bytes + n * row_bytes + (block.depth - 1) * 2, 2);
  }
}

// ---- Activations ---------------------------------------------------------------------------------------------------

void RoundF32Kernel(const Matrix& x, int64_t panel_rows, float* to) {
  for (int64_t row = 0; row < x.rows; ++row) {
    const float* from = x.row(row);
    float* at = to + row * x.cols;
    ForLanes(x.cols,
             [&](auto d, int64_t i) HWY_ATTR { hn::StoreU(RoundToBF16(d, hn::LoadU(d, from + i)), d, at + i); });
  }
  std::fill(to + x.rows * x.cols, to + panel_rows * x.cols, 0.0f);
}

void RoundBF16Kernel(const Matrix& x, int64_t panel_rows, int64_t padded_cols, uint16_t* to) {
  for (int64_t row = 0; row < x.rows; ++row) {
    const float* from = x.row(row);
    uint16_t* at = to + row * padded_cols;
    ForLanes(x.cols, [&](auto d, int64_t i) HWY_ATTR {
      const hn::RebindToUnsigned<decltype(d)> d32;
      const hn::Rebind<uint16_t, decltype(d)> d16;
      const auto rounded = RoundToBF16(d, hn::LoadU(d, from + i));
      hn::StoreU(hn::TruncateTo(d16, hn::ShiftRight<16>(hn::BitCast(d32, rounded))), d16, at + i);
    });
    std::fill(at + x.cols, at + padded_cols, uint16_t{0});
  }
  std::fill(to + x.rows * padded_cols, to + panel_rows * padded_cols, uint16_t{0});
}

void CopyRowsKernel(const float* from, int64_t from_stride, int64_t rows, int64_t count, float* to, int64_t to_stride) {
  for (int64_t row = 0; row < rows; ++row) {
    const float* source = from + row * from_stride;
    float* target = to + row * to_stride;
    ForLanes(count, [&](auto d, int64_t i) HWY_ATTR { hn::StoreU(hn::LoadU(d, source + i), d, target + i); });
  }
}

// One row of a tile; absent operands are null.
struct TileRow {
  const float* sums = nullptr;
  const float* bias = nullptr;
  const float* gate = nullptr;
  const float* residual = nullptr;
  float* to = nullptr;
};

template <Activation kActivation, class D>
HWY_INLINE void WritePiece(D d, const TileRow& row, int64_t i) {
  auto value = hn::LoadU(d, row.sums + i);
  if (row.bias != nullptr) value = hn::Add(value, hn::LoadU(d, row.bias + i));
  value = ActivationOf(d, kActivation, value);
  if (row.gate != nullptr) value = hn::Mul(value, hn::LoadU(d, row.gate + i));
  if (row.residual != nullptr) value = hn::Add(value, hn::LoadU(d, row.residual + i));
  hn::StoreU(value, d, row.to + i);
}

template <Activation kActivation>
void WriteRows(const Epilogue& epilogue, const Tile& tile, const float* bias, const Matrix& out) {
  for (int64_t r = 0; r < tile.rows; ++r) {
    TileRow row;
    row.sums = tile.sums + r * tile.sums_stride;
    row.bias = bias;
    if (!epilogue.gate.empty()) row.gate = epilogue.gate.row(epilogue.gate.rows == 1 ? 0 : tile.row + r) + tile.column;
    if (!epilogue.residual.empty()) row.residual = epilogue.residual.row(tile.row + r) + tile.column;
    row.to = out.row(tile.row + r) + tile.column;
    // Narrow outputs of eight channels take one piece, not two.
    const hn::CappedTag<float, 8> d8;
    int64_t done = 0;
    if (tile.cols == static_cast<int64_t>(hn::Lanes(d8))) {
      WritePiece<kActivation>(d8, row, 0);
      done = tile.cols;
    }
    ForLanes(tile.cols - done, [&](auto d, int64_t i) HWY_ATTR { WritePiece<kActivation>(d, row, i); });
  }
}

void WriteTileKernel(const Epilogue& epilogue, const Tile& tile, const Matrix& out) {
  HWY_ALIGN float widened[kMaxTileColumns];
  const float* bias = nullptr;
  if (!epilogue.bias.empty()) {
    ForLanes(tile.cols, [&](auto d, int64_t i)
                            HWY_ATTR { hn::StoreU(LoadView(d, epilogue.bias, tile.column + i), d, widened + i); });
    bias = widened;
  }
  switch (epilogue.activation) {
    case Activation::kNone:
      return WriteRows<Activation::kNone>(epilogue, tile, bias, out);
    case Activation::kSilu:
      return WriteRows<Activation::kSilu>(epilogue, tile, bias, out);
    case Activation::kGeluTanh:
      return WriteRows<Activation::kGeluTanh>(epilogue, tile, bias, out);
    case Activation::kRelu:
      return WriteRows<Activation::kRelu>(epilogue, tile, bias, out);
    case Activation::kTanh:
      return WriteRows<Activation::kTanh>(epilogue, tile, bias, out);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace blip3o::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace blip3o::cpu {

HWY_EXPORT(PackPanelKernel);
HWY_EXPORT(PackPairsKernel);
HWY_EXPORT(RoundF32Kernel);
HWY_EXPORT(RoundBF16Kernel);
HWY_EXPORT(CopyRowsKernel);
HWY_EXPORT(WriteTileKernel);

void PackPanel(const WeightBlock& block, int64_t width, float* panel) {
  HWY_DYNAMIC_DISPATCH(PackPanelKernel)(block, width, panel);
}
void PackPairs(const WeightBlock& block, int64_t padded_depth, int64_t width, uint16_t* panel) {
  HWY_DYNAMIC_DISPATCH(PackPairsKernel)(block, padded_depth, width, panel);
}
void RoundPanel(const Matrix& x, int64_t panel_rows, float* to) {
  HWY_DYNAMIC_DISPATCH(RoundF32Kernel)(x, panel_rows, to);
}
void RoundPanel(const Matrix& x, int64_t panel_rows, int64_t padded_cols, uint16_t* to) {
  HWY_DYNAMIC_DISPATCH(RoundBF16Kernel)(x, panel_rows, padded_cols, to);
}
void CopyRows(const float* from, int64_t from_stride, int64_t rows, int64_t count, float* to, int64_t to_stride) {
  HWY_DYNAMIC_DISPATCH(CopyRowsKernel)(from, from_stride, rows, count, to, to_stride);
}
void WriteTile(const Epilogue& epilogue, const Tile& tile, const Matrix& out) {
  HWY_DYNAMIC_DISPATCH(WriteTileKernel)(epilogue, tile, out);
}

}  // namespace blip3o::cpu
#endif
