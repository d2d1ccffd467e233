// Products of many rows on tensor cores: out[t, n] = epilogue(Σ_k x[t, k] · weight[n, k]). Serves where no library
// does.
//
// Bound by the tensor cores from some hundred rows on; at 128 rows (a chunk of a prompt) by the bytes of the weight. A
// block owns 128 rows × 128 outputs (kInt8: 64) and goes along K in pieces of 64 bytes of a row. Weights come by
// asynchronous copies, two pieces ahead; x comes by registers, which round it, one piece ahead. A warp owns 64 × 64
// outputs (kInt8: 64 × 32): 16 KiB of shared memory are read for each 128 mma of a warp's piece.
//
//   kBF16: 32 values a piece, x rounded to bf16;
//   kF32:  16 values a piece; x lies in shared memory as bf16 hi and lo, a lane splits what it reads of the weight, and
//          hi·lo, lo·hi, hi·hi are summed;
//   kInt8: 32 values a piece, x rounded to bf16, int8 is exact in bf16; 128 inputs are summed by themselves, times
//   their
//          scale.
//
// Order of sums: along K in ascending pieces of 16; by K alone.
#include <algorithm>
#include <cassert>
#include <cstdint>

#include "base/q8.h"
#include "ops/cuda/device_math.h"
#include "ops/cuda/kernels.h"
#include "ops/cuda/quad.h"

namespace blip3o::cuda {

namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / ptx::kWarp;
constexpr int kBlocksPerSm = 2;
constexpr int kRows = 128;     // of x in a block
constexpr int kWarpRows = 64;  // of them in a warp
constexpr int kStages = 3;     // pieces of weights in shared memory
constexpr int kRowBytes = 64;  // of a row's piece in shared memory
constexpr int kSegmentBytes = 16;
constexpr int kSegments = kRowBytes / kSegmentBytes;
constexpr int kSlabRows = 16;  // the rows of an mma
constexpr int kSlabs = kWarpRows / kSlabRows;

template <WeightType kType>
struct Tile {
  static constexpr int kDepth = kType == WeightType::kF32 ? 16 : 32;  // of a piece
  static constexpr int kWidth = kType == WeightType::kInt8 ? 64 : 128;
  static constexpr int kWarpWidth = kWidth / 2;
  static constexpr int kWeightRowBytes = kType == WeightType::kInt8 ? 32 : 64;
  static constexpr int kWeightBytes = kWidth * kWeightRowBytes;
  static constexpr int kXBytes = kRows * kRowBytes;
  static constexpr int kSharedBytes = 2 * kXBytes + kStages * kWeightBytes;
  static constexpr int kXQuads = kDepth / 4;                   // of a row's piece
  static constexpr int kFetches = kRows * kXQuads / kThreads;  // quads of a thread and piece
  static constexpr int kFragments = kWarpWidth / 8;            // of outputs, in a warp
  static constexpr int kStagedStride = kWarpWidth + 8;         // floats: no two rows of an mma on one bank
  static constexpr int kStagedFloats = kSlabRows * kStagedStride;
  static_assert(kWarps * kStagedFloats * 4 <= kSharedBytes);
};

struct MatmulParameters {
  const float* x;  // [T, K]
  int64_t x_stride;
  const char* weight;
  int64_t weight_bytes;  // from row to row
  const float* scales;   // kInt8: [N, blocks]
  int64_t blocks;        // of 128 inputs in a row
  int64_t rows, cols, depth;
  DeviceEpilogue epilogue;
  float* out;  // [T, N]
  int64_t out_stride;
  bool weight_computed;  // by a kernel before: nothing of it may be read before the wait
  bool x_aligned;        // rows of x start at 16 bytes
  bool weight_aligned;   // rows of the weight start at 16 bytes and are of whole segments, or padded with zeros
  bool out_aligned;      // rows of out, gate and residual start at 16 bytes
};

// Rows of 64 bytes: the 16-byte segments of 8 rows that follow each other fall on different banks.
__device__ inline int SwizzledOffset(int row, int segment) {
  return row * kRowBytes + (segment ^ ((row >> 1) & (kSegments - 1))) * kSegmentBytes;
}

// ---- Weights --------------------------------------------------------------------------------------------------------

// The copies of weights: what a thread copies lies at the same places of every piece.
template <WeightType kType>
struct WeightCopies {
  using T = Tile<kType>;
  static constexpr int kValueBytes = kType == WeightType::kF32 ? 4 : kType == WeightType::kBF16 ? 2 : 1;
  static constexpr int kRowSegments = T::kWeightRowBytes / kSegmentBytes;
  static constexpr int kRowsApart = kThreads / kRowSegments;  // of a thread's copies
  static constexpr int kCount = T::kWidth / kRowsApart;
  static_assert(kRowsApart % 8 == 0);  // so they are swizzled alike

