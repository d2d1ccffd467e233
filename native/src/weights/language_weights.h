// The language model's tensors by name: those of a checkpoint, and copies of a caller's that take their place.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "weights/config.h"
#include "weights/model_weights.h"

namespace blip3o {

// A whole tensor, as files hold it.
struct NamedTensor {
  std::string name;  // "model.layers.0.self_attn.q_proj.weight"
  View view;
};

// Bytes of all of them.
int64_t BytesOf(std::span<const NamedTensor> tensors);

// Weights that no file holds. The views point into the memory.
struct OwnedLanguageWeights {
  LanguageModelWeights weights;
  Buffer memory;
  Buffer quantized;  // where products read eight bits
  int64_t size_bytes() const { return memory.size_bytes() + quantized.size_bytes(); }
};

// Copies them: every tensor of the language model once, of the table's shape, F32, BF16 or F16, finite.
// Errors: INVALID_ARGUMENT, by the tensor's name; OUT_OF_MEMORY.
Result<OwnedLanguageWeights> CopyLanguageWeights(const ModelConfig& config, std::span<const NamedTensor> tensors);

}  // namespace blip3o
