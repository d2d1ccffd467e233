// What both halves of DC-AE are built of: residual blocks and EfficientViT blocks, on maps of one resolution.
//
// Source: diffusers: autoencoders/autoencoder_dc.py: ResBlock, EfficientViTBlock.
#pragma once

#include <functional>

#include "base/arena.h"
#include "base/status.h"
#include "ops/ops.h"
#include "weights/config.h"
#include "weights/model_weights.h"

namespace blip3o {

inline constexpr double kAutoencoderNormEps = 1e-5;

struct AutoencoderMap {
  Matrix x;  // [grid, channels]
  Grid grid;
};

Activation ToActivation(ActivationName name);

// Parts of one half that progress is told in: its blocks, the input and the output.
int AutoencoderParts(const AutoencoderHalfConfig& half);

// map = the blocks of `stage`, one after the other, in place. `advance` hears of each and may stop the rest.
Status AutoencoderStage(Ops& ops, Arena& arena, const AutoencoderConfig& config, const AutoencoderStageConfig& stage,
                        const AutoencoderStageWeights& weights, const AutoencoderMap& map,
                        const std::function<Status()>& advance);

}  // namespace blip3o
