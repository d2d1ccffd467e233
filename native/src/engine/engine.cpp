#include "engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <new>
#include <utility>

#include "base/memory.h"
#include "weights/quantize.h"

namespace blip3o {

namespace {

// Prompts may hold this part of what is allowed.
constexpr int64_t kPromptsPart = 8;
// How long a reading of the machine's free memory is good for: it costs about as much as a token of a small model.
constexpr Time kLimitAge = std::chrono::milliseconds(10);

Time Now() { return std::chrono::steady_clock::now().time_since_epoch(); }

double Seconds(Time time) { return std::chrono::duration<double>(time).count(); }

double& SecondsOf(Work work, Timings& timings) {
  switch (work) {
    case Work::kEncode:
      return timings.encode;
    case Work::kPrefill:
      return timings.prefill;
    case Work::kToken:
      return timings.tokens;
    case Work::kCondition:
      return timings.condition;
    case Work::kStep:
      return timings.steps;
    case Work::kDecode:
      break;
  }
  return timings.decode;
}

}  // namespace

// Tells the owner of the job that a lane works for, and stops the work when it is in vain.
class Engine::LaneObserver final : public RunObserver {
 public:
  LaneObserver(Engine& engine, Active& active) : engine_(engine), active_(active) {}

  Status OnProgress(EventKind kind, int index, int count) override {
    active_.job->events().Push({kind, index, count});
    return OnWork();
  }

  Status OnWork() override {
    if (Now() >= engine_.next_deadline_.load(std::memory_order_relaxed)) engine_.Expire();
    if (engine_.closing_) return Cancelled("the model was closed");
    if (active_.job->cancelled()) return Cancelled("the request was cancelled");
    if (Now() >= active_.deadline) return DeadlineExceeded("the deadline has passed");
    return {};
  }

 private:
  Engine& engine_;
  Active& active_;
};

// However an update ends, nothing is reserved for it any more.
class Engine::UpdateEnd {
 public:
  explicit UpdateEnd(Engine& engine) : engine_(engine) {}
  ~UpdateEnd() {
    const std::lock_guard lock(engine_.mutex_);
    engine_.coming_version_bytes_ = 0;
    engine_.CountConstants();
  }
  UpdateEnd(const UpdateEnd&) = delete;
  UpdateEnd& operator=(const UpdateEnd&) = delete;

 private:
  Engine& engine_;
};

// Nobody calls any more: jobs only reach the engine through the box.
Engine::~Engine() {
  cancel_box_->Close();
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    for (const auto& lane : lanes_) lane->wake.notify_one();
  }
  for (const auto& lane : lanes_) {
    if (lane->thread.joinable()) lane->thread.join();
  }
  for (auto& [id, active] : actives_) active.job->End(Cancelled("the model was closed"), {});
}

Result<std::shared_ptr<Job>> Engine::Submit(Request request) {
  BLIP3O_RETURN_IF_ERROR(CheckRequest(checkpoint_->config(), capabilities_, request));
  Active active;
  active.need = pipeline_.Measure(request);
  active.submitted = Now();
  if (request.deadline_millis > 0) {
    active.deadline = active.submitted + std::chrono::milliseconds(request.deadline_millis);
  }
  Demand demand = DemandOf(*lanes_[Scheduler::kLanguageLane]->ops, active.need);
  demand.priority = request.priority;
  demand.deadline = active.deadline;
  demand.first = *pipeline_.Next(Run(request));
  std::vector<Active> ended;
  std::shared_ptr<Job> job;
  {
    const std::lock_guard lock(mutex_);
    if (closing_) return Cancelled("the model is being closed: open it again for new requests");
    NoteHealth();
    ended = CarryOut();
    if (!lost_.ok()) return lost_;
    UpdateLimit();
    const RequestId id = last_id_ + 1;
    const int ahead = scheduler_.Ahead(demand.priority);
    if (const Status status = scheduler_.Submit(id, demand, active.submitted); !status.ok()) {
      metrics_.refused += status.code() == StatusCode::kQueueFull;
      return status;
    }
    last_id_ = id;
    ++metrics_.submitted;
    job = active.job = std::make_shared<Job>(std::move(request), id, cancel_box_, ready_);
    job->events().Push({EventKind::kQueued, ahead});
    actives_.emplace(id, std::move(active));
    for (Active& other : CarryOut()) ended.push_back(std::move(other));
    WakeLanes(nullptr);
  }
  return job;
}

