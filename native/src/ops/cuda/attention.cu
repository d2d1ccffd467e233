// Softmax attention of many rows: softmax(q kᵀ / √d) v per head, causal over the cache in PrefillAttention, over all
// keys in CrossAttention. The scores are never stored: keys pass in tiles of 64 from key 0, with the maximum, the sum
// and the weighted values so far (online softmax, Milakov and Gimelshein, arXiv 1805.02867).
//
// Bound by tensor cores. First a kernel packs keys and values to bf16 by head, bound by memory: 6 bytes a value, 10
// with low halves. Then a block takes 64 queries of one head past all keys: 4 · 64 · head_dim operations for 4 ·
// head_dim bytes of a key and its value from L2, 64 operations a byte; of its own 64 · head_dim queries it reads each
// value once. A warp's 16 queries share every fragment of keys and values: 4096 operations for 512 bytes of shared
// memory or half of them, 16 a byte and multiprocessor's 128 bytes a clock feed 2048 operations, half of H100's dense
// rate and about what mma.sync reaches. The cross attention of the public model, 1024 queries of 20 heads of 112 over
// 730 keys: 6.7 GFLOP, 14 µs at 480 TFLOP/s, and 20 MB to pack, 6 µs at 3.35 TB/s, less from L2.
//
// Rounding follows the store's product type. kBF16: queries, keys, values and weights are rounded to bf16. kF32: each
// is split in two, hi + lo, and hi·hi + hi·lo + lo·hi summed (error about 2^-16 of the magnitudes; where an operand is
// infinite the result is NaN). Sums and softmax are f32. A row's sums have one order in any company: tiles beyond what
// it may see leave its maximum, sum and values as they are.
#include <cassert>
#include <cmath>

#include "ops/cuda/attention.h"
#include "ops/cuda/device_math.h"
#include "ops/cuda/kernels.h"

