// The C interface: converts, calls the engine, and lets no exception out.
#include "blip3o/blip3o.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/philox.h"
#include "engine/engine.h"
#include "engine/memory_plan.h"
#include "weights/inspect.h"

struct blip3o_model {
  std::unique_ptr<blip3o::Engine> engine;
  std::vector<blip3o::NamedTensor> language_tensors;
};

struct blip3o_job {
  std::shared_ptr<blip3o::Job> job;
};

namespace {

using blip3o::HostTensor;
using blip3o::InvalidArgument;
using blip3o::Request;
using blip3o::Result;
using blip3o::Status;

static_assert(blip3o::kValueCount == BLIP3O_VALUE_COUNT);
static_assert(static_cast<int>(blip3o::StatusCode::kDeviceLost) == BLIP3O_DEVICE_LOST);
static_assert(static_cast<int>(blip3o::DType::kU8) == BLIP3O_U8);
static_assert(static_cast<int>(blip3o::EventKind::kCancelled) == BLIP3O_EVENT_CANCELLED);
static_assert(static_cast<int>(blip3o::Stage::kPixels) == BLIP3O_STAGE_PIXELS);
static_assert(static_cast<int>(blip3o::ComputeOption::kBF16) == BLIP3O_COMPUTE_BF16);
static_assert(static_cast<int>(blip3o::DeviceOption::kCuda) == BLIP3O_DEVICE_CUDA);
static_assert(blip3o::kInt8Language == BLIP3O_INT8_LANGUAGE && blip3o::kE4M3Diffusion == BLIP3O_E4M3_DIFFUSION);
static_assert(blip3o::kReferenceToken == BLIP3O_REFERENCE_TOKEN);
static_assert(blip3o::kMaxReferences == BLIP3O_MAX_REFERENCES);

// Copies into a C array of `size` bytes; what doesn't fit is cut before a UTF-8 character, never inside.
void CopyText(std::string_view text, char* out, size_t size) {
  size_t length = std::min(text.size(), size - 1);
  if (length < text.size()) {
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0u) == 0x80u) --length;
  }
  std::memcpy(out, text.data(), length);
  out[length] = '\0';
}

// The number in an enum of the C interface: a caller may have put any into it, and then its type must not be read.
template <typename Enum>
int32_t NumberOf(const Enum& value) {
  int32_t number;
  static_assert(sizeof(value) == sizeof(number));
  std::memcpy(&number, &value, sizeof(number));
  return number;
}

blip3o_status Report(const Status& status, blip3o_error* error) {
  const auto code = static_cast<blip3o_status>(status.code());
  if (error != nullptr) {
    error->status = code;
    error->retry_after_millis = status.retry_after_millis();
    CopyText(status.message(), error->message, sizeof(error->message));
  }
  return code;
}

// Runs `body`, which returns a Status, and turns what it throws into one.
template <typename Body>
blip3o_status Guard(blip3o_error* error, const Body& body) {
  try {
    return Report(body(), error);
  } catch (const std::bad_alloc&) {
    return Report(blip3o::OutOfMemory("the machine ran out of memory: free some and try again"), error);
  } catch (const std::exception& e) {
    return Report(blip3o::InternalError(fmt::format("unexpected failure: {}: please report it", e.what())), error);
  }
}

// Shape and dtype of a tensor that has data.
Result<blip3o::View> ViewTensor(std::string_view name, const blip3o_tensor& from) {
  const int32_t dtype = NumberOf(from.dtype);
  if (from.rank < 1 || from.rank > BLIP3O_MAX_RANK || dtype < BLIP3O_F32 || dtype > BLIP3O_U8) {
    return InvalidArgument(fmt::format("{} has rank {} and dtype {}: expected rank 1 to {} and a blip3o_dtype", name,
                                       from.rank, dtype, static_cast<int>(BLIP3O_MAX_RANK)));
  }
  constexpr int64_t kMostElements = int64_t{1} << 32;
  blip3o::View to{from.data, static_cast<blip3o::DType>(dtype), {}};
  int64_t count = 1;
  for (int i = 0; i < from.rank; ++i) {
    if (from.shape[i] < 1 || from.shape[i] > kMostElements / count) {
      return InvalidArgument(
          fmt::format("{} has dimension {} of {}: expected 1 or more, and at most {} elements in all", name, i,
                      from.shape[i], kMostElements));
    }
    count *= from.shape[i];
    to.shape.Append(from.shape[i]);
  }
  return to;
}

