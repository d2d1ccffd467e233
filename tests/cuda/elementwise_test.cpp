#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "ops/cpu/kernels.h"
#include "ops/cuda/kernels.h"
#include "support/activation.h"
#include "support/lane_test.h"
#include "support/placed_matrix.h"
#include "support/tolerance.h"

namespace blip3o {
namespace {

using test::Activated;
using test::DeviceArray;
using test::DeviceContext;
using test::ForEachPlacement;
using test::ForEachSchedule;
using test::Numbers;
using test::OwnedMatrix;
using test::OwnedWeight;
using test::PlacedMatrix;
using test::Placement;
using test::TestContext;

constexpr int64_t kWidths[] = {1, 3, 24, 129, 1027};

// What the device's table holds: the values, or their nearest bf16.
double TableValue(const OwnedWeight& table, int64_t i, cuda::WeightType products) {
  return products == cuda::WeightType::kF32 ? table[i] : F32FromBF16(BF16FromF32(static_cast<float>(table[i])));
}

// The table stays as long as the devices that hold a copy of it.
void CheckEmbed(DType dtype, int64_t cols, cuda::WeightType products) {
  const OwnedWeight table(Shape{11, cols}, dtype, Numbers(1));
  const std::vector<int32_t> ids = {0, 7, 3, 3, 1};
  ForEachPlacement(
      [&](DeviceContext& context, Placement placement) {
        const DeviceArray<int32_t> on_device(context, ids);
        OwnedMatrix out(5, cols);
        const PlacedMatrix to(context, out, placement);
        cuda::Embed(context, *table, on_device.data(), 3, *to);
        ASSERT_TRUE(to.CopyTo(out));
        for (int64_t r = 0; r < 5; ++r) {
          for (int64_t c = 0; c < cols; ++c) {
            ASSERT_EQ(out.at(r, c), TableValue(table, (ids[r] + 3) * cols + c, products));
          }
        }
      },
      products);
}

TEST(Embed, WidensTheRowsOfEveryDtype) {
  for (const cuda::WeightType products : {cuda::WeightType::kF32, cuda::WeightType::kBF16}) {
    for (const DType dtype : test::kWeightTypes) {
      for (const int64_t cols : {1, 24, 129}) CheckEmbed(dtype, cols, products);
    }
  }
}

TEST(Activate, EqualsItsFormula) {
  ForEachPlacement([](DeviceContext& context, Placement placement) {
    for (const int64_t cols : kWidths) {
      OwnedMatrix x(3, cols, Numbers(1), 12.0f);
      x.at(1, cols / 2) = NAN;
      for (const Activation activation : test::kActivations) {
        OwnedMatrix out(3, cols), in_place(3, cols);
        const PlacedMatrix from(context, x, placement), to(context, out, placement), both(context, x, placement);
        cuda::Activate(context, *from, activation, *to);
        cuda::Activate(context, *both, activation, *both);
        ASSERT_TRUE(to.CopyTo(out) && both.CopyTo(in_place));
        for (int64_t r = 0; r < 3; ++r) {
          for (int64_t c = 0; c < cols; ++c) {
            if (r == 1 && c == cols / 2) {
              ASSERT_TRUE(std::isnan(out.at(r, c)) && std::isnan(in_place.at(r, c)));
              continue;
            }
            const double v = x.at(r, c);
            ASSERT_NEAR(out.at(r, c), Activated(activation, v), test::ActivationBound(v, 0));
            ASSERT_EQ(out.at(r, c), in_place.at(r, c));
          }
        }
      }
    }
  });
}

void CheckAddTable(DType dtype, int64_t cols) {
  const OwnedWeight table(Shape{6, cols}, dtype, Numbers(1));
  ForEachPlacement([&](DeviceContext& context, Placement placement) {
    for (const int64_t rows : {1, 6}) {
      const OwnedMatrix x(rows, cols, Numbers(2));
      OwnedMatrix out(6, cols);
      const PlacedMatrix from(context, x, placement), to(context, out, placement);
      cuda::AddTable(context, *table, *from, *to);
      ASSERT_TRUE(to.CopyTo(out));
      for (int64_t r = 0; r < 6; ++r) {
        for (int64_t c = 0; c < cols; ++c) {
          ASSERT_EQ(out.at(r, c), static_cast<float>(table[r * cols + c]) + x.at(rows == 1 ? 0 : r, c));
        }
      }
    }
  });
}

TEST(AddTable, AddsARowToEachOrToAll) {
  for (const DType dtype : test::kWeightTypes) {
    for (const int64_t cols : {1, 24, 129}) CheckAddTable(dtype, cols);
  }
}

TEST(AddRow, AddsItToEveryRow) {
  ForEachPlacement([](DeviceContext& context, Placement placement) {
    for (const int64_t cols : kWidths) {
      const OwnedMatrix row(1, cols, Numbers(1)), before(7, cols, Numbers(2));
      OwnedMatrix x(7, cols);
      const PlacedMatrix addend(context, row, placement), both(context, before, placement);
      cuda::AddRow(context, *addend, *both);
      ASSERT_TRUE(both.CopyTo(x));
      for (int64_t r = 0; r < 7; ++r) {
        for (int64_t c = 0; c < cols; ++c) ASSERT_EQ(x.at(r, c), before.at(r, c) + row.at(0, c));
      }
    }
  });
}

TEST(GuidedStep, EqualsItsFormulaWithAndWithoutGuidance) {
  ForEachPlacement([](DeviceContext& context, Placement placement) {
    const DeviceArray<StepScalars> step(context, {{2.5f, -0.25f}});
    for (const int64_t cols : {1, 13, 32, 207}) {
      for (const bool guided : {false, true}) {
        const OwnedMatrix null(19, cols, Numbers(1)), cond(19, cols, Numbers(2)), before(19, cols, Numbers(3));
        OwnedMatrix velocity(19, cols), x(19, cols), alone(19, cols);
        const PlacedMatrix n(context, null, placement), k(context, cond, placement), v(context, velocity, placement),
            to(context, before, placement), other(context, before, placement);
        cuda::GuidedStep(context, guided ? *n : Matrix(), *k, step.data(), *v, *to);
        cuda::GuidedStep(context, guided ? *n : Matrix(), *k, step.data(), Matrix(), *other);
        ASSERT_TRUE(v.CopyTo(velocity) && to.CopyTo(x) && other.CopyTo(alone));
        ASSERT_TRUE(x == alone);
        for (int64_t r = 0; r < 19; ++r) {
          for (int64_t c = 0; c < cols; ++c) {
            const double a = null.at(r, c), b = cond.at(r, c), expected = guided ? a + 2.5 * (b - a) : b;
            ASSERT_NEAR(velocity.at(r, c), expected, 6 * 0x1p-23);  // |v| < 8, three roundings
            ASSERT_NEAR(x.at(r, c), before.at(r, c) - 0.25 * expected, 8 * 0x1p-24);
          }
        }
      }
    }
  });
}

// What only moves, adds once or compares has the bytes of the CPU.
TEST(Elementwise, HasTheBytesOfTheCpu) {
  constexpr int64_t kRows = 5, kCols = 131;
  const OwnedWeight table(Shape{kRows, kCols}, DType::kBF16, Numbers(1));
  const OwnedMatrix x(kRows, kCols, Numbers(2)), row(1, kCols, Numbers(3));
  const std::vector<int32_t> ids = {3, 0, 2, 2, 1};
  std::vector<uint8_t> pixels(kRows * kCols);
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(37 * i);
  ForEachPlacement([&](DeviceContext& context, Placement placement) {
    TestContext cpu(1);
    const PlacedMatrix from(context, x, placement), addend(context, row, placement);
    const auto check = [&](const char* name, const auto& here, const auto& there) {
      OwnedMatrix out(x);
      const OwnedMatrix expected(x);
      const PlacedMatrix to(context, out, placement);
      here(*to);
      there(*expected);
      ASSERT_TRUE(to.CopyTo(out)) << name;
      EXPECT_TRUE(out == expected) << name;
    };
    const DeviceArray<int32_t> on_device(context, ids);
    const DeviceArray<uint8_t> picture(context, pixels);
    check(
        "Embed", [&](const Matrix& out) { cuda::Embed(context, *table, on_device.data(), 1, out); },
        [&](const Matrix& out) { cpu::Embed(cpu, *table, ids.data(), 1, out); });
    check(
        "AddTable", [&](const Matrix& out) { cuda::AddTable(context, *table, *from, out); },
        [&](const Matrix& out) { cpu::AddTable(cpu, *table, *x, out); });
    check(
        "AddRow", [&](const Matrix& out) { cuda::AddRow(context, *addend, out); },
        [&](const Matrix& out) { cpu::AddRow(cpu, *row, out); });
    check(
        "FromPixels", [&](const Matrix& out) { cuda::FromPixels(context, picture.data(), out); },
        [&](const Matrix& out) { cpu::FromPixels(cpu, pixels.data(), out); });

    const DeviceArray<float> best(context, std::vector<float>(kRows));
    const DeviceArray<int32_t> index(context, std::vector<int32_t>(kRows)), flag(context, {1});
    std::vector<float> best_there(kRows);
    std::vector<int32_t> index_there(kRows);
    cuda::KeepLargest(context, *from, 0, best.data(), index.data());
    cpu::KeepLargest(cpu, *x, 0, best_there.data(), index_there.data());
    EXPECT_EQ(best.Read(), best_there);
    EXPECT_EQ(index.Read(), index_there);
    cuda::CheckFinite(context, *from, flag.data());
    EXPECT_EQ(flag.Read()[0] != 0, cpu::AllFinite(cpu, *x));
  });
}

// Each is within the bound of its formula.
TEST(Elementwise, AgreesWithTheCpu) {
  constexpr int64_t kRows = 5, kCols = 131;
  const OwnedMatrix a(kRows, kCols, Numbers(1)), b(kRows, kCols, Numbers(2)), before(kRows, kCols, Numbers(3)),
      mask(kRows, 1, Numbers(4));
  const StepScalars scalars = {2.5f, -0.25f};
  ForEachPlacement([&](DeviceContext& context, Placement placement) {
    TestContext cpu(1);
    const PlacedMatrix on_a(context, a, placement), on_b(context, b, placement), weights(context, mask, placement);
    const DeviceArray<StepScalars> step(context, {scalars});
    const auto check = [&](const char* name, double bound, const auto& here, const auto& there) {
      OwnedMatrix out(before);
      const OwnedMatrix expected(before);
      const PlacedMatrix to(context, out, placement);
      here(*to);
      there(*expected);
      ASSERT_TRUE(to.CopyTo(out)) << name;
      for (int64_t r = 0; r < kRows; ++r) {
        for (int64_t c = 0; c < kCols; ++c) ASSERT_NEAR(out.at(r, c), expected.at(r, c), 2 * bound) << name;
      }
    };
    for (const Activation activation : test::kActivations) {
      check(
          "Activate", test::ActivationBound(1, 0),
          [&](const Matrix& out) { cuda::Activate(context, *on_a, activation, out); },
          [&](const Matrix& out) { cpu::Activate(cpu, *a, activation, out); });
    }
    // As in the tests of each above and below.
    check(
        "GuidedStep", 8 * 0x1p-24,
        [&](const Matrix& out) { cuda::GuidedStep(context, *on_a, *on_b, step.data(), {}, out); },
        [&](const Matrix& out) { cpu::GuidedStep(cpu, *a, *b, scalars, {}, out); });
    check(
        "FollowPath", 24 * 0x1p-24,
        [&](const Matrix& out) { cuda::FollowPath(context, *weights, *on_a, *on_b, 0.3f, out); },
        [&](const Matrix& out) { cpu::FollowPath(cpu, *mask, *a, *b, 0.3f, out); });
  });
}

// Also where rows end within a word.
TEST(ToPixels, HasTheBytesOfTheCpu) {
  ForEachPlacement([](DeviceContext& context, Placement placement) {
    for (const int64_t cols : {3, 4, 255}) {
      OwnedMatrix x(13, cols, Numbers(1), 1.3f, 0);
      for (int64_t c = 0; c < cols; ++c) {
        const float tie = static_cast<float>(2 * (static_cast<double>(c) + 0.5) / 255 - 1);
        x.at(0, c) = tie;
        x.at(1, c) = std::nextafter(tie, -2.0f);
        x.at(2, c) = std::nextafter(tie, 2.0f);
      }
      const float edges[] = {-1.0f, 1.0f, 0.0f, NAN, -NAN, INFINITY, -INFINITY, 1.0000001f, 3e38f, -0.9f};
      for (int64_t i = 0; i < 30; ++i) x.at(3 + i / cols, i % cols) = edges[i % 10];
      const PlacedMatrix from(context, x, placement);
      for (const size_t offset : {0, 1}) {
        const size_t count = static_cast<size_t>(13 * cols);
        const DeviceArray<uint8_t> pixels(context, std::vector<uint8_t>(count + 2, 77));
        cuda::ToPixels(context, *from, pixels.data() + offset);
        std::vector<uint8_t> expected(count + 2, 77);
        TestContext cpu(1);
        cpu::ToPixels(cpu, *x, expected.data() + offset);
        ASSERT_EQ(pixels.Read(), expected) << cols << " columns";
      }
    }
  });
}

// As numpy computes it in f32: value / 255, less 0.5, divided by 0.5.
TEST(FromPixels, RoundsEveryByteAsTheReferenceDoes) {
  ForEachPlacement([](DeviceContext& context, Placement placement) {
    for (const int64_t cols : {3, 4, 31}) {
      for (const size_t offset : {0, 1}) {
        const int64_t rows = 257;
        std::vector<uint8_t> pixels(static_cast<size_t>(rows * cols) + offset);
        for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i);
        const DeviceArray<uint8_t> on_device(context, pixels);
        OwnedMatrix out(rows, cols);
        const PlacedMatrix to(context, out, placement);
        cuda::FromPixels(context, on_device.data() + offset, *to);
        ASSERT_TRUE(to.CopyTo(out));
        for (int64_t r = 0; r < rows; ++r) {
          for (int64_t c = 0; c < cols; ++c) {
            const float share = static_cast<float>(pixels[static_cast<size_t>(r * cols + c) + offset]) / 255.0f;
            ASSERT_EQ(out.at(r, c), (share - 0.5f) / 0.5f);
          }
        }
      }
    }
  });
}

TEST(FollowPath, EqualsItsFormula) {
  ForEachPlacement([](DeviceContext& context, Placement placement) {
    for (const int64_t cols : {1, 8, 13, 207}) {
      const OwnedMatrix latents(31, cols, Numbers(1)), noise(31, cols, Numbers(2)), before(31, cols, Numbers(3));
      OwnedMatrix mask(31, 1, Numbers(4));
      for (int64_t r = 0; r < 31; ++r) {
        if (r % 3 != 0) mask.at(r, 0) = static_cast<float>(r % 3 - 1);  // 0 and 1 among weights in [-1, 1)
      }
      // Whatever a bound row held is gone.
      before.at(1, 0) = INFINITY;
      const float sigma = 0.3f;
      OwnedMatrix out(31, cols), whole(31, cols);
      const PlacedMatrix m(context, mask, placement), l(context, latents, placement), n(context, noise, placement),
          to(context, before, placement), all(context, before, placement);
      cuda::FollowPath(context, *m, *l, *n, sigma, *to);
      cuda::FollowPath(context, {}, *l, *n, sigma, *all);
      ASSERT_TRUE(to.CopyTo(out) && all.CopyTo(whole));
      for (int64_t r = 0; r < 31; ++r) {
        for (int64_t c = 0; c < cols; ++c) {
          const double weight = mask.at(r, 0), path = (1 - double{sigma}) * latents.at(r, c) + sigma * noise.at(r, c);
          ASSERT_NEAR(whole.at(r, c), path, 3 * 0x1p-24);
          if (weight == 1) {
            ASSERT_EQ(out.at(r, c), before.at(r, c));
          } else if (weight == 0) {
            ASSERT_EQ(out.at(r, c), whole.at(r, c));
          } else {
            // Values are at most 1 and weights at most 2: six roundings of at most 4.
            ASSERT_NEAR(out.at(r, c), weight * before.at(r, c) + (1 - weight) * path, 24 * 0x1p-24);
          }
        }
      }
    }
  });
}

TEST(FollowPath, EndsAtItsEnds) {
  const OwnedMatrix latents(3, 37, Numbers(1)), noise(3, 37, Numbers(2));
  ForEachPlacement([&](DeviceContext& context, Placement placement) {
    OwnedMatrix start(3, 37), end(3, 37);
    const PlacedMatrix l(context, latents, placement), n(context, noise, placement), first(context, start, placement),
        last(context, end, placement);
    cuda::FollowPath(context, {}, *l, *n, 1.0f, *first);
    cuda::FollowPath(context, {}, *l, *n, 0.0f, *last);
    ASSERT_TRUE(first.CopyTo(start) && last.CopyTo(end));
    EXPECT_TRUE(start == noise);
    EXPECT_TRUE(end == latents);
  });
}

TEST(KeepLargest, FindsTheLowestColumnOfTheLargest) {
  ForEachPlacement([](DeviceContext& context, Placement placement) {
    for (const int64_t block : {1, 13, 130, 700}) {
      const OwnedMatrix scores(9, 3 * block, Numbers(5));
      for (int64_t r = 0; r < 9; ++r) {
        if (r % 4 == 0) scores.at(r, 3 * block - 1) = scores.at(r, 2 * block) = 2;  // a tie in the last block
        if (r % 4 == 1) scores.at(r, block / 2) = scores.at(r, 2 * block) = 2;      // a tie across blocks
        if (r % 4 == 2) scores.at(r, block) = NAN;
      }
      const DeviceArray<float> best(context, std::vector<float>(10, 7.0f));
      const DeviceArray<int32_t> index(context, std::vector<int32_t>(10, -5));
      const PlacedMatrix from(context, scores, placement);
      for (int64_t b = 0; b < 3; ++b) {
        cuda::KeepLargest(context, (*from).Cols(b * block, block), static_cast<int32_t>(b * block), best.data(),
                          index.data());
      }
      const std::vector<float> bests = best.Read();
      const std::vector<int32_t> indices = index.Read();
      for (int64_t r = 0; r < 9; ++r) {
        int64_t expected = -1;
        for (int64_t c = 0; c < 3 * block; ++c) {
          if (std::isnan(scores.at(r, c))) continue;
          if (expected < 0 || scores.at(r, c) > scores.at(r, expected)) expected = c;
        }
        ASSERT_EQ(indices[static_cast<size_t>(r)], expected) << "row " << r << ", blocks of " << block;
        ASSERT_EQ(bests[static_cast<size_t>(r)], scores.at(r, expected));
      }
      ASSERT_EQ(bests.back(), 7.0f);
      ASSERT_EQ(indices.back(), -5);
    }
  });
}

TEST(KeepLargest, RowsWithNothingToWinStayAtTheFirstColumn) {
  OwnedMatrix scores(3, 207, Numbers(1));
  for (int64_t c = 0; c < 207; ++c) {
    scores.at(0, c) = NAN;
    scores.at(1, c) = -INFINITY;
    if (c % 2 == 0) scores.at(2, c) = NAN;
  }
  scores.at(2, 101) = INFINITY;
  ForEachSchedule([&](DeviceContext& context) {
    const DeviceArray<float> best(context, {7.0f, 7.0f, 7.0f});
    const DeviceArray<int32_t> index(context, {-5, -5, -5});
    const PlacedMatrix from(context, scores, Placement::kAligned);
    cuda::KeepLargest(context, *from, 0, best.data(), index.data());
    EXPECT_EQ(best.Read(), (std::vector<float>{-INFINITY, -INFINITY, INFINITY}));
    EXPECT_EQ(index.Read(), (std::vector<int32_t>{0, 0, 101}));
    cuda::KeepLargest(context, *from, 1000, best.data(), index.data());
    EXPECT_EQ(index.Read(), (std::vector<int32_t>{0, 0, 101}));
  });
}

TEST(CheckFinite, FindsOneBadValueAnywhere) {
  ForEachPlacement([](DeviceContext& context, Placement placement) {
    for (const int64_t cols : kWidths) {
      OwnedMatrix x(5, cols, Numbers(1));
      x.at(0, 0) = 3.4e38f;  // the largest magnitudes are finite
      x.at(4, cols - 1) = -3.4e38f;
      const auto finite = [&] {
        const PlacedMatrix from(context, x, placement);
        const DeviceArray<int32_t> flag(context, {1, 1});
        cuda::CheckFinite(context, *from, flag.data());
        EXPECT_EQ(flag.Read()[1], 1);
        return flag.Read()[0];
      };
      EXPECT_EQ(finite(), 1);
      for (const float bad : {NAN, -NAN, INFINITY, -INFINITY}) {
        for (const int64_t position : {int64_t{0}, cols / 2, cols - 1}) {
          const float kept = x.at(3, position);
          x.at(3, position) = bad;
          EXPECT_EQ(finite(), 0) << bad << " at " << position << " of " << cols;
          x.at(3, position) = kept;
        }
      }
      EXPECT_EQ(finite(), 1);
    }
  });
}

}  // namespace
}  // namespace blip3o
