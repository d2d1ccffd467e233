// A launch that shows whether a device runs kernels of this build.
#pragma once

#include <cstdint>

#include "ops/cuda/queue.h"

namespace blip3o::cuda {

constexpr int kProbeValues = 32;

// values[i] += i; the device's memory.
void Probe(Queue& queue, int32_t* values);

}  // namespace blip3o::cuda
