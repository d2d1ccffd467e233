#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

#include "ops/cuda/kernels.h"
#include "support/attention_reference.h"
#include "support/comparison.h"
#include "support/lane_test.h"
#include "support/placed_matrix.h"
#include "support/scratch_context.h"
#include "support/token_loop.h"

namespace blip3o {
namespace {

using cuda::WeightType;
using test::AttentionReference;
using test::AttentionRounding;
using test::Comparison;
using test::DeviceCache;
using test::DeviceContext;
using test::ForEachPlacement;
using test::ForEachSchedule;
using test::HostCache;
using test::Numbers;
using test::OwnedMatrix;
using test::PlacedMatrix;
using test::Placement;

constexpr WeightType kProducts[] = {WeightType::kBF16, WeightType::kF32};

const AttentionRounding& RoundingOf(WeightType type) {
  return type == WeightType::kBF16 ? test::kBF16Attention : test::kSplitAttention;
}

void ReserveFor(DeviceContext& context, int64_t keys, int64_t width) {
  Capacity capacity;
  capacity.keys = keys;
  capacity.attention_width = width;
  context.Reserve(cuda::AttentionScratch(capacity));
}

// ---- Cross attention -----------------------------------------------------------------------------------------------

struct Cross {
  Cross(int64_t queries, int64_t keys, int64_t heads, int64_t head_dim, float spread = 1.0f)
      : heads(heads),
        head_dim(head_dim),
        q(queries, heads * head_dim, Numbers(1), spread),
        k(keys, heads * head_dim, Numbers(2), spread),
        v(keys, heads * head_dim, Numbers(3)) {}

  // Rows [first, first + count) of the queries.
  OwnedMatrix Run(DeviceContext& context, int64_t first, int64_t count, Placement placement) const {
    ReserveFor(context, k.rows(), k.cols());
    OwnedMatrix own_q(count, q.cols()), out(count, q.cols());
    for (int64_t r = 0; r < count; ++r) std::copy_n((*q).row(first + r), q.cols(), (*own_q).row(r));
    const PlacedMatrix a(context, own_q, placement), b(context, k, placement), c(context, v, placement);
    const PlacedMatrix to(context, out, placement);
    cuda::CrossAttention(context, *a, *b, *c, heads, head_dim, *to);
    EXPECT_TRUE(to.CopyTo(out)) << "outside of the result";
    return out;
  }
  OwnedMatrix Run(DeviceContext& context, Placement placement) const { return Run(context, 0, q.rows(), placement); }

