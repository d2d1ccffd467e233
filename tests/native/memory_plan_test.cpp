// What memory a device will take, told from sizes alone.
#include "engine/memory_plan.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "ops/backend.h"
#include "support/checkpoint_files.h"
#include "weights/checkpoint.h"

namespace blip3o {
namespace {

using test::CheckpointCopy;
using test::GoldenCheckpoint;

EngineOptions OnCpu() {
  EngineOptions options;
  options.threads = 2;
  options.device = DeviceOption::kCpu;
  return options;
}

MemoryReport Plan(const std::filesystem::path& path, const EngineOptions& options = OnCpu()) {
  const Result<MemoryReport> report = PlanMemory(path, options);
  EXPECT_TRUE(report.ok()) << report.status().message();
  return report.ok() ? report.value() : MemoryReport();
}

// An opened model holds as much: the codebook from its opening on.
TEST(MemoryPlan, OfTheCpuIsWhatAModelTakes) {
  const MemoryReport plan = Plan(GoldenCheckpoint("tiny"));
  EXPECT_EQ(plan.device, "cpu");
  EXPECT_EQ(plan.problem, "");
  EXPECT_EQ(plan.weights, 0);
  EXPECT_GT(plan.slab, 0);
  EXPECT_GT(plan.workspace, 0);
  EXPECT_GT(plan.scratch, 0);
  const Result<std::unique_ptr<Engine>> engine = Engine::Open(GoldenCheckpoint("tiny"), OnCpu());
  ASSERT_TRUE(engine.ok()) << engine.status().message();
  EXPECT_EQ(engine.value()->metrics().memory_in_use_bytes, plan.constants);
}

TEST(MemoryPlan, CountsWeightsInEightBits) {
  EngineOptions int8 = OnCpu();
  int8.quantization = kInt8Language;
  const MemoryReport plan = Plan(GoldenCheckpoint("tiny"), int8);
  EXPECT_GT(plan.weights, 0);
  EXPECT_EQ(plan.slab, Plan(GoldenCheckpoint("tiny")).slab);
}

TEST(MemoryPlan, NeedsNoWeights) {
  for (const char* name : {"tiny", "demo"}) {
    const CheckpointCopy copy(name);
    const MemoryReport whole = Plan(copy.path());
    EXPECT_EQ(whole.tensors.find("assumed"), std::string::npos);
    std::filesystem::remove(copy.weights());
    const MemoryReport plan = Plan(copy.path());
    EXPECT_NE(plan.tensors.find("assumed"), std::string::npos);
    EXPECT_EQ(plan.problem, "");
    EXPECT_EQ(plan.slab, whole.slab);
    EXPECT_EQ(plan.workspace, whole.workspace);
    EXPECT_EQ(plan.scratch, whole.scratch);
    // The configs don't say how wide the codes are.
    EXPECT_EQ(plan.constants, 0);
  }
}

TEST(MemoryPlan, TellsWhatIsWrongWithConfigs) {
  const CheckpointCopy copy;
  copy.PatchJson("config.json", R"({"hidden_size": -1})");
  const MemoryReport plan = Plan(copy.path());
  EXPECT_NE(plan.problem.find("hidden_size"), std::string::npos) << plan.problem;
  const Result<std::string> report = InspectCheckpoint(copy.path(), "", false, plan);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(nlohmann::json::parse(report.value())["memory"]["problem"], plan.problem);
}

TEST(MemoryPlan, RefusesWhatTheDeviceHasNot) {
  EngineOptions e4m3 = OnCpu();
  e4m3.quantization = kE4M3Diffusion;
  EXPECT_EQ(PlanMemory(GoldenCheckpoint("tiny"), e4m3).status().code(), StatusCode::kUnsupported);
  EngineOptions nonsense = OnCpu();
  nonsense.quantization = 4;
  EXPECT_EQ(PlanMemory(GoldenCheckpoint("tiny"), nonsense).status().code(), StatusCode::kInvalidArgument);
  if (HasCuda()) GTEST_SKIP() << "this build has the CUDA backend";
  EngineOptions cuda = OnCpu();
  cuda.device = DeviceOption::kCuda;
  EXPECT_EQ(PlanMemory(GoldenCheckpoint("tiny"), cuda).status().code(), StatusCode::kUnsupported);
}

// Slots of one tensor lie in it, and no two tensors share an address.
TEST(MemoryPlan, ACheckpointOfSizesHasTheShapesOfTheFiles) {
  for (const char* name : {"tied", "demo"}) {
    const Result<std::unique_ptr<Checkpoint>> real = Checkpoint::Open(GoldenCheckpoint(name), "");
    const Result<std::unique_ptr<Checkpoint>> sizes = Checkpoint::OfSizes(GoldenCheckpoint(name), "");
    ASSERT_TRUE(real.ok() && sizes.ok());
    const LanguageModelWeights& a = real.value()->weights().language_model;
    const LanguageModelWeights& b = sizes.value()->weights().language_model;
    EXPECT_EQ(a.layers.size(), b.layers.size());
    EXPECT_EQ(a.image_head.shape, b.image_head.shape);
    EXPECT_EQ(a.layers[0].down_proj.shape, b.layers[0].down_proj.shape);
    EXPECT_NE(b.layers[0].gate_proj.data, b.layers[0].up_proj.data);
    const auto inside = [](const LanguageModelWeights& w) {
      return static_cast<const char*>(w.image_head.data) - static_cast<const char*>(w.embed_tokens.data);
    };
    const bool tied = real.value()->config().language_model.tie_word_embeddings;
    if (tied) {
      EXPECT_EQ(inside(b), inside(a) / SizeOf(a.embed_tokens.dtype) * SizeOf(DType::kBF16));
    }
    EXPECT_EQ(sizes.value()->dtypes(), "BF16");
    EXPECT_NE(sizes.value()->capabilities().reference_tokens_lack, "");
  }
}

}  // namespace
}  // namespace blip3o
