// The vector helpers that every kernel shares, on every target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd_test.cpp"
#include <gtest/gtest.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "ops/cpu/simd-inl.h"
#include "ops/cpu/tile-inl.h"
#include "support/kernel_test.h"
#include "support/tolerance.h"

HWY_BEFORE_NAMESPACE();
namespace blip3o::cpu {
namespace HWY_NAMESPACE {

template <class F>
float Lane(const F& f, float x) {
  return hn::GetLane(f(Tag(), hn::Set(Tag(), x)));
}

// The relative error of f against `exact` stays within `bound` at 100,000 points of [low, high].
template <class F, class Exact>
void CheckRelative(float low, float high, double bound, const F& f, const Exact& exact) {
  for (int i = 0; i <= 100000; ++i) {
    const float x = low + (high - low) * (static_cast<float>(i) * 1e-5f);
    const double expected = exact(static_cast<double>(x));
    ASSERT_NEAR(Lane(f, x), expected, bound * std::abs(expected)) << "at " << x;
  }
}

void Functions() {
  const auto exp = [](auto d, auto x) HWY_ATTR { return Exp(d, x); };
  const auto below = [](auto d, auto x) HWY_ATTR { return ExpNonPositive(d, x); };
  const auto silu = [](auto d, auto x) HWY_ATTR { return Silu(d, x); };
  const auto gelu = [](auto d, auto x) HWY_ATTR { return GeluTanh(d, x); };
  const auto relu = [](auto d, auto x) HWY_ATTR { return Relu(d, x); };
  // Two and four units in the last place are at most 4 and 8 roundings.
  CheckRelative(-86.9f, 88.7f, 4 * test::kUnit, exp, [](double x) { return std::exp(x); });
  CheckRelative(-86.9f, 0.0f, 4 * test::kUnit, below, [](double x) { return std::exp(x); });
  CheckRelative(-86.9f, 88.0f, 8 * test::kUnit, silu, [](double x) { return x / (1 + std::exp(-x)); });
  CheckRelative(0.0f, 10.0f, 8 * test::kUnit, gelu,
                [](double x) { return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); });
  const auto tanh = [](auto d, auto x) HWY_ATTR { return Tanh(d, x); };
  CheckRelative(-20.0f, 20.0f, 8 * test::kUnit, tanh, [](double x) { return std::tanh(x); });
  CheckRelative(-0.7f, 0.7f, 8 * test::kUnit, tanh, [](double x) { return std::tanh(x); });
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(Lane(exp, infinity), infinity);
  EXPECT_EQ(Lane(exp, 89.0f), infinity);
  EXPECT_EQ(Lane(exp, -infinity), 0.0f);
  EXPECT_EQ(Lane(below, -infinity), 0.0f);
  EXPECT_TRUE(std::isnan(Lane(exp, nan)) && std::isnan(Lane(below, nan)) && std::isnan(Lane(silu, nan)));
  EXPECT_TRUE(std::isnan(Lane(gelu, nan)) && std::isnan(Lane(relu, nan)));
  EXPECT_EQ(Lane(relu, -1.0f), 0.0f);
  EXPECT_EQ(Lane(tanh, infinity), 1.0f);
  EXPECT_EQ(Lane(tanh, -infinity), -1.0f);
  EXPECT_EQ(Lane(tanh, 1e-30f), 1e-30f);
  EXPECT_TRUE(std::isnan(Lane(tanh, nan)));
}

bool SameOrBothNaN(float a, float b) { return std::memcmp(&a, &b, 4) == 0 || (std::isnan(a) && std::isnan(b)); }

// Every 16-bit pattern, from an odd address; whole vectors and the first value alone.
void Conversions() {
  const Tag d;
  char bytes[2 * HWY_MAX_BYTES + 1] = {};
  for (uint32_t pattern = 0; pattern < 65536; ++pattern) {
    const uint16_t bits = static_cast<uint16_t>(pattern);
    std::memcpy(bytes + 1, &bits, 2);
    ASSERT_TRUE(SameOrBothNaN(hn::GetLane(AsF16::Load(d, bytes + 1)), F32FromF16(bits))) << pattern;
    ASSERT_TRUE(SameOrBothNaN(hn::GetLane(AsBF16::Load(d, bytes + 1)), F32FromBF16(bits))) << pattern;
    ASSERT_TRUE(SameOrBothNaN(hn::GetLane(LoadFirst<AsF16>(d, bytes + 1, 1)), F32FromF16(bits))) << pattern;
    const uint32_t word = pattern * 65537u + 12345u * pattern;
    float value;
    std::memcpy(&value, &word, 4);
    const float rounded = hn::GetLane(RoundToBF16(d, hn::Set(d, value)));
    ASSERT_TRUE(SameOrBothNaN(rounded, F32FromBF16(BF16FromF32(value)))) << word;
  }
}

void Transposes() {
  for (int64_t rows : {1, 4, 7, 16, 33}) {
    for (int64_t cols : {1, 3, 8, 18, 21}) {
      const test::OwnedMatrix from(rows, cols, test::Numbers(1));
      for (int64_t padding : {0, 50}) {
        test::OwnedMatrix to(cols, rows, padding);
        Transpose((*from).data, (*from).stride, rows, cols, (*to).data, (*to).stride);
        ASSERT_TRUE(to.PaddingUntouched());
        for (int64_t r = 0; r < rows; ++r) {
          for (int64_t c = 0; c < cols; ++c) ASSERT_EQ(to.at(c, r), from.at(r, c));
        }
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace blip3o::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace blip3o::cpu {

HWY_EXPORT(Functions);
HWY_EXPORT(Conversions);
HWY_EXPORT(Transposes);

TEST(Simd, FunctionsStayWithinTheirBounds) {
  test::ForEachTarget([] { HWY_DYNAMIC_DISPATCH(Functions)(); });
}
TEST(Simd, ConvertsEvery16BitPattern) {
  test::ForEachTarget([] { HWY_DYNAMIC_DISPATCH(Conversions)(); });
}
TEST(Simd, Transposes) {
  test::ForEachTarget([] { HWY_DYNAMIC_DISPATCH(Transposes)(); });
}

}  // namespace blip3o::cpu
#endif
