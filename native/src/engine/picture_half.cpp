#include "engine/picture_half.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/philox.h"
#include "image/mask.h"
#include "model/flow.h"

namespace blip3o {

namespace {

constexpr int64_t kPictureChannels = 3;

// Whether the first step computes the null branch: a trace may ask for it where guidance 1 needs none.
bool NullInFirstStep(const Request& request, bool has_null_condition) {
  return request.guided() || (request.Keeps(Value::kVelocityNullFirst) && has_null_condition);
}

}  // namespace

PictureHalf::PictureHalf(const Checkpoint& checkpoint)
    : checkpoint_(checkpoint),
      config_(checkpoint.config()),
      connector_(checkpoint.weights().diffusion_connector),
      reference_connector_(checkpoint.weights().reference_connector),
      diffusion_transformer_(config_.diffusion_transformer, checkpoint.weights().diffusion_transformer),
      decoder_(config_.autoencoder, checkpoint.weights().decoder),
      previews_(config_, decoder_) {}

Status PictureHalf::Condition(const Workplace& at, Run& run) const {
  const Arena::Scope scope(at.arena);
  const Request& request = run.request;
  Conditions c;
  if (request.Runs(Stage::kCondition)) BLIP3O_RETURN_IF_ERROR(Connect(at, run, c));
  if (request.Runs(Stage::kLatents)) {
    if (request.first_stage == Stage::kLatents) LoadConditions(at, run, c);
    BLIP3O_RETURN_IF_ERROR(PrepareSteps(at, run, c));
  }
  run.conditioned = true;
  return {};
}

Status PictureHalf::Connect(const Workplace& at, Run& run, Conditions& c) const {
  const Request& request = run.request;
  Ops& ops = at.ops;
  c.hidden_states = run.hidden_states;
  if (c.hidden_states.empty()) {
    const HostTensor& given = request.hidden_states;
    c.hidden_states = at.Load(at.arena, given.shape[0], given.shape[1], given.bytes.data());
  }
  const int64_t caption = config_.diffusion_transformer.caption_channels;
  const int64_t hidden_rows = c.hidden_states.rows, latent_rows = config_.latent_side() * config_.latent_side();
  const int64_t reference_rows = config_.editing.in_condition ? request.reference_count() * latent_rows : 0;
  c.condition = at.arena.TakeMatrix(hidden_rows + reference_rows, caption);
  c.null_condition = at.arena.TakeMatrix(1, caption);
  connector_.Apply(ops, at.arena, c.hidden_states, c.condition.Rows(0, hidden_rows));
  if (request.edits()) {
    // The null condition of an edit is zero behind the connectors, not before them.
    const std::vector<float> zeros(static_cast<size_t>(caption), 0.0f);
    ops.CopyIn(zeros.data(), caption * SizeOf(DType::kF32), c.null_condition.data);
  } else {
    connector_.ApplyToZeros(ops, at.arena, c.hidden_states.cols, c.null_condition);
  }
  if (reference_rows > 0) {
    LoadReferences(at, run, c);
    for (size_t k = 0; k < c.references.size(); ++k) {
      reference_connector_.Apply(ops, at.arena, c.references[k],
                                 c.condition.Rows(hidden_rows + static_cast<int64_t>(k) * latent_rows, latent_rows));
    }
  }
  BLIP3O_RETURN_IF_ERROR(ops.Finish());
  if (!ops.AllFinite(c.condition.Rows(0, hidden_rows)) || !ops.AllFinite(c.null_condition)) {
    return NotFinite(ops, ModelPart::kConnector, "the condition's values");
  }
  if (reference_rows > 0 && !ops.AllFinite(c.condition.Rows(hidden_rows, reference_rows))) {
    return NotFinite(ops, ModelPart::kReferenceConnector, "the values of the references in the condition");
  }
  run.Keep(ops, Value::kCondition, c.condition);
  run.Keep(ops, Value::kNullCondition, c.null_condition);
  return {};
}

void PictureHalf::LoadConditions(const Workplace& at, const Run& run, Conditions& c) const {
  const HostTensor& rows = run.request.condition;
  c.condition = at.Load(at.arena, rows.shape[0], rows.shape[1], rows.bytes.data());
  const HostTensor& null = run.request.null_condition;
  if (!null.empty()) c.null_condition = at.Load(at.arena, null.shape[0], null.shape[1], null.bytes.data());
}

void PictureHalf::LoadReferences(const Workplace& at, const Run& run, Conditions& c) const {
  const Request& request = run.request;
  if (!c.references.empty()) return;
  const int64_t channels = config_.autoencoder.latent_channels, tokens = config_.latent_side() * config_.latent_side();
  const auto planes_of = [&](int64_t k) -> const float* {
    if (request.references.empty()) return request.reference_latents.data<float>() + k * channels * tokens;
    if (run.encoded.reference_latents.empty()) return nullptr;  // a dry run
    return run.encoded.reference_latents[static_cast<size_t>(k)]->data();
  };
  for (int64_t k = 0; k < request.reference_count(); ++k) {
    c.references.push_back(at.LoadMap(at.arena, channels, tokens, planes_of(k)));
  }
}

Status PictureHalf::PrepareSteps(const Workplace& at, Run& run, Conditions& c) const {
  const Request& request = run.request;
  const int64_t side = config_.latent_side();
  run.latents = run.slab.TakeMatrix(side * side, config_.autoencoder.latent_channels);
  if (config_.editing.beside_noise) LoadReferences(at, run, c);
  run.sigmas = FlowSigmas(request.steps, config_.flow.shift);
  run.KeepHost(Value::kSigmas, DType::kF32, {static_cast<int64_t>(run.sigmas.size())}, run.sigmas.data());
  Start(at, run);
  WorkProgress progress(at.observer);
  const bool with_null = NullInFirstStep(request, !c.null_condition.empty());
  BLIP3O_RETURN_IF_ERROR(diffusion_transformer_.Prepare(
      at.ops, at.arena, run.slab, c.condition, with_null ? c.null_condition : Matrix(),
      config_.editing.beside_noise ? c.references : std::vector<Matrix>(), side, side, progress, run.conditioning));
  if (request.preview_steps > 0) BLIP3O_RETURN_IF_ERROR(previews_.Fit(at.ops, at.arena, run.dry, progress));
  return at.ops.Finish();
}

void PictureHalf::Start(const Workplace& at, Run& run) const {
  const Request& request = run.request;
  const int64_t side = config_.latent_side(), tokens = side * side, channels = config_.autoencoder.latent_channels;
  const float sigma = run.sigmas[static_cast<size_t>(request.first_step())];
  std::vector<float> noise(static_cast<size_t>(tokens * channels));
  if (request.noise.empty()) {
    FillNormal(request.seed, 0, tokens * channels, noise.data());
  } else {
    std::memcpy(noise.data(), request.noise.bytes.data(), noise.size() * sizeof(float));
  }
  run.KeepHost(Value::kNoise, DType::kF32, {channels, side, side}, noise.data());
  if (!request.has_initial()) {
    const Arena::Scope scope(at.arena);
    at.ops.Copy(at.LoadMap(at.arena, channels, tokens, noise.data()), run.latents);
    return;
  }
  const float* planes = request.initial_latents.data<float>();
  if (run.encoded.initial_latents != nullptr) planes = run.encoded.initial_latents->data();
  run.noise = at.LoadMap(run.slab, channels, tokens, noise.data());
  run.initial = at.LoadMap(run.slab, channels, tokens, planes);
  at.ops.FollowPath({}, run.initial, run.noise, sigma, run.latents);
  if (request.mask.empty()) return;
  run.mask = at.Load(run.slab, tokens, 1, request.mask.latents.data());
}

void PictureHalf::FollowMask(const Workplace& at, const Run& run, float sigma) const {
  at.ops.FollowPath(run.mask, run.initial, run.noise, sigma, run.latents);
}

Status PictureHalf::Step(const Workplace& at, Run& run) const {
  const Arena::Scope scope(at.arena);
  const Request& request = run.request;
  Ops& ops = at.ops;
  const int64_t side = config_.latent_side(), tokens = run.latents.rows;
  const size_t i = static_cast<size_t>(request.first_step() + run.steps_done);
  const bool first = run.steps_done == 0;
  const bool with_null = request.guided() || (first && NullInFirstStep(request, !run.conditioning.null_output.empty()));
  const Matrix velocities = at.arena.TakeMatrix(2 * tokens, run.latents.cols);  // null, then conditional
  const Matrix velocity = at.arena.TakeMatrix(tokens, run.latents.cols);        // guided
  const Matrix null = velocities.Rows(0, tokens), cond = velocities.Rows(tokens, tokens);
  const auto sinusoids = DiffusionTransformer::SinusoidsOf(run.sigmas[i]);
  const Matrix time = at.Load(at.arena, 1, DiffusionTransformer::kTimeChannels, sinusoids.data());
  const StepScalars scalars{request.guidance, run.sigmas[i + 1] - run.sigmas[i]};
  StepScalars* step = at.arena.Take<StepScalars>(1);
  ops.CopyIn(&scalars, sizeof(scalars), step);
  ops.Repeat({run.id, velocities.data, with_null}, [&] {
    diffusion_transformer_.Velocity(ops, at.arena, run.conditioning, run.latents, side, side, time,
                                    with_null ? velocities : cond);
    ops.GuidedStep(request.guided() ? null : Matrix(), cond, step, velocity, run.latents);
  });
  if (!request.mask.empty()) FollowMask(at, run, run.sigmas[i + 1]);
  BLIP3O_RETURN_IF_ERROR(ops.Finish());
  ++run.steps_done;
  if (!ops.AllFinite(run.latents)) {
    return NotFinite(ops, ModelPart::kDiffusionTransformer, fmt::format("the latents of step {}", run.steps_done));
  }
  if (first) {
    run.KeepPlanes(at, Value::kVelocityFirst, velocity, side, side);
    if (with_null) run.KeepPlanes(at, Value::kVelocityNullFirst, null, side, side);
    run.KeepPlanes(at, Value::kLatentsFirst, run.latents, side, side);
  }
  Show(at, run, velocity);
  if (run.dry || run.steps_done == Steps(request)) run.KeepPlanes(at, Value::kLatents, run.latents, side, side);
  return {};
}

void PictureHalf::Show(const Workplace& at, Run& run, const Matrix& velocity) const {
  const Request& request = run.request;
  run.preview = nullptr;
  if (request.preview_steps == 0 || run.dry) return;
  if (run.steps_done % request.preview_steps != 0 || run.steps_done == Steps(request)) return;
  const float sigma = run.sigmas[static_cast<size_t>(request.first_step() + run.steps_done)];
  run.preview = previews_.Show(at.ops, run.latents, velocity, sigma, config_.latent_side());
}

Status PictureHalf::Decode(const Workplace& at, Run& run) const {
  const Arena::Scope scope(at.arena);
  Ops& ops = at.ops;
  const int64_t side = config_.latent_side(), picture = config_.picture_side();
  Matrix latents = run.latents;
  if (latents.empty()) {
    const HostTensor& given = run.request.latents;
    latents = at.LoadMap(at.arena, given.shape[0], side * side, given.data<float>());
  }
  const Matrix image = at.arena.TakeMatrix(picture * picture, kPictureChannels);
  {
    const Arena::Scope scaling(at.arena);
    const Matrix scaled = at.arena.TakeMatrix(latents.rows, latents.cols);
    const Matrix planes = at.arena.TakeMatrix(latents.cols, latents.rows);
    ops.ToPlanes(latents, static_cast<float>(1.0 / config_.autoencoder.scaling_factor), planes.data);
    ops.FromPlanes(planes.data, 1.0f, scaled);
    PartProgress progress(ops, at.observer, EventKind::kDecode, decoder_.Parts(side, side));
    BLIP3O_RETURN_IF_ERROR(decoder_.Decode(ops, at.arena, scaled, side, side, progress, image));
  }
  if (!ops.AllFinite(image)) return NotFinite(ops, ModelPart::kDecoder, "the image");
  if (!run.dry) previews_.Learn(ops, latents, image);
  run.KeepPlanes(at, Value::kImage, image, picture, picture);
  if (run.Wants(Value::kPixels)) KeepPixels(at, run, image);
  run.decoded = true;
  return ops.Finish();
}

void PictureHalf::KeepPixels(const Workplace& at, Run& run, const Matrix& image) const {
  const Arena::Scope scope(at.arena);
  const int64_t picture = config_.picture_side();
  uint8_t* pixels = at.arena.Take<uint8_t>(image.rows * image.cols);
  at.ops.ToPixels(image, pixels);
  run.Keep(at.ops, Value::kPixels, DType::kU8, {picture, picture, kPictureChannels}, pixels);
  const Request& request = run.request;
  if (run.dry || request.mask.empty()) return;
  auto* kept = reinterpret_cast<uint8_t*>(run.values[static_cast<size_t>(Value::kPixels)].bytes.data());
  Blend(request.mask.weights, request.initial.autoencoder, kept);
}

Status PictureHalf::NotFinite(Ops& ops, ModelPart part, const std::string& what) const {
  (void)ops.Finish();
  return checkpoint_.NotFinite(part, what);
}

}  // namespace blip3o