  const char* from;
  int64_t apart_bytes;
  int to, rows, values;  // offset in a stage; rows and values of a row from its own on

  __device__ WeightCopies(const MatmulParameters& p, int64_t first_n) {
    const int row = ptx::Thread() / kRowSegments, segment = ptx::Thread() % kRowSegments;
    const int64_t n = first_n + row;
    rows = static_cast<int>(min(p.cols - first_n, static_cast<int64_t>(T::kWidth))) - row;
    values = static_cast<int>(p.depth) - segment * (kSegmentBytes / kValueBytes);
    from = p.weight + n * p.weight_bytes + segment * kSegmentBytes;
    apart_bytes = kRowsApart * p.weight_bytes;
    to = kType == WeightType::kInt8 ? row * T::kWeightRowBytes + segment * kSegmentBytes : SwizzledOffset(row, segment);
  }

  // Four f32 of a row of which `left` are left, one by one.
  __device__ static void CopyValues(const char* source, int left, bool exists, char* target) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      ptx::CopyAsync4(target + 4 * j, source + 4 * j, exists && j < left);
    }
  }

  __device__ void Start(const MatmulParameters& p, int piece, char* stage) const {
    const char* at = from + static_cast<int64_t>(piece) * T::kWeightRowBytes;
    const int left = values - piece * T::kDepth;
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const bool exists = i * kRowsApart < rows && left > 0;
      const char* source = at + i * apart_bytes;
      char* target = stage + to + i * kRowsApart * T::kWeightRowBytes;
      if constexpr (kType == WeightType::kF32) {
        if (!p.weight_aligned) {
          CopyValues(source, left, exists, target);
          continue;
        }
      }
      ptx::CopyAsync16(target, source, exists);
    }
  }
};

// ---- x --------------------------------------------------------------------------------------------------------------

// A thread's quads of x, its every kRowsApart-th row of a piece.
template <WeightType kType>
struct XFetches {
  using T = Tile<kType>;
  static constexpr int kRowsApart = kThreads / T::kXQuads;
  static constexpr int kCount = kRows / kRowsApart;
  static_assert(kRowsApart % 8 == 0);

  const float* from;  // its first quad of the first piece
  int64_t apart;
  int rows, values;  // from its own on
  int to;
  static constexpr int kLow = 2 * kSegmentBytes;  // kF32: where the low halves are, by exclusive or

  __device__ XFetches(const MatmulParameters& p, int64_t first_row) {
    const int row = ptx::Thread() / T::kXQuads, quad = ptx::Thread() % T::kXQuads;
    rows = static_cast<int>(min(p.rows - first_row, static_cast<int64_t>(kRows))) - row;
    values = static_cast<int>(p.depth) - quad * 4;
    from = p.x + (first_row + row) * p.x_stride + quad * 4;
    apart = kRowsApart * p.x_stride;
    to = SwizzledOffset(row, quad >> 1) + (quad & 1) * static_cast<int>(sizeof(BF16Quad));
  }
};

// Some of a thread's quads on their way to shared memory: [first, first + kQuads).
template <WeightType kType, int kQuads>
struct Fetch {
  using X = XFetches<kType>;
  Quad quads[kQuads];

