// Products of 1 to 64 tokens with one to three weights in one launch, behind an RMSNorm where there is one:
//   out[b, n] = epilogue(r_b · Σ_k (x[b, k] · norm[k]) · weight[n, k]),  r_b = 1 / √(mean_k x[b, k]² + eps)
// (r_b stands outside the sum, so that a row's norm is complete only where its products are). SwiGLU is the same with
// rows of `gate` and `up` side by side.
//
// Bound by the bytes of the weight, each of which is read once: at 2048 inputs and BF16, 4 KB an output. A byte brings
// one multiply-add a token: at 8 tokens 16 flops a byte, below every device's ratio of flops to bytes (H100: 295).
//
// The weight is mma's operand of 16 rows, tokens are its 8 columns; more tokens are more column groups, the only loop
// that depends on their number. A block owns 16 rows of the weight at a time (of BF16, from 17 tokens on, two times 16,
// so that x is fetched half as often) and cuts K among its 8 warps: warp w takes the units w, w + 8, … of 256 inputs
// (F32: 128). 16 bytes of a row go straight to a lane's registers, where they are mma fragments as they are: any order
// of k inside a piece will do when x has the same. Every 128 inputs have a sum of their own (of Int8, times their
// scale), a warp adds those of its units in ascending order, then the warps' are added in ascending order through
// shared memory. So a sum has one order at any number of tokens, blocks and multiprocessors.
//
// What keeps the memory busy: a unit is 64 registers a lane, 64 KB a block (Int8: half of it), and the next unit's
// loads are issued as soon as these are used, across the end of a block's rows too. By Little's law an H100 needs
// 3.35 TB/s · 0.8 µs / 132 = 20 KB of them a multiprocessor. Blocks are as many as multiprocessors, and two fit: so the
// next kernel's block is there already and has its first 64 KB under way while this one ends. At batch 1 the public
// model's products fill 132 multiprocessors to 97%: q, k, v 256 tiles of 16 rows, o and down 128, gate and up 768, the
// image head 4096. Expected share of the copy bandwidth on an H100 and an H200: o and q, k, v (8 and 17 MB, where the
// way of x and the block's end show) 65%, down and SwiGLU 85%, the image head 92%.
//
// x comes by asynchronous copies as f32, a warp's own part to a place of its own, and becomes bf16 on its way to mma.
// From 17 tokens on L2 bounds: every block of 32 rows fetches all of x, 4 · K bytes a token.
#include <algorithm>
#include <cassert>
#include <string>
#include <vector>

#include "ops/cuda/device_math.h"
#include "ops/cuda/kernels.h"
#include "ops/cuda/launch.h"
#include "ops/cuda/ptx.h"
#include "ops/cuda/quad.h"
#include "ops/cuda/weight_pack.h"

namespace blip3o::cuda {

namespace {

constexpr int kWarps = 8;
constexpr int kThreads = kWarps * ptx::kWarp;
constexpr int kGroupTokens = 8;  // mma's columns
constexpr int kMaxTokens = 64;
constexpr int kMaxParts = 3;
constexpr int kBlockDepth = 128;   // inputs that are summed by themselves; as many have a scale of Int8
constexpr int kColumnStride = 20;  // floats between columns of a tile's sums: 16, and 4 that keep the banks apart

template <WeightType kType>
constexpr int kValueBytes = ValueBytes(kType);

// What differs between the kernels: the weight's type and the tokens that they have registers for.
template <WeightType kWeightType, int kMostTokens>
struct Form {
  static constexpr WeightType kType = kWeightType;
  static constexpr int kTokens = kMostTokens;
  static constexpr int kGroups = kTokens <= kGroupTokens ? 1 : kTokens / kGroupTokens;
  static constexpr int kTiles = kType == WeightType::kBF16 && kTokens > 16 ? 2 : 1;  // of 16 rows, a block
  static constexpr int kBlocks = kTokens <= 16 ? 2 : 1;                              // a multiprocessor

  // A piece of a row is 64 bytes: 16 of each of the four lanes that share it. A unit is what one warp takes of a row, a
  // step what of it is in registers at once: half, where two tiles share them.
  static constexpr int kPieceDepth = 64 / kValueBytes<kType>;
  static constexpr int kLaneDepth = kPieceDepth / 4;
  static constexpr int kLaneQuads = kLaneDepth / 4;  // four inputs are a lane's part of one mma
  static constexpr int kBlockPieces = kBlockDepth / kPieceDepth;
  static constexpr int kUnitDepth = kType == WeightType::kF32 ? kBlockDepth : 2 * kBlockDepth;
  static constexpr int kStepDepth = kUnitDepth / kTiles;
  static constexpr int kStepPieces = kStepDepth / kPieceDepth;
  static constexpr int kStepBlocks = kStepDepth / kBlockDepth;

