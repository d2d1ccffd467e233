#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <vector>

#include "base/dtype.h"
#include "ops/cpu/kernels.h"
#include "ops/cuda/kernels.h"
#include "support/activation.h"
#include "support/comparison.h"
#include "support/lane_test.h"
#include "support/placed_matrix.h"
#include "support/product_test.h"
#include "support/tolerance.h"

namespace blip3o {
namespace {

using cuda::WeightType;
using test::Comparison;
using test::DeviceContext;
using test::ExactSum;
using test::ForEachPlacement;
using test::ForEachSchedule;
using test::Numbers;
using test::OwnedMatrix;
using test::OwnedWeight;
using test::PlacedMatrix;
using test::Placement;
using test::ProductContext;

enum class Form { kPlain, kUpsample, kDownsample };

constexpr WeightType kProducts[] = {WeightType::kBF16, WeightType::kF32};

// Multiples of 1/16 up to 1: bf16 holds them, and sums of four of them, exactly. At an odd address, as in mapped files.
class CoarseWeight {
 public:
  CoarseWeight(int64_t out_channels, int64_t in_channels, Numbers numbers) {
    const Shape shape = {out_channels, in_channels, 3, 3};
    bytes_.resize(static_cast<size_t>(2 * shape.count() + 1));
    view_ = {bytes_.data() + 1, DType::kBF16, shape};
    for (int64_t i = 0; i < shape.count(); ++i) {
      const uint16_t bits = BF16FromF32(std::round(16 * numbers()) / 16);
      std::memcpy(bytes_.data() + 1 + 2 * i, &bits, sizeof(bits));
    }
  }
  CoarseWeight(const CoarseWeight&) = delete;
  CoarseWeight& operator=(const CoarseWeight&) = delete;

  const View& operator*() const { return view_; }
  double operator[](int64_t i) const { return LoadAsF32(view_.data, view_.dtype, i); }

 private:
  std::vector<char> bytes_;
  View view_;
};

// Values that bf16 holds exactly.
OwnedMatrix RoundedMap(int64_t rows, int64_t cols, Numbers numbers) {
  OwnedMatrix map(rows, cols);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < cols; ++c) map.at(r, c) = F32FromBF16(BF16FromF32(numbers()));
  }
  return map;
}

struct ConvCase {
  Form form;
  Grid grid;  // of x; of out where the form halves
  int64_t in_channels, out_channels;
  bool biased = true;
  Activation activation = Activation::kNone;
  bool residual = false;
  bool in_place = false;  // the residual is out

  int64_t out_scale() const { return form == Form::kUpsample ? 2 : 1; }
  Grid in_grid() const {
    const int64_t scale = form == Form::kDownsample ? 2 : 1;
    return {grid.pictures, scale * grid.height, scale * grid.width};
  }
  Grid out_grid() const { return {grid.pictures, out_scale() * grid.height, out_scale() * grid.width}; }
};

void Convolve(cuda::Context& context, const ConvCase& c, const Matrix& x, const View& weight, const Epilogue& epilogue,
              const Matrix& out) {
  switch (c.form) {
    case Form::kPlain:
      return cuda::Conv3x3(context, x, c.in_grid(), weight, epilogue, out);
    case Form::kUpsample:
      return cuda::UpsampleConv3x3(context, x, c.in_grid(), weight, epilogue.bias, out);
    case Form::kDownsample:
      return cuda::DownsampleConv3x3(context, x, c.in_grid(), weight, epilogue.bias, out);
  }
}

// By the definition: the 3×3 convolution of the enlarged map, or every second pixel of the plain one.
template <typename Weight>
ExactSum Definition(const ConvCase& c, const OwnedMatrix& map, const Weight& weight, int64_t row, int64_t n) {
  const Grid in = c.in_grid(), out = c.out_grid();
  const int64_t scale = c.out_scale(), stride = c.form == Form::kDownsample ? 2 : 1;
  const int64_t p = row / (out.height * out.width), y = row / out.width % out.height, x = row % out.width;
  ExactSum sum;
  for (int64_t tap = 0; tap < 9; ++tap) {
    const int64_t line = stride * y + tap / 3 - 1, column = stride * x + tap % 3 - 1;
    if (line < 0 || line >= scale * in.height || column < 0 || column >= scale * in.width) continue;
    const int64_t pixel = (p * in.height + line / scale) * in.width + column / scale;
    for (int64_t channel = 0; channel < c.in_channels; ++channel) {
      sum.Add(map.at(pixel, channel), weight[(n * c.in_channels + channel) * 9 + tap]);
    }
  }
  return sum;
}

