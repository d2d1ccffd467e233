#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ops/cpu/kernels.h"
#include "support/activation.h"
#include "support/kernel_test.h"
#include "support/scratch_context.h"
#include "support/tolerance.h"

namespace blip3o {
namespace {

using test::Activated;
using test::ForEachTarget;
using test::kWeightTypes;
using test::Numbers;
using test::OwnedMatrix;
using test::OwnedWeight;
using test::ScratchContext;

constexpr int64_t kRowCounts[] = {1, 2, 8, 9, 17, 33, 64};

ScratchContext ContextFor(int64_t depth, int threads = 1) {
  Capacity capacity;
  capacity.product_depth = depth;
  return ScratchContext(threads, cpu::TokenMatmulScratch(capacity, threads));
}

void Multiply(cpu::Context& context, const Matrix& x, const View& weight, const Epilogue& epilogue, const Matrix& out) {
  const TokenProduct product{weight, epilogue, out};
  cpu::TokenMatmul(context, {.x = x}, {&product, 1});
}

struct Exact {
  double value, magnitude;
};

Exact Dot(const OwnedMatrix& x, int64_t row, const OwnedWeight& weight, int64_t column, bool rounded = false) {
  Exact dot{0, 0};
  for (int64_t k = 0; k < x.cols(); ++k) {
    const double value = rounded ? F32FromBF16(BF16FromF32(x.at(row, k))) : x.at(row, k);
    const double product = value * weight[column * x.cols() + k];
    dot.value += product;
    dot.magnitude += std::abs(product);
  }
  return dot;
}

void CheckProduct(int64_t rows, int64_t depth, int64_t columns, DType dtype, cpu::Compute compute) {
  const OwnedMatrix x(rows, depth, Numbers(1));
  const OwnedWeight weight(Shape{columns, depth}, dtype, Numbers(2));
  OwnedMatrix out(rows, columns);
  ScratchContext context = ContextFor(depth);
  context.context.compute = compute;
  Multiply(context, *x, *weight, {}, *out);
  ASSERT_TRUE(out.PaddingUntouched());
  const bool rounded = compute == cpu::Compute::kBF16 && dtype == DType::kBF16;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      const Exact exact = Dot(x, r, weight, c, rounded);
      ASSERT_NEAR(out.at(r, c), exact.value, test::SumBound(depth, exact.magnitude))
          << rows << "x" << depth << "x" << columns << " " << NameOf(dtype) << " at " << r << "," << c;
    }
  }
}

TEST(TokenMatmul, EqualsItsFormula) {
  ForEachTarget([] {
    for (DType dtype : kWeightTypes) {
      for (cpu::Compute compute : {cpu::Compute::kF32, cpu::Compute::kBF16}) {
        for (int64_t rows : kRowCounts) CheckProduct(rows, 207, 61, dtype, compute);
        for (int64_t depth : {1, 13, 16, 112, 1009}) CheckProduct(7, depth, 25, dtype, compute);
        for (int64_t columns : {1, 13, 24, 251, 1009}) CheckProduct(3, 40, columns, dtype, compute);
      }
    }
  });
}

void CheckEpilogue(Activation activation, DType dtype, int64_t gate_rows, bool in_place) {
  const int64_t rows = 5, depth = 53, columns = 29;
  const OwnedMatrix x(rows, depth, Numbers(1)), gate(gate_rows, columns, Numbers(3));
  const OwnedMatrix residual(rows, columns, Numbers(4));
  const OwnedWeight weight(Shape{columns, depth}, dtype, Numbers(2)), bias(Shape{columns}, dtype, Numbers(5));
  OwnedMatrix out(residual);
  ScratchContext context = ContextFor(depth);
  Multiply(context, *x, *weight, {*bias, activation, *gate, in_place ? *out : *residual}, *out);
  ASSERT_TRUE(out.PaddingUntouched());
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      const Exact dot = Dot(x, r, weight, c);
      const double y = dot.value + bias[c], factor = gate.at(gate_rows == 1 ? 0 : r, c);
      const double gated = factor * Activated(activation, y), expected = residual.at(r, c) + gated;
      const double error = test::ActivationBound(y, test::SumBound(depth + 1, dot.magnitude + std::abs(bias[c])));
      ASSERT_NEAR(out.at(r, c), expected,
                  std::abs(factor) * error + test::Gamma(2) * (std::abs(gated) + std::abs(residual.at(r, c))));
    }
  }
}

