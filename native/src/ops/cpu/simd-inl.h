// What vector kernels share: weights of any dtype and alignment as f32 vectors, exp and the activations, the epilogue.
// Included once per Highway target.
#if defined(BLIP3O_OPS_CPU_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BLIP3O_OPS_CPU_SIMD_INL_H_
#undef BLIP3O_OPS_CPU_SIMD_INL_H_
#else
#define BLIP3O_OPS_CPU_SIMD_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <cstring>
#include <utility>

#include "base/tensor.h"
#include "ops/ops.h"

// For lambdas that work on vectors which must stay in registers.
#undef BLIP3O_INLINE
#define BLIP3O_INLINE HWY_ATTR __attribute__((always_inline))

HWY_BEFORE_NAMESPACE();
namespace blip3o::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// ---- Unrolling ---------------------------------------------------------------------------------------------------

template <class F, size_t... kIndex>
HWY_INLINE void UnrollIndices(const F& f, std::index_sequence<kIndex...>) {
  (f(std::integral_constant<size_t, kIndex>()), ...);
}

// f(0), …, f(kCount - 1) with constant indices, so that arrays of vectors live in registers.
template <size_t kCount, class F>
HWY_INLINE void Unroll(const F& f) {
  UnrollIndices(f, std::make_index_sequence<kCount>());
}

// ---- Loads of any alignment ----------------------------------------------------------------------------------------

// Lanes(d) values from bytes of any alignment.
template <class D>
HWY_INLINE hn::Vec<D> LoadBytes(D d, const void* bytes) {
#if HWY_TARGET == HWY_SCALAR
  hn::TFromD<D> value;
  std::memcpy(&value, bytes, sizeof(value));
  return hn::Set(d, value);
#else
  const hn::Repartition<uint8_t, D> d8;
  return hn::BitCast(d, hn::LoadU(d8, static_cast<const uint8_t*>(bytes)));
#endif
}

// The 16-bit patterns of Lanes(d) values.
template <class D>
HWY_INLINE hn::Vec<hn::Rebind<uint16_t, D>> Load16(D /*d*/, const void* bytes) {
  return LoadBytes(hn::Rebind<uint16_t, D>(), bytes);
}

// How the values of a dtype become f32; Load reads Lanes(d) values.
struct AsF32 {
  static constexpr int64_t kSize = 4;
  template <class D>
  static HWY_INLINE hn::Vec<D> Load(D d, const void* bytes) {
    return LoadBytes(d, bytes);
  }
};

struct AsBF16 {
  static constexpr int64_t kSize = 2;
  template <class D>
  static HWY_INLINE hn::Vec<D> Load(D d, const void* bytes) {
    const hn::RebindToUnsigned<D> d32;
    return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(d32, Load16(d, bytes))));
  }
};

struct AsF16 {
  static constexpr int64_t kSize = 2;
  template <class D>
  static HWY_INLINE hn::Vec<D> Load(D d, const void* bytes) {
#if HWY_TARGET == HWY_SCALAR
    return hn::Set(d, LoadAsF32(bytes, DType::kF16, 0));
#else
    const hn::Rebind<hwy::float16_t, D> d16;
    return hn::PromoteTo(d, hn::BitCast(d16, Load16(d, bytes)));
#endif
  }
};

// The first `count` < Lanes(d) values, zeros behind them; reads nothing else.
template <class Source, class D>
HWY_INLINE hn::Vec<D> LoadFirst(D d, const void* bytes, int64_t count) {
  HWY_ALIGN uint8_t piece[HWY_MAX_BYTES] = {};
  std::memcpy(piece, bytes, static_cast<size_t>(count * Source::kSize));
  return Source::Load(d, piece);
}

// Stores the first `count` < Lanes(d) values and touches nothing else.
template <class D>
HWY_INLINE void StoreFirst(D d, hn::Vec<D> values, float* to, int64_t count) {
  HWY_ALIGN float piece[HWY_MAX_BYTES / sizeof(float)];
  hn::Store(values, d, piece);
  std::memcpy(to, piece, static_cast<size_t>(count) * sizeof(float));
}

// Calls f(source) with the source of a floating-point dtype.
template <class F>
HWY_INLINE void WithSource(DType dtype, const F& f) {
  switch (dtype) {
    case DType::kBF16:
      return f(AsBF16());
    case DType::kF16:
      return f(AsF16());
    default:
      return f(AsF32());
  }
}

// Rounds to bf16, ties to even; NaN stays NaN. The result is an f32 that bf16 can hold.
template <class D>
HWY_INLINE hn::Vec<D> RoundToBF16(D d, hn::Vec<D> x) {
  const hn::RebindToUnsigned<D> d32;
  const auto bits = hn::BitCast(d32, x);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d32, 1));
  const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(d32, 0x7FFF)));
  const auto result = hn::BitCast(d, hn::And(rounded, hn::Set(d32, 0xFFFF0000)));
  return hn::IfThenElse(hn::IsNaN(x), x, result);
}

