#include "model/autoencoder_encoder.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace blip3o {

namespace {

Grid Halved(const Grid& grid) { return {grid.pictures, grid.height / 2, grid.width / 2}; }

}  // namespace

// Maps halve in side from stage to stage. As in the decoder, those of every other stage share the memory at the bottom
// of the arena, the others lie above it and are given back once they are read.
Status AutoencoderEncoder::Encode(Ops& ops, Arena& arena, const Matrix& image, int64_t height, int64_t width,
                                  Progress& progress, const Matrix& latents) const {
  const Arena::Scope scope(arena);
  const auto& stages = config_.encoder.stages;
  const int count = Parts();
  int done = 0;
  const auto advance = [&] { return progress.Advance(++done, count); };

  // A stage with 0 layers passes its map on, save the first, whose sampler is the input.
  const Grid pixels{1, height, width};
  const size_t first = stages[0].layers > 0 ? 0 : 1;
  std::vector<Grid> grids(stages.size(), first == 0 ? pixels : Halved(pixels));
  for (size_t i = first + 1; i < stages.size(); ++i) {
    grids[i] = stages[i - 1].layers > 0 ? Halved(grids[i - 1]) : grids[i - 1];
  }
  int64_t bottom_size = 0;
  for (size_t i = first; i < stages.size(); ++i) {
    bottom_size = std::max(bottom_size, grids[i].rows() * stages[i].channels);
  }
  float* const bottom = arena.Take<float>(bottom_size);
  std::optional<Arena::Scope> above;

  AutoencoderMap map;
  for (size_t i = first; i < stages.size(); ++i) {
    const AutoencoderStageConfig& stage = stages[i];
    if (i == first || stages[i - 1].layers > 0) {
      AutoencoderMap next{{}, grids[i]};
      const bool at_bottom = map.x.data != bottom;
      if (at_bottom) {
        next.x = {bottom, grids[i].rows(), stage.channels, stage.channels};
      } else {
        above.emplace(arena);
        next.x = arena.TakeMatrix(grids[i].rows(), stage.channels);
      }
      if (i == first) {
        Input(ops, arena, image, pixels, next);
        BLIP3O_RETURN_IF_ERROR(advance());
      } else {
        Downsample(ops, arena, weights_.stages[i - 1].sampler, map, true, next);
      }
      map = next;
      if (at_bottom) above.reset();
    }
    BLIP3O_RETURN_IF_ERROR(AutoencoderStage(ops, arena, config_, stage, weights_.stages[i], map, advance));
  }
  ops.Conv3x3(map.x, map.grid, weights_.conv_out.weight, {.bias = weights_.conv_out.bias}, latents);
  if (config_.encoder.shortcut) ops.AddAveraged(map.x, latents);
  return advance();
}

void AutoencoderEncoder::Input(Ops& ops, Arena& arena, const Matrix& image, const Grid& grid,
                               const AutoencoderMap& out) const {
  if (config_.encoder.stages[0].layers > 0) {
    ops.Conv3x3(image, grid, weights_.conv_in.weight, {.bias = weights_.conv_in.bias}, out.x);
  } else {
    Downsample(ops, arena, weights_.conv_in, {image, grid}, false, out);
  }
}

void AutoencoderEncoder::Downsample(Ops& ops, Arena& arena, const ConvWeights& weights, const AutoencoderMap& in,
                                    bool shortcut, const AutoencoderMap& out) const {
  if (config_.encoder.rearrange) {
    const Arena::Scope scope(arena);
    const Matrix inner = arena.TakeMatrix(in.grid.rows(), out.x.cols / 4);
    ops.Conv3x3(in.x, in.grid, weights.weight, {.bias = weights.bias}, inner);
    ops.SpaceToDepth(inner, in.grid, 2, out.x);
  } else {
    ops.DownsampleConv3x3(in.x, in.grid, weights.weight, weights.bias, out.x);
  }
  if (shortcut) ops.AddDownsampled(in.x, in.grid, out.x);
}

}  // namespace blip3o
