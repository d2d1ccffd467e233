// The library of products itself, on the device: what it multiplies, and whether company changes a byte.
#include "ops/cuda/product_library.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "support/activation.h"
#include "support/comparison.h"
#include "support/lane_test.h"
#include "support/tolerance.h"

namespace blip3o::test {

using cuda::ProductLibrary;
using cuda::Use;
using cuda::WeightStore;
using cuda::WeightType;

// Null where the machine has none.
std::shared_ptr<ProductLibrary> TheLibrary() {
  static const std::shared_ptr<ProductLibrary> library = [] {
    const Result<cuda::LoadedLibrary> loaded = cuda::LoadProductLibrary("");
    if (!loaded.ok()) return std::shared_ptr<ProductLibrary>();
    auto created = ProductLibrary::Create(loaded.value());
    return created.ok() ? created.value() : nullptr;
  }();
  return library;
}

// Scratch memory for results of `cols`, and the products on the context's queue.
std::unique_ptr<cuda::Products> ProductsFor(DeviceContext& context, int64_t cols) {
  auto products = cuda::MakeProducts(TheLibrary(), context.queue, [&queue = context.queue] { return queue.stream(); });
  Capacity capacity;
  capacity.product_depth = cols;
  context.Reserve(products->ScratchBytes(capacity));
  return products;
}

struct ProductCase {
  int64_t rows, cols, depth;
  bool bias = false;
  Activation activation = Activation::kNone;
  int64_t gate_rows = 0;
  bool residual_in_place = false;
};

void ExpectProduct(const ProductCase& c) {
  SCOPED_TRACE(testing::Message() << c.rows << " x " << c.depth << " by " << c.cols);
  DeviceContext context({});
  const auto products = ProductsFor(context, std::max(c.cols, c.depth));
  const OwnedMatrix x(c.rows, c.depth, Numbers(1)), gate(c.rows, c.cols, Numbers(2)),
      residual(c.rows, c.cols, Numbers(3), 1.0f, 4);
  const OwnedWeight weight({c.cols, c.depth}, DType::kBF16, Numbers(4)), bias({c.cols}, DType::kF32, Numbers(5));
  OwnedMatrix out = c.residual_in_place ? residual : OwnedMatrix(c.rows, c.cols, 4);
  const DeviceMatrix input(context, x), gates(context, gate), target(context, out);
  Epilogue epilogue;
  epilogue.activation = c.activation;
  if (c.bias) epilogue.bias = *bias;
  if (c.gate_rows > 0) epilogue.gate = (*gates).Rows(0, c.gate_rows);
  if (c.residual_in_place) epilogue.residual = *target;
  ASSERT_TRUE(products->Multiply(context, *input, *weight, epilogue, *target));
  target.CopyTo(out);
  const Status status = context.queue.Finish();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(out.PaddingUntouched());

  std::vector<double> weights(static_cast<size_t>(c.cols * c.depth)), rounded(static_cast<size_t>(c.depth));
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = weight[static_cast<int64_t>(i)];
  // The library's own GELU: as exact as its BF16 operands.
  const double own = c.activation == Activation::kGeluTanh ? 0x1p-9 : 0;
  Comparison comparison;
  // The first rows, the last, and some between: all would take the host longer than the device is there for.
  for (int64_t t = 0; t < c.rows; t += t < 4 || t > c.rows - 5 ? 1 : std::max<int64_t>(1, c.rows / 32)) {
    for (int64_t k = 0; k < c.depth; ++k) rounded[static_cast<size_t>(k)] = F32FromBF16(BF16FromF32(x.at(t, k)));
    for (int64_t n = 0; n < c.cols; ++n) {
      double sum = 0, magnitude = 0;
      for (int64_t k = 0; k < c.depth; ++k) {
        const double term = rounded[static_cast<size_t>(k)] * weights[static_cast<size_t>(n * c.depth + k)];
        sum += term;
        magnitude += std::abs(term);
      }
      const double y = sum + (c.bias ? bias[n] : 0);
      // A tensor core cuts sums where f32 rounds them: two units of the last place, and one more for the order.
      double want = Activated(c.activation, y);
      double bound = ActivationBound(y, SumBound(4 * c.depth, magnitude + std::abs(y))) + own * std::abs(y);
      if (c.gate_rows > 0) {
        const double g = gate.at(c.gate_rows == 1 ? 0 : t, n);
        want *= g;
        bound = bound * std::abs(g) + kUnit * std::abs(want);
      }
      if (c.residual_in_place) {
        want += residual.at(t, n);
        bound += 4 * kUnit * (std::abs(want) + std::abs(residual.at(t, n)));
      }
      comparison.Add(out.at(t, n), want, bound, t, n);
    }
  }
  EXPECT_TRUE(comparison.Verdict());
}

TEST(CublasLt, EqualsItsDefinition) {
  if (TheLibrary() == nullptr) GTEST_SKIP() << "cuBLASLt 13 was not found";
  ExpectProduct({.rows = 1, .cols = 64, .depth = 64});
  ExpectProduct({.rows = 5, .cols = 132, .depth = 70});
  ExpectProduct({.rows = 300, .cols = 1024, .depth = 512});
  ExpectProduct({.rows = 2100, .cols = 256, .depth = 2048});
}

TEST(CublasLt, EveryEpilogue) {
  if (TheLibrary() == nullptr) GTEST_SKIP() << "cuBLASLt 13 was not found";
  for (const bool bias : {false, true}) {
    for (Activation activation : kActivations) {
      ExpectProduct({.rows = 130, .cols = 256, .depth = 192, .bias = bias, .activation = activation});
    }
    ExpectProduct({.rows = 130, .cols = 256, .depth = 192, .bias = bias, .residual_in_place = true});
    ExpectProduct({.rows = 130, .cols = 256, .depth = 192, .bias = bias, .gate_rows = 130});
    ExpectProduct({.rows = 130, .cols = 256, .depth = 192, .bias = bias, .gate_rows = 1, .residual_in_place = true});
  }
}

// Sizes of the public model: the transformer's, the decoder's, the language model's.
TEST(CublasLt, ARowAloneHasTheSameBytesAsInCompany) {
  if (TheLibrary() == nullptr) GTEST_SKIP() << "cuBLASLt 13 was not found";
  const int64_t rows = 2500;
  for (const auto& [cols, depth] : {std::pair<int64_t, int64_t>{2240, 2240}, {512, 1024}, {6144, 2048}}) {
    DeviceContext context({});
    const auto products = ProductsFor(context, std::max(cols, depth));
    const OwnedMatrix x(rows, depth, Numbers(1));
    const OwnedWeight weight({cols, depth}, DType::kBF16, Numbers(2));
    const DeviceMatrix input(context, x);
    OwnedMatrix all(rows, cols, 4);
    const DeviceMatrix all_out(context, all);
    ASSERT_TRUE(products->Multiply(context, *input, *weight, {}, *all_out));
    all_out.CopyTo(all);
    for (const auto& [first, count] :
         {std::pair<int64_t, int64_t>{0, 1}, {2047, 1}, {2060, 7}, {100, 128}, {1, 1024}}) {
      SCOPED_TRACE(testing::Message() << count << " rows from " << first << " of " << cols << " x " << depth);
      OwnedMatrix part(count, cols, 4);
      const DeviceMatrix part_out(context, part);
      ASSERT_TRUE(products->Multiply(context, (*input).Rows(first, count), *weight, {}, *part_out));
      part_out.CopyTo(part);
      int64_t other = 0;
      for (int64_t t = 0; t < count; ++t) {
        const auto bytes = static_cast<size_t>(cols) * sizeof(float);
        other += std::memcmp((*all).row(first + t), (*part).row(t), bytes) != 0;
      }
      EXPECT_EQ(other, 0) << "rows with other bytes";
    }
    const Status status = context.queue.Finish();
    ASSERT_TRUE(status.ok()) << status.message();
  }
}

TEST(CublasLt, ProductsInE4M3HaveAScaleForEachRowAndToken) {
  if (TheLibrary() == nullptr) GTEST_SKIP() << "cuBLASLt 13 was not found";
  constexpr int64_t kRows = 130, kCols = 256, kDepth = 512;
  if (!TheLibrary()->Takes(WeightType::kE4M3, kCols, kDepth)) GTEST_SKIP() << "this device has no such product";
  DeviceContext context({});
  WeightStore store({.product = WeightType::kBF16, .steps_in_8_bits = true});
  context.context.weights = &store;
  const auto products = ProductsFor(context, kDepth);
  const OwnedMatrix x(kRows, kDepth, Numbers(1));
  const OwnedWeight weight({kCols, kDepth}, DType::kBF16, Numbers(2));
  ASSERT_TRUE(store.Preload(context.queue, {{*weight, Use::kStepRows}}).ok());
  OwnedMatrix out(kRows, kCols, 4);
  const DeviceMatrix input(context, x), target(context, out);
  ASSERT_TRUE(products->Multiply(context, *input, *weight, {}, *target));
  target.CopyTo(out);
  const Status status = context.queue.Finish();
  ASSERT_TRUE(status.ok()) << status.message();
  Comparison comparison;
  for (int64_t t = 0; t < kRows; ++t) {
    for (int64_t n = 0; n < kCols; ++n) {
      double sum = 0, error = 0, x_largest = 0, w_largest = 0;
      for (int64_t k = 0; k < kDepth; ++k) {
        x_largest = std::max(x_largest, std::abs(static_cast<double>(x.at(t, k))));
        w_largest = std::max(w_largest, std::abs(weight[n * kDepth + k]));
      }
      for (int64_t k = 0; k < kDepth; ++k) {
        const double a = x.at(t, k), b = weight[n * kDepth + k];
        sum += a * b;
        // Half a unit of the last of three bits, or of the smallest numbers.
        const double a_error = std::max(std::abs(a) / 16, x_largest / 448 / 1024);
        const double b_error = std::max(std::abs(b) / 16, w_largest / 448 / 1024);
        error += a_error * std::abs(b) + b_error * std::abs(a) + a_error * b_error;
      }
      comparison.Add(out.at(t, n), sum, error + 1e-6, t, n);
    }
  }
  EXPECT_TRUE(comparison.Verdict());
  context.context.weights = &context.store;
}

}  // namespace blip3o::test
