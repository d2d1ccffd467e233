// Whole pictures of the golden models by the CUDA backend, lane by lane: the operations of every stage, in the order
// and the shapes in which the runtime calls them, against the traces of the public code.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/language_version.h"
#include "engine/pipeline.h"
#include "engine/run.h"
#include "lanes/lane_queue.h"
#include "ops/cuda/cuda_ops.h"
#include "ops/cuda/weight_plan.h"
#include "weights/checkpoint.h"
#include "weights/language_weights.h"
#include "weights/safetensors.h"

namespace blip3o {
namespace {

// golden_test.cpp derives it for f32. Split products are off by 2^-15 of a product's magnitude at most, and in a random
// direction: over a depth of up to 160 and a few hundred operations the same bound holds.
constexpr double kRelativeL2 = 1e-4;
constexpr int kPixelDifference = 1;

const std::string kGolden = std::string(BLIP3O_SOURCE_DIR) + "/tests/golden/reference/";

class SilentObserver final : public RunObserver {
 public:
  Status OnProgress(EventKind, int, int) override { return {}; }
  Status OnWork() override { return {}; }
};

double NumberOf(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(key + "=", 0) == 0) return std::atof(line.c_str() + key.size() + 1);
  }
  ADD_FAILURE() << path << " has no " << key;
  return 0;
}

HostTensor Copied(const View& view) {
  HostTensor tensor{view.dtype, view.shape, {}};
  tensor.bytes.resize(static_cast<size_t>(view.size_bytes()));
  std::memcpy(tensor.bytes.data(), view.data, tensor.bytes.size());
  return tensor;
}

std::vector<int32_t> IdsOf(const View& view) {
  std::vector<int64_t> wide(static_cast<size_t>(view.count()));
  std::memcpy(wide.data(), view.data, wide.size() * sizeof(int64_t));
  return std::vector<int32_t>(wide.begin(), wide.end());
}

double RelativeL2(const HostTensor& found, const View& expected) {
  double error = 0, norm = 0;
  for (int64_t i = 0; i < expected.count(); ++i) {
    const double want = LoadAsF32(expected.data, DType::kF32, i), difference = found.data<float>()[i] - want;
    error += difference * difference;
    norm += want * want;
  }
  return std::sqrt(error / norm);
}

Status Perform(Work work, const Workplace& at, Pipeline& pipeline, Run& run) {
  if (work == Work::kPrefill && run.sequence.empty()) pipeline.language().Begin(at, run);
  if (work != Work::kToken) return pipeline.Do(work, at, run);
  std::vector<Run*> runs = {&run};
  std::vector<Status> statuses;
  pipeline.language().NextTokens(at, runs, statuses);
  return statuses[0];
}

// All pieces of work of a run that the operations have the weights for.
void PerformAll(Ops& ops, Pipeline& pipeline, const MemoryNeed& need, Run& run) {
  ASSERT_TRUE(ops.Reserve(Larger(need.language.capacity, need.picture.capacity)).ok());
  auto workspace = ops.Allocate(std::max(need.language.workspace_bytes, need.picture.workspace_bytes));
  ASSERT_TRUE(workspace.ok());
  SilentObserver observer;
  while (const auto work = pipeline.Next(run)) {
    Arena arena(*workspace);
    const Workplace at{ops, arena, observer};
    const Status status = Perform(*work, at, pipeline, run);
    ASSERT_TRUE(status.ok()) << status.message();
  }
  const Status status = ops.Finish();
  ASSERT_TRUE(status.ok()) << status.message();
}

void ExpectTokens(const Run& run, const View& expected) {
  const std::vector<int32_t> tokens = IdsOf(expected);
  const HostTensor& drawn = run.values[static_cast<size_t>(Value::kTokens)];
  ASSERT_EQ(drawn.shape[0], static_cast<int64_t>(tokens.size()));
  EXPECT_EQ(std::memcmp(drawn.bytes.data(), tokens.data(), tokens.size() * sizeof(int32_t)), 0);
}

class GoldenLanes : public testing::TestWithParam<const char*> {};

