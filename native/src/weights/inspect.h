// A report on a checkpoint, made even of one that would not open.
#pragma once

#include <filesystem>
#include <string>

#include "base/status.h"

namespace blip3o {

// JSON, for blip3o_checkpoint_inspect:
//   {"directory", "complete": bool,
//    "config": {selected sizes by name},
//    "parts": [{"name", "tensors", "parameters", "bytes", "dtypes": ["BF16"]}], those of editing only where they are,
//    "capabilities": {"reference_tokens" | "reference_latents" | "editing": {"available": bool, "lacks": "sentence"}},
//    "problems": ["one sentence each: missing, malformed, wrong shape or dtype, NaN"],
//    "unused": [{"name", "dtype", "shape", "bytes"}]}
Result<std::string> InspectCheckpoint(const std::filesystem::path& directory,
                                      const std::filesystem::path& diffusion_directory, bool scan_values);

}  // namespace blip3o
