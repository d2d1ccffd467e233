#include "table/launches.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <set>
#include <utility>

#include "base/arena.h"
#include "engine/pipeline.h"
#include "engine/run.h"
#include "lanes/record_queue.h"
#include "model/diffusion_transformer.h"
#include "ops/cuda/cuda_ops.h"
#include "ops/cuda/probe.h"
#include "ops/cuda/product_library.h"
#include "ops/cuda/weight_plan.h"
#include "support/public_checkpoint.h"
#include "table/idle_library.h"

namespace blip3o::table {

namespace {

using cuda::WeightType;

constexpr int64_t kPrompt = 128;
constexpr std::array<size_t, 3> kTableBatches = {1, 8, 64};
constexpr std::array<size_t, 5> kBatches = {1, 8, 16, 32, 64};

class SilentObserver final : public RunObserver {
 public:
  Status OnProgress(EventKind, int, int) override { return {}; }
  Status OnWork() override { return {}; }
};

// Shared memory of a block and what else launch code asks.
cuda::DeviceLimits LimitsOf(int compute_capability) {
  constexpr int64_t kKiB = 1024;
  const bool small = compute_capability == 86 || compute_capability == 89 || compute_capability >= 120;
  const int64_t shared = small ? 99 * kKiB : compute_capability == 80 ? 163 * kKiB : 227 * kKiB;
  return {compute_capability, 132, shared};
}

// How a device was opened.
struct Setup {
  int compute_capability = 0;
  WeightType product = WeightType::kBF16;
  bool has_library = false;
};

// Operations of the CUDA backend whose queue only notes.
class Notebook {
 public:
  explicit Notebook(const Setup& setup)
      : Notebook(setup, new cuda::lanes::RecordQueue(LimitsOf(setup.compute_capability))) {}

  const Workplace& at() const { return at_; }
  cuda::Queue& queue() const { return *queue_; }
  cuda::WeightStore& weights() const { return *weights_; }
  Status Reserve(const Capacity& capacity) { return ops_->Reserve(capacity); }
  // What was launched since the last call.
  Stage Take(std::string name, Status status) {
    if (status.ok()) status = queue_->Finish();
    Stage stage{std::move(name), {}, std::move(status)};
    const auto& all = queue_->launches();
    for (; taken_ < all.size(); ++taken_) {
      stage.launches.push_back({all[taken_].name, all[taken_].kernel, all[taken_].shape, all[taken_].cost});
    }
    return stage;
  }

 private:
  Notebook(const Setup& setup, cuda::lanes::RecordQueue* queue)
      : queue_(queue),
        weights_(std::make_shared<cuda::WeightStore>(
            cuda::WeightOptions{setup.product, setup.product == WeightType::kBF16})),
        ops_(cuda::CreateOps(std::unique_ptr<cuda::Queue>(queue), weights_)) {
    if (!setup.has_library) return;
    queue->SetProducts(cuda::MakeProducts(IdleLibrary(), *queue, []() -> void* { return nullptr; }));
  }

  cuda::lanes::RecordQueue* queue_;  // of ops_
  const std::shared_ptr<cuda::WeightStore> weights_;
  size_t taken_ = 0;
  std::unique_ptr<Ops> ops_;
  Arena arena_;
  SilentObserver observer_;
  const Workplace at_{*ops_, arena_, observer_};
};

Request TextToImage() {
  Request request;
  request.prompt.resize(kPrompt);
  request.guidance = 2.0f;
  return request;
}

// A picture is drawn anew in part, after another one. Nobody looks at the pixels.
Request Edit(const ModelConfig& config) {
  Request request = TextToImage();
  request.first_stage = blip3o::Stage::kReferences;
  request.prompt.resize(static_cast<size_t>(kPrompt + config.image_tokens.tokens), kReferenceToken);
  request.references.resize(1);
  for (PreparedPicture* picture : {&request.references[0], &request.initial}) {
    picture->tokenizer.bytes.resize(1);
    picture->autoencoder.bytes.resize(1);
  }
  request.mask.weights.bytes.resize(1);
  return request;
}

// The stages of one request on one notebook.
class Stages {
 public:
  Stages(const Checkpoint& checkpoint, const Setup& setup, std::string prefix)
      : checkpoint_(checkpoint), pipeline_(checkpoint), notebook_(setup), prefix_(std::move(prefix)) {}

