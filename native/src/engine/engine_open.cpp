// How an engine is opened: its options, its lanes and the constants of the model.
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <future>
#include <new>
#include <system_error>
#include <utility>

#include "base/memory.h"
#include "engine/engine.h"
#include "engine/memory_plan.h"
#include "ops/backend.h"
#include "ops/cpu/cpu_ops.h"

namespace blip3o {

namespace {

constexpr int kMaxThreads = 1024;
constexpr int32_t kMaxQueueLimit = 1 << 20;
constexpr int32_t kMaxLatencyTarget = 3600 * 1000;
// Of a device's free memory, where no limit is set, so much stays the driver's, for kernels' code and recorded work.
constexpr int64_t kDriversPart = 16, kMostOfDriver = int64_t{1} << 30;

// A checkpoint's failures are the same on any device.
bool IsOfDevice(const Status& failure) {
  return failure.code() == StatusCode::kUnsupported || failure.code() == StatusCode::kOutOfMemory ||
         failure.code() == StatusCode::kDeviceLost || failure.code() == StatusCode::kInternalError;
}

Status CheckQuantization(const EngineOptions& options) {
  if (options.device != DeviceOption::kCpu || (options.quantization & kE4M3Diffusion) == 0) return {};
  return Unsupported(
      "e4m3 quantization of the diffusion transformer is for CUDA devices, and the model runs on the CPU: leave it "
      "out, or run on a CUDA device");
}

// What the options ask for, once, from the mapped weights into memory.
Status Quantize(Checkpoint& checkpoint, const EngineOptions& options) {
  if ((options.quantization & kInt8Language) == 0) return {};
  const int64_t bytes = checkpoint.QuantizedLanguageModelBytes();
  const bool limited = options.device == DeviceOption::kCpu && options.memory_limit_bytes > 0;
  const int64_t allowed = limited ? options.memory_limit_bytes : AvailableMemoryBytes();
  if (bytes > allowed) {
    return OutOfMemory(fmt::format(
        "the language model in int8 takes {}, and {} are allowed: raise the limit, free some memory or leave the "
        "quantization out",
        Mebibytes(bytes), Mebibytes(allowed)));
  }
  return checkpoint.QuantizeLanguageModel(options.threads);
}

SchedulerOptions OptionsOf(const EngineOptions& options, int picture_lanes) {
  SchedulerOptions scheduler;
  scheduler.most_running = static_cast<int>(LanguageModel::kMostRows);
  scheduler.picture_lanes = picture_lanes;
  if (options.queue_limit > 0) scheduler.queue_limit = options.queue_limit;
  if (options.latency_target_millis > 0) {
    scheduler.latency_target = std::chrono::milliseconds(options.latency_target_millis);
  }
  return scheduler;
}

// A device is full of one picture's step.
int PictureLanes(const Checkpoint& checkpoint, const EngineOptions& options) {
  if (options.device == DeviceOption::kCuda) return 1;
  const Pipeline pipeline(checkpoint);
  return SharingPolicy::PictureLanes(options.threads, pipeline.StepProducts(TextRequest(checkpoint.config())));
}

}  // namespace

Status CheckOptions(const EngineOptions& options) {
  if (options.threads < 0 || options.threads > kMaxThreads) {
    return InvalidArgument(
        fmt::format("threads must be 0 (one per processor) to {}: found {}", kMaxThreads, options.threads));
  }
  if (options.compute < ComputeOption::kAuto || options.compute > ComputeOption::kBF16) {
    return InvalidArgument(
        fmt::format("compute must be auto (0), f32 (1) or bf16 (2): found {}", static_cast<int>(options.compute)));
  }
  if (options.device < DeviceOption::kAuto || options.device > DeviceOption::kCuda) {
    return InvalidArgument(
        fmt::format("device must be auto (0), cpu (1) or cuda (2): found {}", static_cast<int>(options.device)));
  }
  if ((options.quantization & ~(kInt8Language | kE4M3Diffusion)) != 0) {
    return InvalidArgument(
        fmt::format("quantization must be of the bits int8 of the language model ({}) and e4m3 of the "
                    "diffusion transformer ({}): found {}",
                    kInt8Language, kE4M3Diffusion, options.quantization));
  }
  if (options.memory_limit_bytes < 0) {
    return InvalidArgument(fmt::format("the memory limit must be 0 (what is free) or a number of bytes: found {}",
                                       options.memory_limit_bytes));
  }
  if (options.queue_limit < 0 || options.queue_limit > kMaxQueueLimit) {
    return InvalidArgument(fmt::format("queue_limit must be 0 (the default, {}) to {}: found {}",
                                       SchedulerOptions().queue_limit, kMaxQueueLimit, options.queue_limit));
  }
  if (options.latency_target_millis < 0 || options.latency_target_millis > kMaxLatencyTarget) {
    return InvalidArgument(fmt::format("latency_target_millis must be 0 (the default) to {}, an hour: found {}",
                                       kMaxLatencyTarget, options.latency_target_millis));
  }
  return {};
}

ComputeOption ResolveCompute(ComputeOption option, DeviceOption device, const Checkpoint& checkpoint) {
  if (option != ComputeOption::kAuto) return option;
  const bool native = device == DeviceOption::kCuda || cpu::HasNativeBF16();
  return checkpoint.is_16_bit() && native ? ComputeOption::kBF16 : ComputeOption::kF32;
}

bool HasBackend(DeviceOption device) { return device != DeviceOption::kCuda || HasCuda(); }

Status CheckDevice(const EngineOptions& options) {
  if (options.device == DeviceOption::kCuda) {
    return HasCuda() ? Status() : OpenCudaDevice({}).status();
  }
  return CheckQuantization(options);
}

Engine::Engine(std::unique_ptr<Checkpoint> checkpoint, EngineOptions options, std::shared_ptr<Device> device,
               std::string device_reason, std::shared_ptr<ThreadPool> pool)
    : checkpoint_(std::move(checkpoint)),
      options_(std::move(options)),
      device_(std::move(device)),
      device_reason_(std::move(device_reason)),
      capabilities_(checkpoint_->capabilities()),
      pipeline_(*checkpoint_),
      pool_(std::move(pool)),
      cancel_box_(std::make_shared<CancelBox>([this](RequestId request) { Cancel(request); })),
      scheduler_(OptionsOf(options_, PictureLanes(*checkpoint_, options_))) {}

Result<std::unique_ptr<Engine>> Engine::Open(const std::filesystem::path& directory, const EngineOptions& options) {
  BLIP3O_RETURN_IF_ERROR(CheckOptions(options));
  const auto open_checkpoint = [&] { return Checkpoint::Open(directory, options.diffusion_directory); };
  BLIP3O_ASSIGN_OR_RETURN(std::unique_ptr<Checkpoint> checkpoint, open_checkpoint());
  std::string reason;
  if (options.device != DeviceOption::kCpu) {
    auto engine = OpenOn(DeviceOption::kCuda, options, {}, checkpoint);
    if (engine.ok() || !IsOfDevice(engine.status())) return engine;
    reason = engine.status().message();
    if (options.device == DeviceOption::kCuda) {
      return Status(engine.status().code(), "the model can't run on a CUDA device: " + reason);
    }
    if (checkpoint == nullptr) {
      BLIP3O_ASSIGN_OR_RETURN(checkpoint, open_checkpoint());
    }
  }
  return OpenOn(DeviceOption::kCpu, options, std::move(reason), checkpoint);
}

Result<std::unique_ptr<Engine>> Engine::OpenOn(DeviceOption device, const EngineOptions& options, std::string reason,
                                               std::unique_ptr<Checkpoint>& checkpoint) {
  EngineOptions resolved = options;
  if (resolved.threads == 0) resolved.threads = UsableProcessors();
  resolved.compute = ResolveCompute(options.compute, device, *checkpoint);
  resolved.device = device;
  BLIP3O_RETURN_IF_ERROR(CheckQuantization(resolved));
  std::shared_ptr<Device> opened;
  std::shared_ptr<ThreadPool> pool;
  if (device == DeviceOption::kCuda) {
    const bool exact = resolved.compute == ComputeOption::kF32;
    BLIP3O_ASSIGN_OR_RETURN(opened, options.open_cuda({exact, options.product_library_directory}));
  } else {
    BLIP3O_ASSIGN_OR_RETURN(pool, ThreadPool::Create(resolved.threads));
  }
  std::unique_ptr<Checkpoint> own = std::move(checkpoint);
  BLIP3O_RETURN_IF_ERROR(Quantize(*own, resolved));
  std::unique_ptr<Engine> engine(
      new Engine(std::move(own), std::move(resolved), std::move(opened), std::move(reason), std::move(pool)));
  BLIP3O_RETURN_IF_ERROR(engine->Start());
  return engine;
}

Status Engine::Start() {
  BLIP3O_RETURN_IF_ERROR(LoadWeights());
  for (int i = 0; i < scheduler_.lanes(); ++i) lanes_.push_back(std::make_unique<Lane>(i));
  for (const auto& lane : lanes_) BLIP3O_RETURN_IF_ERROR(StartLane(*lane));
  return {};
}

Status Engine::LoadWeights() {
  if (device_ != nullptr) {
    const bool e4m3 = (options_.quantization & kE4M3Diffusion) != 0;
    BLIP3O_RETURN_IF_ERROR(
        device_->Preload([this](Ops& dry_ops) { pipeline_.ReadWeights(dry_ops, capabilities_); },
                         e4m3 ? LargeStepWeights(checkpoint_->weights().diffusion_transformer) : std::vector<View>()));
    device_reason_ = device_->lacks();
    return {};
  }
  if ((options_.quantization & kInt8Language) != 0) {
    quantized_ = Holding(account_, checkpoint_->QuantizedLanguageModelBytes());
    CountConstants();
  }
  return {};
}

// A lane's thread makes its own backend, since some libraries keep settings by thread.
Status Engine::StartLane(Lane& lane) {
  std::promise<Status> started;
  std::future<Status> status = started.get_future();
  try {
    lane.thread = std::thread([this, &lane, &started] {
      Status backend = StartBackend(lane);
      const bool ok = backend.ok();
      started.set_value(std::move(backend));
      if (ok) Serve(lane);
      // Lanes that still work may make it give its memory back.
      const std::lock_guard lock(mutex_);
      lane.Release();
      lane.ops.reset();
    });
  } catch (const std::system_error& error) {
    return OutOfMemory(
        fmt::format("could not start a worker thread ({}): raise the limit on threads or memory", error.what()));
  }
  return status.get();
}

Status Engine::StartBackend(Lane& lane) {
  const bool language = lane.index == Scheduler::kLanguageLane;
  const cpu::Compute compute = options_.compute == ComputeOption::kBF16 ? cpu::Compute::kBF16 : cpu::Compute::kF32;
  try {
    if (device_ != nullptr) {
      BLIP3O_ASSIGN_OR_RETURN(lane.ops, device_->CreateOps(language ? LaneRole::kLanguage : LaneRole::kPicture));
    } else {
      BLIP3O_ASSIGN_OR_RETURN(lane.ops, cpu::CreateOps({options_.threads, compute, pool_}));
    }
    if (!language) return {};
    backend_ = device_ != nullptr ? device_->name() : lane.ops->name();
    if (device_ != nullptr) BLIP3O_RETURN_IF_ERROR(TakeArena(lane));
    return LoadConstants(lane);
  } catch (const std::bad_alloc&) {
    return OutOfMemory("the machine ran out of memory while the model was opened: free some and try again");
  } catch (const std::exception& error) {
    return InternalError(fmt::format("unexpected failure: {}: please report it", error.what()));
  }
}

Status Engine::TakeArena(const Lane& lane) {
  if (options_.memory_limit_bytes > 0) return device_->TakeArena(options_.memory_limit_bytes);
  const Request usual = TextRequest(checkpoint_->config());
  const int64_t prompt = pipeline_.language().PromptBytes(static_cast<int64_t>(usual.prompt.size()));
  const bool codebook = capabilities_.reference_tokens_lack.empty();
  const int64_t all = ArenaBytes(codebook ? pipeline_.encoder().codebook_bytes() : 0,
                                 DemandOf(*lane.ops, pipeline_.Measure(usual)), prompt);
  const int64_t free = device_->FreeBytes();
  return device_->TakeArena(std::min(all, free - std::min(free / kDriversPart, kMostOfDriver)));
}

Status Engine::LoadConstants(Lane& lane) {
  if (!capabilities_.reference_tokens_lack.empty()) return {};
  const Status status = LoadCodebook(lane);
  if (status.ok() || status.code() == StatusCode::kDeviceLost) return status;
  // Text to image needs no codebook: the model opens, and says what it can't do.
  capabilities_.reference_tokens_lack = "this model can't turn pictures into tokens: " + status.message();
  if (capabilities_.editing_lacks.empty()) {
    capabilities_.editing_lacks = "this model can't edit pictures: " + status.message();
  }
  return {};
}

Status Engine::LoadCodebook(Lane& lane) {
  Ops& ops = *lane.ops;
  ReferenceEncoder& encoder = pipeline_.encoder();
  const HalfNeed need = encoder.MeasureLoad();
  const int64_t kept = encoder.codebook_bytes();
  // Text to image goes before: there must be room for a picture of a usual prompt beside the codebook.
  const int64_t text = DemandOf(ops, pipeline_.Measure(TextRequest(checkpoint_->config()))).all_bytes();
  const int64_t bytes = kept + std::max(need.workspace_bytes + ops.ScratchBytes(need.capacity), text);
  const int64_t allowed = options_.memory_limit_bytes > 0 ? options_.memory_limit_bytes : AvailableBytes();
  if (bytes > allowed) {
    return OutOfMemory(fmt::format(
        "its codebook of {} and a picture beside it take {}, and {} are allowed: raise the limit or free some memory",
        Mebibytes(kept), Mebibytes(bytes), Mebibytes(allowed)));
  }
  BLIP3O_RETURN_IF_ERROR(lane.Provide(need, bytes, account_));
  Arena arena(lane.workspace);
  const Status status = encoder.Load(ops, arena);
  lane.Release();
  BLIP3O_RETURN_IF_ERROR(status);
  constants_ = Holding(account_, kept);
  CountConstants();
  return {};
}

}  // namespace blip3o