// Absent (data NULL) yields an empty tensor.
Result<HostTensor> CopyTensor(std::string_view name, const blip3o_tensor& from) {
  HostTensor to;
  if (from.data == nullptr) return to;
  BLIP3O_ASSIGN_OR_RETURN(const blip3o::View view, ViewTensor(name, from));
  to.dtype = view.dtype;
  to.shape = view.shape;
  const auto* bytes = static_cast<const std::byte*>(view.data);
  to.bytes.assign(bytes, bytes + view.size_bytes());
  return to;
}

// A borrowed tensor.
Result<blip3o::NamedTensor> NamedTensorOf(const blip3o_named_tensor& from) {
  const std::string name(from.name, strnlen(from.name, sizeof(from.name)));
  if (from.tensor.data == nullptr) return InvalidArgument(fmt::format("tensor {} has no data", name));
  BLIP3O_ASSIGN_OR_RETURN(const blip3o::View view, ViewTensor("tensor " + name, from.tensor));
  return blip3o::NamedTensor{name, view};
}

// A borrowed picture: [height, width] or [height, width, channels] bytes. Absent: no data.
Result<blip3o::PictureView> ViewPicture(const std::string& name, const blip3o_tensor& from) {
  if (from.data == nullptr) {
    if (from.rank != 0) return InvalidArgument(fmt::format("{} has a size, but no data: expected its bytes", name));
    return blip3o::PictureView();
  }
  if (NumberOf(from.dtype) != BLIP3O_U8 || from.rank < 2 || from.rank > 3) {
    return InvalidArgument(
        fmt::format("{} has rank {} and dtype {}: expected u8 [height, width] or [height, width, channels]", name,
                    from.rank, NumberOf(from.dtype)));
  }
  return blip3o::PictureView{static_cast<const uint8_t*>(from.data), from.shape[0], from.shape[1],
                             from.rank == 3 ? from.shape[2] : 1};
}

Result<blip3o::RequestPictures> ViewPictures(const blip3o_request& from) {
  blip3o::RequestPictures pictures;
  const int32_t count = from.reference_count;
  if (count < 0 || count > BLIP3O_MAX_REFERENCES || (count > 0 && from.references == nullptr)) {
    return InvalidArgument(fmt::format("reference_count is {} and references is {}: expected 0 to {} pictures", count,
                                       from.references == nullptr ? "NULL" : "not NULL",
                                       static_cast<int>(BLIP3O_MAX_REFERENCES)));
  }
  for (int32_t k = 0; k < count; ++k) {
    const std::string name = blip3o::ReferenceName(static_cast<size_t>(k), static_cast<size_t>(count));
    if (from.references[k].data == nullptr) return InvalidArgument(name + " has no data: expected a picture");
    BLIP3O_ASSIGN_OR_RETURN(const blip3o::PictureView view, ViewPicture(name, from.references[k]));
    pictures.references.push_back(view);
  }
  BLIP3O_ASSIGN_OR_RETURN(pictures.initial, ViewPicture("the initial picture", from.initial));
  BLIP3O_ASSIGN_OR_RETURN(pictures.mask, ViewPicture("the mask", from.mask));
  return pictures;
}

