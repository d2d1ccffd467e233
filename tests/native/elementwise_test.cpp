#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "ops/cpu/kernels.h"
#include "support/kernel_test.h"

namespace blip3o {
namespace {

using test::ForEachTarget;
using test::Numbers;
using test::OwnedMatrix;
using test::OwnedWeight;
using test::TestContext;

constexpr int64_t kWidths[] = {1, 13, 24, 207, 1009, 4098};

TEST(Embed, WidensTheRowsOfEveryDtype) {
  ForEachTarget([] {
    TestContext context(2);
    for (DType dtype : test::kWeightTypes) {
      for (int64_t cols : kWidths) {
        const OwnedWeight table(Shape{11, cols}, dtype, Numbers(1));
        const std::vector<int32_t> ids = {0, 7, 3, 3, 1};
        OwnedMatrix out(5, cols);
        cpu::Embed(context, *table, ids.data(), 3, *out);
        ASSERT_TRUE(out.PaddingUntouched());
        for (int64_t r = 0; r < 5; ++r) {
          for (int64_t c = 0; c < cols; ++c) ASSERT_EQ(out.at(r, c), table[(ids[r] + 3) * cols + c]);
        }
      }
    }
  });
}

TEST(Embed, WidensSpecialF16Values) {
  // ±0, the smallest subnormal, the largest subnormal, the smallest normal, the largest value, ±infinity, NaN.
  const std::vector<uint16_t> bits = {0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x7BFF, 0x7C00, 0xFC00, 0x7E00, 0x3C00};
  ForEachTarget([&] {
    std::vector<uint16_t> row;
    for (int i = 0; i < 37; ++i) row.push_back(bits[static_cast<size_t>(i) % bits.size()]);
    const int32_t id = 0;
    OwnedMatrix out(1, 37);
    TestContext context(1);
    cpu::Embed(context, {row.data(), DType::kF16, Shape{1, 37}}, &id, 0, *out);
    for (int64_t i = 0; i < 37; ++i) {
      const float expected = F32FromF16(row[static_cast<size_t>(i)]);
      if (std::isnan(expected)) {
        EXPECT_TRUE(std::isnan(out.at(0, i)));
      } else {
        EXPECT_EQ(std::bit_cast<uint32_t>(out.at(0, i)), std::bit_cast<uint32_t>(expected)) << i;
      }
    }
  });
}

TEST(Activate, EqualsItsFormula) {
  ForEachTarget([] {
    for (int64_t cols : kWidths) {
      const OwnedMatrix x(3, cols, Numbers(1), 12.0f);
      for (int threads : {1, 3}) {
        TestContext context(threads);
        OwnedMatrix none(3, cols), relu(3, cols), silu(x), gelu(3, cols);
        cpu::Activate(context, *x, Activation::kNone, *none);
        cpu::Activate(context, *x, Activation::kRelu, *relu);
        cpu::Activate(context, *silu, Activation::kSilu, *silu);  // in place
        cpu::Activate(context, *x, Activation::kGeluTanh, *gelu);
        ASSERT_TRUE(none == x && relu.PaddingUntouched() && silu.PaddingUntouched() && gelu.PaddingUntouched());
        for (int64_t r = 0; r < 3; ++r) {
          for (int64_t c = 0; c < cols; ++c) {
            const double v = x.at(r, c);
            const double u = std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v);
            ASSERT_EQ(relu.at(r, c), v > 0 ? x.at(r, c) : 0.0f);
            // Five ulp of the result; the rounding of GELU's argument is 2|u| of them more, where the result is small.
            ASSERT_NEAR(silu.at(r, c), v / (1 + std::exp(-v)), 5 * 0x1p-23 * std::abs(v));
            ASSERT_NEAR(gelu.at(r, c), v / (1 + std::exp(-2 * u)), 8 * 0x1p-23 * std::abs(v));
          }
        }
      }
    }
  });
}

TEST(AddTable, AddsARowToEachOrToAll) {
  ForEachTarget([] {
    TestContext context(2);
    for (DType dtype : test::kWeightTypes) {
      for (int64_t cols : kWidths) {
        const OwnedWeight table(Shape{6, cols}, dtype, Numbers(1));
        for (int64_t rows : {1, 6}) {
          const OwnedMatrix x(rows, cols, Numbers(2));
          OwnedMatrix out(6, cols);
          cpu::AddTable(context, *table, *x, *out);
          ASSERT_TRUE(out.PaddingUntouched());
          for (int64_t r = 0; r < 6; ++r) {
            for (int64_t c = 0; c < cols; ++c) {
              ASSERT_EQ(out.at(r, c), static_cast<float>(table[r * cols + c]) + x.at(rows == 1 ? 0 : r, c));
            }
          }
        }
      }
    }
  });
}

TEST(AddRow, AddsItToEveryRow) {
  ForEachTarget([] {
    for (int64_t cols : kWidths) {
      const OwnedMatrix row(1, cols, Numbers(1)), before(61, cols, Numbers(2));
      OwnedMatrix x(before);
      TestContext context(2);
      cpu::AddRow(context, *row, *x);
      ASSERT_TRUE(x.PaddingUntouched());
      for (int64_t r = 0; r < 61; ++r) {
        for (int64_t c = 0; c < cols; ++c) ASSERT_EQ(x.at(r, c), before.at(r, c) + row.at(0, c));
      }
    }
  });
}

TEST(GuidedStep, EqualsItsFormulaWithAndWithoutGuidance) {
  ForEachTarget([] {
    for (int64_t cols : {1, 13, 32, 207}) {
      for (bool guided : {false, true}) {
        const OwnedMatrix null(301, cols, Numbers(1)), cond(301, cols, Numbers(2)), before(301, cols, Numbers(3));
        OwnedMatrix velocity(301, cols), x(before), alone(before);
        TestContext context(2);
        cpu::GuidedStep(context, guided ? *null : Matrix(), *cond, {2.5f, -0.25f}, *velocity, *x);
        cpu::GuidedStep(context, guided ? *null : Matrix(), *cond, {2.5f, -0.25f}, Matrix(), *alone);
        ASSERT_TRUE(velocity.PaddingUntouched() && x == alone);
        for (int64_t r = 0; r < 301; ++r) {
          for (int64_t c = 0; c < cols; ++c) {
            const double n = null.at(r, c), k = cond.at(r, c), v = guided ? n + 2.5 * (k - n) : k;
            ASSERT_NEAR(velocity.at(r, c), v, 6 * 0x1p-23);  // |v| < 8, three roundings
            ASSERT_NEAR(x.at(r, c), before.at(r, c) - 0.25 * v, 8 * 0x1p-24);
          }
        }
      }
    }
  });
}

uint8_t Pixel(float x) {
  const float scaled = std::min(std::max(x * 0.5f + 0.5f, 0.0f), 1.0f) * 255.0f;
  return static_cast<uint8_t>(std::nearbyint(scaled));
}

TEST(ToPixels, RoundsAsTorchDoes) {
  ForEachTarget([] {
    for (int64_t padding : {0, 3}) {
      for (int64_t rows : {1, 13, 4099, 40009}) {
        const OwnedMatrix x(rows, 3, Numbers(1), 1.3f, padding);
        std::vector<uint8_t> pixels(static_cast<size_t>(rows * 3) + 1, 77);
        TestContext context(2);
        cpu::ToPixels(context, *x, pixels.data());
        ASSERT_EQ(pixels.back(), 77);
        for (int64_t r = 0; r < rows; ++r) {
          for (int64_t c = 0; c < 3; ++c) ASSERT_EQ(pixels[static_cast<size_t>(r * 3 + c)], Pixel(x.at(r, c)));
        }
      }
    }
  });
}

TEST(ToPixels, RoundsNearTiesAsTorchDoes) {
  ForEachTarget([] {
    OwnedMatrix x(3, 255, Numbers(1), 1.0f, 0);
    for (int64_t k = 0; k < 255; ++k) {
      const float tie = static_cast<float>(2 * (static_cast<double>(k) + 0.5) / 255 - 1);
      x.at(0, k) = tie;
      x.at(1, k) = std::nextafter(tie, -2.0f);
      x.at(2, k) = std::nextafter(tie, 2.0f);
    }
    std::vector<uint8_t> pixels(3 * 255);
    TestContext context(1);
    cpu::ToPixels(context, *x, pixels.data());
    for (int64_t i = 0; i < 3 * 255; ++i) ASSERT_EQ(pixels[static_cast<size_t>(i)], Pixel((*x).data[i])) << i;
  });
}

TEST(ToPixels, BearsTheEdges) {
  const float infinity = std::numeric_limits<float>::infinity();
  // 0 is the tie 127.5, which goes to the even 128.
  const std::vector<std::pair<float, uint8_t>> cases = {{-1.0f, 0},        {1.0f, 255},    {0.0f, 128},  {NAN, 0},
                                                        {infinity, 255},   {-infinity, 0}, {3e38f, 255}, {-3e38f, 0},
                                                        {1.0000001f, 255}, {-0.9f, 13}};
  ForEachTarget([&] {
    TestContext context(1);
    OwnedMatrix x(1, 40, Numbers(1), 1.0f, 0);
    for (int64_t i = 0; i < 40; ++i) x.at(0, i) = cases[static_cast<size_t>(i) % cases.size()].first;
    std::vector<uint8_t> pixels(40);
    cpu::ToPixels(context, *x, pixels.data());
    for (size_t i = 0; i < 40; ++i)
      EXPECT_EQ(pixels[i], cases[i % cases.size()].second) << cases[i % cases.size()].first;
  });
}

// As numpy computes it in f32: value / 255, less 0.5, divided by 0.5.
TEST(FromPixels, RoundsEveryByteAsTheReferenceDoes) {
  ForEachTarget([] {
    TestContext context(2);
    for (int64_t padding : {0, 3}) {
      std::vector<uint8_t> pixels(700 * 31);
      for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i);
      OwnedMatrix out(700, 31, padding);
      cpu::FromPixels(context, pixels.data(), *out);
      ASSERT_TRUE(out.PaddingUntouched());
      for (int64_t r = 0; r < 700; ++r) {
        for (int64_t c = 0; c < 31; ++c) {
          const float share = static_cast<float>(pixels[static_cast<size_t>(r * 31 + c)]) / 255.0f;
          ASSERT_EQ(out.at(r, c), (share - 0.5f) / 0.5f);
        }
      }
    }
  });
}