  // What a warp has of x at once: a row of kStageDepth inputs for each token of a group, and one of the norm. Rows lie
  // apart so that lanes of two tokens, which read together, meet in no bank (of Int8: in half as many). Many tokens
  // have two stages: one is filled while the other is read.
  static constexpr bool kFewTokens = kTokens < kGroupTokens;
  static constexpr int kStageTokens = kFewTokens ? kTokens : kGroupTokens;
  static constexpr int kStageDepth = kFewTokens ? kUnitDepth : kBlockDepth;
  static constexpr int kStageBlocks = kStageDepth / kBlockDepth;
  static constexpr int kStages = kTokens <= 16 ? 1 : 2;
  static constexpr int kStageRow = kStageDepth + (kType == WeightType::kF32 ? 16 : kLaneDepth / 2);
  static constexpr int kStageFloats = (kStageTokens + 1) * kStageRow;
  static constexpr int kWarpStages = kStages * kStageFloats;

  // Shared memory, in floats: every warp's x; every warp's sums of one group, in the place of x unless that may stay;
  // every warp's and every lane's squares of x.
  static constexpr int kTileSums = kStageTokens * kColumnStride;  // of one tile
  static constexpr int kSumsAt = kFewTokens ? kWarps * kWarpStages : 0;
  static constexpr int kWarpSums = kFewTokens ? kTiles * kTileSums : kWarpStages;  // from warp to warp
  static constexpr int kSquaresAt = kWarps * kWarpStages + (kFewTokens ? kWarps * kWarpSums : 0);
  static constexpr int kLaneSquaresAt = kSquaresAt + kWarps * kGroups * kGroupTokens;
  static constexpr int kSharedFloats = kLaneSquaresAt + kThreads * kGroups;
  static_assert(kFewTokens || kTiles * kTileSums <= kWarpStages);
};

// One product, or SwiGLU: rows 0 to 7 of a tile are rows of weight[0], rows 8 to 15 of weight[1].
struct TokenPart {
  const char* weight[2] = {};
  const float* scales[2] = {};  // kInt8
  int64_t row_bytes = 0;        // from row to row of the weight
  int rows = 0;                 // N
  int tiles_before = 0;         // blocks' tiles of the parts before
  DeviceEpilogue epilogue;
  float* out = nullptr;
  int64_t out_stride = 0;
};

struct TokenMatmulParameters {
  TokenPart parts[kMaxParts];
  int part_count = 0;
  int tiles = 0;  // blocks' tiles of all parts
  bool swiglu = false;
  int output_shift = 4;  // a tile of 16 rows of the weight has 2^output_shift outputs: 16, of SwiGLU 8
  const float* x = nullptr;
  int64_t x_stride = 0;
  int tokens = 0;
  int depth = 0;   // K
  int padded = 0;  // K with the zeros behind it
  const float* norm = nullptr;
  float eps = 0;
  bool x_aligned = false;       // x and norm allow 16-byte loads
  bool weight_aligned = false;  // rows of F32 do
  bool resident = false;        // a warp's x stays with it: it has one unit only
};

__device__ inline int PartOf(const TokenMatmulParameters& p, int tile) {
  int part = 0;
  while (part + 1 < p.part_count && tile >= p.parts[part + 1].tiles_before) ++part;
  return part;
}

// ---- The weight -----------------------------------------------------------------------------------------------------

// 16 bytes of a lane: of the row that starts at `row`, from value k on; zeros beyond the row.
template <WeightType kType>
__device__ inline ptx::Words4 LoadWeight(const TokenMatmulParameters& p, const char* row, int k) {
  if constexpr (kType != WeightType::kF32) {
    return k < p.padded ? ptx::LoadOnce16(row + int64_t{k} * kValueBytes<kType>) : ptx::Words4{};
  } else {
    const float* values = reinterpret_cast<const float*>(row);
    // By plain loads: the kernel before may have written it.
    if (p.weight_aligned && k + 4 <= p.depth) return *reinterpret_cast<const ptx::Words4*>(values + k);
    ptx::Words4 words;
#pragma unroll
    for (int i = 0; i < 4; ++i) words.word[i] = k + i < p.depth ? ptx::BitsOf(values[k + i]) : 0;
    return words;
  }
}

// Which step of which tile a warp takes.
struct StepPlace {
  int tile, k;
};

// The step behind: of the same unit, of the warp's next one, or of the block's next tile.
template <class F>
__device__ inline StepPlace NextStep(const TokenMatmulParameters& p, StepPlace at) {
  at.k += F::kStepDepth;
  if (at.k % F::kUnitDepth == 0) at.k += (kWarps - 1) * F::kUnitDepth;
  return at.k < p.depth || at.k % F::kUnitDepth != 0 ? at
                                                     : StepPlace{at.tile + ptx::GridX(), ptx::Warp() * F::kUnitDepth};
}

// A step's weights in registers: 16 bytes of rows lane / 4 and lane / 4 + 8 of each tile a piece.
template <class F>
struct StepWeights {
  ptx::Words4 words[F::kTiles][F::kStepPieces][2];
  float scales[F::kStepBlocks][2];  // kInt8

