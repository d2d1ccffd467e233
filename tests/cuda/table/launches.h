// What the CUDA backend launches for the work of the public model, noted without a device.
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
  Status status;  // of the stage's work
};

// The public model's sizes, as they are and with the language model in int8.
struct PublicModel {
  std::unique_ptr<Checkpoint> plain, int8;
};
Result<PublicModel> OpenPublicModel();

// All stages of a guided picture in BF16 by kernels of ours.
std::vector<Stage> StagesOf(const Checkpoint& checkpoint, int compute_capability);

// What stands beside a library's products in a guided step.
Stage StepBesideLibrary(const Checkpoint& checkpoint, int compute_capability);

// Everything that the backend may launch: these, edits, F32 weights, int8, E4M3 and what is launched around a library's
// products, more rows of tokens, and the sizes for which no public model asks.
std::vector<Stage> AllStagesOf(const PublicModel& model, int compute_capability);

}  // namespace blip3o::table
