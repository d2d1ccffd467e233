// A device that computes as a CUDA device does with products in E4M3, on the CPU: to measure what that costs in
// pictures. For each product that may be in E4M3 the weight is rounded with a scale for each row, the activations with
// one for each token; sums are f32, and everything else is as exact as the CPU's F32.
#pragma once

#include <memory>

#include "base/status.h"
#include "ops/backend.h"

namespace blip3o::bench {

// The nearest value of E4M3 (4 bits of exponent, 3 of mantissa, no infinity), ties to even; beyond 448: 448.
float RoundToE4M3(float value);

Result<std::shared_ptr<Device>> OpenE4M3Device(int threads);

}  // namespace blip3o::bench
