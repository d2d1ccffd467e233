#include "engine/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "base/philox.h"
#include "engine/stopwatch.h"
#include "image/mask.h"
#include "model/flow.h"
#include "model/sampler.h"
#include "ops/dry_ops.h"

namespace blip3o {

namespace {

constexpr int64_t kPictureChannels = 3;

class SilentObserver final : public RunObserver {
 public:
  Status OnProgress(EventKind, int, int) override { return {}; }
  Status OnWork() override { return {}; }
};

}  // namespace

struct Pipeline::Flow {
  Ops& ops;
  Arena& arena;
  const Request& request;
  RunObserver& observer;
  Values* values;  // null in a dry run
  Timings& timings;

  EncodedPictures encoded = {};  // in host memory

  // In the arena, each empty until its stage.
  std::vector<Matrix> references = {};  // [h·w, c] each
  Matrix hidden_states = {};            // [N + 1, H]
  Matrix condition = {};                // [M, C]
  Matrix null_condition = {};           // [1, C]
  Matrix latents = {};                  // [h·w, c]
  Matrix noise = {};                    // [h·w, c], kept where the flow needs it beyond its start
  Matrix initial = {};                  // [h·w, c]
  Matrix mask = {};                     // [h·w, 1]

  bool dry() const { return values == nullptr; }
  // Whether the first step computes the null branch: a trace may ask for it where guidance 1 needs none.
  bool null_first() const {
    return request.guided() || (request.Keeps(Value::kVelocityNullFirst) && !null_condition.empty());
  }
  // In a dry run too: what is kept may take memory on its way.
  bool Wants(Value value) const { return request.Keeps(value) || IsResultOfLastStage(value); }

  bool IsResultOfLastStage(Value value) const {
    switch (request.last_stage) {
      case Stage::kReferences:
        return value == Value::kReferenceTokens || value == Value::kReferenceLatents;
      case Stage::kTokens:
        return value == Value::kTokens || value == Value::kHiddenStates;
      case Stage::kCondition:
        return value == Value::kCondition || value == Value::kNullCondition;
      case Stage::kLatents:
        return value == Value::kLatents;
      case Stage::kPixels:
        return value == Value::kPixels;
    }
    return false;
  }

