// A report on a checkpoint, made even of one that would not open.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/status.h"

namespace blip3o {

// Bytes on a device, by what they are for. Its part of the report:
//   "memory": {"device", "tensors", "problem", "weights", "constants", "slab", "workspace", "scratch"}
struct MemoryReport {
  std::string device;   // "cpu" or "cuda"
  std::string tensors;  // "as in the files", or "assumed in BF16 …"
  std::string problem;  // empty, or why there are no sizes
  int64_t weights = 0;  // packed for the device; 0 where the mapped files are used as they are
  int64_t constants = 0;
  int64_t slab = 0;       // of each request that was started and has not ended
  int64_t workspace = 0;  // of all requests together: activations of the piece of work at hand, of either half
  int64_t scratch = 0;    // the same of operations
  // Of a device beside the host: the one piece that all but the weights lies in. Where no limit says how large: the
  // constants, workspace, scratch, so many slabs, and remembered prompts.
  int64_t arena = 0;
  int64_t requests = 0;
  int64_t prompts = 0;  // bytes of all
};

// JSON, for blip3o_checkpoint_inspect:
//   {"directory", "complete": bool,
//    "config": {selected sizes by name},
//    "parts": [{"name", "tensors", "parameters", "bytes", "dtypes": ["BF16"]}], those of editing only where they are,
//    "capabilities": {"reference_tokens" | "reference_latents" | "editing": {"available": bool, "lacks": "sentence"}},
//    "problems": ["one sentence each: missing, malformed, wrong shape or dtype, NaN"],
//    "memory": as above, where it is given,
//    "unused": [{"name", "dtype", "shape", "bytes"}]}
Result<std::string> InspectCheckpoint(const std::filesystem::path& directory,
                                      const std::filesystem::path& diffusion_directory, bool scan_values,
                                      const std::optional<MemoryReport>& memory = {});

}  // namespace blip3o
