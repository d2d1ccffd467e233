#include "engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <future>
#include <new>
#include <system_error>
#include <utility>

#include "base/memory.h"
#include "base/thread_pool.h"
#include "ops/cpu/cpu_ops.h"

namespace blip3o {

namespace {

constexpr int kMaxThreads = 1024;

Status CheckOptions(const EngineOptions& options) {
  if (options.threads < 0 || options.threads > kMaxThreads) {
    return InvalidArgument(
        fmt::format("threads must be 0 (one per processor) to {}: found {}", kMaxThreads, options.threads));
  }
  if (options.compute < ComputeOption::kAuto || options.compute > ComputeOption::kBF16) {
    return InvalidArgument(
        fmt::format("compute must be auto (0), f32 (1) or bf16 (2): found {}", static_cast<int>(options.compute)));
  }
  if (options.memory_limit_bytes < 0) {
    return InvalidArgument(fmt::format("the memory limit must be 0 (what is free) or a number of bytes: found {}",
                                       options.memory_limit_bytes));
  }
  return {};
}

ComputeOption Resolve(ComputeOption option, const Checkpoint& checkpoint) {
  if (option != ComputeOption::kAuto) return option;
  return checkpoint.is_16_bit() && cpu::HasNativeBF16() ? ComputeOption::kBF16 : ComputeOption::kF32;
}

// Text to image with a prompt of usual length.
Request TextRequest(const ModelConfig& config) {
  constexpr int64_t kUsualPrompt = 128;
  Request request;
  request.prompt.resize(static_cast<size_t>(std::min(kUsualPrompt, MaxPromptLength(config))));
  return request;
}

class JobObserver final : public RunObserver {
 public:
  explicit JobObserver(Job& job) : job_(job) {}
  Status OnProgress(EventKind kind, int index, int count) override {
    job_.events().Push({kind, index, count});
    return OnWork();
  }
  Status OnWork() override { return job_.cancelled() ? Cancelled("the request was cancelled") : Status(); }

 private:
  Job& job_;
};

}  // namespace

Engine::Engine(std::unique_ptr<Checkpoint> checkpoint, EngineOptions options)
    : checkpoint_(std::move(checkpoint)),
      options_(std::move(options)),
      capabilities_(checkpoint_->capabilities()),
      pipeline_(*checkpoint_),
      reference_encoder_(*checkpoint_) {}

Result<std::unique_ptr<Engine>> Engine::Open(const std::filesystem::path& directory, const EngineOptions& options) {
  BLIP3O_RETURN_IF_ERROR(CheckOptions(options));
  BLIP3O_ASSIGN_OR_RETURN(std::unique_ptr<Checkpoint> checkpoint,
                          Checkpoint::Open(directory, options.diffusion_directory));
  EngineOptions resolved = options;
  if (resolved.threads == 0) resolved.threads = UsableProcessors();
  resolved.compute = Resolve(options.compute, *checkpoint);
  std::unique_ptr<Engine> engine(new Engine(std::move(checkpoint), std::move(resolved)));
  BLIP3O_RETURN_IF_ERROR(engine->Start());
  return engine;
}

// The worker makes its own backend, since some libraries keep settings by thread.
Status Engine::Start() {
  std::promise<Status> started;
  std::future<Status> status = started.get_future();
  try {
    worker_ = std::thread([this, &started] {
      Status backend = StartBackendSafely();
      const bool ok = backend.ok();
      started.set_value(std::move(backend));
      if (ok) Work();
      ops_.reset();
    });
  } catch (const std::system_error& error) {
    return OutOfMemory(
        fmt::format("could not start the worker thread ({}): raise the limit on threads or memory", error.what()));
  }
  return status.get();
}

Status Engine::StartBackendSafely() {
  try {
    return StartBackend();
  } catch (const std::bad_alloc&) {
    return OutOfMemory("the machine ran out of memory while the model was opened: free some and try again");
  } catch (const std::exception& error) {
    return InternalError(fmt::format("unexpected failure: {}: please report it", error.what()));
  }
}

Status Engine::StartBackend() {
  const cpu::Compute compute = options_.compute == ComputeOption::kBF16 ? cpu::Compute::kBF16 : cpu::Compute::kF32;
  BLIP3O_ASSIGN_OR_RETURN(ops_, cpu::CreateOps({options_.threads, compute}));
  backend_ = ops_->name();
  return LoadConstants();
}

Status Engine::LoadConstants() {
  if (!capabilities_.reference_tokens_lack.empty()) return {};
  const Status status = LoadCodebook();
  if (status.ok()) return {};
  // Text to image needs no codebook: the model opens, and says what it can't do.
  capabilities_.reference_tokens_lack = "this model can't turn pictures into tokens: " + status.message();
  if (capabilities_.editing_lacks.empty()) {
    capabilities_.editing_lacks = "this model can't edit pictures: " + status.message();
  }
  return {};
}

Status Engine::LoadCodebook() {
  const MemoryNeed need = reference_encoder_.MeasureLoad();
  const int64_t kept = reference_encoder_.codebook_bytes();
  // Text to image goes before: there must be room for a picture of a usual prompt beside the codebook.
  const MemoryNeed text = pipeline_.Measure(reference_encoder_, TextRequest(checkpoint_->config()));
  const int64_t bytes = kept + std::max(need.workspace_bytes, text.workspace_bytes) +
                        std::max(ops_->ScratchBytes(need.capacity), ops_->ScratchBytes(text.capacity));
  const int64_t allowed = options_.memory_limit_bytes > 0 ? options_.memory_limit_bytes : AvailableMemoryBytes();
  if (bytes > allowed) {
    return OutOfMemory(fmt::format(
        "its codebook of {} and a picture beside it take {}, and {} are allowed: raise the limit or free some memory",
        Mebibytes(kept), Mebibytes(bytes), Mebibytes(allowed)));
  }
  BLIP3O_RETURN_IF_ERROR(ops_->Reserve(need.capacity));
  BLIP3O_ASSIGN_OR_RETURN(const Buffer workspace, ops_->Allocate(need.workspace_bytes));
  Arena arena(workspace);
  BLIP3O_RETURN_IF_ERROR(reference_encoder_.Load(*ops_, arena));
  constant_bytes_ = kept;
  return {};
}

Engine::~Engine() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    if (running_ != nullptr) running_->Cancel();
  }
  changed_.notify_all();
  if (worker_.joinable()) worker_.join();
  for (const std::shared_ptr<Job>& job : queue_) job->End(Cancelled("the model was closed"), {});
}

