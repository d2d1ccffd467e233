// What a model's dry run tells of its weights: each that the checkpoint holds for what the model can do, as what the
// operations read it, and nothing else.
#include "ops/cuda/weight_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "engine/pipeline.h"
#include "support/checkpoint_files.h"
#include "support/kernel_test.h"
#include "weights/checkpoint.h"
#include "weights/tensor_table.h"

namespace blip3o {
namespace {

using cuda::Use;
using cuda::WeightPlan;
using Wanted = cuda::WeightStore::Wanted;

bool SameView(const View& a, const View& b) { return a.data == b.data && a.dtype == b.dtype && a.count() == b.count(); }

std::vector<Use> UsesOf(const std::vector<Wanted>& wanted, const View& view) {
  std::vector<Use> uses;
  for (const Wanted& w : wanted) {
    if (SameView(w.view, view)) uses.push_back(w.use);
  }
  return uses;
}

std::vector<Wanted> PlanOf(const Checkpoint& checkpoint) {
  const Pipeline pipeline(checkpoint);
  WeightPlan plan;
  pipeline.ReadWeights(plan, checkpoint.capabilities());
  return plan.wanted();
}

bool CanUse(const Checkpoint& checkpoint, ModelPart part) {
  const Capabilities& c = checkpoint.capabilities();
  if (part == ModelPart::kImageTokenizer) return c.reference_tokens_lack.empty();
  if (part == ModelPart::kEncoder) return c.reference_latents_lack.empty();
  if (part == ModelPart::kReferenceConnector) return c.editing_lacks.empty();
  return true;
}

class WeightPlanTest : public testing::TestWithParam<const char*> {};

TEST_P(WeightPlanTest, HoldsEveryWeightOfTheModelAndNoOther) {
  auto opened = Checkpoint::Open(test::GoldenCheckpoint(GetParam()), {});
  ASSERT_TRUE(opened.ok()) << opened.status().message();
  const Checkpoint& checkpoint = **opened;
  const std::vector<Wanted> wanted = PlanOf(checkpoint);

  ModelWeights weights;
  const std::vector<TensorRow> table = TensorTable(checkpoint.config(), weights);
  weights = checkpoint.weights();
  size_t found = 0;
  for (const TensorRow& row : table) {
    const std::vector<Use> uses = UsesOf(wanted, *row.slot);
    if (row.slot->empty() || !CanUse(checkpoint, row.part)) continue;
    EXPECT_FALSE(uses.empty()) << row.name;
    found += uses.empty() ? 0 : 1;
  }
  EXPECT_GT(found, 100u);
  for (const Wanted& w : wanted) {
    const bool known = std::any_of(table.begin(), table.end(), [&](const TensorRow& row) {
      return CanUse(checkpoint, row.part) && SameView(*row.slot, w.view);
    });
    EXPECT_TRUE(known) << w.view.shape.ToString();
  }
}

TEST_P(WeightPlanTest, SaysWhatEachIsReadAs) {
  auto opened = Checkpoint::Open(test::GoldenCheckpoint(GetParam()), {});
  ASSERT_TRUE(opened.ok()) << opened.status().message();
  const ModelWeights& w = (*opened)->weights();
  const std::vector<Wanted> wanted = PlanOf(**opened);
  const auto expect = [&](const View& view, const std::vector<Use>& uses) {
    EXPECT_EQ(UsesOf(wanted, view), uses) << view.shape.ToString();
  };
  expect(w.language_model.embed_tokens, {Use::kTable});
  expect(w.language_model.image_head, {Use::kRows});
  const QwenLayerWeights& layer = w.language_model.layers.back();
  for (const View& view : {layer.q_proj, layer.o_proj, layer.gate_proj, layer.down_proj}) expect(view, {Use::kRows});
  for (const View& view : {layer.input_layernorm, layer.q_norm, layer.post_attention_layernorm}) {
    expect(view, {Use::kVector});
  }
  const SanaBlockWeights& block = w.diffusion_transformer.blocks.back();
  expect(block.scale_shift_table, {Use::kVector});
  expect(block.ff.conv_inverted, {Use::kRows});
  expect(block.ff.conv_depth, {Use::kDepthwise});
  expect(w.decoder.conv_in.weight, {Use::kConv});
  for (const AutoencoderStageWeights& stage : w.decoder.stages) {
    if (stage.sampler.weight.empty()) continue;
    const bool rearrange = (*opened)->config().autoencoder.decoder.rearrange;
    expect(stage.sampler.weight, {rearrange ? Use::kConv : Use::kUpsample});
  }
}

INSTANTIATE_TEST_SUITE_P(Models, WeightPlanTest, testing::Values("demo", "tiny", "tied", "table"));

// What an operation before it computed is on the device already.
TEST(WeightPlan, LeavesOutWhatADryRunComputes) {
  Arena arena;
  const test::OwnedWeight bias(Shape{5}, DType::kF32, test::Numbers(1));
  const Matrix x = arena.TakeMatrix(3, 7), codes = arena.TakeMatrix(5, 7), out = arena.TakeMatrix(3, 5);
  EXPECT_TRUE(Arena::IsUntouchable(codes.data));
  WeightPlan plan;
  for (int i = 0; i < 2; ++i) plan.Matmul(x, {codes.data, DType::kF32, {5, 7}}, {.bias = *bias}, out);
  ASSERT_EQ(plan.wanted().size(), 1u);
  EXPECT_TRUE(SameView(plan.wanted()[0].view, *bias));
}

}  // namespace
}  // namespace blip3o
