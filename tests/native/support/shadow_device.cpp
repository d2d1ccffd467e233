#include "support/shadow_device.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <map>
#include <mutex>
#include <utility>

#include "base/q8.h"
#include "base/thread_pool.h"
#include "ops/cpu/cpu_ops.h"
#include "ops/cuda/weight_plan.h"

namespace blip3o::test {

namespace {

constexpr int64_t kAlignment = 256;
constexpr int64_t kAddresses = int64_t{1} << 34;

struct BadOperand : std::exception {};

// Of a weight, its scales included.
int64_t BytesOf(const View& view) {
  return view.dtype == DType::kQ8 ? Q8Layout::Of(view).size_bytes() : view.size_bytes();
}

char* Reserve(int protection) {
  void* at = mmap(nullptr, kAddresses, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return at == MAP_FAILED ? nullptr : static_cast<char*>(at);
}

}  // namespace

// What operations, buffers and the device share. Any thread's.
class ShadowDevice::State {
 public:
  explicit State(const ShadowOptions& options)
      : options(options), seen_(Reserve(PROT_NONE)), shadow_(Reserve(PROT_READ | PROT_WRITE)) {
    pool = std::move(ThreadPool::Create(options.threads).value());
  }
  ~State() {
    munmap(seen_, kAddresses);
    munmap(shadow_, kAddresses);
  }

  void Complain(std::string text) {
    const std::lock_guard lock(mutex_);
    if (complaints_.size() < 20) complaints_.push_back(std::move(text));
  }
  std::vector<std::string> complaints() const {
    const std::lock_guard lock(mutex_);
    return complaints_;
  }

  void Break() {
    const std::lock_guard lock(mutex_);
    if (lost_.ok()) lost_ = DeviceLost("the shadow was lost: open the model again");
  }
  Status lost() const {
    const std::lock_guard lock(mutex_);
    return lost_;
  }

  // False where the device is lost, by this operation too.
  bool Begin(bool replay) {
    if (options.before_operation) options.before_operation(Read(&State::operations_));
    const std::lock_guard lock(mutex_);
    if (!lost_.ok()) return false;
    if (operations_++ == options.fault_at) {
      lost_ = DeviceLost(fmt::format("the shadow was lost in operation {}: open the model again", options.fault_at));
      return false;
    }
    replayed_ += replay;
    return true;
  }

  Result<Buffer> Allocate(int64_t size_bytes, const std::shared_ptr<State>& self) {
    const std::lock_guard lock(mutex_);
    if (!lost_.ok()) return lost_;
    if (allocations_++ == options.no_memory_at || size_bytes > Most() - used_) {
      return OutOfMemory(fmt::format("the shadow has no {} bytes left: free some memory", size_bytes));
    }
    const int64_t rounded = std::max<int64_t>(1, (size_bytes + kAlignment - 1) / kAlignment) * kAlignment;
    int64_t at = 0;
    for (const auto& [offset, size] : live_) {
      if (offset - at >= rounded) break;
      at = offset + (size + kAlignment - 1) / kAlignment * kAlignment + kAlignment;
    }
    live_[at] = size_bytes;
    used_ += size_bytes;
    std::memset(shadow_ + at, 0xFF, static_cast<size_t>(size_bytes));  // NaN
    return Buffer::Adopt(seen_ + at, size_bytes, [self](void* data) { self->Free(data); });
  }

  bool IsSeen(const void* address) const {
    const char* at = static_cast<const char*>(address);
    return seen_ <= at && at < seen_ + kAddresses;
  }

  // The shadow of `bytes` bytes. What is not allocated ends the operation with a complaint.
  void* ShadowOf(const void* address, int64_t bytes) {
    if (address == nullptr) return nullptr;
    if (IsSeen(address)) {
      const int64_t offset = static_cast<const char*>(address) - seen_;
      const std::lock_guard lock(mutex_);
      auto it = live_.upper_bound(offset);
      if (it != live_.begin() && offset + bytes <= std::prev(it)->first + std::prev(it)->second) {
        return shadow_ + offset;
      }
    }
    Complain(fmt::format("an operand of {} bytes at {} is not in the device's allocated memory", bytes, address));
    throw BadOperand();
  }