TEST(FollowPath, EqualsItsFormula) {
  ForEachTarget([] {
    for (int threads : {1, 3}) {
      TestContext context(threads);
      for (int64_t cols : {1, 8, 13, 32, 207}) {
        const OwnedMatrix latents(301, cols, Numbers(1)), noise(301, cols, Numbers(2)), before(301, cols, Numbers(3));
        OwnedMatrix mask(301, 1, Numbers(4));
        for (int64_t r = 0; r < 301; ++r) {
          if (r % 3 != 0) mask.at(r, 0) = static_cast<float>(r % 3 - 1);  // 0 and 1 among weights in [-1, 1)
        }
        const float sigma = 0.3f;
        OwnedMatrix out(before), whole(before);
        cpu::FollowPath(context, *mask, *latents, *noise, sigma, *out);
        cpu::FollowPath(context, {}, *latents, *noise, sigma, *whole);
        ASSERT_TRUE(out.PaddingUntouched() && whole.PaddingUntouched());
        for (int64_t r = 0; r < 301; ++r) {
          for (int64_t c = 0; c < cols; ++c) {
            const double m = mask.at(r, 0), path = (1 - double{sigma}) * latents.at(r, c) + sigma * noise.at(r, c);
            // Values are at most 1 and weights at most 2: six roundings of at most 4.
            ASSERT_NEAR(out.at(r, c), m * before.at(r, c) + (1 - m) * path, 24 * 0x1p-24);
            ASSERT_NEAR(whole.at(r, c), path, 3 * 0x1p-24);
            if (m == 1) {
              ASSERT_EQ(out.at(r, c), before.at(r, c));
            }
            if (m == 0) {
              ASSERT_EQ(out.at(r, c), whole.at(r, c));
            }
          }
        }
      }
    }
  });
}

