#include "engine/request.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "image/mask.h"

namespace blip3o {

namespace {

constexpr int32_t kMaxSteps = 1000;
constexpr float kMaxGuidance = 100.0f;
constexpr int32_t kMaxPriority = 100;
constexpr int64_t kMaxDeadlineMillis = int64_t{365} * 24 * 3600 * 1000;
constexpr int64_t kMaxConditionRows = 1 << 20;

Status CheckStages(const Request& request) {
  const auto known = [](Stage stage) { return Stage::kReferences <= stage && stage <= Stage::kPixels; };
  if (!known(request.first_stage) || !known(request.last_stage) || request.first_stage > request.last_stage) {
    return InvalidArgument(fmt::format("stages run from first_stage to last_stage, both in 0..4: found {} to {}",
                                       static_cast<int>(request.first_stage), static_cast<int>(request.last_stage)));
  }
  if (request.outputs >> kValueCount != 0) {
    return InvalidArgument(fmt::format("outputs has bits above {}: found {:#x}", kValueCount - 1, request.outputs));
  }
  return {};
}

Status CheckFinite(std::string_view name, const HostTensor& tensor) {
  const float* values = tensor.data<float>();
  for (int64_t i = 0; i < tensor.shape.count(); ++i) {
    if (!std::isfinite(values[i])) {
      return InvalidArgument(fmt::format("{} must be finite: found {} at element {}", name, values[i], i));
    }
  }
  return {};
}

// `shape` with a first dimension of -1 takes any number of rows.
Status CheckTensor(std::string_view name, const HostTensor& tensor, DType dtype, const Shape& shape) {
  if (tensor.empty()) {
    return InvalidArgument(fmt::format("{} is absent: expected {} {}", name, NameOf(dtype), shape.ToString()));
  }
  bool fits = tensor.dtype == dtype && tensor.shape.rank() == shape.rank();
  for (int i = 0; fits && i < shape.rank(); ++i) {
    const bool any = shape[i] < 0 && tensor.shape[i] >= 1 && tensor.shape[i] <= kMaxConditionRows;
    fits = any || tensor.shape[i] == shape[i];
  }
  if (!fits) {
    return InvalidArgument(fmt::format("{} must be {} {}{}: found {} {}", name, NameOf(dtype), shape.ToString(),
                                       shape[0] < 0 ? " with any first dimension" : "", NameOf(tensor.dtype),
                                       tensor.shape.ToString()));
  }
  return dtype == DType::kF32 ? CheckFinite(name, tensor) : Status();
}

Status CheckPrompt(const ModelConfig& config, const Request& request) {
  const int64_t length = static_cast<int64_t>(request.prompt.size()), most = MaxPromptLength(config);
  if (length < 1) return InvalidArgument("the prompt is empty: expected at least one token");
  if (length > most) {
    return InvalidArgument(fmt::format(
        "the prompt is too long: expected at most {} tokens (max_position_embeddings {} less {} image tokens and one), "
        "found {}: shorten it",
        most, config.language_model.max_position_embeddings, config.image_tokens.tokens, length));
  }
  const bool encodes = !request.references.empty();
  const int64_t places = std::count(request.prompt.begin(), request.prompt.end(), kReferenceToken);
  const int64_t expected = encodes ? request.reference_count() * config.image_tokens.tokens : 0;
  if (places != expected) {
    return InvalidArgument(fmt::format(
        "the prompt has {} places for reference tokens (id {}): expected {}, {} for each of the {} references", places,
        kReferenceToken, expected, config.image_tokens.tokens, encodes ? request.reference_count() : 0));
  }
  for (int64_t i = 0; i < length; ++i) {
    const int32_t id = request.prompt[static_cast<size_t>(i)];
    if (id == kReferenceToken) continue;
    if (id < 0 || id >= config.language_model.vocab_size) {
      return InvalidArgument(fmt::format("prompt id {} at position {} is outside the vocabulary: expected 0 to {}", id,
                                         i, config.language_model.vocab_size - 1));
    }
  }
  return {};
}

Status CheckSampling(const Request& request) {
  if (!(request.temperature >= 0.0f) || !std::isfinite(request.temperature)) {
    return InvalidArgument(fmt::format("temperature must be 0 (greedy) or more: found {}", request.temperature));
  }
  if (request.top_k < 0) return InvalidArgument(fmt::format("top_k must be 0 (all) or more: found {}", request.top_k));
  if (!(request.top_p > 0.0f && request.top_p <= 1.0f)) {
    return InvalidArgument(fmt::format("top_p must be above 0 and at most 1: found {}", request.top_p));
  }
  return {};
}

Status CheckFlow(const Request& request) {
  if (request.steps < 1 || request.steps > kMaxSteps) {
    return InvalidArgument(fmt::format("steps must be 1 to {}: found {}", kMaxSteps, request.steps));
  }
  if (!(request.guidance >= 1.0f && request.guidance <= kMaxGuidance)) {
    return InvalidArgument(fmt::format("guidance must be 1 to {}: found {}", kMaxGuidance, request.guidance));
  }
  return {};
}

Status CheckScheduling(const Request& request) {
  if (request.priority < -kMaxPriority || request.priority > kMaxPriority) {
    return InvalidArgument(
        fmt::format("priority must be -{} to {}: found {}", kMaxPriority, kMaxPriority, request.priority));
  }
  if (request.deadline_millis < 0 || request.deadline_millis > kMaxDeadlineMillis) {
    return InvalidArgument(fmt::format("deadline_millis must be 0 (none) to {}, a year: found {}", kMaxDeadlineMillis,
                                       request.deadline_millis));
  }
  if (request.preview_steps < 0) {
    return InvalidArgument(fmt::format("preview_steps must be 0 (none) or more: found {}", request.preview_steps));
  }
  return {};
}

Status CheckImageTokens(const ModelConfig& config, const HostTensor& tokens) {
  BLIP3O_RETURN_IF_ERROR(CheckTensor("tokens", tokens, DType::kI32, {config.image_tokens.tokens}));
  const int32_t* codes = tokens.data<int32_t>();
  for (int64_t i = 0; i < config.image_tokens.tokens; ++i) {
    if (codes[i] < 0 || codes[i] >= config.image_tokens.codes) {
      return InvalidArgument(fmt::format("tokens[{}] must be an image code, 0 to {}: found {}", i,
                                         config.image_tokens.codes - 1, codes[i]));
    }
  }
  return {};
}

Status CheckInputs(const ModelConfig& config, const Request& request) {
  const int64_t side = config.latent_side();
  const Shape latents = {config.autoencoder.latent_channels, side, side};
  const int64_t caption = config.diffusion_transformer.caption_channels;
  switch (request.first_stage) {
    case Stage::kReferences:
    case Stage::kTokens:
      break;
    case Stage::kCondition:
      BLIP3O_RETURN_IF_ERROR(
          CheckTensor("hidden_states", request.hidden_states, DType::kF32, {-1, config.language_model.hidden_size}));
      break;
    case Stage::kLatents:
      BLIP3O_RETURN_IF_ERROR(CheckTensor("condition", request.condition, DType::kF32, {-1, caption}));
      if (request.guided() || !request.null_condition.empty()) {
        BLIP3O_RETURN_IF_ERROR(CheckTensor("null_condition", request.null_condition, DType::kF32, {1, caption}));
      }
      break;
    case Stage::kPixels:
      BLIP3O_RETURN_IF_ERROR(CheckTensor("latents", request.latents, DType::kF32, latents));
      break;
  }
  if (request.Runs(Stage::kTokens) && !request.tokens.empty()) {
    BLIP3O_RETURN_IF_ERROR(CheckImageTokens(config, request.tokens));
  }
  if (request.Runs(Stage::kLatents) && !request.noise.empty()) {
    BLIP3O_RETURN_IF_ERROR(CheckTensor("noise", request.noise, DType::kF32, latents));
  }
  if (request.Runs(Stage::kLatents) && !request.initial_latents.empty()) {
    BLIP3O_RETURN_IF_ERROR(CheckTensor("initial_latents", request.initial_latents, DType::kF32, latents));
  }
  return {};
}

// What the request's pictures ask of the model.
Status CheckCapabilities(const Capabilities& capabilities, const Request& request, bool has_initial_picture) {
  if (request.MakesReferenceTokens() && !capabilities.reference_tokens_lack.empty()) {
    return Unsupported(capabilities.reference_tokens_lack);
  }
  const bool encodes = request.MakesReferenceLatents() || has_initial_picture;
  if (encodes && !capabilities.reference_latents_lack.empty()) {
    return Unsupported(capabilities.reference_latents_lack);
  }
  const bool edits = request.edits() && request.last_stage != Stage::kReferences;
  if (edits && !capabilities.editing_lacks.empty()) return Unsupported(capabilities.editing_lacks);
  return {};
}

Status CheckReferences(const ModelConfig& config, const Request& request) {
  if (request.last_stage == Stage::kReferences && request.references.empty()) {
    return InvalidArgument("the stages end at the references, but there is none: expected at least one picture");
  }
  if (request.reference_latents.empty()) return {};
  if (!request.references.empty()) {
    return InvalidArgument("both references and reference_latents are given: expected one of them");
  }
  const int64_t side = config.latent_side();
  BLIP3O_RETURN_IF_ERROR(CheckTensor("reference_latents", request.reference_latents, DType::kF32,
                                     {-1, config.autoencoder.latent_channels, side, side}));
  if (request.reference_count() > kMaxReferences) {
    return InvalidArgument(
        fmt::format("there are {} references: expected at most {}", request.reference_count(), kMaxReferences));
  }
  return {};
}

Status CheckInitial(const Request& request) {
  if (!(request.strength > 0.0f && request.strength <= 1.0f)) {
    return InvalidArgument(fmt::format("strength must be above 0 and at most 1: found {}", request.strength));
  }
  if (request.strength < 1.0f && !request.has_initial()) {
    return InvalidArgument(
        fmt::format("strength is {}, but there is no initial picture to start from: give one, or leave strength at 1",
                    request.strength));
  }
  if (!request.initial_latents.empty() && !request.Runs(Stage::kLatents)) {
    return InvalidArgument(
        "initial_latents are given, but the stages don't include the latents, which start from them");
  }
  if (!request.initial.empty() && !request.initial_latents.empty()) {
    return InvalidArgument("both an initial picture and initial latents are given: expected one of them");
  }
  return {};
}

Status AddMask(const RequestPictures& pictures, int64_t side, int64_t latent_side, Request& request) {
  const PictureView& mask = pictures.mask;
  BLIP3O_RETURN_IF_ERROR(CheckPicture("the mask", mask));
  if (mask.channels != 1) {
    return InvalidArgument(fmt::format("the mask has {} channels: expected 1, grey", mask.channels));
  }
  if (pictures.initial.data == nullptr) {
    return InvalidArgument("a mask needs the initial picture that it keeps: give one");
  }
  if (mask.width != pictures.initial.width || mask.height != pictures.initial.height) {
    return InvalidArgument(
        fmt::format("the mask is {} x {} pixels: expected the size of the picture that it masks, {} x {}", mask.width,
                    mask.height, pictures.initial.width, pictures.initial.height));
  }
  const Picture square = ResizeToSquare(mask, side);
  request.mask.latents = LatentMask(square, latent_side);
  // The border fades over a 64th of the picture: 16 of 1024 pixels.
  request.mask.weights = Feather(square, std::max<int64_t>(1, side / 64));
  return {};
}

}  // namespace

std::string ReferenceName(size_t k, size_t count) {
  return count == 1 ? "the reference" : fmt::format("reference {}", k + 1);
}

int32_t Request::first_step() const {
  const int32_t run = static_cast<int32_t>(std::lround(static_cast<double>(strength) * steps));
  return steps - std::clamp(run, 1, steps);
}

Status AddPictures(const ModelConfig& config, const Capabilities& capabilities, const RequestPictures& pictures,
                   Request& request) {
  BLIP3O_RETURN_IF_ERROR(CheckStages(request));
  const size_t count = pictures.references.size();
  if (count > static_cast<size_t>(kMaxReferences)) {
    return InvalidArgument(fmt::format("there are {} references: expected at most {}", count, kMaxReferences));
  }
  if ((count > 0 || pictures.initial.data != nullptr) && !request.Runs(Stage::kReferences)) {
    return InvalidArgument("pictures are given, but the stages begin after the references, where they are encoded");
  }
  if ((pictures.initial.data != nullptr || pictures.mask.data != nullptr) && !request.Runs(Stage::kLatents)) {
    return InvalidArgument(
        "an initial picture or a mask is given, but the stages end before the latents, which read it");
  }
  request.references.resize(count);  // what is made depends on whether there are any
  BLIP3O_RETURN_IF_ERROR(CheckCapabilities(capabilities, request, pictures.initial.data != nullptr));
  for (size_t k = 0; k < count; ++k) {
    BLIP3O_RETURN_IF_ERROR(CheckPicture(ReferenceName(k, count), pictures.references[k]));
  }
  if (pictures.initial.data != nullptr) {
    BLIP3O_RETURN_IF_ERROR(CheckPicture("the initial picture", pictures.initial));
  }
  const int64_t side = config.picture_side();
  const int64_t tokenizer_side = request.MakesReferenceTokens() ? config.image_tokenizer.image_size : 0;
  const int64_t autoencoder_side = request.MakesReferenceLatents() ? side : 0;
  for (size_t k = 0; k < count; ++k) {
    request.references[k] = Prepare(pictures.references[k], tokenizer_side, autoencoder_side);
  }
  if (pictures.initial.data != nullptr) request.initial = Prepare(pictures.initial, 0, side);
  if (pictures.mask.data != nullptr) {
    BLIP3O_RETURN_IF_ERROR(AddMask(pictures, side, config.latent_side(), request));
  }
  return {};
}

int64_t MaxPromptLength(const ModelConfig& config) {
  return config.language_model.max_position_embeddings - config.image_tokens.tokens - 1;
}

Request TextRequest(const ModelConfig& config) {
  constexpr int64_t kUsualPrompt = 128;
  Request request;
  request.prompt.resize(static_cast<size_t>(std::min(kUsualPrompt, MaxPromptLength(config))));
  return request;
}

Status CheckRequest(const ModelConfig& config, const Capabilities& capabilities, const Request& request) {
  BLIP3O_RETURN_IF_ERROR(CheckStages(request));
  BLIP3O_RETURN_IF_ERROR(CheckReferences(config, request));
  BLIP3O_RETURN_IF_ERROR(CheckCapabilities(capabilities, request, !request.initial.empty()));
  BLIP3O_RETURN_IF_ERROR(CheckInitial(request));
  BLIP3O_RETURN_IF_ERROR(CheckScheduling(request));
  if (request.Runs(Stage::kTokens)) {
    BLIP3O_RETURN_IF_ERROR(CheckPrompt(config, request));
    BLIP3O_RETURN_IF_ERROR(CheckSampling(request));
  }
  if (request.Runs(Stage::kLatents)) BLIP3O_RETURN_IF_ERROR(CheckFlow(request));
  return CheckInputs(config, request);
}

}  // namespace blip3o
