#include "ops/cuda/product_operands.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "ops/cuda/launch.h"
#include "ops/cuda/weight_pack.h"
#include "support/activation.h"
#include "support/comparison.h"
#include "support/lane_test.h"
#include "support/tolerance.h"

namespace blip3o::test {

using cuda::DeviceEpilogue;
using cuda::RoundUp;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Operands whose rows start at 16 bytes, and such that don't.
struct OperandShape {
  int64_t rows, cols, padding;
};
constexpr OperandShape kShapes[] = {{1, 1, 3}, {3, 17, 3}, {5, 64, 0}, {2, 129, 7}, {7, 256, 4}};

OwnedMatrix WithSpecials(const OperandShape& shape) {
  OwnedMatrix x(shape.rows, shape.cols, Numbers(1), 3.0f, shape.padding);
  if (shape.cols > 3) {
    x.at(0, 0) = std::nanf("");
    x.at(0, 2) = -kInfinity;
    x.at(shape.rows - 1, 1) = 1e-41f;
  }
  return x;
}

TEST(ProductOperands, RoundsRowsToBF16AndPadsThemWithZeros) {
  for (const OperandShape& shape : kShapes) {
    const OwnedMatrix x = WithSpecials(shape);
    const int64_t padded = RoundUp(shape.cols, 64);
    ForEachSchedule([&](DeviceContext& context) {
      const DeviceMatrix device(context, x);
      const DeviceArray<uint16_t> to(context, std::vector<uint16_t>(static_cast<size_t>(shape.rows * padded), 7));
      cuda::RoundRows(context, *device, padded, to.data());
      const std::vector<uint16_t> found = to.Read();
      for (int64_t r = 0; r < shape.rows; ++r) {
        for (int64_t c = 0; c < padded; ++c) {
          const uint16_t bits = found[static_cast<size_t>(r * padded + c)];
          const float want = c < shape.cols ? x.at(r, c) : 0.0f;
          if (std::isnan(want)) {
            EXPECT_TRUE(std::isnan(F32FromBF16(bits)));
          } else {
            EXPECT_EQ(bits, BF16FromF32(want)) << r << "," << c;
          }
        }
      }
    });
  }
}

// By the host's conversion, which a test of its own holds against the format.
TEST(ProductOperands, QuantizesRowsWithAScaleEach) {
  for (const OperandShape& shape : kShapes) {
    OwnedMatrix x(shape.rows, shape.cols, Numbers(2), 3.0f, shape.padding);
    for (int64_t c = 0; c < shape.cols; ++c) x.at(shape.rows - 1, c) *= 0x1p-12f;  // a quiet row beside loud ones
    const int64_t padded = RoundUp(shape.cols, 64);
    ForEachSchedule([&](DeviceContext& context) {
      const DeviceMatrix device(context, x);
      const DeviceArray<uint8_t> to(context, std::vector<uint8_t>(static_cast<size_t>(shape.rows * padded), 7));
      const DeviceArray<float> scales(context, std::vector<float>(static_cast<size_t>(shape.rows), -1.0f));
      cuda::QuantizeRows(context, *device, padded, to.data(), scales.data());
      const std::vector<uint8_t> found = to.Read();
      const std::vector<float> found_scales = scales.Read();
      for (int64_t r = 0; r < shape.rows; ++r) {
        float largest = 0.0f;
        for (int64_t c = 0; c < shape.cols; ++c) largest = std::max(largest, std::abs(x.at(r, c)));
        const float scale = largest / 448.0f, factor = 1.0f / scale;
        EXPECT_EQ(found_scales[static_cast<size_t>(r)], scale);
        for (int64_t c = 0; c < padded; ++c) {
          const uint8_t want = c < shape.cols ? cuda::E4M3FromF32(x.at(r, c) * factor) : 0;
          EXPECT_EQ(found[static_cast<size_t>(r * padded + c)], want) << r << "," << c;
        }
      }
    });
  }
}

TEST(ProductOperands, QuantizesZerosNaNAndInfinity) {
  OwnedMatrix x(4, 5, 3);
  for (int64_t r = 0; r < 4; ++r) {
    for (int64_t c = 0; c < 5; ++c) x.at(r, c) = r == 0 ? 0.0f : static_cast<float>(c + 1);
  }
  x.at(1, 2) = std::nanf("");
  x.at(2, 4) = -kInfinity;
  for (int64_t c = 0; c < 5; ++c) x.at(3, c) = 1e-40f;
  ForEachSchedule([&](DeviceContext& context) {
    const DeviceMatrix device(context, x);
    const DeviceArray<uint8_t> to(context, std::vector<uint8_t>(4 * 64, 7));
    const DeviceArray<float> scales(context, std::vector<float>(4, -1.0f));
    cuda::QuantizeRows(context, *device, 64, to.data(), scales.data());
    const std::vector<uint8_t> found = to.Read();
    const std::vector<float> found_scales = scales.Read();
    for (size_t c = 0; c < 5; ++c) EXPECT_EQ(found[c], 0);  // a row of zeros
    EXPECT_EQ(found[64 + 2], 0x7F);
    EXPECT_EQ(found[64 + 4], 0x7E);  // the others keep their own scale
    EXPECT_EQ(found[2 * 64 + 4] & 0x7F, 0x7F);
    EXPECT_TRUE(std::isinf(found_scales[2]));
    EXPECT_TRUE(std::isfinite(found_scales[3]));
    for (size_t c = 0; c < 5; ++c) EXPECT_EQ(found[3 * 64 + c], 0);
  });
}

struct EpilogueCase {
  bool bias, residual, in_place;
  int64_t gate_rows;  // 0: none
  Activation activation;
};

void ExpectEpilogue(const OperandShape& shape, const EpilogueCase& c) {
  OwnedMatrix product(shape.rows, shape.cols, Numbers(3), 2.0f, shape.padding);
  const OwnedMatrix gate(shape.rows, shape.cols, Numbers(4), 2.0f, 2), residual(shape.rows, shape.cols, Numbers(5));
  std::vector<float> bias(static_cast<size_t>(shape.cols));
  Numbers numbers(6);
  for (float& b : bias) b = numbers();
  if (shape.cols > 3) product.at(0, 3) = kInfinity;
  ForEachSchedule([&](DeviceContext& context) {
    const DeviceMatrix from(context, product), gates(context, gate), residuals(context, residual);
    OwnedMatrix out(shape.rows, shape.cols, shape.padding);
    const DeviceMatrix to(context, out);
    const DeviceArray<float> biases(context, bias);
    DeviceEpilogue e;
    e.activation = c.activation;
    if (c.bias) e.bias = biases.data();
    if (c.gate_rows > 0) e.gate = (*gates).data;
    if (c.gate_rows > 1) e.gate_stride = (*gates).stride;
    if (c.residual) e.residual = (*residuals).data, e.residual_stride = (*residuals).stride;
    const DeviceMatrix& target = c.in_place ? from : to;
    cuda::ApplyEpilogue(context, *from, e, *target);
    target.CopyTo(out);
    EXPECT_TRUE(out.PaddingUntouched());
    Comparison comparison;
    for (int64_t r = 0; r < shape.rows; ++r) {
      for (int64_t col = 0; col < shape.cols; ++col) {
        const double y = product.at(r, col) + (c.bias ? bias[static_cast<size_t>(col)] : 0.0f);
        double want = Activated(c.activation, y), bound = ActivationBound(y, kUnit * std::abs(y)) + 0x1p-126;
        if (c.gate_rows > 0) {
          const double g = gate.at(c.gate_rows == 1 ? 0 : r, col);
          want *= g;
          bound = bound * std::abs(g) + kUnit * std::abs(want);
        }
        if (c.residual) {
          want += residual.at(r, col);
          bound += kUnit * std::abs(want);
        }
        comparison.Add(out.at(r, col), want, 2 * bound, r, col);
      }
    }
    EXPECT_TRUE(comparison.Verdict());
  });
}

TEST(ProductOperands, AppliesEveryEpilogue) {
  for (const OperandShape& shape : kShapes) {
    for (Activation activation : kActivations) ExpectEpilogue(shape, {true, true, false, 1, activation});
    ExpectEpilogue(shape, {false, true, true, shape.rows, Activation::kNone});
    ExpectEpilogue(shape, {true, false, true, 0, Activation::kSilu});
    ExpectEpilogue(shape, {false, false, false, 1, Activation::kNone});
  }
}

}  // namespace blip3o::test
