#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "base/q8.h"
#include "ops/cuda/kernels.h"
#include "support/activation.h"
#include "support/comparison.h"
#include "support/lane_test.h"
#include "support/placed_matrix.h"
#include "support/product_test.h"
#include "support/tolerance.h"

namespace blip3o {
namespace {

using cuda::WeightType;
using test::Comparison;
using test::DeviceArray;
using test::DeviceContext;
using test::DeviceMatrix;
using test::ForEachPlacement;
using test::ForEachSchedule;
using test::Numbers;
using test::OwnedMatrix;
using test::OwnedWeight;
using test::PlacedMatrix;
using test::Placement;

// A product's relative error where one operand is rounded to bf16, and where both are split.
constexpr double kRounded = 0x1p-8, kSplit = 0x1p-15;

struct Exact {
  double value = 0, magnitude = 0;
};

Exact Dot(const OwnedMatrix& x, int64_t row, const OwnedWeight& weight, int64_t n) {
  Exact sum;
  for (int64_t k = 0; k < x.cols(); ++k) {
    const double product = x.at(row, k) * weight[n * x.cols() + k];
    sum.value += product;
    sum.magnitude += std::abs(product);
  }
  return sum;
}

double BoundOf(const Exact& sum, int64_t depth, double relative) {
  return relative * sum.magnitude + test::SumBound(3 * depth, sum.magnitude);
}

struct Case {
  int64_t rows, cols, depth;
  Activation activation = Activation::kNone;
  bool biased = false;
  int64_t gate_rows = 0;
  bool residual = false;
};

void Check(DeviceContext& context, Placement placement, const Case& c, DType dtype, double relative) {
  const OwnedMatrix x(c.rows, c.depth, Numbers(1)), residual(c.rows, c.cols, Numbers(3));
  const OwnedMatrix gate(std::max<int64_t>(1, c.gate_rows), c.cols, Numbers(4));
  const OwnedWeight weight(Shape{c.cols, c.depth}, dtype, Numbers(2)), bias(Shape{c.cols}, dtype, Numbers(5));
  OwnedMatrix out(residual);
  const PlacedMatrix from(context, x, placement), factor(context, gate, placement), to(context, out, placement);
  Epilogue epilogue = {.activation = c.activation};
  if (c.biased) epilogue.bias = *bias;
  if (c.gate_rows > 0) epilogue.gate = *factor;
  if (c.residual) epilogue.residual = *to;
  cuda::Matmul(context, *from, *weight, epilogue, *to);
  ASSERT_TRUE(to.CopyTo(out));
  Comparison comparison;
  for (int64_t t = 0; t < c.rows; ++t) {
    for (int64_t n = 0; n < c.cols; ++n) {
      const Exact sum = Dot(x, t, weight, n);
      double value = sum.value + (c.biased ? bias[n] : 0.0), bound = BoundOf(sum, c.depth, relative);
      if (c.activation != Activation::kNone) bound = test::ActivationBound(value, bound);
      value = test::Activated(c.activation, value);
      if (c.gate_rows > 0) {
        const double g = gate.at(c.gate_rows == 1 ? 0 : t, n);
        value *= g;
        bound = bound * std::abs(g) + test::kUnit * std::abs(value);
      }
      if (c.residual) value += residual.at(t, n);
      comparison.Add(out.at(t, n), value, bound + 2 * test::kUnit * (1 + std::abs(value)), t, n);
    }
  }
  EXPECT_TRUE(comparison.Verdict());
}

TEST(CudaMatmul, SmallShapesEqualTheirDefinition) {
  for (const WeightType type : {WeightType::kBF16, WeightType::kF32}) {
    ForEachPlacement(
        [type](DeviceContext& context, Placement placement) {
          const double relative = type == WeightType::kBF16 ? 2 * kRounded : kSplit;
          for (const Case& c : {Case{1, 1, 1}, Case{3, 17, 33}, Case{5, 9, 100}, Case{17, 24, 64}}) {
            SCOPED_TRACE(std::to_string(c.rows) + " × " + std::to_string(c.cols) + " × " + std::to_string(c.depth));
            Check(context, placement, c, DType::kF32, relative);
          }
        },
        type);
  }
}

TEST(CudaMatmul, WholeAndCutTilesEqualTheirDefinition) {
  for (const WeightType type : {WeightType::kBF16, WeightType::kF32}) {
    ForEachSchedule(
        [type](DeviceContext& context) {
          const double relative = type == WeightType::kBF16 ? 2 * kRounded : kSplit;
          Check(context, Placement::kAligned, {129, 130, 48}, DType::kBF16, relative);
          Check(context, Placement::kAligned, {65, 257, 20}, DType::kF16, relative);
        },
        type);
  }
}

TEST(CudaMatmul, EveryEpilogue) {
  ForEachPlacement([](DeviceContext& context, Placement placement) {
    Check(context, placement, {5, 13, 32, Activation::kSilu, true}, DType::kBF16, 2 * kRounded);
    Check(context, placement, {5, 13, 32, Activation::kGeluTanh, true, 1, true}, DType::kBF16, 2 * kRounded);
    Check(context, placement, {5, 13, 32, Activation::kNone, false, 5, true}, DType::kBF16, 2 * kRounded);
    Check(context, placement, {5, 13, 32, Activation::kRelu, false, 0, true}, DType::kBF16, 2 * kRounded);
    Check(context, placement, {5, 13, 32, Activation::kTanh, true, 5, false}, DType::kBF16, 2 * kRounded);
  });
}

// Both sum the same products of what bf16 holds, or split it.
TEST(CudaMatmul, AgreesWithTheCpu) {
  constexpr int64_t kRows = 19, kCols = 37, kDepth = 75;
  OwnedMatrix x(kRows, kDepth, Numbers(1));
  const OwnedMatrix gate(kRows, kCols, Numbers(4)), residual(kRows, kCols, Numbers(3));
  for (int64_t t = 0; t < kRows; ++t) {
    for (int64_t k = 0; k < kDepth; ++k) x.at(t, k) = F32FromBF16(BF16FromF32(x.at(t, k)));
  }
  const OwnedWeight weight(Shape{kCols, kDepth}, DType::kBF16, Numbers(2)), bias(Shape{kCols}, DType::kF32, Numbers(5));
  const Capacity capacity = {.product_depth = kDepth, .product_stride = (*x).stride};
  constexpr cpu::Compute kCompute = cpu::Compute::kF32;
  test::ProductContext cpu(1, cpu::MatmulScratch(capacity, kCompute, 1), kCompute);
  const OwnedMatrix expected(kRows, kCols);
  ASSERT_TRUE(cpu::Matmul(cpu, *x, *weight, {*bias, Activation::kSilu, *gate, *residual}, *expected).ok());
  for (const WeightType type : {WeightType::kBF16, WeightType::kF32}) {
    ForEachPlacement(
        [&](DeviceContext& context, Placement placement) {
          OwnedMatrix out(kRows, kCols);
          const PlacedMatrix from(context, x, placement), factor(context, gate, placement),
              added(context, residual, placement), to(context, out, placement);
          cuda::Matmul(context, *from, *weight, {*bias, Activation::kSilu, *factor, *added}, *to);
          ASSERT_TRUE(to.CopyTo(out));
          Comparison comparison;
          for (int64_t t = 0; t < kRows; ++t) {
            for (int64_t n = 0; n < kCols; ++n) {
              const Exact sum = Dot(x, t, weight, n);
              // Of each; the gate is at most 1.
              const double largest = sum.magnitude + 1;
              const double bound = test::ActivationBound(largest, BoundOf(sum, kDepth, 0) + 2 * test::kUnit * largest);
              comparison.Add(out.at(t, n), expected.at(t, n), 2 * (bound + 3 * test::kUnit * largest), t, n);
            }
          }
          EXPECT_TRUE(comparison.Verdict());
        },
        type);
  }
}

TEST(CudaMatmul, RowsAloneHaveTheSameBytes) {
  for (const WeightType type : {WeightType::kBF16, WeightType::kF32}) {
    ForEachSchedule(
        [](DeviceContext& context) {
          const OwnedMatrix x(70, 40, Numbers(1));
          const OwnedWeight weight(Shape{20, 40}, DType::kF32, Numbers(2));
          OwnedMatrix together(70, 20);
          const DeviceMatrix from(context, x), to(context, together);
          cuda::Matmul(context, *from, *weight, {}, *to);
          to.CopyTo(together);
          for (const int64_t row : {0, 15, 16, 64, 69}) {
            OwnedMatrix alone(1, 20);
            const DeviceMatrix one(context, alone);
            cuda::Matmul(context, (*from).Rows(row, 1), *weight, {}, *one);
            one.CopyTo(alone);
            for (int64_t n = 0; n < 20; ++n) EXPECT_EQ(alone.at(0, n), together.at(row, n)) << row << ',' << n;
          }
        },
        type);
  }
}

TEST(CudaMatmul, WeightsOfEightBitsEqualWhatTheySay) {
  constexpr int64_t kRows = 18, kCols = 67, kDepth = 300;
  const Q8Layout layout = Q8Layout::Of(kCols, kDepth);
  std::vector<char> bytes(static_cast<size_t>(layout.size_bytes()));
  const View view{bytes.data(), DType::kQ8, {kCols, kDepth}};
  Numbers numbers(7);
  for (int64_t n = 0; n < kCols; ++n) {
    for (int64_t k = 0; k < kDepth; ++k) {
      const_cast<int8_t*>(layout.row(view, n))[k] = static_cast<int8_t>(127 * numbers());
    }
    for (int64_t b = 0; b < layout.blocks; ++b) const_cast<float*>(layout.scales(view, n))[b] = 1 + numbers();
  }
  ForEachSchedule([&](DeviceContext& context) {
    const OwnedMatrix x(kRows, kDepth, Numbers(8));
    OwnedMatrix out(kRows, kCols);
    const DeviceMatrix from(context, x), to(context, out);
    cuda::Matmul(context, *from, view, {}, *to);
    to.CopyTo(out);
    Comparison comparison;
    for (int64_t t = 0; t < kRows; ++t) {
      for (int64_t n = 0; n < kCols; ++n) {
        Exact sum;
        for (int64_t k = 0; k < kDepth; ++k) {
          const double weight = static_cast<double>(layout.scales(view, n)[k / kQ8Block]) * layout.row(view, n)[k];
          // int8 is exact in bf16, x is rounded.
          const double product = F32FromBF16(BF16FromF32(x.at(t, k))) * weight;
          sum.value += product;
          sum.magnitude += std::abs(product);
        }
        comparison.Add(out.at(t, n), sum.value, test::SumBound(kDepth + 8, sum.magnitude), t, n);
      }
    }
    EXPECT_TRUE(comparison.Verdict());
    EXPECT_TRUE(out.PaddingUntouched());
  });
}

// What is computed on the device has nothing behind its rows.
TEST(CudaMatmul, WeightsInTheDevicesMemory) {
  for (const int64_t depth : {7, 20}) {
    ForEachSchedule([depth](DeviceContext& context) {
      std::vector<float> values(static_cast<size_t>(9 * depth));
      Numbers numbers(9);
      for (float& value : values) value = numbers();
      const DeviceArray<float> weight(context, values);
      const OwnedMatrix x(4, depth, Numbers(10));
      OwnedMatrix out(4, 9);
      const DeviceMatrix from(context, x), to(context, out);
      cuda::Matmul(context, *from, {weight.data(), DType::kF32, {9, depth}}, {}, *to);
      to.CopyTo(out);
      for (int64_t t = 0; t < 4; ++t) {
        for (int64_t n = 0; n < 9; ++n) {
          Exact sum;
          for (int64_t k = 0; k < depth; ++k) {
            const double product = x.at(t, k) * static_cast<double>(values[static_cast<size_t>(n * depth + k)]);
            sum.value += product;
            sum.magnitude += std::abs(product);
          }
          EXPECT_NEAR(out.at(t, n), sum.value, BoundOf(sum, depth, kSplit)) << t << ',' << n;
        }
      }
    });
  }
}

TEST(CudaMatmul, NaNAndInfinityStayInTheirRows) {
  ForEachSchedule([](DeviceContext& context) {
    OwnedMatrix x(5, 40, Numbers(1));
    x.at(1, 3) = std::numeric_limits<float>::quiet_NaN();
    x.at(3, 39) = std::numeric_limits<float>::infinity();
    const OwnedWeight weight(Shape{10, 40}, DType::kBF16, Numbers(2));
    OwnedMatrix out(5, 10);
    const DeviceMatrix from(context, x), to(context, out);
    cuda::Matmul(context, *from, *weight, {}, *to);
    to.CopyTo(out);
    for (int64_t n = 0; n < 10; ++n) {
      EXPECT_TRUE(std::isfinite(out.at(0, n)) && std::isfinite(out.at(2, n)) && std::isfinite(out.at(4, n)));
      EXPECT_TRUE(std::isnan(out.at(1, n)));
      EXPECT_FALSE(std::isfinite(out.at(3, n)));
    }
  });
}

}  // namespace
}  // namespace blip3o
