// A queue on the device at hand, for programs that prove and time it.
#pragma once

#include <memory>

#include "ops/cuda/device/cuda_queue.h"

namespace blip3o::gpu {

// What a program ends with that has nothing to run on: run.sh takes it for "not run".
inline constexpr int kNotRun = 77;

// False where there is no device that kernels of ours run on; then it has printed why.
bool HasDevice();
// The state of the device, the same for all. There is one.
std::shared_ptr<cuda::DeviceState> TheDevice();
// Throws std::runtime_error where the device gives none.
std::unique_ptr<cuda::CudaQueue> MakeQueue();

}  // namespace blip3o::gpu