  // All loads are under way before the first value is waited for.
  __device__ void Load(const MatmulParameters& p, const X& x, int piece, int first) {
    const float* at = x.from + static_cast<int64_t>(piece) * Tile<kType>::kDepth;
    const int left = x.values - piece * Tile<kType>::kDepth;
#pragma unroll
    for (int i = 0; i < kQuads; ++i) {
      quads[i] = Quad{};
      if ((first + i) * X::kRowsApart >= x.rows) continue;
      const float* row = at + (first + i) * x.apart;
      if (p.x_aligned && left >= 4) {
        quads[i] = *reinterpret_cast<const Quad*>(row);
        continue;
      }
#pragma unroll
      for (int c = 0; c < 4; ++c) {
        if (c < left) quads[i].value[c] = row[c];
      }
    }
  }

  __device__ void Store(const X& x, int first, char* shared) const {
#pragma unroll
    for (int i = 0; i < kQuads; ++i) {
      char* to = shared + (first + i) * X::kRowsApart * kRowBytes;
      const float(&v)[4] = quads[i].value;
      if constexpr (kType == WeightType::kF32) {
        const SplitWords left = SplitBF16(v[0], v[1]), right = SplitBF16(v[2], v[3]);
        *reinterpret_cast<BF16Quad*>(to + x.to) = {left.high, right.high};
        *reinterpret_cast<BF16Quad*>(to + (x.to ^ X::kLow)) = {left.low, right.low};
      } else {
        *reinterpret_cast<BF16Quad*>(to + x.to) = {ptx::PackBF16(v[0], v[1]), ptx::PackBF16(v[2], v[3])};
      }
    }
  }
};

// ---- Products -------------------------------------------------------------------------------------------------------

struct alignas(8) Float2 {
  float x, y;
};
struct alignas(2) Int8Pair {
  int8_t x, y;
};

// The sums of a warp.
template <WeightType kType>
struct Sums {
  using T = Tile<kType>;
  float value[kSlabs][T::kFragments][4] = {};
  int first_row, first_n;  // of the block's

  __device__ Sums() {
    first_row = ptx::Warp() / 2 * kWarpRows;
    first_n = ptx::Warp() % 2 * T::kWarpWidth;
  }

  // 16 values of the warp's rows, `half` of the 64 bytes.
  __device__ void LoadRows(const char* x, int half, uint32_t (&a)[kSlabs][4]) const {
#pragma unroll
    for (int m = 0; m < kSlabs; ++m) {
      const int row = first_row + m * kSlabRows + ptx::Lane() % 16, segment = half * 2 + ptx::Lane() / 16;
      ptx::LoadMatrix4(a[m], x + SwizzledOffset(row, segment));
    }
  }

  __device__ void Add(int fragment, const uint32_t (&a)[kSlabs][4], const uint32_t (&b)[2]) {
#pragma unroll
    for (int m = 0; m < kSlabs; ++m) ptx::MmaBF16(value[m][fragment], a[m], b);
  }

  __device__ void AddRounded(const char* x, const char* weights, int half) {
    uint32_t a[kSlabs][4];
    LoadRows(x, half, a);
#pragma unroll
    for (int f = 0; f < T::kFragments; f += 2) {
      const int row = first_n + 8 * f + ptx::Lane() / 16 * 8 + ptx::Lane() % 8;
      uint32_t b[4];
      ptx::LoadMatrix4(b, weights + SwizzledOffset(row, half * 2 + ptx::Lane() / 8 % 2));
      Add(f, a, {b[0], b[1]});
      Add(f + 1, a, {b[2], b[3]});
    }
  }

