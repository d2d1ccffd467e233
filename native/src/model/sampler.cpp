#include "model/sampler.h"

#include "base/philox.h"

namespace blip3o {

void ImageLogits(Ops& ops, const View& image_head, const Matrix& hidden_states, const Matrix& logits) {
  ops.TokenMatmul(hidden_states, image_head, {}, logits);
}

void DrawTokens(Ops& ops, const Matrix& logits, std::span<const Draw> draws) {
  for (size_t i = 0; i < draws.size(); ++i) {
    const auto& [settings, index, token] = draws[i];
    const float uniform = Uniform(settings.seed, RandomStream::kTokens, static_cast<uint64_t>(index));
    ops.Sample(logits.Rows(static_cast<int64_t>(i), 1), {settings.temperature, settings.top_k, settings.top_p, uniform},
               token);
  }
}

}  // namespace blip3o
