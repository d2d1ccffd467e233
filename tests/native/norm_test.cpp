#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "ops/cpu/kernels.h"
#include "support/activation.h"
#include "support/kernel_test.h"

namespace blip3o {
namespace {

using test::Activated;
using test::ForEachTarget;
using test::Numbers;
using test::OwnedMatrix;
using test::OwnedWeight;
using test::TestContext;

constexpr int64_t kWidths[] = {1, 13, 24, 112, 128, 207, 1009, 4098};

// A row's sum of n squares in f32 with at least four partial sums is off by at most n/4 + 10 roundings; the root halves
// it and four more operations follow. Values are below 1, weights too: an absolute bound will do, scaled by the factor.
double Tolerance(int64_t n, double factor) { return (static_cast<double>(n) / 8 + 16) * 0x1p-24 * (1 + factor); }

void CheckRmsNorm(int64_t rows, int64_t cols, DType dtype, Activation activation, bool biased, bool with_residual) {
  const double eps = 1e-5;
  const OwnedMatrix x(rows, cols, Numbers(1)), residual(rows, cols, Numbers(2));
  const OwnedWeight weight(Shape{cols}, dtype, Numbers(3)), bias(Shape{cols}, DType::kF32, Numbers(4));
  OwnedMatrix out(rows, cols);
  TestContext context(1);
  cpu::RmsNorm(context, *x, *weight, biased ? *bias : View(), eps, activation, with_residual ? *residual : Matrix(),
               *out);
  ASSERT_TRUE(out.PaddingUntouched());
  for (int64_t r = 0; r < rows; ++r) {
    double squares = 0;
    for (int64_t c = 0; c < cols; ++c) squares += static_cast<double>(x.at(r, c)) * x.at(r, c);
    const double factor = 1 / std::sqrt(squares / static_cast<double>(cols) + eps);
    for (int64_t c = 0; c < cols; ++c) {
      const double normed = x.at(r, c) * factor * weight[c] + (biased ? bias[c] : 0);
      const double expected = Activated(activation, normed) + (with_residual ? residual.at(r, c) : 0);
      ASSERT_NEAR(out.at(r, c), expected, Tolerance(cols, factor)) << r << "," << c << " of " << cols;
    }
  }
}

TEST(RmsNorm, EqualsItsFormula) {
  ForEachTarget([] {
    for (int64_t cols : kWidths) {
      for (DType dtype : test::kWeightTypes) CheckRmsNorm(3, cols, dtype, Activation::kNone, false, false);
      for (Activation activation : test::kActivations) {
        CheckRmsNorm(2, cols, DType::kBF16, activation, true, true);
      }
    }
    CheckRmsNorm(1009, 24, DType::kF16, Activation::kNone, true, false);
  });
}

TEST(RmsNorm, WorksInPlaceAndOnItsResidual) {
  ForEachTarget([] {
    const OwnedMatrix x(7, 207, Numbers(1)), residual(7, 207, Numbers(2));
    const OwnedWeight weight(Shape{207}, DType::kF32, Numbers(3));
    TestContext context(1);
    OwnedMatrix expected(7, 207);
    cpu::RmsNorm(context, *x, *weight, View(), 1e-6, Activation::kNone, *residual, *expected);
    OwnedMatrix in_place(x), onto_residual(residual);
    cpu::RmsNorm(context, *in_place, *weight, View(), 1e-6, Activation::kNone, *residual, *in_place);
    EXPECT_TRUE(in_place == expected);
    cpu::RmsNorm(context, *x, *weight, View(), 1e-6, Activation::kNone, *onto_residual, *onto_residual);
    EXPECT_TRUE(onto_residual == expected);
  });
}

TEST(RmsNorm, KeepsItsBytesOnAnyNumberOfThreadsAndInAnyCompany) {
  ForEachTarget([] {
    const OwnedMatrix x(301, 207, Numbers(1));
    const OwnedWeight weight(Shape{207}, DType::kBF16, Numbers(3));
    OwnedMatrix expected(301, 207);
    TestContext one(1);
    cpu::RmsNorm(one, *x, *weight, View(), 1e-6, Activation::kSilu, Matrix(), *expected);
    for (int threads = 2; threads <= 4; ++threads) {
      TestContext context(threads);
      OwnedMatrix out(301, 207);
      cpu::RmsNorm(context, *x, *weight, View(), 1e-6, Activation::kSilu, Matrix(), *out);
      EXPECT_TRUE(out == expected) << threads << " threads";
    }
    OwnedMatrix alone(1, 207);
    cpu::RmsNorm(one, (*x).Rows(150, 1), *weight, View(), 1e-6, Activation::kSilu, Matrix(), *alone);
    EXPECT_EQ(std::memcmp((*alone).row(0), (*expected).row(150), 207 * sizeof(float)), 0);
  });
}

TEST(RmsNorm, PassesNaNOn) {
  ForEachTarget([] {
    OwnedMatrix x(1, 20, Numbers(1));
    x.at(0, 17) = NAN;
    const OwnedWeight weight(Shape{20}, DType::kF32, Numbers(3));
    TestContext context(1);
    for (Activation activation : test::kActivations) {
      OwnedMatrix out(1, 20);
      cpu::RmsNorm(context, *x, *weight, View(), 1e-6, activation, Matrix(), *out);
      for (int64_t c = 0; c < 20; ++c) EXPECT_TRUE(std::isnan(out.at(0, c)));
    }
  });
}

// `offset` moves the mean away from zero: a one-pass variance would lose its digits there.
OwnedMatrix Shifted(int64_t rows, int64_t cols, float offset) {
  OwnedMatrix x(rows, cols, Numbers(1));
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < cols; ++c) x.at(r, c) += offset;
  }
  return x;
}