void Engine::Cancel(RequestId request) {
  std::vector<Active> ended;
  {
    const std::lock_guard lock(mutex_);
    scheduler_.Cancel(request);
    ended = CarryOut();
    WakeLanes(nullptr);
  }
}

void Engine::Expire() {
  std::vector<Active> ended;
  {
    const std::lock_guard lock(mutex_);
    scheduler_.Expire(Now());
    ended = CarryOut();
    WakeLanes(nullptr);
  }
}

void Engine::UpdateLimit() {
  if (options_.memory_limit_bytes > 0) return scheduler_.SetLimit(options_.memory_limit_bytes);
  const Time now = Now();
  if (limit_updated_ && now < *limit_updated_ + kLimitAge) return;
  limit_updated_ = now;
  const int64_t available = AvailableBytes();
  const int64_t limit = available == std::numeric_limits<int64_t>::max() ? available : account_.bytes() + available;
  // What running requests were promised, but have not touched yet, still counts as free.
  scheduler_.SetLimit(scheduler_.running() == 0 ? limit : std::min(limit, scheduler_.limit()));
}

int64_t Engine::AvailableBytes() const { return device_ != nullptr ? device_->FreeBytes() : AvailableMemoryBytes(); }

void Engine::NoteHealth() {
  if (device_ == nullptr || !lost_.ok()) return;
  lost_ = device_->health();
  if (!lost_.ok()) scheduler_.EndAll(End::kDeviceLost);
}

void Engine::Serve(Lane& lane) {
  std::unique_lock lock(mutex_);
  while (!closing_) {
    if (scheduler_.queued() > 0) UpdateLimit();
    const std::optional<WorkItem> item = scheduler_.Next(lane.index, Now());
    if (std::vector<Active> ended = CarryOut(); !ended.empty()) {
      lock.unlock();
      ended.clear();
      lock.lock();
      // Work may have come meanwhile, and nobody wakes a lane that does not wait yet.
      if (!item) continue;
    }
    if (item) {
      lane.SetBusy(true);
      Perform(lane, *item, lock);
    } else {
      lane.SetBusy(false);
      WakeMainLane(lane);
      AwaitWork(lane, lock);
    }
  }
  lane.SetBusy(false);
}

void Engine::AwaitWork(Lane& lane, std::unique_lock<std::mutex>& lock) {
  if (closing_) return;
  lane.waits = true;
  const Time deadline = scheduler_.NextDeadline();
  if (deadline == Time::max()) {
    lane.wake.wait(lock);
  } else {
    lane.wake.wait_until(lock, std::chrono::steady_clock::time_point(deadline));
  }
  lane.waits = false;
}

// Who is woken in vain costs a processor that others compute on.
void Engine::WakeLanes(const Lane* own) {
  int language = scheduler_.Ready(Half::kLanguage), picture = scheduler_.Ready(Half::kPicture);
  if (own != nullptr) --(own->index == Scheduler::kLanguageLane ? language : picture);
  const auto wake = [](Lane& lane) {
    lane.waits = false;
    lane.wake.notify_one();
  };
  for (const auto& lane : lanes_) {
    int& ready = lane->index == Scheduler::kLanguageLane ? language : picture;
    if (!lane->waits || ready <= 0) continue;
    --ready;
    wake(*lane);
  }
  // Somebody has to wait for a deadline that is nearer than before.
  const Time deadline = scheduler_.NextDeadline();
  if (deadline >= next_deadline_.exchange(deadline)) return;
  const auto idle = std::find_if(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->waits; });
  if (idle != lanes_.end()) wake(**idle);
}

// A further lane was counted on for work that there is no memory for in it.
void Engine::WakeMainLane(const Lane& own) {
  Lane& main = *lanes_[Scheduler::kMainPictureLane];
  if (own.index <= Scheduler::kMainPictureLane || !main.waits || scheduler_.Ready(Half::kPicture) == 0) return;
  main.waits = false;
  main.wake.notify_one();
}

