// A queue that times each kernel on the device, with an event before and one behind it.
#pragma once

#include <cuda_runtime_api.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ops/cuda/device/cuda_queue.h"

namespace blip3o::gpu {

// All launches of one operation.
struct KernelTime {
  int launches = 0;
  double seconds = 0, bytes = 0, flops = 0;
  bool tensor_cores = false;
};

class TimedQueue final : public cuda::Queue {
 public:
  explicit TimedQueue(std::unique_ptr<cuda::CudaQueue> queue) : queue_(std::move(queue)) {}
  ~TimedQueue() override {
    for (const Pending& pending : pending_) Destroy(pending);
  }

  // While true, kernels run one by one and are timed; else as without this class.
  void SetTiming(bool timing) { timing_ = timing; }
  // Waits, and yields what was timed since the last call, by operation.
  std::map<std::string, KernelTime> TakeTimes() {
    std::map<std::string, KernelTime> times;
    (void)queue_->Finish();
    for (const Pending& pending : pending_) {
      float milliseconds = 0;
      (void)cudaEventElapsedTime(&milliseconds, pending.began, pending.ended);
      KernelTime& time = times[pending.name];
      ++time.launches;
      time.seconds += 1e-3 * milliseconds;
      time.bytes += pending.cost.bytes;
      time.flops += pending.cost.flops;
      time.tensor_cores = pending.cost.tensor_cores;
      Destroy(pending);
    }
    pending_.clear();
    return times;
  }

  std::string name() const override { return queue_->name(); }
  const cuda::DeviceLimits& limits() const override { return queue_->limits(); }
  Result<Buffer> Allocate(int64_t size_bytes) override { return queue_->Allocate(size_bytes); }
  bool Owns(const void* address) const override { return queue_->Owns(address); }
  void CopyIn(const void* host, int64_t size_bytes, void* to) override { queue_->CopyIn(host, size_bytes, to); }
  void CopyOut(const void* from, int64_t size_bytes, void* host) override { queue_->CopyOut(from, size_bytes, host); }
  void Fill(void* to, uint8_t value, int64_t size_bytes) override { queue_->Fill(to, value, size_bytes); }
  void Launch(const cuda::LaunchRequest& request) override {
    if (!timing_) return queue_->Launch(request);
    Pending pending{request.name, request.cost, nullptr, nullptr};
    (void)cudaEventCreate(&pending.began);
    (void)cudaEventCreate(&pending.ended);
    (void)cudaEventRecord(pending.began, queue_->stream());
    queue_->Launch(request);
    (void)cudaEventRecord(pending.ended, queue_->stream());
    pending_.push_back(pending);
  }
  void Repeat(const RepeatKey& key, const std::function<void()>& work) override {
    if (timing_) return work();
    queue_->Repeat(key, work);
  }
  void ForgetRepeats() override { queue_->ForgetRepeats(); }
  bool ok() const override { return queue_->ok(); }
  void Fail(Status failure) override { queue_->Fail(std::move(failure)); }
  void BeginWork() override { queue_->BeginWork(); }
  void EndWork() override { queue_->EndWork(); }
  cuda::Products* products() override { return queue_->products(); }
  Status Finish() override { return queue_->Finish(); }

 private:
  struct Pending {
    std::string name;
    cuda::Cost cost;
    cudaEvent_t began, ended;
  };
  static void Destroy(const Pending& pending) {
    (void)cudaEventDestroy(pending.began);
    (void)cudaEventDestroy(pending.ended);
  }

  std::unique_ptr<cuda::CudaQueue> queue_;
  bool timing_ = false;
  std::vector<Pending> pending_;
};

}  // namespace blip3o::gpu