namespace blip3o::cuda {

namespace {

constexpr int kKeyTile = 64;
constexpr int kQueryTile = 64;
constexpr int kThreads = 128;
constexpr int kWarps = kThreads / ptx::kWarp;
constexpr int kChunk = 8;                     // bf16 values of 16 bytes
constexpr int kKeyThreads = 4;                // that load a key together
constexpr int kScoreTiles = kKeyTile / 8;     // mma's columns
constexpr int kValueSteps = kKeyTile / 16;    // mma's depth
constexpr int64_t kSharedPerSm = 100 * 1024;  // of the smallest multiprocessor
constexpr int64_t kSharedPerBlock = 1024;     // that the device takes for itself
constexpr float kLowest = -INFINITY;

static_assert(kQueryTile == 16 * kWarps);

// ---- Packing --------------------------------------------------------------------------------------------------------

constexpr int kPackThreads = 256;
constexpr int kPackBlocksPerSm = 6;
constexpr int kPackWarps = kPackThreads / ptx::kWarp;

// Rows of one operand by head, in f32.
struct HeadRows {
  const float* data;  // head h, row j: data + h · head_stride + j · row_stride
  int64_t head_stride, row_stride;
};

// Keys or values in scratch: bf16 [planes, heads, keys, head_dim]; plane 1 holds the low halves. In pairs.
struct PackParameters {
  HeadRows keys, values;
  uint32_t* packed_keys;
  uint32_t* packed_values;
  int64_t plane;  // pairs from plane to plane
  int64_t count;  // of keys
  int64_t head_dim;
};

// A block owns eight rows (x) of one head (y) of the keys or the values (z); a warp owns a row, a lane every 32nd pair
// of it. No sums, no shared memory. Alignment: 4 bytes. Six blocks a multiprocessor.
template <bool kSplit>
__global__ void __launch_bounds__(kPackThreads, kPackBlocksPerSm) PackKernel(const PackParameters p) {
  ptx::WaitForPredecessor();
  const int64_t row = static_cast<int64_t>(ptx::BlockX()) * kPackWarps + ptx::Warp(), head = ptx::BlockY();
  if (row < p.count) {
    const HeadRows from = ptx::BlockZ() == 0 ? p.keys : p.values;
    const float* x = from.data + head * from.head_stride + row * from.row_stride;
    uint32_t* to = (ptx::BlockZ() == 0 ? p.packed_keys : p.packed_values) + (head * p.count + row) * (p.head_dim / 2);
#pragma unroll 2
    for (int64_t pair = ptx::Lane(); pair < p.head_dim / 2; pair += ptx::kWarp) {
      if constexpr (kSplit) {
        const SplitWords words = SplitBF16(x[2 * pair], x[2 * pair + 1]);
        to[pair] = words.high;
        to[p.plane + pair] = words.low;
      } else {
        to[pair] = ptx::PackBF16(x[2 * pair], x[2 * pair + 1]);
      }
    }
  }
  ptx::ReleaseSuccessor();
}

// ---- Attention ------------------------------------------------------------------------------------------------------

struct AttentionParameters {
  const float* q;  // [rows, heads · head_dim]
  float* out;      // the same
  int64_t q_stride, out_stride;
  const uint32_t* keys;  // as PackParameters
  const uint32_t* values;
  int64_t plane;
  int32_t rows;
  int32_t count;  // of keys
  int32_t group;  // query heads of one key-value head
  int32_t head_dim;
  bool causal;
  int32_t first_limit;  // row t sees keys [0, first_limit + t] where causal, else all
  float scale;          // of scores to powers of two
  bool out_aligned;     // to 8 bytes, at every even column
};

struct alignas(8) Pair {
  float value[2];
};

// kSteps: head_dim in steps of 16, mma's depth; what is beyond head_dim is zero. kSplit: low halves too.
template <int kSteps, bool kSplit>
struct Form {
  static constexpr int kPlanes = kSplit ? 2 : 1;
  static constexpr int kDim = 16 * kSteps;
  // Bytes of a row are an odd number of 16: eight rows of a matrix lie in different banks.
  static constexpr int kStride = kDim + kChunk;
  static constexpr int kTileValues = kKeyTile * kStride;
  static constexpr int kTiles = 2 * kPlanes;  // of keys and of values
  static constexpr int64_t kSharedBytes = 2 * kTiles * kTileValues + 16;
  static constexpr int kFitting = static_cast<int>(kSharedPerSm / (kSharedBytes + kSharedPerBlock));
  static constexpr int kWanted = kDim > 64 ? 2 : 3;  // of 255 or 168 registers a thread
  static constexpr int kBlocksPerSm = kFitting < kWanted ? kFitting : kWanted;
};

// One warp's 16 queries, in mma's places: lane l has rows g = l / 4 and g + 8, and columns 2·(l % 4), + 1 of each tile
// of 8.
template <typename F>
struct WarpState {
  uint32_t q[F::kPlanes][F::kDim / 16][4];
  float sum[F::kDim / 8][4];  // weighted values
  float score[kScoreTiles][4];
  float maximum[2] = {kLowest, kLowest};  // of rows g and g + 8, scaled
  float total[2] = {0.0f, 0.0f};          // of this lane's weights
  int limit[2];                           // the last key that each row sees
};

template <typename F>
struct AttentionShared {
  uint16_t* keys;    // [planes, kKeyTile, stride]
  uint16_t* values;  // the same
  uint32_t* unsafe;  // 1: a value of a tile that not every row may see is not finite
};

template <typename F>
__device__ inline AttentionShared<F> SharedOf() {
  AttentionShared<F> s;
  s.keys = reinterpret_cast<uint16_t*>(ptx::SharedMemory());
  s.values = s.keys + F::kPlanes * F::kTileValues;
  s.unsafe = reinterpret_cast<uint32_t*>(s.values + F::kPlanes * F::kTileValues);
  return s;
}

// A thread's first chunk of a tile; four threads share a key.
__device__ inline int FirstKey() { return ptx::Thread() / kKeyThreads; }
__device__ inline int FirstColumn() { return ptx::Thread() % kKeyThreads * kChunk; }

// f(keys, columns) for every chunk of a tile that is the thread's, counted from its first. kUnrolled: all at once.
template <typename F, bool kUnrolled, typename Function>
__device__ inline void ForChunks(const Function& f) {
  constexpr int kKeysAtOnce = kThreads / kKeyThreads, kColumnsAtOnce = kKeyThreads * kChunk;
#pragma unroll(kUnrolled ? kKeyTile : 1)
  for (int keys = 0; keys < kKeyTile; keys += kKeysAtOnce) {
#pragma unroll(kUnrolled ? F::kDim : 1)
    for (int columns = 0; columns < F::kDim; columns += kColumnsAtOnce) {
      if (FirstColumn() + columns < F::kDim) f(keys, columns);
    }
  }
}

// Starts to copy keys [first, first + 64) of one head to shared memory, zeros beyond the last and beyond head_dim.
template <typename F>
__device__ inline void StartTile(const AttentionParameters& p, const uint32_t* packed, int kv_head, int first,
                                 uint16_t* to) {
  const int row = p.head_dim / 2, left = p.count - first - FirstKey(), across = p.head_dim - FirstColumn();
  const uint32_t* from =
      packed + (static_cast<int64_t>(kv_head) * p.count + first + FirstKey()) * row + FirstColumn() / 2;
  uint16_t* tile = to + FirstKey() * F::kStride + FirstColumn();
#pragma unroll
  for (int plane = 0; plane < F::kPlanes; ++plane) {
    if (p.head_dim % kChunk == 0) {
      ForChunks<F, true>([&](int keys, int columns) {
        ptx::CopyAsync16(tile + keys * F::kStride + columns, from + keys * row + columns / 2,
                         keys < left && columns < across);
      });
    } else {
      ForChunks<F, false>([&](int keys, int columns) {
#pragma unroll 1
        for (int c = columns; c < columns + kChunk; c += 2) {
          ptx::CopyAsync4(tile + keys * F::kStride + c, from + keys * row + c / 2, keys < left && c < across);
        }
      });
    }
    from += p.plane;
    tile += F::kTileValues;
  }
  ptx::CommitCopies();
}

__device__ inline bool IsFinite(uint32_t half) { return (half & 0x7F80u) != 0x7F80u; }
__device__ inline bool AreFinite(uint32_t pair) { return IsFinite(pair) && IsFinite(pair >> 16); }

// Marks the tile where one of the chunks that this thread has copied holds a NaN or an infinity.
template <typename F>
__device__ inline void MarkUnsafe(const AttentionShared<F>& shared) {
  const uint16_t* values = shared.values + FirstKey() * F::kStride + FirstColumn();
  bool finite = true;
  ForChunks<F, false>([&](int keys, int columns) {
    const auto chunk = *reinterpret_cast<const ptx::Words4*>(values + keys * F::kStride + columns);
#pragma unroll
    for (int i = 0; i < 4; ++i) finite = finite && AreFinite(chunk.word[i]);
  });
  if (!finite) ptx::AtomicOr(shared.unsafe, uint32_t{1});
}

template <typename F>
__device__ inline void LoadQueries(const AttentionParameters& p, int first_row, int head, WarpState<F>& state) {
  const int row_in_tile = ptx::Lane() / 4, column_in_tile = 2 * (ptx::Lane() % 4);
#pragma unroll
  for (int step = 0; step < F::kDim / 16; ++step) {
#pragma unroll
    for (int word = 0; word < 4; ++word) {
      const int row = first_row + row_in_tile + word % 2 * 8;
      const int column = 16 * step + column_in_tile + word / 2 * 8;
      float low = 0.0f, high = 0.0f;
      if (row < p.rows && column < p.head_dim) {
        const float* at = p.q + row * p.q_stride + static_cast<int64_t>(head) * p.head_dim + column;
        low = at[0];
        high = at[1];
      }
      const SplitWords words = SplitBF16(low, high);
      state.q[0][step][word] = words.high;
      if constexpr (F::kPlanes == 2) state.q[1][step][word] = words.low;
    }
  }
}

// The fragments of keys [16 · n, 16 · n + 16) at depth `step`: of two tiles of 8 keys.
template <typename F>
__device__ inline void LoadKeys(const uint16_t* tile, int n, int step, uint32_t (&b)[2][2]) {
  uint32_t word[4];
  ptx::LoadMatrix4(word, tile + 16 * n * F::kStride + 16 * step);
  b[0][0] = word[0];
  b[0][1] = word[1];
  b[1][0] = word[2];
  b[1][1] = word[3];
}

// The fragments of columns [16 · n, 16 · n + 16) of the values of keys [16 · step, 16 · step + 16).
template <typename F>
__device__ inline void LoadValues(const uint16_t* tile, int n, int step, uint32_t (&b)[2][2]) {
  uint32_t word[4];
  ptx::LoadMatrix4Transposed(word, tile + 16 * step * F::kStride + 16 * n);
  b[0][0] = word[0];
  b[0][1] = word[1];
  b[1][0] = word[2];
  b[1][1] = word[3];
}

// score = q kᵀ over one tile.
template <typename F>
__device__ inline void Scores(const AttentionShared<F>& shared, WarpState<F>& state) {
#pragma unroll
  for (int n = 0; n < kScoreTiles; ++n) {
#pragma unroll
    for (float& score : state.score[n]) score = 0.0f;
  }
  const int lane = ptx::Lane();
  const uint16_t* keys = shared.keys + (lane / 16 * 8 + lane % 8) * F::kStride + lane / 8 % 2 * 8;
#pragma unroll
  for (int step = 0; step < F::kDim / 16; ++step) {
#pragma unroll
    for (int n = 0; n < kScoreTiles / 2; ++n) {
      uint32_t high[2][2];
      LoadKeys<F>(keys, n, step, high);
      ptx::MmaBF16(state.score[2 * n], state.q[0][step], high[0]);
      ptx::MmaBF16(state.score[2 * n + 1], state.q[0][step], high[1]);
      if constexpr (F::kPlanes == 2) {
        uint32_t low[2][2];
        LoadKeys<F>(keys + F::kTileValues, n, step, low);
        ptx::MmaBF16(state.score[2 * n], state.q[0][step], low[0]);
        ptx::MmaBF16(state.score[2 * n + 1], state.q[0][step], low[1]);
        ptx::MmaBF16(state.score[2 * n], state.q[1][step], high[0]);
        ptx::MmaBF16(state.score[2 * n + 1], state.q[1][step], high[1]);
      }
    }
  }
}

// Keys beyond a row's limit weigh nothing, whatever their scores.
template <typename F>
__device__ inline void Mask(int first_key, WarpState<F>& state) {
#pragma unroll
  for (int n = 0; n < kScoreTiles; ++n) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int key = first_key + 8 * n + 2 * (ptx::Lane() % 4) + i % 2;
      if (key > state.limit[i / 2]) state.score[n][i] = kLowest;
    }
  }
}

