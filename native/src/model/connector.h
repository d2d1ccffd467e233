// The bridge between the halves: hidden states [N + 1, H] → condition [N + 1, C].
//
// Source: BLIP3o-NEXT, diffusion_connector: Linear, GELU(tanh), Linear, RMSNorm.
#pragma once

#include "base/arena.h"
#include "ops/ops.h"
#include "weights/model_weights.h"

namespace blip3o {

class Connector {
 public:
  explicit Connector(const ConnectorWeights& weights) : weights_(weights) {}

  // condition [T, C] from hidden_states [T, H].
  void Apply(Ops& ops, Arena& arena, const Matrix& hidden_states, const Matrix& condition) const;

  // null_condition [1, C]: the connector of zeros. Every row of text to image's null condition is this one.
  void ApplyToZeros(Ops& ops, Arena& arena, int64_t hidden_size, const Matrix& null_condition) const;

 private:
  const ConnectorWeights& weights_;
};

}  // namespace blip3o
