// Norms and rotates the query and key heads of new tokens and appends keys and values to the cache.
//
// Angles are computed in double: at position 4000 an f32 angle would be off by 2e-4. A row's cosines and sines serve
// all of its heads; they cost head_dim / 2 calls of sine and cosine, little beside the heads themselves.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/rope.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/cpu/kernels.h"
#include "ops/cpu/lanes-inl.h"
#include "ops/cpu/parallel.h"
#include "ops/cpu/simd-inl.h"

#ifndef BLIP3O_OPS_CPU_ROPE_ONCE_
#define BLIP3O_OPS_CPU_ROPE_ONCE_
namespace blip3o::cpu::rope {

constexpr int64_t kMaxPairs = 256;  // head_dim <= 512

// The rotation of one position: angle of pair i = position · theta^(−i / pairs).
struct Rotation {
  float cosine[kMaxPairs];
  float sine[kMaxPairs];

  Rotation(int64_t position, int64_t pairs, double theta) {
    const double ratio = std::pow(theta, -1.0 / static_cast<double>(pairs));
    double angle = static_cast<double>(position);
    for (int64_t i = 0; i < pairs; ++i, angle *= ratio) {
      cosine[i] = static_cast<float>(std::cos(angle));
      sine[i] = static_cast<float>(std::sin(angle));
    }
  }
};

}  // namespace blip3o::cpu::rope
#endif

HWY_BEFORE_NAMESPACE();
namespace blip3o::cpu {
namespace HWY_NAMESPACE {

// to = rotated RMSNorm of one head; `to` may be `from`.
void NormAndRotate(const float* from, const View& weight, double eps, const rope::Rotation& rotation, int64_t head_dim,
                   float* to) {
  const float squares = SumLanes(head_dim, [&](auto d, int64_t i) {
    const auto v = hn::LoadU(d, from + i);
    return hn::Mul(v, v);
  });
  const double mean = static_cast<double>(squares) / static_cast<double>(head_dim);
  const float factor = static_cast<float>(1.0 / std::sqrt(mean + eps));
  const int64_t pairs = head_dim / 2;
  ForLanes(pairs, [&](auto d, int64_t i) {
    const auto scale = hn::Set(d, factor);
    const auto low = hn::Mul(hn::Mul(hn::LoadU(d, from + i), scale), LoadView(d, weight, i));
    const auto high = hn::Mul(hn::Mul(hn::LoadU(d, from + pairs + i), scale), LoadView(d, weight, pairs + i));
    const auto cosine = hn::LoadU(d, rotation.cosine + i), sine = hn::LoadU(d, rotation.sine + i);
    hn::StoreU(hn::Sub(hn::Mul(low, cosine), hn::Mul(high, sine)), d, to + i);
    hn::StoreU(hn::MulAdd(high, cosine, hn::Mul(low, sine)), d, to + pairs + i);
  });
}

void AppendRow(const RotaryParameters& parameters, float* q, const float* k, const float* v, const KvSlot& slot,
               int64_t position) {
  const AttentionShape& shape = parameters.shape;
  const int64_t head_dim = shape.head_dim;
  const rope::Rotation rotation(position, head_dim / 2, parameters.theta);
  for (int64_t head = 0; head < shape.heads; ++head) {
    float* at = q + head * head_dim;
    NormAndRotate(at, parameters.q_norm, parameters.eps, rotation, head_dim, at);
  }
  for (int64_t head = 0; head < shape.kv_heads; ++head) {
    const int64_t entry = (head * slot.capacity + position) * head_dim;
    NormAndRotate(k + head * head_dim, parameters.k_norm, parameters.eps, rotation, head_dim, slot.keys + entry);
    std::memcpy(slot.values + entry, v + head * head_dim, static_cast<size_t>(head_dim) * sizeof(float));
  }
}

void RotaryAppend(Context& context, const RotaryParameters& parameters, const Matrix& q, const Matrix& k,
                  const Matrix& v, const KvSlot& slot) {
  ForRowBlocks(context, q.rows, (q.cols + 2 * k.cols) * 8, [&](int64_t first, int64_t count) {
    for (int64_t row = first; row < first + count; ++row) {
      AppendRow(parameters, q.row(row), k.row(row), v.row(row), slot, slot.position + row);
    }
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace blip3o::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace blip3o::cpu {

HWY_EXPORT(RotaryAppend);
void RotaryAppend(Context& context, const RotaryParameters& parameters, const Matrix& q, const Matrix& k,
                  const Matrix& v, const KvSlot& slot) {
  const AttentionShape& shape = parameters.shape;
  assert(shape.head_dim % 2 == 0 && shape.head_dim <= 2 * rope::kMaxPairs);
  assert(q.cols == shape.heads * shape.head_dim && k.cols == shape.kv_heads * shape.head_dim && v.cols == k.cols);
  assert(k.rows == q.rows && v.rows == q.rows && slot.position + q.rows <= slot.capacity);
  assert(parameters.q_norm.count() == shape.head_dim && parameters.k_norm.count() == shape.head_dim);
  static_cast<void>(shape);
  HWY_DYNAMIC_DISPATCH(RotaryAppend)(context, parameters, q, k, v, slot);
}

}  // namespace blip3o::cpu
#endif