// Scores become weights against the maximum so far; what was summed is rescaled to it.
template <typename F>
__device__ inline void Softmax(float scale, WarpState<F>& state) {
#pragma unroll
  for (int row = 0; row < 2; ++row) {
    float maximum = kLowest;
#pragma unroll
    for (int n = 0; n < kScoreTiles; ++n) {
      maximum = fmaxf(maximum, fmaxf(state.score[n][2 * row], state.score[n][2 * row + 1]));
    }
    maximum = fmaxf(maximum, ptx::ShuffleXor(maximum, 1));
    maximum = fmaxf(maximum, ptx::ShuffleXor(maximum, 2));
    maximum = fmaxf(state.maximum[row], maximum * scale);
    const float rescale = maximum == state.maximum[row] ? 1.0f : ptx::Exp2Approx(state.maximum[row] - maximum);
    state.maximum[row] = maximum;
    float total = 0.0f;
#pragma unroll
    for (int n = 0; n < kScoreTiles; ++n) {
#pragma unroll
      for (int i = 2 * row; i < 2 * row + 2; ++i) {
        state.score[n][i] = ptx::Exp2Approx(state.score[n][i] * scale - maximum);
        total += state.score[n][i];
      }
    }
    state.total[row] = state.total[row] * rescale + total;
#pragma unroll
    for (int n = 0; n < F::kDim / 8; ++n) {
      state.sum[n][2 * row] *= rescale;
      state.sum[n][2 * row + 1] *= rescale;
    }
  }
}

