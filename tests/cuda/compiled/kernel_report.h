// What the compiler says of the kernels, as cmake/keep_resources.sh keeps it beside the objects.
#pragma once

#include <cstdint>
#include <filesystem>
#include <istream>
#include <map>
#include <string>

#include "base/status.h"

namespace blip3o::compiled {

// Of one kernel as compiled for one architecture.
struct Resources {
  int registers = 0;  // of a thread
  int64_t stack_bytes = 0, spilled_bytes = 0;
  int64_t shared_bytes = 0;  // static
};

// What a kernel's PTX says.
struct Program {
  int threads = 0;          // its launch bounds: of a block,
  int blocks_per_sm = 0;    // and of blocks on a multiprocessor
  bool multiplies = false;  // it holds mma
};

struct Kernel {
  std::map<std::string, Resources> resources;  // by architecture: "sm_90"
  Program program;
};

// By their mangled names, normalised as in table/resources.h.
using Report = std::map<std::string, Kernel>;

// Reads what `ptxas -v` printed, or a PTX file.
void ReadResources(std::istream& log, Report& report);
void ReadProgram(std::istream& ptx, Report& report);
// Reads all that lies beside the objects under `folder`.
Result<Report> ReadReport(const std::filesystem::path& folder);

}  // namespace blip3o::compiled