  __device__ void Load(const TokenMatmulParameters& p, const StepPlace& at) {
    if (at.tile >= p.tiles) return;
    const TokenPart& part = p.parts[PartOf(p, at.tile)];
    const int lane_k = at.k + ptx::Lane() % 4 * F::kLaneDepth;
#pragma unroll
    for (int i = 0; i < F::kTiles; ++i) {
      const int first = ((at.tile - part.tiles_before) * F::kTiles + i) << p.output_shift;
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        // Beyond the weight's last row that one is read again: its products are not stored.
        const int64_t r = min(first + ptx::Lane() / 4 + (p.swiglu ? 0 : 8 * half), part.rows - 1);
        const char* row = part.weight[half] + r * part.row_bytes;
#pragma unroll
        for (int piece = 0; piece < F::kStepPieces; ++piece) {
          words[i][piece][half] = LoadWeight<F::kType>(p, row, lane_k + piece * F::kPieceDepth);
        }
        if constexpr (F::kType == WeightType::kInt8) LoadScales(p, part.scales[half], r, at.k / kBlockDepth, half);
      }
    }
  }

  // Of a row, from block `first` on.
  __device__ void LoadScales(const TokenMatmulParameters& p, const float* of_part, int64_t row, int first, int half) {
    const int blocks = p.padded / kBlockDepth;
#pragma unroll
    for (int i = 0; i < F::kStepBlocks; ++i) {
      scales[i][half] = first + i < blocks ? of_part[row * blocks + first + i] : 0.0f;
    }
  }
};

// ---- x --------------------------------------------------------------------------------------------------------------

// Starts the copy of four inputs of a row, from `at` on; zeros beyond K.
__device__ inline void CopyQuad(const TokenMatmulParameters& p, const float* row, int at, float* to) {
  if (p.x_aligned && at + 4 <= p.depth) return ptx::CopyAsync16(to, row + at);
#pragma unroll
  for (int i = 0; i < 4; ++i) ptx::CopyAsync4(to + i, row + at + i, at + i < p.depth);
}

// Warp. Starts to bring inputs [k, k + kStageDepth) of a group's tokens to `stage`, a row each, and the norm's behind
// them.
template <class F>
__device__ inline void StartStage(const TokenMatmulParameters& p, int group, int k, float* stage) {
  constexpr int kQuads = F::kStageDepth / 4;
  const int first = group * kGroupTokens, tokens = min(p.tokens - first, F::kStageTokens);
  const int copies = (p.norm != nullptr ? tokens + 1 : tokens) * kQuads;
  ptx::SyncWarp();  // nobody reads what was there
#pragma unroll 1
  for (int i = ptx::Lane(); i < copies; i += ptx::kWarp) {
    const int token = i / kQuads, at = i % kQuads * 4;
    const bool norm = token == tokens;
    CopyQuad(p, norm ? p.norm : p.x + (first + token) * p.x_stride, k + at,
             stage + (norm ? F::kStageTokens : token) * F::kStageRow + at);
  }
  ptx::CommitCopies();
}

// Where a lane finds its part of its token's first piece in a stage. The lanes of absent tokens take whatever row is
// there: no column of a product reads another.
template <class F>
__device__ inline int StagedAt() {
  return ptx::Lane() / 4 % F::kStageTokens * F::kStageRow + ptx::Lane() % 4 * F::kLaneDepth;
}

__device__ inline Quad QuadAt(const float* shared, int at) { return *reinterpret_cast<const Quad*>(shared + at); }

// Adds the squares of what a lane will read of its token's row to what it has of that token: block by block.
template <class F>
__device__ inline void AddSquares(const float* stage, int x_at, float* lane_squares) {
  float sum = *lane_squares;
#pragma unroll
  for (int block = 0; block < F::kStageBlocks; ++block) {
    float squares[4] = {};
#pragma unroll
    for (int piece = block * F::kBlockPieces; piece < (block + 1) * F::kBlockPieces; ++piece) {
#pragma unroll
      for (int quad = 0; quad < F::kLaneQuads; ++quad) {
        const Quad x = QuadAt(stage, x_at + piece * F::kPieceDepth + quad * 4);
#pragma unroll
        for (int i = 0; i < 4; ++i) squares[i] = fmaf(x.value[i], x.value[i], squares[i]);
      }
    }
    const float low = ptx::AddRounded(squares[0], squares[1]), high = ptx::AddRounded(squares[2], squares[3]);
    sum = ptx::AddRounded(sum, ptx::AddRounded(low, high));
  }
  *lane_squares = sum;
}

// Warp. x[k] · norm[k] in the place of x[k].
template <class F>
__device__ inline void ApplyNorm(int tokens, float* stage) {
  constexpr int kQuads = F::kStageDepth / 4;
#pragma unroll 1
  for (int i = ptx::Lane(); i < tokens * kQuads; i += ptx::kWarp) {
    float* at = stage + i / kQuads * F::kStageRow + i % kQuads * 4;
    Quad x = QuadAt(at, 0);
    const Quad norm = QuadAt(stage, F::kStageTokens * F::kStageRow + i % kQuads * 4);
#pragma unroll
    for (int j = 0; j < 4; ++j) x.value[j] = ptx::MultiplyRounded(x.value[j], norm.value[j]);
    *reinterpret_cast<Quad*>(at) = x;
  }
}

// Warp. x, which has arrived, becomes what is multiplied; adds its squares where they are wanted.
template <class F>
__device__ inline void FinishStage(const TokenMatmulParameters& p, int group, bool squares, float* stage,
                                   float* shared) {
  ptx::SyncWarp();
  if (p.norm == nullptr) return;
  if (squares) {
    AddSquares<F>(stage, StagedAt<F>(), shared + F::kLaneSquaresAt + group * kThreads + ptx::Thread());
    ptx::SyncWarp();
  }
  ApplyNorm<F>(min(p.tokens - group * kGroupTokens, F::kStageTokens), stage);
  ptx::SyncWarp();
}

// ---- Products -------------------------------------------------------------------------------------------------------

// Four int8 as bf16, which holds them exactly. With u = v + 128, the float of bits 0x4B000000 | u is 2^23 + u.
__device__ inline void ExpandInt8(uint32_t bytes, uint32_t& first, uint32_t& second) {
  const uint32_t biased = bytes ^ 0x80808080u;
  uint32_t bits[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    bits[i] = ptx::BitsOf(ptx::FloatOf(0x4B000000u | (biased >> 8 * i & 0xFFu)) - 8388736.0f);
  }
  first = bits[0] >> 16 | (bits[1] & 0xFFFF0000u);
  second = bits[2] >> 16 | (bits[3] & 0xFFFF0000u);
}

// Warp. sums += a tile's weights · x for the `quad`-th four inputs of a piece. Lane (g, t) = (lane / 4, lane % 4) has
// the same four of rows g (words[0]) and g + 8 (words[1]) and of token g: what mma calls 2t, 2t + 1, 2t + 8, 2t + 9.
template <WeightType kType>
__device__ inline void Multiply(float (&sums)[4], const ptx::Words4 (&words)[2], int quad, const Quad& x) {
  if constexpr (kType == WeightType::kF32) {
    const SplitWords b0 = SplitBF16(x.value[0], x.value[1]), b1 = SplitBF16(x.value[2], x.value[3]);
    SplitWords a[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const uint32_t* pair = words[i % 2].word + i / 2 * 2;
      a[i] = SplitBF16(ptx::FloatOf(pair[0]), ptx::FloatOf(pair[1]));
    }
    const uint32_t high[4] = {a[0].high, a[1].high, a[2].high, a[3].high};
    const uint32_t low[4] = {a[0].low, a[1].low, a[2].low, a[3].low};
    const uint32_t x_high[2] = {b0.high, b1.high}, x_low[2] = {b0.low, b1.low};
    ptx::MmaBF16(sums, high, x_high);
    ptx::MmaBF16(sums, high, x_low);
    ptx::MmaBF16(sums, low, x_high);
  } else {
    uint32_t a[4];
    if constexpr (kType == WeightType::kBF16) {
#pragma unroll
      for (int i = 0; i < 4; ++i) a[i] = words[i % 2].word[2 * quad + i / 2];
    } else {
      ExpandInt8(words[0].word[quad], a[0], a[2]);
      ExpandInt8(words[1].word[quad], a[1], a[3]);
    }
    const uint32_t b[2] = {ptx::PackBF16(x.value[0], x.value[1]), ptx::PackBF16(x.value[2], x.value[3])};
    ptx::MmaBF16(sums, a, b);
  }
}

// Warp. sums of one group += those blocks of the step in registers that the stage holds x of, each block's own sum,
// times its rows' scales for Int8.
template <class F>
__device__ inline void MultiplyStage(const StepWeights<F>& weights, int first_block, const float* stage,
                                     float (&sums)[F::kTiles][4]) {
  const int x_at = StagedAt<F>();
  float of_block[F::kStageBlocks][F::kTiles][4] = {};
#pragma unroll
  for (int piece = 0; piece < F::kBlockPieces; ++piece) {
#pragma unroll
    for (int quad = 0; quad < F::kLaneQuads; ++quad) {
#pragma unroll
      for (int block = 0; block < F::kStageBlocks; ++block) {  // sums that don't wait for each other
        const Quad x = QuadAt(stage, x_at + block * kBlockDepth + piece * F::kPieceDepth + quad * 4);
        const int at = (first_block + block) * F::kBlockPieces + piece;
#pragma unroll
        for (int i = 0; i < F::kTiles; ++i) Multiply<F::kType>(of_block[block][i], weights.words[i][at], quad, x);
      }
    }
  }
#pragma unroll
  for (int block = 0; block < F::kStageBlocks; ++block) {
#pragma unroll
    for (int i = 0; i < F::kTiles * 4; ++i) {
      float& sum = sums[i / 4][i % 4];
      const float more = of_block[block][i / 4][i % 4];
      if constexpr (F::kType == WeightType::kInt8) {
        sum = fmaf(more, weights.scales[first_block + block][i / 2 % 2], sum);
      } else {
        sum = ptx::AddRounded(sum, more);
      }
    }
  }
}

// Warp. sums += the step in registers, from input k on, · x of all groups. `staged`: x is there already.
template <class F>
__device__ inline void MultiplyStep(const TokenMatmulParameters& p, const StepWeights<F>& weights, int k, bool staged,
                                    bool squares, float* shared, float (&sums)[F::kGroups][F::kTiles][4]) {
  constexpr int kGroupStages = F::kStepDepth / F::kStageDepth, kStages = F::kGroups * kGroupStages;
  float* const stages = shared + ptx::Warp() * F::kWarpStages;
  const int count = ((p.tokens + kGroupTokens - 1) / kGroupTokens) * kGroupStages;
  if (!staged) StartStage<F>(p, 0, k, stages);
#pragma unroll
  for (int i = 0; i < kStages; ++i) {
    if (i < count) {
      const int group = i / kGroupStages, next = i + 1, first_block = i % kGroupStages * F::kStageBlocks;
      float* const stage = stages + i % F::kStages * F::kStageFloats;
      const auto start_next = [&] {
        if (next < count) {
          StartStage<F>(p, next / kGroupStages, k + next % kGroupStages * F::kStageDepth,
                        stages + next % F::kStages * F::kStageFloats);
        }
      };
      if constexpr (F::kStages == 2) {
        start_next();
        next < count ? ptx::WaitCopies<1>() : ptx::WaitCopies<0>();
      } else {
        ptx::WaitCopies<0>();
      }
      if (!staged) FinishStage<F>(p, group, squares, stage, shared);
      MultiplyStage<F>(weights, first_block, stage, sums[group]);
      if constexpr (F::kStages == 1) start_next();
    }
  }
}

// ---- Outputs --------------------------------------------------------------------------------------------------------

// The output that a thread finishes.
struct OutputPlace {
  int part = 0;
  int col = 0;  // n
  int token = 0;
  int tile = 0, row = 0;  // of the block: where the sums stand
  bool valid = false;
};

template <class F>
__device__ inline OutputPlace PlaceOf(const TokenMatmulParameters& p, int tile, int group) {
  OutputPlace place;
  const int outputs = F::kTiles << p.output_shift, output = ptx::Thread() & (outputs - 1);
  const int column = ptx::Thread() / outputs;
  place.part = PartOf(p, tile);
  place.col = (tile - p.parts[place.part].tiles_before) * outputs + output;
  place.token = group * kGroupTokens + column;
  place.tile = output >> p.output_shift;
  place.row = output & ((1 << p.output_shift) - 1);
  place.valid = column < kGroupTokens && place.token < p.tokens && place.col < p.parts[place.part].rows;
  return place;
}

// A thread's residual of a group; zero where there is none.
template <class F>
__device__ inline float LoadResidual(const TokenMatmulParameters& p, int tile, int group) {
  const OutputPlace place = PlaceOf<F>(p, tile, group);
  const DeviceEpilogue& e = p.parts[place.part].epilogue;
  if (!place.valid || e.residual == nullptr) return 0.0f;
  return e.residual[place.token * e.residual_stride + place.col];
}

// A group's sums of this warp: [tile][token][row].
template <class F>
__device__ inline void StoreSums(const float (&sums)[F::kTiles][4], float* shared) {
  const int g = ptx::Lane() / 4, t = ptx::Lane() % 4;
#pragma unroll
  for (int i = 0; i < F::kTiles; ++i) {
    float* tile = shared + F::kSumsAt + ptx::Warp() * F::kWarpSums + i * F::kTileSums;
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const int column = 2 * t + j % 2;
      if (column < F::kStageTokens) tile[column * kColumnStride + g + j / 2 * 8] = sums[i][j];
    }
  }
}

