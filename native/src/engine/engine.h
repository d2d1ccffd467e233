// An open model: a checkpoint on a backend, the lanes that work for its requests, and the scheduler that says who is
// next.
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "engine/job.h"
#include "engine/lane.h"
#include "engine/language_version.h"
#include "engine/memory_account.h"
#include "engine/metrics.h"
#include "engine/pipeline.h"
#include "engine/prompt_cache.h"
#include "engine/request.h"
#include "engine/run.h"
#include "engine/scheduler.h"
#include "ops/backend.h"
#include "ops/ops.h"
#include "weights/checkpoint.h"
#include "weights/language_weights.h"

namespace blip3o {

// The same values as blip3o_compute in blip3o.h.
enum class ComputeOption : int32_t { kAuto = 0, kF32 = 1, kBF16 = 2 };

// The same values as blip3o_device.
enum class DeviceOption : int32_t { kAuto = 0, kCpu = 1, kCuda = 2 };

// The same bits as blip3o_quantization.
inline constexpr uint32_t kInt8Language = 1, kE4M3Diffusion = 2;

struct EngineOptions {
  std::filesystem::path diffusion_directory;  // empty: from the config
  int threads = 0;                            // 0: every usable processor
  ComputeOption compute = ComputeOption::kAuto;
  DeviceOption device = DeviceOption::kAuto;
  uint32_t quantization = 0;
  std::filesystem::path product_library_directory;  // CUDA: looked in first; empty: where such libraries usually are
  int64_t memory_limit_bytes = 0;                   // 0: what the machine has free
  int32_t queue_limit = 0;                          // 0: SchedulerOptions' default
  int32_t latency_target_millis = 0;                // 0: SchedulerOptions' default
  // Opens the device of kCuda.
  std::function<Result<std::shared_ptr<Device>>(const CudaOptions&)> open_cuda = OpenCudaDevice;
};

// INVALID_ARGUMENT where one is out of its range.
Status CheckOptions(const EngineOptions& options);
// UNSUPPORTED where this build lacks the device's backend, or the device what is asked of it. Not of kAuto.
Status CheckDevice(const EngineOptions& options);

// What kAuto becomes on a device.
ComputeOption ResolveCompute(ComputeOption option, DeviceOption device, const Checkpoint& checkpoint);

// Whether this build has the backend of `device`, whatever the machine has. True of kAuto.
bool HasBackend(DeviceOption device);

// All of it is safe to call from any thread; the destructor is the last call.
class Engine {
 public:
  static Result<std::unique_ptr<Engine>> Open(const std::filesystem::path& directory, const EngineOptions& options);
  // Cancels every job and waits for the lanes.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const Checkpoint& checkpoint() const { return *checkpoint_; }
  // The checkpoint's, less what there was no memory for.
  const Capabilities& capabilities() const { return capabilities_; }
  const std::string& backend() const { return backend_; }
  int threads() const { return options_.threads; }
  // kF32 or kBF16.
  ComputeOption compute() const { return options_.compute; }
  // kCpu or kCuda.
  DeviceOption device() const { return options_.device; }
  // Why kAuto became kCpu, or what the device does without (Device::lacks); else empty.
  const std::string& device_reason() const { return device_reason_; }
  uint32_t quantization() const { return options_.quantization; }

  // Checks the request and its memory, and queues it.
  Result<std::shared_ptr<Job>> Submit(Request request);
  // Puts copies of `tensors` in place of the language model's weights: runs that begin from now on draw with them,
  // those that have begun go on with what they have. Yields the version's number, from 1; on failure all stays as it
  // was. One update at a time, others wait. Errors: INVALID_ARGUMENT, OUT_OF_MEMORY, DEVICE_LOST.
  Result<int64_t> UpdateLanguageModel(std::span<const NamedTensor> tensors);
  // The jobs with tags that have events to read.
  ReadyList& ready() { return *ready_; }
  Metrics metrics();

 private:
  // A request that has not ended.
  struct Active {
    std::shared_ptr<Job> job;
    MemoryNeed need;
    Time submitted = Time::zero();
    Time started = Time::zero();  // zero: it waits
    Time worked = Time::zero();   // in its own pieces of work
    Time deadline = Time::max();
    Status failure;
    // Made with its first piece of work.
    Holding slab;
    std::unique_ptr<Run> run;
  };
  class LaneObserver;
  class UpdateEnd;

  // `options` are resolved: nothing is kAuto. `device`: null for the CPU, whose `pool` is null for a device.
  Engine(std::unique_ptr<Checkpoint> checkpoint, EngineOptions options, std::shared_ptr<Device> device,
         std::string device_reason, std::shared_ptr<ThreadPool> pool);

  // ---- Opening (engine_open.cpp) ------------------------------------------------------------------------------------

