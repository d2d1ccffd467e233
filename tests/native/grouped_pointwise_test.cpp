#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ops/cpu/kernels.h"
#include "support/kernel_test.h"
#include "support/tolerance.h"

namespace blip3o {
namespace {

using test::ForEachTarget;
using test::kWeightTypes;
using test::Numbers;
using test::OwnedMatrix;
using test::OwnedWeight;
using test::TestContext;

void CheckGroups(int64_t rows, int64_t groups, int64_t size, DType dtype) {
  const int64_t channels = groups * size;
  const OwnedMatrix x(rows, channels, Numbers(1));
  const OwnedWeight weight(Shape{channels, size, 1, 1}, dtype, Numbers(2));
  OwnedMatrix out(rows, channels);
  TestContext context(2);
  cpu::GroupedPointwise(context, *x, *weight, *out);
  ASSERT_TRUE(out.PaddingUntouched());
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < channels; ++c) {
      double expected = 0, magnitude = 0;
      for (int64_t j = 0; j < size; ++j) {
        const double product = x.at(r, c / size * size + j) * weight[c * size + j];
        expected += product;
        magnitude += std::abs(product);
      }
      ASSERT_NEAR(out.at(r, c), expected, test::SumBound(size, magnitude)) << r << "," << c << " of groups of " << size;
    }
  }
}

TEST(GroupedPointwise, EqualsItsFormula) {
  ForEachTarget([] {
    for (DType dtype : kWeightTypes) {
      for (int64_t size : {1, 8, 13, 16, 24, 32, 48, 64, 97, 130}) CheckGroups(13, 3, size, dtype);
      for (int64_t rows : {1, 207, 257, 1009}) CheckGroups(rows, 2, 16, dtype);
    }
  });
}

TEST(GroupedPointwise, RowsHaveTheSameBytesInAnyCompany) {
  ForEachTarget([] {
    const int64_t rows = 523, size = 32, channels = 6 * size;
    const OwnedMatrix x(rows, channels, Numbers(1));
    const OwnedWeight weight(Shape{channels, size, 1, 1}, DType::kBF16, Numbers(2));
    OwnedMatrix alone(rows, channels);
    TestContext one(1);
    for (int64_t r = 0; r < rows; ++r) cpu::GroupedPointwise(one, (*x).Rows(r, 1), *weight, (*alone).Rows(r, 1));
    for (int threads = 1; threads <= 4; ++threads) {
      TestContext context(threads);
      OwnedMatrix out(rows, channels);
      cpu::GroupedPointwise(context, *x, *weight, *out);
      ASSERT_TRUE(out == alone) << threads << " threads";
    }
  });
}

TEST(GroupedPointwise, KeepsNaNInItsRowAndGroup) {
  ForEachTarget([] {
    const OwnedMatrix x(5, 48, Numbers(1));
    const OwnedWeight weight(Shape{48, 16, 1, 1}, DType::kF32, Numbers(2));
    x.at(2, 20) = std::numeric_limits<float>::quiet_NaN();
    OwnedMatrix out(5, 48);
    TestContext context(1);
    cpu::GroupedPointwise(context, *x, *weight, *out);
    for (int64_t r = 0; r < 5; ++r) {
      for (int64_t c = 0; c < 48; ++c) EXPECT_EQ(std::isnan(out.at(r, c)), r == 2 && c / 16 == 1);
    }
  });
}

}  // namespace
}  // namespace blip3o
