#include "ops/cuda/device/find_device.h"

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <string>

#include "ops/cuda/device/cuda_queue.h"
#include "ops/cuda/probe.h"

namespace blip3o::cuda {

namespace {

constexpr int kLeastCapability = 80;
constexpr char kDriverAdvice[] = "install NVIDIA's driver 580 or newer";

std::string VersionOf(int version) { return fmt::format("{}.{}", version / 1000, version % 1000 / 10); }

Status NotStarted(cudaError_t error) {
  if (error == cudaErrorInsufficientDriver) {
    int driver = 0;
    cudaDriverGetVersion(&driver);
    if (driver == 0) {
      return Unsupported(fmt::format("this machine has no CUDA driver (libcuda.so.1): {}", kDriverAdvice));
    }
    return Unsupported(fmt::format("the CUDA driver is too old: it is made for CUDA {}, and this library for {}: {}",
                                   VersionOf(driver), VersionOf(CUDART_VERSION), kDriverAdvice));
  }
  if (error == cudaErrorNoDevice) {
    return Unsupported("the CUDA driver finds no device (the variable CUDA_VISIBLE_DEVICES can hide one)");
  }
  return Unsupported(
      fmt::format("CUDA could not be started: {} ({})", cudaGetErrorString(error), cudaGetErrorName(error)));
}

// The first device that kernels of ours run on.
Result<std::shared_ptr<DeviceState>> FirstDevice() {
  int count = 0;
  if (const cudaError_t error = cudaGetDeviceCount(&count); error != cudaSuccess) return NotStarted(error);
  std::string reason;
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    cudaDeviceProp properties = {};
    if (const cudaError_t error = cudaGetDeviceProperties(&properties, ordinal); error != cudaSuccess) {
      return NotStarted(error);
    }
    DeviceLimits limits;
    limits.compute_capability = 10 * properties.major + properties.minor;
    limits.multiprocessors = properties.multiProcessorCount;
    limits.shared_bytes_per_block = static_cast<int64_t>(properties.sharedMemPerBlockOptin);
    if (limits.compute_capability >= kLeastCapability) {
      return std::make_shared<DeviceState>(ordinal, properties.name, limits);
    }
    reason += fmt::format("{}{} has compute capability {}.{}", reason.empty() ? "" : ", ", properties.name,
                          properties.major, properties.minor);
  }
  if (count == 0) return NotStarted(cudaErrorNoDevice);
  return Unsupported(reason + ": this library needs 8.0 (Ampere) or newer");
}

// Numbers in the device's memory that probes count up.
class ProbedValues {
 public:
  Status Open(CudaQueue& queue) {
    values_.fill(1);
    BLIP3O_ASSIGN_OR_RETURN(memory_, queue.Allocate(sizeof(values_)));
    queue.CopyIn(values_.data(), sizeof(values_), memory_.data());
    return {};
  }
  void Probe(CudaQueue& queue) {
    cuda::Probe(queue, static_cast<int32_t*>(memory_.data()));
    ++probes_;
  }
  // Runs or replays one probe.
  void Repeat(CudaQueue& queue) {
    queue.Repeat({0, memory_.data(), 0}, [&] { cuda::Probe(queue, static_cast<int32_t*>(memory_.data())); });
    ++probes_;
  }
  // Whether all of them have run.
  Status Check(CudaQueue& queue, const std::string& where) {
    queue.CopyOut(memory_.data(), sizeof(values_), values_.data());
    BLIP3O_RETURN_IF_ERROR(queue.Finish());
    for (int32_t i = 0; i < kProbeValues; ++i) {
      const int32_t found = values_[static_cast<size_t>(i)], expected = 1 + probes_ * i;
      if (found == expected) continue;
      return Unsupported(fmt::format("{} ran a kernel and wrote {} for {}: its driver doesn't fit this library", where,
                                     found, expected));
    }
    return {};
  }

 private:
  std::array<int32_t, kProbeValues> values_ = {};
  Buffer memory_;
  int32_t probes_ = 0;
};

// Runs one kernel and reads what it did.
Status Try(const std::shared_ptr<DeviceState>& state) {
  BLIP3O_RETURN_IF_ERROR(state->Run("The start", [] { return cudaFree(nullptr); }));
  BLIP3O_ASSIGN_OR_RETURN(const std::unique_ptr<CudaQueue> queue,
                          CudaQueue::Create(state, nullptr, LaneRole::kLanguage));
  ProbedValues values;
  BLIP3O_RETURN_IF_ERROR(values.Open(*queue));
  values.Probe(*queue);
  return values.Check(*queue, state->name());
}

// From the whole device to the share, where work is run, recorded and replayed, and back.
Status TryShare(const std::shared_ptr<DeviceState>& state, const std::shared_ptr<MultiprocessorSplit>& split,
                LaneRole role) {
  const LaneRole other_role = role == LaneRole::kLanguage ? LaneRole::kPicture : LaneRole::kLanguage;
  BLIP3O_ASSIGN_OR_RETURN(const std::unique_ptr<CudaQueue> queue, CudaQueue::Create(state, split, role));
  BLIP3O_ASSIGN_OR_RETURN(const std::unique_ptr<CudaQueue> other, CudaQueue::Create(state, split, other_role));
  ProbedValues values;
  BLIP3O_RETURN_IF_ERROR(values.Open(*queue));
  values.Probe(*queue);
  other->BeginWork();
  for (int i = 0; i < 3; ++i) values.Repeat(*queue);
  other->EndWork();
  values.Repeat(*queue);
  values.Probe(*queue);
  BLIP3O_RETURN_IF_ERROR(values.Check(*queue, "a share of " + state->name()));
  return queue->recording_failure();  // behind which the queue would launch one by one, on the whole device too
}

}  // namespace

Result<std::shared_ptr<DeviceState>> FindDevice() {
  BLIP3O_ASSIGN_OR_RETURN(std::shared_ptr<DeviceState> state, FirstDevice());
  BLIP3O_RETURN_IF_ERROR(Try(state));
  return state;
}

Result<std::shared_ptr<MultiprocessorSplit>> FindSplit(const std::shared_ptr<DeviceState>& state) {
  BLIP3O_ASSIGN_OR_RETURN(std::shared_ptr<MultiprocessorSplit> split, MultiprocessorSplit::Create(state));
  for (const LaneRole role : {LaneRole::kLanguage, LaneRole::kPicture}) {
    BLIP3O_RETURN_IF_ERROR(TryShare(state, split, role));
  }
  return split;
}

}  // namespace blip3o::cuda
