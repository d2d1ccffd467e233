#include "ops/cuda/device/device_state.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/cuda/launch.h"

namespace blip3o::cuda {

bool IsFault(cudaError_t error) {
  switch (error) {
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorContained:
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorContextIsDestroyed:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorTensorMemoryLeak:
    case cudaErrorMpsRpcFailure:
    case cudaErrorMpsClientTerminated:
    case cudaErrorExternalDevice:
    case cudaErrorCudartUnloading:
    case cudaErrorUnknown:
      return true;
    default:
      return false;
  }
}

Status DeviceState::health() const {
  if (!lost()) return {};
  const std::lock_guard lock(fault_mutex_);
  return DeviceLost(fault_);
}

Status DeviceState::Explain(cudaError_t error, const char* what) {
  if (!IsFault(error)) {
    cudaGetLastError();  // forgets it: the next call must not report it again
    const std::string sentence =
        fmt::format("{} failed on {}: {} ({})", what, name_, cudaGetErrorString(error), cudaGetErrorName(error));
    if (error == cudaErrorMemoryAllocation) return OutOfMemory(sentence);
    if (error == cudaErrorNoKernelImageForDevice || error == cudaErrorInvalidDeviceFunction ||
        error == cudaErrorUnsupportedPtxVersion) {
      return Unsupported(
          fmt::format("this library has no code for {}, of compute capability {}.{}: use one that was built "
                      "for it (BLIP3O_CUDA_ARCHITECTURES)",
                      name_, limits_.compute_capability / 10, limits_.compute_capability % 10));
    }
    return InternalError(sentence);
  }
  {
    const std::lock_guard lock(fault_mutex_);
    if (fault_.empty()) {
      fault_ = fmt::format(
          "{} was lost: {} reported {} ({}). What ran on it has ended, and only a new process can use "
          "it again",
          name_, what, cudaGetErrorString(error), cudaGetErrorName(error));
    }
  }
  lost_.store(true, std::memory_order_release);
  return health();
}

DeviceState::~DeviceState() {
  if (arena_ != nullptr) (void)Run("cudaFree", [&] { return cudaFree(arena_); });
}

Status DeviceState::TakeArena(int64_t bytes) {
  const int64_t size = RoundUp(bytes, Pieces::kAlignment);
  void* data = nullptr;
  const Status status = Run("cudaMalloc", [&] { return cudaMalloc(&data, static_cast<size_t>(size)); });
  if (status.code() == StatusCode::kOutOfMemory) {
    const Result<int64_t> free = FreeBytes();
    return OutOfMemory(fmt::format(
        "{} has no {} bytes in one piece for requests, beside the weights{}: set a lower memory limit, or end what "
        "else uses the device",
        name_, size, free.ok() ? fmt::format(": {} are free", free.value()) : std::string()));
  }
  if (!status.ok()) return status;
  const std::unique_lock lock(memory_mutex_);
  arena_ = static_cast<char*>(data);
  arena_bytes_ = size;
  pieces_.emplace(size);
  return {};
}

Result<void*> DeviceState::Take(int64_t bytes) {
  {
    const std::unique_lock lock(memory_mutex_);
    if (lost()) return health();
    if (pieces_) {
      const std::optional<int64_t> offset = pieces_->Take(bytes);
      return static_cast<void*>(offset ? arena_ + *offset : nullptr);
    }
  }
  void* data = nullptr;
  const Status status = Run("cudaMalloc", [&] { return cudaMalloc(&data, static_cast<size_t>(bytes)); });
  if (!status.ok() && status.code() != StatusCode::kOutOfMemory) return status;
  return data;
}

Status DeviceState::NoneLeft(int64_t bytes) {
  const Result<int64_t> free = FreeBytes();
  return OutOfMemory(fmt::format(
      "{} has no {} bytes left{}: raise the memory limit where one is set, run fewer requests at once, or end what "
      "else uses the device",
      name_, bytes, free.ok() ? fmt::format(", {} are free in pieces", free.value()) : std::string()));
}

Result<Buffer> DeviceState::Allocate(int64_t size_bytes) {
  const int64_t taken = std::max<int64_t>(size_bytes, 1);
  BLIP3O_ASSIGN_OR_RETURN(void* const data, Take(taken));
  if (data == nullptr) return NoneLeft(size_bytes);
  {
    const std::unique_lock lock(memory_mutex_);
    memory_[static_cast<const char*>(data)] = taken;
  }
  return Buffer::Adopt(data, size_bytes, [state = shared_from_this()](void* p) { state->Free(p); });
}

void DeviceState::Free(void* data) {
  const char* at = static_cast<const char*>(data);
  {
    const std::unique_lock lock(memory_mutex_);
    memory_.erase(at);
    if (InArena(at)) return pieces_->Give(at - arena_);
  }
  // A failure leaves its trace in health() if it is a fault, and is of no use otherwise.
  (void)Run("cudaFree", [&] { return cudaFree(data); });
}

bool DeviceState::Owns(const void* address) const {
  const char* at = static_cast<const char*>(address);
  const std::shared_lock lock(memory_mutex_);
  auto after = memory_.upper_bound(at);
  if (after == memory_.begin()) return false;
  --after;
  return at < after->first + after->second;
}

Result<int64_t> DeviceState::FreeBytes() {
  {
    const std::shared_lock lock(memory_mutex_);
    if (pieces_) return lost() ? Result<int64_t>(health()) : pieces_->free_bytes();
  }
  size_t free = 0, total = 0;
  BLIP3O_RETURN_IF_ERROR(Run("cudaMemGetInfo", [&] { return cudaMemGetInfo(&free, &total); }));
  return static_cast<int64_t>(free);
}

Status DeviceState::AllowShared(const void* kernel, int64_t shared_bytes, const char* name) {
  const std::lock_guard lock(kernels_mutex_);
  const auto [entry, is_new] = shared_bytes_.try_emplace(kernel, 0);
  if (!is_new && entry->second >= shared_bytes) return {};
  if (shared_bytes > limits_.shared_bytes_per_block) {
    shared_bytes_.erase(entry);
    return InternalError(fmt::format("{} asks for {} bytes of shared memory: {} has {} a block", name, shared_bytes,
                                     name_, limits_.shared_bytes_per_block));
  }
  // Loads the kernel too: a recording may not have to.
  const Status status = Run(name, [&] {
    return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes));
  });
  if (!status.ok()) {
    shared_bytes_.erase(entry);
    return status;
  }
  entry->second = shared_bytes;
  return {};
}

}  // namespace blip3o::cuda
