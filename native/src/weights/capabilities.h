// What a checkpoint can do beyond text to image, and what it lacks for the rest.
#pragma once

#include <string>
#include <vector>

#include "weights/config.h"
#include "weights/tensor_files.h"
#include "weights/tensor_table.h"

namespace blip3o {

// Empty: it can. Else one sentence that names what is missing.
struct Capabilities {
  std::string reference_tokens_lack;   // the image tokenizer
  std::string reference_latents_lack;  // the autoencoder's encoder: also image to image, and masks
  std::string editing_lacks;           // everything that config.json's flags ask for
};

// `problems` are those of binding `table`.
Capabilities FindCapabilities(const ModelConfig& config, const std::vector<TensorRow>& table,
                              const std::vector<TensorProblem>& problems);

}  // namespace blip3o
