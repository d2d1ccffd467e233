// Products of small tiles whose sums stay in registers. Included once per Highway target.
//
// A tile's size only says what is computed together: each sum takes its products in the same order in every tile.
#if defined(BLIP3O_OPS_CPU_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BLIP3O_OPS_CPU_TILE_INL_H_
#undef BLIP3O_OPS_CPU_TILE_INL_H_
#else
#define BLIP3O_OPS_CPU_TILE_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

#include "base/q8.h"
#include "base/tensor.h"
#include "ops/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace blip3o::cpu {
namespace HWY_NAMESPACE {

using Tag = hn::ScalableTag<float>;
using Vector = hn::Vec<Tag>;

HWY_INLINE int64_t VectorLanes() { return static_cast<int64_t>(hn::Lanes(Tag())); }

// Rows of an outer tile of three vectors: their sums, the three vectors and one broadcast fit the registers.
#if HWY_TARGET == HWY_AVX3
constexpr size_t kOuterRows = 8;
#else
constexpr size_t kOuterRows = 4;
#endif

// Calls f(first, integral_constant rows) with tiles of kTile, kTile / 2, …, 1 rows that cover [0, rows).
template <size_t kTile, class F>
HWY_INLINE void ForTiles(int64_t rows, const F& f, int64_t first = 0) {
  for (; first + static_cast<int64_t>(kTile) <= rows; first += kTile) {
    f(first, std::integral_constant<size_t, kTile>());
  }
  if constexpr (kTile > 1) ForTiles<kTile / 2>(rows, f, first);
}

// Calls f(first, integral_constant count) with groups of 3, 2 and 1 vectors that cover [0, vectors).
template <class F>
HWY_INLINE void ForVectors(int64_t vectors, const F& f) {
  int64_t first = 0;
  for (; vectors - first == 3 || vectors - first > 4; first += 3) f(first, std::integral_constant<size_t, 3>());
  for (; first + 2 <= vectors; first += 2) f(first, std::integral_constant<size_t, 2>());
  for (; first < vectors; ++first) f(first, std::integral_constant<size_t, 1>());
}

template <size_t kRows, size_t kVectors>
using Tile = Vector[kRows][kVectors];

template <size_t kRows, size_t kVectors>
HWY_INLINE void ClearTile(Tile<kRows, kVectors>& tile) {
  Unroll<kRows>([&](auto r)
                    BLIP3O_INLINE { Unroll<kVectors>([&](auto v) BLIP3O_INLINE { tile[r][v] = hn::Zero(Tag()); }); });
}

// A stride that is 1 at compile time.
using One = std::integral_constant<int64_t, 1>;

// tile[r][v] += Σ_k a[r · row_stride + k · step] · b[k · b_step + v · lanes, …), k ascending in [0, depth).
template <size_t kRows, size_t kVectors, class RowStride, class Step>
HWY_INLINE void AddOuter(const float* a, RowStride row_stride, Step step, const float* b, int64_t b_step, int64_t depth,
                         Tile<kRows, kVectors>& tile) {
  const Tag d;
  const int64_t lanes = VectorLanes();
  for (int64_t k = 0; k < depth; ++k, a += step, b += b_step) {
    Vector vectors[kVectors];
    Unroll<kVectors>([&](auto v) BLIP3O_INLINE { vectors[v] = hn::LoadU(d, b + v * lanes); });
    Unroll<kRows>([&](auto r) BLIP3O_INLINE {
      const Vector factor = hn::Set(d, a[r * row_stride]);
      Unroll<kVectors>([&](auto v) BLIP3O_INLINE { tile[r][v] = hn::MulAdd(factor, vectors[v], tile[r][v]); });
    });
  }
}

#if HWY_TARGET != HWY_SCALAR
// to[c · to_stride + r] = from[r · from_stride + c] for 4 × 4 values.
HWY_INLINE void Transpose4x4(const float* from, int64_t from_stride, float* to, int64_t to_stride) {
  const hn::CappedTag<float, 4> d;
  const auto row0 = hn::LoadU(d, from), row1 = hn::LoadU(d, from + from_stride);
  const auto row2 = hn::LoadU(d, from + 2 * from_stride), row3 = hn::LoadU(d, from + 3 * from_stride);
  const auto low02 = hn::InterleaveLower(d, row0, row2), high02 = hn::InterleaveUpper(d, row0, row2);
  const auto low13 = hn::InterleaveLower(d, row1, row3), high13 = hn::InterleaveUpper(d, row1, row3);
  hn::StoreU(hn::InterleaveLower(d, low02, low13), d, to);
  hn::StoreU(hn::InterleaveUpper(d, low02, low13), d, to + to_stride);
  hn::StoreU(hn::InterleaveLower(d, high02, high13), d, to + 2 * to_stride);
  hn::StoreU(hn::InterleaveUpper(d, high02, high13), d, to + 3 * to_stride);
}
#endif

// to[c · to_stride + r] = from[r · from_stride + c], along the rows of the side whose rows lie further apart.
inline void Transpose(const float* from, int64_t from_stride, int64_t rows, int64_t cols, float* to,
                      int64_t to_stride) {
  int64_t whole_rows = 0, whole_cols = 0;
#if HWY_TARGET != HWY_SCALAR
  whole_rows = rows / 4 * 4;
  whole_cols = cols / 4 * 4;
  const bool by_rows = from_stride >= to_stride;
  const int64_t outer = by_rows ? whole_rows : whole_cols, inner = by_rows ? whole_cols : whole_rows;
  for (int64_t i = 0; i < outer; i += 4) {
    for (int64_t j = 0; j < inner; j += 4) {
      const int64_t r = by_rows ? i : j, c = by_rows ? j : i;
      Transpose4x4(from + r * from_stride + c, from_stride, to + c * to_stride + r, to_stride);
    }
  }
#endif
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = r < whole_rows ? whole_cols : 0; c < cols; ++c) to[c * to_stride + r] = from[r * from_stride + c];
  }
}

