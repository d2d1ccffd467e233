// A stand-in for Highway: its scalar target alone, one value a vector.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#define HWY_SCALAR (1LL << 62)
#define HWY_AVX2 (1LL << 9)
#define HWY_AVX3 (1LL << 8)
#define HWY_AVX3_DL (1LL << 7)
#define HWY_TARGET HWY_SCALAR
#define HWY_NAMESPACE N_SCALAR
#define HWY_ONCE 1
#define HWY_ALIGN alignas(16)
#define HWY_MAX_BYTES 16
#define HWY_ATTR
#define HWY_INLINE inline __attribute__((always_inline))
#define HWY_NOINLINE __attribute__((noinline))
#define HWY_BEFORE_NAMESPACE() static_assert(true)
#define HWY_AFTER_NAMESPACE() static_assert(true)
#define HWY_EXPORT(name) static_assert(true)
#define HWY_DYNAMIC_DISPATCH(name) HWY_NAMESPACE::name

namespace hwy {

inline int64_t SupportedTargets() { return HWY_SCALAR; }
inline std::vector<int64_t> SupportedAndGeneratedTargets() { return {HWY_SCALAR}; }
inline const char* TargetName(int64_t) { return "SCALAR"; }
inline void SetSupportedTargetsForTest(int64_t) {}

namespace HWY_NAMESPACE {

template <typename T>
struct Simd {
  constexpr Simd() {}
  using Value = T;
};
template <typename T>
struct Vec1 {
  T value;
};
template <typename T>
struct Mask1 {
  bool value;
};

template <typename D>
using TFromD = typename D::Value;
template <typename D>
using Vec = Vec1<TFromD<D>>;
template <typename T>
using ScalableTag = Simd<T>;
template <typename T, size_t kMost>
using CappedTag = Simd<T>;
template <typename T, typename D>
using Rebind = Simd<T>;
template <typename T, typename D>
using Repartition = Simd<T>;
template <typename D>
using Half = D;

namespace detail {
template <size_t kSize>
struct Sized;
template <>
struct Sized<1> {
  using Unsigned = uint8_t;
  using Signed = int8_t;
};
template <>
struct Sized<2> {
  using Unsigned = uint16_t;
  using Signed = int16_t;
};
template <>
struct Sized<4> {
  using Unsigned = uint32_t;
  using Signed = int32_t;
  using Float = float;
};
template <>
struct Sized<8> {
  using Unsigned = uint64_t;
  using Signed = int64_t;
  using Float = double;
};
}  // namespace detail

template <typename D>
using RebindToUnsigned = Simd<typename detail::Sized<sizeof(TFromD<D>)>::Unsigned>;
template <typename D>
using RebindToSigned = Simd<typename detail::Sized<sizeof(TFromD<D>)>::Signed>;
template <typename D>
using RebindToFloat = Simd<typename detail::Sized<sizeof(TFromD<D>)>::Float>;

template <typename D>
constexpr size_t Lanes(D) {
  return 1;
}
template <typename D>
constexpr size_t MaxLanes(D) {
  return 1;
}

// ---- Memory ---------------------------------------------------------------------------------------------------------

template <typename D, typename T>
Vec<D> Set(D, T value) {
  return {static_cast<TFromD<D>>(value)};
}
template <typename D>
Vec<D> Zero(D) {
  return {TFromD<D>{}};
}
template <typename D>
Vec<D> Iota(D, TFromD<D> first) {
  return {first};
}
template <typename D>
Vec<D> LoadU(D, const TFromD<D>* from) {
  TFromD<D> value;
  std::memcpy(&value, from, sizeof(value));
  return {value};
}
template <typename D>
Vec<D> Load(D d, const TFromD<D>* from) {
  return LoadU(d, from);
}
template <typename D>
void StoreU(Vec<D> v, D, TFromD<D>* to) {
  std::memcpy(to, &v.value, sizeof(v.value));
}
template <typename D>
void Store(Vec<D> v, D d, TFromD<D>* to) {
  StoreU(v, d, to);
}
template <typename D>
void LoadInterleaved2(D d, const TFromD<D>* from, Vec<D>& a, Vec<D>& b) {
  a = LoadU(d, from);
  b = LoadU(d, from + 1);
}
template <typename D>
void LoadInterleaved4(D d, const TFromD<D>* from, Vec<D>& a, Vec<D>& b, Vec<D>& c, Vec<D>& e) {
  LoadInterleaved2(d, from, a, b);
  LoadInterleaved2(d, from + 2, c, e);
}
template <typename D>
void StoreInterleaved2(Vec<D> a, Vec<D> b, D d, TFromD<D>* to) {
  StoreU(a, d, to);
  StoreU(b, d, to + 1);
}
template <typename D>
void StoreInterleaved4(Vec<D> a, Vec<D> b, Vec<D> c, Vec<D> e, D d, TFromD<D>* to) {
  StoreInterleaved2(a, b, d, to);
  StoreInterleaved2(c, e, d, to + 2);
}
template <typename T>
T GetLane(Vec1<T> v) {
  return v.value;
}

// ---- Arithmetic
// -------------------------------------------------------------------------------------------------------

template <typename T>
Vec1<T> Add(Vec1<T> a, Vec1<T> b) {
  return {static_cast<T>(a.value + b.value)};
}
template <typename T>
Vec1<T> Sub(Vec1<T> a, Vec1<T> b) {
  return {static_cast<T>(a.value - b.value)};
}
template <typename T>
Vec1<T> Mul(Vec1<T> a, Vec1<T> b) {
  return {static_cast<T>(a.value * b.value)};
}
template <typename T>
Vec1<T> Div(Vec1<T> a, Vec1<T> b) {
  return {a.value / b.value};
}
template <typename T>
Vec1<T> Neg(Vec1<T> v) {
  return {-v.value};
}
template <typename T>
Vec1<T> Abs(Vec1<T> v) {
  return {std::abs(v.value)};
}
template <typename T>
Vec1<T> MulAdd(Vec1<T> a, Vec1<T> b, Vec1<T> c) {
  return {a.value * b.value + c.value};
}
template <typename T>
Vec1<T> NegMulAdd(Vec1<T> a, Vec1<T> b, Vec1<T> c) {
  return {c.value - a.value * b.value};
}
template <typename T>
Vec1<T> MulSub(Vec1<T> a, Vec1<T> b, Vec1<T> c) {
  return {a.value * b.value - c.value};
}
template <typename T>
Vec1<T> Min(Vec1<T> a, Vec1<T> b) {
  return {b.value < a.value ? b.value : a.value};
}
template <typename T>
Vec1<T> Max(Vec1<T> a, Vec1<T> b) {
  return {a.value < b.value ? b.value : a.value};
}
template <typename T>
Vec1<T> Clamp(Vec1<T> v, Vec1<T> low, Vec1<T> high) {
  return Min(Max(low, v), high);
}
template <typename T>
Vec1<T> CopySign(Vec1<T> magnitude, Vec1<T> sign) {
  return {std::copysign(magnitude.value, sign.value)};
}
template <typename D, typename T>
Vec1<T> SumOfLanes(D, Vec1<T> v) {
  return v;
}
template <typename D, typename T>
Vec1<T> MaxOfLanes(D, Vec1<T> v) {
  return v;
}

// ---- Bits and types
// -----------------------------------------------------------------------------------------------------

template <typename D, typename T>
Vec<D> BitCast(D, Vec1<T> v) {
  return {std::bit_cast<TFromD<D>>(v.value)};
}
template <typename T>
Vec1<T> And(Vec1<T> a, Vec1<T> b) {
  return {static_cast<T>(a.value & b.value)};
}
template <int kBits, typename T>
Vec1<T> ShiftLeft(Vec1<T> v) {
  return {static_cast<T>(static_cast<std::make_unsigned_t<T>>(v.value) << kBits)};
}
template <int kBits, typename T>
Vec1<T> ShiftRight(Vec1<T> v) {
  return {static_cast<T>(v.value >> kBits)};
}
template <typename D, typename T>
Vec<D> PromoteTo(D, Vec1<T> v) {
  return {static_cast<TFromD<D>>(v.value)};
}
template <typename D, typename T>
Vec<D> TruncateTo(D, Vec1<T> v) {
  return {static_cast<TFromD<D>>(v.value)};
}
// Saturates.
template <typename D, typename T>
Vec<D> DemoteTo(D, Vec1<T> v) {
  using To = TFromD<D>;
  const T least = static_cast<T>(std::numeric_limits<To>::min()), most = static_cast<T>(std::numeric_limits<To>::max());
  return {static_cast<To>(v.value < least ? least : v.value > most ? most : v.value)};
}
template <typename D, typename T>
Vec<D> ConvertTo(D, Vec1<T> v) {
  return {static_cast<TFromD<D>>(v.value)};
}
// Ties to even. NaN and what is out of range: the least value, as the vector instructions of x86 have it.
inline Vec1<int32_t> NearestInt(Vec1<float> v) {
  const float rounded = std::nearbyint(v.value);
  if (!(rounded >= -0x1p31f && rounded < 0x1p31f)) return {std::numeric_limits<int32_t>::min()};
  return {static_cast<int32_t>(rounded)};
}

// ---- Choices
// ------------------------------------------------------------------------------------------------------------

template <typename T>
Mask1<T> Lt(Vec1<T> a, Vec1<T> b) {
  return {a.value < b.value};
}
template <typename T>
Mask1<T> Le(Vec1<T> a, Vec1<T> b) {
  return {a.value <= b.value};
}
template <typename T>
Mask1<T> Gt(Vec1<T> a, Vec1<T> b) {
  return {a.value > b.value};
}
template <typename T>
Mask1<T> Eq(Vec1<T> a, Vec1<T> b) {
  return {a.value == b.value};
}
template <typename T>
Mask1<T> IsNaN(Vec1<T> v) {
  return {v.value != v.value};
}
template <typename T>
Vec1<T> IfThenElse(Mask1<T> mask, Vec1<T> yes, Vec1<T> no) {
  return mask.value ? yes : no;
}
template <typename T>
Vec1<T> IfThenElseZero(Mask1<T> mask, Vec1<T> yes) {
  return mask.value ? yes : Vec1<T>{T{}};
}
template <typename T>
Vec1<T> IfThenZeroElse(Mask1<T> mask, Vec1<T> no) {
  return mask.value ? Vec1<T>{T{}} : no;
}

}  // namespace HWY_NAMESPACE
}  // namespace hwy
