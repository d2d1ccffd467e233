#include "table/launches.h"

#include <functional>
#include <utility>

#include "base/arena.h"
#include "engine/pipeline.h"
#include "engine/run.h"
#include "lanes/record_queue.h"
#include "ops/cuda/cuda_ops.h"

namespace blip3o::table {

namespace {

constexpr int64_t kPrompt = 128;

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

// Operations of the CUDA backend whose queue only notes.
class Notebook {
 public:
  explicit Notebook(int compute_capability) : Notebook(new cuda::lanes::RecordQueue(LimitsOf(compute_capability))) {}

  const Workplace& at() const { return at_; }
  Status Reserve(const Capacity& capacity) { return ops_->Reserve(capacity); }
  // What was launched since the last call.
  Stage Take(std::string name) {
    const auto& all = queue_->launches();
    Stage stage{std::move(name), {}};
    for (; taken_ < all.size(); ++taken_) {
      stage.launches.push_back({all[taken_].name, all[taken_].kernel, all[taken_].shape, all[taken_].cost});
    }
    return stage;
  }

 private:
  explicit Notebook(cuda::lanes::RecordQueue* queue)
      : queue_(queue),
        ops_(cuda::CreateOps(std::unique_ptr<cuda::Queue>(queue),
                             std::make_shared<cuda::WeightStore>(cuda::WeightOptions()))) {}

  cuda::lanes::RecordQueue* queue_;  // of ops_
  size_t taken_ = 0;
  std::unique_ptr<Ops> ops_;
  Arena arena_;
  SilentObserver observer_;
  const Workplace at_{*ops_, arena_, observer_};
};

}  // namespace

std::vector<Stage> StagesOf(const Checkpoint& checkpoint, int compute_capability) {
  Notebook notebook(compute_capability);
  Pipeline pipeline(checkpoint);
  Request request;
  request.prompt.resize(kPrompt);
  request.guidance = 2.0f;
  const MemoryNeed need = pipeline.Measure(request);
  (void)notebook.Reserve(Larger(need.language.capacity, need.picture.capacity));
  Run run(request);
  std::vector<Stage> stages;
  const auto take = [&](const char* name) { stages.push_back(notebook.Take(name)); };

  pipeline.language().Begin(notebook.at(), run);
  (void)pipeline.language().Prefill(notebook.at(), run);
  take("prefill, one chunk of 128 positions");
  std::vector<Status> statuses;
  for (const size_t batch : {1, 8, 64}) {
    const std::vector<Run*> runs(batch, &run);
    pipeline.language().NextTokens(notebook.at(), runs, statuses);
    take(batch == 1 ? "a token, batch 1" : batch == 8 ? "a token, batch 8" : "a token, batch 64");
    // A round is several tokens, each of the same launches.
    auto& launches = stages.back().launches;
    launches.resize(launches.size() / static_cast<size_t>(notebook.at().ops.TokensAhead()));
  }
  run.cache_memory.reset();
  (void)pipeline.Do(Work::kCondition, notebook.at(), run);
  take("condition");
  (void)pipeline.Do(Work::kStep, notebook.at(), run);
  take("step, guided");
  (void)pipeline.Do(Work::kDecode, notebook.at(), run);
  take("decode");
  return stages;
}

}  // namespace blip3o::table
