// Linear attention: per picture and head one state S = Σ_t v_t k'_tᵀ of [d, d] and z = Σ_t k'_t instead of scores, then
// out_t = S q'_t / (z·q'_t + 1e-15), with q' = relu(q), k' = relu(k).
//
// Bound by the device's memory at the public d = 32: k, v and q are read once as they lie and out is written once, 512
// bytes a token and head for 4160 operations: 8 a byte, where an H100 has 18 (60 TFLOP/s of f32 by 3.35 TB/s). So f32
// multiply-adds do, with f32's accuracy, if shared memory keeps up: a thread takes 4×4 products of every eight loaded
// values. [2 · 1024 tokens, 70 heads] of the diffusion transformer: 73 MB, 22 µs; DC-AE's 128² stage with 32 heads: 268
// MB, 80 µs.
//
// Two kernels. Each block of the first sums one picture's, one head's 256 tokens: 560 blocks and 2048 at the sizes
// above. The last of a head adds the partial states in ascending order. Those are 4 KiB each, 1/16 of what was read for
// them. The second applies the state to 128 tokens a block.
//
// Order of sums: within 256 tokens by the token's number only, then the chunks ascending. Any d up to 128: states are
// taken in tiles of 32×32, q, k and v are read again for each further tile.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdint>

#include "ops/cuda/device_math.h"
#include "ops/cuda/kernels.h"
#include "ops/cuda/quad.h"

namespace blip3o::cuda {

namespace {

constexpr int kChunk = 256;  // tokens of a partial state
constexpr int kTile = 32;    // rows and columns of a state at once
constexpr int kPitch = 36;   // of a tile's rows in shared memory: rows that are read together lie in different banks
constexpr int kQuads = kTile / 4;
constexpr int64_t kMostDimensions = 128;
constexpr float kEpsilon = 1e-15f;
constexpr int64_t kMostPictures =
    2;  // that the scratch memory has room for; more take further launches where it has not

constexpr int kThreads = 256;
constexpr int kStatesBlocksPerSm = 2;
constexpr int kApplyBlocksPerSm = 3;

// The first kernel: 64 tokens of k and v in shared memory; four groups of 64 threads take 16 of them each.
constexpr int kPiece = 64;
constexpr int kGroups = 4;
constexpr int kGroupTokens = kPiece / kGroups;
constexpr int kLoadRows = kThreads / kQuads;  // tokens that the block's threads load at once
constexpr int kLoads = kPiece / kLoadRows;    // of a thread
static_assert(kQuads * kQuads * kGroups == kThreads);

// The second: 128 tokens, of which a thread takes four, 32 apart, and four columns.
constexpr int kApplied = 128;
constexpr int kTokensApart = kThreads / kQuads;
static_assert(kTokensApart * 4 == kApplied && kApplied * 2 == kThreads);

struct LinearAttentionParameters {
  Operand q, k, v, out;
  int64_t head_stride;
  int32_t tokens, heads, head_dim, chunks;
  float* states;      // [chunks, pictures, heads, d · d + d]: S[j, i] = Σ k'_j v_i, then z
  uint32_t* tickets;  // [pictures, heads]: blocks that have written their state
  bool aligned;       // rows and heads start at 16 bytes
};

__host__ __device__ inline int64_t StateSize(int64_t head_dim) { return head_dim * (head_dim + 1); }

__device__ inline float Relu(float x) { return Activated(Activation::kRelu, x); }

__device__ inline Quad Relu(Quad quad) {
#pragma unroll
  for (float& value : quad.value) value = Relu(value);
  return quad;
}

__device__ inline Quad& QuadOf(float* row, int quad) { return *reinterpret_cast<Quad*>(row + 4 * quad); }

// The head of the block, among those of all pictures: the picture is BlockZ, the head in it BlockY.
__device__ inline int HeadOfBlock(const LinearAttentionParameters& p) {
  return ptx::BlockZ() * p.heads + ptx::BlockY();
}

__device__ inline float* StateOf(const LinearAttentionParameters& p, int chunk) {
  const int64_t state = static_cast<int64_t>(chunk) * ptx::GridZ() * p.heads + HeadOfBlock(p);
  return p.states + state * StateSize(p.head_dim);
}

// The block's head in one operand.
struct HeadRows {
  float* start;
  int64_t stride;
  int tokens, cols;
  bool aligned;