// `gain(c)` and `addend(c)` follow the normalisation.
template <typename Gain, typename Addend>
void CompareLayerNorm(const OwnedMatrix& x, const OwnedMatrix& out, double eps, float offset, const Gain& gain,
                      const Addend& addend) {
  const int64_t rows = x.rows(), cols = x.cols();
  ASSERT_TRUE(out.PaddingUntouched());
  for (int64_t r = 0; r < rows; ++r) {
    double sum = 0, squares = 0;
    for (int64_t c = 0; c < cols; ++c) sum += x.at(r, c);
    const double mean = sum / static_cast<double>(cols);
    for (int64_t c = 0; c < cols; ++c) squares += (x.at(r, c) - mean) * (x.at(r, c) - mean);
    const double factor = 1 / std::sqrt(squares / static_cast<double>(cols) + eps);
    for (int64_t c = 0; c < cols; ++c) {
      const double expected = (x.at(r, c) - mean) * factor * gain(c) + addend(c);
      // The mean is off by a rounding error of the sum, which the factor enlarges.
      ASSERT_NEAR(out.at(r, c), expected, 2 * Tolerance(cols, factor * (1 + std::abs(offset))))
          << r << "," << c << " of " << cols;
    }
  }
}

void CheckLayerNorm(int64_t rows, int64_t cols, float offset) {
  const double eps = 1e-6;
  const OwnedMatrix x = Shifted(rows, cols, offset), shift(1, cols, Numbers(2)), scale(1, cols, Numbers(3));
  TestContext context(1);
  OwnedMatrix out(rows, cols);
  cpu::LayerNormModulate(context, *x, *shift, *scale, eps, *out);
  CompareLayerNorm(
      x, out, eps, offset, [&](int64_t c) { return 1.0 + scale.at(0, c); }, [&](int64_t c) { return shift.at(0, c); });
  for (DType dtype : test::kWeightTypes) {
    const OwnedWeight weight(Shape{cols}, dtype, Numbers(4)), bias(Shape{cols}, dtype, Numbers(5));
    OwnedMatrix affine(rows, cols);
    cpu::LayerNorm(context, *x, *weight, *bias, eps, *affine);
    CompareLayerNorm(
        x, affine, eps, offset, [&](int64_t c) { return weight[c]; }, [&](int64_t c) { return bias[c]; });
  }
}

// Of LayerNorm too.
TEST(LayerNormModulate, EqualsItsFormula) {
  ForEachTarget([] {
    for (int64_t cols : kWidths) {
      CheckLayerNorm(3, cols, 0.0f);
      if (cols > 1) CheckLayerNorm(3, cols, 100.0f);
    }
    CheckLayerNorm(1009, 24, 0.0f);
  });
}

