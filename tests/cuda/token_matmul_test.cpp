#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "base/dtype.h"
#include "base/q8.h"
#include "ops/cuda/kernels.h"
#include "support/activation.h"
#include "support/comparison.h"
#include "support/lane_test.h"
#include "support/placed_matrix.h"
#include "support/scratch_context.h"
#include "support/tolerance.h"

namespace blip3o {
namespace {

using cuda::WeightType;
using test::Comparison;
using test::DeviceArray;
using test::DeviceContext;
using test::ForEachSchedule;
using test::kUnit;
using test::Numbers;
using test::OwnedMatrix;
using test::OwnedWeight;
using test::PlacedMatrix;
using test::Placement;

constexpr WeightType kTypes[] = {WeightType::kBF16, WeightType::kF32, WeightType::kInt8};
constexpr double kEps = 1e-6;

WeightType ProductsOf(WeightType type) { return type == WeightType::kF32 ? WeightType::kF32 : WeightType::kBF16; }

// A context whose weights are known to nobody else: a store finds them by their addresses, where others lay before.
struct OwnWeights {
  OwnWeights(DeviceContext& device, WeightType type) : store(cuda::WeightOptions{ProductsOf(type)}) {
    context.queue = &device.queue;
    context.weights = &store;
  }
  operator cuda::Context&() { return context; }

  cuda::WeightStore store;
  cuda::Context context;
};

// A weight [N, K] that the device holds as it is: BF16, F32, or int8 with scales.
class Weight {
 public:
  Weight(WeightType type, int64_t rows, int64_t cols, uint64_t seed) : cols_(cols) {
    if (type != WeightType::kInt8) {
      plain_ = std::make_unique<OwnedWeight>(Shape{rows, cols}, type == WeightType::kF32 ? DType::kF32 : DType::kBF16,
                                             Numbers(seed));
      view_ = **plain_;
      return;
    }
    Numbers numbers(seed);
    const Q8Layout layout = Q8Layout::Of(rows, cols);
    q8_.resize(static_cast<size_t>(layout.size_bytes() / 4));
    view_ = {q8_.data(), DType::kQ8, Shape{rows, cols}};
    auto* values = reinterpret_cast<int8_t*>(q8_.data());
    for (int64_t n = 0; n < rows; ++n) {
      for (int64_t k = 0; k < cols; ++k)
        values[n * layout.stride + k] = static_cast<int8_t>(std::lround(127 * numbers()));
    }
    values[0] = -128;
    float* scales = q8_.data() + layout.scales_offset() / 4;
    for (int64_t i = 0; i < rows * layout.blocks; ++i) scales[i] = (1.5f + numbers()) / 127;
  }

  const View& operator*() const { return view_; }
  double at(int64_t n, int64_t k) const {
    if (plain_ != nullptr) return (*plain_)[n * cols_ + k];
    const Q8Layout layout = Q8Layout::Of(view_);
    return static_cast<double>(layout.row(view_, n)[k]) * layout.scales(view_, n)[k / kQ8Block];
  }

 private:
  int64_t cols_;
  std::unique_ptr<OwnedWeight> plain_;
  std::vector<float> q8_;
  View view_;
};

// x as a kernel gets it, or normed.
struct Input {
  Input(int64_t rows, int64_t cols, bool normed)
      : x(rows, cols, Numbers(1), 2.0f), norm(Shape{cols}, DType::kBF16, Numbers(2)), normed(normed) {}

  TokenInput For(const Matrix& device) const { return {device, normed ? *norm : View(), kEps}; }

  // What the product rounds: x, or x times the norm's weight.
  float Factor(int64_t row, int64_t k) const {
    return normed ? x.at(row, k) * static_cast<float>(norm[k]) : x.at(row, k);
  }
  double InverseNorm(int64_t row) const {
    if (!normed) return 1;
    double sum = 0;
    for (int64_t k = 0; k < x.cols(); ++k) sum += static_cast<double>(x.at(row, k)) * x.at(row, k);
    return 1 / std::sqrt(sum / static_cast<double>(x.cols()) + kEps);
  }