  // As at load: what takes E4M3 is on the device before it is used.
  void PreloadE4M3() {
    cuda::WeightPlan plan;
    pipeline_.ReadWeights(plan, checkpoint_.capabilities());
    std::set<const void*> large;
    for (const View& view : LargeStepWeights(checkpoint_.weights().diffusion_transformer)) large.insert(view.data);
    std::vector<cuda::WeightStore::Wanted> wanted = plan.wanted();
    for (cuda::WeightStore::Wanted& w : wanted) {
      if (w.use == cuda::Use::kRows && large.count(w.view.data) != 0) w.use = cuda::Use::kStepRows;
    }
    Add("preload", notebook_.weights().Preload(notebook_.queue(), wanted));
  }

  void Whole(const Request& request, std::span<const size_t> batches) {
    Run run(request);
    Reserve(request);
    if (request.edits()) Encode(run);
    Language(run, batches);
    Picture(run);
  }
  void LanguageOnly(const Request& request, std::span<const size_t> batches) {
    Run run(request);
    Reserve(request);
    Language(run, batches);
  }
  void PictureOnly(const Request& request) {
    Run run(request);
    Reserve(request);
    Language(run, {});
    stages_.pop_back();
    Picture(run);
  }
  std::vector<Stage> Take() { return std::move(stages_); }

 private:
  void Add(const std::string& name, Status status) {
    stages_.push_back(notebook_.Take(prefix_ + name, std::move(status)));
  }
  void Reserve(const Request& request) {
    const MemoryNeed need = pipeline_.Measure(request);
    Capacity capacity = Larger(need.language.capacity, need.picture.capacity);
    if (request.edits()) capacity = Larger(capacity, pipeline_.encoder().MeasureLoad().capacity);
    (void)notebook_.Reserve(capacity);
  }
  void Encode(Run& run) {
    Arena arena;
    const Status loaded = pipeline_.encoder().Load(notebook_.at().ops, arena);
    Add("codebook", loaded);
    Add("references", pipeline_.Do(Work::kEncode, notebook_.at(), run));
  }
  void Language(Run& run, std::span<const size_t> batches) {
    pipeline_.language().Begin(notebook_.at(), run);
    Add("prefill, one chunk of 128 positions", pipeline_.language().Prefill(notebook_.at(), run));
    std::vector<Status> statuses;
    for (const size_t batch : batches) {
      const std::vector<Run*> runs(batch, &run);
      pipeline_.language().NextTokens(notebook_.at(), runs, statuses);
      Add(fmt::format("a token, batch {}", batch), statuses[0]);
      // A round is several tokens, each of the same launches.
      auto& launches = stages_.back().launches;
      launches.resize(launches.size() / static_cast<size_t>(notebook_.at().ops.TokensAhead()));
    }
    run.cache_memory.reset();
  }
  void Picture(Run& run) {
    Add("condition", pipeline_.Do(Work::kCondition, notebook_.at(), run));
    Add("step, guided", pipeline_.Do(Work::kStep, notebook_.at(), run));
    Add("decode", pipeline_.Do(Work::kDecode, notebook_.at(), run));
  }

