// DC-AE's encoder: image → latents.
//
// Source: diffusers: autoencoders/autoencoder_dc.py: Encoder.
#pragma once

#include <cstdint>

#include "base/arena.h"
#include "model/autoencoder_blocks.h"
#include "model/progress.h"
#include "ops/ops.h"
#include "weights/config.h"
#include "weights/model_weights.h"

namespace blip3o {

class AutoencoderEncoder {
 public:
  // Both must outlive the model.
  AutoencoderEncoder(const AutoencoderConfig& config, const AutoencoderEncoderWeights& weights)
      : config_(config), weights_(weights) {}

  // How many parts Encode reports.
  int Parts() const { return AutoencoderParts(config_.encoder); }

  // latents [height/s · width/s, c], not yet times scaling_factor, from image [height·width, 3] in [-1, 1];
  // s = 2^samplers divides both sides. Reports each block, the input and the output to `progress`, which may stop it.
  Status Encode(Ops& ops, Arena& arena, const Matrix& image, int64_t height, int64_t width, Progress& progress,
                const Matrix& latents) const;

 private:
  // The map of the first stage that has layers.
  void Input(Ops& ops, Arena& arena, const Matrix& image, const Grid& grid, const AutoencoderMap& out) const;
  // The down-sampler of one stage, with its shortcut: [2·grid, Cin] → [grid, Cout].
  void Downsample(Ops& ops, Arena& arena, const ConvWeights& weights, const AutoencoderMap& in, bool shortcut,
                  const AutoencoderMap& out) const;

  const AutoencoderConfig& config_;
  const AutoencoderEncoderWeights& weights_;
};

}  // namespace blip3o
