#include "model/diffusion_transformer.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include "model/glu_mb_conv.h"

namespace blip3o {

namespace {

constexpr double kNormEps = 1e-5;  // RMSNorms of captions, queries and keys
constexpr double kOutputNormEps = 1e-6;
constexpr double kMaxPeriod = 10000.0;
constexpr double kTimeScale = 1000.0;  // timestep = sigma · 1000

// [sin(p·f), cos(p·f)] with f_k = 10000^(−k / quarter), k < quarter.
void WriteSinusoids(double position, int64_t quarter, float* out) {
  for (int64_t k = 0; k < quarter; ++k) {
    const double angle = position * std::pow(kMaxPeriod, -static_cast<double>(k) / static_cast<double>(quarter));
    out[k] = static_cast<float>(std::sin(angle));
    out[quarter + k] = static_cast<float>(std::cos(angle));
  }
}

// Rows of a dense map that are `width` pixels wide, each as one row of a matrix.
Matrix ByLines(const Matrix& map, int64_t width) {
  assert(map.stride == map.cols && map.rows % width == 0);
  return {map.data, map.rows / width, width * map.cols, width * map.cols};
}

}  // namespace

std::vector<View> LargeStepWeights(const DiffusionTransformerWeights& weights) {
  std::vector<View> views;
  for (const SanaBlockWeights& block : weights.blocks) {
    const LinearAttentionWeights& a = block.attn1;
    // The cross attention's output is a token product too, of the null branch.
    for (const View& view :
         {a.to_q, a.to_k, a.to_v, a.to_out, block.attn2.to_q, block.ff.conv_inverted, block.ff.conv_point}) {
      views.push_back(view);
    }
  }
  return views;
}

// diffusers: embeddings.py: get_timestep_embedding with the cosine half first.
DiffusionTransformer::TimeSinusoids DiffusionTransformer::SinusoidsOf(float sigma) {
  constexpr int kHalf = kTimeChannels / 2;
  TimeSinusoids row;
  const double timestep = static_cast<double>(sigma) * kTimeScale;
  for (int i = 0; i < kHalf; ++i) {
    const double angle = timestep * std::exp(-std::log(kMaxPeriod) * i / kHalf);
    row[static_cast<size_t>(i)] = static_cast<float>(std::cos(angle));
    row[static_cast<size_t>(kHalf + i)] = static_cast<float>(std::sin(angle));
  }
  return row;
}

Matrix DiffusionTransformer::ProjectCaption(Ops& ops, Arena& arena, const Matrix& condition) const {
  const Matrix inner = arena.TakeMatrix(condition.rows, config_.width);
  const Matrix caption = arena.TakeMatrix(condition.rows, config_.width);
  ops.Matmul(condition, weights_.caption_linear_1,
             {.bias = weights_.caption_bias_1, .activation = Activation::kGeluTanh}, inner);
  ops.Matmul(inner, weights_.caption_linear_2, {.bias = weights_.caption_bias_2}, caption);
  ops.RmsNorm(caption, weights_.caption_norm, {}, kNormEps, Activation::kNone, {}, caption);
  return caption;
}

void DiffusionTransformer::CrossKeys(Ops& ops, const CrossAttentionWeights& weights, const Matrix& caption,
                                     const Matrix& keys) const {
  ops.Matmul(caption, weights.to_k, {.bias = weights.bias_k}, keys);
  if (!weights.norm_k.empty()) ops.RmsNorm(keys, weights.norm_k, {}, kNormEps, Activation::kNone, {}, keys);
}

Status DiffusionTransformer::Prepare(Ops& ops, Arena& arena, Arena& slab, const Matrix& condition,
                                     const Matrix& null_condition, std::span<const Matrix> references, int64_t height,
                                     int64_t width, Progress& progress, Conditioning& c) const {
  const int64_t cross_width = config_.num_cross_heads * config_.cross_head_dim;
  const bool guided = !null_condition.empty();
  for (size_t i = 0; i < weights_.blocks.size(); ++i) {
    c.keys.push_back(slab.TakeMatrix(condition.rows, cross_width));
    c.values.push_back(slab.TakeMatrix(condition.rows, cross_width));
    if (guided) c.null_output.push_back(slab.TakeMatrix(1, config_.width));
  }
  const int64_t wide = width * (1 + static_cast<int64_t>(references.size()));
  if (config_.position_table) c.position_table = PositionTable(ops, slab, height, wide);
  if (!references.empty()) c.wide = PlaceReferences(ops, slab, references, height, width);

  const Arena::Scope scope(arena);
  const Matrix caption = ProjectCaption(ops, arena, condition);
  const Matrix null_caption = guided ? ProjectCaption(ops, arena, null_condition) : Matrix();
  const Matrix null_value = guided ? arena.TakeMatrix(1, cross_width) : Matrix();
  for (size_t i = 0; i < weights_.blocks.size(); ++i) {
    const CrossAttentionWeights& w = weights_.blocks[i].attn2;
    CrossKeys(ops, w, caption, c.keys[i]);
    ops.Matmul(caption, w.to_v, {.bias = w.bias_v}, c.values[i]);
    if (guided) {
      // The softmax of equal scores averages equal values: the value itself.
      ops.TokenMatmul(null_caption, w.to_v, {.bias = w.bias_v}, null_value);
      ops.TokenMatmul(null_value, w.to_out, {.bias = w.bias_out}, c.null_output[i]);
    }
    BLIP3O_RETURN_IF_ERROR(progress.Advance(static_cast<int>(i + 1), static_cast<int>(weights_.blocks.size())));
  }
  return {};
}

Matrix DiffusionTransformer::PlaceReferences(Ops& ops, Arena& arena, std::span<const Matrix> references, int64_t height,
                                             int64_t width) const {
  const int64_t columns = 1 + static_cast<int64_t>(references.size()), line = width * config_.in_channels;
  const Matrix wide = arena.TakeMatrix(height * width * columns, config_.in_channels);
  for (size_t i = 0; i < references.size(); ++i) {
    ops.Copy(ByLines(references[i], width),
             ByLines(wide, width * columns).Cols(static_cast<int64_t>(i + 1) * line, line));
  }
  return wide;
}

// diffusers: embeddings.py: get_2d_sincos_pos_embed. Row (r, c) is [x's sinusoids, y's sinusoids], each D/2 long.
Matrix DiffusionTransformer::PositionTable(Ops& ops, Arena& arena, int64_t height, int64_t width) const {
  const int64_t quarter = config_.width / 4, half = 2 * quarter;
  const auto axis = [&](int64_t count) {
    std::vector<float> rows(static_cast<size_t>(count * half));
    const double unit =
        static_cast<double>(config_.sample_size) / (static_cast<double>(count) * config_.interpolation_scale);
    for (int64_t i = 0; i < count; ++i) WriteSinusoids(static_cast<double>(i) * unit, quarter, rows.data() + i * half);
    return rows;
  };
  const std::vector<float> xs = axis(width), ys = axis(height);
  std::vector<float> host(static_cast<size_t>(height * width * config_.width));
  float* row = host.data();
  for (int64_t r = 0; r < height; ++r) {
    for (int64_t c = 0; c < width; ++c) {
      row = std::copy_n(xs.data() + c * half, half, row);
      row = std::copy_n(ys.data() + r * half, half, row);
    }
  }
  const Matrix table = arena.TakeMatrix(height * width, config_.width);
  ops.CopyIn(host.data(), static_cast<int64_t>(host.size() * sizeof(float)), table.data);
  return table;
}

void DiffusionTransformer::EmbedTime(Ops& ops, Arena& arena, const Matrix& sinusoids, const Matrix& embedded,
                                     const Matrix& six) const {
  const Arena::Scope scope(arena);
  const Matrix inner = arena.TakeMatrix(1, config_.width);
  ops.TokenMatmul(sinusoids, weights_.time_linear_1, {.bias = weights_.time_bias_1, .activation = Activation::kSilu},
                  inner);
  ops.TokenMatmul(inner, weights_.time_linear_2, {.bias = weights_.time_bias_2}, embedded);
  ops.Activate(embedded, Activation::kSilu, inner);
  const Matrix flat{six.data, 1, six.rows * six.cols, six.rows * six.cols};
  ops.TokenMatmul(inner, weights_.time_modulation, {.bias = weights_.time_modulation_bias}, flat);
}

void DiffusionTransformer::Velocity(Ops& ops, Arena& arena, const Conditioning& conditioning, const Matrix& latents,
                                    int64_t height, int64_t width, const Matrix& sinusoids,
                                    const Matrix& velocities) const {
  const Arena::Scope scope(arena);
  const int64_t branches = velocities.rows / latents.rows;
  const bool wide = !conditioning.wide.empty();
  const Matrix input = wide ? conditioning.wide : latents;
  const int64_t tokens = input.rows, columns = tokens / height;
  if (wide) ops.Copy(ByLines(latents, width), ByLines(input, columns).Cols(0, width * latents.cols));
  const Matrix x = arena.TakeMatrix(branches * tokens, config_.width);
  const Matrix embedded = arena.TakeMatrix(1, config_.width);
  const Matrix six = arena.TakeMatrix(6, config_.width);
  EmbedTime(ops, arena, sinusoids, embedded, six);
  for (int64_t b = 0; b < branches; ++b) {
    ops.Matmul(input, weights_.patch_embed,
               {.bias = weights_.patch_embed_bias, .residual = conditioning.position_table},
               x.Rows(b * tokens, tokens));
  }
  const Grid grid{branches, height, columns};
  for (size_t i = 0; i < weights_.blocks.size(); ++i) Block(ops, arena, i, conditioning, six, grid, x);

  const Matrix shift_scale = arena.TakeMatrix(2, config_.width);
  ops.AddTable(weights_.scale_shift_table, embedded, shift_scale);
  // Of an edit only the noisy latents' columns are predicted.
  const Matrix own = wide ? arena.TakeMatrix(velocities.rows, config_.width) : x;
  if (wide) ops.Copy(ByLines(x, columns).Cols(0, width * config_.width), ByLines(own, width));
  ops.LayerNormModulate(own, shift_scale.Rows(0, 1), shift_scale.Rows(1, 1), kOutputNormEps, own);
  ops.Matmul(own, weights_.proj_out, {.bias = weights_.proj_bias}, velocities);
}

void DiffusionTransformer::Block(Ops& ops, Arena& arena, size_t index, const Conditioning& conditioning,
                                 const Matrix& six, const Grid& grid, const Matrix& x) const {
  const Arena::Scope scope(arena);
  const SanaBlockWeights& w = weights_.blocks[index];
  const Matrix m = arena.TakeMatrix(6, config_.width);
  ops.AddTable(w.scale_shift_table, six, m);
  const Matrix shift1 = m.Rows(0, 1), scale1 = m.Rows(1, 1), gate1 = m.Rows(2, 1);
  const Matrix shift2 = m.Rows(3, 1), scale2 = m.Rows(4, 1), gate2 = m.Rows(5, 1);

  const Matrix normed = arena.TakeMatrix(x.rows, x.cols);
  ops.LayerNormModulate(x, shift1, scale1, config_.norm_eps, normed);
  SelfAttention(ops, arena, w.attn1, normed, grid.pictures, gate1, x);
  CrossAttention(ops, arena, index, conditioning, grid.pictures, x);
  ops.LayerNormModulate(x, shift2, scale2, config_.norm_eps, normed);
  GluMbConv(ops, arena, w.ff, normed, grid, {.gate = gate2, .residual = x}, x);
}

// x += gate · to_out(linear attention of `normed`)
void DiffusionTransformer::SelfAttention(Ops& ops, Arena& arena, const LinearAttentionWeights& weights,
                                         const Matrix& normed, int64_t pictures, const Matrix& gate,
                                         const Matrix& x) const {
  const Arena::Scope scope(arena);
  const int64_t width = config_.width;
  const Matrix qkv = arena.TakeMatrix(x.rows, 3 * width);
  const Matrix attended = arena.TakeMatrix(x.rows, width);
  const Matrix q = qkv.Cols(0, width), k = qkv.Cols(width, width), v = qkv.Cols(2 * width, width);
  ops.Matmul(normed, weights.to_q, {.bias = weights.bias_q}, q);
  ops.Matmul(normed, weights.to_k, {.bias = weights.bias_k}, k);
  ops.Matmul(normed, weights.to_v, {.bias = weights.bias_v}, v);
  if (config_.qk_norm) {
    ops.RmsNorm(q, weights.norm_q, {}, kNormEps, Activation::kNone, {}, q);
    ops.RmsNorm(k, weights.norm_k, {}, kNormEps, Activation::kNone, {}, k);
  }
  ops.LinearAttention({q, k, v, pictures, config_.num_heads, config_.head_dim, config_.head_dim}, attended);
  ops.Matmul(attended, weights.to_out, {.bias = weights.bias_out, .gate = gate, .residual = x}, x);
}

// x += to_out(softmax attention to the caption); in the null branch a constant
void DiffusionTransformer::CrossAttention(Ops& ops, Arena& arena, size_t index, const Conditioning& conditioning,
                                          int64_t branches, const Matrix& x) const {
  const Arena::Scope scope(arena);
  const CrossAttentionWeights& w = weights_.blocks[index].attn2;
  const int64_t tokens = x.rows / branches;
  const Matrix cond = x.Rows(x.rows - tokens, tokens);
  if (branches == 2) ops.AddRow(conditioning.null_output[index], x.Rows(0, tokens));

  const Matrix q = arena.TakeMatrix(tokens, config_.num_cross_heads * config_.cross_head_dim);
  const Matrix attended = arena.TakeMatrix(tokens, q.cols);
  ops.Matmul(cond, w.to_q, {.bias = w.bias_q}, q);
  if (config_.qk_norm) ops.RmsNorm(q, w.norm_q, {}, kNormEps, Activation::kNone, {}, q);
  ops.CrossAttention(q, conditioning.keys[index], conditioning.values[index], config_.num_cross_heads,
                     config_.cross_head_dim, attended);
  ops.Matmul(attended, w.to_out, {.bias = w.bias_out, .residual = cond}, cond);
}

}  // namespace blip3o
