// The token loop over a table, against the kernels for one sequence.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "base/philox.h"
#include "ops/cpu/kernels.h"
#include "support/kernel_test.h"
#include "support/scratch_context.h"

namespace blip3o {
namespace {

using test::ForEachTarget;
using test::Numbers;
using test::OwnedMatrix;
using test::OwnedWeight;
using test::ScratchContext;

constexpr AttentionShape kShape = {6, 2, 24};
constexpr int64_t kLayers = 3, kHidden = 29, kCodes = 77, kTokens = 5, kMostPositions = 384;

ScratchContext NewContext() {
  const Capacity capacity{
      .keys = kMostPositions, .attention_width = kShape.heads * kShape.head_dim, .vocabulary = kCodes};
  cpu::ScratchBytes need = cpu::AttentionScratch(capacity, 2);
  need.shared = std::max(need.shared, cpu::SamplingScratch(capacity).shared);
  return ScratchContext(2, need);
}

// One sequence's memory, at a place of its own in its way.
struct Sequence {
  Sequence(int64_t number, int64_t position, int64_t drawn)
      : capacity(position + 2 + number % 3),
        cache(static_cast<size_t>(kLayers * 2 * kShape.kv_heads * capacity * kShape.head_dim)),
        hidden_states(static_cast<size_t>((kTokens + 1) * kHidden)),
        tokens(kTokens, -1) {
    Numbers numbers(static_cast<uint64_t>(100 + number));
    for (float& value : cache) value = numbers();
    for (float& value : hidden_states) value = numbers();
    row.cache = cache.data();
    row.capacity = capacity;
    row.hidden_states = hidden_states.data();
    row.tokens = tokens.data();
    row.position = position;
    row.drawn = drawn;
    row.seed = static_cast<uint64_t>(7 * number + 1);
    row.top_k = number % 2 == 0 ? 0 : 20;
    row.temperature = number % 5 == 4 ? 0.0f : 0.9f;
    row.top_p = 0.8f;
  }
  Sequence(const Sequence&) = delete;

  int64_t capacity;
  std::vector<float> cache, hidden_states;
  std::vector<int32_t> tokens;
  TokenRow row;
};

class Batch {
 public:
  explicit Batch(int64_t count) {
    constexpr int64_t kPositions[] = {0, 127, 128, 300, 41, 255};
    for (int64_t b = 0; b < count; ++b) {
      sequences.push_back(std::make_unique<Sequence>(b, kPositions[b % 6], b % kTokens));
      rows.push_back(sequences.back()->row);
    }
  }

  TokenTable table() { return {rows.data(), static_cast<int64_t>(rows.size()), kMostPositions}; }
  int64_t count() const { return static_cast<int64_t>(rows.size()); }

  std::vector<std::unique_ptr<Sequence>> sequences;
  std::vector<TokenRow> rows;
};

constexpr int64_t kBatches[] = {1, 3, 7, 64};

TEST(TokenRows, GatherTheNewestHiddenState) {
  for (int64_t count : kBatches) {
    Batch batch(count);
    OwnedMatrix out(count, kHidden);
    cpu::GatherHiddenStates(batch.table(), *out);
    ASSERT_TRUE(out.PaddingUntouched());
    for (int64_t b = 0; b < count; ++b) {
      const float* expected = batch.sequences[static_cast<size_t>(b)]->hidden_states.data() + b % kTokens * kHidden;
      ASSERT_EQ(std::memcmp((*out).row(b), expected, kHidden * sizeof(float)), 0) << "row " << b;
    }
  }
}

TEST(TokenRows, DrawWithTheNumberOfTheirOwnSeedAndToken) {
  for (int64_t count : kBatches) {
    Batch batch(count);
    const OwnedMatrix logits(count, kCodes, Numbers(1), 4.0f);
    ScratchContext context = NewContext();
    cpu::DrawTokens(context, *logits, batch.table());
    for (int64_t b = 0; b < count; ++b) {
      const TokenRow& row = batch.rows[static_cast<size_t>(b)];
      const float uniform = Uniform(row.seed, RandomStream::kTokens, static_cast<uint64_t>(row.drawn));
      int32_t expected = -1;
      cpu::Sample(context, (*logits).Rows(b, 1), {row.temperature, row.top_k, row.top_p, uniform}, &expected);
      for (int64_t i = 0; i < kTokens; ++i) ASSERT_EQ(row.tokens[i], i == row.drawn ? expected : -1) << "row " << b;
      ASSERT_EQ(row.finite, 1);
      ASSERT_EQ(row.drawn, b % kTokens) << "only FinishTokens goes on";
    }
  }
}

TEST(TokenRows, SayWhoseLogitsAreNotFinite) {
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()}) {
    Batch batch(3);
    const OwnedMatrix logits(3, kCodes, Numbers(1));
    logits.at(1, kCodes - 1) = value;
    ScratchContext context = NewContext();
    cpu::DrawTokens(context, *logits, batch.table());
    EXPECT_EQ(batch.rows[0].finite, 1);
    EXPECT_EQ(batch.rows[1].finite, 0);
    EXPECT_EQ(batch.rows[2].finite, 1);
    const OwnedMatrix good(3, kCodes, Numbers(2));
    cpu::DrawTokens(context, *good, batch.table());
    EXPECT_EQ(batch.rows[1].finite, 0) << "good logits make up for nothing";
  }
}

