#include "engine/pipeline.h"

#include <algorithm>

#include "ops/dry_ops.h"

namespace blip3o {

namespace {

class SilentObserver final : public RunObserver {
 public:
  Status OnProgress(EventKind, int, int) override { return {}; }
  Status OnWork() override { return {}; }
};

// A dry run of one half: its operations and its lane's memory.
struct DryHalf {
  DryOps ops;
  Arena arena;
  SilentObserver observer;
  const Workplace at{ops, arena, observer};

  HalfNeed need() const { return {arena.peak_bytes(), ops.capacity()}; }
};

bool Conditions(const Request& request) { return request.Runs(Stage::kCondition) || request.Runs(Stage::kLatents); }

bool HasPictures(const Request& request) { return !request.references.empty() || !request.initial.empty(); }

}  // namespace

std::optional<Work> Pipeline::Next(const Run& run) const {
  const Request& request = run.request;
  if (request.Runs(Stage::kReferences) && HasPictures(request) && !run.encoded_pictures) return Work::kEncode;
  if (request.Runs(Stage::kTokens)) {
    if (!language_.HasPrefilled(run)) return Work::kPrefill;
    if (run.drawn < config_.image_tokens.tokens) return Work::kToken;
  }
  if (Conditions(request) && !run.conditioned) return Work::kCondition;
  if (request.Runs(Stage::kLatents) && run.steps_done < PictureHalf::Steps(request)) return Work::kStep;
  if (request.Runs(Stage::kPixels) && !run.decoded) return Work::kDecode;
  return std::nullopt;
}

Status Pipeline::Do(Work work, const Workplace& at, Run& run) {
  switch (work) {
    case Work::kEncode:
      return Encode(at, run);
    case Work::kPrefill:
      return language_.Prefill(at, run);
    case Work::kCondition:
      return picture_.Condition(at, run);
    case Work::kStep:
      return picture_.Step(at, run);
    case Work::kDecode:
      return picture_.Decode(at, run);
    case Work::kToken:
      break;
  }
  return InternalError("tokens are drawn by the language half: please report it");
}

// Operations that compute nothing can't fail, and one chunk, one token and one step are as large as all.
void Pipeline::RunDry(const Workplace& language, const Workplace& picture, Run& run) const {
  const Request& request = run.request;
  if (request.Runs(Stage::kReferences)) encoder_.Measure(picture.ops, picture.arena, request);
  if (request.Runs(Stage::kTokens)) {
    language_.Begin(language, run);
    (void)language_.Prefill(language, run);
    const std::vector<Run*> everybody(static_cast<size_t>(LanguageModel::kMostRows), &run);
    std::vector<Status> statuses;
    if (request.tokens.empty()) language_.NextTokens(language, everybody, statuses);
    run.cache_memory.reset();
  }
  if (Conditions(request)) (void)picture_.Condition(picture, run);
  if (request.Runs(Stage::kLatents)) (void)picture_.Step(picture, run);
  if (request.Runs(Stage::kPixels)) (void)picture_.Decode(picture, run);
}

MemoryNeed Pipeline::Measure(const Request& request) const {
  Run run(request);
  DryHalf language, picture;
  RunDry(language.at, picture.at, run);
  return {run.slab.peak_bytes(), language.need(), picture.need()};
}

void Pipeline::ReadWeights(Ops& dry_ops, const Capabilities& capabilities) const {
  Arena arena;
  SilentObserver observer;
  const Workplace at{dry_ops, arena, observer};
  Request text, references, edit;
  text.prompt = {0};
  references.last_stage = Stage::kReferences;
  references.references.resize(1);
  edit.references.resize(1);
  edit.prompt = {kReferenceToken};
  const auto run_dry = [&](Request& request) {
    request.first_stage = request.references.empty() ? Stage::kTokens : Stage::kReferences;
    Run run(request);
    RunDry(at, at, run);
  };
  run_dry(text);
  if (capabilities.reference_tokens_lack.empty()) {
    references.outputs = 1u << static_cast<int>(Value::kReferenceTokens);
    run_dry(references);
    encoder_.LoadDry(dry_ops, arena);
  }
  if (capabilities.reference_latents_lack.empty()) {
    references.outputs = 1u << static_cast<int>(Value::kReferenceLatents);
    run_dry(references);
  }
  if (capabilities.editing_lacks.empty()) run_dry(edit);
}

void Pipeline::ReadWeights(Ops& dry_ops, std::shared_ptr<const LanguageVersion> version) const {
  Arena arena;
  SilentObserver observer;
  const Workplace at{dry_ops, arena, observer};
  Request tokens;
  tokens.prompt = {0};
  tokens.first_stage = tokens.last_stage = Stage::kTokens;
  Run run(tokens);
  run.language = std::move(version);
  RunDry(at, at, run);
}

int64_t Pipeline::StepProducts(const Request& request) const {
  Run run(request);
  DryHalf before, step;
  (void)picture_.Condition(before.at, run);
  (void)picture_.Step(step.at, run);
  return step.ops.products();
}

Status Pipeline::Encode(const Workplace& at, Run& run) {
  EncodedPictures& encoded = run.encoded;
  BLIP3O_RETURN_IF_ERROR(encoder_.Encode(at.ops, at.arena, run.request, at.observer, encoded));
  if (!encoded.reference_tokens.empty() && run.Wants(Value::kReferenceTokens)) {
    TokenList all;
    for (const auto& tokens : encoded.reference_tokens) all.insert(all.end(), tokens->begin(), tokens->end());
    run.KeepHost(Value::kReferenceTokens, DType::kI32, {static_cast<int64_t>(all.size())}, all.data());
  }
  if (!encoded.reference_latents.empty() && run.Wants(Value::kReferenceLatents)) {
    LatentPlanes all;
    for (const auto& planes : encoded.reference_latents) all.insert(all.end(), planes->begin(), planes->end());
    const int64_t side = config_.latent_side();
    run.KeepHost(Value::kReferenceLatents, DType::kF32,
                 {run.request.reference_count(), config_.autoencoder.latent_channels, side, side}, all.data());
  }
  run.encoded_pictures = true;
  return {};
}

}  // namespace blip3o