// How the rows of x lie for dot products: rows of their own, or step after step the vectors of all rows of a tile,
// where no two rows fight for the same place in the cache.
enum class DotLayout { kRows, kPacked };

// sums[r · sums_stride + c] = Σ_k x[r, k] · weight[c, k] for kRows × kColumns of them; the weight's rows are dense.
// Lane l takes the products of k ≡ l (mod lanes) in ascending order, then the lanes are added.
template <class Source, size_t kRows, size_t kColumns, DotLayout kLayout>
HWY_NOINLINE void DotTile(const float* x, int64_t x_stride, const char* weight, int64_t depth, float* sums,
                          int64_t sums_stride) {
  const Tag d;
  const int64_t lanes = VectorLanes(), weight_stride = depth * Source::kSize;
  const int64_t row_stride = kLayout == DotLayout::kPacked ? lanes : x_stride;
  const int64_t step_stride = kLayout == DotLayout::kPacked ? static_cast<int64_t>(kRows) * lanes : lanes;
  Tile<kRows, kColumns> sum;
  ClearTile<kRows, kColumns>(sum);
  const auto step = [&](const auto& load) BLIP3O_INLINE {
    Vector w[kColumns];
    Unroll<kColumns>([&](auto c) BLIP3O_INLINE { w[c] = load(Source(), weight + c * weight_stride); });
    Unroll<kRows>([&](auto r) BLIP3O_INLINE {
      const Vector a = load(AsF32(), x + r * row_stride);
      Unroll<kColumns>([&](auto c) BLIP3O_INLINE { sum[r][c] = hn::MulAdd(a, w[c], sum[r][c]); });
    });
  };
  int64_t k = 0;
  for (; k + lanes <= depth; k += lanes, x += step_stride, weight += lanes * Source::kSize) {
    step([&](auto from, const void* bytes) BLIP3O_INLINE { return decltype(from)::Load(d, bytes); });
  }
  if (const int64_t rest = depth - k; rest > 0) {
    step([&](auto from, const void* bytes) BLIP3O_INLINE { return LoadFirst<decltype(from)>(d, bytes, rest); });
  }
  Unroll<kRows>([&](auto r) BLIP3O_INLINE {
    Unroll<kColumns>([&](auto c) BLIP3O_INLINE { sums[r * sums_stride + c] = SumOf(d, sum[r][c]); });
  });
}

// Columns of a dot tile beside its rows: the sums, the weights of a step and one x fit the registers.
template <size_t kRows>
constexpr size_t DotColumns() {
  if (kRows == 1) return 8;
#if HWY_TARGET == HWY_AVX3
  return kRows == 8 ? 3 : 6;
#else
  return kRows == 2 ? 4 : (kRows == 4 ? 3 : 1);
#endif
}

