#include "model/image_tokenizer.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace blip3o {

namespace {

constexpr double kNormEps = 1e-6;
constexpr int64_t kPictureChannels = 3;
// Codes that are worked on at once: their scores stay in the outer cache, and products are still large.
constexpr int64_t kCodeBlock = 2048;

}  // namespace

void ImageTokenizer::Codebook(Ops& ops, Arena& arena, const Matrix& codebook) const {
  const Arena::Scope scope(arena);
  const int64_t block = std::min(codes_, kCodeBlock);
  const Matrix rows = arena.TakeMatrix(block, config_.code_size);
  int32_t* const ids = arena.Take<int32_t>(block);
  std::vector<int32_t> host(static_cast<size_t>(block));
  std::iota(host.begin(), host.end(), 0);
  ops.CopyIn(host.data(), block * SizeOf(DType::kI32), ids);
  for (int64_t first = 0; first < codes_; first += block) {
    const int64_t count = std::min(block, codes_ - first);
    ops.Embed(weights_.embedding, ids, static_cast<int32_t>(first), rows.Rows(0, count));
    const Matrix out = codebook.Rows(first, count);
    ops.Matmul(rows.Rows(0, count), weights_.embedding_proj, {.bias = weights_.embedding_proj_bias}, out);
    ops.L2Normalize(out, out);
  }
}

ImageTokenizer::Buffers ImageTokenizer::Take(Arena& arena) const {
  const int64_t rows = config_.grid_side() * config_.grid_side(), hidden = config_.hidden_size;
  Buffers b;
  b.x = arena.TakeMatrix(rows, hidden);
  b.normed = arena.TakeMatrix(rows, hidden);
  const Matrix qkv = arena.TakeMatrix(rows, 3 * hidden);
  b.q = qkv.Cols(0, hidden);
  b.k = qkv.Cols(hidden, hidden);
  b.v = qkv.Cols(2 * hidden, hidden);
  b.attended = arena.TakeMatrix(rows, hidden);
  b.inner = arena.TakeMatrix(rows, config_.intermediate_size);
  return b;
}

Status ImageTokenizer::Tokenize(Ops& ops, Arena& arena, const Matrix& image, const Matrix& codebook, Progress& progress,
                                int32_t* tokens) const {
  const Arena::Scope scope(arena);
  const int count = Parts();
  int done = 0;
  const Buffers b = Take(arena);
  EmbedPatches(ops, arena, image, b.x);
  BLIP3O_RETURN_IF_ERROR(progress.Advance(++done, count));
  for (const VisionLayerWeights& layer : weights_.layers) {
    Layer(ops, layer, b);
    BLIP3O_RETURN_IF_ERROR(progress.Advance(++done, count));
  }
  ops.Matmul(b.x, weights_.task_layer, {.bias = weights_.task_bias, .activation = Activation::kTanh}, b.normed);
  const Matrix rows = arena.TakeMatrix(b.x.rows, config_.code_size);
  ops.Matmul(b.normed, weights_.in_linear, {.bias = weights_.in_bias}, rows);
  if (!ops.AllFinite(rows)) return NumericError("the features of a picture are not finite");
  FindNearest(ops, arena, rows, codebook, tokens);
  return progress.Advance(++done, count);
}

void ImageTokenizer::EmbedPatches(Ops& ops, Arena& arena, const Matrix& image, const Matrix& x) const {
  const Arena::Scope scope(arena);
  const int64_t size = config_.image_size, patch = config_.patch_size;
  const Matrix patches = arena.TakeMatrix(x.rows, kPictureChannels * patch * patch);
  ops.SpaceToDepth(image, {1, size, size}, patch, patches);
  // The kernel [E, 3, p, p] as the matrix [E, 3·p·p] that it is.
  View kernel = weights_.patch_embedding;
  kernel.shape = {config_.hidden_size, patches.cols};
  ops.Matmul(patches, kernel, {.bias = weights_.patch_bias}, x);
  ops.AddTable(weights_.position_embedding, x, x);
}

// x += out_proj(attention(norm1 x)); x += fc2(gelu(fc1(norm2 x)))
void ImageTokenizer::Layer(Ops& ops, const VisionLayerWeights& layer, const Buffers& b) const {
  ops.LayerNorm(b.x, layer.norm1, layer.norm1_bias, kNormEps, b.normed);
  ops.Matmul(b.normed, layer.to_q, {.bias = layer.bias_q}, b.q);
  ops.Matmul(b.normed, layer.to_k, {.bias = layer.bias_k}, b.k);
  ops.Matmul(b.normed, layer.to_v, {.bias = layer.bias_v}, b.v);
  ops.CrossAttention(b.q, b.k, b.v, config_.num_heads, config_.hidden_size / config_.num_heads, b.attended);
  ops.Matmul(b.attended, layer.to_out, {.bias = layer.bias_out, .residual = b.x}, b.x);
  ops.LayerNorm(b.x, layer.norm2, layer.norm2_bias, kNormEps, b.normed);
  ops.Matmul(b.normed, layer.fc1, {.bias = layer.fc1_bias, .activation = Activation::kGeluTanh}, b.inner);
  ops.Matmul(b.inner, layer.fc2, {.bias = layer.fc2_bias, .residual = b.x}, b.x);
}

void ImageTokenizer::FindNearest(Ops& ops, Arena& arena, const Matrix& rows, const Matrix& codebook,
                                 int32_t* tokens) const {
  const Arena::Scope scope(arena);
  const int64_t block = std::min(codes_, kCodeBlock);
  float* const scores = arena.Take<float>(rows.rows * block);
  float* const best = arena.Take<float>(rows.rows);
  for (int64_t first = 0; first < codes_; first += block) {
    const int64_t count = std::min(block, codes_ - first);
    const Matrix out{scores, rows.rows, count, count};
    const View codes{codebook.row(first), DType::kF32, {count, codebook.cols}};
    ops.Matmul(rows, codes, {}, out);
    ops.KeepLargest(out, static_cast<int32_t>(first), best, tokens);
  }
}

}  // namespace blip3o