// This warp's squares of a group's tokens: of the four lanes that share one.
template <class F>
__device__ inline void StoreSquares(int group, float* shared) {
  float squares = shared[F::kLaneSquaresAt + group * kThreads + ptx::Thread()];
  squares = ptx::AddRounded(squares, ptx::ShuffleXor(squares, 1));
  squares = ptx::AddRounded(squares, ptx::ShuffleXor(squares, 2));
  const int token = group * kGroupTokens + ptx::Lane() / 4;
  if (ptx::Lane() % 4 == 0) shared[F::kSquaresAt + ptx::Warp() * F::kGroups * kGroupTokens + token] = squares;
}

template <class F>
__device__ inline float SumOfWarps(const float* shared, const OutputPlace& place, int row) {
  const float* at = shared + F::kSumsAt + place.tile * F::kTileSums + place.token % kGroupTokens * kColumnStride + row;
  float sum = at[0];
#pragma unroll
  for (int warp = 1; warp < kWarps; ++warp) sum = ptx::AddRounded(sum, at[warp * F::kWarpSums]);
  return sum;
}

// r_b.
template <class F>
__device__ inline float InverseNorm(const TokenMatmulParameters& p, const float* squares, int token) {
  float sum = squares[token];
  for (int warp = 1; warp < kWarps; ++warp) {
    sum = ptx::AddRounded(sum, squares[warp * F::kGroups * kGroupTokens + token]);
  }
  return 1.0f / sqrtf(ptx::AddRounded(sum / static_cast<float>(p.depth), p.eps));
}

