// A queue that times each kernel on the device, with an event before and one behind it.
#pragma once

#include <cuda_runtime_api.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ops/cuda/device/cuda_queue.h"
#include "ops/cuda/products.h"

namespace blip3o::gpu {

// All launches of one operation.
struct KernelTime {
  int launches = 0;
  double seconds = 0, bytes = 0;
  double tensor_flops = 0;  // of kernels on tensor cores
};

class TimedQueue final : public cuda::Queue {
 public:
  explicit TimedQueue(std::unique_ptr<cuda::CudaQueue> queue) : queue_(std::move(queue)), products_(*this) {}
  ~TimedQueue() override {
    for (const Pending& pending : pending_) free_.insert(free_.end(), {pending.began, pending.ended});
    for (const cudaEvent_t event : free_) (void)cudaEventDestroy(event);
  }

  // While true, kernels run one by one and are timed; else as without this class.
  void SetTiming(bool timing) {
    timing_ = timing;
    if (!timing) return;
    while (free_.size() < kEvents) free_.push_back(MakeEvent());
    // The host gets ahead while the stream sleeps: a launch that the device had to wait for would count as the kernel's
    // time.
    (void)cudaLaunchHostFunc(
        queue_->stream(), [](void*) { std::this_thread::sleep_for(kLead); }, nullptr);
  }
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
      if (pending.cost.tensor_cores) time.tensor_flops += pending.cost.flops;
      free_.insert(free_.end(), {pending.began, pending.ended});
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
    Timed(request.name, request.cost, [&] { queue_->Launch(request); });
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
  cuda::Products* products() override { return queue_->products() != nullptr ? &products_ : nullptr; }
  Status Finish() override { return queue_->Finish(); }

 private:
  struct Pending {
    std::string name;
    cuda::Cost cost;
    cudaEvent_t began, ended;
  };
  static constexpr size_t kEvents = 4096;
  static constexpr std::chrono::milliseconds kLead{20};

  static cudaEvent_t MakeEvent() {
    cudaEvent_t event = nullptr;
    (void)cudaEventCreate(&event);
    return event;
  }
  cudaEvent_t TakeEvent() {
    if (free_.empty()) return MakeEvent();
    const cudaEvent_t event = free_.back();
    free_.pop_back();
    return event;
  }

  // The library's products, each with what is launched for its operands.
  class TimedProducts final : public cuda::Products {
   public:
    explicit TimedProducts(TimedQueue& queue) : queue_(queue) {}
    std::string name() const override { return Real().name(); }
    int64_t ScratchBytes(const Capacity& capacity) const override { return Real().ScratchBytes(capacity); }
    bool Multiply(cuda::Context& context, const Matrix& x, const View& weight, const Epilogue& epilogue,
                  const Matrix& out) override {
      const double t = static_cast<double>(x.rows), n = static_cast<double>(out.cols), k = static_cast<double>(x.cols);
      const cuda::Cost cost = {4 * t * k + 2 * n * k + 4 * t * n, 2 * t * n * k, true};
      bool done = false;
      queue_.Timed("Matmul/library", cost, [&] { done = Real().Multiply(context, x, weight, epilogue, out); });
      return done;
    }

   private:
    cuda::Products& Real() const { return *queue_.queue_->products(); }
    TimedQueue& queue_;
  };

  // What is launched inside is part of it.
  template <typename Work>
  void Timed(const char* name, const cuda::Cost& cost, const Work& work) {
    if (!timing_ || inside_) return work();
    const Pending pending{name, cost, TakeEvent(), TakeEvent()};
    (void)cudaEventRecord(pending.began, queue_->stream());
    inside_ = true;
    work();
    inside_ = false;
    (void)cudaEventRecord(pending.ended, queue_->stream());
    pending_.push_back(pending);
  }

  std::unique_ptr<cuda::CudaQueue> queue_;
  TimedProducts products_;
  bool timing_ = false;
  bool inside_ = false;
  std::vector<Pending> pending_;
  std::vector<cudaEvent_t> free_;
};

}  // namespace blip3o::gpu
