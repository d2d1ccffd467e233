// What every CPU kernel is given: its lane of the pool, the scratch memory and the compute type.
#pragma once

#include <cstdint>
#include <memory>

#include "base/status.h"
#include "base/tensor.h"
#include "base/thread_pool.h"
#include "ops/ops.h"

namespace blip3o::cpu {

// How products round their operands; sums are f32.
enum class Compute {
  kF32,   // weights widened to f32 panel by panel
  kBF16,  // activations rounded to bf16 before products with BF16 weights; convolutions stay f32
};

class PanelProducts;  // panel_product.h

struct Context {
  ThreadPool::Lane* lane = nullptr;
  Compute compute = Compute::kF32;
  PanelProducts* products = nullptr;
  Buffer shared;      // used by one operation at a time
  Buffer per_worker;  // worker w uses bytes [w · worker_bytes, (w + 1) · worker_bytes)
  int64_t worker_bytes = 0;

  template <typename T>
  T* Shared() const {
    return static_cast<T*>(shared.data());
  }
  template <typename T>
  T* Worker(int worker) const {
    return reinterpret_cast<T*>(static_cast<char*>(per_worker.data()) + worker * worker_bytes);
  }
};

}  // namespace blip3o::cpu
