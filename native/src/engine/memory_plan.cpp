#include "engine/memory_plan.h"

#include <memory>
#include <vector>

#include "base/thread_pool.h"
#include "engine/pipeline.h"
#include "engine/prompt_cache.h"
#include "model/diffusion_transformer.h"
#include "ops/backend.h"
#include "ops/cpu/cpu_ops.h"
#include "weights/checkpoint.h"

namespace blip3o {

namespace {

// Requests of text to image, one at a time: more share workspace and scratch, and have a slab each.
MemoryNeed AddRequest(const Pipeline& pipeline, const Checkpoint& checkpoint, MemoryReport& report) {
  const MemoryNeed need = pipeline.Measure(TextRequest(checkpoint.config()));
  report.slab = need.slab_bytes;
  report.workspace = need.language.workspace_bytes + need.picture.workspace_bytes;
  return need;
}

// Weights stay where they are mapped, but those in eight bits.
Status PlanCpu(const Checkpoint& checkpoint, const Pipeline& pipeline, const EngineOptions& options,
               MemoryReport& report) {
  const int threads = options.threads == 0 ? UsableProcessors() : options.threads;
  BLIP3O_ASSIGN_OR_RETURN(const std::unique_ptr<Ops> ops, cpu::CreateOps({.threads = threads}));
  if ((options.quantization & kInt8Language) != 0) report.weights = checkpoint.QuantizedLanguageModelBytes();
  const MemoryNeed need = AddRequest(pipeline, checkpoint, report);
  report.scratch = ops->ScratchBytes(need.language.capacity) + ops->ScratchBytes(need.picture.capacity);
  return {};
}

Status PlanCuda(Checkpoint& checkpoint, Pipeline& pipeline, const EngineOptions& options, MemoryReport& report) {
  CudaOptions cuda;
  cuda.exact = ResolveCompute(options.compute, DeviceOption::kCuda, checkpoint) == ComputeOption::kF32;
  if ((options.quantization & kInt8Language) != 0) checkpoint.QuantizeSizesOnly();
  const bool e4m3 = (options.quantization & kE4M3Diffusion) != 0;
  BLIP3O_ASSIGN_OR_RETURN(
      report.weights, CudaWeightBytes(
                          cuda, [&](Ops& dry_ops) { pipeline.ReadWeights(dry_ops, checkpoint.capabilities()); },
                          e4m3 ? LargeStepWeights(checkpoint.weights().diffusion_transformer) : std::vector<View>()));
  const MemoryNeed need = AddRequest(pipeline, checkpoint, report);
  BLIP3O_ASSIGN_OR_RETURN(const int64_t language, CudaScratchBytes(cuda, need.language.capacity));
  BLIP3O_ASSIGN_OR_RETURN(const int64_t picture, CudaScratchBytes(cuda, need.picture.capacity));
  report.scratch = language + picture;
  const Demand usual{.slab_bytes = report.slab,
                     .language_bytes = need.language.workspace_bytes + language,
                     .picture_bytes = need.picture.workspace_bytes + picture};
  const int64_t prompt_length = static_cast<int64_t>(TextRequest(checkpoint.config()).prompt.size());
  const int64_t prompt = pipeline.language().PromptBytes(prompt_length);
  report.requests = LanguageModel::kMostRows;
  report.prompts = static_cast<int64_t>(PromptCache::kMostPrompts) * prompt;
  report.arena =
      options.memory_limit_bytes > 0 ? options.memory_limit_bytes : ArenaBytes(report.constants, usual, prompt);
  return {};
}

}  // namespace

int64_t ArenaBytes(int64_t constants, const Demand& usual, int64_t prompt_bytes) {
  return constants + usual.language_bytes + usual.picture_bytes + LanguageModel::kMostRows * usual.slab_bytes +
         static_cast<int64_t>(PromptCache::kMostPrompts) * prompt_bytes;
}

Result<MemoryReport> PlanMemory(const std::filesystem::path& directory, const EngineOptions& options) {
  BLIP3O_RETURN_IF_ERROR(CheckOptions(options));
  BLIP3O_RETURN_IF_ERROR(CheckDevice(options));
  const bool on_cuda = options.device == DeviceOption::kCuda;
  MemoryReport report;
  report.device = on_cuda ? "cuda" : "cpu";
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
  Checkpoint& open = **checkpoint;
  Pipeline pipeline(open);
  if (open.capabilities().reference_tokens_lack.empty()) report.constants = pipeline.encoder().codebook_bytes();
  BLIP3O_RETURN_IF_ERROR(on_cuda ? PlanCuda(open, pipeline, options, report)
                                 : PlanCpu(open, pipeline, options, report));
  return report;
}

}  // namespace blip3o
