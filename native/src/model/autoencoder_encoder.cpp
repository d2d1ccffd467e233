#include "model/autoencoder_encoder.h"

#include <vector>

namespace blip3o {

namespace {

Grid Halved(const Grid& grid) { return {grid.pictures, grid.height / 2, grid.width / 2}; }

}  // namespace

// Maps halve in side from stage to stage: the finest, which is first, lies at the bottom.
Status AutoencoderEncoder::Encode(Ops& ops, Arena& arena, const Matrix& image, int64_t height, int64_t width,
                                  Progress& progress, const Matrix& latents) const {
  const auto& stages = config_.encoder.stages;
  const int count = Parts();
  int done = 0;
  const auto advance = [&] { return progress.Advance(++done, count); };

  // A stage with 0 layers passes its map on, save the first, whose sampler is the input.
  const Grid pixels{1, height, width};
  const size_t first = stages[0].layers > 0 ? 0 : 1;
  const auto makes_map = [&](size_t i) { return i == first || stages[i - 1].layers > 0; };
  std::vector<Grid> grids;
  std::vector<int64_t> sizes;
  for (size_t i = first; i < stages.size(); ++i) {
    if (!makes_map(i)) continue;
    grids.push_back(i == 0 ? pixels : Halved(grids.empty() ? pixels : grids.back()));
    sizes.push_back(grids.back().rows() * stages[i].channels);
  }
  MapChain chain(arena, sizes, 0);
  AutoencoderMap map;
  size_t made = 0;
  for (size_t i = first; i < stages.size(); ++i) {
    if (makes_map(i)) {
      const Grid& grid = grids[made++];
      const AutoencoderMap next{chain.Next(grid.rows(), stages[i].channels), grid};
      if (i == first) {
        Input(ops, arena, image, pixels, next);
        BLIP3O_RETURN_IF_ERROR(advance());
      } else {
        Downsample(ops, arena, weights_.stages[i - 1].sampler, map, true, next);
      }
      map = next;
      chain.DropPrevious();
    }
    BLIP3O_RETURN_IF_ERROR(AutoencoderStage(ops, arena, config_, stages[i], weights_.stages[i], map, advance));
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