TEST(TokenMatmul, AppliesTheEpilogue) {
  ForEachTarget([] {
    for (Activation activation : test::kActivations) {
      for (DType dtype : kWeightTypes) {
        CheckEpilogue(activation, dtype, 1, false);
        CheckEpilogue(activation, dtype, 5, true);
      }
    }
  });
}

TEST(TokenSwiGlu, EqualsItsFormula) {
  ForEachTarget([] {
    for (DType dtype : kWeightTypes) {
      for (int64_t rows : {1, 9, 13}) {
        const int64_t depth = 37, columns = 101;
        const OwnedMatrix x(rows, depth, Numbers(1));
        const OwnedWeight gate(Shape{columns, depth}, dtype, Numbers(2)), up(Shape{columns, depth}, dtype, Numbers(3));
        OwnedMatrix out(rows, columns);
        ScratchContext context = ContextFor(depth);
        cpu::TokenSwiGlu(context, {.x = *x}, *gate, *up, *out);
        ASSERT_TRUE(out.PaddingUntouched());
        for (int64_t r = 0; r < rows; ++r) {
          for (int64_t c = 0; c < columns; ++c) {
            const Exact g = Dot(x, r, gate, c), u = Dot(x, r, up, c);
            const double silu = Activated(Activation::kSilu, g.value);
            const double silu_error = test::ActivationBound(g.value, test::SumBound(depth, g.magnitude));
            const double up_error = test::SumBound(depth, u.magnitude);
            ASSERT_NEAR(out.at(r, c), silu * u.value,
                        std::abs(silu) * up_error + (std::abs(u.value) + up_error) * silu_error +
                            test::Gamma(1) * std::abs(silu * u.value));
          }
        }
      }
    }
  });
}

// The bytes of every row alone and in company, on 1 to 4 threads.
template <class Product>
void CheckCompany(int64_t depth, int64_t columns, const Product& product) {
  const OwnedMatrix x(64, depth, Numbers(1));
  OwnedMatrix alone(64, columns);
  ScratchContext one = ContextFor(depth);
  for (int64_t r = 0; r < 64; ++r) product(one, (*x).Rows(r, 1), (*alone).Rows(r, 1));
  for (int threads = 1; threads <= 4; ++threads) {
    ScratchContext context = ContextFor(depth, threads);
    for (int64_t rows : kRowCounts) {
      OwnedMatrix out(rows, columns);
      product(context, (*x).Rows(64 - rows, rows), *out);
      for (int64_t r = 0; r < rows; ++r) {
        ASSERT_EQ(std::memcmp(&out.at(r, 0), &alone.at(64 - rows + r, 0), columns * sizeof(float)), 0)
            << "row " << r << " of " << rows << " on " << threads << " threads";
      }
    }
  }
}

TEST(TokenMatmul, RowsHaveTheSameBytesInAnyCompany) {
  ForEachTarget([] {
    for (DType dtype : kWeightTypes) {
      const OwnedWeight weight(Shape{509, 131}, dtype, Numbers(2)), up(Shape{509, 131}, dtype, Numbers(3));
      const OwnedWeight bias(Shape{509}, dtype, Numbers(4));
      for (cpu::Compute compute : {cpu::Compute::kF32, cpu::Compute::kBF16}) {
        CheckCompany(131, 509, [&](ScratchContext& context, const Matrix& x, const Matrix& out) {
          context.context.compute = compute;
          Multiply(context, x, *weight, {*bias, Activation::kSilu, {}, {}}, out);
        });
        CheckCompany(131, 509, [&](ScratchContext& context, const Matrix& x, const Matrix& out) {
          context.context.compute = compute;
          cpu::TokenSwiGlu(context, {.x = x}, *weight, *up, out);
        });
      }
    }
  });
}

