// The data flow of one request: references → tokens → hidden states → condition → latents → pixels, or any range of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/arena.h"
#include "base/status.h"
#include "engine/job.h"
#include "engine/observer.h"
#include "engine/reference_encoder.h"
#include "engine/request.h"
#include "model/autoencoder_decoder.h"
#include "model/connector.h"
#include "model/diffusion_transformer.h"
#include "model/language_model.h"
#include "ops/ops.h"
#include "weights/checkpoint.h"

namespace blip3o {

class Pipeline {
 public:
  // `checkpoint` must outlive the pipeline.
  explicit Pipeline(const Checkpoint& checkpoint);

  // What Run(request) will need: the same code on operations that compute nothing.
  MemoryNeed Measure(const ReferenceEncoder& encoder, const Request& request) const;

  // Runs a checked request in `workspace`, which is as large as Measure says; `ops` has reserved its capacity.
  // values: the last stage's results and what request.outputs asks for.
  Status Run(Ops& ops, const Buffer& workspace, ReferenceEncoder& encoder, const Request& request,
             RunObserver& observer, Values& values, Timings& timings) const;

 private:
  struct Flow;  // one run: what the stages hand on

  // At most `most_iterations` tokens and steps.
  Status RunStages(Flow& flow, int64_t most_iterations) const;
  Status References(Flow& flow, ReferenceEncoder& encoder) const;
  Status Tokens(Flow& flow, int64_t most_tokens) const;
  // The tokens are given: one prefill over the prompt and them.
  Status GivenTokens(Flow& flow) const;
  Status Condition(Flow& flow) const;
  Status Latents(Flow& flow, int64_t most_steps) const;
  Status Pixels(Flow& flow) const;
  // The prompt with the reference tokens in place.
  std::vector<int32_t> PromptIds(const Flow& flow) const;
  // Brings the references' latents into the arena as maps, unless they are there.
  void LoadReferences(Flow& flow) const;
  // Brings the given condition and null condition into the arena.
  void LoadConditions(Flow& flow) const;
  // What the flow starts from: noise, or the initial latents on their way to it.
  void Start(Flow& flow, float sigma) const;
  // What all steps share.
  Status PrepareSteps(Flow& flow, DiffusionTransformer::Conditioning& conditioning) const;
  Status Steps(Flow& flow, const DiffusionTransformer::Conditioning& conditioning, const std::vector<float>& sigmas,
               int64_t most_steps) const;
  // What the mask keeps goes back to the initial latents' own path.
  void FollowMask(Flow& flow, float sigma) const;
  Status NotFinite(Flow& flow, ModelPart part, const std::string& what) const;

  const Checkpoint& checkpoint_;
  const ModelConfig& config_;
  const ModelWeights& weights_;
  LanguageModel language_model_;
  Connector connector_;
  Connector reference_connector_;
  DiffusionTransformer diffusion_transformer_;
  AutoencoderDecoder decoder_;
};

}  // namespace blip3o
