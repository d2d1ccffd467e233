#include <gtest/gtest.h>

#include <vector>

#include "ops/cpu/kernels.h"
#include "support/kernel_test.h"

namespace blip3o {
namespace {

using test::ForEachTarget;
using test::Numbers;
using test::OwnedMatrix;
using test::TestContext;

constexpr Grid kGrids[] = {{1, 1, 1}, {1, 1, 13}, {2, 13, 1}, {2, 5, 7}, {1, 31, 37}};
constexpr int64_t kChannels[] = {1, 3, 13, 16, 64, 207};

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

TEST(PixelShuffle, EqualsItsFormula) {
  ForEachTarget([] {
    TestContext context(2);
    for (const Grid& grid : kGrids) {
      for (int64_t channels : kChannels) {
        const OwnedMatrix x(grid.rows(), 4 * channels, Numbers(1));
        OwnedMatrix out(4 * grid.rows(), channels);
        cpu::PixelShuffle(context, *x, grid, *out);
        ASSERT_TRUE(out.PaddingUntouched());
        ForEachPixel(grid, [&](int64_t p, int64_t y, int64_t column, int64_t row) {
          for (int64_t c = 0; c < channels; ++c) {
            for (int64_t i = 0; i < 2; ++i) {
              for (int64_t j = 0; j < 2; ++j) {
                const int64_t to = DoubledRow(grid, p, 2 * y + i, 2 * column + j);
                ASSERT_EQ(out.at(to, c), x.at(row, 4 * c + 2 * i + j));
              }
            }
          }
        });
      }
    }
  });
}

TEST(AddUpsampled, EqualsItsFormula) {
  ForEachTarget([] {
    TestContext context(2);
    for (const Grid& grid : kGrids) {
      for (int64_t channels : {4, 12, 16, 24, 208}) {
        for (int64_t repeats : {1, 2, 4, 8, 16}) {
          const int64_t from = 4 * channels / repeats;
          if (4 * channels % repeats != 0) continue;
          const OwnedMatrix x(grid.rows(), from, Numbers(1)), before(4 * grid.rows(), channels, Numbers(2));
          OwnedMatrix out(before);
          cpu::AddUpsampled(context, *x, grid, *out);
          ASSERT_TRUE(out.PaddingUntouched());
          ForEachPixel(grid, [&](int64_t p, int64_t y, int64_t column, int64_t row) {
            for (int64_t c = 0; c < channels; ++c) {
              for (int64_t i = 0; i < 2; ++i) {
                for (int64_t j = 0; j < 2; ++j) {
                  const int64_t to = DoubledRow(grid, p, 2 * y + i, 2 * column + j);
                  ASSERT_EQ(out.at(to, c), before.at(to, c) + x.at(row, (4 * c + 2 * i + j) / repeats))
                      << channels << " channels, " << repeats << " repeats";
                }
              }
            }
          });
        }
      }
    }
  });
}

TEST(AddRepeated, EqualsItsFormula) {
  ForEachTarget([] {
    TestContext context(2);
    for (int64_t rows : {1, 13, 207}) {
      for (int64_t from : {1, 8, 13}) {
        for (int64_t repeats : {1, 2, 3, 16, 37}) {
          const OwnedMatrix x(rows, from, Numbers(1)), before(rows, from * repeats, Numbers(2));
          OwnedMatrix out(before);
          cpu::AddRepeated(context, *x, *out);
          ASSERT_TRUE(out.PaddingUntouched());
          for (int64_t r = 0; r < rows; ++r) {
            for (int64_t c = 0; c < from * repeats; ++c) {
              ASSERT_EQ(out.at(r, c), before.at(r, c) + x.at(r, c / repeats));
            }
          }
        }
      }
    }
  });
}

TEST(SpaceToDepth, EqualsItsFormula) {
  ForEachTarget([] {
    for (int threads : {1, 3}) {
      TestContext context(threads);
      for (const Grid& grid : {Grid{1, 2, 2}, Grid{2, 26, 6}, Grid{1, 29, 44}, Grid{3, 15, 31}}) {
        for (int64_t patch : {1, 2, 3, 14}) {
          for (int64_t channels : {1, 3, 16, 37}) {
            const int64_t height = grid.height / patch, width = grid.width / patch;
            if (height == 0 || width == 0) continue;
            const OwnedMatrix x(grid.rows(), channels, Numbers(1));
            OwnedMatrix out(grid.pictures * height * width, channels * patch * patch);
            cpu::SpaceToDepth(context, *x, grid, patch, *out);
            ASSERT_TRUE(out.PaddingUntouched());
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
    }
  });
}

TEST(AddDownsampled, EqualsItsFormula) {
  ForEachTarget([] {
    for (int threads : {1, 3}) {
      TestContext context(threads);
      for (const Grid& halved : kGrids) {
        const Grid grid = {halved.pictures, 2 * halved.height, 2 * halved.width};
        for (int64_t channels : {3, 8, 13, 64}) {
          for (int64_t group : {1, 2, 4, 12}) {
            if (4 * channels % group != 0) continue;
            const int64_t outputs = 4 * channels / group;
            const OwnedMatrix x(grid.rows(), channels, Numbers(1)), before(halved.rows(), outputs, Numbers(2));
            OwnedMatrix out(before);
            cpu::AddDownsampled(context, *x, grid, *out);
            ASSERT_TRUE(out.PaddingUntouched());
            ForEachPixel(halved, [&](int64_t p, int64_t y, int64_t column, int64_t row) {
              for (int64_t c = 0; c < outputs; ++c) {
                double sum = 0;
                for (int64_t k = c * group; k < (c + 1) * group; ++k) {
                  const int64_t i = k % 4 / 2, j = k % 2;
                  sum += x.at((p * grid.height + 2 * y + i) * grid.width + 2 * column + j, k / 4);
                }
                // Values are below 1: a rounding for each of the sum, the share and the addition.
                const double bound = (static_cast<double>(group) * static_cast<double>(group) + 4) * 0x1p-24;
                ASSERT_NEAR(out.at(row, c), before.at(row, c) + sum / static_cast<double>(group), bound)
                    << channels << " channels, groups of " << group;
              }
            });
          }
        }
      }
    }
  });
}

TEST(AddDownsampled, PicturesDoNotDependOnCompanyOrThreads) {
  ForEachTarget([] {
    const Grid one = {1, 26, 34}, all = {5, 26, 34};
    for (int64_t outputs : {26, 13, 4}) {  // means of 2, 4 and 13
      const OwnedMatrix x(all.rows(), 13, Numbers(1)), before(all.rows() / 4, outputs, Numbers(2));
      OwnedMatrix alone(before);
      TestContext single(1);
      for (int64_t p = 0; p < all.pictures; ++p) {
        cpu::AddDownsampled(single, (*x).Rows(p * one.rows(), one.rows()), one,
                            (*alone).Rows(p * one.rows() / 4, one.rows() / 4));
      }
      for (int threads = 1; threads <= 4; ++threads) {
        TestContext context(threads);
        OwnedMatrix out(before);
        cpu::AddDownsampled(context, *x, all, *out);
        EXPECT_TRUE(out == alone) << threads << " threads, " << outputs << " outputs";
      }
    }
  });
}

TEST(AddAveraged, EqualsItsFormula) {
  ForEachTarget([] {
    for (int threads : {1, 3}) {
      TestContext context(threads);
      for (int64_t rows : {1, 13, 207}) {
        for (int64_t outputs : {1, 8, 13}) {
          for (int64_t group : {1, 2, 3, 32, 37}) {
            const OwnedMatrix x(rows, outputs * group, Numbers(1)), before(rows, outputs, Numbers(2));
            OwnedMatrix out(before);
            cpu::AddAveraged(context, *x, *out);
            ASSERT_TRUE(out.PaddingUntouched());
            for (int64_t r = 0; r < rows; ++r) {
              for (int64_t c = 0; c < outputs; ++c) {
                double sum = 0;
                for (int64_t k = 0; k < group; ++k) sum += x.at(r, c * group + k);
                // A partial sum stays below `group`, and each of its roundings is shared by `group`.
                const double bound = (static_cast<double>(group) + 4) * 0x1p-24;
                ASSERT_NEAR(out.at(r, c), before.at(r, c) + sum / static_cast<double>(group), bound);
              }
            }
          }
        }
      }
    }
  });
}

TEST(AddAveraged, RowsHaveTheSameBytesInAnyCompany) {
  ForEachTarget([] {
    const OwnedMatrix x(1009, 5 * 37, Numbers(1)), before(1009, 5, Numbers(2));
    OwnedMatrix alone(before);
    TestContext one(1);
    for (int64_t r = 0; r < 1009; ++r) cpu::AddAveraged(one, (*x).Rows(r, 1), (*alone).Rows(r, 1));
    for (int threads = 1; threads <= 4; ++threads) {
      TestContext context(threads);
      OwnedMatrix out(before);
      cpu::AddAveraged(context, *x, *out);
      EXPECT_TRUE(out == alone) << threads << " threads";
    }
  });
}

TEST(Copy, MovesRowsBetweenStrides) {
  TestContext context(3);
  for (int64_t rows : {1, 13, 4099}) {
    for (int64_t cols : {1, 32, 207}) {
      const OwnedMatrix x(rows, cols + 5, Numbers(1));
      OwnedMatrix out(rows, cols, 11);
      cpu::Copy(context, (*x).Cols(5, cols), *out);
      ASSERT_TRUE(out.PaddingUntouched());
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < cols; ++c) ASSERT_EQ(out.at(r, c), x.at(r, c + 5));
      }
    }
  }
}

TEST(Planes, AreTheTransposeAndBack) {
  TestContext context(3);
  for (int64_t rows : {1, 13, 207, 4098, 40009}) {
    for (int64_t cols : {1, 3, 13, 32}) {
      const OwnedMatrix x(rows, cols, Numbers(1));
      std::vector<float> planes(static_cast<size_t>(rows * cols) + 1, 9.0f);
      cpu::ToPlanes(context, *x, 0.5f, planes.data());
      OwnedMatrix back(rows, cols);
      cpu::FromPlanes(context, planes.data(), 2.0f, *back);
      ASSERT_TRUE(back == x);
      ASSERT_EQ(planes.back(), 9.0f);
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < cols; ++c) ASSERT_EQ(planes[static_cast<size_t>(c * rows + r)], x.at(r, c) * 0.5f);
      }
    }
  }
}

}  // namespace
}  // namespace blip3o
