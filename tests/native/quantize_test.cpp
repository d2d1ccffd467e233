#include "weights/quantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/q8.h"
#include "support/checkpoint_files.h"
#include "support/kernel_test.h"
#include "weights/checkpoint.h"

namespace blip3o {
namespace {

using test::Numbers;
using test::OwnedWeight;

struct Quantized {
  explicit Quantized(const View& weight)
      : layout(Q8Layout::Of(weight)), bytes(static_cast<size_t>(layout.size_bytes())) {
    QuantizeQ8(weight, bytes.data());
    view = {bytes.data(), DType::kQ8, weight.shape};
  }
  double Value(int64_t n, int64_t k) const {
    return static_cast<double>(layout.scales(view, n)[k / kQ8Block]) * layout.row(view, n)[k];
  }
  Q8Layout layout;
  std::vector<char> bytes;
  View view;
};

TEST(Quantize, IsOffByHalfAScaleAtMost) {
  for (const DType dtype : test::kWeightTypes) {
    for (const int64_t depth : {1, 127, 128, 129, 300}) {
      SCOPED_TRACE(depth);
      const OwnedWeight weight({5, depth}, dtype, Numbers(depth), 3.0f);
      const Quantized q(*weight);
      for (int64_t n = 0; n < 5; ++n) {
        for (int64_t block = 0; block < q.layout.blocks; ++block) {
          double largest = 0;
          for (int64_t k = block * 128; k < std::min(depth, (block + 1) * 128); ++k) {
            largest = std::max(largest, std::abs(weight[n * depth + k]));
          }
          const double scale = q.layout.scales(q.view, n)[block];
          EXPECT_NEAR(scale, largest / 127, largest * 0x1p-23);
          for (int64_t k = block * 128; k < std::min(depth, (block + 1) * 128); ++k) {
            // The scale's own rounding moves the quotient by 127 · 2^-24.
            ASSERT_LE(std::abs(q.Value(n, k) - weight[n * depth + k]), scale * (0.5 + 127 * 0x1p-23)) << n << ',' << k;
          }
        }
      }
    }
  }
}

TEST(Quantize, KeepsTheLargestAndItsSign) {
  std::vector<float> values(256, 0.25f);
  values[3] = -2.0f;
  values[200] = 4.0f;
  const Quantized q({values.data(), DType::kF32, {1, 256}});
  EXPECT_EQ(q.layout.row(q.view, 0)[3], -127);
  EXPECT_EQ(q.layout.row(q.view, 0)[200], 127);
  EXPECT_EQ(q.layout.row(q.view, 0)[0], 16);  // 0.25 / (2 / 127) = 15.875
}

TEST(Quantize, ZeroBlocksAndPaddingAreZero) {
  const std::vector<float> values(130, 0.0f);
  const Quantized q({values.data(), DType::kF32, {1, 130}});
  for (int64_t k = 0; k < q.layout.stride; ++k) EXPECT_EQ(q.layout.row(q.view, 0)[k], 0);
  EXPECT_EQ(q.layout.scales(q.view, 0)[1], 0.0f);
}

TEST(Quantize, TakesProductsWeightsAndNoOthers) {
  auto opened = Checkpoint::Open(test::GoldenCheckpoint("tiny"), {});
  ASSERT_TRUE(opened.ok()) << opened.status().message();
  Checkpoint& checkpoint = **opened;
  const LanguageModelWeights before = checkpoint.weights().language_model;
  const int64_t bytes = checkpoint.QuantizedLanguageModelBytes();
  ASSERT_TRUE(checkpoint.QuantizeLanguageModel(2).ok());
  const LanguageModelWeights& after = checkpoint.weights().language_model;
  EXPECT_EQ(checkpoint.QuantizedLanguageModelBytes(), bytes);
  EXPECT_EQ(after.embed_tokens.data, before.embed_tokens.data);
  EXPECT_EQ(after.norm.data, before.norm.data);
  EXPECT_EQ(after.image_head.dtype, DType::kQ8);
  EXPECT_EQ(after.image_head.shape, before.image_head.shape);
  for (size_t i = 0; i < after.layers.size(); ++i) {
    EXPECT_EQ(after.layers[i].input_layernorm.data, before.layers[i].input_layernorm.data);
    EXPECT_EQ(after.layers[i].q_norm.data, before.layers[i].q_norm.data);
    EXPECT_EQ(after.layers[i].down_proj.dtype, DType::kQ8);
    const Quantized expected(before.layers[i].down_proj);
    EXPECT_EQ(std::memcmp(after.layers[i].down_proj.data, expected.bytes.data(), expected.bytes.size()), 0);
  }
}

}  // namespace
}  // namespace blip3o
