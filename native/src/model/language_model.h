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

// One sequence's place in a batch that decodes.
struct DecodeRow {
  const int32_t* token = nullptr;  // i32, the backend's memory; the id is *token + offset
  int64_t position = 0;
  std::span<const KvSlot> cache;  // a slot for each layer
  Matrix hidden_state;            // [1, H], the result, after the final norm
};

class LanguageModel {
 public:
  // A prompt is prefilled in chunks of so many positions, counted from 0, in any company.
  static constexpr int64_t kPrefillChunk = 128;
  // Sequences that decode together, at most.
  static constexpr int64_t kMostRows = 64;

  // Both must outlive the model.
  LanguageModel(const LanguageModelConfig& config, const LanguageModelWeights& weights)
      : config_(config), weights_(weights) {}

  // A cache for `capacity` positions of one sequence: a slot for each layer.
  std::vector<KvSlot> TakeCache(Arena& arena, int64_t capacity) const;

  // Runs ids[0, count) (i32, the backend's memory) at positions [first, first + count), behind those that the cache
  // holds, and fills the cache with them. hidden_states receives the last rows, as many as it has, [., H], after the
  // final norm; it may be empty. `progress` hears of each layer and may stop the rest.
  Status Prefill(Ops& ops, Arena& arena, const int32_t* ids, int64_t first, int64_t count,
                 std::span<const KvSlot> cache, const Matrix& hidden_states, Progress& progress) const;

  // Runs one id of each of 1 to kMostRows sequences: the weights are read once for all. A row's result does not depend
  // on the others.
  void Decode(Ops& ops, Arena& arena, int32_t offset, std::span<const DecodeRow> rows) const;

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
  // `slots`: in prefill that of the one sequence, in decoding one for each row.
  void Layer(Ops& ops, const QwenLayerWeights& layer, const Buffers& b, std::span<const KvSlot> slots, Mode mode) const;
  void Attend(Ops& ops, const QwenLayerWeights& layer, const Buffers& b, std::span<const KvSlot> slots,
              Mode mode) const;
  void AppendKeys(Ops& ops, const RotaryParameters& rotary, const Buffers& b, std::span<const KvSlot> slots,
                  Mode mode) const;
  void FeedForward(Ops& ops, const QwenLayerWeights& layer, const Buffers& b, Mode mode) const;
  void Norm(Ops& ops, const Matrix& x, const View& weight, const Matrix& out) const;

  const LanguageModelConfig& config_;
  const LanguageModelWeights& weights_;
};

}  // namespace blip3o
