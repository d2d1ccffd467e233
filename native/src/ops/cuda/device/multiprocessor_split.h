// Two disjoint sets of a device's multiprocessors, one for each role of a lane (green contexts). Through the
// driver's entry points, so that nothing links to it.
#pragma once

#include <cuda_runtime_api.h>

#include <memory>

#include "base/status.h"
#include "ops/cuda/device/device_state.h"

namespace blip3o::cuda {

class MultiprocessorSplit {
 public:
  // An error says why there is none: then streams of both roles run on all multiprocessors and the device takes them
  // by priority.
  static Result<std::unique_ptr<MultiprocessorSplit>> Create(std::shared_ptr<DeviceState> state);
  virtual ~MultiprocessorSplit() = default;

  virtual int multiprocessors(LaneRole role) const = 0;
  // Destroyed by the caller.
  virtual Result<cudaStream_t> CreateStream(LaneRole role, int priority) = 0;
};

// Of `all` multiprocessors those for tokens, in units of `alignment` and at least `least`: 0 where they can't be
// shared.
//
// Tokens are bound by the device's memory, which a third of the multiprocessors keeps busy; steps by arithmetic.
int TokenMultiprocessors(int all, int least, int alignment);

}  // namespace blip3o::cuda