  void Plan(const std::vector<cuda::WeightStore::Wanted>& wanted) {
    const std::lock_guard lock(mutex_);
    for (const auto& w : wanted) {
      int64_t& bytes = weights_[static_cast<const char*>(w.view.data)];
      bytes = std::max(bytes, w.view.size_bytes());
    }
  }
  bool IsPlanned(const View& view) const {
    const char* data = static_cast<const char*>(view.data);
    const std::lock_guard lock(mutex_);
    auto it = weights_.upper_bound(data);
    return it != weights_.begin() && data + view.size_bytes() <= std::prev(it)->first + std::prev(it)->second;
  }

  // Copies `wanted` behind `to`, which is allocated.
  void Bring(const std::vector<cuda::WeightStore::Wanted>& wanted, void* to) {
    char* at = static_cast<char*>(to);
    for (const auto& w : wanted) {
      std::memcpy(ShadowOf(at, BytesOf(w.view)), w.view.data, static_cast<size_t>(BytesOf(w.view)));
      const std::lock_guard lock(mutex_);
      loaded_[static_cast<const char*>(w.view.data)] = {at, BytesOf(w.view)};
      at += PlaceOf(w);
    }
  }
  void Drop(const std::vector<cuda::WeightStore::Wanted>& wanted) {
    const std::lock_guard lock(mutex_);
    for (const auto& w : wanted) loaded_.erase(static_cast<const char*>(w.view.data));
  }
  // Where a weight that was brought in later lies; null for others.
  const void* FindLoaded(const View& view) const {
    const char* data = static_cast<const char*>(view.data);
    const std::lock_guard lock(mutex_);
    auto it = loaded_.upper_bound(data);
    if (it == loaded_.begin()) return nullptr;
    const auto& [host, there] = *--it;
    return data + view.size_bytes() <= host + there.second ? there.first + (data - host) : nullptr;
  }
  static int64_t PlaceOf(const cuda::WeightStore::Wanted& w) {
    return (BytesOf(w.view) + kAlignment - 1) / kAlignment * kAlignment;
  }
  void NoteRecorded(int64_t change) {
    const std::lock_guard lock(mutex_);
    all_recorded_ += change;
  }
  int64_t weight_bytes() const {
    const std::lock_guard lock(mutex_);
    int64_t bytes = 0;
    for (const auto& [data, size] : weights_) bytes += size;
    return bytes;
  }

  void NoteRepeats(int ahead) {
    const std::lock_guard lock(mutex_);
    most_repeats_ahead_ = std::max(most_repeats_ahead_, ahead);
  }
  int64_t FreeBytes() const {
    const std::lock_guard lock(mutex_);
    return lost_.ok() ? Most() - used_ : 0;
  }
  Status TakeArena(int64_t bytes) {
    const std::lock_guard lock(mutex_);
    if (!lost_.ok()) return lost_;
    if (allocations_ > 0) complaints_.push_back("memory was allocated before the arena was taken");
    if (bytes > options.memory_bytes) {
      return OutOfMemory(fmt::format("the shadow has no {} bytes for an arena: free some memory", bytes));
    }
    arena_ = bytes;
    return {};
  }
  template <typename T>
  T Read(T State::*member) const {
    const std::lock_guard lock(mutex_);
    return this->*member;
  }

  const ShadowOptions options;
  std::shared_ptr<ThreadPool> pool;
  int64_t operations_ = 0, replayed_ = 0, all_recorded_ = 0, allocations_ = 0, used_ = 0, arena_ = 0;
  int most_repeats_ahead_ = 0;

 private:
  int64_t Most() const { return arena_ > 0 ? arena_ : options.memory_bytes; }
  void Free(void* data) {
    const std::lock_guard lock(mutex_);
    const auto it = live_.find(static_cast<char*>(data) - seen_);
    std::memset(shadow_ + it->first, 0xFF, static_cast<size_t>(it->second));
    used_ -= it->second;
    live_.erase(it);
  }

  char* const seen_;    // addresses that fault
  char* const shadow_;  // what lies there
  mutable std::mutex mutex_;
  std::map<int64_t, int64_t> live_;  // offset → size
  std::map<const char*, int64_t> weights_;
  std::map<const char*, std::pair<const char*, int64_t>> loaded_;  // by the host's address
  std::vector<std::string> complaints_;
  Status lost_;
};

namespace {

using State = ShadowDevice::State;

class ShadowOps final : public Ops {
 public:
  ShadowOps(std::shared_ptr<State> state, std::unique_ptr<Ops> cpu) : state_(std::move(state)), cpu_(std::move(cpu)) {}
  ~ShadowOps() override { state_->NoteRecorded(-static_cast<int64_t>(recorded_.size())); }

