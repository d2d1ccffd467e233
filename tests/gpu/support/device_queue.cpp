#include "support/device_queue.h"

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <utility>

#include "lanes/lane_queue.h"
#include "ops/cuda/device/find_device.h"

namespace blip3o::gpu {

namespace {

const Result<std::shared_ptr<cuda::DeviceState>>& Found() {
  static const Result<std::shared_ptr<cuda::DeviceState>> found = cuda::FindDevice();
  return found;
}

}  // namespace

bool HasDevice() {
  if (Found().ok()) return true;
  std::printf("no device: %s\n", Found().status().message().c_str());
  return false;
}

std::shared_ptr<cuda::DeviceState> TheDevice() { return Found().value(); }

std::unique_ptr<cuda::CudaQueue> MakeQueue() {
  auto queue = cuda::CudaQueue::Create(TheDevice(), nullptr, LaneRole::kPicture);
  if (!queue.ok()) throw std::runtime_error(queue.status().message());
  return std::move(queue.value());
}

}  // namespace blip3o::gpu

namespace blip3o::cuda::lanes {

namespace {

// Streams and pinned memory are slow to make, and tests make queues by the thousand, one at a time.
CudaQueue& TheQueue() {
  static const std::unique_ptr<CudaQueue> queue = gpu::MakeQueue();
  return *queue;
}

}  // namespace

LaneQueue::LaneQueue(const LaneOptions& options) : queue_(TheQueue()), limits_(queue_.limits()) {
  if (options.copies != CopyTiming::kAtOnce) {
    limits_.multiprocessors = std::min(limits_.multiprocessors, options.multiprocessors);
  }
}

LaneQueue::~LaneQueue() {
  queue_.ForgetRepeats();
  (void)queue_.Finish();
}

// What nobody wrote is NaN, as in the lanes.
Result<Buffer> LaneQueue::Allocate(int64_t size_bytes) {
  Result<Buffer> buffer = queue_.Allocate(size_bytes);
  // Tests take the value as it is.
  if (!buffer.ok()) throw std::runtime_error(buffer.status().message());
  if (size_bytes > 0) queue_.Fill(buffer->data(), 0xFF, size_bytes);
  return buffer;
}

}  // namespace blip3o::cuda::lanes
