#include "engine/memory_plan.h"

#include <memory>

#include "base/thread_pool.h"
#include "engine/pipeline.h"
#include "ops/cpu/cpu_ops.h"
#include "weights/checkpoint.h"

namespace blip3o {

namespace {

// Requests of text to image, one at a time: more share workspace and scratch, and have a slab each.
void AddRequest(const Checkpoint& checkpoint, const Ops& ops, MemoryReport& report) {
  Pipeline pipeline(checkpoint);
  const MemoryNeed need = pipeline.Measure(TextRequest(checkpoint.config()));
  report.slab = need.slab_bytes;
  report.workspace = need.language.workspace_bytes + need.picture.workspace_bytes;
  report.scratch = ops.ScratchBytes(need.language.capacity) + ops.ScratchBytes(need.picture.capacity);
  if (checkpoint.capabilities().reference_tokens_lack.empty()) report.constants = pipeline.encoder().codebook_bytes();
}

// Weights stay where they are mapped, but those in eight bits.
Status PlanCpu(const Checkpoint& checkpoint, const EngineOptions& options, MemoryReport& report) {
  const int threads = options.threads == 0 ? UsableProcessors() : options.threads;
  BLIP3O_ASSIGN_OR_RETURN(const std::unique_ptr<Ops> ops, cpu::CreateOps({.threads = threads}));
  if ((options.quantization & kInt8Language) != 0) report.weights = checkpoint.QuantizedLanguageModelBytes();
  AddRequest(checkpoint, *ops, report);
  return {};
}

}  // namespace

Result<MemoryReport> PlanMemory(const std::filesystem::path& directory, const EngineOptions& options) {
  BLIP3O_RETURN_IF_ERROR(CheckOptions(options));
  BLIP3O_RETURN_IF_ERROR(CheckDevice(options));
  MemoryReport report;
  report.device = options.device == DeviceOption::kCuda ? "cuda" : "cpu";
  report.tensors = "as in the files";
  Result<std::unique_ptr<Checkpoint>> checkpoint = Checkpoint::Open(directory, options.diffusion_directory);
  if (!checkpoint.ok()) {
    report.tensors = "assumed in BF16, of the configs' sizes, since the files are not whole";
    checkpoint = Checkpoint::OfSizes(directory, options.diffusion_directory);
  }
  if (!checkpoint.ok()) {
    report.problem = checkpoint.status().message();
    return report;
  }
  BLIP3O_RETURN_IF_ERROR(PlanCpu(**checkpoint, options, report));
  return report;
}

}  // namespace blip3o