  std::string name() const override { return "shadow"; }

  // ---- Memory and order ----------------------------------------------------------------------------------------

  Result<Buffer> Allocate(int64_t size_bytes) override {
    Forbid("Allocate");
    return state_->Allocate(size_bytes, state_);
  }
  Status Reserve(const Capacity& capacity) override { return cpu_->Reserve(capacity); }
  void Release() override {
    if (!queue_.empty()) state_->Complain("scratch memory was given back with work under way");
    cpu_->Release();
    state_->NoteRecorded(-static_cast<int64_t>(recorded_.size()));
    recorded_.clear();
  }
  int64_t ScratchBytes(const Capacity& capacity) const override { return cpu_->ScratchBytes(capacity); }
  void BeginWork() override { cpu_->BeginWork(); }
  void EndWork() override { cpu_->EndWork(); }
  int TokensAhead() const override { return state_->options.tokens_ahead; }

  void Repeat(const RepeatKey& key, const std::function<void()>& work) override {
    Forbid("Repeat");
    ahead_ = key == last_key_ ? ahead_ + 1 : 1;
    last_key_ = key;
    state_->NoteRepeats(ahead_);
    if (!state_->options.replays) return work();
    for (const auto& [known, operations] : recorded_) {
      if (!(known == key)) continue;
      for (const Work& operation : operations) queue_.push_back({operation, true});
      return;
    }
    recorded_.push_back({key, {}});
    state_->NoteRecorded(1);
    recording_ = true;
    work();
    recording_ = false;
  }

  void CopyIn(const void* host, int64_t size_bytes, void* to) override {
    Forbid("CopyIn");
    if (state_->IsSeen(host)) return state_->Complain("CopyIn from the device's memory");
    const auto* from = static_cast<const char*>(host);
    Queue([=, this, bytes = std::vector<char>(from, from + size_bytes)](Ops&) {
      std::memcpy(state_->ShadowOf(to, size_bytes), bytes.data(), bytes.size());
    });
  }
  void CopyOut(const void* from, int64_t size_bytes, void* host) override {
    Forbid("CopyOut");
    if (state_->IsSeen(host)) return state_->Complain("CopyOut to the device's memory");
    Queue([=, this](Ops&) { std::memcpy(host, state_->ShadowOf(from, size_bytes), static_cast<size_t>(size_bytes)); });
    Flush();
  }
  Status Finish() override {
    Forbid("Finish");
    Flush();
    Status failure = cpu_->Finish();
    const Status lost = state_->lost();
    return lost.ok() ? failure : lost;
  }

  // ---- Operations ------------------------------------------------------------------------------------------------

