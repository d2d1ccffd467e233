#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "ops/cpu/kernels.h"
#include "ops/cuda/kernels.h"
#include "support/lane_test.h"
#include "support/placed_matrix.h"

namespace blip3o {
namespace {

using test::DeviceArray;
using test::DeviceContext;
using test::ForEachPlacement;
using test::Numbers;
using test::OwnedMatrix;
using test::PlacedMatrix;
using test::Placement;
using test::TestContext;

constexpr Grid kGrids[] = {{1, 1, 1}, {1, 1, 13}, {2, 13, 1}, {2, 5, 7}};
constexpr int64_t kChannels[] = {1, 3, 16, 67};

// The row of pixel (y, x) of picture p in a grid doubled in height and width.
int64_t DoubledRow(const Grid& grid, int64_t p, int64_t y, int64_t x) {
  return (p * 2 * grid.height + y) * 2 * grid.width + x;
}

template <typename F>
void ForEachPixel(const Grid& grid, const F& f) {
  for (int64_t p = 0; p < grid.pictures; ++p) {
    for (int64_t y = 0; y < grid.height; ++y) {
      for (int64_t x = 0; x < grid.width; ++x) f(p, y, x, (p * grid.height + y) * grid.width + x);
    }
  }
}

// What `operation(x, out)` makes of `before` on the device.
template <typename Operation>
OwnedMatrix Done(DeviceContext& context, Placement placement, const OwnedMatrix& x, const OwnedMatrix& before,
                 const Operation& operation) {
  const PlacedMatrix from(context, x, placement), to(context, before, placement);
  operation(*from, *to);
  OwnedMatrix out(before);
  EXPECT_TRUE(to.CopyTo(out));
  return out;
}

TEST(PixelShuffle, EqualsItsFormula) {
  ForEachPlacement([](DeviceContext& context, Placement placement) {
    for (const Grid& grid : kGrids) {
      for (const int64_t channels : kChannels) {
        const OwnedMatrix x(grid.rows(), 4 * channels, Numbers(1)), before(4 * grid.rows(), channels);
        const OwnedMatrix out = Done(context, placement, x, before, [&](const Matrix& from, const Matrix& to) {
          cuda::PixelShuffle(context, from, grid, to);
        });
        ForEachPixel(grid, [&](int64_t p, int64_t y, int64_t column, int64_t row) {
          for (int64_t k = 0; k < 4 * channels; ++k) {
            const int64_t to = DoubledRow(grid, p, 2 * y + k % 4 / 2, 2 * column + k % 2);
            ASSERT_EQ(out.at(to, k / 4), x.at(row, k)) << channels << " channels";
          }
        });
      }
    }
  });
}

TEST(AddUpsampled, EqualsItsFormula) {
  ForEachPlacement([](DeviceContext& context, Placement placement) {
    for (const Grid& grid : kGrids) {
      for (const auto& [channels, repeats] :
           {std::pair<int64_t, int64_t>{4, 1}, {12, 2}, {16, 4}, {24, 8}, {36, 16}, {132, 2}, {3, 12}, {5, 5}}) {
        const OwnedMatrix x(grid.rows(), 4 * channels / repeats, Numbers(1)),
            before(4 * grid.rows(), channels, Numbers(2));
        const OwnedMatrix out = Done(context, placement, x, before, [&](const Matrix& from, const Matrix& to) {
          cuda::AddUpsampled(context, from, grid, to);
        });
        ForEachPixel(grid,
                     [&, channels = channels, repeats = repeats](int64_t p, int64_t y, int64_t column, int64_t row) {
                       for (int64_t k = 0; k < 4 * channels; ++k) {
                         const int64_t to = DoubledRow(grid, p, 2 * y + k % 4 / 2, 2 * column + k % 2);
                         ASSERT_EQ(out.at(to, k / 4), before.at(to, k / 4) + x.at(row, k / repeats))
                             << channels << " channels, " << repeats << " repeats";
                       }
                     });
      }
    }
  });
}

TEST(AddRepeated, EqualsItsFormula) {
  ForEachPlacement([](DeviceContext& context, Placement placement) {
    for (const int64_t rows : {1, 13, 207}) {
      for (const auto& [from_cols, repeats] : {std::pair<int64_t, int64_t>{1, 1}, {8, 3}, {13, 16}, {5, 37}}) {
        const OwnedMatrix x(rows, from_cols, Numbers(1)), before(rows, from_cols * repeats, Numbers(2));
        const OwnedMatrix out = Done(context, placement, x, before, [&](const Matrix& from, const Matrix& to) {
          cuda::AddRepeated(context, from, to);
        });
        for (int64_t r = 0; r < rows; ++r) {
          for (int64_t c = 0; c < from_cols * repeats; ++c) {
            ASSERT_EQ(out.at(r, c), before.at(r, c) + x.at(r, c / repeats));
          }
        }
      }
    }
  });
}

TEST(SpaceToDepth, EqualsItsFormula) {
  ForEachPlacement([](DeviceContext& context, Placement placement) {
    for (const Grid& grid : {Grid{1, 2, 2}, Grid{2, 14, 6}, Grid{1, 29, 15}, Grid{3, 15, 5}}) {
      for (const int64_t patch : {1, 2, 3, 14}) {
        for (const int64_t channels : {1, 3, 16}) {
          const int64_t height = grid.height / patch, width = grid.width / patch;
          if (height == 0 || width == 0) continue;
          const OwnedMatrix x(grid.rows(), channels, Numbers(1)),
              before(grid.pictures * height * width, channels * patch * patch);
          const OwnedMatrix out = Done(context, placement, x, before, [&](const Matrix& from, const Matrix& to) {
            cuda::SpaceToDepth(context, from, grid, patch, to);
          });
          ForEachPixel({grid.pictures, height * patch, width * patch},
                       [&](int64_t p, int64_t y, int64_t column, int64_t) {
                         const int64_t to = (p * height + y / patch) * width + column / patch;
                         const int64_t from = (p * grid.height + y) * grid.width + column;
                         for (int64_t c = 0; c < channels; ++c) {
                           ASSERT_EQ(out.at(to, (c * patch + y % patch) * patch + column % patch), x.at(from, c));
                         }
                       });
        }
      }
    }
  });
}

TEST(AddDownsampled, EqualsItsFormula) {
  ForEachPlacement([](DeviceContext& context, Placement placement) {
    for (const Grid& halved : kGrids) {
      const Grid grid = {halved.pictures, 2 * halved.height, 2 * halved.width};
      for (const auto& [channels, group] : {std::pair<int64_t, int64_t>{3, 1}, {8, 2}, {13, 4}, {66, 12}, {67, 2}}) {
        const int64_t outputs = 4 * channels / group;
        const OwnedMatrix x(grid.rows(), channels, Numbers(1)), before(halved.rows(), outputs, Numbers(2));
        const OwnedMatrix out = Done(context, placement, x, before, [&](const Matrix& from, const Matrix& to) {
          cuda::AddDownsampled(context, from, grid, to);
        });
        ForEachPixel(halved,
                     [&, channels = channels, group = group](int64_t p, int64_t y, int64_t column, int64_t row) {
                       for (int64_t c = 0; c < outputs; ++c) {
                         double sum = 0;
                         for (int64_t k = c * group; k < (c + 1) * group; ++k) {
                           sum += x.at((p * grid.height + 2 * y + k % 4 / 2) * grid.width + 2 * column + k % 2, k / 4);
                         }
                         // Values are below 1: a rounding for each of the sum, the share and the addition.
                         const double bound = (static_cast<double>(group) + 4) * 0x1p-24;
                         ASSERT_NEAR(out.at(row, c), before.at(row, c) + sum / static_cast<double>(group), bound)
                             << channels << " channels, groups of " << group;
                       }
                     });
      }
    }
  });
}

TEST(AddAveraged, EqualsItsFormula) {
  ForEachPlacement([](DeviceContext& context, Placement placement) {
    for (const int64_t rows : {1, 13, 207}) {
      for (const auto& [outputs, group] : {std::pair<int64_t, int64_t>{1, 1}, {8, 3}, {13, 32}, {5, 37}}) {
        const OwnedMatrix x(rows, outputs * group, Numbers(1)), before(rows, outputs, Numbers(2));
        const OwnedMatrix out = Done(context, placement, x, before, [&](const Matrix& from, const Matrix& to) {
          cuda::AddAveraged(context, from, to);
        });
        for (int64_t r = 0; r < rows; ++r) {
          for (int64_t c = 0; c < outputs; ++c) {
            double sum = 0;
            for (int64_t k = 0; k < group; ++k) sum += x.at(r, c * group + k);
            const double bound = (static_cast<double>(group) + 4) * 0x1p-24;
            ASSERT_NEAR(out.at(r, c), before.at(r, c) + sum / static_cast<double>(group), bound);
          }
        }
      }
    }
  });
}

// A sum has one order, whatever stands beside it and wherever its operands lie.
TEST(AddDownsampled, PicturesDoNotDependOnCompany) {
  const Grid one = {1, 6, 10}, all = {3, 6, 10};
  std::vector<OwnedMatrix> runs;
  const OwnedMatrix x(all.rows(), 13, Numbers(1)), before(all.rows() / 4, 4, Numbers(2));
  ForEachPlacement([&](DeviceContext& context, Placement placement) {
    const OwnedMatrix together = Done(context, placement, x, before, [&](const Matrix& from, const Matrix& to) {
      cuda::AddDownsampled(context, from, all, to);
    });
    const OwnedMatrix alone = Done(context, placement, x, before, [&](const Matrix& from, const Matrix& to) {
      for (int64_t p = 0; p < all.pictures; ++p) {
        cuda::AddDownsampled(context, from.Rows(p * one.rows(), one.rows()), one,
                             to.Rows(p * one.rows() / 4, one.rows() / 4));
      }
    });
    EXPECT_TRUE(alone == together);
    runs.push_back(together);
  });
  for (const OwnedMatrix& run : runs) EXPECT_TRUE(run == runs[0]);
}

TEST(AddAveraged, RowsHaveTheSameBytesInAnyCompany) {
  const OwnedMatrix x(29, 5 * 37, Numbers(1)), before(29, 5, Numbers(2));
  std::vector<OwnedMatrix> runs;
  ForEachPlacement([&](DeviceContext& context, Placement placement) {
    const OwnedMatrix together = Done(context, placement, x, before, [&](const Matrix& from, const Matrix& to) {
      cuda::AddAveraged(context, from, to);
    });
    const OwnedMatrix alone = Done(context, placement, x, before, [&](const Matrix& from, const Matrix& to) {
      for (int64_t r = 0; r < from.rows; ++r) cuda::AddAveraged(context, from.Rows(r, 1), to.Rows(r, 1));
    });
    EXPECT_TRUE(alone == together);
    runs.push_back(together);
  });
  for (const OwnedMatrix& run : runs) EXPECT_TRUE(run == runs[0]);
}

TEST(Copy, MovesRowsBetweenStrides) {
  ForEachPlacement([](DeviceContext& context, Placement placement) {
    for (const int64_t rows : {1, 13, 517}) {
      for (const int64_t cols : {1, 32, 207}) {
        for (const int64_t first : {0, 5}) {
          const OwnedMatrix x(rows, cols + 5, Numbers(1)), before(rows, cols);
          const OwnedMatrix out = Done(context, placement, x, before, [&](const Matrix& from, const Matrix& to) {
            cuda::Copy(context, from.Cols(first, cols), to);
          });
          for (int64_t r = 0; r < rows; ++r) {
            for (int64_t c = 0; c < cols; ++c) ASSERT_EQ(out.at(r, c), x.at(r, c + first));
          }
        }
      }
    }
    // A row wider than a block goes over at once.
    const OwnedMatrix wide(2, 9001, Numbers(1)), before(2, 9001);
    const OwnedMatrix out = Done(context, placement, wide, before,
                                 [&](const Matrix& from, const Matrix& to) { cuda::Copy(context, from, to); });
    ASSERT_EQ(std::memcmp((*out).data, (*wide).data, 2 * 9001 * sizeof(float)), 0);
  });
}

TEST(Planes, AreTheTransposeAndBack) {
  ForEachPlacement([](DeviceContext& context, Placement placement) {
    for (const int64_t rows : {1, 13, 64, 207}) {
      for (const int64_t cols : {1, 3, 32, 70}) {
        const OwnedMatrix x(rows, cols, Numbers(1)), before(rows, cols);
        const DeviceArray<float> planes(context, std::vector<float>(static_cast<size_t>(rows * cols) + 1, 9.0f));
        const PlacedMatrix from(context, x, placement), to(context, before, placement);
        cuda::ToPlanes(context, *from, 0.5f, planes.data());
        cuda::FromPlanes(context, planes.data(), 2.0f, *to);
        OwnedMatrix back(before);
        ASSERT_TRUE(to.CopyTo(back));
        ASSERT_TRUE(back == x);
        const std::vector<float> found = planes.Read();
        ASSERT_EQ(found.back(), 9.0f);
        for (int64_t r = 0; r < rows; ++r) {
          for (int64_t c = 0; c < cols; ++c) ASSERT_EQ(found[static_cast<size_t>(c * rows + r)], x.at(r, c) * 0.5f);
        }
      }
    }
  });
}

TEST(Rearrange, EqualsTheProcessors) {
  const Grid grid = {2, 6, 4};
  const OwnedMatrix x(grid.rows(), 24, Numbers(1));
  const OwnedMatrix shuffled(4 * grid.rows(), 6), added(4 * grid.rows(), 12, Numbers(2)), patches(grid.rows() / 4, 96),
      reduced(grid.rows() / 4, 48, Numbers(3)), repeated(grid.rows(), 72, Numbers(4)), mean(grid.rows(), 8, Numbers(5));
  ForEachPlacement([&](DeviceContext& context, Placement placement) {
    TestContext cpu(1);
    const auto check = [&](const OwnedMatrix& before, const auto& on_device, const auto& on_cpu) {
      const OwnedMatrix out = Done(context, placement, x, before, on_device), expected(before);
      on_cpu(*x, *expected);
      for (int64_t r = 0; r < out.rows(); ++r) {
        // Means may be rounded in another order.
        for (int64_t c = 0; c < out.cols(); ++c) ASSERT_NEAR(out.at(r, c), expected.at(r, c), 0x1p-21);
      }
    };
    check(
        shuffled, [&](const Matrix& a, const Matrix& b) { cuda::PixelShuffle(context, a, grid, b); },
        [&](const Matrix& a, const Matrix& b) { cpu::PixelShuffle(cpu, a, grid, b); });
    check(
        added, [&](const Matrix& a, const Matrix& b) { cuda::AddUpsampled(context, a, grid, b); },
        [&](const Matrix& a, const Matrix& b) { cpu::AddUpsampled(cpu, a, grid, b); });
    check(
        patches, [&](const Matrix& a, const Matrix& b) { cuda::SpaceToDepth(context, a, grid, 2, b); },
        [&](const Matrix& a, const Matrix& b) { cpu::SpaceToDepth(cpu, a, grid, 2, b); });
    check(
        reduced, [&](const Matrix& a, const Matrix& b) { cuda::AddDownsampled(context, a, grid, b); },
        [&](const Matrix& a, const Matrix& b) { cpu::AddDownsampled(cpu, a, grid, b); });
    check(
        repeated, [&](const Matrix& a, const Matrix& b) { cuda::AddRepeated(context, a, b); },
        [&](const Matrix& a, const Matrix& b) { cpu::AddRepeated(cpu, a, b); });
    check(
        mean, [&](const Matrix& a, const Matrix& b) { cuda::AddAveraged(context, a, b); },
        [&](const Matrix& a, const Matrix& b) { cpu::AddAveraged(cpu, a, b); });
  });
}

}  // namespace
}  // namespace blip3o
