// Attention of one new token per sequence to its cached positions: softmax(q·k / √d) v.
//
// Bound by the bytes of the cache: 8 bytes of keys and values for 4 operations of each query head that reads them. The
// keys are split every 128 positions from 0. A block owns one part of one key-value head and reads its keys and values
// once for all query heads of the group, up to four; larger groups read the keys again, from L2. All of a part is
// asked for at once: at 128 values a head 64 KiB of keys through registers and 64 KiB of values through shared memory,
// where H100's bandwidth times its latency is 18 KiB a multiprocessor. At position 1024 of the public model a layer's
// cache is 8.4 MB: 2.5 µs at 3.35 TB/s, by 64 blocks a sequence.
//
// Parts go to scratch as (weighted values, sum, maximum). The last block of a row and key-value head, known by a
// ticket, combines them in ascending order: one launch, and an order that the row's own position decides.
#include <cassert>
#include <cmath>

#include "ops/cuda/attention.h"
#include "ops/cuda/device_math.h"
#include "ops/cuda/kernels.h"
#include "ops/cuda/quad.h"

namespace blip3o::cuda {

namespace {

constexpr int kSplit = 128;  // positions of a part
constexpr int kThreads = 256;
constexpr int kBlocksPerSm = 1;
constexpr int kWarps = kThreads / ptx::kWarp;
constexpr int kKeyLanes = 8;  // lanes that share a key
constexpr int kKeysAtOnce = kThreads / kKeyLanes;
constexpr int kKeysPerLane = kSplit / kKeysAtOnce;
constexpr int kScoresPerLane = kSplit / ptx::kWarp;
constexpr int64_t kMaxRows = 64;
constexpr float kLowest = -INFINITY;

static_assert(kKeysPerLane <= kKeyLanes);

struct DecodeAttentionParameters {
  const float* q;  // [rows, heads · head_dim]
  float* out;      // the same
  int64_t q_stride, out_stride;
  const TokenRow* rows;
  float* parts;       // [rows, heads, most_parts, head_dim + 2]: weighted values, sum, maximum
  uint32_t* tickets;  // [rows, kv_heads]
  int64_t layer;
  AttentionShape shape;
  int64_t most_parts;
  float scale;  // of scores to powers of two
  bool q_aligned;
};

// What a block reads and where it writes.
struct Part {
  const float* q;  // of the group's first head
  const float* keys;
  const float* values;
  float* out;  // of the group's first head; `head_stride` values from head to head
  int64_t head_stride;
  int group;
  int count;  // positions
  int head_dim;
  int stride;  // head_dim in whole quads
  bool keys_aligned, values_aligned, q_aligned;
};

// Shared memory of kHeads query heads.
struct Shared {
  float* values;   // [kSplit, stride]
  float* weights;  // [kHeads, kSplit]: scores before
  float* sums;     // [kWarps, kHeads, stride]
  uint32_t* last;  // 1: this block combines
};

constexpr int64_t SharedFloats(int64_t heads, int64_t stride) {
  return kSplit * stride + heads * kSplit + kWarps * heads * stride + 4;
}

template <int kHeads>
__device__ inline Shared SharedOf(int stride) {
  Shared s;
  s.values = reinterpret_cast<float*>(ptx::SharedMemory());
  s.weights = s.values + kSplit * stride;
  s.sums = s.weights + kHeads * kSplit;
  s.last = reinterpret_cast<uint32_t*>(s.sums + kWarps * kHeads * stride);
  return s;
}

// Starts to copy the values to shared memory.
__device__ inline void StartValues(const Part& part, float* to) {
  const int width = part.values_aligned ? 4 : 1;
  const int across = part.head_dim / width;
  for (int i = ptx::Thread(); i < part.count * across; i += kThreads) {
    const int j = i / across, c = i % across * width;
    const float* from = part.values + static_cast<int64_t>(j) * part.head_dim + c;
    if (part.values_aligned) {
      ptx::CopyAsync16(to + j * part.stride + c, from);
    } else {
      ptx::CopyAsync4(to + j * part.stride + c, from);
    }
  }
  ptx::CommitCopies();
}

// scores[h][j] = q_h · k_j for heads [head, head + kHeads) of the group. Eight lanes share a key, each takes every
// eighth quad of it in ascending order.
template <int kHeads, bool kAligned>
__device__ inline void Scores(const Part& part, int head, float* scores) {
  const int first = ptx::Thread() / kKeyLanes, lane = ptx::Thread() % kKeyLanes;
  float dot[kKeysPerLane][kHeads] = {};
#pragma unroll 4
  for (int c = 4 * lane; c < part.head_dim; c += 4 * kKeyLanes) {
    Quad k[kKeysPerLane];
#pragma unroll
    for (int i = 0; i < kKeysPerLane; ++i) {
      const int j = first + i * kKeysAtOnce;
      const float* key = part.keys + static_cast<int64_t>(j) * part.head_dim;
      k[i] = j < part.count ? LoadQuad(key, c, part.head_dim, kAligned) : Quad{};
    }
#pragma unroll
    for (int h = 0; h < kHeads; ++h) {
      if (head + h >= part.group) continue;
      const Quad q = LoadQuad(part.q + (head + h) * part.head_dim, c, part.head_dim, part.q_aligned);
#pragma unroll
      for (int i = 0; i < kKeysPerLane; ++i) {
#pragma unroll
        for (int e = 0; e < 4; ++e) dot[i][h] += q.value[e] * k[i].value[e];
      }
    }
  }
#pragma unroll
  for (int i = 0; i < kKeysPerLane; ++i) {
#pragma unroll
    for (int h = 0; h < kHeads; ++h) {
      for (int mask = kKeyLanes / 2; mask > 0; mask /= 2) dot[i][h] += ptx::ShuffleXor(dot[i][h], mask);
      if (lane == i) scores[h * kSplit + first + i * kKeysAtOnce] = dot[i][h];
    }
  }
}

// A warp makes the weights of one head from its scores.
__device__ inline void Weigh(const Part& part, float scale, int head, float* weights) {
  float score[kScoresPerLane], maximum = kLowest, sum = 0.0f;
#pragma unroll
  for (int i = 0; i < kScoresPerLane; ++i) {
    const int j = ptx::Lane() + i * ptx::kWarp;
    score[i] = j < part.count ? weights[j] : kLowest;
    maximum = fmaxf(maximum, score[i]);
  }
  maximum = WarpMax(maximum) * scale;
#pragma unroll
  for (int i = 0; i < kScoresPerLane; ++i) {
    const float weight = ptx::Exp2Approx(score[i] * scale - maximum);
    weights[ptx::Lane() + i * ptx::kWarp] = weight;
    sum += weight;
  }
  sum = WarpSum(sum);
  if (ptx::Lane() == 0) {
    float* statistics = part.out + head * part.head_stride + part.head_dim;
    statistics[0] = sum;
    statistics[1] = maximum;
  }
}

// sums[warp][h] = Σ weight_j · value_j over every eighth position; a lane owns four columns.
template <int kHeads>
__device__ inline void AddValues(const Part& part, const Shared& shared) {
  const int c = 4 * ptx::Lane();
  if (c >= part.stride) return;
  Quad sum[kHeads] = {};
#pragma unroll 4
  for (int j = ptx::Warp(); j < part.count; j += kWarps) {
    const Quad value = *reinterpret_cast<const Quad*>(shared.values + j * part.stride + c);
#pragma unroll
    for (int h = 0; h < kHeads; ++h) {
      const float weight = shared.weights[h * kSplit + j];
#pragma unroll
      for (int e = 0; e < 4; ++e) sum[h].value[e] += weight * value.value[e];
    }
  }
#pragma unroll
  for (int h = 0; h < kHeads; ++h) {
    *reinterpret_cast<Quad*>(shared.sums + (ptx::Warp() * kHeads + h) * part.stride + c) = sum[h];
  }
}

// The part of heads [head, head + kHeads) of the group.
template <int kHeads>
__device__ inline void Attend(const Part& part, float scale, int head, const Shared& shared) {
  if (part.keys_aligned) {
    Scores<kHeads, true>(part, head, shared.weights);
  } else {
    Scores<kHeads, false>(part, head, shared.weights);
  }
  ptx::SyncBlock();
  if (ptx::Warp() < kHeads && head + ptx::Warp() < part.group) {
    Weigh(part, scale, head + ptx::Warp(), shared.weights + ptx::Warp() * kSplit);
  }
  ptx::WaitCopies<0>();  // the values
  ptx::SyncBlock();
  AddValues<kHeads>(part, shared);
  ptx::SyncBlock();
  for (int i = ptx::Thread(); i < kHeads * part.head_dim; i += kThreads) {
    const int h = i / part.head_dim, c = i % part.head_dim;
    if (head + h >= part.group) break;
    float sum = 0.0f;
#pragma unroll
    for (int w = 0; w < kWarps; ++w) sum += shared.sums[(w * kHeads + h) * part.stride + c];
    part.out[(head + h) * part.head_stride + c] = sum;
  }
}

// out = the parts of one row and group, combined in ascending order.
__device__ inline void Combine(const float* parts, int64_t count, int64_t head_stride, int group, int head_dim,
                               float* out) {
  const int64_t stride = head_dim + 2;
  for (int i = ptx::Thread(); i < group * head_dim; i += kThreads) {
    const int h = i / head_dim, c = i % head_dim;
    const float* of_head = parts + h * head_stride;
    float maximum = kLowest, sum = 0.0f, value = 0.0f;
#pragma unroll 4
    for (int64_t s = 0; s < count; ++s) maximum = fmaxf(maximum, of_head[s * stride + head_dim + 1]);
#pragma unroll 4
    for (int64_t s = 0; s < count; ++s) {
      const float* part = of_head + s * stride;
      const float factor = ptx::Exp2Approx(part[head_dim + 1] - maximum);
      sum += part[head_dim] * factor;
      value += part[c] * factor;
    }
    out[h * head_dim + c] = value / sum;
  }
}

// A block owns 128 positions (x) of one key-value head (y) of one row (z), and leaves where the row has none there.
// Scores: eight lanes own a key; weights: a warp owns a head; values: a warp owns every eighth position, a lane four
// columns. Sums are f32. Shared memory: the part's values, weights and a sum for each warp. Alignment: 4 bytes, 16
// where the cache has them. One block a multiprocessor, more where there is shared memory.
template <int kHeads>
__global__ void __launch_bounds__(kThreads, kBlocksPerSm) DecodeAttentionKernel(const DecodeAttentionParameters p) {
  ptx::WaitForPredecessor();
  const int64_t row = ptx::BlockZ(), kv_head = ptx::BlockY(), first = static_cast<int64_t>(ptx::BlockX()) * kSplit;
  const KvSlot slot = SlotOf(p.rows[row], p.layer, p.shape);
  if (first > slot.position) return;

  const int64_t head_dim = p.shape.head_dim, group = p.shape.heads / p.shape.kv_heads;
  const int64_t cache = (kv_head * slot.capacity + first) * head_dim;
  Part part;
  part.head_dim = static_cast<int>(head_dim);
  part.stride = (part.head_dim + 3) / 4 * 4;
  part.group = static_cast<int>(group);
  part.count = static_cast<int>(slot.position + 1 - first < kSplit ? slot.position + 1 - first : kSplit);
  part.q = p.q + row * p.q_stride + kv_head * group * head_dim;
  part.q_aligned = p.q_aligned;
  part.keys = slot.keys + cache;
  part.values = slot.values + cache;
  part.keys_aligned = head_dim % 4 == 0 && reinterpret_cast<uintptr_t>(part.keys) % sizeof(Quad) == 0;
  part.values_aligned = head_dim % 4 == 0 && reinterpret_cast<uintptr_t>(part.values) % sizeof(Quad) == 0;
  part.head_stride = p.most_parts * (head_dim + 2);
  float* parts = p.parts + (row * p.shape.heads + kv_head * group) * part.head_stride;
  part.out = parts + ptx::BlockX() * (head_dim + 2);

  const Shared shared = SharedOf<kHeads>(part.stride);
  StartValues(part, shared.values);
  ptx::ReleaseSuccessor();
  for (int head = 0; head < part.group; head += kHeads) Attend<kHeads>(part, p.scale, head, shared);

  const int64_t count = slot.position / kSplit + 1;
  ptx::SyncBlock();
  if (ptx::Thread() == 0) {
    uint32_t* ticket = p.tickets + row * p.shape.kv_heads + kv_head;
    ptx::FenceDevice();  // the block's part comes before its ticket, the other parts before what follows the last one
    const uint32_t before = ptx::AtomicAdd(ticket, uint32_t{1});
    ptx::FenceDevice();
    *shared.last = before + 1 == static_cast<uint32_t>(count) ? 1 : 0;
    if (*shared.last != 0) *ticket = 0;
  }
  ptx::SyncBlock();
  if (*shared.last == 0) return;
  Combine(parts, count, part.head_stride, part.group, part.head_dim,
          p.out + row * p.out_stride + kv_head * group * head_dim);
}

// ---- Launcher -------------------------------------------------------------------------------------------------------

template <int kHeads>
void LaunchFor(Context& context, const DecodeAttentionParameters& p, int64_t rows) {
  const int64_t head_dim = p.shape.head_dim, keys = rows * p.most_parts * kSplit;
  Launch(*context.queue, "DecodeAttention", DecodeAttentionKernel<kHeads>,
         {.grid = {p.most_parts, p.shape.kv_heads, rows},
          .threads = kThreads,
          .blocks_per_sm = kBlocksPerSm,
          .shared_bytes = SharedFloats(kHeads, RoundUp(head_dim, 4)) * static_cast<int64_t>(sizeof(float))},
         p,
         {.bytes = static_cast<double>(keys * p.shape.kv_heads * head_dim) * 8,
          .flops = static_cast<double>(keys * p.shape.heads * head_dim) * 4});
}

}  // namespace

int64_t DecodeAttentionScratch(const Capacity& capacity) {
  // A head has at least two values, so sum and maximum at most double the width.
  const int64_t values = kMaxRows * CeilDiv(capacity.keys, kSplit) * 2 * capacity.attention_width;
  return values * static_cast<int64_t>(sizeof(float));
}

void DecodeAttention(Context& context, const AttentionShape& shape, int64_t layer, const Matrix& q,
                     const TokenTable& table, const Matrix& out) {
  assert(q.rows == table.count && table.count <= kMaxRows && table.most_positions > 0);
  assert(table.count * shape.kv_heads <= Context::kCounters);
  if (!HoldsHeads(context, "DecodeAttention", shape.head_dim)) return;
  DecodeAttentionParameters p{};
  p.q = q.data;
  p.q_stride = q.stride;
  p.q_aligned = QuadsAligned({q}) && shape.head_dim % 4 == 0;
  p.out = out.data;
  p.out_stride = out.stride;
  p.rows = table.rows;
  p.parts = context.Scratch<float>();
  p.tickets = static_cast<uint32_t*>(context.counters.data());
  p.layer = layer;
  p.shape = shape;
  p.most_parts = CeilDiv(table.most_positions, kSplit);
  p.scale = ScoreScale(shape.head_dim);
  const int64_t group = shape.heads / shape.kv_heads;
  if (group == 1) return LaunchFor<1>(context, p, table.count);
  if (group == 2) return LaunchFor<2>(context, p, table.count);
  LaunchFor<4>(context, p, table.count);
}

}  // namespace blip3o::cuda
