#include "model/autoencoder_decoder.h"

#include <vector>

namespace blip3o {

namespace {

Grid Doubled(const Grid& grid) { return {grid.pictures, 2 * grid.height, 2 * grid.width}; }

}  // namespace

// Maps double in side from stage to stage: the finest, which is last, lies at the bottom.
Status AutoencoderDecoder::Decode(Ops& ops, Arena& arena, const Matrix& latents, int64_t height, int64_t width,
                                  Progress& progress, const Matrix& image) const {
  const auto& stages = config_.decoder.stages;
  const int count = Parts();
  int done = 0;
  const auto advance = [&] { return progress.Advance(++done, count); };

  std::vector<size_t> order;  // stages that have a map, from the deepest up
  std::vector<Grid> grids;
  std::vector<int64_t> sizes;
  for (size_t i = stages.size(); i-- > 0;) {
    if (!order.empty() && stages[i].layers == 0) continue;
    grids.push_back(order.empty() ? Grid{1, height, width} : Doubled(grids.back()));
    order.push_back(i);
    sizes.push_back(grids.back().rows() * stages[i].channels);
  }
  MapChain chain(arena, sizes, sizes.size() - 1);
  AutoencoderMap map;
  for (size_t k = 0; k < order.size(); ++k) {
    const AutoencoderStageConfig& stage = stages[order[k]];
    const AutoencoderStageWeights& weights = weights_.stages[order[k]];
    const AutoencoderMap next{chain.Next(grids[k].rows(), stage.channels), grids[k]};
    if (k == 0) {
      Input(ops, latents, next);
      BLIP3O_RETURN_IF_ERROR(advance());
    } else {
      Upsample(ops, arena, weights.sampler, map, true, next);
    }
    map = next;
    chain.DropPrevious();
    BLIP3O_RETURN_IF_ERROR(AutoencoderStage(ops, arena, config_, stage, weights, map, advance));
  }
  Output(ops, arena, map, image);
  return advance();
}

void AutoencoderDecoder::Input(Ops& ops, const Matrix& latents, const AutoencoderMap& out) const {
  ops.Conv3x3(latents, out.grid, weights_.conv_in.weight, {.bias = weights_.conv_in.bias}, out.x);
  if (config_.decoder.shortcut) ops.AddRepeated(latents, out.x);
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