template <class F>
__device__ inline void FinishOutput(const TokenMatmulParameters& p, const OutputPlace& place, const float* shared,
                                    float residual) {
  const TokenPart& part = p.parts[place.part];
  const float inverse = p.norm != nullptr ? InverseNorm<F>(p, shared + F::kSquaresAt, place.token) : 1.0f;
  float value = ptx::MultiplyRounded(SumOfWarps<F>(shared, place, place.row), inverse);
  if (p.swiglu) {
    const float up = ptx::MultiplyRounded(SumOfWarps<F>(shared, place, place.row + 8), inverse);
    value = ptx::MultiplyRounded(Silu(value), up);
  } else {
    const DeviceEpilogue& e = part.epilogue;
    if (e.bias != nullptr) value = ptx::AddRounded(value, e.bias[place.col]);
    value = Activated(e.activation, value);
    if (e.gate != nullptr) value = ptx::MultiplyRounded(value, e.gate[place.token * e.gate_stride + place.col]);
    value = ptx::AddRounded(value, residual);
  }
  part.out[place.token * part.out_stride + place.col] = value;
}

// A block: tiles of kTiles · 16 rows of the weight, those that its index finds in steps of the grid. A warp: units of
// K. A lane: its rows' and tokens' fragments; then, of the block's outputs of one group, one a thread. Sums f32. x and
// norm any alignment of floats, 16 bytes pay; rows of BF16 and Int8 at 16 bytes. Occupancy: F::kBlocks.
template <class F>
__global__ void __launch_bounds__(kThreads, F::kBlocks) TokenMatmulKernel(const TokenMatmulParameters p) {
  float* const shared = reinterpret_cast<float*>(ptx::SharedMemory());
  StepWeights<F> weights;
  const StepPlace first = {ptx::BlockX(), ptx::Warp() * F::kUnitDepth};  // beyond K: zeros, and nothing is read
  // The kernel before may have written an F32 weight.
  if constexpr (F::kType != WeightType::kF32) weights.Load(p, first);
  for (int group = 0; group < F::kGroups; ++group) {
    shared[F::kLaneSquaresAt + group * kThreads + ptx::Thread()] = 0.0f;
  }
  ptx::WaitForPredecessor();
  if constexpr (F::kType == WeightType::kF32) weights.Load(p, first);

  for (int tile = ptx::BlockX(); tile < p.tiles; tile += ptx::GridX()) {
    if (tile + ptx::GridX() >= p.tiles) ptx::ReleaseSuccessor();
    // Of few tokens ahead, since nothing else covers its way.
    const float residual = F::kFewTokens ? LoadResidual<F>(p, tile, 0) : 0.0f;
    const bool first_tile = tile == ptx::BlockX(), staged = p.resident && !first_tile;
    float sums[F::kGroups][F::kTiles][4] = {};
#pragma unroll 1
    for (int unit = ptx::Warp() * F::kUnitDepth; unit < p.depth; unit += kWarps * F::kUnitDepth) {
#pragma unroll 1
      for (int k = unit; k < unit + F::kUnitDepth; k += F::kStepDepth) {
        MultiplyStep<F>(p, weights, k, staged, first_tile, shared, sums);
        weights.Load(p, NextStep<F>(p, {tile, k}));
      }
    }
#pragma unroll 1
    for (int group = 0; group * kGroupTokens < p.tokens; ++group) {
      ptx::SyncWarp();  // no lane reads x any more
#pragma unroll
      for (int i = 0; i < F::kGroups; ++i) {
        if (i == group) StoreSums<F>(sums[i], shared);  // registers have no index
      }
      if (p.norm != nullptr) StoreSquares<F>(group, shared);
      ptx::SyncBlock();
      const OutputPlace place = PlaceOf<F>(p, tile, group);
      if (place.valid) FinishOutput<F>(p, place, shared, F::kFewTokens ? residual : LoadResidual<F>(p, tile, group));
      ptx::SyncBlock();
    }
  }
}