  void Matmul(const Matrix& x, const View& weight, const Epilogue& epilogue, const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.Matmul(At(x), At(weight), At(epilogue), At(out)); });
  }
  void TokenMatmul(const TokenInput& input, std::span<const TokenProduct> products) override {
    Queue([=, this, all = std::vector<TokenProduct>(products.begin(), products.end())](Ops& cpu) {
      std::vector<TokenProduct> real;
      for (const TokenProduct& p : all) real.push_back({At(p.weight), At(p.epilogue), At(p.out)});
      cpu.TokenMatmul(At(input), real);
    });
  }
  void TokenSwiGlu(const TokenInput& input, const View& gate, const View& up, const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.TokenSwiGlu(At(input), At(gate), At(up), At(out)); });
  }
  void GroupedPointwise(const Matrix& x, const View& weight, const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.GroupedPointwise(At(x), At(weight), At(out)); });
  }
  void Embed(const View& table, const int32_t* ids, int32_t offset, const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.Embed(At(table), At(ids, out.rows), offset, At(out)); });
  }
  void RotaryAppend(const RotaryParameters& parameters, const Matrix& q, const Matrix& k, const Matrix& v,
                    const KvSlot& slot) override {
    Queue([=, this](Ops& cpu) { cpu.RotaryAppend(At(parameters), At(q), At(k), At(v), At(slot, parameters.shape)); });
  }
  void PrefillAttention(const AttentionShape& shape, const Matrix& q, const KvSlot& slot, const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.PrefillAttention(shape, At(q), At(slot, shape), At(out)); });
  }
  void GatherHiddenStates(const TokenTable& table, const Matrix& out) override {
    QueueOn(table, [=, this](Ops& cpu, const TokenTable& real) { cpu.GatherHiddenStates(real, At(out)); });
  }
  void DrawTokens(const Matrix& logits, const TokenTable& table) override {
    QueueOn(table, [=, this](Ops& cpu, const TokenTable& real) { cpu.DrawTokens(At(logits), real); });
  }
  void EmbedTokens(const View& embedding, int32_t offset, const TokenTable& table, const Matrix& out) override {
    QueueOn(table,
            [=, this](Ops& cpu, const TokenTable& real) { cpu.EmbedTokens(At(embedding), offset, real, At(out)); });
  }
  void RotaryAppendTokens(const RotaryParameters& parameters, int64_t layer, const Matrix& q, const Matrix& k,
                          const Matrix& v, const TokenTable& table) override {
    QueueOn(table, [=, this](Ops& cpu, const TokenTable& real) {
      cpu.RotaryAppendTokens(At(parameters), layer, At(q), At(k), At(v), real);
    });
  }
  void DecodeAttention(const AttentionShape& shape, int64_t layer, const Matrix& q, const TokenTable& table,
                       const Matrix& out) override {
    QueueOn(table,
            [=, this](Ops& cpu, const TokenTable& real) { cpu.DecodeAttention(shape, layer, At(q), real, At(out)); });
  }
  void FinishTokens(const Matrix& x, const View& norm, double eps, const TokenTable& table) override {
    QueueOn(table, [=, this](Ops& cpu, const TokenTable& real) { cpu.FinishTokens(At(x), At(norm), eps, real); });
  }
  void RmsNorm(const Matrix& x, const View& weight, const View& bias, double eps, Activation activation,
               const Matrix& residual, const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.RmsNorm(At(x), At(weight), At(bias), eps, activation, At(residual), At(out)); });
  }
  void LayerNormModulate(const Matrix& x, const Matrix& shift, const Matrix& scale, double eps,
                         const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.LayerNormModulate(At(x), At(shift), At(scale), eps, At(out)); });
  }
  void LayerNorm(const Matrix& x, const View& weight, const View& bias, double eps, const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.LayerNorm(At(x), At(weight), At(bias), eps, At(out)); });
  }
  void L2Normalize(const Matrix& x, const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.L2Normalize(At(x), At(out)); });
  }
  void CrossAttention(const Matrix& q, const Matrix& k, const Matrix& v, int64_t heads, int64_t head_dim,
                      const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.CrossAttention(At(q), At(k), At(v), heads, head_dim, At(out)); });
  }
  void LinearAttention(const LinearAttentionInput& input, const Matrix& out) override {
    Queue([=, this](Ops& cpu) {
      LinearAttentionInput real = input;
      real.q = At(input.q), real.k = At(input.k), real.v = At(input.v);
      cpu.LinearAttention(real, At(out));
    });
  }
  void Conv3x3(const Matrix& x, const Grid& grid, const View& weight, const Epilogue& epilogue,
               const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.Conv3x3(At(x), grid, At(weight), At(epilogue), At(out)); });
  }
  void UpsampleConv3x3(const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                       const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.UpsampleConv3x3(At(x), grid, At(weight), At(bias), At(out)); });
  }
  void DownsampleConv3x3(const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                         const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.DownsampleConv3x3(At(x), grid, At(weight), At(bias), At(out)); });
  }
  void DepthwiseConv(const Matrix& x, const Grid& grid, const View& weight, const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.DepthwiseConv(At(x), grid, At(weight), At(out)); });
  }
  void DepthwiseGate(const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                     const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.DepthwiseGate(At(x), grid, At(weight), At(bias), At(out)); });
  }
  void PixelShuffle(const Matrix& x, const Grid& grid, const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.PixelShuffle(At(x), grid, At(out)); });
  }
  void AddUpsampled(const Matrix& x, const Grid& grid, const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.AddUpsampled(At(x), grid, At(out)); });
  }
  void AddRepeated(const Matrix& x, const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.AddRepeated(At(x), At(out)); });
  }
  void SpaceToDepth(const Matrix& x, const Grid& grid, int64_t patch, const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.SpaceToDepth(At(x), grid, patch, At(out)); });
  }
  void AddDownsampled(const Matrix& x, const Grid& grid, const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.AddDownsampled(At(x), grid, At(out)); });
  }
  void AddAveraged(const Matrix& x, const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.AddAveraged(At(x), At(out)); });
  }
  void Copy(const Matrix& x, const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.Copy(At(x), At(out)); });
  }
  void ToPlanes(const Matrix& x, float factor, float* planes) override {
    Queue([=, this](Ops& cpu) { cpu.ToPlanes(At(x), factor, At(planes, x.rows * x.cols)); });
  }
  void FromPlanes(const float* planes, float factor, const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.FromPlanes(At(planes, out.rows * out.cols), factor, At(out)); });
  }
  void Activate(const Matrix& x, Activation activation, const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.Activate(At(x), activation, At(out)); });
  }
  void AddTable(const View& table, const Matrix& x, const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.AddTable(At(table), At(x), At(out)); });
  }
  void AddRow(const Matrix& row, const Matrix& x) override {
    Queue([=, this](Ops& cpu) { cpu.AddRow(At(row), At(x)); });
  }
  void GuidedStep(const Matrix& null, const Matrix& cond, const StepScalars* step, const Matrix& velocity,
                  const Matrix& x) override {
    Queue([=, this](Ops& cpu) { cpu.GuidedStep(At(null), At(cond), At(step, 1), At(velocity), At(x)); });
  }
  void ToPixels(const Matrix& x, uint8_t* pixels) override {
    Queue([=, this](Ops& cpu) { cpu.ToPixels(At(x), At(pixels, x.rows * x.cols)); });
  }
  void FromPixels(const uint8_t* pixels, const Matrix& out) override {
    Queue([=, this](Ops& cpu) { cpu.FromPixels(At(pixels, out.rows * out.cols), At(out)); });
  }
  void FollowPath(const Matrix& mask, const Matrix& latents, const Matrix& noise, float sigma,
                  const Matrix& x) override {
    Queue([=, this](Ops& cpu) { cpu.FollowPath(At(mask), At(latents), At(noise), sigma, At(x)); });
  }
  void KeepLargest(const Matrix& scores, int32_t first, float* best, int32_t* index) override {
    Queue([=, this](Ops& cpu) { cpu.KeepLargest(At(scores), first, At(best, scores.rows), At(index, scores.rows)); });
  }
  bool AllFinite(const Matrix& x) override {
    Forbid("AllFinite");
    bool finite = true;
    Queue([&, this](Ops& cpu) { finite = cpu.AllFinite(At(x)); });
    Flush();
    return finite;
  }

 private:
  using Work = std::function<void(Ops&)>;
  struct Queued {
    Work work;
    bool replay;
  };

  void Forbid(const char* name) {
    if (recording_) state_->Complain(fmt::format("{} in work that may be replayed", name));
  }

  void Queue(Work work) {
    if (recording_) recorded_.back().second.push_back(work);
    queue_.push_back({std::move(work), false});
  }
  // `work` sees a table whose pointers are the shadow's; what it changes in it is taken over.
  template <typename F>
  void QueueOn(const TokenTable& table, const F& work) {
    Queue([=, this](Ops& cpu) {
      TokenRow* rows = At(table.rows, table.count);
      std::vector<TokenRow> real(rows, rows + table.count);
      for (TokenRow& row : real) {
        if (row.position >= table.most_positions) state_->Complain("a row's position reaches most_positions");
        row.cache = At(row.cache, 1);
        row.hidden_states = At(row.hidden_states, 1);
        row.tokens = At(row.tokens, 1);
        if (row.log_probabilities != nullptr) row.log_probabilities = At(row.log_probabilities, 1);
      }
      work(cpu, TokenTable{real.data(), table.count, table.most_positions});
      for (int64_t b = 0; b < table.count; ++b) {
        rows[b].position = real[static_cast<size_t>(b)].position;
        rows[b].drawn = real[static_cast<size_t>(b)].drawn;
        rows[b].finite = real[static_cast<size_t>(b)].finite;
      }
    });
  }
  void Flush() {
    ahead_ = 0;
    for (const Queued& queued : queue_) {
      if (!state_->complaints().empty() || !state_->Begin(queued.replay)) continue;
      try {
        queued.work(*cpu_);
      } catch (const BadOperand&) {
      }
    }
    queue_.clear();
  }

  // ---- Operands as the shadow has them ---------------------------------------------------------------------------

  template <typename T>
  T* At(T* data, int64_t count) {
    return static_cast<T*>(state_->ShadowOf(data, count * static_cast<int64_t>(sizeof(T))));
  }
  Matrix At(const Matrix& m) {
    if (m.empty() || m.rows == 0) return m;
    return {At(m.data, (m.rows - 1) * m.stride + m.cols), m.rows, m.cols, m.stride};
  }
  View At(const View& view) {
    if (view.empty()) return view;
    View real = view;
    if (state_->IsSeen(view.data)) {
      real.data = state_->ShadowOf(view.data, view.size_bytes());
    } else if (const void* const there = state_->FindLoaded(view)) {
      real.data = state_->ShadowOf(there, view.size_bytes());
    } else if (!state_->IsPlanned(view)) {
      state_->Complain(fmt::format("a weight {} was not brought in", view.shape.ToString()));
      throw BadOperand();
    }
    return real;
  }
  Epilogue At(const Epilogue& e) { return {At(e.bias), e.activation, At(e.gate), At(e.residual)}; }
  TokenInput At(const TokenInput& input) { return {At(input.x), At(input.norm), input.eps}; }
  RotaryParameters At(const RotaryParameters& p) { return {p.shape, At(p.q_norm), At(p.k_norm), p.eps, p.theta}; }
  KvSlot At(const KvSlot& slot, const AttentionShape& shape) {
    const int64_t count = shape.kv_heads * slot.capacity * shape.head_dim;
    return {At(slot.keys, count), At(slot.values, count), slot.capacity, slot.position};
  }

  const std::shared_ptr<State> state_;
  const std::unique_ptr<Ops> cpu_;
  std::vector<Queued> queue_;
  std::vector<std::pair<RepeatKey, std::vector<Work>>> recorded_;
  bool recording_ = false;
  RepeatKey last_key_;
  int ahead_ = 0;
};

}  // namespace

