// The CPU backend.
#pragma once

#include <memory>

#include "base/status.h"
#include "ops/cpu/context.h"
#include "ops/ops.h"

namespace blip3o::cpu {

struct Options {
  int threads = 1;  // >= 1
  Compute compute = Compute::kF32;
};

Result<std::unique_ptr<Ops>> CreateOps(const Options& options);

// True when this processor multiplies bf16 natively (AVX512_BF16 or AMX).
bool HasNativeBF16();

}  // namespace blip3o::cpu