// The bytes of a norm and products of its result, each by itself. Products of one input may differ in their types, and
// so in whether the input is rounded.
TEST(TokenMatmul, NormsItsInputOnceForAllProducts) {
  ForEachTarget([] {
    const int64_t depth = 131, columns[] = {61, 24, 13};
    const OwnedWeight norm(Shape{depth}, DType::kBF16, Numbers(2));
    const OwnedWeight weights[] = {OwnedWeight(Shape{columns[0], depth}, DType::kBF16, Numbers(3)),
                                   OwnedWeight(Shape{columns[1], depth}, DType::kF32, Numbers(4)),
                                   OwnedWeight(Shape{columns[2], depth}, DType::kBF16, Numbers(5))};
    for (cpu::Compute compute : {cpu::Compute::kF32, cpu::Compute::kBF16}) {
      for (int64_t rows : {1, 3, 64}) {
        const OwnedMatrix x(rows, depth, Numbers(1));
        ScratchContext context = ContextFor(depth);
        context.context.compute = compute;
        OwnedMatrix normed(rows, depth);
        cpu::RmsNorm(context, *x, *norm, {}, 1e-6, Activation::kNone, {}, *normed);
        std::vector<OwnedMatrix> expected, out;
        std::vector<TokenProduct> products;
        for (size_t i = 0; i < 3; ++i) {
          expected.emplace_back(rows, columns[i]);
          out.emplace_back(rows, columns[i]);
        }
        for (size_t i = 0; i < 3; ++i) {
          Multiply(context, *normed, *weights[i], {}, *expected[i]);
          products.push_back({*weights[i], {}, *out[i]});
        }
        cpu::TokenMatmul(context, {*x, *norm, 1e-6}, products);
        for (size_t i = 0; i < 3; ++i)
          ASSERT_TRUE(out[i] == expected[i]) << "product " << i << " of " << rows << " rows";
      }
    }
  });
}

TEST(TokenSwiGlu, NormsItsInput) {
  ForEachTarget([] {
    const int64_t depth = 131, columns = 61;
    const OwnedWeight norm(Shape{depth}, DType::kF32, Numbers(2));
    const OwnedWeight gate(Shape{columns, depth}, DType::kBF16, Numbers(3)),
        up(Shape{columns, depth}, DType::kBF16, Numbers(4));
    for (cpu::Compute compute : {cpu::Compute::kF32, cpu::Compute::kBF16}) {
      for (int64_t rows : {1, 3, 64}) {
        const OwnedMatrix x(rows, depth, Numbers(1));
        ScratchContext context = ContextFor(depth);
        context.context.compute = compute;
        OwnedMatrix normed(rows, depth), expected(rows, columns), out(rows, columns);
        cpu::RmsNorm(context, *x, *norm, {}, 1e-6, Activation::kNone, {}, *normed);
        cpu::TokenSwiGlu(context, {.x = *normed}, *gate, *up, *expected);
        cpu::TokenSwiGlu(context, {*x, *norm, 1e-6}, *gate, *up, *out);
        ASSERT_TRUE(out == expected) << rows << " rows";
      }
    }
  });
}

TEST(TokenMatmul, KeepsNaNAndInfinityInTheirRowsAndColumns) {
  ForEachTarget([] {
    const int64_t rows = 3, depth = 21, columns = 26;
    const OwnedMatrix x(rows, depth, Numbers(1));
    x.at(1, 20) = std::numeric_limits<float>::infinity();
    OwnedWeight weight(Shape{columns, depth}, DType::kF32, Numbers(2));
    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::memcpy(static_cast<char*>(const_cast<void*>((*weight).data)) + 4 * (25 * depth + 20), &nan, 4);
    for (Activation activation : test::kActivations) {
      if (activation == Activation::kTanh) continue;  // it bounds what is infinite
      OwnedMatrix out(rows, columns);
      ScratchContext context = ContextFor(depth);
      Multiply(context, *x, *weight, {{}, activation, {}, {}}, *out);
      for (int64_t r = 0; r < rows; ++r) {
        EXPECT_TRUE(std::isnan(out.at(r, 25)));
        for (int64_t c = 0; c < 25; ++c) {
          const bool infinite = r == 1 && weight[c * depth + 20] > 0;
          EXPECT_TRUE(infinite ? std::isinf(out.at(r, c)) : r == 1 || std::isfinite(out.at(r, c)));
        }
      }
    }
  });
}

}  // namespace
}  // namespace blip3o
