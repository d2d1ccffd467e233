// The data flow of one request: tokens → hidden states → condition → latents → pixels, or any range of it.
#pragma once

#include <cstdint>

#include "base/arena.h"
#include "base/status.h"
#include "engine/events.h"
#include "engine/job.h"
#include "engine/request.h"
#include "model/autoencoder.h"
#include "model/connector.h"
#include "model/diffusion_transformer.h"
#include "model/language_model.h"
#include "ops/ops.h"
#include "weights/checkpoint.h"

namespace blip3o {

// Hears of every token, step and part, and may stop the run after it.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  // Not ok: stop, with this status.
  virtual Status OnProgress(EventKind kind, int index, int count) = 0;
};

class Pipeline {
 public:
  // `checkpoint` must outlive the pipeline.
  explicit Pipeline(const Checkpoint& checkpoint);

  // What Run(request) will need: the same code on operations that compute nothing.
  MemoryNeed Measure(const Request& request) const;

  // Runs a checked request in `workspace`, which is as large as Measure says; `ops` has reserved its capacity.
  // values: the last stage's results and what request.outputs asks for.
  Status Run(Ops& ops, const Buffer& workspace, const Request& request, RunObserver& observer, Values& values,
             Timings& timings) const;

 private:
  struct Flow;  // one run: what the stages hand on

  // At most `most_iterations` tokens and steps.
  Status RunStages(Flow& flow, int64_t most_iterations) const;
  Status Tokens(Flow& flow, int64_t most_tokens) const;
  Status Hidden(Flow& flow) const;
  Status Condition(Flow& flow) const;
  Status Latents(Flow& flow, int64_t most_steps) const;
  Status Pixels(Flow& flow) const;
  // A stage's failure for values that are not finite; names the weight that caused it, where one did.
  Status NotFinite(Flow& flow, ModelPart part, const std::string& what) const;

  const Checkpoint& checkpoint_;
  const ModelConfig& config_;
  const ModelWeights& weights_;
  LanguageModel language_model_;
  Connector connector_;
  DiffusionTransformer diffusion_transformer_;
  AutoencoderDecoder decoder_;
};

}  // namespace blip3o