  __device__ void AddSplit(const char* x, const char* weights) {
    uint32_t high[kSlabs][4], low[kSlabs][4];
    LoadRows(x, 0, high);
    LoadRows(x, 1, low);
    const int pair = ptx::Lane() % 4;  // values 2 · pair, and 8 behind them
#pragma unroll
    for (int f = 0; f < T::kFragments; ++f) {
      const int row = first_n + 8 * f + ptx::Lane() / 4;
      SplitWords b[2];
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        const char* at = weights + SwizzledOffset(row, 2 * i + pair / 2) + pair % 2 * static_cast<int>(sizeof(Float2));
        const Float2 values = *reinterpret_cast<const Float2*>(at);
        b[i] = SplitBF16(values.x, values.y);
      }
      Add(f, high, {b[0].low, b[1].low});
      Add(f, low, {b[0].high, b[1].high});
      Add(f, high, {b[0].high, b[1].high});
    }
  }

  __device__ void AddInt8(const char* x, const char* weights, int half) {
    uint32_t a[kSlabs][4];
    LoadRows(x, half, a);
#pragma unroll
    for (int f = 0; f < T::kFragments; ++f) {
      const int row = first_n + 8 * f + ptx::Lane() / 4;
      uint32_t b[2];
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        const char* at = weights + row * T::kWeightRowBytes + half * 16 + i * 8 + ptx::Lane() % 4 * 2;
        const Int8Pair pair = *reinterpret_cast<const Int8Pair*>(at);
        b[i] = ptx::PackBF16(static_cast<float>(pair.x), static_cast<float>(pair.y));
      }
      Add(f, a, b);
    }
  }

  // 16 values of K; of kF32 there are no more in a piece.
  __device__ void AddHalf(const char* x, const char* weights, int half) {
    if constexpr (kType == WeightType::kF32) {
      AddSplit(x, weights);
    } else if constexpr (kType == WeightType::kInt8) {
      AddInt8(x, weights, half);
    } else {
      AddRounded(x, weights, half);
    }
  }

  // Takes over the sums of a block of 128 inputs, times their scales, and clears them.
  __device__ void Take(Sums& block, const MatmulParameters& p, int64_t first, int64_t index) {
#pragma unroll
    for (int f = 0; f < T::kFragments; ++f) {
      const int64_t n = first + first_n + 8 * f + ptx::Lane() % 4 * 2;
      const float left = n < p.cols ? p.scales[n * p.blocks + index] : 0.0f;
      const float right = n + 1 < p.cols ? p.scales[(n + 1) * p.blocks + index] : 0.0f;
#pragma unroll
      for (int m = 0; m < kSlabs; ++m) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          value[m][f][i] += (i % 2 == 0 ? left : right) * block.value[m][f][i];
          block.value[m][f][i] = 0.0f;
        }
      }
    }
  }

  // The 16 rows of slab `m`, [16, kWarpWidth] in the warp's part of shared memory.
  __device__ void Stage(int m, float* staged) const {
    float* at = staged + ptx::Lane() / 4 * T::kStagedStride + ptx::Lane() % 4 * 2;
#pragma unroll
    for (int i = 0; i < kSlabs; ++i) {
      if (i != m) continue;
#pragma unroll
      for (int f = 0; f < T::kFragments; ++f) {
        const float(&d)[4] = value[i][f];
        *reinterpret_cast<Float2*>(at + 8 * f) = {d[0], d[1]};
        *reinterpret_cast<Float2*>(at + 8 * f + 8 * T::kStagedStride) = {d[2], d[3]};
      }
    }
  }
};

// ---- Results --------------------------------------------------------------------------------------------------------

// Four outputs of one row, loaded, finished and stored; what needs many instructions stands in the code once.
__device__ inline void StoreResult(const MatmulParameters& p, Quad quad, int64_t row, int64_t n) {
  const DeviceEpilogue& e = p.epilogue;
  const Quad bias = e.bias == nullptr ? Quad{} : LoadQuad(e.bias, n, p.cols, false);
  const Quad gate = e.gate == nullptr ? Quad{} : LoadQuad(e.gate + row * e.gate_stride, n, p.cols, p.out_aligned);
  const Quad residual =
      e.residual == nullptr ? Quad{} : LoadQuad(e.residual + row * e.residual_stride, n, p.cols, p.out_aligned);
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    float value = Activated(e.activation, quad.value[i] + bias.value[i]);
    if (e.gate != nullptr) value *= gate.value[i];
    quad.value[i] = e.residual == nullptr ? value : value + residual.value[i];
  }
  StoreQuad(quad, p.out + row * p.out_stride, n, p.cols, p.out_aligned);
}