// ---- Launch ---------------------------------------------------------------------------------------------------------

template <class F>
void LaunchForm(Context& context, const char* name, TokenMatmulParameters p, const Cost& cost) {
  for (int i = 0; i < p.part_count; ++i) {
    p.parts[i].tiles_before = p.tiles;
    p.tiles += static_cast<int>(CeilDiv(p.parts[i].rows, F::kTiles << p.output_shift));
  }
  p.resident = F::kFewTokens && p.depth <= kWarps * F::kUnitDepth;
  LaunchShape shape;
  shape.grid.x = std::min<int64_t>(p.tiles, context.queue->limits().multiprocessors);
  shape.threads = kThreads;
  shape.blocks_per_sm = F::kBlocks;
  shape.shared_bytes = F::kSharedFloats * 4;
  Launch(*context.queue, name, TokenMatmulKernel<F>, shape, p, cost);
}

template <WeightType kType>
void LaunchType(Context& context, const char* name, const TokenMatmulParameters& p, const Cost& cost) {
  if (p.tokens <= 4) return LaunchForm<Form<kType, 4>>(context, name, p, cost);
  if (p.tokens <= 8) return LaunchForm<Form<kType, 8>>(context, name, p, cost);
  if (p.tokens <= 16) return LaunchForm<Form<kType, 16>>(context, name, p, cost);
  if (p.tokens <= 32) return LaunchForm<Form<kType, 32>>(context, name, p, cost);
  LaunchForm<Form<kType, kMaxTokens>>(context, name, p, cost);
}

