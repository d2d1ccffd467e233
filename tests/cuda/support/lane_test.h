// What tests of CUDA kernels share: a device that runs them lane by lane under every timing of copies, operands with
// padding and odd alignment in its memory.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#include "lanes/lane_queue.h"
#include "ops/cuda/context.h"
#include "ops/cuda/weight_store.h"
#include "support/kernel_test.h"

namespace blip3o::test {

// A queue, its weights, and the context of the kernels.
struct DeviceContext {
  explicit DeviceContext(const cuda::lanes::LaneOptions& options, cuda::WeightType products = cuda::WeightType::kBF16)
      : queue(options), store(cuda::WeightOptions{products}) {
    context.queue = &queue;
    context.weights = &store;
    Reserve(0);
  }
  DeviceContext(const DeviceContext&) = delete;
  DeviceContext& operator=(const DeviceContext&) = delete;

  // Scratch of exactly so many bytes, so that every step beyond is seen; and counters of zero.
  void Reserve(int64_t scratch_bytes) {
    const int64_t counter_bytes = cuda::Context::kCounters * static_cast<int64_t>(sizeof(uint32_t));
    context.scratch = std::move(queue.Allocate(scratch_bytes).value());
    context.counters = std::move(queue.Allocate(counter_bytes).value());
    queue.Fill(context.counters.data(), 0, counter_bytes);
    // A kernel before has used both.
    queue.MarkAsProduced(context.scratch.data(), scratch_bytes);
    queue.MarkAsProduced(context.counters.data(), counter_bytes);
  }
  // Every kernel leaves them so.
  bool CountersAreZero() {
    std::vector<uint32_t> counters(static_cast<size_t>(cuda::Context::kCounters));
    queue.CopyOut(context.counters.data(), context.counters.size_bytes(), counters.data());
    return counters == std::vector<uint32_t>(counters.size(), 0);
  }
  operator cuda::Context&() { return context; }

  cuda::Context context;
  cuda::lanes::LaneQueue queue;
  cuda::WeightStore store;
};

// Runs `body` under every timing of copies, each time with an order of blocks and lanes, an architecture and a number
// of multiprocessors of its own, and asserts that nothing was wrong.
inline void ForEachSchedule(const std::function<void(DeviceContext&)>& body,
                            cuda::WeightType products = cuda::WeightType::kBF16) {
  using cuda::lanes::CopyTiming;
  const struct {
    const char* name;
    cuda::lanes::LaneOptions options;
  } schedules[] = {{"copies at once", {1, CopyTiming::kAtOnce, 80, 3}},
                   {"copies at the wait", {2, CopyTiming::kAtWait, 90, 1}},
                   {"copies at some moment between", {3, CopyTiming::kBetween, 120, 7}}};
  for (const auto& schedule : schedules) {
    SCOPED_TRACE(schedule.name);
    DeviceContext context(schedule.options, products);
    body(context);
    EXPECT_TRUE(context.CountersAreZero());
    const Status status = context.queue.Finish();
    ASSERT_TRUE(status.ok()) << status.message();
  }
}

// A copy in the device's memory of all values of a host's vector. It counts as an earlier kernel's output.
template <typename T>
class DeviceArray {
 public:
  DeviceArray(DeviceContext& context, const std::vector<T>& values)
      : queue_(&context.queue), count_(values.size()), buffer_(std::move(queue_->Allocate(size_bytes()).value())) {
    queue_->CopyIn(values.data(), size_bytes(), buffer_.data());
    queue_->MarkAsProduced(buffer_.data(), size_bytes());
  }

  T* data() const { return static_cast<T*>(buffer_.data()); }
  int64_t size_bytes() const { return static_cast<int64_t>(count_ * sizeof(T)); }
  // Zeros where the queue has failed.
  std::vector<T> Read() const {
    std::vector<T> values(count_);
    queue_->CopyOut(buffer_.data(), size_bytes(), values.data());
    return values;
  }

 private:
  cuda::lanes::LaneQueue* queue_;
  size_t count_;
  Buffer buffer_;
};

// A copy in the device's memory of a host's matrix, with its stride, its padding and its odd alignment.
class DeviceMatrix {
 public:
  DeviceMatrix(DeviceContext& context, const OwnedMatrix& host)
      : array_(context, host.values()),
        view_{array_.data() + host.offset(), host.rows(), host.cols(), (*host).stride} {}

  const Matrix& operator*() const { return view_; }
  // Everything, padding included: PaddingUntouched tells whether a kernel stayed within.
  void CopyTo(OwnedMatrix& host) const { host.SetValues(array_.Read()); }

 private:
  DeviceArray<float> array_;
  Matrix view_;
};

}  // namespace blip3o::test