TEST(LayerNormModulate, KeepsItsBytesOnAnyNumberOfThreadsAndInPlace) {
  ForEachTarget([] {
    const OwnedMatrix x(301, 207, Numbers(1)), shift(1, 207, Numbers(2)), scale(1, 207, Numbers(3));
    OwnedMatrix expected(301, 207);
    TestContext one(1);
    cpu::LayerNormModulate(one, *x, *shift, *scale, 1e-6, *expected);
    for (int threads = 2; threads <= 4; ++threads) {
      TestContext context(threads);
      OwnedMatrix out(x);
      cpu::LayerNormModulate(context, *out, *shift, *scale, 1e-6, *out);
      EXPECT_TRUE(out == expected) << threads << " threads";
    }
  });
}

TEST(LayerNorm, KeepsItsBytesOnAnyNumberOfThreadsInPlaceAndAlone) {
  ForEachTarget([] {
    const OwnedMatrix x(301, 207, Numbers(1));
    const OwnedWeight weight(Shape{207}, DType::kF16, Numbers(2)), bias(Shape{207}, DType::kBF16, Numbers(3));
    OwnedMatrix expected(301, 207), alone(1, 207);
    TestContext one(1);
    cpu::LayerNorm(one, *x, *weight, *bias, 1e-6, *expected);
    for (int threads = 2; threads <= 4; ++threads) {
      TestContext context(threads);
      OwnedMatrix out(x);
      cpu::LayerNorm(context, *out, *weight, *bias, 1e-6, *out);
      EXPECT_TRUE(out == expected) << threads << " threads";
    }
    cpu::LayerNorm(one, (*x).Rows(150, 1), *weight, *bias, 1e-6, *alone);
    EXPECT_EQ(std::memcmp((*alone).row(0), (*expected).row(150), 207 * sizeof(float)), 0);
  });
}

TEST(L2Normalize, EqualsItsFormula) {
  ForEachTarget([] {
    for (int threads : {1, 3}) {
      TestContext context(threads);
      for (int64_t cols : kWidths) {
        OwnedMatrix x(5, cols, Numbers(1));
        for (int64_t c = 0; c < cols; ++c) {
          x.at(1, c) = 0;        // no direction: stays zero
          x.at(2, c) *= 1e-10f;  // short, but above the least length
        }
        OwnedMatrix out(x);
        cpu::L2Normalize(context, *out, *out);
        ASSERT_TRUE(out.PaddingUntouched());
        for (int64_t r = 0; r < 5; ++r) {
          double squares = 0;
          for (int64_t c = 0; c < cols; ++c) squares += static_cast<double>(x.at(r, c)) * x.at(r, c);
          const double factor = 1 / std::max(std::sqrt(squares), 1e-12);
          // Values are at most 1; the sum's roundings, halved by the root, and two more.
          for (int64_t c = 0; c < cols; ++c) {
            ASSERT_NEAR(out.at(r, c), x.at(r, c) * factor, Tolerance(cols, 1)) << r << "," << c << " of " << cols;
          }
        }
      }
    }
  });
}

TEST(L2Normalize, KeepsItsBytesOnAnyNumberOfThreadsAndInAnyCompany) {
  ForEachTarget([] {
    OwnedMatrix x(301, 207, Numbers(1));
    x.at(7, 100) = NAN;
    OwnedMatrix alone(301, 207);
    TestContext one(1);
    for (int64_t r = 0; r < 301; ++r) cpu::L2Normalize(one, (*x).Rows(r, 1), (*alone).Rows(r, 1));
    for (int64_t c = 0; c < 207; ++c) EXPECT_TRUE(std::isnan(alone.at(7, c)));
    for (int threads = 1; threads <= 4; ++threads) {
      TestContext context(threads);
      OwnedMatrix out(301, 207);
      cpu::L2Normalize(context, *x, *out);
      EXPECT_TRUE(out == alone) << threads << " threads";
    }
  });
}

}  // namespace
}  // namespace blip3o
