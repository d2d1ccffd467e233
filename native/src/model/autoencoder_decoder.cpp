#include "model/autoencoder_decoder.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace blip3o {

namespace {

Grid Doubled(const Grid& grid) { return {grid.pictures, 2 * grid.height, 2 * grid.width}; }

}  // namespace

// Maps double in side from stage to stage, and only one is alive after each up-sampler. Those of every other stage,
// the finest among them, share the memory at the bottom of the arena; the others lie above it and are given back once
// they are read, so that a block's own memory lies where the map before it was. A stage without layers has no map.
Status AutoencoderDecoder::Decode(Ops& ops, Arena& arena, const Matrix& latents, int64_t height, int64_t width,
                                  Progress& progress, const Matrix& image) const {
  const Arena::Scope scope(arena);
  const auto& stages = config_.decoder.stages;
  const int count = AutoencoderParts(config_.decoder);
  int done = 0;
  const auto advance = [&] { return progress.Advance(++done, count); };

  std::vector<AutoencoderMap> maps(stages.size());  // grids first; memory when their turn comes
  std::vector<bool> at_bottom(stages.size());
  const size_t deepest = stages.size() - 1;
  for (size_t i = deepest + 1; i-- > 0;) {
    const bool doubles = i < deepest && stages[i].layers > 0;
    maps[i].grid = i == deepest ? Grid{1, height, width} : doubles ? Doubled(maps[i + 1].grid) : maps[i + 1].grid;
  }
  int64_t bottom_size = 0;
  bool bottom_next = true;
  for (size_t i = 0; i <= deepest; ++i) {
    if (i < deepest && stages[i].layers == 0) continue;
    at_bottom[i] = bottom_next;
    if (bottom_next) bottom_size = std::max(bottom_size, maps[i].grid.rows() * stages[i].channels);
    bottom_next = !bottom_next;
  }
  float* const bottom = arena.Take<float>(bottom_size);
  std::optional<Arena::Scope> above;

  AutoencoderMap map;
  for (size_t i = deepest + 1; i-- > 0;) {
    const AutoencoderStageConfig& stage = stages[i];
    if (i < deepest && stage.layers == 0) continue;
    AutoencoderMap next = maps[i];
    if (at_bottom[i]) {
      next.x = {bottom, next.grid.rows(), stage.channels, stage.channels};
    } else {
      above.emplace(arena);
      next.x = arena.TakeMatrix(next.grid.rows(), stage.channels);
    }
    if (i == deepest) {
      ops.Conv3x3(latents, next.grid, weights_.conv_in.weight, {.bias = weights_.conv_in.bias}, next.x);
      if (config_.decoder.shortcut) ops.AddRepeated(latents, next.x);
      BLIP3O_RETURN_IF_ERROR(advance());
    } else {
      Upsample(ops, arena, weights_.stages[i].sampler, map, true, next);
    }
    map = next;
    if (at_bottom[i]) above.reset();
    BLIP3O_RETURN_IF_ERROR(AutoencoderStage(ops, arena, config_, stage, weights_.stages[i], map, advance));
  }
  Output(ops, arena, map, image);
  return advance();
}

void AutoencoderDecoder::Upsample(Ops& ops, Arena& arena, const ConvWeights& weights, const AutoencoderMap& in,
                                  bool shortcut, const AutoencoderMap& out) const {
  if (config_.decoder.rearrange) {
    const Arena::Scope scope(arena);
    const Matrix inner = arena.TakeMatrix(in.grid.rows(), 4 * out.x.cols);
    ops.Conv3x3(in.x, in.grid, weights.weight, {.bias = weights.bias}, inner);
    ops.PixelShuffle(inner, in.grid, out.x);
  } else {
    ops.UpsampleConv3x3(in.x, in.grid, weights.weight, weights.bias, out.x);
  }
  if (shortcut) ops.AddUpsampled(in.x, in.grid, out.x);
}

void AutoencoderDecoder::Output(Ops& ops, Arena& arena, const AutoencoderMap& map, const Matrix& image) const {
  const Activation activation = ToActivation(config_.decoder.conv_activation);
  ops.RmsNorm(map.x, weights_.norm_out, weights_.norm_out_bias, kAutoencoderNormEps, activation, {}, map.x);
  if (config_.decoder.stages.front().layers > 0) {
    ops.Conv3x3(map.x, map.grid, weights_.conv_out.weight, {.bias = weights_.conv_out.bias}, image);
  } else {
    Upsample(ops, arena, weights_.conv_out, map, false, {image, Doubled(map.grid)});
  }
}

}  // namespace blip3o