  int64_t heads, head_dim;
  OwnedMatrix q, k, v;
};

// The formula's values, or `other`'s.
void ExpectFormula(const Cross& cross, const OwnedMatrix& out, const AttentionRounding& rounding,
                   const OwnedMatrix* other = nullptr) {
  Comparison comparison;
  for (int64_t t = 0; t < cross.q.rows(); ++t) {
    for (int64_t column = 0; column < cross.q.cols(); column += cross.head_dim) {
      AttentionReference reference(&cross.q.at(t, column), cross.head_dim, rounding);
      for (int64_t j = 0; j < cross.k.rows(); ++j) reference.Add(&cross.k.at(j, column), &cross.v.at(j, column));
      reference.Check(&out.at(t, column), t, column, comparison, other == nullptr ? nullptr : &other->at(t, column));
    }
  }
  EXPECT_TRUE(comparison.Verdict());
}

void CheckCross(WeightType type, const Cross& cross) {
  SCOPED_TRACE(std::to_string(cross.q.rows()) + " queries, " + std::to_string(cross.k.rows()) + " keys of " +
               std::to_string(cross.head_dim));
  ForEachSchedule(
      [&](DeviceContext& context) { ExpectFormula(cross, cross.Run(context, Placement::kAligned), RoundingOf(type)); },
      type);
}

TEST(CudaCrossAttention, EqualsItsFormulaOfEveryHead) {
  for (const WeightType type : kProducts) {
    for (const int64_t head_dim : {2, 8, 16, 18, 24, 32, 40, 64, 72, 112, 128}) {
      CheckCross(type, Cross(3, 70, head_dim < 40 ? 2 : 1, head_dim));
    }
  }
}

TEST(CudaCrossAttention, EqualsItsFormulaOfAnyNumberOfKeys) {
  for (const WeightType type : kProducts) {
    for (const int64_t keys : {1, 13, 63, 64, 65, 129, 207}) CheckCross(type, Cross(2, keys, 1, 8));
  }
}

TEST(CudaCrossAttention, EqualsItsFormulaOfAnyNumberOfQueries) {
  for (const WeightType type : kProducts) {
    for (const int64_t queries : {1, 9, 16, 17, 63, 64, 65, 130}) CheckCross(type, Cross(queries, 67, 2, 8));
  }
}

TEST(CudaCrossAttention, EqualsItsFormulaWhereverItsOperandsLie) {
  for (const WeightType type : kProducts) {
    for (const int64_t head_dim : {18, 24}) {
      const Cross cross(17, 65, 3, head_dim);
      ForEachPlacement(
          [&](DeviceContext& context, Placement placement) {
            ExpectFormula(cross, cross.Run(context, placement), RoundingOf(type));
          },
          type);
    }
  }
}

TEST(CudaCrossAttention, AgreesWithTheCpu) {
  const Cross cross(13, 71, 2, 18);
  const Capacity capacity = {.keys = 71, .attention_width = 36};
  test::ScratchContext cpu(1, cpu::AttentionScratch(capacity, 1));
  const OwnedMatrix expected(13, 36);
  cpu::CrossAttention(cpu, *cross.q, *cross.k, *cross.v, 2, 18, *expected);
  for (const WeightType type : kProducts) {
    ForEachSchedule(
        [&](DeviceContext& context) {
          ExpectFormula(cross, cross.Run(context, Placement::kAligned), RoundingOf(type), &expected);
        },
        type);
  }
}

TEST(CudaCrossAttention, ScoresFarApartLeaveFewWeights) { CheckCross(WeightType::kF32, Cross(9, 300, 1, 16, 12.0f)); }

// A vision encoder's: queries, keys and values side by side in one matrix.
TEST(CudaCrossAttention, IsTheSelfAttentionOfPictures) {
  const int64_t tokens = 49, heads = 2, head_dim = 72, width = heads * head_dim;
  const OwnedMatrix all(tokens, 3 * width, Numbers(1));
  Cross cross(tokens, tokens, heads, head_dim);
  for (int64_t t = 0; t < tokens; ++t) {
    std::copy_n(&all.at(t, 0), width, &cross.q.at(t, 0));
    std::copy_n(&all.at(t, width), width, &cross.k.at(t, 0));
    std::copy_n(&all.at(t, 2 * width), width, &cross.v.at(t, 0));
  }
  ForEachSchedule([&](DeviceContext& context) {
    ReserveFor(context, tokens, width);
    OwnedMatrix out(tokens, width);
    const PlacedMatrix from(context, all, Placement::kDense), to(context, out, Placement::kDense);
    cuda::CrossAttention(context, (*from).Cols(0, width), (*from).Cols(width, width), (*from).Cols(2 * width, width),
                         heads, head_dim, *to);
    ASSERT_TRUE(to.CopyTo(out));
    ExpectFormula(cross, out, test::kBF16Attention);
  });
}

TEST(CudaCrossAttention, RowsHaveTheSameBytesInAnyCompany) {
  for (const WeightType type : kProducts) {
    const Cross cross(70, 139, 2, 18);
    ForEachSchedule(
        [&](DeviceContext& context) {
          const OwnedMatrix together = cross.Run(context, Placement::kAligned);
          for (const int64_t row : {0, 7, 8, 15, 16, 63, 64, 69}) {
            const OwnedMatrix alone = cross.Run(context, row, 1, Placement::kOdd);
            ASSERT_EQ(std::memcmp((*alone).row(0), (*together).row(row), static_cast<size_t>(alone.cols()) * 4), 0)
                << row;
          }
        },
        type);
  }
}

TEST(CudaCrossAttention, KeepsNaNWhereItBelongs) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const WeightType type : kProducts) {
    for (int operand = 0; operand < 3; ++operand) {
      const Cross cross(20, 70, 2, 24);
      const OwnedMatrix* matrices[] = {&cross.q, &cross.k, &cross.v};
      matrices[operand]->at(15, 24 + 7) = nan;
      ForEachSchedule(
          [&](DeviceContext& context) {
            const OwnedMatrix out = cross.Run(context, Placement::kAligned);
            for (int64_t t = 0; t < 20; ++t) {
              for (int64_t c = 0; c < 48; ++c) {
                const bool touched = c >= 24 && (operand == 0 ? t == 15 : operand == 1 || c == 31);
                EXPECT_EQ(std::isnan(out.at(t, c)), touched) << operand << ": " << t << "," << c;
              }
            }
          },
          type);
    }
  }
}