ShadowDevice::ShadowDevice(const ShadowOptions& options) : state_(std::make_shared<State>(options)) {}
ShadowDevice::~ShadowDevice() = default;

Result<std::unique_ptr<Ops>> ShadowDevice::CreateOps(LaneRole) {
  BLIP3O_ASSIGN_OR_RETURN(std::unique_ptr<Ops> cpu, cpu::CreateOps({.pool = state_->pool}));
  return std::unique_ptr<Ops>(new ShadowOps(state_, std::move(cpu)));
}

Status ShadowDevice::Preload(const std::function<void(Ops&)>& dry_run, const std::vector<View>& e4m3) {
  BLIP3O_RETURN_IF_ERROR(state_->options.preload_failure);
  cuda::WeightPlan plan;
  dry_run(plan);
  state_->Plan(plan.wanted());
  e4m3_ = e4m3;
  return {};
}

int64_t ShadowDevice::LoadBytes(const std::function<void(Ops&)>& dry_run) const {
  cuda::WeightPlan plan;
  dry_run(plan);
  int64_t bytes = 0;
  for (const auto& w : plan.wanted()) bytes += State::PlaceOf(w);
  return bytes;
}

Result<Buffer> ShadowDevice::Load(const std::function<void(Ops&)>& dry_run) {
  if (state_->options.before_load) state_->options.before_load();
  cuda::WeightPlan plan;
  dry_run(plan);
  BLIP3O_ASSIGN_OR_RETURN(Buffer memory, state_->Allocate(LoadBytes(dry_run), state_));
  state_->Bring(plan.wanted(), memory.data());
  const auto loaded = std::make_shared<Buffer>(std::move(memory));
  return Buffer::Adopt(loaded->data(), loaded->size_bytes(),
                       [state = state_, wanted = plan.wanted(), loaded](void*) { state->Drop(wanted); });
}

std::string ShadowDevice::lacks() const { return state_->options.lacks; }
Status ShadowDevice::TakeArena(int64_t bytes) { return state_->TakeArena(bytes); }
int64_t ShadowDevice::weight_bytes() const { return state_->weight_bytes(); }
int64_t ShadowDevice::FreeBytes() const { return state_->FreeBytes(); }
Status ShadowDevice::health() const { return state_->lost(); }
std::vector<std::string> ShadowDevice::complaints() const { return state_->complaints(); }
int64_t ShadowDevice::operations() const { return state_->Read(&State::operations_); }
int64_t ShadowDevice::replayed() const { return state_->Read(&State::replayed_); }
int64_t ShadowDevice::allocations() const { return state_->Read(&State::allocations_); }
int64_t ShadowDevice::recorded() const { return state_->Read(&State::all_recorded_); }
int64_t ShadowDevice::allocated_bytes() const { return state_->Read(&State::used_); }
int64_t ShadowDevice::arena_bytes() const { return state_->Read(&State::arena_); }
int ShadowDevice::most_repeats_ahead() const { return state_->Read(&State::most_repeats_ahead_); }
void ShadowDevice::Break() { state_->Break(); }

}  // namespace blip3o::test
