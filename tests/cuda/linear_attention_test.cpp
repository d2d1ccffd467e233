#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "ops/cpu/kernels.h"
#include "ops/cuda/kernels.h"
#include "support/lane_test.h"
#include "support/placed_matrix.h"
#include "support/scratch_context.h"
#include "support/tolerance.h"

namespace blip3o {
namespace {

using test::DeviceContext;
using test::ForEachSchedule;
using test::Numbers;
using test::OwnedMatrix;
using test::PlacedMatrix;
using test::Placement;

struct Sizes {
  int64_t pictures, tokens, heads, head_dim, head_stride;
};

Capacity CapacityOf(const Sizes& s) {
  Capacity capacity;
  capacity.linear_attention_tokens = s.tokens;
  capacity.linear_attention_state = s.heads * s.head_dim * (s.head_dim + 1);
  return capacity;
}

struct Operands {
  explicit Operands(const Sizes& s)
      : sizes(s),
        q(s.pictures * s.tokens, s.heads * s.head_stride, Numbers(1)),
        k(s.pictures * s.tokens, s.heads * s.head_stride, Numbers(2)),
        v(s.pictures * s.tokens, s.heads * s.head_stride, Numbers(3)) {}
  Sizes sizes;
  OwnedMatrix q, k, v;
};

LinearAttentionInput InputOf(const Sizes& s, const Matrix& q, const Matrix& k, const Matrix& v) {
  LinearAttentionInput input;
  input.q = q;
  input.k = k;
  input.v = v;
  input.pictures = s.pictures;
  input.heads = s.heads;
  input.head_dim = s.head_dim;
  input.head_stride = s.head_stride;
  return input;
}

OwnedMatrix Attend(DeviceContext& context, const Operands& o, Placement placement) {
  const Sizes& s = o.sizes;
  const PlacedMatrix q(context, o.q, placement), k(context, o.k, placement), v(context, o.v, placement);
  OwnedMatrix out(s.pictures * s.tokens, s.heads * s.head_dim);
  const PlacedMatrix device_out(context, out, placement);
  context.Reserve(cuda::LinearAttentionScratch(CapacityOf(s)));
  cuda::LinearAttention(context, InputOf(s, *q, *k, *v), *device_out);
  EXPECT_TRUE(device_out.CopyTo(out));
  return out;
}

double Positive(double x) { return x > 0 ? x : 0; }

// The formula for one head of one picture; `check(t, i, expected, bound)` sees every value.
template <class Check>
void Reference(const Operands& o, int64_t picture, int64_t head, const Check& check) {
  const int64_t d = o.sizes.head_dim, tokens = o.sizes.tokens, first = picture * tokens;
  const int64_t column = head * o.sizes.head_stride;
  std::vector<double> state(d * d), magnitude(d * d), sums(d);
  for (int64_t t = first; t < first + tokens; ++t) {
    for (int64_t j = 0; j < d; ++j) {
      const double k = Positive(o.k.at(t, column + j));
      sums[j] += k;
      for (int64_t i = 0; i < d; ++i) {
        state[j * d + i] += k * o.v.at(t, column + i);
        magnitude[j * d + i] += k * std::abs(o.v.at(t, column + i));
      }
    }
  }
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t i = 0; i < d; ++i) {
      double above = 0, above_magnitude = 0, below = 1e-15;
      for (int64_t j = 0; j < d; ++j) {
        const double q = Positive(o.q.at(first + t, column + j));
        above += q * state[j * d + i];
        above_magnitude += q * magnitude[j * d + i];
        below += q * sums[j];
      }
      // Numerator and denominator take tokens + d roundings each, the quotient a few more.
      check(t, i, above / below, test::Gamma(2 * (tokens + d) + 8) * above_magnitude / below + 0x1p-126);
    }
  }
}

void CheckAgainstFormula(const Operands& o, const OwnedMatrix& out) {
  const Sizes& s = o.sizes;
  for (int64_t p = 0; p < s.pictures; ++p) {
    for (int64_t h = 0; h < s.heads; ++h) {
      Reference(o, p, h, [&](int64_t t, int64_t i, double expected, double bound) {
        ASSERT_NEAR(out.at(p * s.tokens + t, h * s.head_dim + i), expected, bound)
            << "picture " << p << " head " << h << " token " << t << " head_dim " << s.head_dim;
      });
    }
  }
}

void CheckSizes(const Sizes& sizes, Placement placement) {
  SCOPED_TRACE(testing::Message() << sizes.pictures << " pictures, " << sizes.tokens << " tokens, " << sizes.heads
                                  << " heads of " << sizes.head_dim << " every " << sizes.head_stride);
  const Operands operands(sizes);
  ForEachSchedule([&](DeviceContext& context) { CheckAgainstFormula(operands, Attend(context, operands, placement)); });
}

