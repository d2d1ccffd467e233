// The token loop over a table in host memory: each row's share is what the kernels for one sequence do.
#include <array>
#include <cassert>
#include <cstring>

#include "base/philox.h"
#include "ops/cpu/kernels.h"

namespace blip3o::cpu {

namespace {

constexpr size_t kMaxRows = 64;

KvSlot SlotOf(const AttentionShape& shape, int64_t layer, const TokenRow& row) {
  assert(row.position < row.capacity);
  return blip3o::SlotOf(shape, row.cache, row.capacity, layer, row.position);
}

}  // namespace

void GatherHiddenStates(const TokenTable& table, const Matrix& out) {
  assert(out.rows == table.count);
  for (int64_t b = 0; b < table.count; ++b) {
    const TokenRow& row = table.rows[b];
    std::memcpy(out.row(b), row.hidden_states + row.drawn * out.cols, static_cast<size_t>(out.cols) * sizeof(float));
  }
}

void DrawTokens(Context& context, const Matrix& logits, const TokenTable& table) {
  assert(logits.rows == table.count);
  for (int64_t b = 0; b < table.count; ++b) {
    TokenRow& row = table.rows[b];
    const Matrix own = logits.Rows(b, 1);
    if (!AllFinite(context, own)) row.finite = 0;
    const float uniform = Uniform(row.seed, RandomStream::kTokens, static_cast<uint64_t>(row.drawn));
    float* const log_probabilities = row.log_probabilities ? row.log_probabilities + 2 * row.drawn : nullptr;
    Sample(context, own, {row.temperature, row.top_k, row.top_p, uniform}, row.tokens + row.drawn, log_probabilities);
  }
}

void EmbedTokens(Context& context, const View& embedding, int32_t offset, const TokenTable& table, const Matrix& out) {
  assert(out.rows == table.count);
  for (int64_t b = 0; b < table.count; ++b) {
    const TokenRow& row = table.rows[b];
    Embed(context, embedding, row.tokens + row.drawn, offset, out.Rows(b, 1));
  }
}

void RotaryAppendTokens(Context& context, const RotaryParameters& parameters, int64_t layer, const Matrix& q,
                        const Matrix& k, const Matrix& v, const TokenTable& table) {
  assert(q.rows == table.count);
  for (int64_t b = 0; b < table.count; ++b) {
    const KvSlot slot = SlotOf(parameters.shape, layer, table.rows[b]);
    RotaryAppend(context, parameters, q.Rows(b, 1), k.Rows(b, 1), v.Rows(b, 1), slot);
  }
}

void DecodeAttention(Context& context, const AttentionShape& shape, int64_t layer, const Matrix& q,
                     const TokenTable& table, const Matrix& out) {
  assert(q.rows == table.count && table.count <= static_cast<int64_t>(kMaxRows));
  std::array<KvSlot, kMaxRows> slots;
  for (int64_t b = 0; b < table.count; ++b) {
    assert(table.rows[b].position < table.most_positions);
    slots[static_cast<size_t>(b)] = SlotOf(shape, layer, table.rows[b]);
  }
  DecodeAttention(context, shape, q, std::span(slots).first(static_cast<size_t>(table.count)), out);
}

void FinishTokens(Context& context, const Matrix& x, const View& norm, double eps, const TokenTable& table) {
  assert(x.rows == table.count);
  for (int64_t b = 0; b < table.count; ++b) {
    TokenRow& row = table.rows[b];
    const Matrix to = {row.hidden_states + (row.drawn + 1) * x.cols, 1, x.cols, x.cols};
    RmsNorm(context, x.Rows(b, 1), norm, {}, eps, Activation::kNone, {}, to);
    ++row.drawn;
    ++row.position;
  }
}

}  // namespace blip3o::cpu
