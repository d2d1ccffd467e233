// Softmax attention. The scores are never stored whole: keys pass in tiles of 64, with the maximum, the sum and the
// weighted values so far (online softmax, Milakov and Gimelshein, arXiv 1805.02867).
//
// Cross attention and prefill are bound by products. A task holds a block of queries of one head, one query a lane:
// Qᵀ, the scores and the results stand transposed in its scratch, and keys and values are read as they lie, one value
// at a time, for all queries. Decoding is bound by the bytes of the cache: a task reads 128 positions of one key-value
// head once for all query heads that share it.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/attention.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/cpu/kernels.h"
#include "ops/cpu/simd-inl.h"
#include "ops/cpu/tile-inl.h"

#ifndef BLIP3O_OPS_CPU_ATTENTION_ONCE
#define BLIP3O_OPS_CPU_ATTENTION_ONCE
namespace blip3o::cpu {

constexpr int64_t kKeyTile = 64;
constexpr int64_t kQueryVectors = 3;      // of queries in a block
constexpr int64_t kMaxQueryLanes = 48;    // the largest kQueryVectors · lanes
constexpr int64_t kPackedBlocks = 4;      // blocks of queries from which keys and values are copied
constexpr int64_t kSplit = 128;           // positions of a part in decoding
constexpr size_t kQueryTile = 4;          // query heads decoded together
constexpr int64_t kInlineWork = 1 << 16;  // values that are combined faster than a thread wakes
constexpr float kLowest = -std::numeric_limits<float>::infinity();

// The softmax is computed as powers of two of score · kLog2E / √d.
inline float ScoreScale(int64_t head_dim) {
  return static_cast<float>(1.4426950408889634 / std::sqrt(static_cast<double>(head_dim)));
}

// One head's block of queries against its keys; all strides in values.
struct AttentionBlock {
  const float* q;  // [queries, head_dim]
  int64_t q_stride;
  int64_t queries;
  const float* k;  // [keys, head_dim]
  const float* v;
  int64_t k_stride, v_stride;
  int64_t keys;
  int64_t head_dim;
  bool causal;  // then query i sees keys [0, first_limit + i]
  int64_t first_limit;
  float* out;  // [queries, head_dim]
  int64_t out_stride;
};

// The part of one row, head and split: head_dim weighted values, then the sum and the maximum.
struct DecodeParts {
  float* data;
  int64_t splits, heads, head_dim;
  float* At(int64_t row, int64_t split, int64_t head) const {
    return data + ((row * splits + split) * heads + head) * (head_dim + 2);
  }
};

}  // namespace blip3o::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace blip3o::cpu {
namespace HWY_NAMESPACE {

// 2^x within 3 ulp for x <= 0 (a little above is fine too); 0 below −126; NaN stays NaN.
HWY_INLINE Vector PowerOfTwo(Vector x) {
  const Tag d;
  const hn::RebindToUnsigned<Tag> d32;
  const Vector least = hn::Set(d, -126.0f), magic = hn::Set(d, 0x1.8p23f);
  const Vector bounded = MaxKeepNaN(d, least, x);
  const Vector shifted = hn::Add(bounded, magic);
  const Vector fraction = hn::Sub(bounded, hn::Sub(shifted, magic));
  const Vector power = ExpPolynomial(d, hn::Mul(fraction, hn::Set(d, 0.693147181f)));
  return hn::IfThenZeroElse(hn::Lt(x, least), hn::Mul(power, PowerOfTwo(d, hn::BitCast(d32, shifted))));
}

// A block of kVectors · lanes queries, transposed in the scratch of a worker.
template <size_t kVectors>
class BlockKernel {
 public:
  BlockKernel(const AttentionBlock& block, float* scratch)
      : block_(block),
        width_(static_cast<int64_t>(kVectors) * VectorLanes()),
        queries_(scratch),
        result_(queries_ + block.head_dim * width_),
        scores_(result_ + block.head_dim * width_),
        scale_(ScoreScale(block.head_dim)) {}