TEST(FollowPath, EndsAtItsEnds) {
  ForEachTarget([] {
    TestContext context(1);
    const OwnedMatrix latents(3, 37, Numbers(1)), noise(3, 37, Numbers(2));
    OwnedMatrix start(3, 37), end(3, 37);
    cpu::FollowPath(context, {}, *latents, *noise, 1.0f, *start);
    cpu::FollowPath(context, {}, *latents, *noise, 0.0f, *end);
    EXPECT_TRUE(start == noise);
    EXPECT_TRUE(end == latents);
  });
}

TEST(FollowPath, KeepsItsBytesOnAnyNumberOfThreadsAndInAnyCompany) {
  ForEachTarget([] {
    const OwnedMatrix latents(1009, 37, Numbers(1)), noise(1009, 37, Numbers(2)), before(1009, 37, Numbers(3));
    const OwnedMatrix mask(1009, 1, Numbers(4));
    OwnedMatrix alone(before);
    TestContext one(1);
    for (int64_t r = 0; r < 1009; ++r) {
      cpu::FollowPath(one, (*mask).Rows(r, 1), (*latents).Rows(r, 1), (*noise).Rows(r, 1), 0.7f, (*alone).Rows(r, 1));
    }
    for (int threads = 1; threads <= 4; ++threads) {
      TestContext context(threads);
      OwnedMatrix out(before);
      cpu::FollowPath(context, *mask, *latents, *noise, 0.7f, *out);
      EXPECT_TRUE(out == alone) << threads << " threads";
    }
  });
}