  // Columns [col, col + 4) of a token; zeros beyond the last token or column.
  __device__ Quad Load(int token, int col) const {
    if (token >= tokens) return {0.0f, 0.0f, 0.0f, 0.0f};
    return LoadQuad(start + token * stride, col, cols, aligned);
  }
  __device__ void Store(const Quad& quad, int token, int col) const {
    if (token < tokens) StoreQuad(quad, start + token * stride, col, cols, aligned);
  }
};

__device__ inline HeadRows RowsOf(const LinearAttentionParameters& p, const Operand& m, int64_t head_stride) {
  float* start = m.data + static_cast<int64_t>(ptx::BlockZ()) * p.tokens * m.stride + ptx::BlockY() * head_stride;
  return {start, m.stride, p.tokens, p.head_dim, p.aligned};
}

// ---- The states ----------------------------------------------------------------------------------------------------

struct StatesShared {
  float rows[2 * kPiece][kPitch];  // k', then v; at the end the groups' tiles
  float z[kLoadRows][kPitch];      // sums of relu(k) by the threads that loaded it
  uint32_t is_last;
};

static_assert(kGroups * kTile <= 2 * kPiece);

// A thread's part of one piece: k' and v of `kLoads` tokens.
struct Loaded {
  Quad k[kLoads], v[kLoads];
};

__device__ inline int LoadRow() { return ptx::Thread() / kQuads; }
__device__ inline int LoadQuadOf() { return ptx::Thread() % kQuads; }

__device__ inline Loaded LoadPiece(const HeadRows& k, const HeadRows& v, int first, int j0, int i0) {
  Loaded loaded;
#pragma unroll
  for (int l = 0; l < kLoads; ++l) {
    const int token = first + l * kLoadRows + LoadRow();
    loaded.k[l] = Relu(k.Load(token, j0 + 4 * LoadQuadOf()));
    loaded.v[l] = v.Load(token, i0 + 4 * LoadQuadOf());
  }
  return loaded;
}

__device__ inline void StorePiece(StatesShared& shared, const Loaded& loaded, Quad& z) {
#pragma unroll
  for (int l = 0; l < kLoads; ++l) {
    QuadOf(shared.rows[l * kLoadRows + LoadRow()], LoadQuadOf()) = loaded.k[l];
    QuadOf(shared.rows[kPiece + l * kLoadRows + LoadRow()], LoadQuadOf()) = loaded.v[l];
#pragma unroll
    for (int i = 0; i < 4; ++i) z.value[i] += loaded.k[l].value[i];
  }
}

// A thread's 4×4 part of a tile: rows j of 4 · `row`, columns i of 4 · `col`.
struct Part {
  float sum[4][4];
};

__device__ inline void ClearPart(Part& part) {
#pragma unroll
  for (int j = 0; j < 4; ++j) {
#pragma unroll
    for (int i = 0; i < 4; ++i) part.sum[j][i] = 0.0f;
  }
}

__device__ inline void AddOuter(Part& part, const Quad& left, const Quad& right) {
#pragma unroll
  for (int j = 0; j < 4; ++j) {
#pragma unroll
    for (int i = 0; i < 4; ++i) part.sum[j][i] = fmaf(left.value[j], right.value[i], part.sum[j][i]);
  }
}

// The threads of a group, eight by eight over the tile.
__device__ inline int Group() { return ptx::Thread() / (kQuads * kQuads); }
__device__ inline int PartRow() { return ptx::Thread() / kQuads % kQuads; }
__device__ inline int PartCol() { return ptx::Thread() % kQuads; }

// Tile [j0, i0] of the state of kChunk tokens from `first` on: each group's sum in `part`, each thread's share of z.
__device__ inline void SumTile(const HeadRows& k, const HeadRows& v, StatesShared& shared, int first, int j0, int i0,
                               Part& part, Quad& z) {
  ClearPart(part);
  z = {0.0f, 0.0f, 0.0f, 0.0f};
  Loaded loaded = LoadPiece(k, v, first, j0, i0);
  for (int piece = 0; piece < kChunk && first + piece < k.tokens; piece += kPiece) {
    ptx::SyncBlock();  // the piece before, and the tile before, have been used
    StorePiece(shared, loaded, z);
    ptx::SyncBlock();
    if (piece + kPiece < kChunk) loaded = LoadPiece(k, v, first + piece + kPiece, j0, i0);
#pragma unroll 4
    for (int t = 0; t < kGroupTokens; ++t) {
      const int token = Group() * kGroupTokens + t;
      AddOuter(part, QuadOf(shared.rows[token], PartRow()), QuadOf(shared.rows[kPiece + token], PartCol()));
    }
  }
}

// The groups' sums in ascending order to the state.
__device__ inline void StoreTile(const LinearAttentionParameters& p, StatesShared& shared, float* state, int j0, int i0,
                                 const Part& part, const Quad& z) {
  ptx::SyncBlock();
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    QuadOf(shared.rows[Group() * kTile + 4 * PartRow() + j], PartCol()) = {part.sum[j][0], part.sum[j][1],
                                                                           part.sum[j][2], part.sum[j][3]};
  }
  QuadOf(shared.z[LoadRow()], LoadQuadOf()) = z;
  ptx::SyncBlock();
  for (int at = ptx::Thread(); at < kTile * kTile; at += kThreads) {
    const int j = at / kTile, i = at % kTile;
    if (j0 + j >= p.head_dim || i0 + i >= p.head_dim) continue;
    float sum = shared.rows[j][i];
    for (int g = 1; g < kGroups; ++g) sum += shared.rows[g * kTile + j][i];
    state[(j0 + j) * p.head_dim + i0 + i] = sum;
  }
  const int j = ptx::Thread();
  if (i0 == 0 && j < kTile && j0 + j < p.head_dim) {
    float sum = 0.0f;
    for (int r = 0; r < kLoadRows; ++r) sum += shared.z[r][j];
    state[p.head_dim * p.head_dim + j0 + j] = sum;
  }
}

// The state of chunk 0 becomes the sum of all, in ascending order.
__device__ inline void SumStates(const LinearAttentionParameters& p) {
  const int64_t step = static_cast<int64_t>(ptx::GridZ()) * p.heads * StateSize(p.head_dim);
  float* states = StateOf(p, 0);
  for (int at = ptx::Thread(); at < StateSize(p.head_dim); at += kThreads) {
    float sum = states[at];
#pragma unroll 8
    for (int c = 1; c < p.chunks; ++c) sum += states[c * step + at];
    states[at] = sum;
  }
}

// A block owns 256 tokens (BlockX) of one head (BlockY) of one picture (BlockZ), a group of two warps a quarter of each
// 64 of them, a thread 4×4 values of a tile of the state. The last block of a head sums the head's states. Sums are
// f32. Shared memory: StatesShared. Alignment: 16 bytes where `aligned` says so, else 4. Two blocks a multiprocessor.
__global__ void __launch_bounds__(kThreads, kStatesBlocksPerSm)
    LinearAttentionStatesKernel(const LinearAttentionParameters p) {
  StatesShared& shared = *reinterpret_cast<StatesShared*>(ptx::SharedMemory());
  ptx::WaitForPredecessor();
  ptx::ReleaseSuccessor();
  const HeadRows k = RowsOf(p, p.k, p.head_stride), v = RowsOf(p, p.v, p.head_stride);
  float* state = StateOf(p, ptx::BlockX());
  for (int j0 = 0; j0 < p.head_dim; j0 += kTile) {
    for (int i0 = 0; i0 < p.head_dim; i0 += kTile) {
      Part part;
      Quad z;
      SumTile(k, v, shared, ptx::BlockX() * kChunk, j0, i0, part, z);
      StoreTile(p, shared, state, j0, i0, part, z);
    }
  }
  if (p.chunks == 1) return;
  const uint32_t blocks = static_cast<uint32_t>(p.chunks);
  if (IsLastBlock(p.tickets + HeadOfBlock(p), blocks, &shared.is_last)) SumStates(p);
}

// ---- The results ---------------------------------------------------------------------------------------------------

struct ApplyShared {
  float q[kApplied][kPitch];   // relu(q)
  float state[kTile][kPitch];  // S[j0 + j, i0 + i]
  float z[kTile];
  float divisors[kApplied];
};

__device__ inline void LoadQueries(const HeadRows& q, ApplyShared& shared, int first, int j0) {
#pragma unroll 2
  for (int l = 0; l < kApplied / kLoadRows; ++l) {
    const int token = l * kLoadRows + LoadRow();
    QuadOf(shared.q[token], LoadQuadOf()) = Relu(q.Load(first + token, j0 + 4 * LoadQuadOf()));
  }
}

// Tile [j0, i0] of the picture's state, with zeros beyond it, and that part of z.
__device__ inline void LoadState(const LinearAttentionParameters& p, ApplyShared& shared, const float* state, int j0,
                                 int i0) {
  const int d = p.head_dim;
  for (int at = ptx::Thread(); at < kTile * kTile; at += kThreads) {
    const int j = at / kTile, i = at % kTile;
    shared.state[j][i] = j0 + j < d && i0 + i < d ? state[(j0 + j) * d + i0 + i] : 0.0f;
  }
  const int j = ptx::Thread();
  if (j < kTile) shared.z[j] = j0 + j < d ? state[d * d + j0 + j] : 0.0f;
}

// part.sum[t] += Σ_j q'[token t, j] · S[j, 4 columns], j ascending. A thread's tokens are `kTokensApart` apart.
__device__ inline void AddProducts(ApplyShared& shared, Part& part) {
#pragma unroll 1
  for (int quad = 0; quad < kQuads; ++quad) {
    Quad q[4];
#pragma unroll
    for (int t = 0; t < 4; ++t) q[t] = QuadOf(shared.q[t * kTokensApart + LoadRow()], quad);
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const Quad s = QuadOf(shared.state[4 * quad + j], LoadQuadOf());
      AddOuter(part, {q[0].value[j], q[1].value[j], q[2].value[j], q[3].value[j]}, s);
    }
  }
}