// ---- Functions -----------------------------------------------------------------------------------------------------

// The sum of the lanes in an order that the target fixes.
template <class D>
HWY_INLINE float SumOf(D d, hn::Vec<D> v) {
  return hn::GetLane(hn::SumOfLanes(d, v));
}

// The larger value, or NaN where `x` is NaN. The vector instructions of x86 and Arm return the second operand then.
template <class D>
HWY_INLINE hn::Vec<D> MaxKeepNaN(D /*d*/, hn::Vec<D> bound, hn::Vec<D> x) {
#if HWY_TARGET == HWY_SCALAR
  return hn::IfThenElse(hn::Lt(x, bound), bound, x);
#else
  return hn::Max(bound, x);
#endif
}
template <class D>
HWY_INLINE hn::Vec<D> MinKeepNaN(D /*d*/, hn::Vec<D> bound, hn::Vec<D> x) {
#if HWY_TARGET == HWY_SCALAR
  return hn::IfThenElse(hn::Lt(bound, x), bound, x);
#else
  return hn::Min(bound, x);
#endif
}

// x = n · ln 2 + r with an integer n and |r| <= ln 2 / 2; `n_bits` holds n in its low bits.
template <class D>
struct ExpReduction {
  hn::Vec<D> n, r;
  hn::Vec<hn::RebindToUnsigned<D>> n_bits;
};

template <class D>
HWY_INLINE ExpReduction<D> ReduceForExp(D d, hn::Vec<D> x) {
  const hn::RebindToUnsigned<D> d32;
  const auto magic = hn::Set(d, 0x1.8p23f);  // adding it rounds to an integer, in the low bits of the sum
  const auto shifted = hn::MulAdd(x, hn::Set(d, 1.44269504f), magic);
  const auto n = hn::Sub(shifted, magic);
  // ln 2 in two parts; the first has 9 bits, so n times it is exact.
  auto r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), x);
  r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), r);
  return {n, r, hn::BitCast(d32, shifted)};
}

// e^r for |r| <= ln 2 / 2: the minimax polynomial of degree 6 of Cephes' expf, relative error below 2^-24.
template <class D>
HWY_INLINE hn::Vec<D> ExpPolynomial(D d, hn::Vec<D> r) {
  auto p = hn::MulAdd(r, hn::Set(d, 1.9875691500e-4f), hn::Set(d, 1.3981999507e-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 8.3334519073e-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 4.1665795894e-2f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.6666665459e-1f));
  p = hn::MulAdd(p, r, hn::Set(d, 5.0000001201e-1f));
  return hn::Add(hn::MulAdd(p, hn::Mul(r, r), r), hn::Set(d, 1.0f));
}

// 2^n for −126 <= n <= 127 from the bits of a reduction.
template <class D>
HWY_INLINE hn::Vec<D> PowerOfTwo(D d, hn::Vec<hn::RebindToUnsigned<D>> n_bits) {
  const hn::RebindToUnsigned<D> d32;
  return hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(n_bits, hn::Set(d32, 127))));
}

// e^x within 2 ulp; 0 below −87.3, where the result is no longer a normal number; ∞ above 88.7; NaN stays NaN.
template <class D>
HWY_INLINE hn::Vec<D> Exp(D d, hn::Vec<D> x) {
  const hn::RebindToSigned<D> di;
  const hn::RebindToUnsigned<D> d32;
  const auto bounded = MinKeepNaN(d, hn::Set(d, 89.0f), MaxKeepNaN(d, hn::Set(d, -87.0f), x));
  const ExpReduction<D> reduction = ReduceForExp(d, bounded);
  // 2^n in two factors: n = 128 is reached just below the overflow.
  const auto n = hn::ShiftRight<10>(hn::ShiftLeft<10>(hn::BitCast(di, reduction.n_bits)));
  const auto half = hn::ShiftRight<1>(n);
  const auto low = PowerOfTwo(d, hn::BitCast(d32, half)), high = PowerOfTwo(d, hn::BitCast(d32, hn::Sub(n, half)));
  const auto result = hn::Mul(hn::Mul(ExpPolynomial(d, reduction.r), low), high);
  return hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, -87.0f)), result);
}

// e^x within 2 ulp for x <= 0 (a little above is fine too); 0 below −87; NaN stays NaN.
template <class D>
HWY_INLINE hn::Vec<D> ExpNonPositive(D d, hn::Vec<D> x) {
  const auto least = hn::Set(d, -87.0f);
  const ExpReduction<D> reduction = ReduceForExp(d, MaxKeepNaN(d, least, x));
  const auto result = hn::Mul(ExpPolynomial(d, reduction.r), PowerOfTwo(d, reduction.n_bits));
  return hn::IfThenZeroElse(hn::Lt(x, least), result);
}

// x / (1 + e^−x), within 4 ulp where e^−x is finite.
template <class D>
HWY_INLINE hn::Vec<D> Silu(D d, hn::Vec<D> x) {
  return hn::Div(x, hn::Add(hn::Set(d, 1.0f), Exp(d, hn::Neg(x))));
}

