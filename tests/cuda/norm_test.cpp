#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "ops/cpu/kernels.h"
#include "ops/cuda/kernels.h"
#include "support/activation.h"
#include "support/lane_test.h"
#include "support/placed_matrix.h"

namespace blip3o {
namespace {

using test::Activated;
using test::DeviceContext;
using test::ForEachPlacement;
using test::ForEachSchedule;
using test::Numbers;
using test::OwnedMatrix;
using test::OwnedWeight;
using test::PlacedMatrix;
using test::Placement;
using test::TestContext;

// On both sides of each kernel's limit.
constexpr int64_t kWidths[] = {1, 3, 24, 127, 255, 257, 513, 1009, 3073};

// A row's sum of n squares in f32 with at least four partial sums is off by at most n/4 + 10 roundings; the root halves
// it and four more operations follow. Values are below 1, weights too: an absolute bound will do, scaled by the factor.
double Tolerance(int64_t n, double factor) { return (static_cast<double>(n) / 8 + 16) * 0x1p-24 * (1 + factor); }

struct RmsCase {
  int64_t rows, cols;
  DType dtype;
  Activation activation;
  bool biased, with_residual;
};

// The weights stay as long as the devices that hold copies of them.
void CheckRmsNorm(const RmsCase& c) {
  const double eps = 1e-5;
  const OwnedMatrix x(c.rows, c.cols, Numbers(1)), residual(c.rows, c.cols, Numbers(2));
  const OwnedWeight weight(Shape{c.cols}, c.dtype, Numbers(3)), bias(Shape{c.cols}, DType::kF32, Numbers(4));
  const View added = c.biased ? *bias : View();
  OwnedMatrix of_cpu(c.rows, c.cols);
  TestContext cpu(1);
  cpu::RmsNorm(cpu, *x, *weight, added, eps, c.activation, c.with_residual ? *residual : Matrix(), *of_cpu);
  ForEachPlacement([&](DeviceContext& context, Placement placement) {
    OwnedMatrix out(c.rows, c.cols);
    const PlacedMatrix from(context, x, placement), addend(context, residual, placement), to(context, out, placement);
    cuda::RmsNorm(context, *from, *weight, added, eps, c.activation, c.with_residual ? *addend : Matrix(), *to);
    ASSERT_TRUE(to.CopyTo(out));
    for (int64_t r = 0; r < c.rows; ++r) {
      double squares = 0;
      for (int64_t i = 0; i < c.cols; ++i) squares += static_cast<double>(x.at(r, i)) * x.at(r, i);
      const double factor = 1 / std::sqrt(squares / static_cast<double>(c.cols) + eps);
      for (int64_t i = 0; i < c.cols; ++i) {
        const double normed = x.at(r, i) * factor * weight[i] + (c.biased ? bias[i] : 0);
        const double expected = Activated(c.activation, normed) + (c.with_residual ? residual.at(r, i) : 0);
        ASSERT_NEAR(out.at(r, i), expected, Tolerance(c.cols, factor)) << r << "," << i << " of " << c.cols;
        ASSERT_NEAR(out.at(r, i), of_cpu.at(r, i), 2 * Tolerance(c.cols, factor)) << r << "," << i << " of " << c.cols;
      }
    }
  });
}

TEST(RmsNorm, EqualsItsFormula) {
  for (const int64_t cols : kWidths) CheckRmsNorm({3, cols, DType::kBF16, Activation::kNone, false, false});
}

TEST(RmsNorm, AddsEverythingThatMayFollow) {
  for (const Activation activation : test::kActivations) CheckRmsNorm({2, 65, DType::kF32, activation, true, true});
  CheckRmsNorm({2, 516, DType::kF16, Activation::kSilu, true, true});
  CheckRmsNorm({33, 20, DType::kF16, Activation::kNone, true, false});
}

TEST(RmsNorm, WorksInPlaceAndOnItsResidual) {
  const OwnedMatrix x(7, 207, Numbers(1)), residual(7, 207, Numbers(2));
  const OwnedWeight weight(Shape{207}, DType::kF32, Numbers(3));
  ForEachPlacement([&](DeviceContext& context, Placement placement) {
    OwnedMatrix expected(7, 207), in_place(7, 207), onto_residual(7, 207);
    const PlacedMatrix from(context, x, placement), addend(context, residual, placement),
        to(context, expected, placement), both(context, x, placement), sum(context, residual, placement);
    cuda::RmsNorm(context, *from, *weight, View(), 1e-6, Activation::kNone, *addend, *to);
    cuda::RmsNorm(context, *both, *weight, View(), 1e-6, Activation::kNone, *addend, *both);
    cuda::RmsNorm(context, *from, *weight, View(), 1e-6, Activation::kNone, *sum, *sum);
    ASSERT_TRUE(to.CopyTo(expected) && both.CopyTo(in_place) && sum.CopyTo(onto_residual));
    EXPECT_TRUE(in_place == expected);
    EXPECT_TRUE(onto_residual == expected);
  });
}

// The bytes of rows by themselves, from each placement and schedule.
template <typename Norm>
void CheckCompany(int64_t cols, const Norm& norm) {
  constexpr int64_t kRows = 11;
  const OwnedMatrix x(kRows, cols, Numbers(1));
  std::vector<OwnedMatrix> runs;
  ForEachPlacement([&](DeviceContext& context, Placement placement) {
    OwnedMatrix together(kRows, cols), alone(kRows, cols);
    const PlacedMatrix from(context, x, placement), to(context, together, placement), each(context, alone, placement);
    norm(context, *from, *to);
    for (int64_t r = 0; r < kRows; ++r) norm(context, (*from).Rows(r, 1), (*each).Rows(r, 1));
    ASSERT_TRUE(to.CopyTo(together) && each.CopyTo(alone));
    EXPECT_TRUE(together == alone);
    runs.push_back(together);
  });
  for (const OwnedMatrix& run : runs) EXPECT_TRUE(run == runs[0]);
}

TEST(RmsNorm, KeepsItsBytesInAnyCompany) {
  for (const int64_t cols : {52, 300, 700}) {
    const OwnedWeight weight(Shape{cols}, DType::kBF16, Numbers(3));
    CheckCompany(cols, [&](DeviceContext& context, const Matrix& x, const Matrix& out) {
      cuda::RmsNorm(context, x, *weight, View(), 1e-6, Activation::kNone, Matrix(), out);
    });
  }
}

TEST(RmsNorm, PassesNaNOn) {
  OwnedMatrix x(2, 20, Numbers(1));
  x.at(0, 17) = NAN;
  const OwnedWeight weight(Shape{20}, DType::kF32, Numbers(3));
  ForEachSchedule([&](DeviceContext& context) {
    for (const Activation activation : test::kActivations) {
      OwnedMatrix out(2, 20);
      const PlacedMatrix from(context, x, Placement::kAligned), to(context, out, Placement::kAligned);
      cuda::RmsNorm(context, *from, *weight, View(), 1e-6, activation, Matrix(), *to);
      ASSERT_TRUE(to.CopyTo(out));
      for (int64_t c = 0; c < 20; ++c) EXPECT_TRUE(std::isnan(out.at(0, c)) && std::isfinite(out.at(1, c)));
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
void CompareLayerNorm(const OwnedMatrix& x, const OwnedMatrix& out, const OwnedMatrix& of_cpu, double eps, float offset,
                      const Gain& gain, const Addend& addend) {
  const int64_t rows = x.rows(), cols = x.cols();
  for (int64_t r = 0; r < rows; ++r) {
    double sum = 0, squares = 0;
    for (int64_t c = 0; c < cols; ++c) sum += x.at(r, c);
    const double mean = sum / static_cast<double>(cols);
    for (int64_t c = 0; c < cols; ++c) squares += (x.at(r, c) - mean) * (x.at(r, c) - mean);
    const double factor = 1 / std::sqrt(squares / static_cast<double>(cols) + eps);
    // The mean is off by a rounding error of the sum, which the factor enlarges.
    const double bound = 2 * Tolerance(cols, factor * (1 + std::abs(offset)));
    for (int64_t c = 0; c < cols; ++c) {
      const double expected = (x.at(r, c) - mean) * factor * gain(c) + addend(c);
      ASSERT_NEAR(out.at(r, c), expected, bound) << r << "," << c << " of " << cols;
      ASSERT_NEAR(out.at(r, c), of_cpu.at(r, c), 2 * bound) << r << "," << c << " of " << cols;
    }
  }
}

void CheckModulated(DeviceContext& context, Placement placement, int64_t rows, int64_t cols, float offset) {
  const double eps = 1e-6;
  const OwnedMatrix x = Shifted(rows, cols, offset), shift(1, cols, Numbers(2)), scale(1, cols, Numbers(3));
  const PlacedMatrix from(context, x, placement), added(context, shift, placement), scaled(context, scale, placement);
  OwnedMatrix out(rows, cols), of_cpu(rows, cols);
  const PlacedMatrix to(context, out, placement);
  cuda::LayerNormModulate(context, *from, *added, *scaled, eps, *to);
  ASSERT_TRUE(to.CopyTo(out));
  TestContext cpu(1);
  cpu::LayerNormModulate(cpu, *x, *shift, *scale, eps, *of_cpu);
  CompareLayerNorm(
      x, out, of_cpu, eps, offset, [&](int64_t c) { return 1.0 + scale.at(0, c); },
      [&](int64_t c) { return shift.at(0, c); });
}

void CheckLayerNorm(int64_t rows, int64_t cols, float offset) {
  const double eps = 1e-6;
  const OwnedMatrix x = Shifted(rows, cols, offset);
  const OwnedWeight weight(Shape{cols}, DType::kBF16, Numbers(4)), bias(Shape{cols}, DType::kF16, Numbers(5));
  OwnedMatrix of_cpu(rows, cols);
  TestContext cpu(1);
  cpu::LayerNorm(cpu, *x, *weight, *bias, eps, *of_cpu);
  ForEachPlacement([&](DeviceContext& context, Placement placement) {
    OwnedMatrix out(rows, cols);
    const PlacedMatrix from(context, x, placement), to(context, out, placement);
    cuda::LayerNorm(context, *from, *weight, *bias, eps, *to);
    ASSERT_TRUE(to.CopyTo(out));
    CompareLayerNorm(
        x, out, of_cpu, eps, offset, [&](int64_t c) { return weight[c]; }, [&](int64_t c) { return bias[c]; });
  });
}

TEST(LayerNormModulate, EqualsItsFormula) {
  ForEachPlacement([](DeviceContext& context, Placement placement) {
    for (const int64_t cols : kWidths) {
      CheckModulated(context, placement, 3, cols, 0.0f);
      if (cols > 1) CheckModulated(context, placement, 2, cols, 100.0f);
    }
  });
}

TEST(LayerNorm, EqualsItsFormula) {
  for (const int64_t cols : kWidths) CheckLayerNorm(3, cols, 0.0f);
  CheckLayerNorm(2, 260, 100.0f);
}

TEST(LayerNorm, KeepsItsBytesInAnyCompanyAndInPlace) {
  const int64_t cols = 260;
  const OwnedWeight weight(Shape{cols}, DType::kF16, Numbers(2)), bias(Shape{cols}, DType::kBF16, Numbers(3));
  CheckCompany(cols, [&](DeviceContext& context, const Matrix& x, const Matrix& out) {
    cuda::LayerNorm(context, x, *weight, *bias, 1e-6, out);
  });
  const OwnedMatrix x(9, cols, Numbers(1));
  ForEachPlacement([&](DeviceContext& context, Placement placement) {
    OwnedMatrix expected(9, cols), in_place(9, cols);
    const PlacedMatrix from(context, x, placement), to(context, expected, placement), both(context, x, placement);
    cuda::LayerNorm(context, *from, *weight, *bias, 1e-6, *to);
    cuda::LayerNorm(context, *both, *weight, *bias, 1e-6, *both);
    ASSERT_TRUE(to.CopyTo(expected) && both.CopyTo(in_place));
    EXPECT_TRUE(in_place == expected);
  });
}

TEST(LayerNormModulate, KeepsItsBytesInAnyCompany) {
  const OwnedMatrix shift(1, 520, Numbers(2)), scale(1, 520, Numbers(3));
  CheckCompany(520, [&](DeviceContext& context, const Matrix& x, const Matrix& out) {
    const PlacedMatrix added(context, shift, Placement::kAligned), scaled(context, scale, Placement::kAligned);
    cuda::LayerNormModulate(context, x, *added, *scaled, 1e-6, out);
    ASSERT_TRUE(context.queue.Finish().ok());  // before the operands go
  });
}

TEST(L2Normalize, EqualsItsFormula) {
  ForEachPlacement([](DeviceContext& context, Placement placement) {
    for (const int64_t cols : kWidths) {
      OwnedMatrix x(5, cols, Numbers(1));
      for (int64_t c = 0; c < cols; ++c) {
        x.at(1, c) = 0;        // no direction: stays zero
        x.at(2, c) *= 1e-10f;  // short, but above the least length
        x.at(3, c) *= 1e-18f;  // below it
      }
      x.at(4, cols / 2) = NAN;
      OwnedMatrix out(5, cols);
      const PlacedMatrix both(context, x, placement);
      cuda::L2Normalize(context, *both, *both);
      ASSERT_TRUE(both.CopyTo(out));
      for (int64_t r = 0; r < 4; ++r) {
        double squares = 0;
        for (int64_t c = 0; c < cols; ++c) squares += static_cast<double>(x.at(r, c)) * x.at(r, c);
        const double factor = 1 / std::max(std::sqrt(squares), 1e-12);
        // Values are at most 1; the sum's roundings, halved by the root, and two more.
        for (int64_t c = 0; c < cols; ++c) {
          ASSERT_NEAR(out.at(r, c), x.at(r, c) * factor, Tolerance(cols, 1)) << r << "," << c << " of " << cols;
        }
      }
      for (int64_t c = 0; c < cols; ++c) ASSERT_TRUE(std::isnan(out.at(4, c)));
    }
  });
}

TEST(L2Normalize, KeepsItsBytesInAnyCompany) {
  CheckCompany(600,
               [](DeviceContext& context, const Matrix& x, const Matrix& out) { cuda::L2Normalize(context, x, out); });
}

}  // namespace
}  // namespace blip3o
