// A device that runs kernels lane by lane on the CPU and checks them. Finish() returns what went wrong first:
//
//   a race        two threads touch the same bytes, one of them writes, and no barrier, fence or atomic orders them
//   out of bounds an access beyond an allocation or beyond the shared memory of the launch, or of memory given back
//   too early     an access to what an earlier kernel wrote, or any write, before WaitForPredecessor
//   divergence    an instruction of a whole warp or block that some of its threads don't reach
//   misalignment, undefined behaviour, launches that no device takes, host code that touches the device's memory
//
// What nobody wrote is NaN. What CopyIn or Fill wrote is no kernel's output: it may be read before WaitForPredecessor.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "ops/cuda/queue.h"

namespace blip3o::cuda::lanes {

// When the bytes of an asynchronous copy are read and written.
enum class CopyTiming { kAtOnce, kAtWait, kBetween };

struct LaneOptions {
  uint64_t seed = 1;  // of the order of blocks, warps and lanes, of copies, and of approximate functions' errors
  CopyTiming copies = CopyTiming::kAtWait;
  int compute_capability = 90;
  int multiprocessors = 3;
};

// A kernel with its own copy of the parameters, or bytes that are set.
struct QueuedWork {
  LaunchRequest request;  // kernel null: a fill
  std::vector<unsigned char> parameters;
  void* to = nullptr;
  uint8_t value = 0;
  int64_t size_bytes = 0;
};

class LaneQueue final : public Queue {
 public:
  explicit LaneQueue(const LaneOptions& options = {});

  std::string name() const override;
  const DeviceLimits& limits() const override { return limits_; }
  Result<Buffer> Allocate(int64_t size_bytes) override;
  bool Owns(const void* address) const override;
  void CopyIn(const void* host, int64_t size_bytes, void* to) override;
  void CopyOut(const void* from, int64_t size_bytes, void* host) override;
  void Fill(void* to, uint8_t value, int64_t size_bytes) override;
  void Launch(const LaunchRequest& request) override;
  // Replays where `key` was seen before, as a device does.
  void Repeat(const RepeatKey& key, const std::function<void()>& work) override;
  void ForgetRepeats() override { recorded_.clear(); }
  bool ok() const override { return failure_.ok(); }
  void Fail(Status failure) override;
  Status Finish() override;

  // From now on these bytes count as written by an earlier kernel, though CopyIn has set them.
  void MarkAsProduced(void* data, int64_t size_bytes);
  // Is told of every launch before it runs.
  void Observe(std::function<void(const LaunchRequest&)> observer) { observer_ = std::move(observer); }

 private:
  using Key = std::tuple<uint64_t, const void*, uint64_t>;

  void Run(const QueuedWork& work);
  void RunKernel(const LaunchRequest& request);
  void Settle();

  const LaneOptions options_;
  DeviceLimits limits_;
  Status failure_;
  uint64_t launches_ = 0;
  uint64_t settled_ = 0;  // the clock when the host last waited
  std::map<Key, std::vector<QueuedWork>> recorded_;
  std::vector<QueuedWork>* recording_ = nullptr;
  std::function<void(const LaunchRequest&)> observer_;
};

}  // namespace blip3o::cuda::lanes
