// Products of 1 to 64 rows with a weight. Bound by the bytes of the weight: a task reads a block of its rows from
// memory once and uses it, from the cache, for all rows of x.
//
// Every dot product is summed in one way at any number of rows: lane l of one vector takes the products of
// k ≡ l (mod lanes) in ascending order, then the lanes are added. Of kQ8 weights each block of 128 is summed so, times
// its scale. Blocks and tiles only choose what is computed together.
#include <algorithm>
#include <cassert>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/token_matmul.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "base/q8.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/simd-inl.h"
#include "ops/cpu/tile-inl.h"

#ifndef BLIP3O_OPS_CPU_TOKEN_MATMUL_ONCE
#define BLIP3O_OPS_CPU_TOKEN_MATMUL_ONCE
namespace blip3o::cpu {

constexpr int64_t kMaxTokens = 64;
constexpr int64_t kMaxLanes = 16;          // of any target
constexpr int64_t kRowTile = 8;            // rows of x in registers at most
constexpr int64_t kColumnUnit = 24;        // a multiple of every tile's columns
constexpr int64_t kMaxColumns = 240;       // of a task
constexpr int64_t kBlockBytes = 64 << 10;  // of weight in a task, at least

// The columns (rows of the weight) of one task.
inline int64_t ColumnsOfTask(const View& weight, int64_t depth) {
  const int64_t unit_bytes = kColumnUnit * depth * SizeOf(weight.dtype);
  return std::min(kMaxColumns, kColumnUnit * std::max<int64_t>(1, kBlockBytes / std::max<int64_t>(1, unit_bytes)));
}

// Runs f(first, count) over blocks of columns; one block alone wakes nobody.
template <class F>
void ForColumnBlocks(const Context& context, int64_t columns, int64_t block, const F& f) {
  if (columns <= block) return f(int64_t{0}, columns);
  context.lane->ParallelFor((columns + block - 1) / block, [&](int64_t task, int) {
    const int64_t first = task * block;
    f(first, std::min(block, columns - first));
  });
}

}  // namespace blip3o::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace blip3o::cpu {
namespace HWY_NAMESPACE {

// x as the product sees it: packed by tiles of rows, in whole vectors, rounded to bf16 where the compute type asks.
struct Operand {
  const float* data;
  int64_t depth;   // K
  int64_t padded;  // K in whole vectors
};

template <bool kRound>
void PackTile(const Matrix& x, int64_t row, int64_t rows, int64_t padded, float* to) {
  const Tag d;
  const int64_t lanes = VectorLanes();
  const auto value = [&](Vector v) BLIP3O_INLINE { return kRound ? RoundToBF16(d, v) : v; };
  for (int64_t r = 0; r < rows; ++r) {
    const float* from = x.row(row + r);
    float* at = to + r * lanes;
    for (int64_t k = 0; k < padded; k += lanes, at += rows * lanes) {
      const int64_t rest = x.cols - k;
      hn::StoreU(value(rest >= lanes ? hn::LoadU(d, from + k) : LoadFirst<AsF32>(d, from + k, rest)), d, at);
    }
  }
}

// How a product takes x.
enum class Form { kPlain, kRounded, kPacked };

Form FormOf(const Context& context, DType dtype) {
  if (dtype == DType::kQ8) return Form::kPacked;  // its rows are padded, and so must x be
  return context.compute == Compute::kBF16 && dtype == DType::kBF16 ? Form::kRounded : Form::kPlain;
}

// `to`: scratch memory for it.
Operand Pack(const Matrix& x, Form form, float* to) {
  const int64_t lanes = VectorLanes(), padded = (x.cols + lanes - 1) / lanes * lanes;
  const bool round = form == Form::kRounded;
  if (x.rows == 1 && form == Form::kPlain) return {x.data, x.cols, padded};
  ForTiles<kRowTile>(x.rows, [&](int64_t row, auto rows) HWY_ATTR {
    if (round) {
      PackTile<true>(x, row, rows, padded, to + row * padded);
    } else {
      PackTile<false>(x, row, rows, padded, to + row * padded);
    }
  });
  return {to, x.cols, padded};
}

// sums[r · kMaxColumns + c] = x[row + r] · weight[first + c] for a tile of kRows rows and `count` columns.
template <size_t kRows>
void Dot(const Operand& x, int64_t row, const View& weight, int64_t first, int64_t count, float* sums) {
  if (weight.dtype == DType::kQ8) {
    const Q8Layout layout = Q8Layout::Of(weight);
    const Q8Rows rows = {layout.row(weight, first), layout.scales(weight, first), layout.stride, layout.blocks};
    return DotRowsQ8<kRows>(x.data + row * x.padded, rows, x.padded, count, sums, kMaxColumns);
  }
  WithSource(weight.dtype, [&](auto source) HWY_ATTR {
    using Source = decltype(source);
    const char* columns = static_cast<const char*>(weight.data) + first * x.depth * Source::kSize;
    DotRows<Source, kRows, DotLayout::kPacked>(x.data + row * x.padded, 0, columns, x.depth, count, sums, kMaxColumns);
  });
}

void Multiply(Context& context, const Operand& operand, const TokenProduct& product) {
  const auto& [weight, epilogue, out] = product;
  ForColumnBlocks(context, out.cols, ColumnsOfTask(weight, operand.depth), [&](int64_t first, int64_t count) {
    alignas(64) float sums[kRowTile * kMaxColumns];
    ForTiles<kRowTile>(out.rows, [&](int64_t row, auto rows) HWY_ATTR {
      Dot<rows>(operand, row, weight, first, count, sums);
      for (size_t r = 0; r < rows; ++r) {
        ApplyEpilogue(epilogue, row + r, first, count, sums + r * kMaxColumns, out.row(row + r) + first);
      }
    });
  });
}

void TokenMatmul(Context& context, const Matrix& x, float* packed, std::span<const TokenProduct> products) {
  Operand operand = {};
  Form form = Form::kPlain;
  for (const TokenProduct& product : products) {
    assert(product.out.rows == x.rows && product.weight.count() == product.out.cols * x.cols);
    const Form wanted = FormOf(context, product.weight.dtype);
    if (operand.data == nullptr || wanted != form) operand = Pack(x, form = wanted, packed);
    Multiply(context, operand, product);
  }
}

// out[i] = silu(gate[i]) · up[i].
void GateRow(const float* gate, const float* up, int64_t count, float* out) {
  const Tag d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::Mul(Silu(d, hn::LoadU(d, gate + i)), hn::LoadU(d, up + i)), d, out + i);
  }
  if (const int64_t rest = count - i; rest > 0) {
    const Vector g = LoadFirst<AsF32>(d, gate + i, rest), u = LoadFirst<AsF32>(d, up + i, rest);
    StoreFirst(d, hn::Mul(Silu(d, g), u), out + i, rest);
  }
}