  void Keep(Value value, DType dtype, const Shape& shape, const void* data) {
    if (dry() || !Wants(value)) return;
    HostTensor& tensor = (*values)[static_cast<size_t>(value)];
    tensor.dtype = dtype;
    tensor.shape = shape;
    tensor.bytes.resize(static_cast<size_t>(shape.count() * SizeOf(dtype)));
    ops.CopyOut(data, static_cast<int64_t>(tensor.bytes.size()), tensor.bytes.data());
  }
  // The same of what lies in host memory.
  void KeepHost(Value value, DType dtype, const Shape& shape, const void* data) {
    if (dry() || !Wants(value)) return;
    HostTensor& tensor = (*values)[static_cast<size_t>(value)];
    const auto* bytes = static_cast<const std::byte*>(data);
    tensor.dtype = dtype;
    tensor.shape = shape;
    tensor.bytes.assign(bytes, bytes + shape.count() * SizeOf(dtype));
  }
  uint8_t* KeptPixels() {
    return reinterpret_cast<uint8_t*>((*values)[static_cast<size_t>(Value::kPixels)].bytes.data());
  }
  // A dense matrix as it is.
  void Keep(Value value, const Matrix& matrix) { Keep(value, DType::kF32, {matrix.rows, matrix.cols}, matrix.data); }
  // A channels-last map [height·width, channels] as planes.
  void KeepPlanes(Value value, const Matrix& map, int64_t height, int64_t width) {
    if (!Wants(value)) return;
    const Arena::Scope scope(arena);
    float* planes = arena.Take<float>(map.rows * map.cols);
    ops.ToPlanes(map, 1.0f, planes);
    Keep(value, DType::kF32, {map.cols, height, width}, planes);
  }
  // Takes memory for a dense matrix and fills it from the host.
  Matrix Load(int64_t rows, int64_t cols, const void* host) {
    const Matrix matrix = arena.TakeMatrix(rows, cols);
    ops.CopyIn(host, rows * cols * SizeOf(DType::kF32), matrix.data);
    return matrix;
  }
  // Planes [channels, tokens] of the host as a map [tokens, channels].
  Matrix LoadMap(int64_t channels, int64_t tokens, const float* host) {
    const Matrix map = arena.TakeMatrix(tokens, channels);
    const Arena::Scope scope(arena);
    const Matrix planes = Load(channels, tokens, host);
    ops.FromPlanes(planes.data, 1.0f, map);
    return map;
  }
  int32_t* LoadIds(const std::vector<int32_t>& ids) {
    int32_t* loaded = arena.Take<int32_t>(static_cast<int64_t>(ids.size()));
    ops.CopyIn(ids.data(), static_cast<int64_t>(ids.size() * sizeof(int32_t)), loaded);
    return loaded;
  }
};

Pipeline::Pipeline(const Checkpoint& checkpoint)
    : checkpoint_(checkpoint),
      config_(checkpoint.config()),
      weights_(checkpoint.weights()),
      language_model_(config_.language_model, weights_.language_model),
      connector_(weights_.diffusion_connector),
      reference_connector_(weights_.reference_connector),
      diffusion_transformer_(config_.diffusion_transformer, weights_.diffusion_transformer),
      decoder_(config_.autoencoder, weights_.decoder) {}

MemoryNeed Pipeline::Measure(const ReferenceEncoder& encoder, const Request& request) const {
  DryOps ops;
  Arena arena;
  SilentObserver observer;
  Timings timings;
  Flow flow{ops, arena, request, observer, nullptr, timings};
  // Operations that compute nothing can't fail, and one token and one step are as large as all.
  if (request.Runs(Stage::kReferences)) encoder.Measure(ops, arena, request);
  (void)RunStages(flow, 1);
  return {arena.peak_bytes(), ops.capacity()};
}

Status Pipeline::Run(Ops& ops, const Buffer& workspace, ReferenceEncoder& encoder, const Request& request,
                     RunObserver& observer, Values& values, Timings& timings) const {
  Arena arena(workspace);
  Flow flow{ops, arena, request, observer, &values, timings};
  Status status;
  if (request.Runs(Stage::kReferences)) status = References(flow, encoder);
  if (status.ok()) status = RunStages(flow, std::numeric_limits<int64_t>::max());
  const Status finished = ops.Finish();
  return status.ok() ? finished : status;
}

Status Pipeline::RunStages(Flow& flow, int64_t most_iterations) const {
  const Request& request = flow.request;
  if (request.Runs(Stage::kTokens)) {
    BLIP3O_RETURN_IF_ERROR(request.tokens.empty() ? Tokens(flow, most_iterations) : GivenTokens(flow));
  }
  if (request.Runs(Stage::kCondition)) BLIP3O_RETURN_IF_ERROR(Condition(flow));
  if (request.Runs(Stage::kLatents)) BLIP3O_RETURN_IF_ERROR(Latents(flow, most_iterations));
  if (request.Runs(Stage::kPixels)) BLIP3O_RETURN_IF_ERROR(Pixels(flow));
  return {};
}

Status Pipeline::References(Flow& flow, ReferenceEncoder& encoder) const {
  const Stopwatch stopwatch(flow.timings.encode);
  EncodedPictures& encoded = flow.encoded;
  BLIP3O_RETURN_IF_ERROR(encoder.Encode(flow.ops, flow.arena, flow.request, flow.observer, encoded));
  if (!encoded.reference_tokens.empty() && flow.Wants(Value::kReferenceTokens)) {
    TokenList all;
    for (const auto& tokens : encoded.reference_tokens) all.insert(all.end(), tokens->begin(), tokens->end());
    flow.KeepHost(Value::kReferenceTokens, DType::kI32, {static_cast<int64_t>(all.size())}, all.data());
  }
  if (!encoded.reference_latents.empty() && flow.Wants(Value::kReferenceLatents)) {
    LatentPlanes all;
    for (const auto& planes : encoded.reference_latents) all.insert(all.end(), planes->begin(), planes->end());
    const int64_t side = config_.latent_side();
    flow.KeepHost(Value::kReferenceLatents, DType::kF32,
                  {flow.request.reference_count(), config_.autoencoder.latent_channels, side, side}, all.data());
  }
  return {};
}

std::vector<int32_t> Pipeline::PromptIds(const Flow& flow) const {
  std::vector<int32_t> ids = flow.request.prompt;
  size_t place = 0;
  for (const auto& tokens : flow.encoded.reference_tokens) {
    for (const int32_t token : *tokens) {
      while (ids[place] != kReferenceToken) ++place;
      ids[place++] = token + static_cast<int32_t>(config_.image_tokens.first);
    }
  }
  return ids;
}

void Pipeline::LoadReferences(Flow& flow) const {
  const Request& request = flow.request;
  if (!flow.references.empty()) return;
  const int64_t channels = config_.autoencoder.latent_channels, tokens = config_.latent_side() * config_.latent_side();
  const auto planes_of = [&](int64_t k) -> const float* {
    if (request.references.empty()) return request.reference_latents.data<float>() + k * channels * tokens;
    if (flow.encoded.reference_latents.empty()) return nullptr;  // a dry run
    return flow.encoded.reference_latents[static_cast<size_t>(k)]->data();
  };
  for (int64_t k = 0; k < request.reference_count(); ++k) {
    flow.references.push_back(flow.LoadMap(channels, tokens, planes_of(k)));
  }
}

// Hidden states are kept as decoding yields them: row 0 at <S0>, row k + 1 at image token k. The last token takes a
// decode step without a draw.
Status Pipeline::Tokens(Flow& flow, int64_t most_tokens) const {
  const Request& request = flow.request;
  Ops& ops = flow.ops;
  const int64_t prompt = static_cast<int64_t>(request.prompt.size()), count = config_.image_tokens.tokens;
  const SamplerSettings sampler{request.temperature, request.top_k, request.top_p, request.seed};
  const View& image_head = weights_.language_model.image_head;

  flow.hidden_states = flow.arena.TakeMatrix(count + 1, config_.language_model.hidden_size);
  const Arena::Scope scope(flow.arena);
  int32_t* const tokens = flow.arena.Take<int32_t>(count);
  const Matrix logits = flow.arena.TakeMatrix(1, config_.image_tokens.codes);
  const std::vector<KvSlot> cache = language_model_.TakeCache(flow.arena, prompt + count);
  {
    const Stopwatch stopwatch(flow.timings.prefill);
    const int32_t* ids = flow.LoadIds(PromptIds(flow));
    WorkProgress progress(flow.observer);
    BLIP3O_RETURN_IF_ERROR(
        language_model_.Prefill(ops, flow.arena, ids, prompt, cache, flow.hidden_states.Rows(0, 1), progress));
    BLIP3O_RETURN_IF_ERROR(ops.Finish());
  }
  const Stopwatch stopwatch(flow.timings.tokens);
  for (int64_t k = 0; k < std::min(count, most_tokens); ++k) {
    DrawToken(ops, image_head, flow.hidden_states.Rows(k, 1), sampler, k, logits, tokens + k);
    if (!ops.AllFinite(logits)) {
      return NotFinite(flow, ModelPart::kLanguageModel, fmt::format("the logits of image token {}", k + 1));
    }
    if (k == 0) flow.Keep(Value::kFirstLogits, DType::kF32, {logits.cols}, logits.data);
    language_model_.Decode(ops, flow.arena, tokens + k, static_cast<int32_t>(config_.image_tokens.first), prompt + k,
                           cache, flow.hidden_states.Rows(k + 1, 1));
    BLIP3O_RETURN_IF_ERROR(ops.Finish());
    BLIP3O_RETURN_IF_ERROR(
        flow.observer.OnProgress(EventKind::kToken, static_cast<int>(k + 1), static_cast<int>(count)));
  }
  if (!ops.AllFinite(flow.hidden_states.Rows(0, std::min(count, most_tokens) + 1))) {
    return NotFinite(flow, ModelPart::kLanguageModel, "the hidden states");
  }
  flow.Keep(Value::kTokens, DType::kI32, {count}, tokens);
  flow.Keep(Value::kHiddenStates, flow.hidden_states);
  return {};
}

// The prefill's last N + 1 rows are those at <S0> and at every image token.
Status Pipeline::GivenTokens(Flow& flow) const {
  const Stopwatch stopwatch(flow.timings.prefill);
  const int64_t count = config_.image_tokens.tokens;
  std::vector<int32_t> sequence = PromptIds(flow);
  const int32_t* codes = flow.request.tokens.data<int32_t>();
  for (int64_t i = 0; i < count; ++i) {
    sequence.push_back(codes[i] + static_cast<int32_t>(config_.image_tokens.first));
  }
  const int64_t length = static_cast<int64_t>(sequence.size());
  flow.hidden_states = flow.arena.TakeMatrix(count + 1, config_.language_model.hidden_size);
  const Arena::Scope scope(flow.arena);
  const std::vector<KvSlot> cache = language_model_.TakeCache(flow.arena, length);
  WorkProgress progress(flow.observer);
  BLIP3O_RETURN_IF_ERROR(language_model_.Prefill(flow.ops, flow.arena, flow.LoadIds(sequence), length, cache,
                                                 flow.hidden_states, progress));
  BLIP3O_RETURN_IF_ERROR(flow.ops.Finish());
  if (!flow.ops.AllFinite(flow.hidden_states)) {
    return NotFinite(flow, ModelPart::kLanguageModel, "the hidden states");
  }
  flow.KeepHost(Value::kTokens, DType::kI32, {count}, codes);
  flow.Keep(Value::kHiddenStates, flow.hidden_states);
  return {};
}

Status Pipeline::Condition(Flow& flow) const {
  const Stopwatch stopwatch(flow.timings.condition);
  const Request& request = flow.request;
  if (flow.hidden_states.empty()) {
    flow.hidden_states =
        flow.Load(request.hidden_states.shape[0], request.hidden_states.shape[1], request.hidden_states.bytes.data());
  }
  const int64_t caption = config_.diffusion_transformer.caption_channels;
  const int64_t hidden_rows = flow.hidden_states.rows, latent_rows = config_.latent_side() * config_.latent_side();
  const int64_t reference_rows = config_.editing.in_condition ? request.reference_count() * latent_rows : 0;
  flow.condition = flow.arena.TakeMatrix(hidden_rows + reference_rows, caption);
  flow.null_condition = flow.arena.TakeMatrix(1, caption);
  connector_.Apply(flow.ops, flow.arena, flow.hidden_states, flow.condition.Rows(0, hidden_rows));
  if (request.edits()) {
    // The null condition of an edit is zero behind the connectors, not before them.
    const std::vector<float> zeros(static_cast<size_t>(caption), 0.0f);
    flow.ops.CopyIn(zeros.data(), caption * SizeOf(DType::kF32), flow.null_condition.data);
  } else {
    connector_.ApplyToZeros(flow.ops, flow.arena, flow.hidden_states.cols, flow.null_condition);
  }
  if (reference_rows > 0) {
    LoadReferences(flow);
    for (size_t k = 0; k < flow.references.size(); ++k) {
      reference_connector_.Apply(flow.ops, flow.arena, flow.references[k],
                                 flow.condition.Rows(hidden_rows + static_cast<int64_t>(k) * latent_rows, latent_rows));
    }
  }
  BLIP3O_RETURN_IF_ERROR(flow.ops.Finish());
  if (!flow.ops.AllFinite(flow.condition.Rows(0, hidden_rows)) || !flow.ops.AllFinite(flow.null_condition)) {
    return NotFinite(flow, ModelPart::kConnector, "the condition's values");
  }
  if (reference_rows > 0 && !flow.ops.AllFinite(flow.condition.Rows(hidden_rows, reference_rows))) {
    return NotFinite(flow, ModelPart::kReferenceConnector, "the values of the references in the condition");
  }
  flow.Keep(Value::kCondition, flow.condition);
  flow.Keep(Value::kNullCondition, flow.null_condition);
  return {};
}

Status Pipeline::Latents(Flow& flow, int64_t most_steps) const {
  const Request& request = flow.request;
  const int64_t side = config_.latent_side();
  flow.latents = flow.arena.TakeMatrix(side * side, config_.autoencoder.latent_channels);
  const Arena::Scope scope(flow.arena);
  if (request.first_stage == Stage::kLatents) LoadConditions(flow);
  if (config_.editing.beside_noise) LoadReferences(flow);
  const std::vector<float> sigmas = FlowSigmas(request.steps, config_.flow.shift);
  flow.KeepHost(Value::kSigmas, DType::kF32, {static_cast<int64_t>(sigmas.size())}, sigmas.data());
  Start(flow, sigmas[static_cast<size_t>(request.first_step())]);
  DiffusionTransformer::Conditioning conditioning;
  BLIP3O_RETURN_IF_ERROR(PrepareSteps(flow, conditioning));
  BLIP3O_RETURN_IF_ERROR(Steps(flow, conditioning, sigmas, most_steps));
  flow.KeepPlanes(Value::kLatents, flow.latents, side, side);
  return {};
}

void Pipeline::LoadConditions(Flow& flow) const {
  const HostTensor& rows = flow.request.condition;
  flow.condition = flow.Load(rows.shape[0], rows.shape[1], rows.bytes.data());
  const HostTensor& null = flow.request.null_condition;
  if (!null.empty()) flow.null_condition = flow.Load(null.shape[0], null.shape[1], null.bytes.data());
}

Status Pipeline::PrepareSteps(Flow& flow, DiffusionTransformer::Conditioning& conditioning) const {
  const Stopwatch stopwatch(flow.timings.condition);
  const int64_t side = config_.latent_side();
  WorkProgress progress(flow.observer);
  BLIP3O_RETURN_IF_ERROR(diffusion_transformer_.Prepare(
      flow.ops, flow.arena, flow.condition, flow.null_first() ? flow.null_condition : Matrix(),
      config_.editing.beside_noise ? flow.references : std::vector<Matrix>(), side, side, progress, conditioning));
  return flow.ops.Finish();
}

Status Pipeline::Steps(Flow& flow, const DiffusionTransformer::Conditioning& conditioning,
                       const std::vector<float>& sigmas, int64_t most_steps) const {
  const Stopwatch stopwatch(flow.timings.steps);
  const Request& request = flow.request;
  Ops& ops = flow.ops;
  const int64_t side = config_.latent_side(), tokens = flow.latents.rows;
  const int32_t first_step = request.first_step(), steps = request.steps - first_step;
  const Matrix velocities = flow.arena.TakeMatrix(2 * tokens, flow.latents.cols);  // null, then conditional
  const Matrix velocity = flow.arena.TakeMatrix(tokens, flow.latents.cols);        // guided
  const Matrix null = velocities.Rows(0, tokens), cond = velocities.Rows(tokens, tokens);
  for (int64_t k = 0; k < std::min<int64_t>(steps, most_steps); ++k) {
    const size_t i = static_cast<size_t>(first_step + k);
    const bool with_null = request.guided() || (k == 0 && flow.null_first());
    diffusion_transformer_.Velocity(ops, flow.arena, conditioning, flow.latents, side, side, sigmas[i],
                                    with_null ? velocities : cond);
    ops.GuidedStep(request.guided() ? null : Matrix(), cond, request.guidance, sigmas[i + 1] - sigmas[i], velocity,
                   flow.latents);
    if (!request.mask.empty()) FollowMask(flow, sigmas[i + 1]);
    BLIP3O_RETURN_IF_ERROR(ops.Finish());
    if (!ops.AllFinite(flow.latents)) {
      return NotFinite(flow, ModelPart::kDiffusionTransformer, fmt::format("the latents of step {}", k + 1));
    }
    if (k == 0) {
      flow.KeepPlanes(Value::kVelocityFirst, velocity, side, side);
      if (with_null) flow.KeepPlanes(Value::kVelocityNullFirst, null, side, side);
      flow.KeepPlanes(Value::kLatentsFirst, flow.latents, side, side);
    }
    BLIP3O_RETURN_IF_ERROR(flow.observer.OnProgress(EventKind::kStep, static_cast<int>(k + 1), steps));
  }
  return {};
}

void Pipeline::Start(Flow& flow, float sigma) const {
  const Request& request = flow.request;
  const int64_t side = config_.latent_side(), tokens = side * side, channels = config_.autoencoder.latent_channels;
  std::vector<float> noise(static_cast<size_t>(tokens * channels));
  if (request.noise.empty()) {
    FillNormal(request.seed, 0, tokens * channels, noise.data());
  } else {
    std::memcpy(noise.data(), request.noise.bytes.data(), noise.size() * sizeof(float));
  }
  flow.KeepHost(Value::kNoise, DType::kF32, {channels, side, side}, noise.data());
  flow.noise = flow.LoadMap(channels, tokens, noise.data());
  if (!request.has_initial()) {
    flow.ops.Copy(flow.noise, flow.latents);
    return;
  }
  const float* planes = request.initial_latents.data<float>();
  if (flow.encoded.initial_latents != nullptr) planes = flow.encoded.initial_latents->data();
  flow.initial = flow.LoadMap(channels, tokens, planes);
  flow.ops.FollowPath({}, flow.initial, flow.noise, sigma, flow.latents);
  if (request.mask.empty()) return;
  flow.mask = flow.Load(tokens, 1, request.mask.latents.data());
}

void Pipeline::FollowMask(Flow& flow, float sigma) const {
  flow.ops.FollowPath(flow.mask, flow.initial, flow.noise, sigma, flow.latents);
}

Status Pipeline::Pixels(Flow& flow) const {
  const Stopwatch stopwatch(flow.timings.decode);
  Ops& ops = flow.ops;
  const int64_t side = config_.latent_side(), picture = config_.picture_side();
  if (flow.latents.empty()) {
    const HostTensor& given = flow.request.latents;
    flow.latents = flow.LoadMap(given.shape[0], side * side, given.data<float>());
  }
  const Matrix image = flow.arena.TakeMatrix(picture * picture, kPictureChannels);
  {
    const Arena::Scope scope(flow.arena);
    const Matrix scaled = flow.arena.TakeMatrix(flow.latents.rows, flow.latents.cols);
    const Matrix planes = flow.arena.TakeMatrix(flow.latents.cols, flow.latents.rows);
    ops.ToPlanes(flow.latents, static_cast<float>(1.0 / config_.autoencoder.scaling_factor), planes.data);
    ops.FromPlanes(planes.data, 1.0f, scaled);
    PartProgress progress(ops, flow.observer, EventKind::kDecode, decoder_.Parts());
    BLIP3O_RETURN_IF_ERROR(decoder_.Decode(ops, flow.arena, scaled, side, side, progress, image));
  }
  if (!ops.AllFinite(image)) return NotFinite(flow, ModelPart::kDecoder, "the image");
  flow.KeepPlanes(Value::kImage, image, picture, picture);
  if (flow.Wants(Value::kPixels)) {
    const Arena::Scope scope(flow.arena);
    uint8_t* pixels = flow.arena.Take<uint8_t>(image.rows * image.cols);
    ops.ToPixels(image, pixels);
    flow.Keep(Value::kPixels, DType::kU8, {picture, picture, kPictureChannels}, pixels);
    const Request& request = flow.request;
    if (!flow.dry() && !request.mask.empty())
      Blend(request.mask.weights, request.initial.autoencoder, flow.KeptPixels());
  }
  return {};
}

Status Pipeline::NotFinite(Flow& flow, ModelPart part, const std::string& what) const {
  (void)flow.ops.Finish();
  return checkpoint_.NotFinite(part, what);
}

}  // namespace blip3o