void Engine::Perform(Lane& lane, const WorkItem& item, std::unique_lock<std::mutex>& lock) {
  std::vector<Active*> actives;
  for (const RequestId id : item.requests) actives.push_back(&actives_.at(id));
  const int64_t lane_bytes = scheduler_.LaneBytes(lane.index);
  const Time began = Now();
  std::vector<Status> statuses(actives.size());
  WakeLanes(nullptr);  // there may be work for another lane too
  lock.unlock();
  Do(lane, item.work, lane_bytes, actives, statuses);
  const Time ended = Now();
  std::vector<Outcome> outcomes;
  for (size_t i = 0; i < actives.size(); ++i) {
    Active& active = *actives[i];
    active.worked += ended - began;
    if (active.run != nullptr) SecondsOf(item.work, active.run->timings) += Seconds(ended - began);
    Outcome outcome{item.requests[i], !statuses[i].ok(), std::nullopt};
    if (statuses[i].ok()) {
      outcome.next = pipeline_.Next(*active.run);
      outcome.copied = item.work == Work::kPrefill && active.run->copied_prompt;
      Tell(item.work, active);
    }
    active.failure = statuses[i];
    outcomes.push_back(outcome);
  }
  std::vector<Active> garbage;
  lock.lock();
  Count(item.work, actives, statuses, began, ended);
  NoteHealth();
  scheduler_.Expire(ended);
  scheduler_.Finish(lane.index, outcomes, ended);
  garbage = CarryOut();
  WakeLanes(&lane);
  if (garbage.empty()) return;
  lock.unlock();
  garbage.clear();
  lock.lock();
}

void Engine::Do(Lane& lane, Work work, int64_t lane_bytes, std::span<Active* const> actives,
                std::vector<Status>& statuses) {
  Status failure;
  try {
    failure = DoSafely(lane, work, lane_bytes, actives, statuses);
  } catch (const std::bad_alloc&) {
    failure = OutOfMemory("the machine ran out of memory during the request: free some, or make the request smaller");
  } catch (const std::exception& error) {
    failure = InternalError(fmt::format("unexpected failure: {}: please report it", error.what()));
  }
  if (failure.ok()) return;
  (void)lane.ops->Finish();  // what was queued behind a failure is nobody's
  std::fill(statuses.begin(), statuses.end(), failure);
}

Status Engine::DoSafely(Lane& lane, Work work, int64_t lane_bytes, std::span<Active* const> actives,
                        std::vector<Status>& statuses) {
  HalfNeed need;
  std::vector<Run*> runs;
  for (Active* active : actives) {
    const HalfNeed& own = HalfOf(work) == Half::kLanguage ? active->need.language : active->need.picture;
    need.workspace_bytes = std::max(need.workspace_bytes, own.workspace_bytes);
    need.capacity = Larger(need.capacity, own.capacity);
    if (active->run == nullptr) BLIP3O_RETURN_IF_ERROR(MakeRun(lane, *active));
    runs.push_back(active->run.get());
  }
  // What the lane has recorded may name weights that are gone: nobody would ask for it again.
  if (lane.index == Scheduler::kLanguageLane && versions_gone_.exchange(false)) lane.Release();
  BLIP3O_RETURN_IF_ERROR(lane.Provide(need, lane_bytes, account_));
  Arena arena(lane.workspace);
  LaneObserver observer(*this, *actives.front());
  const Workplace at{*lane.ops, arena, observer};
  if (work == Work::kToken) {
    NextTokens(at, runs, statuses);
  } else if (work == Work::kPrefill) {
    BLIP3O_RETURN_IF_ERROR(Prefill(at, *runs.front()));
  } else {
    BLIP3O_RETURN_IF_ERROR(pipeline_.Do(work, at, *runs.front()));
  }
  // Of what was copied to the host last.
  return lane.ops->Finish();
}

Status Engine::MakeRun(Lane& lane, Active& active) {
  BLIP3O_ASSIGN_OR_RETURN(Buffer slab, lane.ops->Allocate(active.need.slab_bytes));
  active.slab = Holding(account_, active.need.slab_bytes);
  active.run = std::make_unique<Run>(active.job->request(), active.job->id(), std::move(slab));
  if (!active.job->request().Runs(Stage::kTokens)) return {};
  const std::lock_guard lock(mutex_);
  active.run->language = language_;
  active.job->SetLanguageVersion(pipeline_.language().VersionOf(*active.run).number());
  return {};
}

