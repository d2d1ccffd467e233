#include "engine/request.h"

#include <fmt/format.h>

#include <cmath>
#include <string_view>

namespace blip3o {

namespace {

constexpr int32_t kMaxSteps = 1000;
constexpr float kMaxGuidance = 100.0f;
constexpr int64_t kMaxConditionRows = 1 << 20;

Status CheckStages(const Request& request) {
  const auto known = [](Stage stage) { return Stage::kTokens <= stage && stage <= Stage::kPixels; };
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
  for (int64_t i = 0; i < length; ++i) {
    const int32_t id = request.prompt[static_cast<size_t>(i)];
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
    case Stage::kTokens:
      break;
    case Stage::kHidden:
      BLIP3O_RETURN_IF_ERROR(CheckImageTokens(config, request.tokens));
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
  if (request.Runs(Stage::kLatents) && !request.noise.empty()) {
    BLIP3O_RETURN_IF_ERROR(CheckTensor("noise", request.noise, DType::kF32, latents));
  }
  return {};
}

}  // namespace

int64_t MaxPromptLength(const ModelConfig& config) {
  return config.language_model.max_position_embeddings - config.image_tokens.tokens - 1;
}

Status CheckRequest(const ModelConfig& config, const Request& request) {
  BLIP3O_RETURN_IF_ERROR(CheckStages(request));
  if (request.Runs(Stage::kTokens) || request.Runs(Stage::kHidden)) {
    BLIP3O_RETURN_IF_ERROR(CheckPrompt(config, request));
  }
  if (request.Runs(Stage::kTokens)) BLIP3O_RETURN_IF_ERROR(CheckSampling(request));
  if (request.Runs(Stage::kLatents)) BLIP3O_RETURN_IF_ERROR(CheckFlow(request));
  return CheckInputs(config, request);
}

}  // namespace blip3o
