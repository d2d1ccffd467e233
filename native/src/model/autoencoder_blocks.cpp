#include "model/autoencoder_blocks.h"

#include <algorithm>

#include "model/glu_mb_conv.h"

namespace blip3o {

namespace {

// x += norm(conv2(activation(conv1(x))))
void ResBlock(Ops& ops, Arena& arena, const AutoencoderStageConfig& stage, const ResBlockWeights& weights,
              const AutoencoderMap& map) {
  const Arena::Scope scope(arena);
  const Matrix first = arena.TakeMatrix(map.grid.rows(), stage.channels),
               second = arena.TakeMatrix(map.grid.rows(), stage.channels);
  ops.Conv3x3(map.x, map.grid, weights.conv1, {.bias = weights.bias1, .activation = ToActivation(stage.activation)},
              first);
  ops.Conv3x3(first, map.grid, weights.conv2, {}, second);
  ops.RmsNorm(second, weights.norm, weights.norm_bias, kAutoencoderNormEps, Activation::kNone, map.x, map.x);
}

// diffusers: attention_processor.py: SanaMultiscaleLinearAttention. Columns: q, k, v of scale 0, then of each kernel;
// read as groups of 3·d columns whose thirds are a head's q, k and v.
void MultiscaleAttention(Ops& ops, Arena& arena, const AutoencoderConfig& config, const EfficientViTWeights& weights,
                         const AutoencoderMap& map) {
  const Arena::Scope scope(arena);
  const int64_t inner = weights.to_q.shape[0], head_dim = config.attention_head_dim;
  const int64_t scales = 1 + static_cast<int64_t>(weights.multiscale.size());
  const Matrix all = arena.TakeMatrix(map.grid.rows(), scales * 3 * inner);
  const Matrix plain = all.Cols(0, 3 * inner);
  ops.Matmul(map.x, weights.to_q, {}, plain.Cols(0, inner));
  ops.Matmul(map.x, weights.to_k, {}, plain.Cols(inner, inner));
  ops.Matmul(map.x, weights.to_v, {}, plain.Cols(2 * inner, inner));
  const Matrix convolved = arena.TakeMatrix(map.grid.rows(), 3 * inner);
  for (int64_t s = 1; s < scales; ++s) {
    const MultiscaleWeights& scale = weights.multiscale[static_cast<size_t>(s - 1)];
    ops.DepthwiseConv(plain, map.grid, scale.proj_in, convolved);
    ops.GroupedPointwise(convolved, scale.proj_out, all.Cols(s * 3 * inner, 3 * inner));
  }
  const int64_t heads = scales * inner / head_dim;
  const Matrix attended = arena.TakeMatrix(map.grid.rows(), heads * head_dim);
  ops.LinearAttention(
      {all.Cols(0, all.cols), all.Cols(head_dim, all.cols - head_dim), all.Cols(2 * head_dim, all.cols - 2 * head_dim),
       map.grid.pictures, heads, head_dim, 3 * head_dim},
      attended);
  const Matrix out = arena.TakeMatrix(map.grid.rows(), map.x.cols);
  ops.Matmul(attended, weights.to_out, {}, out);
  ops.RmsNorm(out, weights.norm, weights.norm_bias, kAutoencoderNormEps, Activation::kNone, map.x, map.x);
}

// x += attention(x); x += norm(GLUMBConv(x))
void EfficientViTBlock(Ops& ops, Arena& arena, const AutoencoderConfig& config, const EfficientViTWeights& weights,
                       const AutoencoderMap& map) {
  MultiscaleAttention(ops, arena, config, weights, map);
  const Arena::Scope scope(arena);
  const Matrix out = arena.TakeMatrix(map.grid.rows(), map.x.cols);
  GluMbConv(ops, arena, weights.ff, map.x, map.grid, {}, out);
  ops.RmsNorm(out, weights.ff.norm, weights.ff.norm_bias, kAutoencoderNormEps, Activation::kNone, map.x, map.x);
}

}  // namespace

MapChain::MapChain(Arena& arena, const std::vector<int64_t>& sizes, size_t at_bottom)
    : arena_(arena), scope_(arena), at_bottom_(at_bottom) {
  int64_t largest = 0;
  for (size_t i = at_bottom % 2; i < sizes.size(); i += 2) largest = std::max(largest, sizes[i]);
  bottom_ = arena.Take<float>(largest);
}

Matrix MapChain::Next(int64_t rows, int64_t cols) {
  ++made_;
  if (NewestIsAtBottom()) return {bottom_, rows, cols, cols};
  above_.emplace(arena_);
  return arena_.TakeMatrix(rows, cols);
}

void MapChain::DropPrevious() {
  if (NewestIsAtBottom()) above_.reset();
}

Activation ToActivation(ActivationName name) {
  return name == ActivationName::kRelu ? Activation::kRelu : Activation::kSilu;
}

int AutoencoderParts(const AutoencoderHalfConfig& half) {
  int64_t parts = 2;  // the input and the output
  for (const AutoencoderStageConfig& stage : half.stages) parts += stage.layers;
  return static_cast<int>(parts);
}

Status AutoencoderStage(Ops& ops, Arena& arena, const AutoencoderConfig& config, const AutoencoderStageConfig& stage,
                        const AutoencoderStageWeights& weights, const AutoencoderMap& map,
                        const std::function<Status()>& advance) {
  for (const ResBlockWeights& block : weights.res_blocks) {
    ResBlock(ops, arena, stage, block, map);
    BLIP3O_RETURN_IF_ERROR(advance());
  }
  for (const EfficientViTWeights& block : weights.vit_blocks) {
    EfficientViTBlock(ops, arena, config, block, map);
    BLIP3O_RETURN_IF_ERROR(advance());
  }
  return {};
}

}  // namespace blip3o
