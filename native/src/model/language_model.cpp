#include "model/language_model.h"

namespace blip3o {

namespace {

KvSlot At(KvSlot slot, int64_t position) {
  slot.position = position;
  return slot;
}

}  // namespace

std::vector<KvSlot> LanguageModel::TakeCache(Arena& arena, int64_t capacity) const {
  const int64_t count = config_.num_kv_heads * capacity * config_.head_dim;
  std::vector<KvSlot> cache(static_cast<size_t>(config_.num_layers));
  for (KvSlot& slot : cache) slot = {arena.Take<float>(count), arena.Take<float>(count), capacity, 0};
  return cache;
}

LanguageModel::Buffers LanguageModel::Take(Arena& arena, int64_t rows, Mode mode) const {
  const int64_t q_size = config_.num_heads * config_.head_dim, kv_size = config_.num_kv_heads * config_.head_dim;
  Buffers b;
  b.x = arena.TakeMatrix(rows, config_.hidden_size);
  b.normed = arena.TakeMatrix(rows, config_.hidden_size);
  b.q = arena.TakeMatrix(rows, q_size);
  b.k = arena.TakeMatrix(rows, kv_size);
  b.v = arena.TakeMatrix(rows, kv_size);
  b.attended = arena.TakeMatrix(rows, q_size);
  b.gate = arena.TakeMatrix(rows, config_.intermediate_size);
  if (mode == Mode::kPrefill) b.up = arena.TakeMatrix(rows, config_.intermediate_size);
  return b;
}

Status LanguageModel::Prefill(Ops& ops, Arena& arena, const int32_t* ids, int64_t first, int64_t count,
                              std::span<const KvSlot> cache, const Matrix& hidden_states, Progress& progress) const {
  const Arena::Scope scope(arena);
  const Buffers b = Take(arena, count, Mode::kPrefill);
  ops.Embed(weights_.embed_tokens, ids, 0, b.x);
  const int layers = static_cast<int>(weights_.layers.size());
  for (size_t i = 0; i < weights_.layers.size(); ++i) {
    const KvSlot slot = At(cache[i], first);
    Layer(ops, weights_.layers[i], b, {&slot, 1}, Mode::kPrefill);
    BLIP3O_RETURN_IF_ERROR(progress.Advance(static_cast<int>(i + 1), layers));
  }
  if (!hidden_states.empty()) {
    Norm(ops, b.x.Rows(count - hidden_states.rows, hidden_states.rows), weights_.norm, hidden_states);
  }
  return {};
}

void LanguageModel::Decode(Ops& ops, Arena& arena, int32_t offset, std::span<const DecodeRow> rows) const {
  const Arena::Scope scope(arena);
  const int64_t count = static_cast<int64_t>(rows.size());
  const Buffers b = Take(arena, count, Mode::kDecode);
  for (int64_t r = 0; r < count; ++r) {
    ops.Embed(weights_.embed_tokens, rows[static_cast<size_t>(r)].token, offset, b.x.Rows(r, 1));
  }
  std::vector<KvSlot> slots(rows.size());
  for (size_t i = 0; i < weights_.layers.size(); ++i) {
    for (size_t r = 0; r < rows.size(); ++r) slots[r] = At(rows[r].cache[i], rows[r].position);
    Layer(ops, weights_.layers[i], b, slots, Mode::kDecode);
  }
  for (int64_t r = 0; r < count; ++r) {
    Norm(ops, b.x.Rows(r, 1), weights_.norm, rows[static_cast<size_t>(r)].hidden_state);
  }
}

void LanguageModel::Layer(Ops& ops, const QwenLayerWeights& layer, const Buffers& b, std::span<const KvSlot> slots,
                          Mode mode) const {
  Norm(ops, b.x, layer.input_layernorm, b.normed);
  Attend(ops, layer, b, slots, mode);
  Norm(ops, b.x, layer.post_attention_layernorm, b.normed);
  FeedForward(ops, layer, b, mode);
}

// x += o_proj(attention(rope(norm(q_proj normed)), …))
void LanguageModel::Attend(Ops& ops, const QwenLayerWeights& layer, const Buffers& b, std::span<const KvSlot> slots,
                           Mode mode) const {
  const AttentionShape shape{config_.num_heads, config_.num_kv_heads, config_.head_dim};
  const RotaryParameters rotary{shape, layer.q_norm, layer.k_norm, config_.rms_norm_eps, config_.rope_theta};
  const auto product = mode == Mode::kPrefill ? &Ops::Matmul : &Ops::TokenMatmul;
  (ops.*product)(b.normed, layer.q_proj, {}, b.q);
  (ops.*product)(b.normed, layer.k_proj, {}, b.k);
  (ops.*product)(b.normed, layer.v_proj, {}, b.v);
  AppendKeys(ops, rotary, b, slots, mode);
  if (mode == Mode::kPrefill) {
    ops.PrefillAttention(shape, b.q, slots[0], b.attended);
  } else {
    ops.DecodeAttention(shape, b.q, slots, b.attended);
  }
  (ops.*product)(b.attended, layer.o_proj, {.residual = b.x}, b.x);
}

void LanguageModel::AppendKeys(Ops& ops, const RotaryParameters& rotary, const Buffers& b,
                               std::span<const KvSlot> slots, Mode mode) const {
  if (mode == Mode::kPrefill) return ops.RotaryAppend(rotary, b.q, b.k, b.v, slots[0]);
  for (size_t i = 0; i < slots.size(); ++i) {
    const int64_t r = static_cast<int64_t>(i);
    ops.RotaryAppend(rotary, b.q.Rows(r, 1), b.k.Rows(r, 1), b.v.Rows(r, 1), slots[i]);
  }
}

// x += down_proj(silu(gate_proj normed) ⊙ up_proj normed)
void LanguageModel::FeedForward(Ops& ops, const QwenLayerWeights& layer, const Buffers& b, Mode mode) const {
  if (mode == Mode::kDecode) {
    ops.TokenSwiGlu(b.normed, layer.gate_proj, layer.up_proj, b.gate);
    ops.TokenMatmul(b.gate, layer.down_proj, {.residual = b.x}, b.x);
    return;
  }
  ops.Matmul(b.normed, layer.gate_proj, {.activation = Activation::kSilu}, b.gate);
  ops.Matmul(b.normed, layer.up_proj, {.gate = b.gate}, b.up);
  ops.Matmul(b.up, layer.down_proj, {.residual = b.x}, b.x);
}

void LanguageModel::Norm(Ops& ops, const Matrix& x, const View& weight, const Matrix& out) const {
  ops.RmsNorm(x, weight, {}, config_.rms_norm_eps, Activation::kNone, {}, out);
}

}  // namespace blip3o
