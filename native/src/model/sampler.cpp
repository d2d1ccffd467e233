#include "model/sampler.h"

#include "base/philox.h"

namespace blip3o {

void DrawToken(Ops& ops, const View& image_head, const Matrix& hidden_state, const SamplerSettings& settings,
               int64_t index, const Matrix& logits, int32_t* token) {
  ops.TokenMatmul(hidden_state, image_head, {}, logits);
  const float uniform = Uniform(settings.seed, RandomStream::kTokens, static_cast<uint64_t>(index));
  ops.Sample(logits, {settings.temperature, settings.top_k, settings.top_p, uniform}, token);
}

}  // namespace blip3o
