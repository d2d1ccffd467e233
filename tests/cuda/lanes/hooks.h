// The compiler calls a hook at every load and store of the files that kernels are in. Which of them count.
#pragma once

#include <cstdint>
#include <string>

namespace blip3o::cuda::lanes {

// Host code runs: it may not touch the device's memory.
void CheckHost();
// A lane runs: all but its own stack counts.
void CheckAllBut(uintptr_t begin, uint64_t bytes);
// The harness runs.
void CheckNothing();

// The first time since the last call that host code touched the device's memory; empty if it never did.
std::string TakeHostFault();

}  // namespace blip3o::cuda::lanes
