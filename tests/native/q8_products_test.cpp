// Products with weights of eight bits against the same products, in double precision, of what the eight bits say.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/q8.h"
#include "ops/cpu/kernels.h"
#include "support/comparison.h"
#include "support/kernel_test.h"
#include "support/product_test.h"
#include "weights/quantize.h"

namespace blip3o {
namespace {

using test::Bounded;
using test::Comparison;
using test::ExactSum;
using test::Numbers;
using test::OwnedMatrix;
using test::OwnedWeight;
using test::ProductContext;

struct Q8Weight {
  Q8Weight(int64_t rows, int64_t cols, uint64_t seed) {
    const OwnedWeight weight({rows, cols}, DType::kF32, Numbers(seed));
    layout = Q8Layout::Of(rows, cols);
    bytes.resize(static_cast<size_t>(layout.size_bytes()));
    QuantizeQ8(*weight, bytes.data());
    view = {bytes.data(), DType::kQ8, {rows, cols}};
  }
  double operator()(int64_t n, int64_t k) const {
    return static_cast<double>(layout.scales(view, n)[k / kQ8Block]) * layout.row(view, n)[k];
  }
  Q8Layout layout;
  std::vector<char> bytes;
  View view;
};

ExactSum SumOf(const OwnedMatrix& x, int64_t t, const Q8Weight& weight, int64_t n) {
  ExactSum sum;
  for (int64_t k = 0; k < x.cols(); ++k) sum.Add(x.at(t, k), weight(n, k));
  return sum;
}

// The scale of a block is one rounding more for each of its products.
double BoundOf(const ExactSum& sum) { return test::SumBound(sum.n + 2, sum.magnitude); }

ProductContext ContextFor(int64_t depth, cpu::Compute compute) {
  Capacity capacity;
  capacity.product_depth = depth;
  capacity.product_stride = depth + 3;
  cpu::ScratchBytes need = cpu::TokenMatmulScratch(capacity, 2);
  const cpu::ScratchBytes other = cpu::MatmulScratch(capacity, compute, 2);
  need.shared = std::max(need.shared, other.shared);
  need.per_worker = std::max(need.per_worker, other.per_worker);
  return ProductContext(2, need, compute);
}

TEST(Q8Products, TokenMatmulEqualsItsDefinition) {
  test::ForEachTarget([] {
    for (const int64_t rows : {1, 2, 3, 8, 13}) {
      for (const int64_t depth : {1, 17, 128, 130, 300}) {
        SCOPED_TRACE(testing::Message() << rows << " rows, depth " << depth);
        const OwnedMatrix x(rows, depth, Numbers(1));
        const Q8Weight weight(29, depth, 2);
        const OwnedMatrix out(rows, 29);
        ProductContext context = ContextFor(depth, cpu::Compute::kBF16);
        const TokenProduct product{weight.view, {}, *out};
        cpu::TokenMatmul(context, TokenInput{*x}, {&product, 1});
        Comparison comparison;
        for (int64_t t = 0; t < rows; ++t) {
          for (int64_t n = 0; n < 29; ++n) {
            const ExactSum sum = SumOf(x, t, weight, n);
            comparison.Add(out.at(t, n), sum.value, BoundOf(sum), t, n);
          }
        }
        EXPECT_TRUE(comparison.Verdict());
        EXPECT_TRUE(out.PaddingUntouched());
      }
    }
  });
}

TEST(Q8Products, RowsAreTheSameInAnyCompany) {
  test::ForEachTarget([] {
    constexpr int64_t kRows = 64, kDepth = 200;
    const OwnedMatrix x(kRows, kDepth, Numbers(3));
    const Q8Weight weight(50, kDepth, 4);
    ProductContext context = ContextFor(kDepth, cpu::Compute::kF32);
    const OwnedMatrix together(kRows, 50);
    const TokenProduct all{weight.view, {}, *together};
    cpu::TokenMatmul(context, TokenInput{*x}, {&all, 1});
    for (int64_t t = 0; t < kRows; ++t) {
      const OwnedMatrix alone(1, 50);
      const TokenProduct one{weight.view, {}, *alone};
      cpu::TokenMatmul(context, TokenInput{(*x).Rows(t, 1)}, {&one, 1});
      for (int64_t n = 0; n < 50; ++n) ASSERT_EQ(alone.at(0, n), together.at(t, n)) << t << ',' << n;
    }
  });
}

TEST(Q8Products, SwiGluEqualsItsDefinition) {
  test::ForEachTarget([] {
    const OwnedMatrix x(3, 150, Numbers(5), 0.2f);
    const Q8Weight gate(31, 150, 6), up(31, 150, 7);
    const OwnedMatrix out(3, 31);
    ProductContext context = ContextFor(150, cpu::Compute::kF32);
    cpu::TokenSwiGlu(context, TokenInput{*x}, gate.view, up.view, *out);
    Comparison comparison;
    for (int64_t t = 0; t < 3; ++t) {
      for (int64_t n = 0; n < 31; ++n) {
        const ExactSum g = SumOf(x, t, gate, n), u = SumOf(x, t, up, n);
        const double silu = test::Activated(Activation::kSilu, g.value);
        const double gate_bound = test::ActivationBound(g.value, BoundOf(g));
        comparison.Add(out.at(t, n), silu * u.value,
                       gate_bound * std::abs(u.value) + (std::abs(silu) + gate_bound) * BoundOf(u) +
                           test::kUnit * std::abs(silu * u.value),
                       t, n);
      }
    }
    EXPECT_TRUE(comparison.Verdict());
  });
}

TEST(Q8Products, MatmulOfManyRowsEqualsItsDefinition) {
  for (const cpu::Compute compute : {cpu::Compute::kF32, cpu::Compute::kBF16}) {
    for (const int64_t depth : {33, 128, 1300}) {  // 1300: in two pieces
      SCOPED_TRACE(depth);
      const OwnedMatrix x(70, depth, Numbers(8));
      const Q8Weight weight(67, depth, 9);
      const OwnedMatrix out(70, 67);
      ProductContext context = ContextFor(depth, compute);
      ASSERT_TRUE(cpu::Matmul(context, *x, weight.view, {}, *out).ok());
      Comparison comparison;
      for (int64_t t = 0; t < 70; ++t) {
        for (int64_t n = 0; n < 67; ++n) {
          const ExactSum sum = SumOf(x, t, weight, n);
          comparison.Add(out.at(t, n), sum.value, BoundOf(sum), t, n);
        }
      }
      EXPECT_TRUE(comparison.Verdict());
    }
  }
}

}  // namespace
}  // namespace blip3o