// Two neighbouring threads share a token: each takes half of the columns of z·q'.
__device__ inline float HalfOfDivisor(ApplyShared& shared) {
  const float* q = shared.q[ptx::Thread() / 2];
  float sum = 0.0f;
  for (int j = ptx::Thread() % 2 * (kTile / 2), n = 0; n < kTile / 2; ++j, ++n) sum = fmaf(q[j], shared.z[j], sum);
  return sum;
}

__device__ inline void StoreResults(const HeadRows& out, const ApplyShared& shared, int first, int i0,
                                    const Part& part) {
#pragma unroll
  for (int t = 0; t < 4; ++t) {
    const int token = t * kTokensApart + LoadRow();
    const float factor = 1.0f / shared.divisors[token];
    const Quad quad = {part.sum[t][0] * factor, part.sum[t][1] * factor, part.sum[t][2] * factor,
                       part.sum[t][3] * factor};
    out.Store(quad, first + token, i0 + 4 * LoadQuadOf());
  }
}

// A block owns 128 tokens (BlockX) of one head (BlockY) of one picture (BlockZ), a thread four of them and four columns
// of each tile of 32. Sums are f32. Shared memory: ApplyShared. Alignment as above. Three blocks a multiprocessor.
__global__ void __launch_bounds__(kThreads, kApplyBlocksPerSm)
    LinearAttentionApplyKernel(const LinearAttentionParameters p) {
  ApplyShared& shared = *reinterpret_cast<ApplyShared*>(ptx::SharedMemory());
  ptx::WaitForPredecessor();
  ptx::ReleaseSuccessor();
  const float* state = StateOf(p, 0);
  const int first = ptx::BlockX() * kApplied;
  const HeadRows q = RowsOf(p, p.q, p.head_stride), out = RowsOf(p, p.out, p.head_dim);
  for (int i0 = 0; i0 < p.head_dim; i0 += kTile) {
    Part part;
    ClearPart(part);
    float half = 0.0f;
    for (int j0 = 0; j0 < p.head_dim; j0 += kTile) {
      ptx::SyncBlock();  // the tile before has been used
      LoadQueries(q, shared, first, j0);
      LoadState(p, shared, state, j0, i0);
      ptx::SyncBlock();
      half += HalfOfDivisor(shared);
      AddProducts(shared, part);
    }
    const float divisor = half + ptx::ShuffleXor(half, 1);
    if (ptx::Thread() % 2 == 0) shared.divisors[ptx::Thread() / 2] = divisor + kEpsilon;
    ptx::SyncBlock();
    StoreResults(out, shared, first, i0, part);
  }
}