// The weights of keys [16 · step, 16 · step + 16) as an operand of mma.
template <typename F>
__device__ inline void PackWeights(const WarpState<F>& state, int step, uint32_t (&high)[4], uint32_t (&low)[4]) {
#pragma unroll
  for (int word = 0; word < 4; ++word) {
    const float(&score)[4] = state.score[2 * step + word / 2];
    const SplitWords words = SplitBF16(score[word % 2 * 2], score[word % 2 * 2 + 1]);
    high[word] = words.high;
    low[word] = words.low;
  }
}

// sum += weights · values over one tile.
template <typename F>
__device__ inline void AddValues(const AttentionShared<F>& shared, WarpState<F>& state) {
  const int lane = ptx::Lane();
  const uint16_t* values = shared.values + lane % 16 * F::kStride + lane / 16 * 8;
#pragma unroll
  for (int step = 0; step < kValueSteps; ++step) {
    uint32_t weight[4], weight_low[4];
    PackWeights(state, step, weight, weight_low);
#pragma unroll
    for (int n = 0; n < F::kDim / 16; ++n) {
      uint32_t high[2][2];
      LoadValues<F>(values, n, step, high);
      ptx::MmaBF16(state.sum[2 * n], weight, high[0]);
      ptx::MmaBF16(state.sum[2 * n + 1], weight, high[1]);
      if constexpr (F::kPlanes == 2) {
        uint32_t low[2][2];
        LoadValues<F>(values + F::kTileValues, n, step, low);
        ptx::MmaBF16(state.sum[2 * n], weight, low[0]);
        ptx::MmaBF16(state.sum[2 * n + 1], weight, low[1]);
        ptx::MmaBF16(state.sum[2 * n], weight_low, high[0]);
        ptx::MmaBF16(state.sum[2 * n + 1], weight_low, high[1]);
      }
    }
  }
}

