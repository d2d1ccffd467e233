#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/cpu/kernels.h"
#include "support/kernel_test.h"
#include "support/sanitized.h"
#include "support/scratch_context.h"
#include "support/tolerance.h"

namespace blip3o {
namespace {

using test::ForEachTarget;
using test::Numbers;
using test::OwnedMatrix;
using test::ScratchContext;

constexpr int64_t kHeadDims[] = {2, 7, 16, 18, 24, 32, 40, 64, 72, 112, 128, 131};

ScratchContext ContextFor(int64_t keys, int64_t width, int threads = 1) {
  Capacity capacity;
  capacity.keys = keys;
  capacity.attention_width = width;
  return ScratchContext(threads, cpu::AttentionScratch(capacity, threads));
}

// softmax(q·k_j / √d) v in double. Bound: a score is off by δ = γ_{d+4} Σ|q k| / √d and the rounding of its exponent;
// so weights and their sum are off by δ and γ of the number of keys each, relative to Σ w |v|.
class Reference {
 public:
  Reference(const float* q, int64_t head_dim) : q_(q), head_dim_(head_dim) {}
  void Add(const float* k, const float* v) {
    double score = 0, magnitude = 0;
    for (int64_t c = 0; c < head_dim_; ++c) {
      score += static_cast<double>(q_[c]) * k[c];
      magnitude += std::abs(static_cast<double>(q_[c]) * k[c]);
    }
    const double scale = 1 / std::sqrt(static_cast<double>(head_dim_));
    scores_.push_back(score * scale);
    values_.push_back(v);
    error_ = std::max(error_, test::Gamma(head_dim_ + 8) * magnitude * scale);
  }
  void Check(const float* out) const {
    const double maximum = *std::max_element(scores_.begin(), scores_.end());
    std::vector<double> weights;
    double sum = 0;
    for (double score : scores_) sum += weights.emplace_back(std::exp(score - maximum));
    const double relative = 2 * (2 * error_ + test::Gamma(static_cast<int64_t>(scores_.size()) + 32));
    for (int64_t c = 0; c < head_dim_; ++c) {
      double expected = 0, magnitude = 0;
      for (size_t j = 0; j < weights.size(); ++j) {
        expected += weights[j] / sum * values_[j][c];
        magnitude += weights[j] / sum * std::abs(values_[j][c]);
      }
      ASSERT_NEAR(out[c], expected, relative * magnitude) << "column " << c << " of " << head_dim_;
    }
  }

