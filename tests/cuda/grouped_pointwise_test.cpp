#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>

#include "ops/cpu/kernels.h"
#include "ops/cuda/kernels.h"
#include "support/comparison.h"
#include "support/lane_test.h"
#include "support/tolerance.h"

namespace blip3o {
namespace {

using cuda::WeightType;
using test::DeviceContext;
using test::DeviceMatrix;
using test::ForEachSchedule;
using test::Numbers;
using test::OwnedMatrix;
using test::OwnedWeight;

struct Sizes {
  int64_t rows, groups, dim;
};

void Check(DeviceContext& context, const Sizes& s, DType dtype) {
  const int64_t channels = s.groups * s.dim;
  const OwnedMatrix x(s.rows, channels, Numbers(1));
  const OwnedWeight weight(Shape{channels, s.dim, 1, 1}, dtype, Numbers(2));
  OwnedMatrix out(s.rows, channels);
  const DeviceMatrix from(context, x), to(context, out);
  cuda::GroupedPointwise(context, *from, *weight, *to);
  to.CopyTo(out);
  test::Comparison comparison;
  for (int64_t t = 0; t < s.rows; ++t) {
    for (int64_t c = 0; c < channels; ++c) {
      double value = 0, magnitude = 0;
      for (int64_t j = 0; j < s.dim; ++j) {
        const double product = x.at(t, c / s.dim * s.dim + j) * weight[c * s.dim + j];
        value += product;
        magnitude += std::abs(product);
      }
      comparison.Add(out.at(t, c), value, test::SumBound(s.dim, magnitude), t, c);
    }
  }
  EXPECT_TRUE(comparison.Verdict());
  EXPECT_TRUE(out.PaddingUntouched());
}

constexpr Sizes kSmall[] = {{1, 1, 1}, {3, 2, 5}, {65, 3, 8}, {64, 1, 32}, {70, 2, 33}, {2, 1, 128}};

TEST(CudaGroupedPointwise, SmallShapesEqualTheirDefinition) {
  ForEachSchedule([](DeviceContext& context) {
    for (const Sizes& s : kSmall) {
      SCOPED_TRACE(std::to_string(s.rows) + " rows, " + std::to_string(s.groups) + " groups of " +
                   std::to_string(s.dim));
      Check(context, s, DType::kBF16);
    }
  });
  ForEachSchedule(
      [](DeviceContext& context) {
        for (const Sizes& s : kSmall) Check(context, s, DType::kF32);
      },
      WeightType::kF32);
}

TEST(CudaGroupedPointwise, AgreesWithTheCpu) {
  constexpr int64_t kRows = 67, kGroups = 3, kDim = 13, kChannels = kGroups * kDim;
  const OwnedMatrix x(kRows, kChannels, Numbers(1)), expected(kRows, kChannels);
  const OwnedWeight weight(Shape{kChannels, kDim, 1, 1}, DType::kBF16, Numbers(2));
  test::TestContext cpu(1);
  cpu::GroupedPointwise(cpu, *x, *weight, *expected);
  ForEachSchedule([&](DeviceContext& context) {
    OwnedMatrix out(kRows, kChannels);
    const DeviceMatrix from(context, x), to(context, out);
    cuda::GroupedPointwise(context, *from, *weight, *to);
    to.CopyTo(out);
    // Two sums of products below 1.
    const double bound = 2 * test::SumBound(kDim, kDim);
    for (int64_t t = 0; t < kRows; ++t) {
      for (int64_t c = 0; c < kChannels; ++c) ASSERT_NEAR(out.at(t, c), expected.at(t, c), bound) << t << "," << c;
    }
  });
}

TEST(CudaGroupedPointwise, RowsAloneHaveTheSameBytes) {
  ForEachSchedule([](DeviceContext& context) {
    const OwnedMatrix x(67, 24, Numbers(1));
    const OwnedWeight weight(Shape{24, 12, 1, 1}, DType::kBF16, Numbers(2));
    OwnedMatrix together(67, 24), alone(1, 24);
    const DeviceMatrix from(context, x), to(context, together), one(context, alone);
    cuda::GroupedPointwise(context, *from, *weight, *to);
    cuda::GroupedPointwise(context, (*from).Rows(66, 1), *weight, *one);
    to.CopyTo(together);
    one.CopyTo(alone);
    for (int64_t c = 0; c < 24; ++c) EXPECT_EQ(alone.at(0, c), together.at(66, c)) << c;
  });
}

}  // namespace
}  // namespace blip3o
