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

// Operations of the CUDA backend whose queue only notes.
class Notebook {
 public:
  explicit Notebook(int compute_capability)
      : queue_(new cuda::lanes::RecordQueue(compute_capability)),
        ops_(cuda::CreateOps(std::unique_ptr<cuda::Queue>(queue_), std::make_shared<cuda::WeightStore>())) {}

  const Workplace& at() const { return at_; }
  // What was launched since the last call.
  Stage Take(std::string name) {
    Stage stage{std::move(name), {}};
    for (const cuda::LaunchRequest& request : queue_->TakeLaunches()) {
      stage.launches.push_back({request.name, request.kernel, request.shape, request.cost});
    }
    return stage;
  }

 private:
  cuda::lanes::RecordQueue* queue_;  // of ops_
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
    take(batch == 1 ? "tokens, batch 1" : batch == 8 ? "tokens, batch 8" : "tokens, batch 64");
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
