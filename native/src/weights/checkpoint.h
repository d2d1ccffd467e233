// A checkpoint: config, mapped files, and the weights bound to their slots.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "weights/capabilities.h"
#include "weights/config.h"
#include "weights/language_weights.h"
#include "weights/model_weights.h"
#include "weights/tensor_files.h"
#include "weights/tensor_table.h"

namespace blip3o {

class Checkpoint {
 public:
  // Reads the config, maps every file that holds a needed tensor and fills every slot of the table. Never reads the
  // weights themselves. Errors: a file, header, tensor, shape or dtype, by name. What only edits need may lack:
  // capabilities() tells.
  static Result<std::unique_ptr<Checkpoint>> Open(const std::filesystem::path& directory,
                                                  const std::filesystem::path& diffusion_directory);

  // A checkpoint of the configs' sizes alone, to measure with: its weights are in BF16 and nobody may read them. What
  // the configs don't size, the image tokenizer's codes, it lacks.
  static Result<std::unique_ptr<Checkpoint>> OfSizes(const std::filesystem::path& directory,
                                                     const std::filesystem::path& diffusion_directory);

  const ModelConfig& config() const { return config_; }
  const ModelWeights& weights() const { return weights_; }
  // What it can do beyond text to image.
  const Capabilities& capabilities() const { return capabilities_; }
  // Bytes of the tensors that are read: a part of editing that is not whole is not.
  int64_t weight_bytes() const { return weight_bytes_; }
  // Their dtypes, for example "BF16" or "BF16, F32".
  std::string dtypes() const;
  // The language model's tensors as files hold them, each once, in the table's order.
  std::vector<NamedTensor> LanguageTensors() const;
  // True when every weight that products of text to image read is BF16 or F16.
  bool is_16_bit() const;
  // The products' weights of the language model become kQ8 (weights/quantize.h): made once, in memory of their own,
  // before anything reads the weights. What files hold stays as it is. Errors: OUT_OF_MEMORY.
  Status QuantizeLanguageModel(int threads);
  // The same, to measure with: nobody may read these weights.
  void QuantizeSizesOnly();
  // Bytes of that memory, before and after.
  int64_t QuantizedLanguageModelBytes() const;
  // Reads the weights of `part` and names the first NaN or infinity: "tensor … in file … holds nan at [3, 7]". Ok when
  // all are finite.
  Status ScanValues(ModelPart part) const;
  // The failure of a stage that computed with `part` and whose result, `what`, is not finite: names the weight that
  // caused it, where one did.
  Status NotFinite(ModelPart part, const std::string& what) const;

 private:
  Checkpoint() = default;
  ModelConfig config_;
  ModelWeights weights_;
  Capabilities capabilities_;
  std::vector<TensorRow> table_;          // its slots point into weights_
  std::optional<CheckpointFiles> files_;  // empty only inside Open
  std::vector<BoundTensor> tensors_;
  int64_t weight_bytes_ = 0;
  Buffer quantized_;
};

}  // namespace blip3o