  OwnedMatrix x;
  OwnedWeight norm;
  bool normed;
};

struct Bounded {
  double value = 0, bound = 0;
};

// One dot product, and how far the kernel's may lie from it. BF16 and Int8 round x, which is no error here; F32 loses
// less than 2^-16 of each product.
Bounded Dot(WeightType type, const Input& input, int64_t row, const Weight& weight, int64_t n) {
  double value = 0, magnitude = 0;
  for (int64_t k = 0; k < input.x.cols(); ++k) {
    const float factor = input.Factor(row, k);
    const double product = (type == WeightType::kF32 ? factor : F32FromBF16(BF16FromF32(factor))) * weight.at(n, k);
    value += product;
    magnitude += std::abs(product);
  }
  const double inverse = input.InverseNorm(row), lost = type == WeightType::kF32 ? 0x1p-16 : 0;
  const double bound = test::SumBound(3 * input.x.cols(), magnitude) + lost * magnitude;
  // The norm's sum of squares, mean, root and quotient.
  const double norm_error = input.normed ? test::Gamma(input.x.cols() / 2 + 8) : 0;
  return {value * inverse, inverse * bound + norm_error * std::abs(value * inverse)};
}

// The padding of a placed matrix holds numbers; beyond these columns stand NaNs.
OwnedMatrix AmongNaNs(const OwnedMatrix& x) {
  OwnedMatrix wide(x.rows(), x.cols() + 9);
  for (int64_t r = 0; r < x.rows(); ++r) {
    for (int64_t c = 0; c < wide.cols(); ++c) {
      wide.at(r, c) = c < x.cols() ? x.at(r, c) : std::numeric_limits<float>::quiet_NaN();
    }
  }
  return wide;
}

void CheckProduct(DeviceContext& context, Placement placement, WeightType type, int64_t rows, int64_t depth,
                  int64_t columns, bool normed) {
  SCOPED_TRACE(testing::Message() << rows << "x" << depth << "x" << columns << (normed ? " normed" : ""));
  const Input input(rows, depth, normed);
  const Weight weight(type, columns, depth, 3);
  OwnedMatrix out(rows, columns);
  const PlacedMatrix x(context, AmongNaNs(input.x), placement), to(context, out, placement);
  const TokenProduct product = {*weight, {}, *to};
  OwnWeights own(context, type);
  cuda::TokenMatmul(own, input.For((*x).Cols(0, depth)), {&product, 1});
  ASSERT_TRUE(to.CopyTo(out));
  Comparison comparison;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t n = 0; n < columns; ++n) {
      const Bounded expected = Dot(type, input, r, weight, n);
      comparison.Add(out.at(r, n), expected.value, expected.bound, r, n);
    }
  }
  ASSERT_TRUE(comparison.Verdict());
}

// Every type, each schedule with a placement of its own.
void ForEachType(const std::function<void(DeviceContext&, Placement, WeightType)>& body) {
  for (const WeightType type : kTypes) {
    SCOPED_TRACE(testing::Message() << "weight type " << static_cast<int>(type));
    size_t next = 0;
    ForEachSchedule([&](DeviceContext& context) { body(context, test::kPlacements[next++ % 3], type); },
                    ProductsOf(type));
  }
}

TEST(CudaTokenMatmul, EqualsItsFormulaAtAnyRows) {
  ForEachType([](DeviceContext& context, Placement placement, WeightType type) {
    for (const int64_t rows : {1, 3, 5, 8, 13, 27, 64}) {
      CheckProduct(context, placement, type, rows, 203, 21, rows % 2 == 1);
    }
  });
}

TEST(CudaTokenMatmul, EqualsItsFormulaAtAnyDepthAndWidth) {
  ForEachType([](DeviceContext& context, Placement placement, WeightType type) {
    for (const int64_t depth : {1, 63, 65, 127, 129, 255, 257}) {
      CheckProduct(context, placement, type, 2, depth, 5, depth % 4 == 3);
    }
    for (const int64_t columns : {1, 8, 16, 33, 127}) CheckProduct(context, placement, type, 3, 40, columns, false);
  });
}

// Several units a warp, some of them cut, and several tiles a block.
TEST(CudaTokenMatmul, EqualsItsFormulaWhereItIsDeep) {
  ForEachType([](DeviceContext& context, Placement placement, WeightType type) {
    CheckProduct(context, placement, type, 2, 2497, 49, true);
    CheckProduct(context, placement, type, 6, 2239, 17, true);
    CheckProduct(context, placement, type, 19, 2177, 3, false);
    // K ends where a warp's next unit would begin, and a block has further tiles.
    CheckProduct(context, placement, type, 1, 2048, 67, false);
    CheckProduct(context, placement, type, 18, 2304, 67, false);
  });
}

