// What a model and its requests will take on a device, from the sizes in its checkpoint alone: nothing is opened there,
// and no such device need be in the machine.
#pragma once

#include <filesystem>

#include "base/status.h"
#include "engine/engine.h"
#include "weights/inspect.h"

namespace blip3o {

// Of the device that `options` name. Of a checkpoint whose files are not whole the sizes are those of its configs, with
// weights in BF16; what is wrong with the configs themselves is told in the report. Errors: INVALID_ARGUMENT,
// UNSUPPORTED (this build lacks the backend).
Result<MemoryReport> PlanMemory(const std::filesystem::path& directory, const EngineOptions& options);

// What a device takes in one piece where no limit is set: constants, work of both halves, slabs of as many usual
// requests as draw tokens together, and the prompts that are remembered.
int64_t ArenaBytes(int64_t constants, const Demand& usual, int64_t prompt_bytes);

}  // namespace blip3o