  const Checkpoint& checkpoint_;
  Pipeline pipeline_;
  Notebook notebook_;
  const std::string prefix_;
  std::vector<Stage> stages_;
};

// Operands of sizes alone, which nobody touches.
struct Sizes {
  Matrix Of(int64_t rows, int64_t cols) { return arena.TakeMatrix(rows, cols); }
  View Weight(const Shape& shape) { return {arena.Take<uint16_t>(shape.count()), DType::kBF16, shape}; }
  Arena arena;
};

void OtherAttention(Ops& ops, Sizes& sizes) {
  for (const int64_t head_dim : {32, 64}) {
    const Matrix q = sizes.Of(256, 4 * head_dim), k = sizes.Of(64, 4 * head_dim);
    ops.CrossAttention(q, k, k, 4, head_dim, q);
  }
  for (const int64_t group : {1, 4}) {
    const AttentionShape shape{8 * group, 8, 128};
    const Matrix q = sizes.Of(8, shape.heads * shape.head_dim);
    ops.DecodeAttention(shape, 0, q, {sizes.arena.Take<TokenRow>(8), 8, 1024}, q);
  }
}

void OtherMaps(Ops& ops, Sizes& sizes) {
  const Grid grid{1, 64, 64};
  for (const int64_t channels : {32, 64}) {
    const Matrix x = sizes.Of(grid.rows(), channels), large = sizes.Of(4 * grid.rows(), channels),
                 small = sizes.Of(grid.rows() / 4, channels);
    const View weight = sizes.Weight({channels, channels, 3, 3});
    ops.Conv3x3(x, grid, weight, {}, x);
    ops.UpsampleConv3x3(x, grid, weight, {}, large);
    ops.DownsampleConv3x3(x, grid, weight, {}, small);
    for (const int64_t side : {3, 5, 7}) ops.DepthwiseConv(x, grid, sizes.Weight({channels, 1, side, side}), x);
    ops.PixelShuffle(x, grid, sizes.Of(4 * grid.rows(), channels / 4));
    ops.SpaceToDepth(x, grid, 2, sizes.Of(grid.rows() / 4, 4 * channels));
  }
}

void OtherRows(Ops& ops, Sizes& sizes) {
  for (const int64_t cols : {256, 512, 3072, 4096}) {
    const Matrix x = sizes.Of(64, cols);
    ops.L2Normalize(x, x);
  }
}

// What no public model asks for, so that every kernel is launched by some stage.
Stage OtherSizes(const Setup& setup) {
  Notebook notebook(setup);
  (void)notebook.Reserve({.keys = 1024, .attention_width = 8 * 4 * 128});
  Ops& ops = notebook.at().ops;
  Sizes sizes;
  OtherAttention(ops, sizes);
  OtherMaps(ops, sizes);
  OtherRows(ops, sizes);
  cuda::Probe(notebook.queue(), sizes.arena.Take<int32_t>(cuda::kProbeValues));
  return notebook.Take(setup.product == WeightType::kF32 ? "other sizes, F32" : "other sizes", {});
}

}  // namespace

Result<PublicModel> OpenPublicModel() {
  const std::filesystem::path directory =
      std::filesystem::temp_directory_path() / fmt::format("blip3o_public_{}", getpid());
  std::filesystem::create_directories(directory);
  PublicModel model;
  const auto open = [&]() -> Status {
    BLIP3O_RETURN_IF_ERROR(test::WritePublicCheckpoint(directory));
    BLIP3O_ASSIGN_OR_RETURN(model.plain, Checkpoint::Open(directory, {}));
    BLIP3O_ASSIGN_OR_RETURN(model.int8, Checkpoint::Open(directory, {}));
    model.int8->QuantizeSizesOnly();
    return {};
  };
  const Status status = open();
  std::filesystem::remove_all(directory);  // what is mapped stays
  if (!status.ok()) return status;
  return model;
}

std::vector<Stage> StagesOf(const Checkpoint& checkpoint, int compute_capability) {
  Stages stages(checkpoint, {compute_capability}, "");
  const Request request = TextToImage();
  stages.Whole(request, kTableBatches);
  return stages.Take();
}

Stage StepBesideLibrary(const Checkpoint& checkpoint, int compute_capability) {
  Stages stages(checkpoint, {compute_capability, WeightType::kBF16, true}, "");
  stages.PictureOnly(TextToImage());
  for (Stage& stage : stages.Take()) {
    if (stage.name != "step, guided") continue;
    stage.name = "step, guided: beside cuBLASLt's products, which are not counted";
    return stage;
  }
  return {};
}

std::vector<Stage> AllStagesOf(const PublicModel& model, int compute_capability) {
  const Request text = TextToImage(), edit = Edit(model.plain->config());
  const Setup ours{compute_capability}, exact{compute_capability, WeightType::kF32},
      with_library{compute_capability, WeightType::kBF16, true};
  std::vector<Stage> all = StagesOf(*model.plain, compute_capability);
  const auto take = [&](std::vector<Stage> stages) {
    for (Stage& stage : stages) all.push_back(std::move(stage));
  };
  Stages edits(*model.plain, ours, "edit: "), f32(*model.plain, exact, "F32: "), int8(*model.int8, ours, "int8: "),
      library(*model.plain, with_library, "cuBLASLt: "), e4m3(*model.plain, with_library, "E4M3: ");
  edits.Whole(edit, kBatches);
  take(edits.Take());
  f32.Whole(edit, kBatches);
  take(f32.Take());
  int8.LanguageOnly(text, kBatches);
  take(int8.Take());
  library.Whole(edit, kTableBatches);
  take(library.Take());
  e4m3.PreloadE4M3();
  e4m3.PictureOnly(text);
  take(e4m3.Take());
  all.push_back(OtherSizes(ours));
  all.push_back(OtherSizes(exact));
  return all;
}

}  // namespace blip3o::table