TEST_P(GoldenLanes, TraceMatches) {
  const std::string model = GetParam(), folder = kGolden + model + "/job0";
  auto trace = Safetensors::Open(folder + "/trace.safetensors");
  auto noise = Safetensors::Open(folder + "/noise.safetensors");
  ASSERT_TRUE(trace.ok() && noise.ok());
  auto checkpoint = Checkpoint::Open(kGolden + model + "/model", {});
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().message();

  Request request;
  request.prompt = IdsOf(trace->tensors().at("input_ids"));
  request.noise = Copied(noise->tensors().at("noise"));
  request.temperature = 0;
  request.steps = static_cast<int32_t>(NumberOf(folder + "/job.properties", "steps"));
  request.guidance = static_cast<float>(NumberOf(folder + "/job.properties", "guidance"));
  request.outputs = (1u << kValueCount) - 1;

  auto queue = std::make_unique<cuda::lanes::LaneQueue>(cuda::lanes::LaneOptions{7});
  auto store = std::make_shared<cuda::WeightStore>(cuda::WeightOptions{cuda::WeightType::kF32});
  Pipeline pipeline(**checkpoint);
  cuda::WeightPlan plan;
  pipeline.ReadWeights(plan, (*checkpoint)->capabilities());
  ASSERT_TRUE(store->Preload(*queue, plan.wanted()).ok());
  const std::unique_ptr<Ops> ops = cuda::CreateOps(std::move(queue), store);
  const MemoryNeed need = pipeline.Measure(request);
  auto slab = ops->Allocate(need.slab_bytes);
  ASSERT_TRUE(slab.ok());
  blip3o::Run run(request, 1, std::move(*slab));
  ASSERT_NO_FATAL_FAILURE(PerformAll(*ops, pipeline, need, run));
  ExpectTokens(run, trace->tensors().at("tokens"));
  const std::map<std::string, Value> values = {{"first_logits", Value::kFirstLogits},
                                               {"hidden_states", Value::kHiddenStates},
                                               {"condition", Value::kCondition},
                                               {"velocity_null_first", Value::kVelocityNullFirst},
                                               {"velocity_first", Value::kVelocityFirst},
                                               {"latents_first", Value::kLatentsFirst},
                                               {"latents", Value::kLatents},
                                               {"image", Value::kImage}};
  for (const auto& [name, value] : values) {
    const HostTensor& found = run.values[static_cast<size_t>(value)];
    ASSERT_EQ(found.shape.count(), trace->tensors().at(name).count()) << name;
    const double error = RelativeL2(found, trace->tensors().at(name));
    EXPECT_LE(error, kRelativeL2) << name;  // not so when it is NaN
    RecordProperty(name, std::to_string(error));
    std::cout << model << ' ' << name << ": relative L2 " << error << '\n';
  }
  const View& pixels = trace->tensors().at("pixels");
  const HostTensor& made = run.values[static_cast<size_t>(Value::kPixels)];
  ASSERT_EQ(made.shape.count(), pixels.count());
  for (int64_t i = 0; i < pixels.count(); ++i) {
    ASSERT_NEAR(made.data<uint8_t>()[i], static_cast<const uint8_t*>(pixels.data)[i], kPixelDifference) << i;
  }
}

// What a version of the language model reads is all there when it is put in place: the host's memory is gone by then.
TEST_P(GoldenLanes, ANewVersionDrawsTheTokensOfTheTrace) {
  const std::string folder = kGolden + GetParam();
  auto trace = Safetensors::Open(folder + "/job0/trace.safetensors");
  auto checkpoint = Checkpoint::Open(folder + "/model", {});
  ASSERT_TRUE(trace.ok() && checkpoint.ok());
  Request request;
  request.prompt = IdsOf(trace->tensors().at("input_ids"));
  request.temperature = 0;
  request.last_stage = Stage::kTokens;

  auto queue = std::make_unique<cuda::lanes::LaneQueue>(cuda::lanes::LaneOptions{7});
  auto store = std::make_shared<cuda::WeightStore>(cuda::WeightOptions{cuda::WeightType::kF32});
  Pipeline pipeline(**checkpoint);
  auto owned = CopyLanguageWeights((*checkpoint)->config(), (*checkpoint)->LanguageTensors());
  ASSERT_TRUE(owned.ok()) << owned.status().message();
  const auto version = std::make_shared<LanguageVersion>(**checkpoint, 1, std::move(*owned));
  cuda::WeightPlan plan;
  pipeline.ReadWeights(plan, version);
  auto loaded = store->Load(*queue, plan.wanted());
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  version->MoveToDevice(std::move(*loaded), Holding());

  const std::unique_ptr<Ops> ops = cuda::CreateOps(std::move(queue), store);
  const MemoryNeed need = pipeline.Measure(request);
  auto slab = ops->Allocate(need.slab_bytes);
  ASSERT_TRUE(slab.ok());
  blip3o::Run run(request, 1, std::move(*slab));
  run.language = version;
  ASSERT_NO_FATAL_FAILURE(PerformAll(*ops, pipeline, need, run));
  ExpectTokens(run, trace->tensors().at("tokens"));
  EXPECT_EQ(store->bytes(), 0) << "a weight was brought in where it was used";
}

INSTANTIATE_TEST_SUITE_P(TextToImage, GoldenLanes, testing::Values("tiny", "tied", "table"));

}  // namespace
}  // namespace blip3o