Status Engine::Prefill(const Workplace& at, Run& run) {
  LanguageHalf& language = pipeline_.language();
  const bool shared = run.request.tokens.empty();
  if (run.sequence.empty()) {
    language.Begin(at, run);
    std::shared_ptr<const KnownPrompt> known;
    if (shared) {
      const std::lock_guard lock(mutex_);
      known = prompts_.Find(run.sequence, language.VersionOf(run).number());
      metrics_.prompts_reused += known != nullptr;
    }
    if (known != nullptr) {
      language.TakePrompt(at.ops, *known, run);
      return at.ops.Finish();
    }
  }
  BLIP3O_RETURN_IF_ERROR(pipeline_.Do(Work::kPrefill, at, run));
  if (!language.HasPrefilled(run)) return {};
  if (shared) RememberPrompt(at, run);
  const std::lock_guard lock(mutex_);
  ++metrics_.prompts_computed;
  return {};
}

void Engine::NextTokens(const Workplace& at, std::span<Run* const> runs, std::vector<Status>& statuses) {
  const LanguageHalf& language = pipeline_.language();
  const LanguageVersion& first = language.VersionOf(*runs.front());
  if (std::ranges::all_of(runs, [&](const Run* run) { return &language.VersionOf(*run) == &first; })) {
    return language.NextTokens(at, runs, statuses);
  }
  std::map<int64_t, std::vector<size_t>> by_version;
  for (size_t i = 0; i < runs.size(); ++i) by_version[language.VersionOf(*runs[i]).number()].push_back(i);
  for (const auto& [version, places] : by_version) {
    std::vector<Run*> own;
    std::vector<Status> own_statuses;
    for (const size_t i : places) own.push_back(runs[i]);
    language.NextTokens(at, own, own_statuses);
    for (size_t k = 0; k < places.size(); ++k) statuses[places[k]] = std::move(own_statuses[k]);
  }
}

// For others with the same prompt, where there is room. Without memory nobody is worse off than before.
void Engine::RememberPrompt(const Workplace& at, const Run& run) {
  const int64_t bytes = pipeline_.language().PromptBytes(static_cast<int64_t>(run.sequence.size()));
  {
    const std::lock_guard lock(mutex_);
    const int64_t most = std::min(scheduler_.room() + prompts_.size_bytes(), scheduler_.limit() / kPromptsPart);
    if (bytes > most) return;
    prompts_.Shrink(most - bytes);
    scheduler_.SetCache(prompts_.size_bytes() + bytes);
  }
  Result<Buffer> memory = at.ops.Allocate(bytes);
  if (memory.ok()) {
    auto prompt = std::make_shared<KnownPrompt>();
    *prompt = pipeline_.language().CopyPrompt(at.ops, run, std::move(*memory), Holding(account_, bytes));
    if (at.ops.Finish().ok()) {
      const std::lock_guard lock(mutex_);
      // Unless it was taken for a request meanwhile.
      if (scheduler_.cache() >= bytes) prompts_.Put(std::move(prompt));
    }
  }
  const std::lock_guard lock(mutex_);
  scheduler_.SetCache(prompts_.size_bytes());
}

void Engine::Tell(Work work, Active& active) {
  Run& run = *active.run;
  EventQueue& events = active.job->events();
  active.job->SetTimings(run.timings);
  if (work == Work::kToken) {
    const int32_t count = static_cast<int32_t>(run.hidden_states.rows - 1);
    for (int64_t drawn = run.drawn - run.drawn_in_round + 1; drawn <= run.drawn; ++drawn) {
      events.Push({EventKind::kToken, static_cast<int32_t>(drawn), count});
    }
  }
  if (work != Work::kStep) return;
  const int32_t steps = PictureHalf::Steps(run.request);
  events.Push({EventKind::kStep, run.steps_done, steps});
  if (run.preview != nullptr) events.Push({EventKind::kPreview, run.steps_done, steps, run.preview});
}

