// DC-AE's decoder: latents → image.
//
// Source: diffusers: autoencoders/autoencoder_dc.py: Decoder.
#pragma once

#include <cstdint>

#include "base/arena.h"
#include "model/autoencoder_blocks.h"
#include "model/progress.h"
#include "ops/ops.h"
#include "weights/config.h"
#include "weights/model_weights.h"

namespace blip3o {

class AutoencoderDecoder {
 public:
  // Both must outlive the model.
  AutoencoderDecoder(const AutoencoderConfig& config, const AutoencoderDecoderWeights& weights)
      : config_(config), weights_(weights) {}

  // How many parts Decode reports.
  int Parts() const { return AutoencoderParts(config_.decoder); }

  // image [height·s · width·s, 3] from latents [height·width, c], scaling_factor already divided out; s = 2^samplers.
  // Reports the input, each block and the output to `progress`, which may stop it.
  Status Decode(Ops& ops, Arena& arena, const Matrix& latents, int64_t height, int64_t width, Progress& progress,
                const Matrix& image) const;

 private:
  // The map of the deepest stage.
  void Input(Ops& ops, const Matrix& latents, const AutoencoderMap& out) const;
  // The up-sampler of one stage, with its shortcut: [grid, Cin] → [2·grid, Cout].
  void Upsample(Ops& ops, Arena& arena, const ConvWeights& weights, const AutoencoderMap& in, bool shortcut,
                const AutoencoderMap& out) const;
  void Output(Ops& ops, Arena& arena, const AutoencoderMap& map, const Matrix& image) const;

  const AutoencoderConfig& config_;
  const AutoencoderDecoderWeights& weights_;
};

}  // namespace blip3o