  void Run() {
    LoadQueries();
    for (int64_t key = 0; key < block_.keys; key += kKeyTile) {
      const int64_t keys = std::min(kKeyTile, block_.keys - key);
      const bool masked = block_.causal && key + keys - 1 > block_.first_limit;
      Scores(key, keys);
      if (masked) Mask(key, keys);
      Softmax(keys);
      if (masked) {
        AddValues<true>(key, keys);
      } else {
        AddValues<false>(key, keys);
      }
    }
    StoreResult();
  }

 private:
  void LoadQueries() {
    Transpose(block_.q, block_.q_stride, block_.queries, block_.head_dim, queries_, width_);
    for (int64_t c = 0; c < block_.head_dim; ++c) {
      std::fill(queries_ + c * width_ + block_.queries, queries_ + (c + 1) * width_, 0.0f);
    }
    std::fill(result_, result_ + block_.head_dim * width_, 0.0f);
    Unroll<kVectors>([&](auto v) BLIP3O_INLINE {
      const Vector lane = hn::Iota(d_, static_cast<float>(v * VectorLanes()));
      limit_[v] = hn::Add(lane, hn::Set(d_, static_cast<float>(block_.first_limit)));
      maximum_[v] = hn::Set(d_, kLowest);
      sum_[v] = hn::Zero(d_);
    });
  }

  // scores[j] = q · k[key + j] for every query.
  void Scores(int64_t key, int64_t keys) {
    ForTiles<kOuterRows>(keys, [&](int64_t j, auto rows) HWY_ATTR {
      Tile<rows, kVectors> tile;
      ClearTile<rows, kVectors>(tile);
      const float* k = block_.k + (key + j) * block_.k_stride;
      AddOuter<rows, kVectors>(k, block_.k_stride, One(), queries_, width_, block_.head_dim, tile);
      Unroll<rows>([&](auto r) BLIP3O_INLINE {
        Unroll<kVectors>([&](auto v) BLIP3O_INLINE { hn::Store(tile[r][v], d_, Score(j + r, v)); });
      });
    });
  }

  void Mask(int64_t key, int64_t keys) {
    for (int64_t j = 0; j < keys; ++j) {
      const Vector position = hn::Set(d_, static_cast<float>(key + j));
      Unroll<kVectors>([&](auto v) BLIP3O_INLINE {
        const Vector score = hn::Load(d_, Score(j, v));
        hn::Store(hn::IfThenElse(hn::Le(position, limit_[v]), score, hn::Set(d_, kLowest)), d_, Score(j, v));
      });
    }
  }

  // Scores become weights against the maximum so far; the sum is rescaled to it.
  void Softmax(int64_t keys) {
    const Vector scale = hn::Set(d_, scale_);
    Vector maximum[kVectors], sum[kVectors];
    Unroll<kVectors>([&](auto v) BLIP3O_INLINE {
      maximum[v] = hn::Set(d_, kLowest);
      sum[v] = hn::Zero(d_);
    });
    for (int64_t j = 0; j < keys; ++j) {
      Unroll<kVectors>([&](auto v) BLIP3O_INLINE { maximum[v] = hn::Max(maximum[v], hn::Load(d_, Score(j, v))); });
    }
    Unroll<kVectors>([&](auto v) BLIP3O_INLINE {
      maximum[v] = hn::Max(maximum_[v], hn::Mul(maximum[v], scale));
      rescale_[v] = PowerOfTwo(hn::Sub(maximum_[v], maximum[v]));
      maximum_[v] = maximum[v];
    });
    for (int64_t j = 0; j < keys; ++j) {
      Unroll<kVectors>([&](auto v) BLIP3O_INLINE {
        const Vector weight = PowerOfTwo(hn::MulSub(hn::Load(d_, Score(j, v)), scale, maximum[v]));
        hn::Store(weight, d_, Score(j, v));
        sum[v] = hn::Add(sum[v], weight);
      });
    }
    Unroll<kVectors>([&](auto v) BLIP3O_INLINE { sum_[v] = hn::MulAdd(sum_[v], rescale_[v], sum[v]); });
  }

