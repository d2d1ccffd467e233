// The one table of tensors: name in the checkpoint, shape, part of the model, and the slot it fills.
#pragma once

#include <string>
#include <vector>

#include "base/tensor.h"
#include "weights/config.h"
#include "weights/model_weights.h"

namespace blip3o {

// The parts of a checkpoint, for errors and reports.
enum class ModelPart {
  kLanguageModel,
  kConnector,
  kDiffusionTransformer,
  kDecoder,
  kImageTokenizer,
  kEncoder,
  kReferenceConnector,
};
inline constexpr int kModelPartCount = 7;

// "language model", "connector", "diffusion transformer", "autoencoder decoder", "image tokenizer", "autoencoder
// encoder", "reference connector".
std::string NameOf(ModelPart part);

// Text to image needs the part. The others are an edit's: a checkpoint may lack them.
inline bool IsRequired(ModelPart part) { return part <= ModelPart::kDecoder; }

// The tensor whose columns say how wide a code of the image tokenizer is.
inline constexpr char kCodebookTensor[] = "model.vision_tower.vision_tower.bottleneck.regularizer.embedding.weight";
inline constexpr char kCodeProjectionTensor[] =
    "model.vision_tower.vision_tower.bottleneck.regularizer.embedding_proj.weight";

struct TensorRow {
  std::string name;   // "model.layers.0.self_attn.q_proj.weight"
  std::string alias;  // name inside the diffusion directory's own files, or empty
  Shape shape;
  ModelPart part;
  View* slot;
  int64_t first_row = 0;  // the slot takes rows [first_row, first_row + slot_rows) of the tensor …
  int64_t slot_rows = 0;  // … or all of it when 0
};

// Sizes the lists inside `weights` and yields a row for every tensor that text to image and edits need. The slots point
// into `weights`, which must stay where it is while they are used.
std::vector<TensorRow> TensorTable(const ModelConfig& config, ModelWeights& weights);

}  // namespace blip3o
