// Linear attention: per head one state Σ_t k'_t v_tᵀ of [d, d] and z = Σ_t k'_t instead of scores. About as many bytes
// as products: q, k and v are read once, as they lie, and out is written once.
//
// Three loops a picture: states of 256 tokens each, their sums in ascending order, then every token's result. Inside,
// pieces of 64 tokens are copied to the worker's scratch with rows padded to whole vectors, so that any d works.
#include <algorithm>
#include <cassert>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/linear_attention.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/cpu/kernels.h"
#include "ops/cpu/simd-inl.h"
#include "ops/cpu/tile-inl.h"

#ifndef BLIP3O_OPS_CPU_LINEAR_ATTENTION_ONCE
#define BLIP3O_OPS_CPU_LINEAR_ATTENTION_ONCE
namespace blip3o::cpu {

constexpr int64_t kChunk = 256;  // tokens of a partial state
constexpr int64_t kPiece = 64;   // tokens in a worker's scratch
constexpr int64_t kMaxLanes = 16;
constexpr float kEpsilon = 1e-15f;
constexpr int64_t kInlineProducts = 1 << 15;  // done sooner than a thread wakes

// Values of a head's state: [d, d] of k'_j v_i, then z [d].
inline int64_t StateSize(int64_t head_dim) { return head_dim * (head_dim + 1); }

// Runs f(task, worker) for every task, on the calling thread alone where there is little to do.
template <class F>
void ForTasks(const Context& context, int64_t tasks, int64_t products, const F& f) {
  if (products > kInlineProducts) return context.lane->ParallelFor(tasks, f);
  for (int64_t task = 0; task < tasks; ++task) f(task, 0);
}

}  // namespace blip3o::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace blip3o::cpu {
namespace HWY_NAMESPACE {

// One head of one picture: its rows of q, k, v and out, and its states.
struct LinearHead {
  Matrix q, k, v, out;  // [tokens, head_dim]
  int64_t head_dim;
  float* states;  // of chunk c: states + c · state_stride
  int64_t state_stride;
};

// A worker's scratch; rows are `width` values, head_dim padded with zeros to whole vectors.
struct LinearScratch {
  LinearScratch(float* memory, int64_t head_dim)
      : width((head_dim + VectorLanes() - 1) / VectorLanes() * VectorLanes()),
        left(memory),
        right(left + kPiece * width),
        state(right + kPiece * width),
        sums(state + head_dim * width),
        divisors(sums + width) {}