enum class Residual { kNone, kOther, kOut };

// Three products of one input in one launch, each with an epilogue of its own.
struct ProductCase {
  int64_t columns = 0;
  bool biased = false;
  Activation activation = Activation::kNone;
  int64_t gate_rows = 0;
  Residual residual = Residual::kNone;
};

struct ProductOperands {
  ProductOperands(DeviceContext& context, Placement placement, WeightType type, const Input& input,
                  const ProductCase& c, uint64_t seed)
      : choice(c),
        weight(type, c.columns, input.x.cols(), seed),
        bias(Shape{c.columns}, DType::kBF16, Numbers(seed + 1)),
        gate(std::max<int64_t>(1, c.gate_rows), c.columns, Numbers(seed + 2)),
        residual(input.x.rows(), c.columns, Numbers(seed + 3)),
        out(c.residual == Residual::kOut ? OwnedMatrix(residual) : OwnedMatrix(input.x.rows(), c.columns)),
        device_gate(context, gate, placement),
        device_residual(context, residual, placement),
        device_out(context, out, placement) {}

  TokenProduct Product() const {
    Epilogue epilogue;
    if (choice.biased) epilogue.bias = *bias;
    epilogue.activation = choice.activation;
    if (choice.gate_rows > 0) epilogue.gate = *device_gate;
    if (choice.residual != Residual::kNone) {
      epilogue.residual = choice.residual == Residual::kOut ? *device_out : *device_residual;
    }
    return {*weight, epilogue, *device_out};
  }

  Bounded Expected(WeightType type, const Input& input, int64_t row, int64_t n) const {
    Bounded y = Dot(type, input, row, weight, n);
    if (choice.biased) y.value += bias[n];
    y.bound += 2 * kUnit * (std::abs(y.value) + 1);
    if (choice.activation != Activation::kNone) y.bound = test::ActivationBound(y.value, y.bound);
    y.value = test::Activated(choice.activation, y.value);
    if (choice.gate_rows > 0) {
      const double factor = gate.at(choice.gate_rows == 1 ? 0 : row, n);
      y = {y.value * factor, y.bound * std::abs(factor) + kUnit * std::abs(y.value)};
    }
    if (choice.residual != Residual::kNone) y.value += residual.at(row, n);
    y.bound += 2 * kUnit * (std::abs(y.value) + 1);
    return y;
  }

  ProductCase choice;
  Weight weight;
  OwnedWeight bias;
  OwnedMatrix gate, residual, out;
  PlacedMatrix device_gate, device_residual, device_out;
};

void CheckProducts(DeviceContext& context, Placement placement, WeightType type, const Input& input,
                   const std::vector<ProductCase>& cases) {
  const PlacedMatrix x(context, input.x, placement);
  std::vector<std::unique_ptr<ProductOperands>> operands;
  std::vector<TokenProduct> products;
  for (const ProductCase& c : cases) {
    operands.push_back(std::make_unique<ProductOperands>(context, placement, type, input, c, 10 * operands.size() + 5));
    products.push_back(operands.back()->Product());
  }
  OwnWeights own(context, type);
  cuda::TokenMatmul(own, input.For(*x), products);
  for (const auto& o : operands) {
    ASSERT_TRUE(o->device_out.CopyTo(o->out));
    Comparison comparison;
    for (int64_t r = 0; r < o->out.rows(); ++r) {
      for (int64_t n = 0; n < o->out.cols(); ++n) {
        const Bounded expected = o->Expected(type, input, r, n);
        comparison.Add(o->out.at(r, n), expected.value, expected.bound, r, n);
      }
    }
    ASSERT_TRUE(comparison.Verdict()) << "of " << o->choice.columns << " columns";
  }
}

