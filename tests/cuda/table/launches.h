// What the CUDA backend launches for one piece of work of the public model, noted without a device.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "ops/cuda/queue.h"
#include "weights/checkpoint.h"

namespace blip3o::table {

struct NotedLaunch {
  std::string name;
  const void* kernel = nullptr;
  cuda::LaunchShape shape;
  cuda::Cost cost;
};

struct Stage {
  std::string name;
  std::vector<NotedLaunch> launches;
};

// All stages of a guided picture and of an edit's reference.
std::vector<Stage> StagesOf(const Checkpoint& checkpoint, int compute_capability);

}  // namespace blip3o::table
