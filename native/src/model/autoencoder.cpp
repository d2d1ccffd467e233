#include "model/autoencoder.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "model/glu_mb_conv.h"

namespace blip3o {

namespace {

constexpr double kNormEps = 1e-5;

Activation ToActivation(ActivationName name) {
  return name == ActivationName::kRelu ? Activation::kRelu : Activation::kSilu;
}

Grid Doubled(const Grid& grid) { return {grid.pictures, 2 * grid.height, 2 * grid.width}; }

}  // namespace

int AutoencoderDecoder::Parts() const {
  int64_t parts = 2;  // conv_in and the output
  for (const AutoencoderStageConfig& stage : config_.decoder.stages) parts += stage.layers;
  return static_cast<int>(parts);
}

Matrix AutoencoderDecoder::Take(Arena& arena, const Grid& grid, int64_t channels) const {
  return arena.TakeMatrix(grid.rows(), channels);
}

// Maps double in side from stage to stage, and only one is alive after each up-sampler. Those of every other stage,
// the finest among them, share the memory at the bottom of the arena; the others lie above it and are given back once
// they are read, so that a block's own memory lies where the map before it was.
Status AutoencoderDecoder::Decode(Ops& ops, Arena& arena, const Matrix& latents, int64_t height, int64_t width,
                                  Progress& progress, const Matrix& image) const {
  const Arena::Scope scope(arena);
  const auto& stages = config_.decoder.stages;
  const int count = Parts();
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

  Map map;
  for (size_t i = deepest + 1; i-- > 0;) {
    const AutoencoderStageConfig& stage = stages[i];
    const AutoencoderStageWeights& weights = weights_.stages[i];
    if (i < deepest && stage.layers == 0) continue;
    Map next{{}, grids[i]};
    if (i % 2 == 0) {
      next.x = {bottom, grids[i].rows(), stage.channels, stage.channels};
    } else {
      above.emplace(arena);
      next.x = Take(arena, grids[i], stage.channels);
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
    for (const ResBlockWeights& block : weights.res_blocks) {
      ResBlock(ops, arena, stage, block, map);
      BLIP3O_RETURN_IF_ERROR(progress.Advance(++done, count));
    }
    for (const EfficientViTWeights& block : weights.vit_blocks) {
      EfficientViTBlock(ops, arena, block, map);
      BLIP3O_RETURN_IF_ERROR(progress.Advance(++done, count));
    }
  }
  Output(ops, arena, map, image);
  return progress.Advance(++done, count);
}

void AutoencoderDecoder::Upsample(Ops& ops, Arena& arena, const ConvWeights& weights, const Map& in, bool shortcut,
                                  const Map& out) const {
  if (config_.decoder.rearrange) {
    const Arena::Scope scope(arena);
    const Matrix inner = Take(arena, in.grid, 4 * out.x.cols);
    ops.Conv3x3(in.x, in.grid, weights.weight, {.bias = weights.bias}, inner);
    ops.PixelShuffle(inner, in.grid, out.x);
  } else {
    ops.UpsampleConv3x3(in.x, in.grid, weights.weight, weights.bias, out.x);
  }
  if (shortcut) ops.AddUpsampled(in.x, in.grid, out.x);
}

// x += norm(conv2(activation(conv1(x))))
void AutoencoderDecoder::ResBlock(Ops& ops, Arena& arena, const AutoencoderStageConfig& stage,
                                  const ResBlockWeights& weights, const Map& map) const {
  const Arena::Scope scope(arena);
  const Matrix first = Take(arena, map.grid, stage.channels), second = Take(arena, map.grid, stage.channels);
  ops.Conv3x3(map.x, map.grid, weights.conv1, {.bias = weights.bias1, .activation = ToActivation(stage.activation)},
              first);
  ops.Conv3x3(first, map.grid, weights.conv2, {}, second);
  ops.RmsNorm(second, weights.norm, weights.norm_bias, kNormEps, Activation::kNone, map.x, map.x);
}

// x += attention(x); x += norm(GLUMBConv(x))
void AutoencoderDecoder::EfficientViTBlock(Ops& ops, Arena& arena, const EfficientViTWeights& weights,
                                           const Map& map) const {
  MultiscaleAttention(ops, arena, weights, map);
  const Arena::Scope scope(arena);
  const Matrix out = Take(arena, map.grid, map.x.cols);
  GluMbConv(ops, arena, weights.ff, map.x, map.grid, {}, out);
  ops.RmsNorm(out, weights.ff.norm, weights.ff.norm_bias, kNormEps, Activation::kNone, map.x, map.x);
}

// diffusers: attention_processor.py: SanaMultiscaleLinearAttention. Columns: q, k, v of scale 0, then of each kernel;
// read as groups of 3·d columns whose thirds are a head's q, k and v.
void AutoencoderDecoder::MultiscaleAttention(Ops& ops, Arena& arena, const EfficientViTWeights& weights,
                                             const Map& map) const {
  const Arena::Scope scope(arena);
  const int64_t inner = weights.to_q.shape[0], head_dim = config_.attention_head_dim;
  const int64_t scales = 1 + static_cast<int64_t>(weights.multiscale.size());
  const Matrix all = Take(arena, map.grid, scales * 3 * inner);
  const Matrix plain = all.Cols(0, 3 * inner);
  ops.Matmul(map.x, weights.to_q, {}, plain.Cols(0, inner));
  ops.Matmul(map.x, weights.to_k, {}, plain.Cols(inner, inner));
  ops.Matmul(map.x, weights.to_v, {}, plain.Cols(2 * inner, inner));
  const Matrix convolved = Take(arena, map.grid, 3 * inner);
  for (int64_t s = 1; s < scales; ++s) {
    const MultiscaleWeights& scale = weights.multiscale[static_cast<size_t>(s - 1)];
    ops.DepthwiseConv(plain, map.grid, scale.proj_in, convolved);
    ops.GroupedPointwise(convolved, scale.proj_out, all.Cols(s * 3 * inner, 3 * inner));
  }
  const int64_t heads = scales * inner / head_dim;
  const Matrix attended = Take(arena, map.grid, heads * head_dim);
  ops.LinearAttention(
      {all.Cols(0, all.cols), all.Cols(head_dim, all.cols - head_dim), all.Cols(2 * head_dim, all.cols - 2 * head_dim),
       map.grid.pictures, heads, head_dim, 3 * head_dim},
      attended);
  const Matrix out = Take(arena, map.grid, map.x.cols);
  ops.Matmul(attended, weights.to_out, {}, out);
  ops.RmsNorm(out, weights.norm, weights.norm_bias, kNormEps, Activation::kNone, map.x, map.x);
}

void AutoencoderDecoder::Output(Ops& ops, Arena& arena, const Map& map, const Matrix& image) const {
  const Activation activation = ToActivation(config_.decoder.conv_activation);
  ops.RmsNorm(map.x, weights_.norm_out, weights_.norm_out_bias, kNormEps, activation, {}, map.x);
  if (config_.decoder.stages.front().layers > 0) {
    ops.Conv3x3(map.x, map.grid, weights_.conv_out.weight, {.bias = weights_.conv_out.bias}, image);
  } else {
    Upsample(ops, arena, weights_.conv_out, map, false, {image, Doubled(map.grid)});
  }
}

}  // namespace blip3o
