// The diffusion time axis: flow matching, solved by Euler steps from sigma 1 (noise) to 0 (latents).
//
// Source: diffusers: FlowMatchEulerDiscreteScheduler, with sigmas given as the public code gives them.
#pragma once

#include <vector>

namespace blip3o {

// steps + 1 values: linspace(1, 1/steps, steps), each s·sigma / (1 + (s − 1)·sigma) with s = shift, then 0.
std::vector<float> FlowSigmas(int steps, double shift);

}  // namespace blip3o