// Where a value that some rows may not see is not finite, a weight of zero would let it through. So such values are
// added to the sums of the rows that see them, whatever their weight, and leave the tile.
template <typename F>
__device__ inline void TakeUnsafe(const AttentionShared<F>& shared, int first_key, WarpState<F>& state) {
#pragma unroll 1
  for (int key = 0; key < kKeyTile; ++key) {
    const uint16_t* row = shared.values + key * F::kStride + 2 * (ptx::Lane() % 4);
#pragma unroll
    for (int n = 0; n < F::kDim / 8; ++n) {
      const uint32_t pair = *reinterpret_cast<const uint32_t*>(row + 8 * n);
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const float value = i % 2 == 0 ? ptx::LowBF16(pair) : ptx::HighBF16(pair);
        const bool taken = !IsFinite(pair >> (i % 2 * 16)) && first_key + key <= state.limit[i / 2];
        if (taken) state.sum[n][i] += value;
      }
    }
  }
  ptx::SyncBlock();
  uint16_t* values = shared.values + FirstKey() * F::kStride + FirstColumn();
  ForChunks<F, false>([&](int keys, int columns) {
#pragma unroll 1
    for (int c = columns; c < columns + kChunk; ++c) {
      if (IsFinite(values[keys * F::kStride + c])) continue;
      for (int plane = 0; plane < F::kPlanes; ++plane) values[plane * F::kTileValues + keys * F::kStride + c] = 0;
    }
  });
  ptx::SyncBlock();
}

template <typename F>
__device__ inline void StoreRows(const AttentionParameters& p, int first_row, int head, const WarpState<F>& state) {
#pragma unroll
  for (int row = 0; row < 2; ++row) {
    float total = state.total[row];
    total += ptx::ShuffleXor(total, 1);
    total += ptx::ShuffleXor(total, 2);
    const float inverse = 1.0f / total;
    const int t = first_row + ptx::Lane() / 4 + 8 * row;
    if (t >= p.rows) continue;
    float* to = p.out + t * p.out_stride + static_cast<int64_t>(head) * p.head_dim;
#pragma unroll
    for (int n = 0; n < F::kDim / 8; ++n) {
      const int column = 8 * n + 2 * (ptx::Lane() % 4);
      if (column >= p.head_dim) continue;
      const Pair pair{state.sum[n][2 * row] * inverse, state.sum[n][2 * row + 1] * inverse};
      if (p.out_aligned) {
        *reinterpret_cast<Pair*>(to + column) = pair;
      } else {
        to[column] = pair.value[0];
        to[column + 1] = pair.value[1];
      }
    }
  }
}

