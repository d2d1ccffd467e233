// The CUDA backend: operations of ops.h over one queue of a device.
#pragma once

#include <memory>

#include "ops/cuda/queue.h"
#include "ops/cuda/weight_store.h"
#include "ops/ops.h"

namespace blip3o::cuda {

// `weights`: those of the queue's device, shared by all its operations.
std::unique_ptr<Ops> CreateOps(std::unique_ptr<Queue> queue, std::shared_ptr<WeightStore> weights);

}  // namespace blip3o::cuda
