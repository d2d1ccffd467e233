// Draws image tokens from hidden states. Only the image tokens' rows of the language model's head are computed, since
// no other id may be drawn during the image span.
#pragma once

#include <cstdint>

#include "ops/ops.h"

namespace blip3o {

struct SamplerSettings {
  float temperature = 1.0f;  // 0: greedy
  int64_t top_k = 0;         // 0: all
  float top_p = 1.0f;
  uint64_t seed = 0;
};

// logits [1, codes] = image_head · hidden_state, then *token = image code drawn with random number `index` of the seed.
void DrawToken(Ops& ops, const View& image_head, const Matrix& hidden_state, const SamplerSettings& settings,
               int64_t index, const Matrix& logits, int32_t* token);

}  // namespace blip3o