// ---- Launchers -----------------------------------------------------------------------------------------------------

int64_t StateBytes(int64_t tokens, int64_t state) {
  return CeilDiv(tokens, kChunk) * state * static_cast<int64_t>(sizeof(float));
}

void LaunchLinearAttention(Context& context, const LinearAttentionParameters& p, int64_t pictures) {
  const double tokens = static_cast<double>(pictures) * static_cast<double>(p.tokens) * static_cast<double>(p.heads);
  const double d = static_cast<double>(p.head_dim);
  const double states = static_cast<double>(pictures * p.chunks * p.heads) * static_cast<double>(StateSize(p.head_dim));
  Launch(*context.queue, "LinearAttention/states", LinearAttentionStatesKernel,
         {.grid = {p.chunks, p.heads, pictures},
          .threads = kThreads,
          .blocks_per_sm = kStatesBlocksPerSm,
          .shared_bytes = sizeof(StatesShared)},
         p, {.bytes = tokens * d * 8 + states * 8, .flops = tokens * d * (2 * d + 1)});
  Launch(*context.queue, "LinearAttention/apply", LinearAttentionApplyKernel,
         {.grid = {CeilDiv(p.tokens, kApplied), p.heads, pictures},
          .threads = kThreads,
          .blocks_per_sm = kApplyBlocksPerSm,
          .shared_bytes = sizeof(ApplyShared)},
         p, {.bytes = tokens * d * 8 + states * 4 / static_cast<double>(p.chunks), .flops = tokens * d * 2 * (d + 1)});
}

}  // namespace

