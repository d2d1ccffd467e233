#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "ops/cpu/cpu_ops.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/pack.h"
#include "support/comparison.h"
#include "support/product_test.h"

namespace blip3o {
namespace {

using cpu::Compute;
using test::Bounded;
using test::Comparison;
using test::EpilogueCase;
using test::ExactSum;
using test::ForEachTarget;
using test::GateRows;
using test::kActivations;
using test::kWeightTypes;
using test::Numbers;
using test::OwnedMatrix;
using test::OwnedWeight;
using test::ProductContext;
using test::Residual;

ProductContext ContextFor(int64_t depth, int threads, Compute compute) {
  Capacity capacity;
  capacity.product_depth = depth;
  capacity.product_stride = depth + 64;  // rows of x lie further apart than they are long
  return ProductContext(threads, cpu::MatmulScratch(capacity, compute, threads), compute);
}

float Rounded(float value) { return F32FromBF16(BF16FromF32(value)); }

ExactSum Dot(const OwnedMatrix& x, int64_t row, const OwnedWeight& weight, int64_t column, bool rounded) {
  ExactSum sum;
  for (int64_t k = 0; k < x.cols(); ++k) {
    sum.Add(rounded ? Rounded(x.at(row, k)) : x.at(row, k), weight[column * x.cols() + k]);
  }
  return sum;
}

void Check(cpu::Context& context, const OwnedMatrix& x, const OwnedWeight& weight, const EpilogueCase& epilogue) {
  OwnedMatrix out = epilogue.Out();
  const Status status = cpu::Matmul(context, *x, *weight, epilogue.For(out), *out);
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_TRUE(out.PaddingUntouched());
  const bool rounded = context.compute == Compute::kBF16 && (*weight).dtype == DType::kBF16;
  Comparison comparison;
  for (int64_t row = 0; row < x.rows(); ++row) {
    for (int64_t col = 0; col < out.cols(); ++col) {
      const Bounded expected = epilogue.Expected(Dot(x, row, weight, col, rounded), row, col);
      comparison.Add(out.at(row, col), expected.value, expected.bound, row, col);
    }
  }
  ASSERT_TRUE(comparison.Verdict()) << x.rows() << "x" << x.cols() << "x" << out.cols() << " "
                                    << NameOf((*weight).dtype);
}

void CheckPlain(cpu::Context& context, int64_t rows, int64_t depth, int64_t columns, DType dtype) {
  const OwnedMatrix x(rows, depth, Numbers(1));
  const OwnedWeight weight(Shape{columns, depth}, dtype, Numbers(2));
  Check(context, x, weight,
        EpilogueCase(rows, columns, false, dtype, Activation::kNone, GateRows::kNone, Residual::kNone));
}

TEST(Matmul, EqualsItsFormula) {
  for (Compute compute : {Compute::kF32, Compute::kBF16}) {
    ProductContext context = ContextFor(1031, 2, compute);
    for (DType dtype : kWeightTypes) {
      for (int64_t depth : {1, 13, 207, 1031}) {
        for (int64_t columns : {1, 3, 13, 65, 200}) {
          for (int64_t rows : {1, 13, 67}) CheckPlain(context, rows, depth, columns, dtype);
        }
      }
    }
  }
}

// Products that are cut into pieces of the depth, into several panels and into several groups of rows.
TEST(Matmul, EqualsItsFormulaWhereItIsCut) {
  for (Compute compute : {Compute::kF32, Compute::kBF16}) {
    ProductContext context = ContextFor(7001, 2, compute);
    for (DType dtype : kWeightTypes) {
      CheckPlain(context, 33, 2305, 65, dtype);
      CheckPlain(context, 5, 7001, 13, dtype);
      CheckPlain(context, 207, 13, 521, dtype);
      CheckPlain(context, 1100, 3, 700, dtype);
      CheckPlain(context, 600, 2400, 3, dtype);
    }
  }
}

TEST(Matmul, EveryEpilogue) {
  constexpr int64_t kRows = 37, kDepth = 29, kColumns = 75;
  ProductContext context = ContextFor(kDepth, 2, Compute::kF32);
  const OwnedMatrix x(kRows, kDepth, Numbers(1));
  for (DType dtype : kWeightTypes) {
    const OwnedWeight weight(Shape{kColumns, kDepth}, dtype, Numbers(2));
    for (Activation activation : kActivations) {
      for (bool with_bias : {false, true}) {
        for (GateRows gate : {GateRows::kNone, GateRows::kOne, GateRows::kAll}) {
          for (Residual residual : {Residual::kNone, Residual::kOther, Residual::kOut}) {
            Check(context, x, weight, EpilogueCase(kRows, kColumns, with_bias, dtype, activation, gate, residual));
          }
        }
      }
    }
  }
}

TEST(Matmul, EveryTargetPacksAndRounds) {
  ForEachTarget([] {
    for (Compute compute : {Compute::kF32, Compute::kBF16}) {
      ProductContext context = ContextFor(207, 1, compute);
      const OwnedMatrix x(35, 207, Numbers(1));
      for (DType dtype : kWeightTypes) {
        const OwnedWeight weight(Shape{93, 207}, dtype, Numbers(2));
        Check(context, x, weight,
              EpilogueCase(35, 93, true, dtype, Activation::kSilu, GateRows::kAll, Residual::kOther));
      }
    }
  });
}

TEST(Matmul, ReadsAndWritesColumnsOfWiderMatrices) {
  ProductContext context = ContextFor(40, 2, Compute::kF32);
  const OwnedMatrix wide_x(70, 120, Numbers(1));
  const OwnedWeight weight(Shape{30, 40}, DType::kBF16, Numbers(2));
  OwnedMatrix wide_out(70, 90);
  const OwnedMatrix before(wide_out);
  ASSERT_TRUE(cpu::Matmul(context, (*wide_x).Cols(40, 40), *weight, {}, (*wide_out).Cols(30, 30)).ok());
  Comparison comparison;
  for (int64_t row = 0; row < 70; ++row) {
    for (int64_t col = 0; col < 90; ++col) {
      if (col < 30 || col >= 60) {
        ASSERT_EQ(wide_out.at(row, col), before.at(row, col));
        continue;
      }
      ExactSum sum;
      for (int64_t k = 0; k < 40; ++k) sum.Add(wide_x.at(row, 40 + k), weight[(col - 30) * 40 + k]);
      comparison.Add(wide_out.at(row, col), sum.value, test::SumBound(sum.n, sum.magnitude), row, col);
    }
  }
  ASSERT_TRUE(comparison.Verdict());
}

// Rows [first, first + count) multiplied alone must have the bytes that they have in company of all others.
void CheckCompany(int64_t depth, int64_t columns, DType dtype, Compute compute, bool with_epilogue) {
  constexpr int64_t kAll = 195;
  const OwnedMatrix x(kAll, depth, Numbers(1));
  const OwnedWeight weight(Shape{columns, depth}, dtype, Numbers(2));
  const EpilogueCase epilogue(kAll, columns, with_epilogue, dtype,
                              with_epilogue ? Activation::kGeluTanh : Activation::kNone,
                              with_epilogue ? GateRows::kOne : GateRows::kNone, Residual::kNone);
  OwnedMatrix all(kAll, columns);
  {
    ProductContext context = ContextFor(depth, 1, compute);
    ASSERT_TRUE(cpu::Matmul(context, *x, *weight, epilogue.For(all), *all).ok());
  }
  for (int threads : {1, 2, 3, 4}) {
    ProductContext context = ContextFor(depth, threads, compute);
    for (int64_t count : {1, 2, 17, 31, 32, 33, 65, 195}) {
      for (int64_t first : {0, 1, 5, 50, 130}) {
        if (first + count > kAll) continue;
        OwnedMatrix out(count, columns);
        ASSERT_TRUE(cpu::Matmul(context, (*x).Rows(first, count), *weight, epilogue.For(out), *out).ok());
        for (int64_t row = 0; row < count; ++row) {
          ASSERT_EQ(std::memcmp((*out).row(row), (*all).row(first + row), static_cast<size_t>(columns) * 4), 0)
              << "row " << first + row << " of " << count << " rows from " << first << ", depth " << depth << ", "
              << threads << " threads";
        }
      }
    }
  }
}

TEST(Matmul, RowsDoNotDependOnCompanyOrThreads) {
  for (Compute compute : {Compute::kF32, Compute::kBF16}) {
    for (DType dtype : kWeightTypes) {
      CheckCompany(207, 75, dtype, compute, true);
      CheckCompany(128, 128, dtype, compute, false);
    }
    CheckCompany(2240, 70, DType::kBF16, compute, false);
    CheckCompany(5600, 64, DType::kBF16, compute, false);
  }
}

TEST(Matmul, KeepsNaNAndInfinityInTheirPlaces) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();
  for (Compute compute : {Compute::kF32, Compute::kBF16}) {
    ProductContext context = ContextFor(65, 2, compute);
    for (DType dtype : {DType::kF32, DType::kBF16}) {
      const OwnedMatrix x(70, 65, Numbers(1));
      x.at(3, 7) = kNaN;
      x.at(31, 64) = kInfinity;
      x.at(32, 0) = -kInfinity;
      x.at(69, 1) = kInfinity;
      x.at(69, 2) = -kInfinity;
      const OwnedWeight weight(Shape{67, 65}, dtype, Numbers(2));
      for (Activation activation : {Activation::kNone, Activation::kRelu}) {
        Check(context, x, weight, EpilogueCase(70, 67, true, dtype, activation, GateRows::kNone, Residual::kNone));
      }
    }
  }
}

// The panels of the native bf16 path in the product that takes them. A processor without bf16 products runs it too if
// the library has any implementation for it.
TEST(Matmul, PanelsOfNativeBF16) {
  constexpr int64_t kRows = 32, kWidth = 64;
  for (int64_t depth : {1, 13, 64, 207}) {
    const int64_t padded = (depth + 31) / 32 * 32;
    ProductContext context = ContextFor(depth, 1, Compute::kBF16);
    const auto product = context.products->Find({kRows, kWidth, padded, padded, false, true});
    if (!product.ok()) {
      GTEST_SKIP() << "not run: this processor has no bf16 product (" << product.status().message() << ")";
    }
    const OwnedMatrix x(kRows - 3, depth, Numbers(1));
    const OwnedWeight weight(Shape{50, depth}, DType::kBF16, Numbers(2));
    std::vector<uint16_t> rows(static_cast<size_t>(kRows * padded)), panel(static_cast<size_t>(padded * kWidth));
    std::vector<float> sums(static_cast<size_t>(kRows * kWidth));
    cpu::RoundPanel(*x, kRows, padded, rows.data());
    cpu::PackPairs({(*weight).data, DType::kBF16, depth, 0, 50, 0, depth}, padded, kWidth, panel.data());
    ASSERT_TRUE((*product.value()).Run(0, rows.data(), panel.data(), sums.data()));
    Comparison comparison;
    for (int64_t row = 0; row < kRows; ++row) {
      for (int64_t col = 0; col < kWidth; ++col) {
        const bool inside = row < x.rows() && col < 50;
        const ExactSum sum = inside ? Dot(x, row, weight, col, true) : ExactSum();
        comparison.Add(sums[static_cast<size_t>(row * kWidth + col)], sum.value, test::SumBound(sum.n, sum.magnitude),
                       row, col);
      }
    }
    ASSERT_TRUE(comparison.Verdict()) << "depth " << depth;
  }
}

TEST(Matmul, NativeBF16EqualsItsFormula) {
  if (!cpu::HasNativeBF16()) GTEST_SKIP() << "not run: this processor has no native bf16 products";
  ProductContext context = ContextFor(5600, 2, Compute::kBF16);
  for (int64_t depth : {1, 33, 2240, 5600}) CheckPlain(context, 67, depth, 70, DType::kBF16);
}

}  // namespace
}  // namespace blip3o
