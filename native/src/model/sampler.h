// Draws image tokens from hidden states. Only the image tokens' rows of the language model's head are computed, since
// no other id may be drawn during the image span.
#pragma once

#include <cstdint>
#include <span>

#include "ops/ops.h"

namespace blip3o {

struct SamplerSettings {
  float temperature = 1.0f;  // 0: greedy
  int64_t top_k = 0;         // 0: all
  float top_p = 1.0f;
  uint64_t seed = 0;
};

// One sequence's draw.
struct Draw {
  SamplerSettings settings;
  int64_t index = 0;         // of the token: its random number is number `index` of the seed
  int32_t* token = nullptr;  // receives the image code; the backend's memory
};

// logits [B, codes] = hidden_states [B, H] · image_headᵀ, B from 1 to 64.
void ImageLogits(Ops& ops, const View& image_head, const Matrix& hidden_states, const Matrix& logits);

// Draws row b of `logits` for draws[b].
void DrawTokens(Ops& ops, const Matrix& logits, std::span<const Draw> draws);

}  // namespace blip3o
