// What both halves of DC-AE are built of: residual blocks and EfficientViT blocks, on maps of one resolution.
//
// Source: diffusers: autoencoders/autoencoder_dc.py: ResBlock, EfficientViTBlock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

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

// The memory of maps that follow each other, each made from the one before. Every other one lies at the bottom of the
// arena, where there is room for the largest of them; the rest lie above and are given back once they are read, so that
// a block's own memory lies where the map before it was. Gives all of it back at its end.
class MapChain {
 public:
  // `sizes`: the values of each map, in order. Maps lie at the bottom whose place in the order is odd or even as
  // `at_bottom` is: the largest should be one of them.
  MapChain(Arena& arena, const std::vector<int64_t>& sizes, size_t at_bottom);

  // The next map, dense; the one before is still there.
  Matrix Next(int64_t rows, int64_t cols);
  // The one before has been read.
  void DropPrevious();

 private:
  bool NewestIsAtBottom() const { return (made_ - 1) % 2 == at_bottom_ % 2; }

  Arena& arena_;
  Arena::Scope scope_;
  size_t at_bottom_;
  size_t made_ = 0;
  float* bottom_;
  std::optional<Arena::Scope> above_;
};

Activation ToActivation(ActivationName name);

// Parts of one half that progress is told in: its blocks, the input and the output.
int AutoencoderParts(const AutoencoderHalfConfig& half);

// map = the blocks of `stage`, one after the other, in place. `advance` hears of each and may stop the rest.
Status AutoencoderStage(Ops& ops, Arena& arena, const AutoencoderConfig& config, const AutoencoderStageConfig& stage,
                        const AutoencoderStageWeights& weights, const AutoencoderMap& map,
                        const std::function<Status()>& advance);

}  // namespace blip3o