TEST(CudaTokenMatmul, SeveralProductsOfOneInputWithEveryEpilogue) {
  ForEachType([](DeviceContext& context, Placement placement, WeightType type) {
    const Input few(3, 77, true), more(11, 77, false), many(35, 77, false);
    CheckProducts(context, placement, type, few,
                  {{33, true, Activation::kSilu, 1, Residual::kOther}, {1}, {17, false, {}, 3, Residual::kOut}});
    CheckProducts(context, placement, type, more,
                  {{19, true, Activation::kGeluTanh, 11, Residual::kOut}, {16, true, Activation::kTanh}});
    CheckProducts(context, placement, type, many,
                  {{19, true, Activation::kRelu, 1, Residual::kOut}, {33, false, {}, 35, Residual::kOther}});
  });
}

// A weight that a kernel computed: F32 among others, its rows at odd floats, nothing behind them.
TEST(CudaTokenMatmul, TakesAWeightThatLiesInTheDevicesMemory) {
  constexpr int64_t kDepth = 131, kColumns = 19;
  const Input input(3, kDepth, false);
  const Weight plain(WeightType::kF32, kColumns, kDepth, 7);
  ForEachSchedule([&](DeviceContext& context) {
    for (const int64_t offset : {0, 1}) {
      std::vector<float> values(static_cast<size_t>(offset));
      for (int64_t i = 0; i < kColumns * kDepth; ++i) {
        values.push_back(static_cast<float>(plain.at(i / kDepth, i % kDepth)));
      }
      const DeviceArray<float> computed(context, values);
      const Weight rounded(WeightType::kBF16, 5, kDepth, 8);
      OwnedMatrix out(3, kColumns), other(3, 5);
      const PlacedMatrix x(context, input.x, Placement::kOdd), to(context, out, Placement::kOdd),
          to_other(context, other, Placement::kOdd);
      const TokenProduct products[] = {{{computed.data() + offset, DType::kF32, Shape{kColumns, kDepth}}, {}, *to},
                                       {*rounded, {}, *to_other}};
      OwnWeights own(context, WeightType::kBF16);
      cuda::TokenMatmul(own, input.For(*x), products);
      ASSERT_TRUE(to.CopyTo(out) && to_other.CopyTo(other));
      Comparison comparison;
      for (int64_t r = 0; r < 3; ++r) {
        for (int64_t n = 0; n < kColumns; ++n) {
          const Bounded expected = Dot(WeightType::kF32, input, r, plain, n);
          comparison.Add(out.at(r, n), expected.value, expected.bound, r, n);
        }
        for (int64_t n = 0; n < 5; ++n) {
          const Bounded expected = Dot(WeightType::kBF16, input, r, rounded, n);
          comparison.Add(other.at(r, n), expected.value, expected.bound, r, n);
        }
      }
      ASSERT_TRUE(comparison.Verdict());
    }
  });
}

// silu(gate) · up of one row and column.
Bounded SwiGlu(const Bounded& gate, const Bounded& up) {
  const double silu = test::Activated(Activation::kSilu, gate.value);
  const double error = test::ActivationBound(gate.value, gate.bound);
  const double value = silu * up.value;
  return {value, std::abs(silu) * up.bound + (std::abs(up.value) + up.bound) * error + 2 * kUnit * std::abs(value)};
}

void CheckSwiGlu(DeviceContext& context, Placement placement, WeightType type, int64_t rows, int64_t depth,
                 int64_t columns, bool normed) {
  SCOPED_TRACE(testing::Message() << rows << "x" << depth << "x" << columns << (normed ? " normed" : ""));
  const Input input(rows, depth, normed);
  const Weight gate(type, columns, depth, 4), up(type, columns, depth, 5);
  OwnedMatrix out(rows, columns);
  const PlacedMatrix x(context, input.x, placement), to(context, out, placement);
  OwnWeights own(context, type);
  cuda::TokenSwiGlu(own, input.For(*x), *gate, *up, *to);
  ASSERT_TRUE(to.CopyTo(out));
  Comparison comparison;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t n = 0; n < columns; ++n) {
      const Bounded expected = SwiGlu(Dot(type, input, r, gate, n), Dot(type, input, r, up, n));
      comparison.Add(out.at(r, n), expected.value, expected.bound, r, n);
    }
  }
  ASSERT_TRUE(comparison.Verdict());
}

// Then both sum the same products.
void RoundToBF16(const OwnedMatrix& x) {
  for (int64_t r = 0; r < x.rows(); ++r) {
    for (int64_t k = 0; k < x.cols(); ++k) x.at(r, k) = F32FromBF16(BF16FromF32(x.at(r, k)));
  }
}

