#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/cpu/kernels.h"
#include "support/kernel_test.h"
#include "support/scratch_context.h"
#include "support/tolerance.h"

namespace blip3o {
namespace {

using test::ForEachTarget;
using test::Numbers;
using test::OwnedMatrix;
using test::ScratchContext;

struct Sizes {
  int64_t pictures, tokens, heads, head_dim, head_stride;
};

ScratchContext ContextFor(const Sizes& s, int threads = 1) {
  Capacity capacity;
  capacity.linear_attention_tokens = s.tokens;
  capacity.linear_attention_state = s.heads * s.head_dim * (s.head_dim + 1);
  return ScratchContext(threads, cpu::LinearAttentionScratch(capacity, threads));
}

// q, k and v side by side in each head's columns where the stride allows it, otherwise of matrices of their own.
struct Operands {
  explicit Operands(const Sizes& s)
      : sizes(s),
        q(s.pictures * s.tokens, s.heads * s.head_stride, Numbers(1)),
        k(s.pictures * s.tokens, s.heads * s.head_stride, Numbers(2)),
        v(s.pictures * s.tokens, s.heads * s.head_stride, Numbers(3)) {}
  LinearAttentionInput Pictures(int64_t first, int64_t count) const {
    const auto rows = [&](const OwnedMatrix& m) { return (*m).Rows(first * sizes.tokens, count * sizes.tokens); };
    LinearAttentionInput input;
    input.q = rows(q);
    input.k = rows(k);
    input.v = rows(v);
    input.pictures = count;
    input.heads = sizes.heads;
    input.head_dim = sizes.head_dim;
    input.head_stride = sizes.head_stride;
    return input;
  }
  Sizes sizes;
  OwnedMatrix q, k, v;
};

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

void CheckSizes(const Sizes& sizes) {
  const Operands operands(sizes);
  OwnedMatrix out(sizes.pictures * sizes.tokens, sizes.heads * sizes.head_dim);
  ScratchContext context = ContextFor(sizes);
  cpu::LinearAttention(context, operands.Pictures(0, sizes.pictures), *out);
  ASSERT_TRUE(out.PaddingUntouched());
  for (int64_t p = 0; p < sizes.pictures; ++p) {
    for (int64_t h = 0; h < sizes.heads; ++h) {
      Reference(operands, p, h, [&](int64_t t, int64_t i, double expected, double bound) {
        ASSERT_NEAR(out.at(p * sizes.tokens + t, h * sizes.head_dim + i), expected, bound)
            << "token " << t << " head_dim " << sizes.head_dim;
      });
    }
  }
}

TEST(LinearAttention, EqualsItsFormula) {
  ForEachTarget([] {
    for (int64_t d : {1, 2, 7, 16, 18, 24, 32, 40, 64, 67, 112}) CheckSizes({1, 37, 2, d, d});
    for (int64_t tokens : {1, 13, 64, 207, 256, 257, 1021}) CheckSizes({2, tokens, 3, 16, 48});
    CheckSizes({1, 300, 1, 32, 96});
    CheckSizes({3, 65, 5, 24, 31});
  });
}

TEST(LinearAttention, PicturesHaveTheSameBytesInAnyCompany) {
  ForEachTarget([] {
    const Sizes sizes{3, 531, 5, 24, 72};
    const Operands operands(sizes);
    OwnedMatrix alone(3 * 531, 5 * 24);
    ScratchContext one = ContextFor(sizes);
    for (int64_t p = 0; p < 3; ++p) {
      cpu::LinearAttention(one, operands.Pictures(p, 1), (*alone).Rows(p * 531, 531));
    }
    for (int threads = 1; threads <= 4; ++threads) {
      ScratchContext context = ContextFor(sizes, threads);
      OwnedMatrix out(3 * 531, 5 * 24);
      cpu::LinearAttention(context, operands.Pictures(0, 3), *out);
      ASSERT_TRUE(out == alone) << threads << " threads";
    }
  });
}

TEST(LinearAttention, KeepsNaNInItsHead) {
  ForEachTarget([] {
    const Sizes sizes{1, 300, 3, 18, 18};
    for (int operand = 0; operand < 3; ++operand) {
      const Operands operands(sizes);
      const OwnedMatrix* matrices[] = {&operands.q, &operands.k, &operands.v};
      matrices[operand]->at(270, 18 + 17) = std::numeric_limits<float>::quiet_NaN();
      OwnedMatrix out(300, 54);
      ScratchContext context = ContextFor(sizes);
      cpu::LinearAttention(context, operands.Pictures(0, 1), *out);
      EXPECT_TRUE(std::isnan(out.at(270, 18 + 17)));
      for (int64_t t = 0; t < 300; ++t) {
        for (int64_t i = 0; i < 18; ++i) {
          EXPECT_TRUE(std::isfinite(out.at(t, i)) && std::isfinite(out.at(t, 36 + i)));
        }
      }
    }
  });
}

// Where every relu(q) or relu(k) is 0 the quotient is 0 / 1e-15.
TEST(LinearAttention, IsZeroWhereNothingIsPositive) {
  ForEachTarget([] {
    const Sizes sizes{1, 5, 1, 16, 16};
    const Operands operands(sizes);
    for (int64_t c = 0; c < 16; ++c) operands.q.at(3, c) = -1.0f;
    OwnedMatrix out(5, 16);
    ScratchContext context = ContextFor(sizes);
    cpu::LinearAttention(context, operands.Pictures(0, 1), *out);
    for (int64_t c = 0; c < 16; ++c) EXPECT_EQ(out.at(3, c), 0.0f);
  });
}

}  // namespace
}  // namespace blip3o