TEST(CudaCrossAttention, NamesHeadsThatItDoesNotHold) {
  for (const int64_t head_dim : {7, 130}) {
    DeviceContext context({});
    const OwnedMatrix x(1, head_dim, Numbers(1));
    const test::DeviceMatrix q(context, x), out(context, x);
    cuda::CrossAttention(context, *q, *q, *q, 1, head_dim, *out);
    const Status status = context.queue.Finish();
    EXPECT_EQ(status.code(), StatusCode::kUnsupported);
    EXPECT_NE(status.message().find("found " + std::to_string(head_dim)), std::string::npos) << status.message();
  }
}

// ---- Prefill -------------------------------------------------------------------------------------------------------

struct Prefill {
  Prefill(const AttentionShape& shape, int64_t rows, int64_t position)
      : shape(shape),
        position(position),
        q(rows, shape.heads * shape.head_dim, Numbers(1)),
        cache(shape, 1, position + rows + 3, position + rows, 2) {}

  OwnedMatrix Run(DeviceContext& context, int64_t first, int64_t count, Placement placement) const {
    const int64_t keys = position + first + count;
    ReserveFor(context, keys, q.cols());
    OwnedMatrix own_q(count, q.cols()), out(count, q.cols());
    for (int64_t r = 0; r < count; ++r) std::copy_n((*q).row(first + r), q.cols(), (*own_q).row(r));
    const PlacedMatrix from(context, own_q, placement), to(context, out, placement);
    const DeviceCache on_device(context, cache, placement == Placement::kOdd ? 1 : 4);
    float* values = on_device.data() + shape.kv_heads * cache.capacity() * shape.head_dim;
    cuda::PrefillAttention(context, shape, *from, {on_device.data(), values, cache.capacity(), position + first}, *to);
    EXPECT_TRUE(to.CopyTo(out)) << "outside of the result";
    return out;
  }
  OwnedMatrix Run(DeviceContext& context, Placement placement) const { return Run(context, 0, q.rows(), placement); }

  AttentionShape shape;
  int64_t position;
  OwnedMatrix q;
  mutable HostCache cache;
};

// The formula's values, or `other`'s.
void ExpectFormula(const Prefill& prefill, const OwnedMatrix& out, const AttentionRounding& rounding,
                   const OwnedMatrix* other = nullptr) {
  const AttentionShape& shape = prefill.shape;
  Comparison comparison;
  for (int64_t t = 0; t < prefill.q.rows(); ++t) {
    for (int64_t h = 0; h < shape.heads; ++h) {
      const int64_t kv = h / (shape.heads / shape.kv_heads), column = h * shape.head_dim;
      AttentionReference reference(&prefill.q.at(t, column), shape.head_dim, rounding);
      for (int64_t j = 0; j <= prefill.position + t; ++j) {
        reference.Add(prefill.cache.Key(0, kv, j), prefill.cache.Value(0, kv, j));
      }
      reference.Check(&out.at(t, column), t, column, comparison, other == nullptr ? nullptr : &other->at(t, column));
    }
  }
  EXPECT_TRUE(comparison.Verdict());
}

void CheckPrefill(WeightType type, const AttentionShape& shape, int64_t rows, int64_t position) {
  SCOPED_TRACE(std::to_string(rows) + " rows at " + std::to_string(position) + " of " + std::to_string(shape.head_dim));
  const Prefill prefill(shape, rows, position);
  ForEachSchedule(
      [&](DeviceContext& context) {
        ExpectFormula(prefill, prefill.Run(context, Placement::kAligned), RoundingOf(type));
      },
      type);
}