// `relative`: how far a product may lie from the exact one, of its magnitude.
template <typename Weight>
void Check(DeviceContext& context, Placement placement, const ConvCase& c, const OwnedMatrix& x, const Weight& weight,
           double relative) {
  const Grid out_grid = c.out_grid();
  const OwnedMatrix residual(out_grid.rows(), c.out_channels, Numbers(3));
  const OwnedWeight bias(Shape{c.out_channels}, DType::kBF16, Numbers(4));
  OwnedMatrix out(c.in_place ? residual : OwnedMatrix(out_grid.rows(), c.out_channels));
  const PlacedMatrix from(context, x, placement), addend(context, residual, placement), to(context, out, placement);
  Epilogue epilogue = {.activation = c.activation};
  if (c.biased) epilogue.bias = *bias;
  if (c.residual) epilogue.residual = c.in_place ? *to : *addend;
  Convolve(context, c, *from, *weight, epilogue, *to);
  ASSERT_TRUE(to.CopyTo(out));

  Comparison comparison;
  for (int64_t row = 0; row < out.rows(); ++row) {
    for (int64_t n = 0; n < c.out_channels; ++n) {
      const ExactSum sum = Definition(c, x, weight, row, n);
      double value = sum.value + (c.biased ? bias[n] : 0);
      double bound =
          test::SumBound(3 * sum.n + 1, sum.magnitude + (c.biased ? std::abs(bias[n]) : 0)) + relative * sum.magnitude;
      if (c.activation != Activation::kNone) bound = test::ActivationBound(value, bound);
      value = test::Activated(c.activation, value) + (c.residual ? residual.at(row, n) : 0);
      comparison.Add(out.at(row, n), value, bound + test::kUnit * std::abs(value), row, n);
    }
  }
  ASSERT_TRUE(comparison.Verdict()) << "form " << static_cast<int>(c.form) << ", " << c.in_channels << " -> "
                                    << c.out_channels << " channels, " << c.grid.pictures << " of " << c.grid.height
                                    << "x" << c.grid.width;
}

// Operands that bf16 holds: only sums are rounded, whatever the weight's type.
void CheckSums(DeviceContext& context, Placement placement, const ConvCase& c) {
  const CoarseWeight weight(c.out_channels, c.in_channels, Numbers(2));
  Check(context, placement, c, RoundedMap(c.in_grid().rows(), c.in_channels, Numbers(1)), weight, 0);
}

// Each schedule with a placement of its own.
void ForEachScheduleAndPlacement(const std::function<void(DeviceContext&, Placement)>& body, WeightType products) {
  size_t next = 0;
  ForEachSchedule([&](DeviceContext& context) { body(context, test::kPlacements[next++ % 3]); }, products);
}

void CheckForm(Form form, WeightType products) {
  ForEachScheduleAndPlacement(
      [&](DeviceContext& context, Placement placement) {
        // Narrow and wide, whole and parts of blocks, of pictures and of channels.
        CheckSums(context, placement, {form, {1, 1, 1}, 1, 1});
        CheckSums(context, placement, {form, {1, 1, 13}, 3, 8});
        CheckSums(context, placement, {form, {2, 13, 3}, 8, 3});
        CheckSums(context, placement, {form, {1, 3, 17}, 33, 19});
        CheckSums(context, placement, {form, {1, 5, 2}, 32, 65});
        CheckSums(context, placement, {form, {2, 9, 17}, 12, 131});
      },
      products);
}

TEST(Conv3x3, EqualsItsDefinition) {
  for (const WeightType products : kProducts) CheckForm(Form::kPlain, products);
}
TEST(UpsampleConv3x3, EqualsItsDefinition) {
  for (const WeightType products : kProducts) CheckForm(Form::kUpsample, products);
}
TEST(DownsampleConv3x3, EqualsItsDefinition) {
  for (const WeightType products : kProducts) CheckForm(Form::kDownsample, products);
}

