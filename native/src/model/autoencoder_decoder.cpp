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
// they are read, so that a block's own memory lies where the map before it was.
Status AutoencoderDecoder::Decode(Ops& ops, Arena& arena, const Matrix& latents, int64_t height, int64_t width,
                                  Progress& progress, const Matrix& image) const {
  const Arena::Scope scope(arena);
  const auto& stages = config_.decoder.stages;
  const int count = AutoencoderParts(config_.decoder);
  int done = 0;

  const size_t deepest = stages.size() - 1;
  std::vector<Grid> grids(stages.size());
  Grid grid{1, height, width};
  for (size_t i = deepest + 1; i-- > 0;) {
    if (i < deepest && stages[i].layers > 0) grid = Doubled(grid);
    grids[i] = grid;
  }
  int64_t bottom_size = 0;
  for (size_t i = 0; i <= deepest; i += 2) bottom_size = std::max(bottom_size, grids[i].rows() * stages[i].channels);
  float* const bottom = arena.Take<float>(bottom_size);
  std::optional<Arena::Scope> above;

  AutoencoderMap map;
  for (size_t i = deepest + 1; i-- > 0;) {
    const AutoencoderStageConfig& stage = stages[i];
    const AutoencoderStageWeights& weights = weights_.stages[i];
    if (i < deepest && stage.layers == 0) continue;
    AutoencoderMap next{{}, grids[i]};
    if (i % 2 == 0) {
      next.x = {bottom, grids[i].rows(), stage.channels, stage.channels};
    } else {
      above.emplace(arena);
      next.x = arena.TakeMatrix(grids[i].rows(), stage.channels);
    }
    if (i == deepest) {
      ops.Conv3x3(latents, next.grid, weights_.conv_in.weight, {.bias = weights_.conv_in.bias}, next.x);
      if (config_.decoder.shortcut) ops.AddRepeated(latents, next.x);
      BLIP3O_RETURN_IF_ERROR(progress.Advance(++done, count));
    } else {
      Upsample(ops, arena, weights.sampler, map, true, next);
    }
    map = next;
    if (i % 2 == 0) above.reset();
    const auto advance = [&] { return progress.Advance(++done, count); };
    BLIP3O_RETURN_IF_ERROR(AutoencoderStage(ops, arena, config_, stage, weights, map, advance));
  }
  Output(ops, arena, map, image);
  return progress.Advance(++done, count);
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
