// In the place of tests/cuda/lanes/lane_queue.h: the queue of the tests is one on the device at hand.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "ops/cuda/device/cuda_queue.h"
#include "ops/cuda/queue.h"

namespace blip3o::cuda::lanes {

enum class CopyTiming { kAtOnce, kAtWait, kBetween };

// A device has no such choices but one: copies at once stand for all of its multiprocessors, the other timings for as
// many as are named, so that kernels divide their work in every way.
struct LaneOptions {
  uint64_t seed = 1;
  CopyTiming copies = CopyTiming::kAtWait;
  int compute_capability = 90;
  int multiprocessors = 3;
};

// The one queue on the device; one of these at a time.
class LaneQueue final : public Queue {
 public:
  explicit LaneQueue(const LaneOptions& options = {});
  ~LaneQueue() override;
  LaneQueue(const LaneQueue&) = delete;
  LaneQueue& operator=(const LaneQueue&) = delete;

  // What an earlier kernel made and what was copied in is the same to a device.
  void MarkAsProduced(const void*, int64_t) {}

  std::string name() const override { return queue_.name(); }
  const DeviceLimits& limits() const override { return limits_; }
  Result<Buffer> Allocate(int64_t size_bytes) override;
  bool Owns(const void* address) const override { return queue_.Owns(address); }
  void CopyIn(const void* host, int64_t size_bytes, void* to) override { queue_.CopyIn(host, size_bytes, to); }
  void CopyOut(const void* from, int64_t size_bytes, void* host) override { queue_.CopyOut(from, size_bytes, host); }
  void Fill(void* to, uint8_t value, int64_t size_bytes) override { queue_.Fill(to, value, size_bytes); }
  void Launch(const LaunchRequest& request) override { queue_.Launch(request); }
  void Repeat(const RepeatKey& key, const std::function<void()>& work) override { queue_.Repeat(key, work); }
  bool ok() const override { return queue_.ok(); }
  void Fail(Status failure) override { queue_.Fail(std::move(failure)); }
  Status Finish() override { return queue_.Finish(); }
  void* stream() { return queue_.stream(); }

 private:
  CudaQueue& queue_;
  DeviceLimits limits_;
};

}  // namespace blip3o::cuda::lanes
