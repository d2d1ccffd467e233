// Draws image tokens from hidden states. Only the image tokens' rows of the language model's head are computed, since
// no other id may be drawn during the image span.
#pragma once

#include "ops/ops.h"

namespace blip3o {

// The next image code of each row of the table, from its newest hidden state. `hidden_states` [B, H] and `logits`
// [B, codes] are memory to work in; the logits stay in it. Reads and writes nothing of the host.
void DrawTokens(Ops& ops, const View& image_head, const TokenTable& table, const Matrix& hidden_states,
                const Matrix& logits);

}  // namespace blip3o
