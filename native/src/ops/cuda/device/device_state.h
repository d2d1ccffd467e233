// What all queues and all memory of one device share. It outlives them.
#pragma once

#include <cuda_runtime_api.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>

#include "base/status.h"
#include "base/tensor.h"
#include "ops/backend.h"
#include "ops/cuda/device/pieces.h"
#include "ops/cuda/queue.h"

namespace blip3o::cuda {

// True for an error after which the device's context is of no use: every later call would only repeat it.
bool IsFault(cudaError_t error);

// Any thread's.
class DeviceState : public std::enable_shared_from_this<DeviceState> {
 public:
  DeviceState(int ordinal, std::string name, const DeviceLimits& limits)
      : ordinal_(ordinal), name_(std::move(name)), limits_(limits) {}
  ~DeviceState();
  DeviceState(const DeviceState&) = delete;
  DeviceState& operator=(const DeviceState&) = delete;

  int ordinal() const { return ordinal_; }
  const std::string& name() const { return name_; }  // "NVIDIA H100 80GB HBM3"
  const DeviceLimits& limits() const { return limits_; }

  bool lost() const { return lost_.load(std::memory_order_acquire); }
  // Ok, or what ended all work on the device.
  Status health() const;

  // Runs one call of the CUDA runtime, on this device, unless the device is lost. `what` names it in an error.
  template <typename Call>
  Status Run(const char* what, const Call& call) {
    if (lost()) return health();
    cudaError_t error = cudaSetDevice(ordinal_);
    if (error == cudaSuccess) error = call();
    return error == cudaSuccess ? Status() : Explain(error, what);
  }

  // Of the driver, and of the arena as soon as there is one. A Buffer of the arena may be another's as soon as it has
  // given its piece back, with nobody waiting for the device: nothing under way may use it then (Ops::Allocate).
  Result<Buffer> Allocate(int64_t size_bytes);
  // Takes the arena: one piece of the driver's memory, at least so large. Once.
  Status TakeArena(int64_t bytes);
  bool Owns(const void* address) const;
  // Bytes that are free now: of the arena, and before there is one of the device.
  Result<int64_t> FreeBytes();

  // Makes room for a block's dynamic shared memory where the kernel had less so far.
  Status AllowShared(const void* kernel, int64_t shared_bytes, const char* name);

  // Queues with work under way.
  std::atomic<int>& working(LaneRole role) { return working_[static_cast<size_t>(role)]; }

 private:
  Status Explain(cudaError_t error, const char* what);
  // Null where no piece is large enough.
  Result<void*> Take(int64_t bytes);
  void Free(void* data);
  Status NoneLeft(int64_t bytes);
  bool InArena(const char* at) const { return arena_ <= at && at < arena_ + arena_bytes_; }

  const int ordinal_;
  const std::string name_;
  const DeviceLimits limits_;

  std::atomic<bool> lost_{false};
  mutable std::mutex fault_mutex_;
  std::string fault_;

  std::array<std::atomic<int>, 2> working_ = {};

  std::mutex kernels_mutex_;
  std::unordered_map<const void*, int64_t> shared_bytes_;  // that kernels were allowed

  mutable std::shared_mutex memory_mutex_;
  std::map<const char*, int64_t> memory_;  // what Allocate gave
  char* arena_ = nullptr;
  int64_t arena_bytes_ = 0;
  std::optional<Pieces> pieces_;  // of the arena
};

}  // namespace blip3o::cuda