void Engine::Count(Work work, std::span<Active* const> actives, const std::vector<Status>& statuses, Time began,
                   Time ended) {
  SecondsOf(work, metrics_.seconds) += Seconds(ended - began);
  int64_t batches = 0;
  for (size_t i = 0; i < actives.size(); ++i) {
    if (!statuses[i].ok()) continue;
    const Run& run = *actives[i]->run;
    if (work == Work::kToken) {
      metrics_.tokens += run.drawn_in_round;
      batches = run.drawn_in_round;  // each of them draws as many
    }
    metrics_.steps += work == Work::kStep;
    metrics_.pictures += work == Work::kDecode;
    metrics_.previews += work == Work::kStep && run.preview != nullptr;
    if (work == Work::kToken && run.drawn == run.drawn_in_round) {
      ++metrics_.first_tokens;
      metrics_.first_token_seconds += Seconds(ended - actives[i]->submitted);
    }
  }
  metrics_.token_batches += batches;
}

std::vector<Engine::Active> Engine::CarryOut() {
  const Decisions decisions = scheduler_.TakeDecisions();
  for (const int lane : decisions.released_lanes) lanes_[static_cast<size_t>(lane)]->Release();
  if (decisions.cache_released) prompts_.Clear();
  for (const RequestId id : decisions.started) {
    Active& active = actives_.at(id);
    active.started = Now();
    ++metrics_.started;
    metrics_.queue_seconds += Seconds(active.started - active.submitted);
    active.job->events().Push({EventKind::kStarted});
  }
  std::vector<Active> ended;
  for (const auto& [id, end] : decisions.ended) {
    auto node = actives_.extract(id);
    EndActive(node.mapped(), end);
    ended.push_back(std::move(node.mapped()));
  }
  if (!decisions.ended.empty() && !versions_.empty()) CountConstants();
  return ended;
}

void Engine::EndActive(Active& active, End end) {
  const Time now = Now();
  Timings timings = active.run != nullptr ? active.run->timings : Timings();
  timings.queued = Seconds((active.started == Time::zero() ? now : active.started) - active.submitted);
  timings.waiting = active.started == Time::zero() ? 0 : Seconds(now - active.started - active.worked);
  timings.workspace_bytes =
      active.need.slab_bytes + active.need.language.workspace_bytes + active.need.picture.workspace_bytes;
  active.job->SetTimings(timings);
  const Status status = StatusOf(active, end);
  metrics_.done += status.ok();
  metrics_.cancelled += status.code() == StatusCode::kCancelled;
  metrics_.expired += status.code() == StatusCode::kDeadlineExceeded;
  metrics_.failed +=
      !status.ok() && status.code() != StatusCode::kCancelled && status.code() != StatusCode::kDeadlineExceeded;
  if (status.ok() && active.job->request().last_stage == Stage::kPixels) {
    active.job->events().Push({EventKind::kPicture});
  }
  Values values = status.ok() ? std::move(active.run->values) : Values();
  // Whoever hears of the end, or is given this memory next, finds it free.
  active.run.reset();
  active.slab = Holding();
  active.job->End(status, std::move(values));
}

Status Engine::StatusOf(const Active& active, End end) const {
  const bool waited = active.started == Time::zero();
  switch (end) {
    case End::kDone:
      return {};
    case End::kFailed:
      return active.failure;
    case End::kCancelled:
      return Cancelled(waited ? "the request was cancelled before it started" : "the request was cancelled");
    case End::kExpired:
      return DeadlineExceeded(fmt::format(
          "the request did not end within its deadline of {} ms: it was {}: allow more time, or ask when less is asked",
          active.job->request().deadline_millis, waited ? "still waiting to be started" : "being worked on"));
    case End::kDeviceLost:
      return lost_;
    case End::kNoMemory:
      return OutOfMemory(fmt::format(
          "too little memory: when the request's turn came, the machine had {} left for it: free some memory",
          Mebibytes(std::max<int64_t>(0, scheduler_.room()))));
  }
  return InternalError("a request ended in an unknown way: please report it");
}

void Engine::CountConstants() {
  int64_t bytes = constants_.bytes() + quantized_.bytes() + coming_version_bytes_;
  std::erase_if(versions_, [&](const auto& version) {
    const auto in_use = version.lock();
    if (in_use != nullptr) {
      bytes += in_use->size_bytes();
    } else {
      versions_gone_ = true;
    }
    return in_use == nullptr;
  });
  scheduler_.SetConstants(bytes);
}

Result<int64_t> Engine::UpdateLanguageModel(std::span<const NamedTensor> tensors) {
  const std::lock_guard one_at_a_time(update_mutex_);
  const UpdateEnd end(*this);
  BLIP3O_ASSIGN_OR_RETURN(std::shared_ptr<LanguageVersion> version, MakeVersion(tensors));
  PutInPlace(std::move(version));
  return last_version_;
}

