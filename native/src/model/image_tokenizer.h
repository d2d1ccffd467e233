// TA-Tok: a reference picture → image tokens. A SigLIP vision encoder without its last layer, a task layer, and the
// nearest row of a codebook (SimVQ).
//
// Source: TA-Tok: ta_tok.py: TextAlignedTokenizer; transformers: modeling_siglip.py: SiglipVisionModel.
// Differs: rows are not normalised before the search, since their length does not change which code is nearest; the
// codebook is computed once.
#pragma once

#include <cstdint>

#include "base/arena.h"
#include "model/progress.h"
#include "ops/ops.h"
#include "weights/config.h"
#include "weights/model_weights.h"

namespace blip3o {

class ImageTokenizer {
 public:
  // All must outlive the model. `codes` is the size of the image vocabulary.
  ImageTokenizer(const ImageTokenizerConfig& config, int64_t codes, const ImageTokenizerWeights& weights)
      : config_(config), codes_(codes), weights_(weights) {}

  int64_t codes() const { return codes_; }
  int64_t code_size() const { return config_.code_size; }
  // How many parts Tokenize reports.
  int Parts() const { return static_cast<int>(config_.used_layers()) + 2; }

  // codebook [codes, d]: the L2 normalised embedding_proj(embedding).
  void Codebook(Ops& ops, Arena& arena, const Matrix& codebook) const;

  // N tokens (the backend's memory) from image [image_size², 3] in [-1, 1]. Reports the patches, each layer and the
  // search to `progress`, which may stop it. Values that are not finite are reported as kNumericError.
  Status Tokenize(Ops& ops, Arena& arena, const Matrix& image, const Matrix& codebook, Progress& progress,
                  int32_t* tokens) const;

 private:
  // Activations of the N patches; reused by every layer.
  struct Buffers {
    Matrix x;                // [N, E] residual stream
    Matrix normed;           // [N, E]
    Matrix q, k, v;          // [N, E], columns of one matrix
    Matrix attended, inner;  // [N, E], [N, F]
  };

  Buffers Take(Arena& arena) const;
  // Patch convolution and positions: [image_size², 3] → [N, E].
  void EmbedPatches(Ops& ops, Arena& arena, const Matrix& image, const Matrix& x) const;
  void Layer(Ops& ops, const VisionLayerWeights& layer, const Buffers& b) const;
  // For each row the code of the largest cosine, the lowest of equals.
  void FindNearest(Ops& ops, Arena& arena, const Matrix& rows, const Matrix& codebook, int32_t* tokens) const;

  const ImageTokenizerConfig& config_;
  int64_t codes_;
  const ImageTokenizerWeights& weights_;
};

}  // namespace blip3o
