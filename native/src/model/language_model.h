// Qwen3 with a key-value cache: vocabulary ids → hidden states.
//
// Source: transformers: modeling_qwen3.py, Qwen3Model. Differs: only rows that somebody reads pass through the final
// norm, and decoding yields the hidden states that the public code computes in a second pass.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/arena.h"
#include "base/status.h"
#include "model/progress.h"
#include "ops/ops.h"
#include "weights/config.h"
#include "weights/model_weights.h"

namespace blip3o {

class LanguageModel {
 public:
  // Both must outlive the model.
  LanguageModel(const LanguageModelConfig& config, const LanguageModelWeights& weights)
      : config_(config), weights_(weights) {}

  // A cache for `capacity` positions of one sequence: a slot for each layer.
  std::vector<KvSlot> TakeCache(Arena& arena, int64_t capacity) const;

  // Runs ids[0, count) (i32, the backend's memory) at positions [0, count) and fills the cache with them.
  // hidden_states receives the last rows, as many as it has, [., H], after the final norm. `progress` hears of each
  // layer and may stop the rest.
  Status Prefill(Ops& ops, Arena& arena, const int32_t* ids, int64_t count, std::span<const KvSlot> cache,
                 const Matrix& hidden_states, Progress& progress) const;

  // Runs the one id *token + offset at `position`. hidden_state [1, H], after the final norm.
  void Decode(Ops& ops, Arena& arena, const int32_t* token, int32_t offset, int64_t position,
              std::span<const KvSlot> cache, const Matrix& hidden_state) const;

 private:
  // Activations of `rows` tokens; reused by every layer.
  struct Buffers {
    Matrix x;         // [T, H] residual stream
    Matrix normed;    // [T, H]
    Matrix q, k, v;   // [T, heads·d], [T, kv_heads·d] twice
    Matrix attended;  // [T, heads·d]
    Matrix gate, up;  // [T, I]; `up` in prefill only
  };
  enum class Mode { kPrefill, kDecode };

  Buffers Take(Arena& arena, int64_t rows, Mode mode) const;
  void Layer(Ops& ops, const QwenLayerWeights& layer, const Buffers& b, const KvSlot& slot, Mode mode) const;
  void Attend(Ops& ops, const QwenLayerWeights& layer, const Buffers& b, const KvSlot& slot, Mode mode) const;
  void FeedForward(Ops& ops, const QwenLayerWeights& layer, const Buffers& b, Mode mode) const;
  void Norm(Ops& ops, const Matrix& x, const View& weight, const Matrix& out) const;

  const LanguageModelConfig& config_;
  const LanguageModelWeights& weights_;
};

}  // namespace blip3o
