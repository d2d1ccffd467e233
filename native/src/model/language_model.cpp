#include "model/language_model.h"

namespace blip3o {

LanguageModel::Cache LanguageModel::TakeCache(Arena& arena, int64_t capacity) const {
  return {arena.Take<float>(config_.num_layers * 2 * config_.num_kv_heads * capacity * config_.head_dim), capacity};
}

LanguageModel::Buffers LanguageModel::Take(Arena& arena, int64_t rows, Mode mode) const {
  const int64_t q_size = config_.num_heads * config_.head_dim, kv_size = config_.num_kv_heads * config_.head_dim;
  Buffers b;
  b.x = arena.TakeMatrix(rows, config_.hidden_size);
  if (mode == Mode::kPrefill) b.normed = arena.TakeMatrix(rows, config_.hidden_size);
  b.q = arena.TakeMatrix(rows, q_size);
  b.k = arena.TakeMatrix(rows, kv_size);
  b.v = arena.TakeMatrix(rows, kv_size);
  b.attended = arena.TakeMatrix(rows, q_size);
  b.gate = arena.TakeMatrix(rows, config_.intermediate_size);
  if (mode == Mode::kPrefill) b.up = arena.TakeMatrix(rows, config_.intermediate_size);
  return b;
}

Status LanguageModel::Prefill(Ops& ops, Arena& arena, const int32_t* ids, int64_t first, int64_t count,
                              const Cache& cache, const Matrix& hidden_states, Progress& progress) const {
  const Arena::Scope scope(arena);
  const Buffers b = Take(arena, count, Mode::kPrefill);
  ops.Embed(weights_.embed_tokens, ids, 0, b.x);
  const int layers = static_cast<int>(weights_.layers.size());
  for (int i = 0; i < layers; ++i) {
    const KvSlot slot = SlotOf(attention(), cache.data, cache.capacity, i, first);
    PrefillLayer(ops, weights_.layers[static_cast<size_t>(i)], b, slot);
    BLIP3O_RETURN_IF_ERROR(progress.Advance(i + 1, layers));
  }
  if (!hidden_states.empty()) {
    Norm(ops, b.x.Rows(count - hidden_states.rows, hidden_states.rows), weights_.norm, hidden_states);
  }
  return {};
}

void LanguageModel::Decode(Ops& ops, Arena& arena, int32_t offset, const TokenTable& table) const {
  const Arena::Scope scope(arena);
  const Buffers b = Take(arena, table.count, Mode::kDecode);
  ops.EmbedTokens(weights_.embed_tokens, offset, table, b.x);
  for (size_t i = 0; i < weights_.layers.size(); ++i) DecodeLayer(ops, i, b, table);
  ops.FinishTokens(b.x, weights_.norm, config_.rms_norm_eps, table);
}

RotaryParameters LanguageModel::RotaryOf(const QwenLayerWeights& layer) const {
  return {attention(), layer.q_norm, layer.k_norm, config_.rms_norm_eps, config_.rope_theta};
}

// x += o_proj(attention(rope(norm(q_proj normed)), …)), then x += down_proj(silu(gate_proj normed) ⊙ up_proj normed)
void LanguageModel::PrefillLayer(Ops& ops, const QwenLayerWeights& layer, const Buffers& b, const KvSlot& slot) const {
  Norm(ops, b.x, layer.input_layernorm, b.normed);
  ops.Matmul(b.normed, layer.q_proj, {}, b.q);
  ops.Matmul(b.normed, layer.k_proj, {}, b.k);
  ops.Matmul(b.normed, layer.v_proj, {}, b.v);
  ops.RotaryAppend(RotaryOf(layer), b.q, b.k, b.v, slot);
  ops.PrefillAttention(attention(), b.q, slot, b.attended);
  ops.Matmul(b.attended, layer.o_proj, {.residual = b.x}, b.x);

  Norm(ops, b.x, layer.post_attention_layernorm, b.normed);
  ops.Matmul(b.normed, layer.gate_proj, {.activation = Activation::kSilu}, b.gate);
  ops.Matmul(b.normed, layer.up_proj, {.gate = b.gate}, b.up);
  ops.Matmul(b.up, layer.down_proj, {.residual = b.x}, b.x);
}

// The same of one token of each row, in six operations.
void LanguageModel::DecodeLayer(Ops& ops, size_t index, const Buffers& b, const TokenTable& table) const {
  const QwenLayerWeights& layer = weights_.layers[index];
  const int64_t number = static_cast<int64_t>(index);
  const TokenProduct projections[] = {{layer.q_proj, {}, b.q}, {layer.k_proj, {}, b.k}, {layer.v_proj, {}, b.v}};
  ops.TokenMatmul({b.x, layer.input_layernorm, config_.rms_norm_eps}, projections);
  ops.RotaryAppendTokens(RotaryOf(layer), number, b.q, b.k, b.v, table);
  ops.DecodeAttention(attention(), number, b.q, table, b.attended);
  ops.TokenMatmul(b.attended, layer.o_proj, {.residual = b.x}, b.x);

  ops.TokenSwiGlu({b.x, layer.post_attention_layernorm, config_.rms_norm_eps}, layer.gate_proj, layer.up_proj, b.gate);
  ops.TokenMatmul(b.gate, layer.down_proj, {.residual = b.x}, b.x);
}

void LanguageModel::Norm(Ops& ops, const Matrix& x, const View& weight, const Matrix& out) const {
  ops.RmsNorm(x, weight, {}, config_.rms_norm_eps, Activation::kNone, {}, out);
}

}  // namespace blip3o
