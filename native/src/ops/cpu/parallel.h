// Cuts the rows of an operation into tasks of about the same memory traffic.
#pragma once

#include <algorithm>
#include <cstdint>

#include "ops/cpu/context.h"

namespace blip3o::cpu {

// A task moves about this many bytes: it stays in a core's own cache and outweighs the hand-over to a thread.
constexpr int64_t kTaskBytes = 64 << 10;

// Runs f(first, count) over consecutive blocks that cover the rows [0, rows), `row_bytes` read and written in each.
// What fits in one task runs on the calling thread and wakes nobody.
template <typename F>
void ForRowBlocks(const Context& context, int64_t rows, int64_t row_bytes, const F& f) {
  if (rows <= 0) return;
  const int64_t block = std::max<int64_t>(1, kTaskBytes / std::max<int64_t>(1, row_bytes));
  if (rows <= block) {
    f(int64_t{0}, rows);
    return;
  }
  context.lane->ParallelFor((rows + block - 1) / block, [&](int64_t task, int) {
    const int64_t first = task * block;
    f(first, std::min(block, rows - first));
  });
}

}  // namespace blip3o::cpu
