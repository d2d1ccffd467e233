#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "ops/cpu/kernels.h"
#include "ops/cuda/kernels.h"
#include "support/comparison.h"
#include "support/lane_test.h"
#include "support/placed_matrix.h"
#include "support/tolerance.h"

namespace blip3o {
namespace {

using test::Comparison;
using test::DeviceContext;
using test::ForEachPlacement;
using test::Numbers;
using test::OwnedMatrix;
using test::OwnedWeight;
using test::PlacedMatrix;
using test::Placement;
using test::SumBound;
using test::TestContext;

// A sum and how far one in f32 may lie from it.
struct Convolved {
  double value = 0, bound = 0;
};

Convolved ConvolvedAt(const OwnedMatrix& x, const Grid& grid, const OwnedWeight& weight, double bias, int64_t size,
                      int64_t row, int64_t c) {
  const int64_t column = row % grid.width, line = row / grid.width % grid.height;
  double sum = bias, magnitude = std::abs(bias);
  for (int64_t i = 0; i < size; ++i) {
    for (int64_t j = 0; j < size; ++j) {
      const int64_t y = line + i - size / 2, z = column + j - size / 2;
      if (y < 0 || y >= grid.height || z < 0 || z >= grid.width) continue;
      const double product = x.at(row + (y - line) * grid.width + z - column, c) * weight[(c * size + i) * size + j];
      sum += product;
      magnitude += std::abs(product);
    }
  }
  return {sum, SumBound(size * size + 1, magnitude)};
}

// A value that is not finite in one channel of the first picture.
void Spoil(OwnedMatrix& x, const Grid& grid, float value) {
  x.at(grid.height / 2 * grid.width + grid.width / 2, x.cols() / 2) = value;
}

void CheckConv(DeviceContext& context, Placement placement, const Grid& grid, int64_t channels, int64_t size,
               DType dtype, float spoilt = 0.5f) {
  OwnedMatrix x(grid.rows(), channels, Numbers(1));
  Spoil(x, grid, spoilt);
  const OwnedWeight weight(Shape{channels, 1, size, size}, dtype, Numbers(2));
  OwnedMatrix out(grid.rows(), channels);
  const PlacedMatrix from(context, x, placement), to(context, out, placement);
  cuda::DepthwiseConv(context, *from, grid, *weight, *to);
  ASSERT_TRUE(to.CopyTo(out));
  Comparison comparison;
  for (int64_t row = 0; row < grid.rows(); ++row) {
    for (int64_t c = 0; c < channels; ++c) {
      const Convolved expected = ConvolvedAt(x, grid, weight, 0, size, row, c);
      comparison.Add(out.at(row, c), expected.value, expected.bound, row, c);
    }
  }
  ASSERT_TRUE(comparison.Verdict()) << grid.height << "x" << grid.width << " of " << channels << ", " << size;
}

TEST(DepthwiseConv, EqualsItsFormula) {
  ForEachPlacement([](DeviceContext& context, Placement placement) {
    for (const int64_t size : {1, 3, 5, 7}) {
      CheckConv(context, placement, {1, 1, 1}, 1, size, DType::kF32);
      CheckConv(context, placement, {1, 1, 13}, 24, size, DType::kBF16);
      CheckConv(context, placement, {2, 9, 1}, 13, size, DType::kF16);
    }
    for (const int64_t size : {3, 5}) {
      CheckConv(context, placement, {2, 5, 17}, 68, size, DType::kBF16);  // several columns and channels of blocks
      CheckConv(context, placement, {1, 35, 3}, 9, size, DType::kF32);    // several bands
    }
    CheckConv(context, placement, {1, 3, 4}, 4, 13, DType::kF32);
  });
}

TEST(DepthwiseConv, KeepsWhatIsNotFiniteInItsPlace) {
  ForEachPlacement([](DeviceContext& context, Placement placement) {
    for (const int64_t size : {3, 5, 7}) {
      CheckConv(context, placement, {2, 9, 10}, 12, size, DType::kF32, std::numeric_limits<float>::quiet_NaN());
      CheckConv(context, placement, {2, 9, 10}, 12, size, DType::kF32, -std::numeric_limits<float>::infinity());
    }
  });
}

void CheckGate(DeviceContext& context, Placement placement, const Grid& grid, int64_t features, DType dtype,
               bool biased, float spoilt = 0.5f) {
  OwnedMatrix x(grid.rows(), 2 * features, Numbers(1), 2.0f);
  Spoil(x, grid, spoilt);
  const OwnedWeight weight(Shape{2 * features, 1, 3, 3}, dtype, Numbers(2)),
      bias(Shape{2 * features}, dtype, Numbers(3));
  OwnedMatrix out(grid.rows(), features);
  const PlacedMatrix from(context, x, placement), to(context, out, placement);
  cuda::DepthwiseGate(context, *from, grid, *weight, biased ? *bias : View(), *to);
  ASSERT_TRUE(to.CopyTo(out));
  Comparison comparison;
  for (int64_t row = 0; row < grid.rows(); ++row) {
    for (int64_t f = 0; f < features; ++f) {
      const int64_t g = features + f;
      const Convolved value = ConvolvedAt(x, grid, weight, biased ? bias[f] : 0, 3, row, f);
      const Convolved gate = ConvolvedAt(x, grid, weight, biased ? bias[g] : 0, 3, row, g);
      const double silu = gate.value / (1 + std::exp(-gate.value));
      const double silu_bound = test::ActivationBound(silu, gate.bound);
      const double bound = value.bound * std::abs(silu) + (std::abs(value.value) + value.bound) * silu_bound +
                           test::kUnit * std::abs(value.value * silu);
      comparison.Add(out.at(row, f), value.value * silu, bound, row, f);
    }
  }
  ASSERT_TRUE(comparison.Verdict()) << grid.height << "x" << grid.width << " of " << features;
}

TEST(DepthwiseGate, EqualsItsFormula) {
  ForEachPlacement([](DeviceContext& context, Placement placement) {
    for (const DType dtype : test::kWeightTypes) {
      CheckGate(context, placement, {1, 1, 1}, 1, dtype, true);
      CheckGate(context, placement, {2, 9, 1}, 13, dtype, false);
    }
    CheckGate(context, placement, {1, 1, 13}, 24, DType::kF16, true);
    CheckGate(context, placement, {2, 5, 17}, 68, DType::kBF16, true);  // several columns and channels of blocks
    CheckGate(context, placement, {1, 35, 3}, 9, DType::kF32, true);    // several bands
    CheckGate(context, placement, {1, 2, 3}, 129, DType::kF32, true);
  });
}

TEST(DepthwiseGate, KeepsWhatIsNotFiniteInItsPlace) {
  ForEachPlacement([](DeviceContext& context, Placement placement) {
    CheckGate(context, placement, {2, 6, 7}, 12, DType::kF32, true, std::numeric_limits<float>::quiet_NaN());
  });
}

TEST(Depthwise, EqualsTheProcessors) {
  const Grid grid = {2, 7, 19};
  const int64_t features = 36;
  const OwnedMatrix x(grid.rows(), 2 * features, Numbers(1));
  const OwnedWeight weight(Shape{2 * features, 1, 3, 3}, DType::kBF16, Numbers(2)),
      wide(Shape{2 * features, 1, 5, 5}, DType::kBF16, Numbers(3)), bias(Shape{2 * features}, DType::kF32, Numbers(4));
  OwnedMatrix gated_there(grid.rows(), features), convolved_there(grid.rows(), 2 * features);
  TestContext cpu(1);
  cpu::DepthwiseGate(cpu, *x, grid, *weight, *bias, *gated_there);
  cpu::DepthwiseConv(cpu, *x, grid, *wide, *convolved_there);
  ForEachPlacement([&](DeviceContext& context, Placement placement) {
    OwnedMatrix gated(grid.rows(), features), convolved(grid.rows(), 2 * features);
    const PlacedMatrix from(context, x, placement), to_gated(context, gated, placement),
        to_convolved(context, convolved, placement);
    cuda::DepthwiseGate(context, *from, grid, *weight, *bias, *to_gated);
    cuda::DepthwiseConv(context, *from, grid, *wide, *to_convolved);
    ASSERT_TRUE(to_gated.CopyTo(gated) && to_convolved.CopyTo(convolved));
    for (int64_t row = 0; row < grid.rows(); ++row) {
      // Sums of 10 and 25 products below 1; the gate's factors stay below 10.
      for (int64_t f = 0; f < features; ++f) ASSERT_NEAR(gated.at(row, f), gated_there.at(row, f), 0x1p-24 * 4000);
      for (int64_t c = 0; c < 2 * features; ++c) {
        ASSERT_NEAR(convolved.at(row, c), convolved_there.at(row, c), 0x1p-24 * 1300);
      }
    }
  });
}

// A picture has the bytes that it has alone, on any number of multiprocessors, which decides where bands begin.
TEST(Depthwise, KeepsItsBytesInAnyCompany) {
  const Grid two = {2, 35, 5}, alone = {1, 35, 5};
  const int64_t features = 10;
  const OwnedMatrix x(two.rows(), 2 * features, Numbers(1));
  const OwnedWeight weight(Shape{2 * features, 1, 3, 3}, DType::kBF16, Numbers(2)),
      wide(Shape{2 * features, 1, 5, 5}, DType::kF32, Numbers(4)), bias(Shape{2 * features}, DType::kF32, Numbers(3));
  std::vector<OwnedMatrix> runs;
  ForEachPlacement([&](DeviceContext& context, Placement placement) {
    OwnedMatrix gated(two.rows(), features), convolved(two.rows(), 2 * features);
    const PlacedMatrix from(context, x, placement), to_gated(context, gated, placement),
        to_convolved(context, convolved, placement), each_gated(context, gated, placement),
        each_convolved(context, convolved, placement);
    cuda::DepthwiseGate(context, *from, two, *weight, *bias, *to_gated);
    cuda::DepthwiseConv(context, *from, two, *wide, *to_convolved);
    for (int64_t p = 0; p < two.pictures; ++p) {
      const auto picture = [&](const Matrix& m) { return m.Rows(p * alone.rows(), alone.rows()); };
      cuda::DepthwiseGate(context, picture(*from), alone, *weight, *bias, picture(*each_gated));
      cuda::DepthwiseConv(context, picture(*from), alone, *wide, picture(*each_convolved));
    }
    OwnedMatrix gated_alone(gated), convolved_alone(convolved);
    ASSERT_TRUE(to_gated.CopyTo(gated) && to_convolved.CopyTo(convolved));
    ASSERT_TRUE(each_gated.CopyTo(gated_alone) && each_convolved.CopyTo(convolved_alone));
    EXPECT_TRUE(gated_alone == gated);
    EXPECT_TRUE(convolved_alone == convolved);
    runs.push_back(convolved);
  });
  for (const OwnedMatrix& run : runs) EXPECT_TRUE(run == runs[0]);
}

}  // namespace
}  // namespace blip3o