TEST(TokenRows, EmbedTheNewestToken) {
  ForEachTarget([] {
    const OwnedWeight table(Shape{kCodes + 3, kHidden}, DType::kBF16, Numbers(1));
    Batch batch(7);
    OwnedMatrix out(7, kHidden);
    for (int64_t b = 0; b < 7; ++b)
      batch.rows[static_cast<size_t>(b)].tokens[b % kTokens] = static_cast<int32_t>(b * 11);
    ScratchContext context = NewContext();
    cpu::EmbedTokens(context, *table, 3, batch.table(), *out);
    ASSERT_TRUE(out.PaddingUntouched());
    for (int64_t b = 0; b < 7; ++b) {
      for (int64_t c = 0; c < kHidden; ++c) ASSERT_EQ(out.at(b, c), table[(b * 11 + 3) * kHidden + c]);
    }
  });
}

// Of each layer in turn: the same bytes as of sequences by themselves, and no other layer's memory is touched.
TEST(TokenRows, RotateAppendAndAttendInTheirOwnCache) {
  ForEachTarget([] {
    const int64_t width = kShape.heads * kShape.head_dim, kv_width = kShape.kv_heads * kShape.head_dim;
    const OwnedWeight q_norm(Shape{kShape.head_dim}, DType::kBF16, Numbers(1)),
        k_norm(Shape{kShape.head_dim}, DType::kBF16, Numbers(2));
    const RotaryParameters parameters{kShape, *q_norm, *k_norm, 1e-6, 1e6};
    for (int64_t count : kBatches) {
      Batch batch(count), alone(count);
      ScratchContext context = NewContext();
      for (int64_t layer = 0; layer < kLayers; ++layer) {
        const Numbers numbers(static_cast<uint64_t>(10 + layer));
        const OwnedMatrix k(count, kv_width, Numbers(3)), v(count, kv_width, Numbers(4));
        OwnedMatrix q(count, width, numbers), out(count, width), own_q(count, width, numbers), own_out(count, width);
        cpu::RotaryAppendTokens(context, parameters, layer, *q, *k, *v, batch.table());
        cpu::DecodeAttention(context, kShape, layer, *q, batch.table(), *out);
        for (int64_t b = 0; b < count; ++b) {
          const TokenRow& row = alone.rows[static_cast<size_t>(b)];
          const int64_t half = kShape.kv_heads * row.capacity * kShape.head_dim;
          float* keys = row.cache + layer * 2 * half;
          const KvSlot slot{keys, keys + half, row.capacity, row.position};
          cpu::RotaryAppend(context, parameters, (*own_q).Rows(b, 1), (*k).Rows(b, 1), (*v).Rows(b, 1), slot);
          cpu::DecodeAttention(context, kShape, (*own_q).Rows(b, 1), std::span(&slot, 1), (*own_out).Rows(b, 1));
        }
        ASSERT_TRUE(q == own_q && out == own_out) << "layer " << layer << " of " << count << " rows";
      }
      for (size_t b = 0; b < batch.rows.size(); ++b) ASSERT_EQ(batch.sequences[b]->cache, alone.sequences[b]->cache);
    }
  });
}

TEST(TokenRows, FinishWithTheNextHiddenState) {
  ForEachTarget([] {
    const OwnedWeight norm(Shape{kHidden}, DType::kBF16, Numbers(1));
    for (int64_t count : kBatches) {
      Batch batch(count), before(count);
      const OwnedMatrix x(count, kHidden, Numbers(2));
      ScratchContext context = NewContext();
      cpu::FinishTokens(context, *x, *norm, 1e-6, batch.table());
      for (int64_t b = 0; b < count; ++b) {
        const size_t i = static_cast<size_t>(b);
        ASSERT_EQ(batch.rows[i].drawn, before.rows[i].drawn + 1);
        ASSERT_EQ(batch.rows[i].position, before.rows[i].position + 1);
        std::vector<float>& expected = before.sequences[i]->hidden_states;
        const Matrix to{expected.data() + batch.rows[i].drawn * kHidden, 1, kHidden, kHidden};
        cpu::RmsNorm(context, (*x).Rows(b, 1), *norm, {}, 1e-6, Activation::kNone, {}, to);
        ASSERT_EQ(batch.sequences[i]->hidden_states, expected) << "row " << b;
      }
    }
  });
}

}  // namespace
}  // namespace blip3o
