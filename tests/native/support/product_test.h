// What tests of products and convolutions share: a context with panel products, every epilogue, the exact value and its
// bound.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "ops/cpu/panel_product.h"
#include "support/activation.h"
#include "support/kernel_test.h"
#include "support/scratch_context.h"
#include "support/tolerance.h"

namespace blip3o::test {

struct ProductContext : ScratchContext {
  ProductContext(int threads, const cpu::ScratchBytes& need, cpu::Compute compute) : ScratchContext(threads, need) {
    auto created = cpu::PanelProducts::Create(threads);
    EXPECT_TRUE(created.ok()) << created.status().message();
    products = std::move(created.value());
    context.products = products.get();
    context.compute = compute;
  }

  std::unique_ptr<cpu::PanelProducts> products;
};

// A sum of n products, with the sum of their magnitudes.
struct ExactSum {
  int64_t n = 0;
  double value = 0, magnitude = 0;

  void Add(double a, double b) {
    ++n;
    value += a * b;
    magnitude += std::abs(a * b);
  }
};

// A value and how far a result in f32 may lie from it.
struct Bounded {
  double value = 0, bound = 0;
};

enum class GateRows { kNone, kOne, kAll };
enum class Residual { kNone, kOther, kOut };

// One choice of everything that an epilogue can do, with its operands.
struct EpilogueCase {
  EpilogueCase(int64_t rows, int64_t cols, bool with_bias, DType dtype, Activation activation, GateRows gate_rows,
               Residual residual_kind)
      : bias(Shape{cols}, dtype, Numbers(11)),
        gate(gate_rows == GateRows::kAll ? rows : 1, cols, Numbers(12)),
        residual(rows, cols, Numbers(13)),
        with_bias(with_bias),
        activation(activation),
        gate_rows(gate_rows),
        residual_kind(residual_kind) {}

  // What `out` holds before the operation.
  OwnedMatrix Out() const {
    return residual_kind == Residual::kOut ? OwnedMatrix(residual) : OwnedMatrix(residual.rows(), residual.cols());
  }

  Epilogue For(const OwnedMatrix& out) const {
    Epilogue epilogue;
    if (with_bias) epilogue.bias = *bias;
    epilogue.activation = activation;
    if (gate_rows != GateRows::kNone) epilogue.gate = *gate;
    if (residual_kind != Residual::kNone) epilogue.residual = residual_kind == Residual::kOut ? *out : *residual;
    return epilogue;
  }

  Bounded Expected(const ExactSum& sum, int64_t row, int64_t col) const {
    double value = sum.value + (with_bias ? bias[col] : 0);
    double bound = SumBound(sum.n + 1, sum.magnitude + (with_bias ? std::abs(bias[col]) : 0));
    if (activation != Activation::kNone) bound = ActivationBound(value, bound);
    value = Activated(activation, value);
    if (gate_rows != GateRows::kNone) {
      const double factor = gate.at(gate_rows == GateRows::kAll ? row : 0, col);
      value *= factor;
      bound = bound * std::abs(factor) + kUnit * std::abs(value);
    }
    if (residual_kind != Residual::kNone) value += residual.at(row, col);
    return {value, bound + kUnit * std::abs(value)};
  }

  OwnedWeight bias;
  OwnedMatrix gate, residual;
  bool with_bias;
  Activation activation;
  GateRows gate_rows;
  Residual residual_kind;
};

}  // namespace blip3o::test
