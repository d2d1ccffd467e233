// What the compiler's report and the launches have to agree on. Each rule yields one sentence for each kernel that
// breaks it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "compiled/kernel_report.h"
#include "table/launches.h"

namespace blip3o::compiled {

// A kernel that is launched: the most that any of its launches asks for.
struct LaunchedKernel {
  std::string name;    // the operation's
  std::string symbol;  // normalised
  int threads = 0;
  int blocks_per_sm = 0;
  int64_t shared_bytes = 0;  // dynamic
  bool tensor_cores = false;
};

using Sentences = std::vector<std::string>;

// No kernel spills registers or has local memory, on any architecture.
Sentences CheckLocalMemory(const Report& report);
// The blocks that a kernel's launch bounds state find registers and threads on a multiprocessor of each architecture.
Sentences CheckOccupancy(const Report& report);
// Launches are of kernels that the compiler knows, with the threads and blocks of their bounds; their shared memory
// fits so many blocks; a kernel holds mma where its cost says that it computes on tensor cores, and there only.
Sentences CheckLaunches(const Report& report, const std::vector<LaunchedKernel>& launched, int compute_capability);
// Each kernel is among those that are launched: else nothing above holds its launches.
Sentences CheckAllAreLaunched(const Report& report, const std::vector<LaunchedKernel>& launched);
// Nothing of the folder but ptx.h holds an instruction, and no kernel or header a built-in of CUDA.
Sentences CheckSources(const std::filesystem::path& folder);
// The lines of one file that do.
Sentences CheckSource(const std::string& name, const std::string& text);

}  // namespace blip3o::compiled
