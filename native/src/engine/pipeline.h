// The data flow of one request: references → tokens → hidden states → condition → latents → pixels, or any range of it,
// cut into pieces of work.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/status.h"
#include "engine/language_half.h"
#include "engine/picture_half.h"
#include "engine/reference_encoder.h"
#include "engine/run.h"
#include "engine/work.h"
#include "weights/checkpoint.h"

namespace blip3o {

// Different runs may be worked on by several threads at once.
class Pipeline {
 public:
  // `checkpoint` must outlive the pipeline.
  explicit Pipeline(const Checkpoint& checkpoint)
      : config_(checkpoint.config()), language_(checkpoint), picture_(checkpoint), encoder_(checkpoint) {}

  LanguageHalf& language() { return language_; }
  ReferenceEncoder& encoder() { return encoder_; }

  // What a request will need: the same code on operations that compute nothing.
  MemoryNeed Measure(const Request& request) const;
  // Every operation with a weight that a request of a model with these capabilities may run, on operations that compute
  // nothing.
  void ReadWeights(Ops& dry_ops, const Capabilities& capabilities) const;
  // The same of a request's tokens, drawn by a version of the language model.
  void ReadWeights(Ops& dry_ops, std::shared_ptr<const LanguageVersion> version) const;
  // Multiply-adds of one step.
  int64_t StepProducts(const Request& request) const;

  // What a run has to do next; none when it has done all.
  std::optional<Work> Next(const Run& run) const;

  // One piece of work of a checked request: any but kToken.
  Status Do(Work work, const Workplace& at, Run& run);

 private:
  // Each kind of the request's work once.
  void RunDry(const Workplace& language, const Workplace& picture, Run& run) const;
  Status Encode(const Workplace& at, Run& run);

  const ModelConfig& config_;
  LanguageHalf language_;
  PictureHalf picture_;
  ReferenceEncoder encoder_;
};

}  // namespace blip3o
