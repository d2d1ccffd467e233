// A product per group of d channels with its own [d, d] weight. Bound by the bytes of x and out: at d = 32 there are 32
// products a value. A task takes the rows of a block and one group, whose weight it first widens and transposes.
#include <algorithm>
#include <cassert>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/grouped_pointwise.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/cpu/kernels.h"
#include "ops/cpu/simd-inl.h"
#include "ops/cpu/tile-inl.h"

#ifndef BLIP3O_OPS_CPU_GROUPED_POINTWISE_ONCE
#define BLIP3O_OPS_CPU_GROUPED_POINTWISE_ONCE
namespace blip3o::cpu {

constexpr int64_t kRowBlock = 256;            // rows of a task
constexpr int64_t kWeightTile = 64;           // the weight is used in tiles of 64 × 64
constexpr int64_t kInlineProducts = 1 << 15;  // done sooner than a thread wakes

}  // namespace blip3o::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace blip3o::cpu {
namespace HWY_NAMESPACE {

// Columns [column, column + count) of out take the products of the inputs [input, input + depth) of their group.
struct WeightTile {
  int64_t input, depth, column, count;
};

// tile[j · kWeightTile + i] = weight[column + i, input + j], zeros up to whole vectors of i.
template <class Source>
void LoadTile(const char* weight, int64_t group_size, const WeightTile& at, float* tile) {
  const Tag d;
  const int64_t lanes = VectorLanes();
  HWY_ALIGN float row[kWeightTile + HWY_MAX_BYTES / sizeof(float)];
  if (at.count % lanes != 0) std::fill(tile, tile + kWeightTile * kWeightTile, 0.0f);
  for (int64_t i = 0; i < at.count; ++i) {
    const char* from = weight + ((at.column + i) * group_size + at.input) * Source::kSize;
    int64_t j = 0;
    for (; j + lanes <= at.depth; j += lanes) hn::Store(Source::Load(d, from + j * Source::kSize), d, row + j);
    if (j < at.depth) hn::Store(LoadFirst<Source>(d, from + j * Source::kSize, at.depth - j), d, row + j);
    for (j = 0; j < at.depth; ++j) tile[j * kWeightTile + i] = row[j];
  }
}

// out (+)= x · tile for all rows of a block; the first inputs of a group set, the others add.
void AddTile(const Matrix& x, const WeightTile& at, const float* tile, const Matrix& out) {
  const Tag d;
  const int64_t lanes = VectorLanes();
  const auto load = [&](const float* from, int64_t rest)
                        BLIP3O_INLINE { return rest >= lanes ? hn::LoadU(d, from) : LoadFirst<AsF32>(d, from, rest); };
  ForTiles<kOuterRows>(x.rows, [&](int64_t t, auto rows) HWY_ATTR {
    ForVectors((at.count + lanes - 1) / lanes, [&](int64_t vector, auto vectors) HWY_ATTR {
      Tile<rows, vectors> sum;
      ClearTile<rows, vectors>(sum);
      const int64_t first = vector * lanes;
      if (at.input > 0) {
        Unroll<rows>([&](auto r) BLIP3O_INLINE {
          Unroll<vectors>([&](auto v) BLIP3O_INLINE {
            const int64_t c = first + v * lanes;
            sum[r][v] = load(out.row(t + r) + at.column + c, at.count - c);
          });
        });
      }
      AddOuter<rows, vectors>(x.row(t) + at.input, x.stride, One(), tile + first, kWeightTile, at.depth, sum);
      Unroll<rows>([&](auto r) BLIP3O_INLINE {
        Unroll<vectors>([&](auto v) BLIP3O_INLINE {
          const int64_t c = first + v * lanes, rest = at.count - c;
          float* to = out.row(t + r) + at.column + c;
          if (rest >= lanes) {
            hn::StoreU(sum[r][v], d, to);
          } else {
            StoreFirst(d, sum[r][v], to, rest);
          }
        });
      });
    });
  });
}

// One group: x and out [rows, d], weight [d, d].
template <class Source>
void MultiplyGroup(const Matrix& x, const char* weight, const Matrix& out) {
  HWY_ALIGN float tile[kWeightTile * kWeightTile];
  const int64_t size = x.cols;
  for (int64_t column = 0; column < size; column += kWeightTile) {
    for (int64_t input = 0; input < size; input += kWeightTile) {
      const WeightTile at{input, std::min(kWeightTile, size - input), column, std::min(kWeightTile, size - column)};
      LoadTile<Source>(weight, size, at, tile);
      AddTile(x, at, tile, out);
    }
  }
}

void GroupedPointwise(Context& context, const Matrix& x, const View& weight, const Matrix& out) {
  const int64_t size = weight.shape[1], groups = x.cols / size;
  assert(x.cols == out.cols && x.cols == groups * size && weight.shape[0] == x.cols && x.rows == out.rows);
  const int64_t blocks = (x.rows + kRowBlock - 1) / kRowBlock;
  const auto run = [&](int64_t task, int) {
    const int64_t first = task / groups * kRowBlock, count = std::min(kRowBlock, x.rows - first);
    const int64_t column = task % groups * size;
    const Matrix from = x.Rows(first, count).Cols(column, size), to = out.Rows(first, count).Cols(column, size);
    WithSource(weight.dtype, [&](auto source) HWY_ATTR {
      using Source = decltype(source);
      MultiplyGroup<Source>(from, static_cast<const char*>(weight.data) + column * size * Source::kSize, to);
    });
  };
  if (x.rows * x.cols * size > kInlineProducts) return context.lane->ParallelFor(groups * blocks, run);
  for (int64_t task = 0; task < groups * blocks; ++task) run(task, 0);
}

}  // namespace HWY_NAMESPACE
}  // namespace blip3o::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace blip3o::cpu {

HWY_EXPORT(GroupedPointwise);

void GroupedPointwise(Context& context, const Matrix& x, const View& weight, const Matrix& out) {
  HWY_DYNAMIC_DISPATCH(GroupedPointwise)(context, x, weight, out);
}

}  // namespace blip3o::cpu
#endif