  // result = result · rescale + Σ_j weight[j] · value[key + j]. Masked: a query takes no value that it may not see,
  // not even times 0, which would let a NaN through.
  template <bool kMasked>
  void AddValues(int64_t key, int64_t keys) {
    ForTiles<kOuterRows>(block_.head_dim, [&](int64_t c, auto rows) HWY_ATTR {
      Tile<rows, kVectors> tile;
      ClearTile<rows, kVectors>(tile);
      const float* values = block_.v + key * block_.v_stride + c;
      if constexpr (kMasked) {
        AddVisible<rows>(values, key, keys, tile);
      } else {
        AddOuter<rows, kVectors>(values, One(), block_.v_stride, scores_, width_, keys, tile);
      }
      Unroll<rows>([&](auto r) BLIP3O_INLINE {
        Unroll<kVectors>([&](auto v) BLIP3O_INLINE {
          float* to = result_ + (c + r) * width_ + v * VectorLanes();
          hn::Store(hn::MulAdd(hn::Load(d_, to), rescale_[v], tile[r][v]), d_, to);
        });
      });
    });
  }

  template <size_t kRows>
  void AddVisible(const float* values, int64_t key, int64_t keys, Tile<kRows, kVectors>& tile) {
    for (int64_t j = 0; j < keys; ++j, values += block_.v_stride) {
      const Vector position = hn::Set(d_, static_cast<float>(key + j));
      Unroll<kVectors>([&](auto v) BLIP3O_INLINE {
        const auto visible = hn::Le(position, limit_[v]);
        const Vector weight = hn::Load(d_, Score(j, v));
        Unroll<kRows>([&](auto r) BLIP3O_INLINE {
          const Vector sum = hn::MulAdd(hn::Set(d_, values[r]), weight, tile[r][v]);
          tile[r][v] = hn::IfThenElse(visible, sum, tile[r][v]);
        });
      });
    }
  }

  void StoreResult() {
    Unroll<kVectors>([&](auto v) BLIP3O_INLINE {
      const Vector inverse = hn::Div(hn::Set(d_, 1.0f), sum_[v]);
      for (int64_t c = 0; c < block_.head_dim; ++c) {
        float* at = result_ + c * width_ + v * VectorLanes();
        hn::Store(hn::Mul(hn::Load(d_, at), inverse), d_, at);
      }
    });
    Transpose(result_, width_, block_.head_dim, block_.queries, block_.out, block_.out_stride);
  }

  float* Score(int64_t j, int64_t v) { return scores_ + j * width_ + v * VectorLanes(); }

