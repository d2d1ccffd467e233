// Notes what is launched and runs nothing. Its memory is addresses that nobody may touch: the launch code of any shape
// can be looked at.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ops/cuda/products.h"
#include "ops/cuda/queue.h"

namespace blip3o::cuda::lanes {

struct NotedLaunch {
  std::string name;
  const void* kernel = nullptr;
  LaunchShape shape;
  Cost cost;
};

class RecordQueue final : public Queue {
 public:
  explicit RecordQueue(const DeviceLimits& limits) : limits_(limits) {}

  const std::vector<NotedLaunch>& launches() const { return launches_; }
  void SetProducts(std::unique_ptr<Products> products) { products_ = std::move(products); }

  std::string name() const override { return "cuda (noted only)"; }
  const DeviceLimits& limits() const override { return limits_; }
  Result<Buffer> Allocate(int64_t size_bytes) override;
  bool Owns(const void* address) const override;
  bool HoldsData() const override { return false; }
  void CopyIn(const void*, int64_t, void*) override {}
  // Bytes of 1: no flag says no, no count is large.
  void CopyOut(const void* from, int64_t size_bytes, void* host) override;
  void Fill(void*, uint8_t, int64_t) override {}
  void Launch(const LaunchRequest& request) override;
  void Repeat(const RepeatKey&, const std::function<void()>& work) override { work(); }
  bool ok() const override { return failure_.ok(); }
  void Fail(Status failure) override;
  Products* products() override { return products_.get(); }
  // Also: the first launch that the limits refuse.
  Status Finish() override;

 private:
  const DeviceLimits limits_;
  std::unique_ptr<Products> products_;
  uint64_t next_ = uint64_t{1} << 52;  // no processor maps such an address
  std::vector<NotedLaunch> launches_;
  Status failure_;
};

}  // namespace blip3o::cuda::lanes