  int64_t width;
  float* left;      // [kPiece, width]: relu(k) or relu(q)
  float* right;     // [kPiece, width]: v
  float* state;     // [head_dim, width]
  float* sums;      // [width]: z
  float* divisors;  // [kPiece]
};

// Copies rows [first, first + count) of `from` to `to`, padded with zeros.
template <bool kRelu>
void CopyRows(const Matrix& from, int64_t first, int64_t count, int64_t width, float* to) {
  const Tag d;
  const int64_t lanes = VectorLanes(), whole = from.cols / lanes * lanes;
  const auto value = [&](Vector x) BLIP3O_INLINE { return kRelu ? Relu(d, x) : x; };
  for (int64_t t = 0; t < count; ++t, to += width) {
    const float* row = from.row(first + t);
    for (int64_t c = 0; c < whole; c += lanes) hn::Store(value(hn::LoadU(d, row + c)), d, to + c);
    if (whole < width) hn::Store(value(LoadFirst<AsF32>(d, row + whole, from.cols - whole)), d, to + whole);
  }
}

// sums += Σ_t left[t], t ascending.
void AddRows(const LinearScratch& scratch, int64_t count) {
  const Tag d;
  for (int64_t c = 0; c < scratch.width; c += VectorLanes()) {
    Vector sum = hn::Load(d, scratch.sums + c);
    for (int64_t t = 0; t < count; ++t) sum = hn::Add(sum, hn::Load(d, scratch.left + t * scratch.width + c));
    hn::Store(sum, d, scratch.sums + c);
  }
}

// state[j] += Σ_t left[t, j] · right[t], t ascending.
void AddProducts(const LinearScratch& scratch, int64_t head_dim, int64_t count) {
  const Tag d;
  const int64_t lanes = VectorLanes(), width = scratch.width;
  ForVectors(width / lanes, [&](int64_t vector, auto vectors) HWY_ATTR {
    ForTiles<kOuterRows>(head_dim, [&](int64_t j, auto rows) HWY_ATTR {
      float* state = scratch.state + j * width + vector * lanes;
      Tile<rows, vectors> tile;
      Unroll<rows>([&](auto r) BLIP3O_INLINE {
        Unroll<vectors>([&](auto v) BLIP3O_INLINE { tile[r][v] = hn::Load(d, state + r * width + v * lanes); });
      });
      AddOuter<rows, vectors>(scratch.left + j, One(), width, scratch.right + vector * lanes, width, count, tile);
      Unroll<rows>([&](auto r) BLIP3O_INLINE {
        Unroll<vectors>([&](auto v) BLIP3O_INLINE { hn::Store(tile[r][v], d, state + r * width + v * lanes); });
      });
    });
  });
}

// The state of tokens [first, first + count).
void ComputeState(const LinearHead& head, int64_t first, int64_t count, float* memory, float* state) {
  const LinearScratch scratch(memory, head.head_dim);
  const int64_t head_dim = head.head_dim, width = scratch.width;
  std::fill(scratch.state, scratch.sums + width, 0.0f);
  for (int64_t t = 0; t < count; t += kPiece) {
    const int64_t piece = std::min(kPiece, count - t);
    CopyRows<true>(head.k, first + t, piece, width, scratch.left);
    CopyRows<false>(head.v, first + t, piece, width, scratch.right);
    AddRows(scratch, piece);
    AddProducts(scratch, head_dim, piece);
  }
  for (int64_t j = 0; j < head_dim; ++j) {
    std::copy_n(scratch.state + j * width, head_dim, state + j * head_dim);
  }
  std::copy_n(scratch.sums, head_dim, state + head_dim * head_dim);
}

// states[0] += states[1], then states[2], …
void SumStates(const LinearHead& head, int64_t chunks) {
  const int64_t size = StateSize(head.head_dim);
  for (int64_t c = 1; c < chunks; ++c) {
    const float* state = head.states + c * head.state_stride;
    for (int64_t i = 0; i < size; ++i) head.states[i] += state[i];
  }
}

// The state of the whole picture, padded, to the scratch.
void LoadState(const LinearHead& head, const LinearScratch& scratch) {
  const int64_t head_dim = head.head_dim, width = scratch.width;
  std::fill(scratch.state, scratch.sums + width, 0.0f);
  for (int64_t j = 0; j < head_dim; ++j) {
    std::copy_n(head.states + j * head_dim, head_dim, scratch.state + j * width);
  }
  std::copy_n(head.states + head_dim * head_dim, head_dim, scratch.sums);
}

// out[t] = (left[t] · state) / divisors[t] for `count` tokens from `first` on.
void StoreResults(const LinearHead& head, const LinearScratch& scratch, int64_t first, int64_t count) {
  const Tag d;
  const int64_t lanes = VectorLanes(), width = scratch.width, head_dim = head.head_dim;
  ForTiles<kOuterRows>(count, [&](int64_t t, auto rows) HWY_ATTR {
    ForVectors(width / lanes, [&](int64_t vector, auto vectors) HWY_ATTR {
      Tile<rows, vectors> tile;
      ClearTile<rows, vectors>(tile);
      AddOuter<rows, vectors>(scratch.left + t * width, width, One(), scratch.state + vector * lanes, width, head_dim,
                              tile);
      Unroll<rows>([&](auto r) BLIP3O_INLINE {
        const Vector factor = hn::Set(d, 1.0f / scratch.divisors[t + r]);
        float* out = head.out.row(first + t + r);
        Unroll<vectors>([&](auto v) BLIP3O_INLINE {
          const int64_t c = (vector + v) * lanes;
          const Vector result = hn::Mul(tile[r][v], factor);
          if (c + lanes <= head_dim) {
            hn::StoreU(result, d, out + c);
          } else {
            StoreFirst(d, result, out + c, head_dim - c);
          }
        });
      });
    });
  });
}

void ApplyState(const LinearHead& head, int64_t first, int64_t count, float* memory) {
  const LinearScratch scratch(memory, head.head_dim);
  LoadState(head, scratch);
  for (int64_t t = 0; t < count; t += kPiece) {
    const int64_t piece = std::min(kPiece, count - t);
    CopyRows<true>(head.q, first + t, piece, scratch.width, scratch.left);
    DotRows<AsF32, 1>(scratch.sums, 0, reinterpret_cast<const char*>(scratch.left), scratch.width, piece,
                      scratch.divisors, 0);
    for (int64_t i = 0; i < piece; ++i) scratch.divisors[i] += kEpsilon;
    StoreResults(head, scratch, first + t, piece);
  }
}

void LinearAttentionOfPicture(Context& context, const LinearAttentionInput& input, int64_t first, int64_t tokens,
                              const Matrix& out) {
  const int64_t heads = input.heads, head_dim = input.head_dim, chunks = (tokens + kChunk - 1) / kChunk;
  const int64_t products = tokens * heads * head_dim * head_dim, size = StateSize(head_dim);
  const auto head_of = [&](int64_t head) {
    const auto part = [&](const Matrix& m, int64_t stride) {
      return m.Rows(first, tokens).Cols(head * stride, head_dim);
    };
    return LinearHead{part(input.q, input.head_stride),
                      part(input.k, input.head_stride),
                      part(input.v, input.head_stride),
                      part(out, head_dim),
                      head_dim,
                      context.Shared<float>() + head * size,
                      heads * size};
  };
  ForTasks(context, heads * chunks, products, [&](int64_t task, int worker) {
    const LinearHead head = head_of(task % heads);
    const int64_t chunk = task / heads, from = chunk * kChunk;
    ComputeState(head, from, std::min(kChunk, tokens - from), context.Worker<float>(worker),
                 head.states + chunk * head.state_stride);
  });
  ForTasks(context, heads, (chunks - 1) * heads * size, [&](int64_t task, int) { SumStates(head_of(task), chunks); });
  ForTasks(context, heads * chunks, products, [&](int64_t task, int worker) {
    const int64_t from = task / heads * kChunk;
    ApplyState(head_of(task % heads), from, std::min(kChunk, tokens - from), context.Worker<float>(worker));
  });
}

void LinearAttention(Context& context, const LinearAttentionInput& input, const Matrix& out) {
  assert(input.q.rows == input.k.rows && input.q.rows == input.v.rows && input.q.rows == out.rows);
  assert(input.pictures > 0 && out.rows % input.pictures == 0 && out.cols == input.heads * input.head_dim);
  const int64_t tokens = out.rows / input.pictures;
  for (int64_t p = 0; p < input.pictures; ++p) LinearAttentionOfPicture(context, input, p * tokens, tokens, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace blip3o::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace blip3o::cpu {

HWY_EXPORT(LinearAttention);

ScratchBytes LinearAttentionScratch(const Capacity& capacity, int /*threads*/) {
  const int64_t chunks = (capacity.linear_attention_tokens + kChunk - 1) / kChunk;
  // One head alone has at most this dimension.
  const int64_t head_dim =
      static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(capacity.linear_attention_state))));
  const int64_t width = head_dim + kMaxLanes - 1;
  const int64_t worker = (2 * kPiece + head_dim + 1) * width + kPiece;
  return {chunks * capacity.linear_attention_state * static_cast<int64_t>(sizeof(float)),
          worker * static_cast<int64_t>(sizeof(float))};
}

void LinearAttention(Context& context, const LinearAttentionInput& input, const Matrix& out) {
  HWY_DYNAMIC_DISPATCH(LinearAttention)(context, input, out);
}

}  // namespace blip3o::cpu
#endif