 private:
  const float* q_;
  int64_t head_dim_;
  std::vector<double> scores_;
  std::vector<const float*> values_;
  double error_ = 0;
};

// ---- Cross attention -----------------------------------------------------------------------------------------------

void CheckCross(int64_t queries, int64_t keys, int64_t heads, int64_t head_dim, float spread = 1.0f) {
  const int64_t width = heads * head_dim;
  const OwnedMatrix q(queries, width, Numbers(1), spread), k(keys, width, Numbers(2), spread);
  const OwnedMatrix v(keys, width, Numbers(3));
  OwnedMatrix out(queries, width);
  ScratchContext context = ContextFor(keys, width);
  cpu::CrossAttention(context, *q, *k, *v, heads, head_dim, *out);
  ASSERT_TRUE(out.PaddingUntouched());
  for (int64_t t = 0; t < queries; ++t) {
    for (int64_t h = 0; h < heads; ++h) {
      Reference reference(&q.at(t, h * head_dim), head_dim);
      for (int64_t j = 0; j < keys; ++j) reference.Add(&k.at(j, h * head_dim), &v.at(j, h * head_dim));
      reference.Check(&out.at(t, h * head_dim));
    }
  }
}

TEST(CrossAttention, EqualsItsFormula) {
  ForEachTarget([] {
    for (int64_t head_dim : kHeadDims) CheckCross(13, 73, 2, head_dim);
    for (int64_t keys : {1, 13, 64, 65, 207, 730}) CheckCross(7, keys, 1, 24);
    for (int64_t queries : {1, 16, 17, 33, 48, 49, 101, 207}) CheckCross(queries, 67, 1, 16);
    CheckCross(9, 300, 1, 16, 12.0f);  // scores far apart: most weights vanish
  });
}

// A vision encoder's self-attention: q, k and v side by side in one matrix, or each alone. Every 61st row is held
// against the formula, all of them against each other and against the rows of another number of threads.
void CheckSelf(int64_t tokens, int64_t heads, int64_t head_dim) {
  const int64_t width = heads * head_dim;
  const OwnedMatrix all(tokens, 3 * width, Numbers(1));
  const Matrix q = (*all).Cols(0, width), k = (*all).Cols(width, width), v = (*all).Cols(2 * width, width);
  OwnedMatrix sliced(tokens, width);
  ScratchContext context = ContextFor(tokens, width);
  cpu::CrossAttention(context, q, k, v, heads, head_dim, *sliced);
  ASSERT_TRUE(sliced.PaddingUntouched());
  for (int64_t t = 0; t < tokens; t += 61) {
    for (int64_t h = 0; h < heads; ++h) {
      Reference reference(q.row(t) + h * head_dim, head_dim);
      for (int64_t j = 0; j < tokens; ++j) reference.Add(k.row(j) + h * head_dim, v.row(j) + h * head_dim);
      reference.Check(&sliced.at(t, h * head_dim));
    }
  }
  OwnedMatrix own_q(tokens, width, 0), own_k(tokens, width, 0), own_v(tokens, width, 5);
  for (const auto& [from, to] : {std::pair{q, *own_q}, {k, *own_k}, {v, *own_v}}) {
    for (int64_t t = 0; t < tokens; ++t) std::copy_n(from.row(t), width, to.row(t));
  }
  for (int threads : {2, 4}) {
    ScratchContext several = ContextFor(tokens, width, threads);
    OwnedMatrix dense(tokens, width);
    cpu::CrossAttention(several, *own_q, *own_k, *own_v, heads, head_dim, *dense);
    ASSERT_TRUE(dense == sliced) << threads << " threads";
  }
}

TEST(CrossAttention, IsTheSelfAttentionOfPictures) {
  ForEachTarget([] {
    CheckSelf(729, test::kSanitized ? 2 : 16, 72);
    CheckSelf(64, 2, 32);
    CheckSelf(31, 3, 72);  // too few queries for keys and values to be copied
    CheckSelf(207, 1, 40);
  });
}

TEST(CrossAttention, RowsHaveTheSameBytesInAnyCompany) {
  ForEachTarget([] {
    const int64_t rows = 101, keys = 139, heads = 3, width = heads * 18;
    const OwnedMatrix q(rows, width, Numbers(1)), k(keys, width, Numbers(2)), v(keys, width, Numbers(3));
    OwnedMatrix alone(rows, width);
    ScratchContext one = ContextFor(keys, width);
    for (int64_t r = 0; r < rows; ++r) {
      cpu::CrossAttention(one, (*q).Rows(r, 1), *k, *v, heads, 18, (*alone).Rows(r, 1));
    }
    for (int threads = 1; threads <= 4; ++threads) {
      ScratchContext context = ContextFor(keys, width, threads);
      OwnedMatrix out(rows, width);
      cpu::CrossAttention(context, *q, *k, *v, heads, 18, *out);
      ASSERT_TRUE(out == alone) << threads << " threads";
    }
  });
}

TEST(CrossAttention, KeepsNaNWhereItBelongs) {
  ForEachTarget([] {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (int operand = 0; operand < 3; ++operand) {
      const OwnedMatrix q(20, 48, Numbers(1)), k(70, 48, Numbers(2)), v(70, 48, Numbers(3));
      const OwnedMatrix* matrices[] = {&q, &k, &v};
      matrices[operand]->at(15, 24 + 7) = nan;
      OwnedMatrix out(20, 48);
      ScratchContext context = ContextFor(70, 48);
      cpu::CrossAttention(context, *q, *k, *v, 2, 24, *out);
      for (int64_t t = 0; t < 20; ++t) {
        for (int64_t c = 0; c < 48; ++c) {
          const bool touched = c >= 24 && (operand == 0 ? t == 15 : operand == 1 || c == 31);
          EXPECT_EQ(std::isnan(out.at(t, c)), touched) << operand << ": " << t << "," << c;
        }
      }
    }
  });
}

// ---- The language model --------------------------------------------------------------------------------------------

struct Cache {
  Cache(const AttentionShape& shape, int64_t capacity, uint64_t seed)
      : keys(shape.kv_heads * capacity, shape.head_dim, Numbers(seed), 1.0f, 0),
        values(shape.kv_heads * capacity, shape.head_dim, Numbers(seed + 1), 1.0f, 0),
        capacity(capacity) {}
  KvSlot At(int64_t position) const { return {(*keys).data, (*values).data, capacity, position}; }
  OwnedMatrix keys, values;
  int64_t capacity;
};

// Row `t` of q and out at `position` against the cache.
void CheckCausalRow(const AttentionShape& shape, const OwnedMatrix& q, int64_t t, const Cache& cache, int64_t position,
                    const OwnedMatrix& out) {
  for (int64_t h = 0; h < shape.heads; ++h) {
    const int64_t kv = h / (shape.heads / shape.kv_heads);
    Reference reference(&q.at(t, h * shape.head_dim), shape.head_dim);
    for (int64_t j = 0; j <= position; ++j) {
      reference.Add(&cache.keys.at(kv * cache.capacity + j, 0), &cache.values.at(kv * cache.capacity + j, 0));
    }
    reference.Check(&out.at(t, h * shape.head_dim));
  }
}

void CheckPrefill(const AttentionShape& shape, int64_t rows, int64_t position) {
  const int64_t width = shape.heads * shape.head_dim;
  const OwnedMatrix q(rows, width, Numbers(1));
  const Cache cache(shape, position + rows, 2);
  OwnedMatrix out(rows, width);
  ScratchContext context = ContextFor(cache.capacity, width);
  cpu::PrefillAttention(context, shape, *q, cache.At(position), *out);
  ASSERT_TRUE(out.PaddingUntouched());
  for (int64_t t = 0; t < rows; ++t) CheckCausalRow(shape, q, t, cache, position + t, out);
}

TEST(PrefillAttention, EqualsItsFormula) {
  ForEachTarget([] {
    for (int64_t head_dim : kHeadDims) CheckPrefill({4, 2, head_dim}, 29, 50);
    for (int64_t rows : {1, 13, 48, 67, 131}) CheckPrefill({3, 1, 16}, rows, 0);
    for (int64_t position : {1, 63, 64, 207}) CheckPrefill({2, 2, 24}, 5, position);
  });
}

TEST(PrefillAttention, RowsHaveTheSameBytesInAnyCompany) {
  ForEachTarget([] {
    const AttentionShape shape{4, 2, 40};
    const int64_t rows = 150, width = 160;
    const OwnedMatrix q(rows, width, Numbers(1));
    const Cache cache(shape, rows, 2);
    OwnedMatrix alone(rows, width);
    ScratchContext one = ContextFor(rows, width);
    for (int64_t r = 0; r < rows; ++r) {
      cpu::PrefillAttention(one, shape, (*q).Rows(r, 1), cache.At(r), (*alone).Rows(r, 1));
    }
    for (int threads = 1; threads <= 4; ++threads) {
      ScratchContext context = ContextFor(rows, width, threads);
      OwnedMatrix out(rows, width);
      cpu::PrefillAttention(context, shape, *q, cache.At(0), *out);
      ASSERT_TRUE(out == alone) << threads << " threads";
    }
  });
}

TEST(PrefillAttention, NoRowSeesALaterNaN) {
  ForEachTarget([] {
    const AttentionShape shape{1, 1, 16};
    const OwnedMatrix q(40, 16, Numbers(1));
    for (bool in_values : {false, true}) {
      const Cache cache(shape, 40, 2);
      (in_values ? cache.values : cache.keys).at(21, 3) = std::numeric_limits<float>::quiet_NaN();
      OwnedMatrix out(40, 16);
      ScratchContext context = ContextFor(40, 16);
      cpu::PrefillAttention(context, shape, *q, cache.At(0), *out);
      for (int64_t t = 0; t < 40; ++t) EXPECT_EQ(std::isnan(out.at(t, 3)), t >= 21) << t;
    }
  });
}

void CheckDecode(const AttentionShape& shape, const std::vector<int64_t>& positions) {
  const int64_t rows = static_cast<int64_t>(positions.size()), width = shape.heads * shape.head_dim;
  const int64_t capacity = *std::max_element(positions.begin(), positions.end()) + 1;
  const OwnedMatrix q(rows, width, Numbers(1));
  std::vector<std::unique_ptr<Cache>> caches;
  std::vector<KvSlot> slots;
  for (int64_t r = 0; r < rows; ++r) {
    caches.push_back(std::make_unique<Cache>(shape, positions[r] + 1, 10 + r));
    slots.push_back(caches.back()->At(positions[r]));
  }
  OwnedMatrix out(rows, width), alone(rows, width);
  ScratchContext context = ContextFor(capacity, width);
  cpu::DecodeAttention(context, shape, *q, slots, *out);
  ASSERT_TRUE(out.PaddingUntouched());
  for (int64_t r = 0; r < rows; ++r) {
    CheckCausalRow(shape, q, r, *caches[r], positions[r], out);
    cpu::DecodeAttention(context, shape, (*q).Rows(r, 1), std::span(slots).subspan(r, 1), (*alone).Rows(r, 1));
  }
  ASSERT_TRUE(out == alone) << "a row depends on its company";
  for (int threads = 2; threads <= 4; ++threads) {
    ScratchContext several = ContextFor(capacity, width, threads);
    OwnedMatrix again(rows, width);
    cpu::DecodeAttention(several, shape, *q, slots, *again);
    ASSERT_TRUE(again == alone) << threads << " threads";
  }
}

TEST(DecodeAttention, EqualsItsFormulaInAnyCompany) {
  ForEachTarget([] {
    for (int64_t head_dim : kHeadDims) CheckDecode({4, 2, head_dim}, {150, 3});
    for (int64_t position : {0, 1, 126, 127, 128, 129, 255, 256, 700}) CheckDecode({2, 1, 24}, {position});
    CheckDecode({14, 2, 16}, {5, 0, 300, 127, 128, 64, 13, 1, 207});
    CheckDecode({5, 5, 32}, {17, 400});
    // Enough work that the parts are combined in parallel.
    CheckDecode({16, 8, 128}, {300, 301, 302, 303, 304, 305, 306, 307, 308, 309, 310, 311, 312, 313, 314, 315, 316});
  });
}

TEST(DecodeAttention, KeepsNaNInItsRow) {
  ForEachTarget([] {
    const AttentionShape shape{2, 1, 24};
    const OwnedMatrix q(2, 48, Numbers(1));
    for (bool in_values : {false, true}) {
      const Cache good(shape, 200, 2), bad(shape, 200, 4);
      (in_values ? bad.values : bad.keys).at(150, 3) = std::numeric_limits<float>::quiet_NaN();
      const KvSlot slots[] = {good.At(199), bad.At(199)};
      OwnedMatrix out(2, 48);
      ScratchContext context = ContextFor(200, 48);
      cpu::DecodeAttention(context, shape, *q, slots, *out);
      EXPECT_TRUE(std::isnan(out.at(1, 3)) && std::isnan(out.at(1, 27)));
      for (int64_t c = 0; c < 48; ++c) EXPECT_TRUE(std::isfinite(out.at(0, c)));
    }
  });
}

}  // namespace
}  // namespace blip3o