template <WeightType kType>
__device__ inline void StoreSums(const MatmulParameters& p, const Sums<kType>& sums, int64_t first_row, int64_t first_n,
                                 float* staged) {
  using T = Tile<kType>;
  constexpr int kQuads = T::kWarpWidth / 4, kRowsAtOnce = ptx::kWarp / kQuads;
  const int col = ptx::Lane() % kQuads * 4;
  const int64_t n = first_n + sums.first_n + col;
#pragma unroll 1
  for (int m = 0; m < kSlabs; ++m) {
    sums.Stage(m, staged);
    ptx::SyncWarp();
#pragma unroll 1
    for (int r = ptx::Lane() / kQuads; r < kSlabRows; r += kRowsAtOnce) {
      const int64_t row = first_row + sums.first_row + m * kSlabRows + r;
      if (row >= p.rows || n >= p.cols) continue;
      StoreResult(p, *reinterpret_cast<const Quad*>(staged + r * T::kStagedStride + col), row, n);
    }
    ptx::SyncWarp();
  }
}

// A block owns 128 rows × 128 (kInt8: 64) outputs, a warp 64 × 64 (64 × 32) of them in fragments of mma, a thread
// fetches every 128th quad of x. Sums are f32. Shared memory: two pieces of x, three of weights; behind the products 16
// rows of results for each warp. Alignment: rows of BF16 and int8 weights at 16 bytes, all else where it is said to be.
// Two blocks a multiprocessor.
template <WeightType kType>
__global__ void __launch_bounds__(kThreads, kBlocksPerSm) MatmulKernel(const MatmulParameters p) {
  using T = Tile<kType>;
  char* x = ptx::SharedMemory();
  char* weights = x + 2 * T::kXBytes;
  const int64_t first_n = static_cast<int64_t>(ptx::BlockX()) * T::kWidth;
  const int64_t first_row = static_cast<int64_t>(ptx::BlockY()) * kRows;
  const int pieces = static_cast<int>((p.depth + T::kDepth - 1) / T::kDepth);
  const WeightCopies<kType> copies(p, first_n);
  if (p.weight_computed) ptx::WaitForPredecessor();
  for (int piece = 0; piece < kStages - 1; ++piece) {
    if (piece < pieces) copies.Start(p, piece, weights + piece * T::kWeightBytes);
    ptx::CommitCopies();
  }
  if (!p.weight_computed) ptx::WaitForPredecessor();
  const XFetches<kType> fetches(p, first_row);
  {
    Fetch<kType, XFetches<kType>::kCount> first;
    first.Load(p, fetches, 0, 0);
    first.Store(fetches, 0, x);
  }

  constexpr int kHalves = kType == WeightType::kF32 ? 1 : 2;
  constexpr int kHalfQuads = XFetches<kType>::kCount / kHalves;
  Sums<kType> sums, block;  // `block` is kInt8's alone
  Sums<kType>& current = kType == WeightType::kInt8 ? block : sums;
  int slot = 0;
#pragma unroll 1
  for (int piece = 0; piece < pieces; ++piece) {
    ptx::WaitCopies<kStages - 2>();
    ptx::SyncBlock();
    // Into the slot of the piece before, which every thread has left behind.
    const int free_slot = slot == 0 ? kStages - 1 : slot - 1;
    if (piece + kStages - 1 < pieces) copies.Start(p, piece + kStages - 1, weights + free_slot * T::kWeightBytes);
    ptx::CommitCopies();
    const bool fetching = piece + 1 < pieces;
#pragma unroll
    for (int half = 0; half < kHalves; ++half) {
      Fetch<kType, kHalfQuads> next;
      if (fetching) next.Load(p, fetches, piece + 1, half * kHalfQuads);
      current.AddHalf(x + piece % 2 * T::kXBytes, weights + slot * T::kWeightBytes, half);
      if (fetching) next.Store(fetches, half * kHalfQuads, x + (piece + 1) % 2 * T::kXBytes);
    }
    if constexpr (kType == WeightType::kInt8) {
      constexpr int kPieces = kQ8Block / T::kDepth;
      if (piece % kPieces == kPieces - 1 || !fetching) sums.Take(block, p, first_n, piece / kPieces);
    }
    slot = slot + 1 == kStages ? 0 : slot + 1;
  }
  ptx::ReleaseSuccessor();
  ptx::SyncBlock();
  StoreSums(p, sums, first_row, first_n, reinterpret_cast<float*>(x) + ptx::Warp() * T::kStagedFloats);
}

