// The diffusion half: pictures → reference tokens and latents; hidden states → condition → latents → pixels.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "engine/preview.h"
#include "engine/run.h"
#include "model/autoencoder_decoder.h"
#include "model/connector.h"
#include "model/diffusion_transformer.h"
#include "weights/checkpoint.h"

namespace blip3o {

// All of it may be called by several threads at once, for different runs.
class PictureHalf {
 public:
  // `checkpoint` must outlive it.
  explicit PictureHalf(const Checkpoint& checkpoint);

  // The condition and what all steps share: what of it the request's stages ask for.
  Status Condition(const Workplace& at, Run& run) const;
  // The next denoising step.
  Status Step(const Workplace& at, Run& run) const;
  Status Decode(const Workplace& at, Run& run) const;

  // Steps that a request runs in all.
  static int32_t Steps(const Request& request) { return request.steps - request.first_step(); }

 private:
  // What the condition is made of and what it becomes; for one piece of work.
  struct Conditions {
    Matrix hidden_states;            // [N + 1, H]
    Matrix condition;                // [M, C]
    Matrix null_condition;           // [1, C], or empty
    std::vector<Matrix> references;  // [h·w, c] each
  };

  Status Connect(const Workplace& at, Run& run, Conditions& c) const;
  // Brings the given condition and null condition into memory.
  void LoadConditions(const Workplace& at, const Run& run, Conditions& c) const;
  // Brings the references' latents into memory as maps, unless they are there.
  void LoadReferences(const Workplace& at, const Run& run, Conditions& c) const;
  // What all steps share.
  Status PrepareSteps(const Workplace& at, Run& run, Conditions& c) const;
  // What the flow starts from: noise, or the initial latents on their way to it.
  void Start(const Workplace& at, Run& run) const;
  // What the mask keeps goes back to the initial latents' own path.
  void FollowMask(const Workplace& at, const Run& run, float sigma) const;
  // Makes the run's preview where one is due after this step.
  void Show(const Workplace& at, Run& run, const Matrix& velocity) const;
  void KeepPixels(const Workplace& at, Run& run, const Matrix& image) const;
  Status NotFinite(Ops& ops, ModelPart part, const std::string& what) const;

  const Checkpoint& checkpoint_;
  const ModelConfig& config_;
  Connector connector_;
  Connector reference_connector_;
  DiffusionTransformer diffusion_transformer_;
  AutoencoderDecoder decoder_;
  mutable PreviewMap previews_;
};

}  // namespace blip3o
