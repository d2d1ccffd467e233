// Qwen3 with a key-value cache: vocabulary ids → hidden states.
//
// Source: transformers: modeling_qwen3.py, Qwen3Model. Differs: only rows that somebody reads pass through the final
// norm, and decoding yields the hidden states that the public code computes in a second pass.
#pragma once

#include <cstdint>

#include "base/arena.h"
#include "base/status.h"
#include "model/progress.h"
#include "ops/ops.h"
#include "weights/config.h"
#include "weights/model_weights.h"

namespace blip3o {

class LanguageModel {
 public:
  // A prompt is prefilled in chunks of so many positions, counted from 0, in any company.
  static constexpr int64_t kPrefillChunk = 128;
  // Sequences that decode together, at most.
  static constexpr int64_t kMostRows = 64;

  // Both must outlive the model.
  LanguageModel(const LanguageModelConfig& config, const LanguageModelWeights& weights)
      : config_(config), weights_(weights) {}

  AttentionShape attention() const { return {config_.num_heads, config_.num_kv_heads, config_.head_dim}; }

  // Keys and values of one sequence: [layers, 2, kv_heads, capacity, head_dim] f32.
  struct Cache {
    float* data = nullptr;
    int64_t capacity = 0;  // positions that it has room for
  };
  Cache TakeCache(Arena& arena, int64_t capacity) const;

  // Runs ids[0, count) (i32, the backend's memory) at positions [first, first + count), behind those that the cache
  // holds, and fills the cache with them. hidden_states receives the last rows, as many as it has, [., H], after the
  // final norm; it may be empty. `progress` hears of each layer and may stop the rest.
  Status Prefill(Ops& ops, Arena& arena, const int32_t* ids, int64_t first, int64_t count, const Cache& cache,
                 const Matrix& hidden_states, Progress& progress) const;

  // Runs the newest token of 1 to kMostRows sequences, of id tokens[drawn] + offset, to the next hidden state: the
  // weights are read once for all. A row's result does not depend on the others. Reads and writes nothing of the host.
  void Decode(Ops& ops, Arena& arena, int32_t offset, const TokenTable& table) const;

 private:
  // Activations of `rows` tokens; reused by every layer.
  struct Buffers {
    Matrix x;         // [T, H] residual stream
    Matrix normed;    // [T, H]; in prefill only
    Matrix q, k, v;   // [T, heads·d], [T, kv_heads·d] twice
    Matrix attended;  // [T, heads·d]
    Matrix gate, up;  // [T, I]; `up` in prefill only
  };
  enum class Mode { kPrefill, kDecode };

  Buffers Take(Arena& arena, int64_t rows, Mode mode) const;
  RotaryParameters RotaryOf(const QwenLayerWeights& layer) const;
  void PrefillLayer(Ops& ops, const QwenLayerWeights& layer, const Buffers& b, const KvSlot& slot) const;
  void DecodeLayer(Ops& ops, size_t index, const Buffers& b, const TokenTable& table) const;
  void Norm(Ops& ops, const Matrix& x, const View& weight, const Matrix& out) const;

  const LanguageModelConfig& config_;
  const LanguageModelWeights& weights_;
};

}  // namespace blip3o