// Several chunks of channels, so that shared memory is used again and again.
TEST(Conv3x3, EqualsItsDefinitionWhereItIsDeep) {
  for (const WeightType products : kProducts) {
    ForEachSchedule(
        [&](DeviceContext& context) {
          for (const Form form : {Form::kPlain, Form::kUpsample, Form::kDownsample}) {
            CheckSums(context, Placement::kAligned, {form, {1, 3, 5}, 140, 52});
            CheckSums(context, Placement::kAligned, {form, {1, 2, 5}, 100, 5});
          }
        },
        products);
  }
}

TEST(Conv3x3, EveryEpilogue) {
  for (const WeightType products : kProducts) {
    ForEachPlacement(
        [&](DeviceContext& context, Placement placement) {
          for (const Activation activation : test::kActivations) {
            CheckSums(context, placement, {Form::kPlain, {1, 2, 5}, 3, 7, true, activation, true, true});
          }
          CheckSums(context, placement, {Form::kPlain, {1, 2, 5}, 3, 68, false, Activation::kNone, true, false});
          CheckSums(context, placement, {Form::kPlain, {1, 2, 5}, 3, 68, false, Activation::kSilu});
          CheckSums(context, placement, {Form::kPlain, {1, 2, 5}, 3, 68, false});
          CheckSums(context, placement, {Form::kPlain, {1, 2, 5}, 3, 68, true, Activation::kGeluTanh, true, true});
        },
        products);
  }
}

// Operands of all digits: each is rounded to bf16, off by 2^-9; of split ones 2^-17 and the product of two low parts go
// lost. Sums of weights are rounded too.
TEST(Conv3x3, RoundsItsOperandsAsTheWeightSays) {
  for (const WeightType products : kProducts) {
    const double relative = products == WeightType::kBF16 ? 1.01 * 0x1p-8 : 0x1p-15;
    ForEachSchedule(
        [&](DeviceContext& context) {
          for (const Form form : {Form::kPlain, Form::kUpsample, Form::kDownsample}) {
            const ConvCase c = {form, {1, 5, 7}, 21, 52};
            const OwnedMatrix x(c.in_grid().rows(), c.in_channels, Numbers(1));
            const OwnedWeight weight(Shape{c.out_channels, c.in_channels, 3, 3}, DType::kF32, Numbers(2));
            Check(context, Placement::kOdd, c, x, weight, relative);
          }
        },
        products);
  }
}

// What is not finite in one channel of one pixel spreads to all that see that pixel, and to nothing else. (Infinity
// becomes NaN where it is split, and where weights of two signs are summed first it may stay infinity.)
TEST(Conv3x3, KeepsWhatIsNotFiniteInItsPlace) {
  for (const WeightType products : kProducts) {
    ForEachSchedule(
        [&](DeviceContext& context) {
          for (const Form form : {Form::kPlain, Form::kUpsample, Form::kDownsample}) {
            const bool exact = products == WeightType::kBF16 && form != Form::kUpsample;
            using Limits = std::numeric_limits<float>;
            for (const int64_t out_channels : {3, 52}) {
              const ConvCase c = {form, {2, 3, 9}, 35, out_channels};
              OwnedMatrix x = RoundedMap(c.in_grid().rows(), c.in_channels, Numbers(1));
              x.at(c.in_grid().rows() / 3, 34) = exact ? Limits::infinity() : Limits::quiet_NaN();
              x.at(c.in_grid().rows() / 3 + 2, 0) = Limits::quiet_NaN();
              const CoarseWeight weight(c.out_channels, c.in_channels, Numbers(2));
              Check(context, Placement::kAligned, c, x, weight, 0);
            }
          }
        },
        products);
  }
}