int64_t RowBytes(const DeviceWeight& weight) { return weight.stride * ValueBytes(weight.type); }

// Of weights of one type.
TokenMatmulParameters ParametersOf(Context& context, const TokenInput& input, const DeviceWeight& weight) {
  assert(input.x.rows >= 1 && input.x.rows <= kMaxTokens && weight.cols == input.x.cols);
  TokenMatmulParameters p;
  p.x = input.x.data;
  p.x_stride = input.x.stride;
  p.tokens = static_cast<int>(input.x.rows);
  p.depth = static_cast<int>(input.x.cols);
  const int64_t multiple = weight.type == WeightType::kF32 ? 1 : weight.type == WeightType::kBF16 ? 64 : kBlockDepth;
  p.padded = static_cast<int>(RoundUp(weight.cols, multiple));
  p.norm = context.weights->Vector(*context.queue, input.norm);
  p.eps = static_cast<float>(input.eps);
  p.x_aligned = QuadsAligned({input.x}) && QuadsAligned(p.norm);
  p.weight_aligned = true;
  return p;
}

DeviceEpilogue EpilogueOnDevice(Context& context, const Epilogue& epilogue) {
  DeviceEpilogue e;
  e.bias = context.weights->Vector(*context.queue, epilogue.bias);
  e.activation = epilogue.activation;
  e.gate = epilogue.gate.data;
  e.gate_stride = epilogue.gate.rows == 1 ? 0 : epilogue.gate.stride;
  e.residual = epilogue.residual.data;
  e.residual_stride = epilogue.residual.stride;
  return e;
}

