// What an engine counts. As blip3o_metrics, which says what each number is.
#pragma once

#include <cstdint>

#include "engine/job.h"

namespace blip3o {

struct Metrics {
  bool healthy = true;
  int64_t queued = 0, running = 0;
  int64_t memory_in_use_bytes = 0, memory_peak_bytes = 0, memory_limit_bytes = 0, memory_blocks = 0;
  int64_t submitted = 0, refused = 0, done = 0, failed = 0, cancelled = 0, expired = 0;
  double queue_seconds = 0;
  int64_t started = 0;
  double first_token_seconds = 0;
  int64_t first_tokens = 0;
  int64_t tokens = 0, token_batches = 0, steps = 0, pictures = 0, previews = 0;
  int64_t prompts_computed = 0, prompts_reused = 0;
  Timings seconds;  // of work, by stage
};

}  // namespace blip3o
