// The CUDA backend: operations of ops.h over one queue of a device.
#pragma once

#include <memory>

#include "ops/cuda/queue.h"
#include "ops/cuda/weight_store.h"
#include "ops/ops.h"

namespace blip3o::cuda {

// `weights`: those of the queue's device, shared by all its operations.
// Bytes of scratch memory for operands up to `capacity`, counters included; `product_bytes`: those of the library of
// products, where there is one.
int64_t ScratchBytes(const Capacity& capacity, int64_t product_bytes);

std::unique_ptr<Ops> CreateOps(std::unique_ptr<Queue> queue, std::shared_ptr<WeightStore> weights);

}  // namespace blip3o::cuda