  // `device` is kCpu or kCuda. Takes the checkpoint unless there is no such device.
  static Result<std::unique_ptr<Engine>> OpenOn(DeviceOption device, const EngineOptions& options, std::string reason,
                                                std::unique_ptr<Checkpoint>& checkpoint);
  Status Start();
  // The weights, to where they are read.
  Status LoadWeights();
  Status StartLane(Lane& lane);
  // No exception leaves a lane's thread.
  Status StartBackend(Lane& lane);
  // The device's memory for all that is held beside the weights: the limit, or what is usual and free.
  Status TakeArena(const Lane& lane);
  // Computes what stays: the codebook. Without memory for it the model can do all but read reference tokens.
  Status LoadConstants(Lane& lane);
  Status LoadCodebook(Lane& lane);

  // ---- Lanes ----------------------------------------------------------------------------------------------------

  void Serve(Lane& lane);
  void AwaitWork(Lane& lane, std::unique_lock<std::mutex>& lock);
  // One piece of work, for which the lock is given up.
  void Perform(Lane& lane, const WorkItem& item, std::unique_lock<std::mutex>& lock);
  // The piece of work itself; statuses of its requests.
  void Do(Lane& lane, Work work, int64_t lane_bytes, std::span<Active* const> actives, std::vector<Status>& statuses);
  Status DoSafely(Lane& lane, Work work, int64_t lane_bytes, std::span<Active* const> actives,
                  std::vector<Status>& statuses);
  Status MakeRun(Lane& lane, Active& active);
  Status Prefill(const Workplace& at, Run& run);
  // Of several versions, one after the other.
  void NextTokens(const Workplace& at, std::span<Run* const> runs, std::vector<Status>& statuses);
  void RememberPrompt(const Workplace& at, const Run& run);
  static void Tell(Work work, Active& active);

  // ---- Versions of the language model: under the lock of updates -------------------------------------------------

  // The next version, ready to be read.
  Result<std::shared_ptr<LanguageVersion>> MakeVersion(std::span<const NamedTensor> tensors);
  // The weights on the host, as the options want them.
  Result<OwnedLanguageWeights> CopyWeights(std::span<const NamedTensor> tensors) const;
  Status MoveToDevice(const std::shared_ptr<LanguageVersion>& version);
  // Sees to room for a version of so many bytes.
  Status ReserveVersion(int64_t bytes);
  // Makes it the current version.
  void PutInPlace(std::shared_ptr<const LanguageVersion> version);

  // ---- Under the lock ---------------------------------------------------------------------------------------------

  void Count(Work work, std::span<Active* const> actives, const std::vector<Status>& statuses, Time began, Time ended);
  // What stays, and the versions of the language model that are in use or on their way.
  void CountConstants();
  // Does what the scheduler decided. What is returned is to be destroyed without the lock.
  std::vector<Active> CarryOut();
  void EndActive(Active& active, End end);
  Status StatusOf(const Active& active, End end) const;
  // Wakes idle lanes for which there is work. `own`: a lane that will look for itself.
  void WakeLanes(const Lane* own);
  // Wakes the main picture lane where `own` has found nothing that it may do.
  void WakeMainLane(const Lane& own);
  // In a model without a set limit: what it holds and what the machine, or its device, has free.
  void UpdateLimit();
  // What the engine may still take where no limit is set.
  int64_t AvailableBytes() const;
  // Ends every request of a device that is lost.
  void NoteHealth();

  void Cancel(RequestId request);
  void Expire();

  std::unique_ptr<Checkpoint> checkpoint_;
  EngineOptions options_;
  const std::shared_ptr<Device> device_;
  std::string device_reason_;  // does not change behind Open
  Capabilities capabilities_;
  Pipeline pipeline_;
  std::string backend_;
  const std::shared_ptr<ThreadPool> pool_;
  const std::shared_ptr<ReadyList> ready_ = std::make_shared<ReadyList>();
  const std::shared_ptr<CancelBox> cancel_box_;
  MemoryAccount account_;
  Holding constants_;  // the codebook
  Holding quantized_;  // weights in eight bits
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::atomic<bool> closing_ = false;
  std::atomic<Time> next_deadline_ = Time::max();
  std::atomic<bool> versions_gone_ = false;  // and the language lane still has what it recorded of them

  std::mutex update_mutex_;  // guards the number; taken before the other
  int64_t last_version_ = 0;

  std::mutex mutex_;  // guards what follows
  Scheduler scheduler_;
  std::map<RequestId, Active> actives_;
  PromptCache prompts_;
  Metrics metrics_;
  std::shared_ptr<const LanguageVersion> language_;             // null: the checkpoint's own
  std::vector<std::weak_ptr<const LanguageVersion>> versions_;  // those that took its place
  int64_t coming_version_bytes_ = 0;
  Status lost_;  // why nothing runs any more
  RequestId last_id_ = 0;
  std::optional<Time> limit_updated_;
};

}  // namespace blip3o