void TokenSwiGlu(Context& context, const Matrix& x, float* packed, const View& gate, const View& up,
                 const Matrix& out) {
  assert(out.rows == x.rows);
  assert(gate.count() == out.cols * x.cols && up.count() == gate.count());
  assert(gate.dtype == up.dtype);
  const Operand operand = Pack(x, FormOf(context, gate.dtype), packed);
  ForColumnBlocks(context, out.cols, ColumnsOfTask(gate, x.cols), [&](int64_t first, int64_t count) {
    alignas(64) float gates[kRowTile * kMaxColumns];
    alignas(64) float ups[kRowTile * kMaxColumns];
    ForTiles<kRowTile>(x.rows, [&](int64_t row, auto rows) HWY_ATTR {
      Dot<rows>(operand, row, gate, first, count, gates);
      Dot<rows>(operand, row, up, first, count, ups);
      for (size_t r = 0; r < rows; ++r) {
        GateRow(gates + r * kMaxColumns, ups + r * kMaxColumns, count, out.row(row + r) + first);
      }
    });
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace blip3o::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace blip3o::cpu {

HWY_EXPORT(TokenMatmul);
HWY_EXPORT(TokenSwiGlu);

// Normed rows, and behind them the packed ones.
ScratchBytes TokenMatmulScratch(const Capacity& capacity, int /*threads*/) {
  const int64_t padded = capacity.product_depth + kMaxLanes;
  return {kMaxTokens * (capacity.product_depth + padded) * static_cast<int64_t>(sizeof(float)), 0};
}

// The rows that products read, normed where the input says so.
static Matrix Rows(Context& context, const TokenInput& input) {
  const Matrix& x = input.x;
  assert(x.rows <= kMaxTokens);
  if (input.norm.empty()) return x;
  const Matrix normed = {context.Shared<float>(), x.rows, x.cols, x.cols};
  RmsNorm(context, x, input.norm, {}, input.eps, Activation::kNone, {}, normed);
  return normed;
}

static float* Packed(Context& context, const TokenInput& input) {
  return context.Shared<float>() + (input.norm.empty() ? 0 : input.x.rows * input.x.cols);
}

void TokenMatmul(Context& context, const TokenInput& input, std::span<const TokenProduct> products) {
  HWY_DYNAMIC_DISPATCH(TokenMatmul)(context, Rows(context, input), Packed(context, input), products);
}

void TokenSwiGlu(Context& context, const TokenInput& input, const View& gate, const View& up, const Matrix& out) {
  HWY_DYNAMIC_DISPATCH(TokenSwiGlu)(context, Rows(context, input), Packed(context, input), gate, up, out);
}

}  // namespace blip3o::cpu
#endif