// The dot products of kRows rows of x with `columns` rows of the weight, tile by tile.
template <class Source, size_t kRows, DotLayout kLayout = DotLayout::kRows>
void DotRows(const float* x, int64_t x_stride, const char* weight, int64_t depth, int64_t columns, float* sums,
             int64_t sums_stride) {
  constexpr size_t kColumns = DotColumns<kRows>();
  const int64_t stride = depth * Source::kSize;
  int64_t c = 0;
  for (; c + static_cast<int64_t>(kColumns) <= columns; c += kColumns) {
    DotTile<Source, kRows, kColumns, kLayout>(x, x_stride, weight + c * stride, depth, sums + c, sums_stride);
  }
  for (; c < columns; ++c) {
    DotTile<Source, kRows, 1, kLayout>(x, x_stride, weight + c * stride, depth, sums + c, sums_stride);
  }
}

// ---- Dot products with kQ8 weights ---------------------------------------------------------------------------------

// Columns of a tile beside its rows: the sums of a block and of all blocks, the weights of a step and one x fit the
// registers.
template <size_t kRows>
constexpr size_t DotColumnsQ8() {
#if HWY_TARGET == HWY_AVX3
  return kRows == 8 ? 1 : (kRows == 4 ? 2 : (kRows == 2 ? 4 : 8));
#else
  return kRows == 1 ? 4 : (kRows == 2 ? 2 : 1);
#endif
}

// A place in a kQ8 weight: rows from some on, all of their blocks.
struct Q8Rows {
  const int8_t* values;
  const float* scales;
  int64_t stride, blocks;

  Q8Rows From(int64_t row) const { return {values + row * stride, scales + row * blocks, stride, blocks}; }
};

// sums[r · sums_stride + c] = Σ_b scale[c, b] · Σ_k x[r, k] · int8[c, k] over the k of block b, for kRows × kColumns of
// them; x is packed, `padded` deep. Within a block lane l takes the products of k ≡ l (mod lanes) in ascending order;
// blocks follow in ascending order, then the lanes are added.
template <size_t kRows, size_t kColumns>
HWY_NOINLINE void DotTileQ8(const float* x, const Q8Rows& weight, int64_t padded, float* sums, int64_t sums_stride) {
  const Tag d;
  const hn::Rebind<int32_t, Tag> d32;
  const hn::Rebind<int8_t, Tag> d8;
  const int64_t lanes = VectorLanes();
  Tile<kRows, kColumns> total;
  ClearTile<kRows, kColumns>(total);
  for (int64_t block = 0; block < weight.blocks; ++block) {
    Tile<kRows, kColumns> sum;
    ClearTile<kRows, kColumns>(sum);
    const int64_t end = std::min(padded, (block + 1) * kQ8Block);
    for (int64_t k = block * kQ8Block; k < end; k += lanes, x += static_cast<int64_t>(kRows) * lanes) {
      Vector w[kColumns];
      Unroll<kColumns>([&](auto c) BLIP3O_INLINE {
        w[c] = hn::ConvertTo(d, hn::PromoteTo(d32, hn::LoadU(d8, weight.values + c * weight.stride + k)));
      });
      Unroll<kRows>([&](auto r) BLIP3O_INLINE {
        const Vector a = hn::LoadU(d, x + r * lanes);
        Unroll<kColumns>([&](auto c) BLIP3O_INLINE { sum[r][c] = hn::MulAdd(a, w[c], sum[r][c]); });
      });
    }
    Unroll<kColumns>([&](auto c) BLIP3O_INLINE {
      const Vector scale = hn::Set(d, weight.scales[c * weight.blocks + block]);
      Unroll<kRows>([&](auto r) BLIP3O_INLINE { total[r][c] = hn::MulAdd(scale, sum[r][c], total[r][c]); });
    });
  }
  Unroll<kRows>([&](auto r) BLIP3O_INLINE {
    Unroll<kColumns>([&](auto c) BLIP3O_INLINE { sums[r * sums_stride + c] = SumOf(d, total[r][c]); });
  });
}

// The dot products of kRows packed rows of x with `columns` rows of the weight, tile by tile.
template <size_t kRows>
void DotRowsQ8(const float* x, const Q8Rows& weight, int64_t padded, int64_t columns, float* sums,
               int64_t sums_stride) {
  constexpr size_t kColumns = DotColumnsQ8<kRows>();
  int64_t c = 0;
  for (; c + static_cast<int64_t>(kColumns) <= columns; c += kColumns) {
    DotTileQ8<kRows, kColumns>(x, weight.From(c), padded, sums + c, sums_stride);
  }
  for (; c < columns; ++c) DotTileQ8<kRows, 1>(x, weight.From(c), padded, sums + c, sums_stride);
}

}  // namespace HWY_NAMESPACE
}  // namespace blip3o::cpu
HWY_AFTER_NAMESPACE();

#endif
