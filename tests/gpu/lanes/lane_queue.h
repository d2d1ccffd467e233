// In the place of tests/cuda/lanes/lane_queue.h: the queue of the tests is one on the device at hand.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "ops/cuda/device/cuda_queue.h"
#include "ops/cuda/queue.h"

namespace blip3o::cuda::lanes {

enum class CopyTiming { kAtOnce, kAtWait, kBetween };

// A device has no such choices.
struct LaneOptions {
  uint64_t seed = 1;
  CopyTiming copies = CopyTiming::kAtWait;
  int compute_capability = 90;
  int multiprocessors = 3;
};

// A queue on device 0; all of them share its state.
class LaneQueue final : public Queue {
 public:
  explicit LaneQueue(const LaneOptions& options = {});

  // What an earlier kernel made and what was copied in is the same to a device.
  void MarkAsProduced(const void*, int64_t) {}

  std::string name() const override { return queue_->name(); }
  const DeviceLimits& limits() const override { return queue_->limits(); }
  Result<Buffer> Allocate(int64_t size_bytes) override;
  bool Owns(const void* address) const override { return queue_->Owns(address); }
  void CopyIn(const void* host, int64_t size_bytes, void* to) override { queue_->CopyIn(host, size_bytes, to); }
  void CopyOut(const void* from, int64_t size_bytes, void* host) override { queue_->CopyOut(from, size_bytes, host); }
  void Fill(void* to, uint8_t value, int64_t size_bytes) override { queue_->Fill(to, value, size_bytes); }
  void Launch(const LaunchRequest& request) override { queue_->Launch(request); }
  void Repeat(const RepeatKey& key, const std::function<void()>& work) override { queue_->Repeat(key, work); }
  bool ok() const override { return queue_->ok(); }
  void Fail(Status failure) override { queue_->Fail(std::move(failure)); }
  Status Finish() override { return queue_->Finish(); }

 private:
  std::unique_ptr<CudaQueue> queue_;
};

}  // namespace blip3o::cuda::lanes