TEST(Conv3x3, EqualsTheProcessors) {
  const Grid grid = {2, 6, 4};
  const int64_t in_channels = 35, out_channels = 50;
  const OwnedMatrix x = RoundedMap(grid.rows(), in_channels, Numbers(1));
  const CoarseWeight weight(out_channels, in_channels, Numbers(2));
  const OwnedWeight bias(Shape{out_channels}, DType::kF32, Numbers(3));
  const Epilogue epilogue = {.bias = *bias, .activation = Activation::kSilu};
  Capacity capacity;
  capacity.convolution_weights = in_channels * out_channels * 9;
  capacity.convolution_depth = in_channels * 9;
  ProductContext cpu(1, cpu::ConvScratch(capacity, cpu::Compute::kF32, 1), cpu::Compute::kF32);
  const OwnedMatrix plain(grid.rows(), out_channels), up(4 * grid.rows(), out_channels),
      down(grid.rows() / 4, out_channels);
  ASSERT_TRUE(cpu::Conv3x3(cpu, *x, grid, *weight, epilogue, *plain).ok());
  ASSERT_TRUE(cpu::UpsampleConv3x3(cpu, *x, grid, *weight, *bias, *up).ok());
  ASSERT_TRUE(cpu::DownsampleConv3x3(cpu, *x, grid, *weight, *bias, *down).ok());
  for (const WeightType products : kProducts) {
    ForEachScheduleAndPlacement(
        [&](DeviceContext& context, Placement placement) {
          const PlacedMatrix from(context, x, placement);
          const auto check = [&](const OwnedMatrix& expected, const auto& convolve) {
            OwnedMatrix out(expected.rows(), expected.cols());
            const PlacedMatrix to(context, out, placement);
            convolve(*from, *to);
            ASSERT_TRUE(to.CopyTo(out));
            // Both sum 316 products below 1, in their own order.
            const double bound = 2 * 1.13 * test::SumBound(2 * 316, 316);
            for (int64_t row = 0; row < out.rows(); ++row) {
              for (int64_t n = 0; n < out.cols(); ++n) ASSERT_NEAR(out.at(row, n), expected.at(row, n), bound);
            }
          };
          check(plain,
                [&](const Matrix& a, const Matrix& b) { cuda::Conv3x3(context, a, grid, *weight, epilogue, b); });
          check(up,
                [&](const Matrix& a, const Matrix& b) { cuda::UpsampleConv3x3(context, a, grid, *weight, *bias, b); });
          check(down, [&](const Matrix& a, const Matrix& b) {
            cuda::DownsampleConv3x3(context, a, grid, *weight, *bias, b);
          });
        },
        products);
  }
}

// A picture has the bytes that it has alone, an output channel those that it has without the others, wherever the
// operands lie and however the blocks go.
TEST(Conv3x3, KeepsItsBytesInAnyCompany) {
  for (const WeightType products : kProducts) {
    for (const Form form : {Form::kPlain, Form::kUpsample, Form::kDownsample}) {
      const ConvCase all = {form, {2, 2, 18}, 36, 57}, one = {form, {1, 2, 18}, 36, 57};
      const OwnedMatrix x(all.in_grid().rows(), all.in_channels, Numbers(1));
      const OwnedWeight weight(Shape{all.out_channels, all.in_channels, 3, 3}, DType::kF32, Numbers(2));
      const View few_weights = {(*weight).data, DType::kF32, Shape{8, all.in_channels, 3, 3}};
      std::vector<OwnedMatrix> runs;
      ForEachScheduleAndPlacement(
          [&](DeviceContext& context, Placement placement) {
            OwnedMatrix together(all.out_grid().rows(), all.out_channels), alone(together),
                few(all.out_grid().rows(), 8);
            const PlacedMatrix from(context, x, placement), to(context, together, placement),
                to_each(context, alone, placement);
            Convolve(context, all, *from, *weight, {}, *to);
            for (int64_t p = 0; p < all.grid.pictures; ++p) {
              const int64_t rows = one.out_grid().rows();
              Convolve(context, one, (*from).Rows(p * one.in_grid().rows(), one.in_grid().rows()), *weight, {},
                       (*to_each).Rows(p * rows, rows));
            }
            DeviceContext other({}, products);
            const PlacedMatrix from_other(other, x, placement), to_few_other(other, few, placement);
            Convolve(other, all, *from_other, few_weights, {}, *to_few_other);
            ASSERT_TRUE(to.CopyTo(together) && to_each.CopyTo(alone) && to_few_other.CopyTo(few));
            EXPECT_TRUE(other.queue.Finish().ok());
            EXPECT_TRUE(alone == together);
            for (int64_t row = 0; row < few.rows(); ++row) {
              for (int64_t n = 0; n < few.cols(); ++n) ASSERT_EQ(few.at(row, n), together.at(row, n));
            }
            runs.push_back(together);
          },
          products);
      for (const OwnedMatrix& run : runs) EXPECT_TRUE(run == runs[0]);
    }
  }
}

}  // namespace
}  // namespace blip3o