TEST(CudaPrefillAttention, EqualsItsFormula) {
  for (const WeightType type : kProducts) {
    for (const int64_t head_dim : {2, 18, 24, 40, 128}) CheckPrefill(type, {4, 2, head_dim}, 5, 62);
    for (const int64_t rows : {1, 13, 64, 67, 130}) CheckPrefill(type, {3, 1, 8}, rows, 0);
    for (const int64_t position : {1, 63, 64, 207}) CheckPrefill(type, {2, 2, 16}, 5, position);
    CheckPrefill(type, {1, 1, 8}, 70, 37);
  }
}

TEST(CudaPrefillAttention, AgreesWithTheCpu) {
  const AttentionShape shape{4, 2, 18};
  const Prefill prefill(shape, 9, 61);
  const Capacity capacity = {.keys = 70, .attention_width = 72};
  test::ScratchContext cpu(1, cpu::AttentionScratch(capacity, 1));
  const OwnedMatrix expected(9, 72);
  const KvSlot slot = {prefill.cache.Key(0, 0, 0), prefill.cache.Value(0, 0, 0), prefill.cache.capacity(), 61};
  cpu::PrefillAttention(cpu, shape, *prefill.q, slot, *expected);
  for (const WeightType type : kProducts) {
    ForEachSchedule(
        [&](DeviceContext& context) {
          ExpectFormula(prefill, prefill.Run(context, Placement::kAligned), RoundingOf(type), &expected);
        },
        type);
  }
}

TEST(CudaPrefillAttention, RowsHaveTheSameBytesInAnyCompany) {
  for (const WeightType type : kProducts) {
    const Prefill prefill({4, 2, 18}, 133, 0);
    ForEachSchedule(
        [&](DeviceContext& context) {
          const OwnedMatrix together = prefill.Run(context, Placement::kAligned);
          for (const int64_t row : {0, 1, 15, 62, 63, 64, 65, 127, 128, 132}) {
            const OwnedMatrix alone = prefill.Run(context, row, 1, Placement::kOdd);
            ASSERT_EQ(std::memcmp((*alone).row(0), (*together).row(row), static_cast<size_t>(alone.cols()) * 4), 0)
                << row;
          }
          const OwnedMatrix piece = prefill.Run(context, 60, 73, Placement::kDense);
          for (int64_t r = 0; r < 73; ++r) {
            ASSERT_EQ(std::memcmp((*piece).row(r), (*together).row(60 + r), static_cast<size_t>(piece.cols()) * 4), 0)
                << r;
          }
        },
        type);
  }
}

// And keeps the bytes that it has without it.
TEST(CudaPrefillAttention, NoRowSeesALaterNaN) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const WeightType type : kProducts) {
    for (const bool in_values : {false, true}) {
      for (const int64_t bad : {21, 64, 71}) {
        const Prefill prefill({1, 1, 16}, 80, 0), good({1, 1, 16}, 80, 0);
        (in_values ? prefill.cache.Value(0, 0, bad) : prefill.cache.Key(0, 0, bad))[3] = nan;
        ForEachSchedule(
            [&](DeviceContext& context) {
              const OwnedMatrix expected = good.Run(context, Placement::kAligned);
              const OwnedMatrix out = prefill.Run(context, Placement::kAligned);
              for (int64_t t = 0; t < 80; ++t) {
                for (int64_t c = 0; c < 16; ++c) {
                  if (t >= bad && (!in_values || c == 3)) {
                    EXPECT_TRUE(std::isnan(out.at(t, c))) << t << "," << c;
                  } else {
                    EXPECT_EQ(out.at(t, c), expected.at(t, c)) << t << "," << c;
                  }
                }
              }
            },
            type);
      }
    }
  }
}

TEST(CudaPrefillAttention, NoRowSeesALaterInfinity) {
  for (const WeightType type : kProducts) {
    const Prefill prefill({1, 1, 8}, 40, 0);
    prefill.cache.Value(0, 0, 20)[6] = std::numeric_limits<float>::infinity();
    ForEachSchedule(
        [&](DeviceContext& context) {
          const OwnedMatrix out = prefill.Run(context, Placement::kAligned);
          for (int64_t t = 0; t < 40; ++t) {
            for (int64_t c = 0; c < 8; ++c) EXPECT_EQ(std::isinf(out.at(t, c)), t >= 20 && c == 6) << t << "," << c;
          }
        },
        type);
  }
}

}  // namespace
}  // namespace blip3o
