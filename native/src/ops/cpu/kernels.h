// The CPU's operations, one family a file. Formulas and shapes stand in ops.h; an operation has the same name there.
//
// A family whose kernels need scratch says how much: bytes for all (`Shared…Bytes`) and for each worker.
#pragma once

#include <cstdint>
#include <span>

#include "ops/cpu/context.h"
#include "ops/ops.h"

namespace blip3o::cpu {

struct ScratchBytes {
  int64_t shared = 0;
  int64_t per_worker = 0;
};

// matmul.cpp: products on fixed panels, one thread each.
ScratchBytes MatmulScratch(const Capacity& capacity, Compute compute, int threads);
Status Matmul(Context& context, const Matrix& x, const View& weight, const Epilogue& epilogue, const Matrix& out);

// conv.cpp: gathered pixels times packed weights, on the same panels.
ScratchBytes ConvScratch(const Capacity& capacity, Compute compute, int threads);
Status Conv3x3(Context& context, const Matrix& x, const Grid& grid, const View& weight, const Epilogue& epilogue,
               const Matrix& out);
Status UpsampleConv3x3(Context& context, const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                       const Matrix& out);
Status DownsampleConv3x3(Context& context, const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                         const Matrix& out);

// token_matmul.cpp: every byte of the weight read once for all rows.
ScratchBytes TokenMatmulScratch(const Capacity& capacity, int threads);
void TokenMatmul(Context& context, const TokenInput& input, std::span<const TokenProduct> products);
void TokenSwiGlu(Context& context, const TokenInput& input, const View& gate, const View& up, const Matrix& out);

// grouped_pointwise.cpp
void GroupedPointwise(Context& context, const Matrix& x, const View& weight, const Matrix& out);

// attention.cpp: softmax attention with an online softmax; the scores are never stored whole.
ScratchBytes AttentionScratch(const Capacity& capacity, int threads);
void PrefillAttention(Context& context, const AttentionShape& shape, const Matrix& q, const KvSlot& slot,
                      const Matrix& out);
// Row b attends to positions [0, slots[b].position].
void DecodeAttention(Context& context, const AttentionShape& shape, const Matrix& q, std::span<const KvSlot> slots,
                     const Matrix& out);
void CrossAttention(Context& context, const Matrix& q, const Matrix& k, const Matrix& v, int64_t heads,
                    int64_t head_dim, const Matrix& out);

// linear_attention.cpp
ScratchBytes LinearAttentionScratch(const Capacity& capacity, int threads);
void LinearAttention(Context& context, const LinearAttentionInput& input, const Matrix& out);

// norm.cpp
void RmsNorm(Context& context, const Matrix& x, const View& weight, const View& bias, double eps, Activation activation,
             const Matrix& residual, const Matrix& out);
void LayerNormModulate(Context& context, const Matrix& x, const Matrix& shift, const Matrix& scale, double eps,
                       const Matrix& out);
void LayerNorm(Context& context, const Matrix& x, const View& weight, const View& bias, double eps, const Matrix& out);
void L2Normalize(Context& context, const Matrix& x, const Matrix& out);

// rope.cpp
void RotaryAppend(Context& context, const RotaryParameters& parameters, const Matrix& q, const Matrix& k,
                  const Matrix& v, const KvSlot& slot);

// sampling.cpp
struct SamplingParameters {
  float temperature = 1.0f;  // 0: argmax
  int64_t top_k = 0;         // 0: all
  float top_p = 1.0f;
  float uniform = 0.0f;  // in [0, 1)
};
ScratchBytes SamplingScratch(const Capacity& capacity);
// *token = one token from one row of logits, as DrawTokens of ops.h with this uniform number. log_probabilities [2], or
// null.
void Sample(Context& context, const Matrix& logits, const SamplingParameters& parameters, int32_t* token,
            float* log_probabilities = nullptr);

// token_rows.cpp: the token loop, row by row by the kernels above.
void GatherHiddenStates(const TokenTable& table, const Matrix& out);
void DrawTokens(Context& context, const Matrix& logits, const TokenTable& table);
void EmbedTokens(Context& context, const View& embedding, int32_t offset, const TokenTable& table, const Matrix& out);
void RotaryAppendTokens(Context& context, const RotaryParameters& parameters, int64_t layer, const Matrix& q,
                        const Matrix& k, const Matrix& v, const TokenTable& table);
void DecodeAttention(Context& context, const AttentionShape& shape, int64_t layer, const Matrix& q,
                     const TokenTable& table, const Matrix& out);
void FinishTokens(Context& context, const Matrix& x, const View& norm, double eps, const TokenTable& table);

// depthwise.cpp
void DepthwiseConv(Context& context, const Matrix& x, const Grid& grid, const View& weight, const Matrix& out);
void DepthwiseGate(Context& context, const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                   const Matrix& out);

// rearrange.cpp
void PixelShuffle(Context& context, const Matrix& x, const Grid& grid, const Matrix& out);
void AddUpsampled(Context& context, const Matrix& x, const Grid& grid, const Matrix& out);
void AddRepeated(Context& context, const Matrix& x, const Matrix& out);
void SpaceToDepth(Context& context, const Matrix& x, const Grid& grid, int64_t patch, const Matrix& out);
void AddDownsampled(Context& context, const Matrix& x, const Grid& grid, const Matrix& out);
void AddAveraged(Context& context, const Matrix& x, const Matrix& out);
void Copy(Context& context, const Matrix& x, const Matrix& out);
void ToPlanes(Context& context, const Matrix& x, float factor, float* planes);
void FromPlanes(Context& context, const float* planes, float factor, const Matrix& out);

// elementwise.cpp
void Embed(Context& context, const View& table, const int32_t* ids, int32_t offset, const Matrix& out);
void Activate(Context& context, const Matrix& x, Activation activation, const Matrix& out);
void AddTable(Context& context, const View& table, const Matrix& x, const Matrix& out);
void AddRow(Context& context, const Matrix& row, const Matrix& x);
void GuidedStep(Context& context, const Matrix& null, const Matrix& cond, const StepScalars& step,
                const Matrix& velocity, const Matrix& x);
void ToPixels(Context& context, const Matrix& x, uint8_t* pixels);
void FromPixels(Context& context, const uint8_t* pixels, const Matrix& out);
void FollowPath(Context& context, const Matrix& mask, const Matrix& latents, const Matrix& noise, float sigma,
                const Matrix& x);
void KeepLargest(Context& context, const Matrix& scores, int32_t first, float* best, int32_t* index);
bool AllFinite(Context& context, const Matrix& x);

}  // namespace blip3o::cpu
