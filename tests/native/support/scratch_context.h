// A context whose scratch has exactly the bytes that a family asks for, so that a sanitizer sees every step beyond.
#pragma once

#include "ops/cpu/kernels.h"
#include "support/kernel_test.h"

namespace blip3o::test {

struct ScratchContext : TestContext {
  ScratchContext(int threads, const cpu::ScratchBytes& need) : TestContext(threads, need.shared) {
    context.worker_bytes = (need.per_worker + 63) / 64 * 64;
    context.per_worker = std::move(Buffer::Allocate(context.worker_bytes * threads).value());
  }
};

}  // namespace blip3o::test
