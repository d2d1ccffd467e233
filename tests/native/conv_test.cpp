#include <gtest/gtest.h>

#include <cstring>

#include "ops/cpu/kernels.h"
#include "support/comparison.h"
#include "support/product_test.h"

namespace blip3o {
namespace {

using cpu::Compute;
using test::Bounded;
using test::Comparison;
using test::EpilogueCase;
using test::ExactSum;
using test::ForEachTarget;
using test::GateRows;
using test::kActivations;
using test::kWeightTypes;
using test::Numbers;
using test::OwnedMatrix;
using test::OwnedWeight;
using test::ProductContext;
using test::Residual;

constexpr Grid kGrids[] = {{1, 1, 1}, {1, 1, 13}, {2, 13, 3}, {1, 7, 5}, {3, 16, 16}};

ProductContext ContextFor(int64_t in_channels, int64_t out_channels, int threads) {
  Capacity capacity;
  capacity.convolution_weights = in_channels * out_channels * 9;
  capacity.convolution_depth = in_channels * 9;
  return ProductContext(threads, cpu::ConvScratch(capacity, Compute::kF32, threads), Compute::kF32);
}

// The 3×3 convolution of the map enlarged `scale` times, at pixel (y, x) of picture p, output channel n.
ExactSum Definition(const OwnedMatrix& map, const Grid& grid, int64_t scale, const OwnedWeight& weight, int64_t p,
                    int64_t y, int64_t x, int64_t n) {
  ExactSum sum;
  const int64_t channels = map.cols();
  for (int64_t i = 0; i < 9; ++i) {
    const int64_t row = y + i / 3 - 1, column = x + i % 3 - 1;
    if (row < 0 || row >= scale * grid.height || column < 0 || column >= scale * grid.width) continue;
    const int64_t pixel = (p * grid.height + row / scale) * grid.width + column / scale;
    for (int64_t c = 0; c < channels; ++c) sum.Add(map.at(pixel, c), weight[(n * channels + c) * 9 + i]);
  }
  return sum;
}

void Compare(const OwnedMatrix& out, const OwnedMatrix& map, const Grid& grid, int64_t scale, const OwnedWeight& weight,
             const EpilogueCase& epilogue) {
  ASSERT_TRUE(out.PaddingUntouched());
  Comparison comparison;
  for (int64_t row = 0; row < out.rows(); ++row) {
    const int64_t width = scale * grid.width, height = scale * grid.height;
    for (int64_t n = 0; n < out.cols(); ++n) {
      ExactSum sum = Definition(map, grid, scale, weight, row / (width * height), row / width % height, row % width, n);
      sum.n += 4;  // weights that fall on the same pixel are summed first
      const Bounded expected = epilogue.Expected(sum, row, n);
      comparison.Add(out.at(row, n), expected.value, expected.bound, row, n);
    }
  }
  ASSERT_TRUE(comparison.Verdict()) << map.cols() << " -> " << out.cols() << " channels, " << grid.pictures << " of "
                                    << grid.height << "x" << grid.width << ", " << NameOf((*weight).dtype);
}

void CheckConv(cpu::Context& context, int64_t in_channels, int64_t out_channels, const Grid& grid, DType dtype,
               const EpilogueCase& epilogue) {
  const OwnedMatrix x(grid.rows(), in_channels, Numbers(1));
  const OwnedWeight weight(Shape{out_channels, in_channels, 3, 3}, dtype, Numbers(2));
  OwnedMatrix out = epilogue.Out();
  const Status status = cpu::Conv3x3(context, *x, grid, *weight, epilogue.For(out), *out);
  ASSERT_TRUE(status.ok()) << status.message();
  Compare(out, x, grid, 1, weight, epilogue);
}

void CheckUpsample(cpu::Context& context, int64_t in_channels, int64_t out_channels, const Grid& grid, DType dtype) {
  const OwnedMatrix x(grid.rows(), in_channels, Numbers(1));
  const OwnedWeight weight(Shape{out_channels, in_channels, 3, 3}, dtype, Numbers(2));
  const EpilogueCase epilogue(4 * grid.rows(), out_channels, true, dtype, Activation::kNone, GateRows::kNone,
                              Residual::kNone);
  OwnedMatrix out = epilogue.Out();
  const Status status = cpu::UpsampleConv3x3(context, *x, grid, *weight, *epilogue.bias, *out);
  ASSERT_TRUE(status.ok()) << status.message();
  Compare(out, x, grid, 2, weight, epilogue);
}

// Every second pixel of every second row of the plain convolution.
void CheckDownsample(cpu::Context& context, int64_t in_channels, int64_t out_channels, const Grid& halved,
                     DType dtype) {
  const Grid grid = {halved.pictures, 2 * halved.height, 2 * halved.width};
  const OwnedMatrix x(grid.rows(), in_channels, Numbers(1));
  const OwnedWeight weight(Shape{out_channels, in_channels, 3, 3}, dtype, Numbers(2));
  const EpilogueCase epilogue(halved.rows(), out_channels, true, dtype, Activation::kNone, GateRows::kNone,
                              Residual::kNone);
  OwnedMatrix out = epilogue.Out();
  const Status status = cpu::DownsampleConv3x3(context, *x, grid, *weight, *epilogue.bias, *out);
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_TRUE(out.PaddingUntouched());
  Comparison comparison;
  for (int64_t row = 0; row < out.rows(); ++row) {
    const int64_t p = row / (halved.width * halved.height), y = row / halved.width % halved.height;
    for (int64_t n = 0; n < out_channels; ++n) {
      const ExactSum sum = Definition(x, grid, 1, weight, p, 2 * y, 2 * (row % halved.width), n);
      const Bounded expected = epilogue.Expected(sum, row, n);
      comparison.Add(out.at(row, n), expected.value, expected.bound, row, n);
    }
  }
  ASSERT_TRUE(comparison.Verdict()) << in_channels << " -> " << out_channels << " channels, " << halved.pictures
                                    << " of " << halved.height << "x" << halved.width;
}

EpilogueCase Plain(const Grid& grid, int64_t channels) {
  return EpilogueCase(grid.rows(), channels, false, DType::kF32, Activation::kNone, GateRows::kNone, Residual::kNone);
}

TEST(Conv3x3, EqualsItsDefinition) {
  for (DType dtype : kWeightTypes) {
    for (const auto& [in, out] : {std::pair<int64_t, int64_t>{3, 8}, {8, 3}, {1, 1}, {13, 65}, {32, 130}}) {
      ProductContext context = ContextFor(in, out, 2);
      for (const Grid& grid : kGrids) CheckConv(context, in, out, grid, dtype, Plain(grid, out));
    }
  }
}

// Deep enough for several pieces, wide enough for several groups of output channels, large enough for several blocks.
TEST(Conv3x3, EqualsItsDefinitionWhereItIsCut) {
  ProductContext deep = ContextFor(263, 21, 2);
  CheckConv(deep, 263, 21, {1, 7, 5}, DType::kBF16, Plain({1, 7, 5}, 21));
  ProductContext wide = ContextFor(5, 600, 2);
  CheckConv(wide, 5, 600, {1, 5, 7}, DType::kBF16, Plain({1, 5, 7}, 600));
  ProductContext large = ContextFor(3, 5, 2);
  CheckConv(large, 3, 5, {2, 61, 53}, DType::kF32, Plain({2, 61, 53}, 5));
}

TEST(Conv3x3, EveryEpilogue) {
  const Grid grid = {1, 7, 5};
  ProductContext context = ContextFor(11, 19, 2);
  for (DType dtype : kWeightTypes) {
    for (Activation activation : kActivations) {
      for (bool with_bias : {false, true}) {
        for (Residual residual : {Residual::kNone, Residual::kOther, Residual::kOut}) {
          CheckConv(context, 11, 19, grid, dtype,
                    EpilogueCase(grid.rows(), 19, with_bias, dtype, activation, GateRows::kNone, residual));
        }
      }
    }
  }
}

TEST(UpsampleConv3x3, EqualsItsDefinition) {
  for (DType dtype : kWeightTypes) {
    for (const auto& [in, out] : {std::pair<int64_t, int64_t>{3, 8}, {8, 3}, {1, 1}, {13, 65}, {32, 130}}) {
      ProductContext context = ContextFor(in, out, 2);
      for (const Grid& grid : kGrids) CheckUpsample(context, in, out, grid, dtype);
    }
  }
  ProductContext deep = ContextFor(301, 21, 2);
  CheckUpsample(deep, 301, 21, {1, 7, 5}, DType::kBF16);
}

TEST(DownsampleConv3x3, EqualsItsDefinition) {
  for (DType dtype : kWeightTypes) {
    for (const auto& [in, out] : {std::pair<int64_t, int64_t>{3, 8}, {8, 3}, {1, 1}, {13, 65}, {32, 130}}) {
      ProductContext context = ContextFor(in, out, 2);
      for (const Grid& grid : kGrids) CheckDownsample(context, in, out, grid, dtype);
    }
  }
  ProductContext deep = ContextFor(301, 21, 2);
  CheckDownsample(deep, 301, 21, {1, 7, 5}, DType::kBF16);
  ProductContext large = ContextFor(3, 5, 2);
  CheckDownsample(large, 3, 5, {2, 61, 53}, DType::kF32);
}

// A map with padding between its pixels gathers tap by tap.
TEST(DownsampleConv3x3, PicturesDoNotDependOnCompanyOrThreads) {
  constexpr int64_t kIn = 140, kOut = 70, kPictures = 3;
  const Grid one = {1, 14, 10}, all = {kPictures, 14, 10};
  const int64_t rows = one.rows() / 4;
  const OwnedMatrix x(all.rows(), kIn, Numbers(1)), dense(all.rows(), kIn, Numbers(1), 1.0f, 0);
  const OwnedWeight weight(Shape{kOut, kIn, 3, 3}, DType::kBF16, Numbers(2)),
      bias(Shape{kOut}, DType::kF32, Numbers(3));
  OwnedMatrix alone(kPictures * rows, kOut);
  ProductContext single = ContextFor(kIn, kOut, 1);
  for (int64_t p = 0; p < kPictures; ++p) {
    const Matrix map = (*x).Rows(p * one.rows(), one.rows());
    ASSERT_TRUE(cpu::DownsampleConv3x3(single, map, one, *weight, *bias, (*alone).Rows(p * rows, rows)).ok());
  }
  for (int threads : {1, 2, 3, 4}) {
    ProductContext context = ContextFor(kIn, kOut, threads);
    OwnedMatrix out(kPictures * rows, kOut), of_dense(kPictures * rows, kOut);
    ASSERT_TRUE(cpu::DownsampleConv3x3(context, *x, all, *weight, *bias, *out).ok());
    ASSERT_TRUE(cpu::DownsampleConv3x3(context, *dense, all, *weight, *bias, *of_dense).ok());
    EXPECT_TRUE(out == alone) << threads << " threads";
    EXPECT_TRUE(of_dense == alone) << threads << " threads";
  }
}

TEST(Conv3x3, EveryTargetPacks) {
  ForEachTarget([] {
    ProductContext context = ContextFor(21, 37, 1);
    for (DType dtype : kWeightTypes) {
      CheckConv(context, 21, 37, {1, 7, 5}, dtype, Plain({1, 7, 5}, 37));
      CheckUpsample(context, 21, 37, {1, 7, 5}, dtype);
      CheckDownsample(context, 21, 37, {1, 7, 5}, dtype);
    }
  });
}

// A picture in a batch, on any number of threads, has the bytes that it has alone on one.
TEST(Conv3x3, PicturesDoNotDependOnCompanyOrThreads) {
  constexpr int64_t kIn = 140, kOut = 70, kPictures = 5;
  const Grid one = {1, 13, 11}, all = {kPictures, 13, 11};
  const OwnedMatrix x(all.rows(), kIn, Numbers(1));
  const OwnedWeight weight(Shape{kOut, kIn, 3, 3}, DType::kBF16, Numbers(2)),
      bias(Shape{kOut}, DType::kF32, Numbers(3));
  const Epilogue epilogue = {.bias = *bias, .activation = Activation::kSilu};
  OwnedMatrix alone(all.rows(), kOut), alone_upsampled(4 * all.rows(), kOut);
  ProductContext single = ContextFor(kIn, kOut, 1);
  for (int64_t p = 0; p < kPictures; ++p) {
    const Matrix map = (*x).Rows(p * one.rows(), one.rows());
    ASSERT_TRUE(cpu::Conv3x3(single, map, one, *weight, epilogue, (*alone).Rows(p * one.rows(), one.rows())).ok());
    ASSERT_TRUE(cpu::UpsampleConv3x3(single, map, one, *weight, *bias,
                                     (*alone_upsampled).Rows(p * 4 * one.rows(), 4 * one.rows()))
                    .ok());
  }
  for (int threads : {1, 2, 3, 4}) {
    ProductContext context = ContextFor(kIn, kOut, threads);
    OwnedMatrix out(all.rows(), kOut), upsampled(4 * all.rows(), kOut);
    ASSERT_TRUE(cpu::Conv3x3(context, *x, all, *weight, epilogue, *out).ok());
    ASSERT_TRUE(cpu::UpsampleConv3x3(context, *x, all, *weight, *bias, *upsampled).ok());
    EXPECT_TRUE(out == alone) << threads << " threads";
    EXPECT_TRUE(upsampled == alone_upsampled) << threads << " threads";
  }
}

}  // namespace
}  // namespace blip3o
