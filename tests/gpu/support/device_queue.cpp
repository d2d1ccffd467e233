#include "support/device_queue.h"

#include <cuda_runtime_api.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "lanes/lane_queue.h"

namespace blip3o::gpu {

namespace {

void Check(cudaError_t error, const char* what) {
  if (error != cudaSuccess) throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(error));
}

std::shared_ptr<cuda::DeviceState> Open() {
  cudaDeviceProp properties;
  Check(cudaGetDeviceProperties(&properties, 0), "the properties of device 0");
  const cuda::DeviceLimits limits{10 * properties.major + properties.minor, properties.multiProcessorCount,
                                  static_cast<int64_t>(properties.sharedMemPerBlockOptin)};
  return std::make_shared<cuda::DeviceState>(0, properties.name, limits);
}

}  // namespace

std::shared_ptr<cuda::DeviceState> TheDevice() {
  static const std::shared_ptr<cuda::DeviceState> state = Open();
  return state;
}

std::unique_ptr<cuda::CudaQueue> MakeQueue() {
  auto queue = cuda::CudaQueue::Create(TheDevice(), nullptr, LaneRole::kPicture);
  if (!queue.ok()) throw std::runtime_error(queue.status().message());
  return std::move(*queue);
}

}  // namespace blip3o::gpu

namespace blip3o::cuda::lanes {

LaneQueue::LaneQueue(const LaneOptions&) : queue_(gpu::MakeQueue()) {}

// What nobody wrote is NaN, as in the lanes.
Result<Buffer> LaneQueue::Allocate(int64_t size_bytes) {
  Result<Buffer> buffer = queue_->Allocate(size_bytes);
  if (buffer.ok() && size_bytes > 0) queue_->Fill(buffer->data(), 0xFF, size_bytes);
  return buffer;
}

}  // namespace blip3o::cuda::lanes
