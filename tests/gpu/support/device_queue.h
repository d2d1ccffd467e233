// A queue on device 0, for programs that prove and time it.
#pragma once

#include <memory>

#include "ops/cuda/device/cuda_queue.h"

namespace blip3o::gpu {

// The state of device 0, the same for all. Throws std::runtime_error where there is none.
std::shared_ptr<cuda::DeviceState> TheDevice();
std::unique_ptr<cuda::CudaQueue> MakeQueue();

}  // namespace blip3o::gpu