  const Tag d_;
  const AttentionBlock block_;
  const int64_t width_;   // queries of the block, padded
  float* const queries_;  // [head_dim, width]
  float* const result_;   // [head_dim, width]
  float* const scores_;   // [kKeyTile, width]
  const float scale_;
  Vector limit_[kVectors];  // the last position that each query sees
  Vector maximum_[kVectors], sum_[kVectors], rescale_[kVectors];
};

void AttendBlock(const AttentionBlock& block, float* scratch) {
  const int64_t lanes = VectorLanes();
  if (block.queries <= lanes) {
    BlockKernel<1>(block, scratch).Run();
  } else if (block.queries <= 2 * lanes) {
    BlockKernel<2>(block, scratch).Run();
  } else {
    BlockKernel<3>(block, scratch).Run();
  }
}

// Keys and values by head, dense: rows of one head lie a whole row of all heads apart, each on another page, which
// costs more than to copy them once where many blocks of queries read them.
struct HeadRows {
  const float* data;  // head h, row j: data + h · head_stride + j · row_stride
  int64_t head_stride, row_stride;
};

HeadRows AsTheyLie(const Matrix& m, int64_t head_dim) { return {m.data, head_dim, m.stride}; }

HeadRows Pack(Context& context, const Matrix& m, int64_t heads, int64_t head_dim, float* to) {
  context.lane->ParallelFor((m.rows + kKeyTile - 1) / kKeyTile, [&](int64_t task, int) {
    const int64_t first = task * kKeyTile, last = std::min(m.rows, first + kKeyTile);
    for (int64_t h = 0; h < heads; ++h) {
      for (int64_t j = first; j < last; ++j) {
        std::copy_n(m.row(j) + h * head_dim, head_dim, to + (h * m.rows + j) * head_dim);
      }
    }
  });
  return {to, m.rows * head_dim, head_dim};
}

void CrossAttention(Context& context, const Matrix& q, const Matrix& k, const Matrix& v, int64_t heads,
                    int64_t head_dim, const Matrix& out) {
  assert(q.cols == heads * head_dim && k.rows == v.rows && out.rows == q.rows);
  const int64_t size = kQueryVectors * VectorLanes(), blocks = (q.rows + size - 1) / size;
  HeadRows keys = AsTheyLie(k, head_dim), values = AsTheyLie(v, head_dim);
  if (heads > 1 && blocks >= kPackedBlocks) {
    keys = Pack(context, k, heads, head_dim, context.Shared<float>());
    values = Pack(context, v, heads, head_dim, context.Shared<float>() + k.rows * q.cols);
  }
  context.lane->ParallelFor(heads * blocks, [&](int64_t task, int worker) {
    const int64_t head = task / blocks, column = head * head_dim, first = task % blocks * size;
    AttentionBlock block{};
    block.q = q.row(first) + column;
    block.q_stride = q.stride;
    block.queries = std::min(size, q.rows - first);
    block.k = keys.data + head * keys.head_stride;
    block.v = values.data + head * values.head_stride;
    block.k_stride = keys.row_stride;
    block.v_stride = values.row_stride;
    block.keys = k.rows;
    block.head_dim = head_dim;
    block.out = out.row(first) + column;
    block.out_stride = out.stride;
    AttendBlock(block, context.Worker<float>(worker));
  });
}

void PrefillAttention(Context& context, const AttentionShape& shape, const Matrix& q, const KvSlot& slot,
                      const Matrix& out) {
  assert(q.cols == shape.heads * shape.head_dim && slot.position + q.rows <= slot.capacity);
  const int64_t size = kQueryVectors * VectorLanes(), blocks = (q.rows + size - 1) / size;
  const int64_t tasks = shape.heads * blocks, group = shape.heads / shape.kv_heads;
  context.lane->ParallelFor(tasks, [&](int64_t task, int worker) {
    // The last blocks see the most keys: they go first.
    const int64_t first = (blocks - 1 - task / shape.heads) * size, head = task % shape.heads;
    const int64_t cache = head / group * slot.capacity * shape.head_dim;
    AttentionBlock block{};
    block.q = q.row(first) + head * shape.head_dim;
    block.q_stride = q.stride;
    block.queries = std::min(size, q.rows - first);
    block.k = slot.keys + cache;
    block.v = slot.values + cache;
    block.k_stride = block.v_stride = shape.head_dim;
    block.keys = slot.position + first + block.queries;
    block.head_dim = shape.head_dim;
    block.causal = true;
    block.first_limit = slot.position + first;
    block.out = out.row(first) + head * shape.head_dim;
    block.out_stride = out.stride;
    AttendBlock(block, context.Worker<float>(worker));
  });
}

// ---- Decoding ------------------------------------------------------------------------------------------------------

// Scores [0, count) become weights; returns their maximum and sum. Scores are padded to whole vectors.
struct Weighed {
  float maximum, sum;
};
Weighed Weigh(float* scores, int64_t count, float scale_value) {
  const Tag d;
  const int64_t lanes = VectorLanes();
  int64_t padded = count;
  while (padded % lanes != 0) scores[padded++] = kLowest;
  const Vector scale = hn::Set(d, scale_value);
  Vector maximum = hn::Set(d, kLowest), sum = hn::Zero(d);
  for (int64_t i = 0; i < padded; i += lanes) maximum = hn::Max(maximum, hn::Load(d, scores + i));
  maximum = hn::Mul(hn::MaxOfLanes(d, maximum), scale);
  for (int64_t i = 0; i < padded; i += lanes) {
    const Vector weight = PowerOfTwo(hn::MulSub(hn::Load(d, scores + i), scale, maximum));
    hn::Store(weight, d, scores + i);
    sum = hn::Add(sum, weight);
  }
  return {hn::GetLane(maximum), SumOf(d, sum)};
}

// out[r · out_stride + c] = Σ_j weights[r · kSplit + j] · values[j, c] for kRows query heads.
template <size_t kRows>
void WeightedValues(const float* weights, const float* values, int64_t count, int64_t head_dim, float* out,
                    int64_t out_stride) {
  const Tag d;
  const int64_t lanes = VectorLanes();
  const auto piece = [&](int64_t c, auto vectors) BLIP3O_INLINE {
    Tile<kRows, vectors> tile;
    ClearTile<kRows, vectors>(tile);
    AddOuter<kRows, vectors>(weights, kSplit, One(), values + c, head_dim, count, tile);
    Unroll<kRows>([&](auto r) BLIP3O_INLINE {
      Unroll<vectors>([&](auto v) BLIP3O_INLINE { hn::StoreU(tile[r][v], d, out + r * out_stride + c + v * lanes); });
    });
  };
  int64_t c = 0;
  for (; c + 4 * lanes <= head_dim; c += 4 * lanes) piece(c, std::integral_constant<size_t, 4>());
  for (; c + lanes <= head_dim; c += lanes) piece(c, std::integral_constant<size_t, 1>());
  if (c < head_dim && head_dim >= lanes) {
    piece(head_dim - lanes, std::integral_constant<size_t, 1>());  // again what overlaps, to the same values
  } else if (c < head_dim) {
    for (size_t r = 0; r < kRows; ++r) {
      for (c = 0; c < head_dim; ++c) {
        float sum = 0;
        for (int64_t j = 0; j < count; ++j) sum += weights[r * kSplit + j] * values[j * head_dim + c];
        out[r * out_stride + c] = sum;
      }
    }
  }
}

// The parts of one split for the `group` query heads of one key-value head; keys and values [count, head_dim].
void DecodeSplit(const float* q, int64_t group, const float* keys, const float* values, int64_t count, int64_t head_dim,
                 float* part) {
  const float scale = ScoreScale(head_dim);
  const int64_t stride = head_dim + 2;
  ForTiles<kQueryTile>(group, [&](int64_t g, auto rows) HWY_ATTR {
    HWY_ALIGN float scores[kQueryTile * kSplit];
    DotRows<AsF32, rows>(q + g * head_dim, head_dim, reinterpret_cast<const char*>(keys), head_dim, count, scores,
                         kSplit);
    for (size_t r = 0; r < rows; ++r) {
      const Weighed weighed = Weigh(scores + r * kSplit, count, scale);
      float* statistics = part + (g + r) * stride + head_dim;
      statistics[0] = weighed.sum;
      statistics[1] = weighed.maximum;
    }
    WeightedValues<rows>(scores, values, count, head_dim, part + g * stride, stride);
  });
}

// out = the parts of one row and head, combined in ascending order.
void Combine(const DecodeParts& parts, int64_t row, int64_t head, int64_t splits, float* out) {
  const Tag d;
  const int64_t lanes = VectorLanes(), head_dim = parts.head_dim;
  const auto power = [](float x) BLIP3O_INLINE { return hn::GetLane(PowerOfTwo(hn::Set(Tag(), x))); };
  float maximum = kLowest, sum = 0;
  for (int64_t s = 0; s < splits; ++s) {
    const float other = parts.At(row, s, head)[head_dim + 1];
    maximum = other > maximum || other != other ? other : maximum;
  }
  std::fill(out, out + head_dim, 0.0f);
  for (int64_t s = 0; s < splits; ++s) {
    const float* part = parts.At(row, s, head);
    const float factor = power(part[head_dim + 1] - maximum);
    sum += part[head_dim] * factor;
    int64_t c = 0;
    for (; c + lanes <= head_dim; c += lanes) {
      hn::StoreU(hn::MulAdd(hn::LoadU(d, part + c), hn::Set(d, factor), hn::LoadU(d, out + c)), d, out + c);
    }
    for (; c < head_dim; ++c) out[c] += part[c] * factor;
  }
  for (int64_t c = 0; c < head_dim; ++c) out[c] /= sum;
}

void DecodeAttention(Context& context, const AttentionShape& shape, const Matrix& q, std::span<const KvSlot> slots,
                     const Matrix& out) {
  assert(q.cols == shape.heads * shape.head_dim && q.rows == static_cast<int64_t>(slots.size()));
  int64_t splits = 1;
  for (const KvSlot& slot : slots) splits = std::max(splits, slot.position / kSplit + 1);
  const int64_t head_dim = shape.head_dim, group = shape.heads / shape.kv_heads;
  const DecodeParts parts{context.Shared<float>(), splits, shape.heads, head_dim};
  context.lane->ParallelFor(q.rows * splits * shape.kv_heads, [&](int64_t task, int) {
    const int64_t row = task / (splits * shape.kv_heads), kv_head = task % shape.kv_heads;
    const int64_t split = task / shape.kv_heads % splits;
    const KvSlot& slot = slots[row];
    const int64_t first = split * kSplit, count = std::min(kSplit, slot.position + 1 - first);
    if (count <= 0) return;
    const int64_t cache = (kv_head * slot.capacity + first) * head_dim, head = kv_head * group;
    DecodeSplit(q.row(row) + head * head_dim, group, slot.keys + cache, slot.values + cache, count, head_dim,
                parts.At(row, split, head));
  });
  const auto combine = [&](int64_t task, int) {
    const int64_t row = task / shape.heads, head = task % shape.heads;
    Combine(parts, row, head, slots[row].position / kSplit + 1, out.row(row) + head * head_dim);
  };
  const int64_t tasks = q.rows * shape.heads;
  if (tasks * splits * head_dim > kInlineWork) {
    context.lane->ParallelFor(tasks, combine);
  } else {
    for (int64_t task = 0; task < tasks; ++task) combine(task, 0);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace blip3o::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace blip3o::cpu {

HWY_EXPORT(CrossAttention);
HWY_EXPORT(PrefillAttention);
HWY_EXPORT(DecodeAttention);

ScratchBytes AttentionScratch(const Capacity& capacity, int /*threads*/) {
  constexpr int64_t kMaxRows = 64;  // decoded together
  const int64_t splits = (capacity.keys + kSplit - 1) / kSplit;
  // A head has at least two values, so sum and maximum at most double the width.
  const int64_t parts = kMaxRows * splits * 2 * capacity.attention_width;
  const int64_t block = (2 * capacity.attention_width + kKeyTile) * kMaxQueryLanes;
  const int64_t packed = 2 * capacity.keys * capacity.attention_width;
  return {std::max(parts, packed) * static_cast<int64_t>(sizeof(float)), block * static_cast<int64_t>(sizeof(float))};
}

void CrossAttention(Context& context, const Matrix& q, const Matrix& k, const Matrix& v, int64_t heads,
                    int64_t head_dim, const Matrix& out) {
  HWY_DYNAMIC_DISPATCH(CrossAttention)(context, q, k, v, heads, head_dim, out);
}

void PrefillAttention(Context& context, const AttentionShape& shape, const Matrix& q, const KvSlot& slot,
                      const Matrix& out) {
  HWY_DYNAMIC_DISPATCH(PrefillAttention)(context, shape, q, slot, out);
}

void DecodeAttention(Context& context, const AttentionShape& shape, const Matrix& q, std::span<const KvSlot> slots,
                     const Matrix& out) {
  HWY_DYNAMIC_DISPATCH(DecodeAttention)(context, shape, q, slots, out);
}

}  // namespace blip3o::cpu
#endif
