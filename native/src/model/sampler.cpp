#include "model/sampler.h"

namespace blip3o {

void DrawTokens(Ops& ops, const View& image_head, const TokenTable& table, const Matrix& hidden_states,
                const Matrix& logits) {
  ops.GatherHiddenStates(table, hidden_states);
  ops.TokenMatmul(hidden_states, image_head, {}, logits);
  ops.DrawTokens(logits, table);
}

}  // namespace blip3o