Result<std::shared_ptr<Job>> Engine::Submit(Request request) {
  BLIP3O_RETURN_IF_ERROR(CheckRequest(checkpoint_->config(), capabilities_, request));
  const MemoryNeed need = pipeline_.Measure(reference_encoder_, request);
  BLIP3O_RETURN_IF_ERROR(CheckMemory(need));
  auto job = std::make_shared<Job>(std::move(request), need, ready_);
  {
    const std::lock_guard lock(mutex_);
    if (closing_) return Cancelled("the model is being closed: open it again for new requests");
    job->events().Push({EventKind::kQueued, static_cast<int32_t>(queue_.size())});
    queue_.push_back(job);
  }
  changed_.notify_all();
  return job;
}

// What the engine holds already will be used again, so only the rest must be free.
Status Engine::CheckMemory(const MemoryNeed& need) {
  const std::lock_guard lock(mutex_);
  const int64_t bytes = need.workspace_bytes + ops_->ScratchBytes(need.capacity);
  if (options_.memory_limit_bytes > 0 && bytes > options_.memory_limit_bytes - constant_bytes_) {
    return OutOfMemory(
        fmt::format("too little memory: the request takes {} for activations and key-value cache, the limit is {}{}: "
                    "raise the limit or shorten the prompt",
                    Mebibytes(bytes), Mebibytes(options_.memory_limit_bytes),
                    constant_bytes_ > 0 ? fmt::format(", {} of it for the codebook", Mebibytes(constant_bytes_)) : ""));
  }
  const int64_t available = AvailableMemoryBytes();
  if (options_.memory_limit_bytes == 0 && bytes - held_bytes_ > available) {
    return OutOfMemory(
        fmt::format("too little memory: the request takes {} for activations and key-value cache, of which {} are "
                    "held, and the machine has {} free: free some memory or shorten the prompt",
                    Mebibytes(bytes), Mebibytes(held_bytes_), Mebibytes(available)));
  }
  return {};
}

void Engine::Work() {
  for (;;) {
    std::shared_ptr<Job> job;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return closing_ || !queue_.empty(); });
      if (closing_) return;
      job = std::move(queue_.front());
      queue_.pop_front();
      running_ = job;
    }
    RunJob(*job);
    const std::lock_guard lock(mutex_);
    running_.reset();
  }
}

void Engine::RunJob(Job& job) {
  if (job.cancelled()) {
    job.End(Cancelled("the request was cancelled before it started"), {});
    return;
  }
  job.events().Push({EventKind::kStarted});
  Values values;
  Timings timings;
  Status status;
  try {
    status = RunPipeline(job, values, timings);
  } catch (const std::bad_alloc&) {
    status = OutOfMemory("the machine ran out of memory during the request: free some, or make the request smaller");
  } catch (const std::exception& error) {
    status = InternalError(fmt::format("unexpected failure: {}: please report it", error.what()));
  }
  if (status.ok() && job.request().last_stage == Stage::kPixels) job.events().Push({EventKind::kPicture});
  job.SetTimings(timings);
  job.End(std::move(status), std::move(values));
}

Status Engine::RunPipeline(Job& job, Values& values, Timings& timings) {
  BLIP3O_RETURN_IF_ERROR(Provide(job.memory_need()));
  {
    const std::lock_guard lock(mutex_);
    timings.workspace_bytes = held_bytes_;
  }
  JobObserver observer(job);
  return pipeline_.Run(*ops_, workspace_, reference_encoder_, job.request(), observer, values, timings);
}

Status Engine::Provide(const MemoryNeed& need) {
  if (need.workspace_bytes > workspace_.size_bytes()) {
    {
      const std::lock_guard lock(mutex_);
      held_bytes_ -= workspace_.size_bytes();
    }
    workspace_ = Buffer();
    BLIP3O_ASSIGN_OR_RETURN(workspace_, ops_->Allocate(need.workspace_bytes));
  }
  const std::lock_guard lock(mutex_);
  BLIP3O_RETURN_IF_ERROR(ops_->Reserve(need.capacity));
  held_bytes_ = workspace_.size_bytes() + ops_->ScratchBytes(need.capacity);
  return {};
}

}  // namespace blip3o
