#include <gtest/gtest.h>

#include <cmath>

#include "ops/cpu/kernels.h"
#include "support/kernel_test.h"

namespace blip3o {
namespace {

using test::ForEachTarget;
using test::Numbers;
using test::OwnedMatrix;
using test::OwnedWeight;
using test::TestContext;

// A sum of s² products below 1: as many roundings as terms, twice.
double Tolerance(int64_t size) { return static_cast<double>(2 * size * size + 8) * 0x1p-24 * size; }

double Convolved(const OwnedMatrix& x, const Grid& grid, const OwnedWeight& weight, int64_t size, int64_t row,
                 int64_t c) {
  const int64_t column = row % grid.width, line = row / grid.width % grid.height;
  double sum = 0;
  for (int64_t i = 0; i < size; ++i) {
    for (int64_t j = 0; j < size; ++j) {
      const int64_t y = line + i - size / 2, z = column + j - size / 2;
      if (y < 0 || y >= grid.height || z < 0 || z >= grid.width) continue;
      sum += x.at(row + (y - line) * grid.width + z - column, c) * weight[(c * size + i) * size + j];
    }
  }
  return sum;
}

void CheckConv(const Grid& grid, int64_t channels, int64_t size, DType dtype) {
  const OwnedMatrix x(grid.rows(), channels, Numbers(1));
  const OwnedWeight weight(Shape{channels, 1, size, size}, dtype, Numbers(2));
  OwnedMatrix out(grid.rows(), channels);
  TestContext context(2);
  cpu::DepthwiseConv(context, *x, grid, *weight, *out);
  ASSERT_TRUE(out.PaddingUntouched());
  for (int64_t row = 0; row < grid.rows(); ++row) {
    for (int64_t c = 0; c < channels; ++c) {
      ASSERT_NEAR(out.at(row, c), Convolved(x, grid, weight, size, row, c), Tolerance(size))
          << grid.height << "x" << grid.width << " row " << row << " channel " << c;
    }
  }
}

TEST(DepthwiseConv, EqualsItsFormula) {
  ForEachTarget([] {
    for (int64_t size : {1, 3, 5, 7, 13}) {
      CheckConv({1, 1, 1}, 1, size, DType::kF32);
      CheckConv({1, 1, 13}, 24, size, DType::kBF16);
      CheckConv({2, 13, 1}, 13, size, DType::kF16);
      CheckConv({3, 5, 7}, 207, size, DType::kBF16);
      CheckConv({1, 37, 4}, 66, size, DType::kF32);  // several bands
    }
    CheckConv({1, 19, 71}, 520, 3, DType::kBF16);  // several strips, blocks and bands
    CheckConv({1, 3, 2}, 4098, 3, DType::kF16);    // whole pictures per task
  });
}

void CheckGate(const Grid& grid, int64_t features, DType dtype, bool biased) {
  const OwnedMatrix x(grid.rows(), 2 * features, Numbers(1), 2.0f);
  const OwnedWeight weight(Shape{2 * features, 1, 3, 3}, dtype, Numbers(2));
  const OwnedWeight bias(Shape{2 * features}, dtype, Numbers(3));
  OwnedMatrix out(grid.rows(), features);
  TestContext context(2);
  cpu::DepthwiseGate(context, *x, grid, *weight, biased ? *bias : View(), *out);
  ASSERT_TRUE(out.PaddingUntouched());
  for (int64_t row = 0; row < grid.rows(); ++row) {
    for (int64_t c = 0; c < features; ++c) {
      const int64_t g = features + c;
      const double value = Convolved(x, grid, weight, 3, row, c) + (biased ? bias[c] : 0);
      const double gate = Convolved(x, grid, weight, 3, row, g) + (biased ? bias[g] : 0);
      // Both factors stay below 19 and carry the error of a sum whose terms are below 2.
      ASSERT_NEAR(out.at(row, c), value * gate / (1 + std::exp(-gate)), 2 * 19 * 2 * Tolerance(3))
          << grid.height << "x" << grid.width << " row " << row << " channel " << c;
    }
  }
}

TEST(DepthwiseGate, EqualsItsFormula) {
  ForEachTarget([] {
    for (DType dtype : test::kWeightTypes) {
      CheckGate({1, 1, 1}, 1, dtype, true);
      CheckGate({1, 1, 13}, 24, dtype, true);
      CheckGate({2, 13, 1}, 13, dtype, true);
      CheckGate({2, 5, 7}, 207, dtype, false);
    }
    CheckGate({1, 37, 5}, 66, DType::kBF16, true);
    CheckGate({1, 18, 71}, 530, DType::kF32, true);  // several strips, blocks and bands
    CheckGate({2, 3, 4}, 2240, DType::kBF16, true);
  });
}

TEST(Depthwise, KeepsItsBytesOnAnyNumberOfThreadsAndInAnyCompany) {
  ForEachTarget([] {
    for (int64_t features : {66, 1300}) {  // bands of lines, and whole pictures
      const Grid two = {2, 37, 5}, alone = {1, 37, 5};
      const OwnedMatrix x(two.rows(), 2 * features, Numbers(1));
      const OwnedWeight weight(Shape{2 * features, 1, 3, 3}, DType::kBF16, Numbers(2));
      const OwnedWeight wide(Shape{2 * features, 1, 5, 5}, DType::kF32, Numbers(4));
      const OwnedWeight bias(Shape{2 * features}, DType::kF32, Numbers(3));
      OwnedMatrix gated(two.rows(), features, 0), convolved(two.rows(), 2 * features, 0);
      TestContext one(1);
      cpu::DepthwiseGate(one, *x, two, *weight, *bias, *gated);
      cpu::DepthwiseConv(one, *x, two, *wide, *convolved);
      for (int threads = 2; threads <= 4; ++threads) {
        TestContext context(threads);
        OwnedMatrix gated_again(two.rows(), features, 0), convolved_again(two.rows(), 2 * features, 0);
        cpu::DepthwiseGate(context, *x, two, *weight, *bias, *gated_again);
        cpu::DepthwiseConv(context, *x, two, *wide, *convolved_again);
        EXPECT_TRUE(gated_again == gated && convolved_again == convolved) << threads << " threads";
      }
      OwnedMatrix second(alone.rows(), features, 0);
      cpu::DepthwiseGate(one, (*x).Rows(alone.rows(), alone.rows()), alone, *weight, *bias, *second);
      EXPECT_EQ(std::memcmp((*second).data, (*gated).row(alone.rows()), alone.rows() * features * sizeof(float)), 0);
    }
  });
}

}  // namespace
}  // namespace blip3o
