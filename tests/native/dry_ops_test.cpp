#include "ops/dry_ops.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "ops/cpu/cpu_ops.h"
#include "support/kernel_test.h"

namespace blip3o {
namespace {

using test::Numbers;
using test::OwnedMatrix;
using test::OwnedWeight;

// Runs `operation` dry, reserves no more than that noted, and runs it for good: a sanitizer sees every step beyond.
Capacity RunWithWhatIsNoted(const std::function<void(Ops&)>& operation) {
  DryOps dry;
  operation(dry);
  auto ops = cpu::CreateOps({.threads = 2, .compute = cpu::Compute::kF32});
  EXPECT_TRUE(ops.ok()) << ops.status().message();
  EXPECT_GT((*ops)->ScratchBytes(dry.capacity()), 0);
  EXPECT_TRUE((*ops)->Reserve(dry.capacity()).ok());
  operation(**ops);
  const Status status = (*ops)->Finish();
  EXPECT_TRUE(status.ok()) << status.message();
  return dry.capacity();
}

bool Finite(const OwnedMatrix& m) {
  for (int64_t r = 0; r < m.rows(); ++r) {
    for (int64_t c = 0; c < m.cols(); ++c) {
      if (!std::isfinite(m.at(r, c)) || m.at(r, c) == OwnedMatrix::kGuard) return false;
    }
  }
  return m.PaddingUntouched();
}

TEST(DryOps, NotesTheScratchOfEveryConvolution) {
  constexpr int64_t kIn = 70, kOut = 37;
  const Grid grid = {2, 6, 10};
  const OwnedMatrix x(grid.rows(), kIn, Numbers(1));
  const OwnedWeight weight(Shape{kOut, kIn, 3, 3}, DType::kBF16, Numbers(2)),
      bias(Shape{kOut}, DType::kF32, Numbers(3));
  OwnedMatrix same(grid.rows(), kOut), up(4 * grid.rows(), kOut), down(grid.rows() / 4, kOut);
  for (const Capacity& capacity :
       {RunWithWhatIsNoted([&](Ops& ops) { ops.Conv3x3(*x, grid, *weight, {.bias = *bias}, *same); }),
        RunWithWhatIsNoted([&](Ops& ops) { ops.UpsampleConv3x3(*x, grid, *weight, *bias, *up); }),
        RunWithWhatIsNoted([&](Ops& ops) { ops.DownsampleConv3x3(*x, grid, *weight, *bias, *down); })}) {
    EXPECT_EQ(capacity.convolution_weights, kOut * kIn * 9);
    EXPECT_EQ(capacity.convolution_depth, kIn * 9);
  }
  EXPECT_TRUE(Finite(same) && Finite(up) && Finite(down));
}

TEST(DryOps, NotesTheScratchOfSelfAttention) {
  constexpr int64_t kTokens = 301, kHeads = 3, kWidth = kHeads * 72;
  const OwnedMatrix all(kTokens, 3 * kWidth, Numbers(1));
  OwnedMatrix out(kTokens, kWidth);
  const Capacity capacity = RunWithWhatIsNoted([&](Ops& ops) {
    ops.CrossAttention((*all).Cols(0, kWidth), (*all).Cols(kWidth, kWidth), (*all).Cols(2 * kWidth, kWidth), kHeads, 72,
                       *out);
  });
  EXPECT_EQ(capacity.keys, kTokens);
  EXPECT_EQ(capacity.attention_width, kWidth);
  EXPECT_TRUE(Finite(out));
}

}  // namespace
}  // namespace blip3o