// A block owns 64 rows (x, the last first: they see the most keys) of one head (y); a warp owns 16 rows, a lane two of
// them by four columns of every tile of mma. Sums are f32. Shared memory: a tile of keys and one of values, each loaded
// while the other is used. Alignment: 4 bytes; the packed rows 16 where head_dim is a multiple of 8. Blocks a
// multiprocessor: kBlocksPerSm.
template <int kSteps, bool kSplit>
__global__ void __launch_bounds__(kThreads, Form<kSteps, kSplit>::kBlocksPerSm)
    AttentionKernel(const AttentionParameters p) {
  using F = Form<kSteps, kSplit>;
  const AttentionShared<F> shared = SharedOf<F>();
  const int head = ptx::BlockY(), kv_head = head / p.group;
  const int block_row = (ptx::GridX() - 1 - ptx::BlockX()) * kQueryTile, first_row = block_row + 16 * ptx::Warp();
  const int last_key = p.count - 1, block_end = p.first_limit + block_row + kQueryTile - 1;
  const int block_last = p.causal && block_end < last_key ? block_end : last_key;
  const int whole_last = p.causal ? p.first_limit + block_row : last_key;  // what every row of the block sees

  ptx::WaitForPredecessor();
  if (ptx::Thread() == 0) *shared.unsafe = 0;
  StartTile<F>(p, p.keys, kv_head, 0, shared.keys);
  WarpState<F> state;
  LoadQueries<F>(p, first_row, head, state);
#pragma unroll
  for (int n = 0; n < F::kDim / 8; ++n) {
#pragma unroll
    for (float& sum : state.sum[n]) sum = 0.0f;
  }
#pragma unroll
  for (int row = 0; row < 2; ++row) {
    const int limit = p.first_limit + first_row + ptx::Lane() / 4 + 8 * row;
    state.limit[row] = p.causal && limit < last_key ? limit : last_key;
  }

  for (int key = 0; key <= block_last; key += kKeyTile) {
    const bool masked = key + kKeyTile - 1 > whole_last;
    StartTile<F>(p, p.values, kv_head, key, shared.values);
    ptx::WaitCopies<1>();  // the keys
    ptx::SyncBlock();
    Scores<F>(shared, state);
    ptx::SyncBlock();
    StartTile<F>(p, p.keys, kv_head, key + kKeyTile, shared.keys);  // beyond the last key: zeros
    if (masked) Mask<F>(key, state);
    Softmax<F>(p.scale, state);
    ptx::WaitCopies<1>();  // the values
    if (masked && p.causal) MarkUnsafe<F>(shared);
    ptx::SyncBlock();
    if (masked && p.causal && *shared.unsafe != 0) TakeUnsafe<F>(shared, key, state);
    AddValues<F>(shared, state);
    ptx::SyncBlock();
  }
  ptx::WaitCopies<0>();
  ptx::ReleaseSuccessor();
  StoreRows<F>(p, first_row, head, state);
}

// ---- Launchers ------------------------------------------------------------------------------------------------------

// What both operations are.
struct Attention {
  const char* name;
  const char* pack_name;
  Matrix q, out;
  HeadRows keys, values;
  int64_t count;  // of keys
  AttentionShape shape;
  bool causal;
  int64_t first_limit;
  double scores;  // that are needed, of one head
};

template <bool kSplit>
void LaunchPack(Context& context, const Attention& a, const PackParameters& p) {
  const double values = 2.0 * static_cast<double>(a.count * a.shape.kv_heads * a.shape.head_dim);
  Launch(*context.queue, a.pack_name, PackKernel<kSplit>,
         {.grid = {CeilDiv(a.count, kPackWarps), a.shape.kv_heads, 2},
          .threads = kPackThreads,
          .blocks_per_sm = kPackBlocksPerSm},
         p, {.bytes = values * (kSplit ? 8 : 6)});
}

template <int kSteps, bool kSplit>
void LaunchSteps(Context& context, const Attention& a, const AttentionParameters& p) {
  using F = Form<kSteps, kSplit>;
  static_assert(F::kBlocksPerSm >= 1);
  const double width = static_cast<double>(a.shape.head_dim);
  const double rows = static_cast<double>(p.rows * a.shape.heads),
               keys = static_cast<double>(p.count * a.shape.kv_heads);
  Launch(*context.queue, a.name, AttentionKernel<kSteps, kSplit>,
         {.grid = {CeilDiv(p.rows, kQueryTile), a.shape.heads, 1},
          .threads = kThreads,
          .blocks_per_sm = F::kBlocksPerSm,
          .shared_bytes = F::kSharedBytes},
         p,
         {.bytes = rows * width * 8 + keys * width * 4 * F::kPlanes,
          .flops = a.scores * static_cast<double>(a.shape.heads) * width * (kSplit ? 12 : 4),
          .tensor_cores = true});
}