TEST(LinearAttention, EqualsItsFormula) {
  for (const int64_t d : {1, 8, 20, 32, 33, 67}) CheckSizes({1, 37, 2, d, d}, Placement::kOdd);
  for (const int64_t d : {8, 20, 32, 128}) CheckSizes({1, 65, 1, d, d}, Placement::kAligned);
  CheckSizes({2, 17, 3, 32, 96}, Placement::kAligned);
  CheckSizes({3, 5, 2, 7, 31}, Placement::kOdd);
  CheckSizes({1, 129, 2, 12, 12}, Placement::kDense);
}

TEST(LinearAttention, SumsTheStatesOfManyChunks) {
  for (const int64_t tokens : {255, 256, 257, 600}) CheckSizes({1, tokens, 1, 8, 24}, Placement::kAligned);
  CheckSizes({2, 513, 2, 20, 20}, Placement::kOdd);
}

TEST(LinearAttention, AgreesWithTheCpu) {
  const Sizes sizes{2, 300, 2, 16, 48};
  const Operands operands(sizes);
  test::ScratchContext cpu(1, cpu::LinearAttentionScratch(CapacityOf(sizes), 1));
  OwnedMatrix expected(600, 32);
  cpu::LinearAttention(cpu, InputOf(sizes, *operands.q, *operands.k, *operands.v), *expected);
  ForEachSchedule([&](DeviceContext& context) {
    const OwnedMatrix out = Attend(context, operands, Placement::kAligned);
    for (int64_t p = 0; p < 2; ++p) {
      for (int64_t h = 0; h < 2; ++h) {
        Reference(operands, p, h, [&](int64_t t, int64_t i, double, double bound) {
          ASSERT_NEAR(out.at(p * 300 + t, h * 16 + i), expected.at(p * 300 + t, h * 16 + i), 2 * bound);
        });
      }
    }
  });
}

// With any company, any order of blocks, any placement.
TEST(LinearAttention, PicturesHaveTheSameBytesInAnyCompany) {
  const Sizes sizes{3, 260, 2, 12, 24};
  const Operands operands(sizes);
  std::vector<OwnedMatrix> runs;
  for (const Placement placement : test::kPlacements) {
    ForEachSchedule([&](DeviceContext& context) { runs.push_back(Attend(context, operands, placement)); });
  }
  for (const OwnedMatrix& run : runs) EXPECT_TRUE(run == runs[0]);
  ForEachSchedule([&](DeviceContext& context) {
    const PlacedMatrix q(context, operands.q, Placement::kAligned), k(context, operands.k, Placement::kAligned),
        v(context, operands.v, Placement::kAligned);
    OwnedMatrix alone(3 * 260, 2 * 12);
    const PlacedMatrix out(context, alone, Placement::kAligned);
    context.Reserve(cuda::LinearAttentionScratch(CapacityOf(sizes)));
    for (int64_t p = 0; p < 3; ++p) {
      const auto rows = [&](const PlacedMatrix& m) { return (*m).Rows(p * 260, 260); };
      cuda::LinearAttention(context, InputOf({1, 260, 2, 12, 24}, rows(q), rows(k), rows(v)), rows(out));
    }
    ASSERT_TRUE(out.CopyTo(alone));
    EXPECT_TRUE(alone == runs[0]);
  });
}

TEST(LinearAttention, KeepsNaNInItsHead) {
  const Sizes sizes{1, 300, 3, 18, 18};
  for (int operand = 0; operand < 3; ++operand) {
    const Operands operands(sizes);
    const OwnedMatrix* matrices[] = {&operands.q, &operands.k, &operands.v};
    matrices[operand]->at(270, 18 + 17) = std::numeric_limits<float>::quiet_NaN();
    ForEachSchedule([&](DeviceContext& context) {
      const OwnedMatrix out = Attend(context, operands, Placement::kOdd);
      EXPECT_TRUE(std::isnan(out.at(270, 18 + 17)));
      for (int64_t t = 0; t < 300; ++t) {
        for (int64_t i = 0; i < 18; ++i) {
          ASSERT_TRUE(std::isfinite(out.at(t, i)) && std::isfinite(out.at(t, 36 + i))) << t;
        }
      }
    });
  }
}

// Where every relu(q) or relu(k) is 0 the quotient is 0 / 1e-15.
TEST(LinearAttention, IsZeroWhereNothingIsPositive) {
  const Operands operands({1, 5, 1, 16, 16});
  for (int64_t c = 0; c < 16; ++c) operands.q.at(3, c) = -1.0f;
  ForEachSchedule([&](DeviceContext& context) {
    const OwnedMatrix out = Attend(context, operands, Placement::kAligned);
    for (int64_t c = 0; c < 16; ++c) EXPECT_EQ(out.at(3, c), 0.0f);
  });
}

}  // namespace
}  // namespace blip3o