Result<std::shared_ptr<LanguageVersion>> Engine::MakeVersion(std::span<const NamedTensor> tensors) {
  const bool quantized = (options_.quantization & kInt8Language) != 0;
  const int64_t bytes = BytesOf(tensors) + (quantized ? checkpoint_->QuantizedLanguageModelBytes() : 0);
  Holding holding;
  if (device_ == nullptr) {
    BLIP3O_RETURN_IF_ERROR(ReserveVersion(bytes));
    // Before the machine's free memory becomes less by it: what requests may take is the sum of the two.
    holding = Holding(account_, bytes);
  } else {
    BLIP3O_RETURN_IF_ERROR(device_->health());
    if (const int64_t free = AvailableMemoryBytes(); bytes > free) {
      return OutOfMemory(fmt::format(
          "the new version of the language model takes {} of the host's memory on its way to the device, and {} are "
          "free: free some memory",
          Mebibytes(bytes), Mebibytes(free)));
    }
  }
  BLIP3O_ASSIGN_OR_RETURN(OwnedLanguageWeights owned, CopyWeights(tensors));
  const auto version = std::make_shared<LanguageVersion>(*checkpoint_, last_version_ + 1, std::move(owned));
  if (device_ == nullptr) {
    version->StayOnHost(std::move(holding));
  } else {
    BLIP3O_RETURN_IF_ERROR(MoveToDevice(version));
  }
  return version;
}

Result<OwnedLanguageWeights> Engine::CopyWeights(std::span<const NamedTensor> tensors) const {
  BLIP3O_ASSIGN_OR_RETURN(OwnedLanguageWeights owned, CopyLanguageWeights(checkpoint_->config(), tensors));
  if ((options_.quantization & kInt8Language) != 0) {
    BLIP3O_ASSIGN_OR_RETURN(owned.quantized, blip3o::QuantizeLanguageModel(owned.weights, options_.threads));
  }
  return owned;
}

Status Engine::MoveToDevice(const std::shared_ptr<LanguageVersion>& version) {
  const auto dry_run = [&](Ops& dry_ops) { pipeline_.ReadWeights(dry_ops, version); };
  const int64_t bytes = device_->LoadBytes(dry_run);
  BLIP3O_RETURN_IF_ERROR(ReserveVersion(bytes));
  Holding holding(account_, bytes);
  BLIP3O_ASSIGN_OR_RETURN(Buffer loaded, device_->Load(dry_run));
  version->MoveToDevice(std::move(loaded), std::move(holding));
  return {};
}

Status Engine::ReserveVersion(int64_t bytes) {
  const std::lock_guard lock(mutex_);
  UpdateLimit();
  const int64_t free = scheduler_.room() + prompts_.size_bytes();
  if (bytes > free) {
    return OutOfMemory(fmt::format(
        "the new version of the language model takes {} beside the one in use, and {} are free: raise the limit, or "
        "update when fewer requests run",
        Mebibytes(bytes), Mebibytes(std::max<int64_t>(0, free))));
  }
  prompts_.Clear();
  scheduler_.SetCache(0);
  coming_version_bytes_ = bytes;
  CountConstants();
  return {};
}

void Engine::PutInPlace(std::shared_ptr<const LanguageVersion> version) {
  const std::lock_guard lock(mutex_);
  versions_.push_back(version);  // the only one that may fail
  last_version_ = version->number();
  coming_version_bytes_ = 0;  // it is counted as one of them
  language_.swap(version);
  prompts_.Clear();
  scheduler_.SetCache(0);
  // The lock goes first, then the version before, unless a run has it.
}

Metrics Engine::metrics() {
  const std::lock_guard lock(mutex_);
  Metrics now = metrics_;
  now.healthy = lost_.ok() && (device_ == nullptr || device_->health().ok());
  now.queued = scheduler_.queued();
  now.running = scheduler_.running();
  now.memory_in_use_bytes = account_.bytes();
  now.memory_peak_bytes = std::max(account_.peak(), now.memory_in_use_bytes);  // a lane may be between the two
  UpdateLimit();
  now.memory_limit_bytes = scheduler_.limit();
  now.memory_blocks = account_.blocks();
  return now;
}

}  // namespace blip3o