// The norm's product with x is rounded where the type is, so that only F32 is normed here.
TEST(CudaTokenMatmul, AgreesWithTheCpu) {
  constexpr int64_t kDepth = 197, kColumns = 21;
  ForEachType([](DeviceContext& context, Placement placement, WeightType type) {
    for (const int64_t rows : {1, 5, 18}) {
      const Input input(rows, kDepth, type == WeightType::kF32);
      RoundToBF16(input.x);
      const Weight weight(type, kColumns, kDepth, 3), gate(type, kColumns, kDepth, 4), up(type, kColumns, kDepth, 5);
      test::ScratchContext cpu(1, cpu::TokenMatmulScratch({.product_depth = kDepth}, 1));
      OwnedMatrix product(rows, kColumns), gated(rows, kColumns);
      const OwnedMatrix product_there(rows, kColumns), gated_there(rows, kColumns);
      const PlacedMatrix x(context, input.x, placement), to_product(context, product, placement),
          to_gated(context, gated, placement);
      OwnWeights own(context, type);
      const TokenProduct here = {*weight, {}, *to_product}, there = {*weight, {}, *product_there};
      cuda::TokenMatmul(own, input.For(*x), {&here, 1});
      cuda::TokenSwiGlu(own, input.For(*x), *gate, *up, *to_gated);
      cpu::TokenMatmul(cpu, input.For(*input.x), {&there, 1});
      cpu::TokenSwiGlu(cpu, input.For(*input.x), *gate, *up, *gated_there);
      ASSERT_TRUE(to_product.CopyTo(product) && to_gated.CopyTo(gated));
      Comparison comparison;
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t n = 0; n < kColumns; ++n) {
          const Bounded sum = Dot(type, input, r, weight, n);
          comparison.Add(product.at(r, n), product_there.at(r, n), 2 * sum.bound, r, n);
          const Bounded both = SwiGlu(Dot(type, input, r, gate, n), Dot(type, input, r, up, n));
          comparison.Add(gated.at(r, n), gated_there.at(r, n), 2 * both.bound, r, kColumns + n);
        }
      }
      ASSERT_TRUE(comparison.Verdict()) << rows << " rows";
    }
  });
}

TEST(CudaTokenSwiGlu, EqualsItsFormula) {
  ForEachType([](DeviceContext& context, Placement placement, WeightType type) {
    for (const int64_t rows : {1, 7, 12, 20, 41}) CheckSwiGlu(context, placement, type, rows, 67, 27, rows % 2 == 0);
    CheckSwiGlu(context, placement, type, 1, 1, 1, false);
    CheckSwiGlu(context, placement, type, 2, 2113, 9, true);
  });
}

// The bytes of each row alone and among 1 to 64, in kernels for any number of them.
void CheckCompany(WeightType type, int64_t depth, int64_t columns, const std::vector<int64_t>& counts,
                  const std::function<void(DeviceContext&, const TokenInput&, const Matrix&)>& product) {
  const Input input(64, depth, true);
  OwnedMatrix alone(64, columns);
  {
    DeviceContext context({}, ProductsOf(type));
    const PlacedMatrix x(context, input.x, Placement::kAligned), to(context, alone, Placement::kAligned);
    for (int64_t r = 0; r < 64; ++r) product(context, input.For((*x).Rows(r, 1)), (*to).Rows(r, 1));
    ASSERT_TRUE(to.CopyTo(alone) && context.queue.Finish().ok());
  }
  size_t next = 0;
  for (const int64_t rows : counts) {
    DeviceContext context(
        {.copies = cuda::lanes::CopyTiming::kBetween, .multiprocessors = 1 + static_cast<int>(rows % 5)},
        ProductsOf(type));
    const Placement placement = test::kPlacements[next++ % 3];
    OwnedMatrix together(64, columns);
    const PlacedMatrix x(context, input.x, placement), to(context, together, placement);
    product(context, input.For((*x).Rows(64 - rows, rows)), (*to).Rows(64 - rows, rows));
    ASSERT_TRUE(to.CopyTo(together) && context.queue.Finish().ok());
    for (int64_t r = 64 - rows; r < 64; ++r) {
      ASSERT_EQ(std::memcmp(&together.at(r, 0), &alone.at(r, 0), static_cast<size_t>(columns) * sizeof(float)), 0)
          << "row " << r << " among " << rows << " at depth " << depth;
    }
  }
}