// ---- Launcher -------------------------------------------------------------------------------------------------------

Cost CostOf(const MatmulParameters& p, WeightType type) {
  const double rows = static_cast<double>(p.rows), cols = static_cast<double>(p.cols);
  const double depth = static_cast<double>(p.depth);
  const double outs = 1.0 + (p.epilogue.residual != nullptr) + (p.epilogue.gate_stride != 0);
  return {.bytes = 4 * rows * depth + static_cast<double>(p.weight_bytes) * cols + 4 * rows * cols * outs,
          .flops = 2 * rows * cols * depth * (type == WeightType::kF32 ? 3 : 1),
          .tensor_cores = true};
}

template <WeightType kType>
void LaunchTiles(Context& context, const MatmulParameters& p) {
  using T = Tile<kType>;
  Launch(*context.queue, "Matmul", MatmulKernel<kType>,
         {.grid = {CeilDiv(p.cols, T::kWidth), CeilDiv(p.rows, kRows), 1},
          .threads = kThreads,
          .blocks_per_sm = kBlocksPerSm,
          .shared_bytes = T::kSharedBytes},
         p, CostOf(p, kType));
}

}  // namespace

int64_t MatmulScratch(const Capacity&) { return 0; }

void Matmul(Context& context, const Matrix& x, const View& view, const Epilogue& epilogue, const Matrix& out) {
  const DeviceWeight weight = context.weights->Rows(*context.queue, view);
  if (weight.data == nullptr) return;  // the queue has failed
  assert(weight.rows == out.cols && weight.cols == x.cols && x.rows == out.rows);
  const int64_t value_bytes = weight.type == WeightType::kF32 ? 4 : weight.type == WeightType::kBF16 ? 2 : 1;
  MatmulParameters p = {};
  p.x = x.data;
  p.x_stride = x.stride;
  p.weight = static_cast<const char*>(weight.data);
  p.weight_bytes = weight.stride * value_bytes;
  p.scales = weight.scales;
  p.blocks = CeilDiv(x.cols, kQ8Block);
  p.rows = x.rows;
  p.cols = out.cols;
  p.depth = x.cols;
  p.epilogue.bias = context.weights->Vector(*context.queue, epilogue.bias);
  p.epilogue.activation = epilogue.activation;
  p.epilogue.gate = epilogue.gate.data;
  p.epilogue.gate_stride = epilogue.gate.rows == 1 ? 0 : epilogue.gate.stride;
  p.epilogue.residual = epilogue.residual.data;
  p.epilogue.residual_stride = epilogue.residual.stride;
  p.out = out.data;
  p.out_stride = out.stride;
  p.weight_computed = context.queue->Owns(view.data);
  p.x_aligned = QuadsAligned({x});
  // A row of F32 that was computed on the device has nothing behind it.
  const bool whole = weight.stride > weight.cols || weight.cols % 4 == 0;
  p.weight_aligned = reinterpret_cast<uintptr_t>(weight.data) % 16 == 0 && p.weight_bytes % 16 == 0 && whole;
  p.out_aligned = QuadsAligned({out, epilogue.gate, epilogue.residual});
  if (weight.type == WeightType::kF32) return LaunchTiles<WeightType::kF32>(context, p);
  if (weight.type == WeightType::kInt8) return LaunchTiles<WeightType::kInt8>(context, p);
  LaunchTiles<WeightType::kBF16>(context, p);
}

}  // namespace blip3o::cuda
