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

constexpr int64_t kPairs = 256;  // of a table; longer heads change tables on the way

// Cosines and sines of one position: the angle of pair i is position · theta^(−i / pairs).
class Rotation {
 public:
  Rotation(int64_t position, int64_t pairs, double theta)
      : position_(static_cast<double>(position)),
        pairs_(pairs),
        ratio_(std::pow(theta, -1.0 / static_cast<double>(pairs))) {}

  // Fills the table for the pairs from `first` on, unless it holds them.
  void Cover(int64_t first) {
    if (first == first_) return;
    first_ = first;
    double angle = position_ * std::pow(ratio_, static_cast<double>(first));
    for (int64_t i = 0; i < std::min(kPairs, pairs_ - first); ++i, angle *= ratio_) {
      cosine[i] = static_cast<float>(std::cos(angle));
      sine[i] = static_cast<float>(std::sin(angle));
    }
  }

  float cosine[kPairs];
  float sine[kPairs];

 private:
  double position_;
  int64_t pairs_;
  double ratio_;
  int64_t first_ = -1;
};

}  // namespace blip3o::cpu::rope
#endif

HWY_BEFORE_NAMESPACE();
namespace blip3o::cpu {
namespace HWY_NAMESPACE {

// to = rotated RMSNorm of one head; `to` may be `from`.
void NormAndRotate(const float* from, const View& weight, double eps, int64_t head_dim, rope::Rotation& rotation,
                   float* to) {
  const float squares = SumLanes(head_dim, [&](auto d, int64_t i) {
    const auto v = hn::LoadU(d, from + i);
    return hn::Mul(v, v);
  });
  const double mean = static_cast<double>(squares) / static_cast<double>(head_dim);
  const float factor = static_cast<float>(1.0 / std::sqrt(mean + eps));
  const int64_t pairs = head_dim / 2;
  for (int64_t first = 0; first < pairs; first += rope::kPairs) {
    rotation.Cover(first);
    ForLanes(std::min(rope::kPairs, pairs - first), [&](auto d, int64_t i) {
      const int64_t low = first + i, high = pairs + low;
      const auto scale = hn::Set(d, factor);
      const auto a = hn::Mul(hn::Mul(hn::LoadU(d, from + low), scale), LoadView(d, weight, low));
      const auto b = hn::Mul(hn::Mul(hn::LoadU(d, from + high), scale), LoadView(d, weight, high));
      const auto cosine = hn::LoadU(d, rotation.cosine + i), sine = hn::LoadU(d, rotation.sine + i);
      hn::StoreU(hn::Sub(hn::Mul(a, cosine), hn::Mul(b, sine)), d, to + low);
      hn::StoreU(hn::MulAdd(b, cosine, hn::Mul(a, sine)), d, to + high);
    });
  }
}

void AppendRow(const RotaryParameters& parameters, float* q, const float* k, const float* v, const KvSlot& slot,
               int64_t position) {
  const AttentionShape& shape = parameters.shape;
  const int64_t head_dim = shape.head_dim;
  rope::Rotation rotation(position, head_dim / 2, parameters.theta);
  for (int64_t head = 0; head < shape.heads; ++head) {
    float* at = q + head * head_dim;
    NormAndRotate(at, parameters.q_norm, parameters.eps, head_dim, rotation, at);
  }
  for (int64_t head = 0; head < shape.kv_heads; ++head) {
    const int64_t entry = (head * slot.capacity + position) * head_dim;
    NormAndRotate(k + head * head_dim, parameters.k_norm, parameters.eps, head_dim, rotation, slot.keys + entry);
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
  assert(shape.head_dim % 2 == 0);
  assert(q.cols == shape.heads * shape.head_dim && k.cols == shape.kv_heads * shape.head_dim && v.cols == k.cols);
  assert(k.rows == q.rows && v.rows == q.rows && slot.position + q.rows <= slot.capacity);
  assert(parameters.q_norm.count() == shape.head_dim && parameters.k_norm.count() == shape.head_dim);
  static_cast<void>(shape);
  HWY_DYNAMIC_DISPATCH(RotaryAppend)(context, parameters, q, k, v, slot);
}

}  // namespace blip3o::cpu
#endif
