// Whether there is a device for this library, and if not, why.
#pragma once

#include <memory>

#include "base/status.h"
#include "ops/cuda/device/device_state.h"
#include "ops/cuda/device/multiprocessor_split.h"

namespace blip3o::cuda {

// The first device of compute capability 8.0 or more, on which a kernel of ours has run. Errors, each one sentence:
// UNSUPPORTED (no driver, a driver too old, no device, an old device, no code for it), OUT_OF_MEMORY, DEVICE_LOST.
Result<std::shared_ptr<DeviceState>> FindDevice();

// The device's multiprocessors for two roles, once work of both has run there, recorded too, and moved between its
// share and the whole device. An error says which step failed: then the roles take turns.
Result<std::shared_ptr<MultiprocessorSplit>> FindSplit(const std::shared_ptr<DeviceState>& state);

}  // namespace blip3o::cuda
