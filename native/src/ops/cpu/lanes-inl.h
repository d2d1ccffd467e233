// Loops over the values of a row in vectors. Included once per Highway target.
#if defined(BLIP3O_OPS_CPU_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BLIP3O_OPS_CPU_LANES_INL_H_
#undef BLIP3O_OPS_CPU_LANES_INL_H_
#else
#define BLIP3O_OPS_CPU_LANES_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "base/tensor.h"
#include "ops/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace blip3o::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Calls f(d, i) for pieces that cover [0, n): whole vectors, then vectors of 4, then single values. `d` is the tag of
// the piece that starts at i.
template <class F>
HWY_INLINE void ForLanes(int64_t n, const F& f) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 4> d4;
  const hn::CappedTag<float, 1> d1;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), lanes4 = static_cast<int64_t>(hn::Lanes(d4));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) f(d, i);
  for (; i + lanes4 <= n; i += lanes4) f(d4, i);
  for (; i < n; ++i) f(d1, i);
}

// Σ f(d, i) over the lanes of pieces that cover [0, n), in an order that n alone decides: four accumulators of whole
// vectors, then single values.
template <class F>
HWY_INLINE float SumLanes(int64_t n, const F& f) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> d1;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  auto sum0 = hn::Zero(d), sum1 = hn::Zero(d), sum2 = hn::Zero(d), sum3 = hn::Zero(d);
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    sum0 = hn::Add(sum0, f(d, i));
    sum1 = hn::Add(sum1, f(d, i + lanes));
    sum2 = hn::Add(sum2, f(d, i + 2 * lanes));
    sum3 = hn::Add(sum3, f(d, i + 3 * lanes));
  }
  for (; i + lanes <= n; i += lanes) sum0 = hn::Add(sum0, f(d, i));
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3))));
  for (; i < n; ++i) sum += hn::GetLane(f(d1, i));
  return sum;
}

// Values [i, i + Lanes(d)) of a floating-point weight as f32. The switch costs a predicted branch beside a load.
template <class D>
HWY_INLINE hn::Vec<D> LoadView(D d, const View& view, int64_t i) {
  const char* bytes = static_cast<const char*>(view.data);
  switch (view.dtype) {
    case DType::kBF16:
      return AsBF16::Load(d, bytes + i * AsBF16::kSize);
    case DType::kF16:
      return AsF16::Load(d, bytes + i * AsF16::kSize);
    default:
      return AsF32::Load(d, bytes + i * AsF32::kSize);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace blip3o::cpu
HWY_AFTER_NAMESPACE();

#endif
