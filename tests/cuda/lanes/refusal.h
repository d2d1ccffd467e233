// What a device says of a launch.
#pragma once

#include <string>

#include "ops/cuda/queue.h"

namespace blip3o::cuda::lanes {

// Why no device of such limits takes it; empty where all do.
std::string RefusalOf(const LaunchRequest& request, const DeviceLimits& limits);

}  // namespace blip3o::cuda::lanes
