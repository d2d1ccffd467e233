// Query and key heads of new tokens through RMSNorm and the rotary embedding, and keys and values into the cache: pair
// (i, i + d/2) of a normed head turns by position · theta^(−2i/d).
//
// Bound by memory: 8 bytes a value of q, k and v. A warp owns a head: 48 warps of a multiprocessor have as many heads
// of 512 bytes under way, 24 KiB, where H100's bandwidth times its latency is 18 KiB. A prefill of 1024 rows of the
// public model moves 34 MB a layer, 10 µs at 3.35 TB/s; a token's 32 KiB cost no more than the launch.
//
// Angles in f32 would be off by 2e-4 at position 4000. They are counted in 2^-64 of a full turn instead, as integers:
// the product with the position drops whole turns by itself and is off by less than 2^-35 of a turn at any position
// below 2^17. What is left of an eighth of a turn at most is f32, where short polynomials serve. The turns per position
// are a power in double, once for each pair in a block, before the predecessor has ended.
#include <cassert>
#include <cmath>

#include "ops/cuda/attention.h"
#include "ops/cuda/device_math.h"
#include "ops/cuda/kernels.h"

namespace blip3o::cuda {

namespace {

constexpr int kThreads = 256;
constexpr int kBlocksPerSm = 6;
constexpr int kWarps = kThreads / ptx::kWarp;
constexpr double kPi = 3.14159265358979323846;

struct RotaryAppendParameters {
  float* q;        // [rows, heads · head_dim]
  const float* k;  // [rows, kv_heads · head_dim]
  const float* v;  // the same
  int64_t q_stride, k_stride, v_stride;
  const float* q_norm;  // [head_dim]
  const float* k_norm;
  AttentionShape shape;
  double log2_ratio;  // of a pair's frequency to the next: −2 / head_dim · log2(theta)
  float eps;
  KvSlot slot;           // row t stands at slot.position + t
  const TokenRow* rows;  // of a table: row b stands in its own cache
  int64_t layer;
};

// By how many 2^-64 of a turn pair `i` turns from position to position.
__device__ inline uint64_t TurnsPerPosition(double log2_ratio, int64_t i) {
  const double turns = exp2(static_cast<double>(i) * log2_ratio) / (2 * kPi);
  return static_cast<uint64_t>((turns - floor(turns)) * 0x1p64);
}

struct Rotation {
  float cosine, sine;
};

// Of `turns` · 2^-64 full turns: quarters, and a rest of an eighth at most on either side.
__device__ inline Rotation RotationOf(uint64_t turns) {
  const uint64_t quarters = (turns + (uint64_t{1} << 61)) >> 62;
  const int64_t rest = static_cast<int64_t>(turns - (quarters << 62));
  const float x = static_cast<float>(static_cast<double>(rest) * (2 * kPi * 0x1p-64));
  const float xx = x * x;
  // The series of sine and cosine: what is left out is below 2^-29 for |x| ≤ π / 4.
  const float sine = x + x * xx * (-1.0f / 6 + xx * (1.0f / 120 + xx * (-1.0f / 5040 + xx * (1.0f / 362880))));
  const float cosine =
      1.0f + xx * (-0.5f + xx * (1.0f / 24 + xx * (-1.0f / 720 + xx * (1.0f / 40320 + xx * (-1.0f / 3628800)))));
  switch (quarters) {
    case 1:
      return {-sine, cosine};
    case 2:
      return {-cosine, -sine};
    case 3:
      return {sine, -cosine};
    default:
      return {cosine, sine};
  }
}

// Warp: to = the head at `from`, normed and rotated; a lane owns every 32nd pair. `to` may be `from`.
__device__ inline void NormAndRotate(const float* from, const float* weight, float eps, int64_t head_dim,
                                     const Rotation* rotations, float* to) {
  const int64_t pairs = head_dim / 2;
  float squares = 0.0f;
#pragma unroll 2
  for (int64_t i = ptx::Lane(); i < pairs; i += ptx::kWarp) {
    const float low = from[i], high = from[pairs + i];
    squares += low * low + high * high;
  }
  const float factor = 1.0f / sqrtf(WarpSum(squares) / static_cast<float>(head_dim) + eps);
#pragma unroll 2
  for (int64_t i = ptx::Lane(); i < pairs; i += ptx::kWarp) {
    const float low = from[i] * factor * weight[i], high = from[pairs + i] * factor * weight[pairs + i];
    const Rotation r = rotations[i];
    to[i] = low * r.cosine - high * r.sine;
    to[pairs + i] = high * r.cosine + low * r.sine;
  }
}

// A block owns eight heads (y) of one row (x), query heads first, then key-value heads; a warp owns a head, a key-value
// head's values too. Sums are f32. Shared memory: the row's cosines and sines. Alignment: 4 bytes; neighbouring lanes
// take neighbouring values. Six blocks a multiprocessor.
template <bool kTable>
__global__ void __launch_bounds__(kThreads, kBlocksPerSm) RotaryAppendKernel(const RotaryAppendParameters p) {
  Rotation* rotations = reinterpret_cast<Rotation*>(ptx::SharedMemory());
  const int64_t head_dim = p.shape.head_dim, pairs = head_dim / 2, row = ptx::BlockX();
  const uint64_t turns = TurnsPerPosition(p.log2_ratio, ptx::Thread());
  ptx::WaitForPredecessor();
  KvSlot slot = p.slot;
  if constexpr (kTable) {
    slot = SlotOf(p.rows[row], p.layer, p.shape);
  } else {
    slot.position += row;
  }
  const uint64_t position = static_cast<uint64_t>(slot.position);
  if (ptx::Thread() < pairs) rotations[ptx::Thread()] = RotationOf(turns * position);
  for (int64_t i = ptx::Thread() + kThreads; i < pairs; i += kThreads) {
    rotations[i] = RotationOf(TurnsPerPosition(p.log2_ratio, i) * position);
  }
  ptx::SyncBlock();
  ptx::ReleaseSuccessor();

  const int64_t head = static_cast<int64_t>(ptx::BlockY()) * kWarps + ptx::Warp();
  if (head < p.shape.heads) {
    float* q = p.q + row * p.q_stride + head * head_dim;
    NormAndRotate(q, p.q_norm, p.eps, head_dim, rotations, q);
    return;
  }
  const int64_t kv_head = head - p.shape.heads;
  if (kv_head >= p.shape.kv_heads) return;
  const int64_t entry = (kv_head * slot.capacity + slot.position) * head_dim;
  const float* v = p.v + row * p.v_stride + kv_head * head_dim;
  for (int64_t i = ptx::Lane(); i < head_dim; i += ptx::kWarp) slot.values[entry + i] = v[i];
  NormAndRotate(p.k + row * p.k_stride + kv_head * head_dim, p.k_norm, p.eps, head_dim, rotations, slot.keys + entry);
}

// ---- Launchers ------------------------------------------------------------------------------------------------------

RotaryAppendParameters ParametersOf(Context& context, const RotaryParameters& parameters, const Matrix& q,
                                    const Matrix& k, const Matrix& v) {
  const int64_t head_dim = parameters.shape.head_dim;
  assert(head_dim % 2 == 0 && k.rows == q.rows && v.rows == q.rows);
  RotaryAppendParameters p{};
  p.q = q.data;
  p.k = k.data;
  p.v = v.data;
  p.q_stride = q.stride;
  p.k_stride = k.stride;
  p.v_stride = v.stride;
  p.q_norm = context.weights->Vector(*context.queue, parameters.q_norm);
  p.k_norm = context.weights->Vector(*context.queue, parameters.k_norm);
  p.shape = parameters.shape;
  p.log2_ratio = -2.0 / static_cast<double>(head_dim) * std::log2(parameters.theta);
  p.eps = static_cast<float>(parameters.eps);
  return p;
}

template <bool kTable>
void LaunchRotary(Context& context, const char* name, const RotaryAppendParameters& p, int64_t rows) {
  if (rows == 0) return;
  const AttentionShape& shape = p.shape;
  const double values = static_cast<double>(rows * (shape.heads + 2 * shape.kv_heads) * shape.head_dim);
  Launch(*context.queue, name, RotaryAppendKernel<kTable>,
         {.grid = {rows, CeilDiv(shape.heads + shape.kv_heads, kWarps), 1},
          .threads = kThreads,
          .blocks_per_sm = kBlocksPerSm,
          .shared_bytes = shape.head_dim / 2 * static_cast<int64_t>(sizeof(Rotation))},
         p, {.bytes = values * 8, .flops = values * 8});
}

}  // namespace

void RotaryAppend(Context& context, const RotaryParameters& parameters, const Matrix& q, const Matrix& k,
                  const Matrix& v, const KvSlot& slot) {
  assert(slot.position + q.rows <= slot.capacity);
  RotaryAppendParameters p = ParametersOf(context, parameters, q, k, v);
  p.slot = slot;
  LaunchRotary<false>(context, "RotaryAppend", p, q.rows);
}

void RotaryAppendTokens(Context& context, const RotaryParameters& parameters, int64_t layer, const Matrix& q,
                        const Matrix& k, const Matrix& v, const TokenTable& table) {
  assert(q.rows == table.count);
  RotaryAppendParameters p = ParametersOf(context, parameters, q, k, v);
  p.rows = table.rows;
  p.layer = layer;
  LaunchRotary<true>(context, "RotaryAppendTokens", p, q.rows);
}

}  // namespace blip3o::cuda
