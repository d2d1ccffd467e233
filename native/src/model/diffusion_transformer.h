// SANA-1.5: noisy latents, sigma and condition → velocity.
//
// Source: diffusers: transformers/sana_transformer.py: SanaTransformer2DModel.
// Differs: what never changes during the steps (caption projection, cross-attention keys and values) is computed once,
// in Prepare; the null branch's cross attention reads equal rows, so it is one constant vector for each block.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/arena.h"
#include "base/status.h"
#include "model/progress.h"
#include "ops/ops.h"
#include "weights/config.h"
#include "weights/model_weights.h"

namespace blip3o {

// The weights of each step's large products, which Ops::Matmul alone reads: not the first and the last projection.
std::vector<View> LargeStepWeights(const DiffusionTransformerWeights& weights);

class DiffusionTransformer {
 public:
  // Both must outlive the model.
  DiffusionTransformer(const DiffusionTransformerConfig& config, const DiffusionTransformerWeights& weights)
      : config_(config), weights_(weights) {}

  // What one request's steps share.
  struct Conditioning {
    std::vector<Matrix> keys, values;  // a block each: [M, X]
    std::vector<Matrix> null_output;   // a block each: [1, D], what cross attention adds in the null branch
    Matrix position_table;             // [h·W, D], or empty
    Matrix wide;                       // [h·W, c] in an edit: noisy latents | reference 0 | reference 1 …, or empty
  };

  // condition [M, C]; null_condition [1, C], or empty when no step needs the null branch. `references` [h·w, c] each,
  // those that stand beside the noisy latents along width: the transformer then sees W = (R + 1)·w columns, else W = w.
  // The conditioning lies in `slab`, which may be the arena. `progress` hears of each block and may stop the rest.
  Status Prepare(Ops& ops, Arena& arena, Arena& slab, const Matrix& condition, const Matrix& null_condition,
                 std::span<const Matrix> references, int64_t height, int64_t width, Progress& progress,
                 Conditioning& conditioning) const;

  // What the transformer sees of a step's sigma.
  static constexpr int kTimeChannels = 256;
  using TimeSinusoids = std::array<float, kTimeChannels>;
  static TimeSinusoids SinusoidsOf(float sigma);

  // Velocities at latents [h·w, c] and the sigma of `sinusoids` [1, kTimeChannels]: of the null branch, then of the
  // conditional one, in a matrix of [2 · h·w, c]; where `velocities` has only h·w rows, of the conditional branch
  // alone. Reads and writes nothing of the host.
  void Velocity(Ops& ops, Arena& arena, const Conditioning& conditioning, const Matrix& latents, int64_t height,
                int64_t width, const Matrix& sinusoids, const Matrix& velocities) const;

 private:
  // caption_norm(caption_projection(condition)): [M, C] → [M, D].
  Matrix ProjectCaption(Ops& ops, Arena& arena, const Matrix& condition) const;
  // Keys or values of one block: [M, D] → [M, X].
  void CrossKeys(Ops& ops, const CrossAttentionWeights& weights, const Matrix& caption, const Matrix& keys) const;
  // The columns beside the noisy latents, which stay as they are at every step.
  Matrix PlaceReferences(Ops& ops, Arena& arena, std::span<const Matrix> references, int64_t height,
                         int64_t width) const;
  Matrix PositionTable(Ops& ops, Arena& arena, int64_t height, int64_t width) const;
  // embedded_timestep [1, D] and the six vectors [6, D] that every block's table is added to.
  void EmbedTime(Ops& ops, Arena& arena, const Matrix& sinusoids, const Matrix& embedded, const Matrix& six) const;
  void Block(Ops& ops, Arena& arena, size_t index, const Conditioning& conditioning, const Matrix& six,
             const Grid& grid, const Matrix& x) const;
  void SelfAttention(Ops& ops, Arena& arena, const LinearAttentionWeights& weights, const Matrix& normed,
                     int64_t pictures, const Matrix& gate, const Matrix& x) const;
  void CrossAttention(Ops& ops, Arena& arena, size_t index, const Conditioning& conditioning, int64_t branches,
                      const Matrix& x) const;

  const DiffusionTransformerConfig& config_;
  const DiffusionTransformerWeights& weights_;
};

}  // namespace blip3o