int64_t LinearAttentionScratch(const Capacity& capacity) {
  return kMostPictures * StateBytes(capacity.linear_attention_tokens, capacity.linear_attention_state);
}

void LinearAttention(Context& context, const LinearAttentionInput& input, const Matrix& out) {
  assert(input.q.rows == input.k.rows && input.q.rows == input.v.rows && input.q.rows == out.rows);
  assert(input.pictures > 0 && out.rows % input.pictures == 0 && out.cols == input.heads * input.head_dim);
  if (out.rows == 0 || out.cols == 0) return;
  LinearAttentionParameters p{};
  const int64_t tokens = out.rows / input.pictures;
  assert(tokens <= INT32_MAX - kChunk && input.head_dim <= kMostDimensions);
  p.tokens = static_cast<int32_t>(tokens);
  p.heads = static_cast<int32_t>(input.heads);
  p.head_dim = static_cast<int32_t>(input.head_dim);
  p.head_stride = input.head_stride;
  p.chunks = static_cast<int32_t>(CeilDiv(tokens, kChunk));
  p.states = context.Scratch<float>();
  p.tickets = static_cast<uint32_t*>(context.counters.data());
  p.aligned = QuadsAligned({input.q, input.k, input.v, out}) && input.head_stride % 4 == 0 && input.head_dim % 4 == 0;

  // As many pictures at once as there is scratch memory for.
  const int64_t of_one = StateBytes(tokens, p.heads * StateSize(p.head_dim));
  const int64_t most = std::min({context.scratch.size_bytes() / of_one, Context::kCounters / p.heads, int64_t{65535}});
  assert(most > 0);
  for (int64_t first = 0; first < input.pictures; first += most) {
    const int64_t pictures = std::min(most, input.pictures - first), rows = pictures * tokens;
    p.q = OperandOf(input.q.Rows(first * tokens, rows));
    p.k = OperandOf(input.k.Rows(first * tokens, rows));
    p.v = OperandOf(input.v.Rows(first * tokens, rows));
    p.out = OperandOf(out.Rows(first * tokens, rows));
    LaunchLinearAttention(context, p, pictures);
  }
}

}  // namespace blip3o::cuda