Result<Request> CopyRequest(const blip3o::Engine& engine, const blip3o_request& from) {
  Request to;
  to.first_stage = static_cast<blip3o::Stage>(NumberOf(from.first_stage));
  to.last_stage = static_cast<blip3o::Stage>(NumberOf(from.last_stage));
  to.outputs = from.outputs;
  if (from.prompt_length < 0 || (from.prompt == nullptr && from.prompt_length > 0)) {
    return InvalidArgument(fmt::format("prompt_length is {} and prompt is {}: expected as many ids as its length says",
                                       from.prompt_length, from.prompt == nullptr ? "NULL" : "not NULL"));
  }
  constexpr int64_t kMostIds = int64_t{1} << 24;
  if (from.prompt_length > kMostIds) {
    return InvalidArgument(fmt::format("prompt_length is {}: expected at most {}", from.prompt_length, kMostIds));
  }
  to.prompt.assign(from.prompt, from.prompt + from.prompt_length);
  BLIP3O_ASSIGN_OR_RETURN(to.reference_latents, CopyTensor("reference_latents", from.reference_latents));
  BLIP3O_ASSIGN_OR_RETURN(to.initial_latents, CopyTensor("initial_latents", from.initial_latents));
  BLIP3O_ASSIGN_OR_RETURN(to.tokens, CopyTensor("tokens", from.tokens));
  BLIP3O_ASSIGN_OR_RETURN(to.hidden_states, CopyTensor("hidden_states", from.hidden_states));
  BLIP3O_ASSIGN_OR_RETURN(to.condition, CopyTensor("condition", from.condition));
  BLIP3O_ASSIGN_OR_RETURN(to.null_condition, CopyTensor("null_condition", from.null_condition));
  BLIP3O_ASSIGN_OR_RETURN(to.noise, CopyTensor("noise", from.noise));
  BLIP3O_ASSIGN_OR_RETURN(to.latents, CopyTensor("latents", from.latents));
  to.seed = from.seed;
  to.temperature = from.temperature;
  to.top_k = from.top_k;
  to.top_p = from.top_p;
  to.steps = from.steps;
  to.guidance = from.guidance;
  to.strength = from.strength;
  to.priority = from.priority;
  to.deadline_millis = from.deadline_millis;
  to.preview_steps = from.preview_steps;
  to.tag = from.tag;
  BLIP3O_ASSIGN_OR_RETURN(const blip3o::RequestPictures pictures, ViewPictures(from));
  BLIP3O_RETURN_IF_ERROR(blip3o::AddPictures(engine.checkpoint().config(), engine.capabilities(), pictures, to));
  return to;
}

int32_t Narrow(int64_t value) { return static_cast<int32_t>(value); }

std::filesystem::path Utf8Path(const char* text) {
  return std::filesystem::path(std::u8string(reinterpret_cast<const char8_t*>(text)));
}

blip3o::EngineOptions CopyOptions(const blip3o_model_options* from) {
  blip3o::EngineOptions to;
  if (from == nullptr) return to;
  if (from->diffusion_directory != nullptr) to.diffusion_directory = Utf8Path(from->diffusion_directory);
  to.threads = from->threads;
  to.compute = static_cast<blip3o::ComputeOption>(NumberOf(from->compute));
  to.device = static_cast<blip3o::DeviceOption>(NumberOf(from->device));
  to.quantization = from->quantization;
  if (from->product_library_directory != nullptr) {
    to.product_library_directory = Utf8Path(from->product_library_directory);
  }
  to.memory_limit_bytes = from->memory_limit_bytes;
  to.queue_limit = from->queue_limit;
  to.latency_target_millis = from->latency_target_millis;
  return to;
}

}  // namespace

