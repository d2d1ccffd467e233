// What every launcher is given: the queue, the weights on the device and the scratch memory.
#pragma once

#include <cassert>
#include <cstdint>

#include "base/tensor.h"
#include "ops/cuda/launch.h"
#include "ops/cuda/queue.h"
#include "ops/cuda/weight_store.h"

namespace blip3o::cuda {

struct Context {
  Queue* queue = nullptr;
  WeightStore* weights = nullptr;
  Buffer scratch;   // used by one operation at a time
  Buffer counters;  // kCounters integers, all zero between kernels
  static constexpr int64_t kCounters = 16384;

  template <typename T>
  T* Scratch() const {
    return static_cast<T*>(scratch.data());
  }
};

}  // namespace blip3o::cuda