// x (1 + tanh u) / 2 = x / (1 + e^−2u) with u = sqrt(2 / π) (x + 0.044715 x³), within 4 ulp where x >= 0. Where x < 0
// the rounding of the argument adds about 8 |u| · 2^-24 to the relative error, of a result that is close to 0.
template <class D>
HWY_INLINE hn::Vec<D> GeluTanh(D d, hn::Vec<D> x) {
  const auto cubic = hn::MulAdd(hn::Mul(x, x), hn::Set(d, 0.044715f), hn::Set(d, 1.0f));
  const auto minus_two_u = hn::Mul(hn::Mul(x, cubic), hn::Set(d, -1.5957691216f));
  return hn::Div(x, hn::Add(hn::Set(d, 1.0f), Exp(d, minus_two_u)));
}

// max(x, 0); NaN stays NaN.
template <class D>
HWY_INLINE hn::Vec<D> Relu(D d, hn::Vec<D> x) {
  return MaxKeepNaN(d, hn::Zero(d), x);
}

// tanh x within 4 ulp: below 0.625 an odd polynomial (fitted at Chebyshev points of x²), above 1 − 2 / (e^2|x| + 1).
template <class D>
HWY_INLINE hn::Vec<D> Tanh(D d, hn::Vec<D> x) {
  const auto squared = hn::Mul(x, x), magnitude = hn::Abs(x);
  auto p = hn::MulAdd(squared, hn::Set(d, -6.104945671e-3f), hn::Set(d, 2.1003639325e-2f));
  p = hn::MulAdd(p, squared, hn::Set(d, -5.3852498531e-2f));
  p = hn::MulAdd(p, squared, hn::Set(d, 1.3332782686e-1f));
  p = hn::MulAdd(p, squared, hn::Set(d, -3.3333328366e-1f));
  const auto small = hn::MulAdd(hn::Mul(x, squared), p, x);
  const auto one = hn::Set(d, 1.0f);
  const auto large = hn::Sub(one, hn::Div(hn::Set(d, 2.0f), hn::Add(Exp(d, hn::Add(magnitude, magnitude)), one)));
  return hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0.625f)), small, hn::CopySign(large, x));
}

template <class D>
HWY_INLINE hn::Vec<D> ActivationOf(D d, Activation activation, hn::Vec<D> x) {
  switch (activation) {
    case Activation::kSilu:
      return Silu(d, x);
    case Activation::kGeluTanh:
      return GeluTanh(d, x);
    case Activation::kRelu:
      return Relu(d, x);
    case Activation::kTanh:
      return Tanh(d, x);
    case Activation::kNone:
      break;
  }
  return x;
}

// ---- Epilogue ------------------------------------------------------------------------------------------------------

// The epilogue of one row from column `first` on; `load(d, pointer)` and friends see whole vectors or the tail.
template <class BiasSource, class D, class Load>
HWY_INLINE hn::Vec<D> EpilogueOf(D d, const Epilogue& epilogue, int64_t row, int64_t column, hn::Vec<D> value,
                                 const Load& load) {
  if (!epilogue.bias.empty()) {
    const char* bias = static_cast<const char*>(epilogue.bias.data);
    value = hn::Add(value, load(BiasSource(), bias + column * BiasSource::kSize));
  }
  value = ActivationOf(d, epilogue.activation, value);
  if (!epilogue.gate.empty()) {
    const float* gate = epilogue.gate.row(epilogue.gate.rows == 1 ? 0 : row);
    value = hn::Mul(value, load(AsF32(), gate + column));
  }
  if (!epilogue.residual.empty()) value = hn::Add(value, load(AsF32(), epilogue.residual.row(row) + column));
  return value;
}

// out[i] = the epilogue of sums[i], which is the product of row `row` and column `column` + i, for i in [0, count).
HWY_INLINE void ApplyEpilogue(const Epilogue& epilogue, int64_t row, int64_t column, int64_t count, const float* sums,
                              float* out) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  WithSource(epilogue.bias.dtype, [&](auto source) HWY_ATTR {
    using BiasSource = decltype(source);
    int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
      const auto load = [&](auto from, const void* bytes) BLIP3O_INLINE { return decltype(from)::Load(d, bytes); };
      hn::StoreU(EpilogueOf<BiasSource>(d, epilogue, row, column + i, hn::LoadU(d, sums + i), load), d, out + i);
    }
    if (const int64_t rest = count - i; rest > 0) {
      const auto load = [&](auto from, const void* bytes)
                            BLIP3O_INLINE { return LoadFirst<decltype(from)>(d, bytes, rest); };
      const auto value = LoadFirst<AsF32>(d, sums + i, rest);
      StoreFirst(d, EpilogueOf<BiasSource>(d, epilogue, row, column + i, value, load), out + i, rest);
    }
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace blip3o::cpu
HWY_AFTER_NAMESPACE();

#endif