TEST(CudaTokenMatmul, RowsHaveTheSameBytesInAnyCompany) {
  for (const WeightType type : kTypes) {
    SCOPED_TRACE(testing::Message() << "weight type " << static_cast<int>(type));
    const Weight weight(type, 21, 331, 3), deep(type, 2, 2177, 4);
    const OwnedWeight bias(Shape{21}, DType::kBF16, Numbers(4));
    CheckCompany(type, 331, 21, {2, 4, 5, 8, 9, 16, 17, 32, 33, 63, 64},
                 [&](DeviceContext& context, const TokenInput& input, const Matrix& out) {
                   const TokenProduct product = {*weight, {.bias = *bias, .activation = Activation::kGeluTanh}, out};
                   cuda::TokenMatmul(context, input, {&product, 1});
                 });
    CheckCompany(type, 2177, 2, {3, 7, 15, 31, 64},
                 [&](DeviceContext& context, const TokenInput& input, const Matrix& out) {
                   const TokenProduct product = {*deep, {}, out};
                   cuda::TokenMatmul(context, input, {&product, 1});
                 });
  }
}

TEST(CudaTokenSwiGlu, RowsHaveTheSameBytesInAnyCompany) {
  for (const WeightType type : kTypes) {
    SCOPED_TRACE(testing::Message() << "weight type " << static_cast<int>(type));
    const Weight gate(type, 11, 303, 3), up(type, 11, 303, 4);
    CheckCompany(type, 303, 11, {3, 8, 11, 29, 64},
                 [&](DeviceContext& context, const TokenInput& input, const Matrix& out) {
                   cuda::TokenSwiGlu(context, input, *gate, *up, out);
                 });
  }
}

// An infinity in x makes its row infinite where the weight has a sign, NaN in a weight its column, and nothing else. Of
// split operands an infinity's low half is NaN: such rows are not finite there.
TEST(CudaTokenMatmul, KeepsWhatIsNotFiniteInItsPlace) {
  constexpr int64_t kDepth = 70, kColumns = 26;
  for (const WeightType type : {WeightType::kBF16, WeightType::kF32}) {
    ForEachSchedule(
        [&](DeviceContext& context) {
          for (const int64_t rows : {3, 20, 40}) {
            Input input(rows, kDepth, false);
            input.x.at(1, 69) = std::numeric_limits<float>::infinity();
            const Weight weight(type, kColumns, kDepth, 3);
            std::vector<float> bytes(static_cast<size_t>((*weight).size_bytes() / 4 + 1));
            char* copy = reinterpret_cast<char*>(bytes.data());
            std::memcpy(copy, (*weight).data, static_cast<size_t>((*weight).size_bytes()));
            const int64_t at = 25 * kDepth + 3;
            const float nan = std::numeric_limits<float>::quiet_NaN();
            const uint16_t half = BF16FromF32(nan);
            if (type == WeightType::kF32) std::memcpy(copy + 4 * at, &nan, 4);
            if (type == WeightType::kBF16) std::memcpy(copy + 2 * at, &half, 2);
            OwnedMatrix out(rows, kColumns);
            const PlacedMatrix x(context, input.x, Placement::kOdd), to(context, out, Placement::kOdd);
            const TokenProduct product = {{copy, (*weight).dtype, (*weight).shape}, {}, *to};
            OwnWeights own(context, type);
            cuda::TokenMatmul(own, input.For(*x), {&product, 1});
            ASSERT_TRUE(to.CopyTo(out));
            for (int64_t r = 0; r < rows; ++r) {
              EXPECT_TRUE(std::isnan(out.at(r, 25)));
              for (int64_t n = 0; n < 25; ++n) {
                if (r != 1) {
                  EXPECT_TRUE(std::isfinite(out.at(r, n))) << r << "," << n;
                } else if (type == WeightType::kF32) {
                  EXPECT_FALSE(std::isfinite(out.at(r, n))) << r << "," << n;
                } else {
                  EXPECT_TRUE(std::isinf(out.at(r, n)) && (out.at(r, n) > 0) == (weight.at(n, 69) > 0))
                      << r << "," << n;
                }
              }
            }
          }
        },
        ProductsOf(type));
  }
}

}  // namespace
}  // namespace blip3o