extern "C" {

const char* blip3o_version(void) { return BLIP3O_VERSION; }

int32_t blip3o_has_backend(blip3o_device device) {
  const auto option = static_cast<blip3o::DeviceOption>(NumberOf(device));
  return blip3o::HasBackend(option) ? 1 : 0;
}

void blip3o_model_options_default(blip3o_model_options* options) {
  *options = {};
  options->compute = BLIP3O_COMPUTE_AUTO;
}

blip3o_status blip3o_model_open(const char* directory, const blip3o_model_options* options, blip3o_model** model,
                                blip3o_error* error) {
  *model = nullptr;
  return Guard(error, [&]() -> Status {
    if (directory == nullptr || *directory == '\0') {
      return InvalidArgument("the model directory is empty: expected the path of a checkpoint");
    }
    const blip3o::EngineOptions engine_options = CopyOptions(options);
    auto opened = std::make_unique<blip3o_model>();
    BLIP3O_ASSIGN_OR_RETURN(opened->engine, blip3o::Engine::Open(Utf8Path(directory), engine_options));
    opened->language_tensors = opened->engine->checkpoint().LanguageTensors();
    *model = opened.release();
    return {};
  });
}

void blip3o_model_describe(const blip3o_model* model, blip3o_model_info* info) {
  const blip3o::Engine& engine = *model->engine;
  const blip3o::ModelConfig& config = engine.checkpoint().config();
  *info = {};
  info->image_tokens = Narrow(config.image_tokens.tokens);
  info->image_codes = Narrow(config.image_tokens.codes);
  info->image_token_first = Narrow(config.image_tokens.first);
  info->image_start_tag = Narrow(config.image_tokens.image_start_tag);
  info->scale_start = Narrow(config.image_tokens.scale_start);
  info->vocabulary_size = Narrow(config.language_model.vocab_size);
  info->max_prompt_length = Narrow(blip3o::MaxPromptLength(config));
  info->hidden_size = Narrow(config.language_model.hidden_size);
  info->caption_size = Narrow(config.diffusion_transformer.caption_channels);
  info->latent_channels = Narrow(config.autoencoder.latent_channels);
  info->latent_height = info->latent_width = Narrow(config.latent_side());
  info->picture_height = info->picture_width = Narrow(config.picture_side());
  info->default_temperature = static_cast<float>(config.sampling.temperature);
  info->default_top_k = Narrow(config.sampling.top_k);
  info->default_top_p = static_cast<float>(config.sampling.top_p);
  info->threads = engine.threads();
  info->compute = static_cast<blip3o_compute>(engine.compute());
  info->device = static_cast<blip3o_device>(engine.device());
  info->quantization = engine.quantization();
  info->weight_bytes = engine.checkpoint().weight_bytes();
  CopyText(engine.checkpoint().dtypes(), info->weight_dtype, sizeof(info->weight_dtype));
  CopyText(engine.backend(), info->backend, sizeof(info->backend));
  CopyText(engine.device_reason(), info->device_reason, sizeof(info->device_reason));
  const blip3o::Capabilities& capabilities = engine.capabilities();
  CopyText(capabilities.reference_tokens_lack, info->reference_tokens_lack, sizeof(info->reference_tokens_lack));
  CopyText(capabilities.reference_latents_lack, info->reference_latents_lack, sizeof(info->reference_latents_lack));
  CopyText(capabilities.editing_lacks, info->editing_lacks, sizeof(info->editing_lacks));
}

void blip3o_model_close(blip3o_model* model) { delete model; }

void blip3o_model_metrics(blip3o_model* model, blip3o_metrics* metrics) {
  const blip3o::Metrics from = model->engine->metrics();
  *metrics = {};
  metrics->healthy = from.healthy ? 1 : 0;
  metrics->queued = Narrow(from.queued);
  metrics->running = Narrow(from.running);
  metrics->memory_in_use_bytes = from.memory_in_use_bytes;
  metrics->memory_peak_bytes = from.memory_peak_bytes;
  metrics->memory_limit_bytes = from.memory_limit_bytes;
  metrics->memory_blocks = from.memory_blocks;
  metrics->submitted = from.submitted;
  metrics->refused = from.refused;
  metrics->done = from.done;
  metrics->failed = from.failed;
  metrics->cancelled = from.cancelled;
  metrics->expired = from.expired;
  metrics->queue_seconds = from.queue_seconds;
  metrics->started = from.started;
  metrics->first_token_seconds = from.first_token_seconds;
  metrics->first_tokens = from.first_tokens;
  metrics->tokens = from.tokens;
  metrics->token_batches = from.token_batches;
  metrics->steps = from.steps;
  metrics->pictures = from.pictures;
  metrics->previews = from.previews;
  metrics->prompts_computed = from.prompts_computed;
  metrics->prompts_reused = from.prompts_reused;
  metrics->encode_seconds = from.seconds.encode;
  metrics->prefill_seconds = from.seconds.prefill;
  metrics->tokens_seconds = from.seconds.tokens;
  metrics->condition_seconds = from.seconds.condition;
  metrics->steps_seconds = from.seconds.steps;
  metrics->decode_seconds = from.seconds.decode;
}

void blip3o_model_language_config(const blip3o_model* model, blip3o_language_config* config) {
  const blip3o::LanguageModelConfig& from = model->engine->checkpoint().config().language_model;
  *config = {Narrow(from.vocab_size),
             Narrow(from.hidden_size),
             Narrow(from.intermediate_size),
             Narrow(from.num_layers),
             Narrow(from.num_heads),
             Narrow(from.num_kv_heads),
             Narrow(from.head_dim),
             Narrow(from.max_position_embeddings),
             from.tie_word_embeddings ? 1 : 0,
             from.rms_norm_eps,
             from.rope_theta};
}

int64_t blip3o_model_language_tensor_count(const blip3o_model* model) {
  return static_cast<int64_t>(model->language_tensors.size());
}

void blip3o_model_language_tensor(const blip3o_model* model, int64_t index, blip3o_named_tensor* tensor) {
  const blip3o::NamedTensor& from = model->language_tensors[static_cast<size_t>(index)];
  *tensor = {};
  CopyText(from.name, tensor->name, sizeof(tensor->name));
  tensor->tensor.data = from.view.data;
  tensor->tensor.dtype = static_cast<blip3o_dtype>(from.view.dtype);
  tensor->tensor.rank = from.view.shape.rank();
  for (int i = 0; i < from.view.shape.rank(); ++i) tensor->tensor.shape[i] = from.view.shape[i];
}

blip3o_status blip3o_model_update_language_model(blip3o_model* model, const blip3o_named_tensor* tensors, int64_t count,
                                                 int64_t* version, blip3o_error* error) {
  *version = 0;
  return Guard(error, [&]() -> Status {
    std::vector<blip3o::NamedTensor> given;
    for (int64_t i = 0; i < count; ++i) {
      BLIP3O_ASSIGN_OR_RETURN(blip3o::NamedTensor tensor, NamedTensorOf(tensors[i]));
      given.push_back(std::move(tensor));
    }
    BLIP3O_ASSIGN_OR_RETURN(*version, model->engine->UpdateLanguageModel(given));
    return {};
  });
}

blip3o_status blip3o_checkpoint_inspect(const char* directory, const blip3o_model_options* options, int32_t scan_values,
                                        char** report, blip3o_error* error) {
  *report = nullptr;
  return Guard(error, [&]() -> Status {
    if (directory == nullptr || *directory == '\0') {
      return InvalidArgument("the model directory is empty: expected the path of a checkpoint");
    }
    const blip3o::EngineOptions engine_options = CopyOptions(options);
    std::optional<blip3o::MemoryReport> memory;
    if (engine_options.device != blip3o::DeviceOption::kAuto) {
      BLIP3O_ASSIGN_OR_RETURN(memory, blip3o::PlanMemory(Utf8Path(directory), engine_options));
    }
    BLIP3O_ASSIGN_OR_RETURN(
        const std::string json,
        blip3o::InspectCheckpoint(Utf8Path(directory), engine_options.diffusion_directory, scan_values != 0, memory));
    char* copy = static_cast<char*>(std::malloc(json.size() + 1));
    if (copy == nullptr) return blip3o::OutOfMemory("no memory for the report: free some and try again");
    std::memcpy(copy, json.c_str(), json.size() + 1);
    *report = copy;
    return {};
  });
}

void blip3o_string_free(char* string) { std::free(string); }

void blip3o_request_default(const blip3o_model* model, blip3o_request* request) {
  const Request defaults;
  const blip3o::SamplingConfig& sampling = model->engine->checkpoint().config().sampling;
  *request = {};
  request->first_stage = BLIP3O_STAGE_TOKENS;
  request->last_stage = BLIP3O_STAGE_PIXELS;
  request->temperature = static_cast<float>(sampling.temperature);
  request->top_k = Narrow(sampling.top_k);
  request->top_p = static_cast<float>(sampling.top_p);
  request->steps = defaults.steps;
  request->guidance = defaults.guidance;
  request->strength = defaults.strength;
}

blip3o_status blip3o_model_submit(blip3o_model* model, const blip3o_request* request, blip3o_job** job,
                                  blip3o_error* error) {
  *job = nullptr;
  return Guard(error, [&]() -> Status {
    auto handle = std::make_unique<blip3o_job>();
    BLIP3O_ASSIGN_OR_RETURN(Request copy, CopyRequest(*model->engine, *request));
    BLIP3O_ASSIGN_OR_RETURN(handle->job, model->engine->Submit(std::move(copy)));
    *job = handle.release();
    return {};
  });
}

int32_t blip3o_job_next_event(blip3o_job* job, int64_t timeout_millis, blip3o_event* event) {
  const std::optional<blip3o::Event> next = job->job->events().Next(timeout_millis);
  if (!next) return 0;
  *event = {};
  event->kind = static_cast<blip3o_event_kind>(next->kind);
  event->index = next->index;
  event->count = next->count;
  if (next->preview != nullptr) {
    const blip3o::Preview& preview = *next->preview;
    event->preview = {preview.pixels.data(), BLIP3O_U8, 3, {preview.height, preview.width, 3}};
  }
  return 1;
}

int32_t blip3o_model_next_ready(blip3o_model* model, int64_t timeout_millis, uint64_t* tag) {
  const std::optional<uint64_t> next = model->engine->ready().Next(timeout_millis);
  if (!next) return 0;
  *tag = *next;
  return 1;
}

void blip3o_model_wake(blip3o_model* model) { model->engine->ready().Wake(); }

void blip3o_job_cancel(blip3o_job* job) { job->job->Cancel(); }

blip3o_status blip3o_job_wait(blip3o_job* job, blip3o_error* error) { return Report(job->job->Wait(), error); }

blip3o_status blip3o_job_value(blip3o_job* job, blip3o_value value, blip3o_tensor* tensor, blip3o_error* error) {
  *tensor = {};
  return Guard(error, [&]() -> Status {
    const blip3o::Values* values = job->job->values();
    if (values == nullptr) return InvalidArgument("the job has no results: it has not ended, or not well");
    if (value < 0 || value >= BLIP3O_VALUE_COUNT) {
      return InvalidArgument(fmt::format("value {} is unknown: expected a blip3o_value", static_cast<int>(value)));
    }
    const HostTensor& from = (*values)[static_cast<size_t>(value)];
    if (from.empty()) {
      return InvalidArgument(
          fmt::format("value {} was not computed: ask for it in the request's outputs, and run the "
                      "stage that yields it",
                      static_cast<int>(value)));
    }
    tensor->data = from.bytes.data();
    tensor->dtype = static_cast<blip3o_dtype>(from.dtype);
    tensor->rank = from.shape.rank();
    for (int i = 0; i < from.shape.rank(); ++i) tensor->shape[i] = from.shape[i];
    return {};
  });
}

void blip3o_job_timings(blip3o_job* job, blip3o_timings* timings) {
  const blip3o::Timings from = job->job->timings();
  *timings = {from.queued,    from.waiting, from.encode, from.prefill,        from.tokens,
              from.condition, from.steps,   from.decode, from.workspace_bytes};
}

int64_t blip3o_job_language_version(blip3o_job* job) { return job->job->language_version(); }

void blip3o_job_close(blip3o_job* job) {
  if (job == nullptr) return;
  job->job->Cancel();
  (void)job->job->Wait();
  delete job;
}

void blip3o_noise_fill(uint64_t seed, float* values, int64_t count) { blip3o::FillNormal(seed, 0, count, values); }

}  // extern "C"
