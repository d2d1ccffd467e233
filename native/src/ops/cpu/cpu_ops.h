// The CPU backend. Each object is one lane of its pool; objects that share a pool run beside each other.
#pragma once

#include <memory>

#include "base/status.h"
#include "base/thread_pool.h"
#include "ops/cpu/context.h"
#include "ops/ops.h"

namespace blip3o::cpu {

struct Options {
  int threads = 1;  // >= 1
  Compute compute = Compute::kF32;
  // Shared with other operations, each of them a lane; `threads` is the pool's then. Empty: a pool of its own.
  std::shared_ptr<ThreadPool> pool = nullptr;
};

Result<std::unique_ptr<Ops>> CreateOps(const Options& options);

// True when this processor multiplies bf16 natively (AVX512_BF16 or AMX).
bool HasNativeBF16();

}  // namespace blip3o::cpu