// `low` and `high`: of rows 0 to 7 and 8 to 15 of a tile.
void AddPart(TokenMatmulParameters& p, const DeviceWeight& low, const DeviceWeight& high, const Matrix& out) {
  assert(low.type == high.type && low.stride == high.stride && low.rows == out.cols && high.rows == out.cols);
  TokenPart& part = p.parts[p.part_count++];
  const DeviceWeight* weights[] = {&low, &high};
  for (int half = 0; half < 2; ++half) {
    part.weight[half] = static_cast<const char*>(weights[half]->data);
    part.scales[half] = weights[half]->scales;
    p.weight_aligned &= reinterpret_cast<uintptr_t>(weights[half]->data) % 16 == 0 && low.stride % 4 == 0;
  }
  part.row_bytes = RowBytes(low);
  part.rows = static_cast<int>(low.rows);
  part.out = out.data;
  part.out_stride = out.stride;
}

double WeightBytes(const DeviceWeight& weight) {
  const int64_t scales = weight.type == WeightType::kInt8 ? weight.stride / kBlockDepth * 4 : 0;
  return static_cast<double>(weight.rows) * static_cast<double>(RowBytes(weight) + scales);
}

// Of x, outputs and what is read beside the weight.
double ActivationBytes(const Matrix& m) { return 4.0 * static_cast<double>(m.rows * m.cols); }

double Flops(const Matrix& x, const DeviceWeight& weight) {
  const double products = weight.type == WeightType::kF32 ? 3.0 : 1.0;
  return 2.0 * products * static_cast<double>(x.rows * x.cols) * static_cast<double>(weight.rows);
}

void LaunchAny(Context& context, const char* name, WeightType type, const TokenMatmulParameters& p, const Cost& cost) {
  if (!context.queue->ok()) return;
  switch (type) {
    case WeightType::kF32:
      return LaunchType<WeightType::kF32>(context, name, p, cost);
    case WeightType::kBF16:
      return LaunchType<WeightType::kBF16>(context, name, p, cost);
    case WeightType::kInt8:
      return LaunchType<WeightType::kInt8>(context, name, p, cost);
    case WeightType::kE4M3:
      break;
  }
  context.queue->Fail(InternalError(std::string(name) + ": the weight is E4M3, which only a library multiplies"));
}

}  // namespace

int64_t TokenMatmulScratch(const Capacity& /*capacity*/) { return 0; }

// One launch for each type among the weights: as a rule they have one.
void TokenMatmul(Context& context, const TokenInput& input, std::span<const TokenProduct> products) {
  assert(!products.empty() && products.size() <= kMaxParts);
  for (WeightType type : {WeightType::kF32, WeightType::kBF16, WeightType::kInt8, WeightType::kE4M3}) {
    TokenMatmulParameters p;
    Cost cost{ActivationBytes(input.x), 0, true};
    for (const TokenProduct& product : products) {
      const DeviceWeight weight = context.weights->Rows(*context.queue, product.weight);
      if (weight.type != type || weight.data == nullptr) continue;
      if (p.part_count == 0) p = ParametersOf(context, input, weight);
      AddPart(p, weight, weight, product.out);
      p.parts[p.part_count - 1].epilogue = EpilogueOnDevice(context, product.epilogue);
      cost.bytes += WeightBytes(weight) + ActivationBytes(product.out) + ActivationBytes(product.epilogue.residual) +
                    ActivationBytes(product.epilogue.gate);
      cost.flops += Flops(input.x, weight);
    }
    if (p.part_count > 0) LaunchAny(context, "TokenMatmul", type, p, cost);
  }
}

void TokenSwiGlu(Context& context, const TokenInput& input, const View& gate, const View& up, const Matrix& out) {
  const DeviceWeight gates = context.weights->Rows(*context.queue, gate);
  const DeviceWeight ups = context.weights->Rows(*context.queue, up);
  if (!context.queue->ok()) return;
  TokenMatmulParameters p = ParametersOf(context, input, gates);
  p.swiglu = true;
  p.output_shift = 3;
  AddPart(p, gates, ups, out);
  Cost cost{ActivationBytes(input.x) + WeightBytes(gates) + WeightBytes(ups) + ActivationBytes(out), 0, true};
  cost.flops = Flops(input.x, gates) + Flops(input.x, ups);
  LaunchAny(context, "TokenSwiGlu", gates.type, p, cost);
}

}  // namespace blip3o::cuda