TEST(KeepLargest, FindsTheLowestColumnOfTheLargest) {
  ForEachTarget([] {
    for (int threads : {1, 3}) {
      TestContext context(threads);
      for (int64_t block : {1, 13, 32, 207}) {
        const OwnedMatrix scores(57, 3 * block, Numbers(5));
        for (int64_t r = 0; r < 57; ++r) {
          if (r % 4 == 0) scores.at(r, 3 * block - 1) = scores.at(r, 2 * block) = 2;  // a tie in the last block
          if (r % 4 == 1) scores.at(r, block / 2) = scores.at(r, 2 * block) = 2;      // a tie across blocks
          if (r % 4 == 2) scores.at(r, block) = NAN;
        }
        std::vector<float> best(58, 7.0f);
        std::vector<int32_t> index(58, -5);
        for (int32_t b = 0; b < 3; ++b) {
          cpu::KeepLargest(context, (*scores).Cols(b * block, block), static_cast<int32_t>(b * block), best.data(),
                           index.data());
        }
        for (int64_t r = 0; r < 57; ++r) {
          int64_t expected = -1;
          for (int64_t c = 0; c < 3 * block; ++c) {
            if (std::isnan(scores.at(r, c))) continue;
            if (expected < 0 || scores.at(r, c) > scores.at(r, expected)) expected = c;
          }
          ASSERT_EQ(index[static_cast<size_t>(r)], expected) << "row " << r << ", blocks of " << block;
          ASSERT_EQ(best[static_cast<size_t>(r)], scores.at(r, expected));
        }
        ASSERT_EQ(best.back(), 7.0f);
        ASSERT_EQ(index.back(), -5);
      }
    }
  });
}

TEST(KeepLargest, RowsWithNothingToWinStayAtTheFirstColumn) {
  const float infinity = std::numeric_limits<float>::infinity();
  ForEachTarget([&] {
    OwnedMatrix scores(3, 207, Numbers(1));
    for (int64_t c = 0; c < 207; ++c) {
      scores.at(0, c) = NAN;
      scores.at(1, c) = -infinity;
      if (c % 2 == 0) scores.at(2, c) = NAN;
    }
    scores.at(2, 101) = infinity;
    std::vector<float> best(3, 7.0f);
    std::vector<int32_t> index(3, -5);
    TestContext context(1);
    cpu::KeepLargest(context, *scores, 0, best.data(), index.data());
    EXPECT_EQ(best, (std::vector<float>{-infinity, -infinity, infinity}));
    EXPECT_EQ(index, (std::vector<int32_t>{0, 0, 101}));
  });
}

TEST(KeepLargest, KeepsItsResultOnAnyNumberOfThreadsAndInAnyCompany) {
  ForEachTarget([] {
    constexpr int64_t kRows = 57, kColumns = 4098;
    const OwnedMatrix scores(kRows, kColumns, Numbers(1));
    std::vector<float> alone_best(kRows);
    std::vector<int32_t> alone_index(kRows);
    TestContext one(1);
    for (int64_t r = 0; r < kRows; ++r) {
      cpu::KeepLargest(one, (*scores).Rows(r, 1), 0, alone_best.data() + r, alone_index.data() + r);
    }
    for (int threads = 1; threads <= 4; ++threads) {
      TestContext context(threads);
      std::vector<float> best(kRows);
      std::vector<int32_t> index(kRows);
      for (int64_t first : {0, 1366, 2732}) {
        cpu::KeepLargest(context, (*scores).Cols(first, kColumns / 3), static_cast<int32_t>(first), best.data(),
                         index.data());
      }
      EXPECT_EQ(best, alone_best) << threads << " threads";
      EXPECT_EQ(index, alone_index) << threads << " threads";
    }
  });
}

TEST(AllFinite, FindsOneBadValueAnywhere) {
  const float infinity = std::numeric_limits<float>::infinity();
  ForEachTarget([&] {
    TestContext context(2);
    for (int64_t cols : kWidths) {
      OwnedMatrix x(40, cols, Numbers(1));
      x.at(0, 0) = 3.4e38f;  // the largest magnitudes are finite
      x.at(39, cols - 1) = -3.4e38f;
      EXPECT_TRUE(cpu::AllFinite(context, *x));
      for (float bad : {NAN, -NAN, infinity, -infinity}) {
        for (int64_t position : {int64_t{0}, cols / 2, cols - 1}) {
          const float kept = x.at(17, position);
          x.at(17, position) = bad;
          EXPECT_FALSE(cpu::AllFinite(context, *x)) << bad << " at " << position << " of " << cols;
          x.at(17, position) = kept;
        }
      }
      EXPECT_TRUE(cpu::AllFinite(context, *x));
    }
    OwnedMatrix guarded(2, 5, Numbers(1));
    (*guarded).data[5] = NAN;  // in the padding, which is nobody's
    EXPECT_TRUE(cpu::AllFinite(context, *guarded));
  });
}

}  // namespace
}  // namespace blip3o
