// The CUDA operations, one family a file. Formulas and shapes stand in ops.h; an operation has the same name there. All
// of them queue and return; failures are the queue's.
//
// A family whose kernels need scratch says how many bytes.
#pragma once

#include <cstdint>
#include <span>

#include "ops/cuda/context.h"
#include "ops/ops.h"

namespace blip3o::cuda {

// token_matmul.cu: every byte of the weight read once for all rows.
int64_t TokenMatmulScratch(const Capacity& capacity);
void TokenMatmul(Context& context, const TokenInput& input, std::span<const TokenProduct> products);
void TokenSwiGlu(Context& context, const TokenInput& input, const View& gate, const View& up, const Matrix& out);

// matmul.cu: the product of ours for many rows. Also of a weight that is at hand already.
int64_t MatmulScratch(const Capacity& capacity);
void Matmul(Context& context, const Matrix& x, const View& weight, const Epilogue& epilogue, const Matrix& out);

// grouped_pointwise.cu
void GroupedPointwise(Context& context, const Matrix& x, const View& weight, const Matrix& out);

// decode_attention.cu
int64_t DecodeAttentionScratch(const Capacity& capacity);
void DecodeAttention(Context& context, const AttentionShape& shape, int64_t layer, const Matrix& q,
                     const TokenTable& table, const Matrix& out);

// attention.cu: softmax attention of many rows, online softmax, tensor cores.
int64_t AttentionScratch(const Capacity& capacity);
void PrefillAttention(Context& context, const AttentionShape& shape, const Matrix& q, const KvSlot& slot,
                      const Matrix& out);
void CrossAttention(Context& context, const Matrix& q, const Matrix& k, const Matrix& v, int64_t heads,
                    int64_t head_dim, const Matrix& out);

// rope.cu
void RotaryAppend(Context& context, const RotaryParameters& parameters, const Matrix& q, const Matrix& k,
                  const Matrix& v, const KvSlot& slot);
void RotaryAppendTokens(Context& context, const RotaryParameters& parameters, int64_t layer, const Matrix& q,
                        const Matrix& k, const Matrix& v, const TokenTable& table);

// sampling.cu
int64_t SamplingScratch(const Capacity& capacity);
void DrawTokens(Context& context, const Matrix& logits, const TokenTable& table);

// token_rows.cu: what the token loop moves.
void GatherHiddenStates(Context& context, const TokenTable& table, const Matrix& out);
void EmbedTokens(Context& context, const View& embedding, int32_t offset, const TokenTable& table, const Matrix& out);
void FinishTokens(Context& context, const Matrix& x, const View& norm, double eps, const TokenTable& table);

// linear_attention.cu
int64_t LinearAttentionScratch(const Capacity& capacity);
void LinearAttention(Context& context, const LinearAttentionInput& input, const Matrix& out);

// norm.cu
void RmsNorm(Context& context, const Matrix& x, const View& weight, const View& bias, double eps, Activation activation,
             const Matrix& residual, const Matrix& out);
void LayerNormModulate(Context& context, const Matrix& x, const Matrix& shift, const Matrix& scale, double eps,
                       const Matrix& out);
void LayerNorm(Context& context, const Matrix& x, const View& weight, const View& bias, double eps, const Matrix& out);
void L2Normalize(Context& context, const Matrix& x, const Matrix& out);

// conv.cu: implicit products on tensor cores.
void Conv3x3(Context& context, const Matrix& x, const Grid& grid, const View& weight, const Epilogue& epilogue,
             const Matrix& out);
void UpsampleConv3x3(Context& context, const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                     const Matrix& out);
void DownsampleConv3x3(Context& context, const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                       const Matrix& out);

// depthwise.cu
void DepthwiseConv(Context& context, const Matrix& x, const Grid& grid, const View& weight, const Matrix& out);
void DepthwiseGate(Context& context, const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                   const Matrix& out);

// rearrange.cu
void PixelShuffle(Context& context, const Matrix& x, const Grid& grid, const Matrix& out);
void AddUpsampled(Context& context, const Matrix& x, const Grid& grid, const Matrix& out);
void AddRepeated(Context& context, const Matrix& x, const Matrix& out);
void SpaceToDepth(Context& context, const Matrix& x, const Grid& grid, int64_t patch, const Matrix& out);
void AddDownsampled(Context& context, const Matrix& x, const Grid& grid, const Matrix& out);
void AddAveraged(Context& context, const Matrix& x, const Matrix& out);
void Copy(Context& context, const Matrix& x, const Matrix& out);
void ToPlanes(Context& context, const Matrix& x, float factor, float* planes);
void FromPlanes(Context& context, const float* planes, float factor, const Matrix& out);

// elementwise.cu
void Embed(Context& context, const View& table, const int32_t* ids, int32_t offset, const Matrix& out);
void Activate(Context& context, const Matrix& x, Activation activation, const Matrix& out);
void AddTable(Context& context, const View& table, const Matrix& x, const Matrix& out);
void AddRow(Context& context, const Matrix& row, const Matrix& x);
void GuidedStep(Context& context, const Matrix& null, const Matrix& cond, const StepScalars* step,
                const Matrix& velocity, const Matrix& x);
void ToPixels(Context& context, const Matrix& x, uint8_t* pixels);
void FromPixels(Context& context, const uint8_t* pixels, const Matrix& out);
void FollowPath(Context& context, const Matrix& mask, const Matrix& latents, const Matrix& noise, float sigma,
                const Matrix& x);
void KeepLargest(Context& context, const Matrix& scores, int32_t first, float* best, int32_t* index);
// Clears *finite (i32, the device's memory) unless every value is finite.
void CheckFinite(Context& context, const Matrix& x, int32_t* finite);

}  // namespace blip3o::cuda
