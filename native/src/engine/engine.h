// An open model: a checkpoint on a backend, one worker thread, and a queue of jobs in the order of submission.
#pragma once

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/status.h"
#include "engine/job.h"
#include "engine/metrics.h"
#include "engine/pipeline.h"
#include "engine/reference_encoder.h"
#include "engine/request.h"
#include "ops/ops.h"
#include "weights/checkpoint.h"

namespace blip3o {

// The same values as blip3o_compute in blip3o.h.
enum class ComputeOption : int32_t { kAuto = 0, kF32 = 1, kBF16 = 2 };

struct EngineOptions {
  std::filesystem::path diffusion_directory;  // empty: from the config
  int threads = 0;                            // 0: every usable processor
  ComputeOption compute = ComputeOption::kAuto;
  int64_t memory_limit_bytes = 0;     // 0: what the machine has free
  int32_t queue_limit = 0;            // 0: kQueueLimit
  int32_t latency_target_millis = 0;  // 0: kLatencyTarget
};

// All of it is safe to call from any thread; the destructor is the last call.
class Engine {
 public:
  static Result<std::unique_ptr<Engine>> Open(const std::filesystem::path& directory, const EngineOptions& options);
  // Cancels every job, waits for the running one and for the worker.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const Checkpoint& checkpoint() const { return *checkpoint_; }
  // The checkpoint's, less what there was no memory for.
  const Capabilities& capabilities() const { return capabilities_; }
  const std::string& backend() const { return backend_; }
  ReadyList& ready() { return *ready_; }
  Metrics metrics() { return {}; }
  int threads() const { return options_.threads; }
  // kF32 or kBF16.
  ComputeOption compute() const { return options_.compute; }

  // Checks the request and its memory, and queues it.
  Result<std::shared_ptr<Job>> Submit(Request request);

 private:
  Engine(std::unique_ptr<Checkpoint> checkpoint, EngineOptions options);

  Status Start();
  void Work();
  // No exception leaves the worker's thread.
  Status StartBackendSafely();
  Status StartBackend();
  // Computes what stays: the codebook. Without memory for it the model can do all but read reference tokens.
  Status LoadConstants();
  Status LoadCodebook();
  void RunJob(Job& job);
  Status RunPipeline(Job& job, Values& values, Timings& timings);
  // Makes workspace and scratch large enough.
  Status Provide(const MemoryNeed& need);
  Status CheckMemory(const MemoryNeed& need);

  std::unique_ptr<Checkpoint> checkpoint_;
  EngineOptions options_;
  Capabilities capabilities_;
  Pipeline pipeline_;
  ReferenceEncoder reference_encoder_;  // measured by any thread, run by the worker
  std::string backend_;
  const std::shared_ptr<ReadyList> ready_ = std::make_shared<ReadyList>();

  std::unique_ptr<Ops> ops_;  // made, used and freed by the worker; sizes are read under the mutex
  Buffer workspace_;          // the worker's

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Job>> queue_;
  std::shared_ptr<Job> running_;
  bool closing_ = false;
  int64_t held_bytes_ = 0;      // workspace and scratch that the engine has
  int64_t constant_bytes_ = 0;  // of the codebook; set before the first job
  std::thread worker_;
};

}  // namespace blip3o