template <bool kSplit>
void LaunchSplit(Context& context, const Attention& a) {
  const int64_t head_dim = a.shape.head_dim;
  PackParameters pack{};
  pack.keys = a.keys;
  pack.values = a.values;
  pack.plane = a.count * a.shape.kv_heads * head_dim / 2;
  pack.packed_keys = context.Scratch<uint32_t>();
  pack.packed_values = pack.packed_keys + (kSplit ? 2 : 1) * pack.plane;
  pack.count = a.count;
  pack.head_dim = head_dim;
  LaunchPack<kSplit>(context, a, pack);

  AttentionParameters p{};
  p.q = a.q.data;
  p.q_stride = a.q.stride;
  p.out = a.out.data;
  p.out_stride = a.out.stride;
  p.out_aligned = reinterpret_cast<uintptr_t>(a.out.data) % sizeof(Pair) == 0 && a.out.stride % 2 == 0;
  p.keys = pack.packed_keys;
  p.values = pack.packed_values;
  p.plane = pack.plane;
  p.rows = static_cast<int32_t>(a.q.rows);
  p.count = static_cast<int32_t>(a.count);
  p.group = static_cast<int32_t>(a.shape.heads / a.shape.kv_heads);
  p.head_dim = static_cast<int32_t>(head_dim);
  p.causal = a.causal;
  p.first_limit = static_cast<int32_t>(a.first_limit);
  p.scale = ScoreScale(head_dim);
  // Of the public models: 128 of the language model, 112 of the cross attention, 72 of the vision encoder.
  if (head_dim <= 32) return LaunchSteps<2, kSplit>(context, a, p);
  if (head_dim <= 64) return LaunchSteps<4, kSplit>(context, a, p);
  if (head_dim <= 80) return LaunchSteps<5, kSplit>(context, a, p);
  if (head_dim <= 112) return LaunchSteps<7, kSplit>(context, a, p);
  LaunchSteps<8, kSplit>(context, a, p);
}

void Attend(Context& context, const Attention& a) {
  if (!HoldsHeads(context, a.name, a.shape.head_dim) || a.q.rows == 0) return;
  assert(a.count > 0 && a.count + a.q.rows <= INT32_MAX - kQueryTile);
  if (context.weights->product() == WeightType::kF32) return LaunchSplit<true>(context, a);
  LaunchSplit<false>(context, a);
}

}  // namespace

int64_t AttentionScratch(const Capacity& capacity) {
  constexpr int64_t kOperands = 2, kMostPlanes = 2, kValueBytes = 2;
  return kOperands * kMostPlanes * kValueBytes * capacity.keys * capacity.attention_width;
}

void PrefillAttention(Context& context, const AttentionShape& shape, const Matrix& q, const KvSlot& slot,
                      const Matrix& out) {
  assert(slot.position + q.rows <= slot.capacity);
  const double rows = static_cast<double>(q.rows), before = static_cast<double>(slot.position);
  Attention a{};
  a.name = "PrefillAttention";
  a.pack_name = "PrefillAttention/pack";
  a.q = q;
  a.out = out;
  a.keys = {slot.keys, slot.capacity * shape.head_dim, shape.head_dim};
  a.values = {slot.values, slot.capacity * shape.head_dim, shape.head_dim};
  a.count = slot.position + q.rows;
  a.shape = shape;
  a.causal = true;
  a.first_limit = slot.position;
  a.scores = rows * before + rows * (rows + 1) / 2;
  Attend(context, a);
}

void CrossAttention(Context& context, const Matrix& q, const Matrix& k, const Matrix& v, int64_t heads,
                    int64_t head_dim, const Matrix& out) {
  assert(q.cols == heads * head_dim && k.cols == q.cols && v.cols == q.cols && k.rows == v.rows);
  Attention a{};
  a.name = "CrossAttention";
  a.pack_name = "CrossAttention/pack";
  a.q = q;
  a.out = out;
  a.keys = {k.data, head_dim, k.stride};
  a.values = {v.data, head_dim, v.stride};
  a.count = k.rows;
  a.shape = {heads, heads, head_dim};
  a.scores = static_cast<double>(q.rows) * static_cast<double>(k.rows);
  Attend(context, a);
}

}  // namespace blip3o::cuda
