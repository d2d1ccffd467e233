#include "ops/cpu/cpu_ops.h"

#include <fmt/format.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "ops/cpu/kernels.h"
#include "ops/cpu/panel_product.h"

namespace blip3o::cpu {

namespace {

// Worker scratches start on their own cache lines.
constexpr int64_t kWorkerAlignment = 64;

std::string_view SimdName() {
  const int64_t targets = hwy::SupportedTargets();
  if (targets & (HWY_AVX3 | HWY_AVX3_DL)) return "AVX-512";
  if (targets & HWY_AVX2) return "AVX2";
  return "portable";
}

class CpuOps final : public Ops {
 public:
  CpuOps(std::shared_ptr<ThreadPool> pool, std::unique_ptr<PanelProducts> products, Compute compute)
      : pool_(std::move(pool)), lane_(pool_->MakeLane()), products_(std::move(products)) {
    context_.lane = lane_.get();
    context_.products = products_.get();
    context_.compute = compute;
  }

  std::string name() const override { return fmt::format("cpu ({})", SimdName()); }

  Result<Buffer> Allocate(int64_t size_bytes) override { return Buffer::Allocate(size_bytes); }

  int64_t ScratchBytes(const Capacity& capacity) const override {
    const cpu::ScratchBytes need = Need(capacity);
    return need.shared + need.per_worker * pool_->threads();
  }

  Status Reserve(const Capacity& capacity) override {
    const Capacity larger = Larger(capacity_, capacity);
    const cpu::ScratchBytes need = Need(larger);
    if (need.shared > context_.shared.size_bytes()) {
      context_.shared = Buffer();
      BLIP3O_ASSIGN_OR_RETURN(context_.shared, Buffer::Allocate(need.shared));
    }
    if (need.per_worker > context_.worker_bytes) {
      context_.per_worker = Buffer();
      context_.worker_bytes = 0;
      BLIP3O_ASSIGN_OR_RETURN(context_.per_worker, Buffer::Allocate(need.per_worker * pool_->threads()));
      context_.worker_bytes = need.per_worker;
    }
    capacity_ = larger;
    return {};
  }

  void Release() override {
    context_.shared = Buffer();
    context_.per_worker = Buffer();
    context_.worker_bytes = 0;
    capacity_ = {};
  }

  void BeginWork() override { busy_.emplace(*lane_); }
  void EndWork() override { busy_.reset(); }

  void CopyIn(const void* host, int64_t size_bytes, void* to) override {
    std::memcpy(to, host, static_cast<size_t>(size_bytes));
  }
  void CopyOut(const void* from, int64_t size_bytes, void* host) override {
    std::memcpy(host, from, static_cast<size_t>(size_bytes));
  }
  Status Finish() override { return std::exchange(status_, Status()); }

  void Matmul(const Matrix& x, const View& weight, const Epilogue& epilogue, const Matrix& out) override {
    Run([&] { return cpu::Matmul(context_, x, weight, epilogue, out); });
  }
  void TokenMatmul(const TokenInput& input, std::span<const TokenProduct> products) override {
    if (status_.ok()) cpu::TokenMatmul(context_, input, products);
  }
  void TokenSwiGlu(const TokenInput& input, const View& gate, const View& up, const Matrix& out) override {
    if (status_.ok()) cpu::TokenSwiGlu(context_, input, gate, up, out);
  }
  void GroupedPointwise(const Matrix& x, const View& weight, const Matrix& out) override {
    if (status_.ok()) cpu::GroupedPointwise(context_, x, weight, out);
  }
  void Embed(const View& table, const int32_t* ids, int32_t offset, const Matrix& out) override {
    if (status_.ok()) cpu::Embed(context_, table, ids, offset, out);
  }
  void RotaryAppend(const RotaryParameters& parameters, const Matrix& q, const Matrix& k, const Matrix& v,
                    const KvSlot& slot) override {
    if (status_.ok()) cpu::RotaryAppend(context_, parameters, q, k, v, slot);
  }
  void PrefillAttention(const AttentionShape& shape, const Matrix& q, const KvSlot& slot, const Matrix& out) override {
    if (status_.ok()) cpu::PrefillAttention(context_, shape, q, slot, out);
  }
  void GatherHiddenStates(const TokenTable& table, const Matrix& out) override {
    if (status_.ok()) cpu::GatherHiddenStates(table, out);
  }
  void DrawTokens(const Matrix& logits, const TokenTable& table) override {
    if (status_.ok()) cpu::DrawTokens(context_, logits, table);
  }
  void EmbedTokens(const View& embedding, int32_t offset, const TokenTable& table, const Matrix& out) override {
    if (status_.ok()) cpu::EmbedTokens(context_, embedding, offset, table, out);
  }
  void RotaryAppendTokens(const RotaryParameters& parameters, int64_t layer, const Matrix& q, const Matrix& k,
                          const Matrix& v, const TokenTable& table) override {
    if (status_.ok()) cpu::RotaryAppendTokens(context_, parameters, layer, q, k, v, table);
  }
  void DecodeAttention(const AttentionShape& shape, int64_t layer, const Matrix& q, const TokenTable& table,
                       const Matrix& out) override {
    if (status_.ok()) cpu::DecodeAttention(context_, shape, layer, q, table, out);
  }
  void FinishTokens(const Matrix& x, const View& norm, double eps, const TokenTable& table) override {
    if (status_.ok()) cpu::FinishTokens(context_, x, norm, eps, table);
  }
  void RmsNorm(const Matrix& x, const View& weight, const View& bias, double eps, Activation activation,
               const Matrix& residual, const Matrix& out) override {
    if (status_.ok()) cpu::RmsNorm(context_, x, weight, bias, eps, activation, residual, out);
  }
  void LayerNormModulate(const Matrix& x, const Matrix& shift, const Matrix& scale, double eps,
                         const Matrix& out) override {
    if (status_.ok()) cpu::LayerNormModulate(context_, x, shift, scale, eps, out);
  }
  void LayerNorm(const Matrix& x, const View& weight, const View& bias, double eps, const Matrix& out) override {
    if (status_.ok()) cpu::LayerNorm(context_, x, weight, bias, eps, out);
  }
  void L2Normalize(const Matrix& x, const Matrix& out) override {
    if (status_.ok()) cpu::L2Normalize(context_, x, out);
  }
  void CrossAttention(const Matrix& q, const Matrix& k, const Matrix& v, int64_t heads, int64_t head_dim,
                      const Matrix& out) override {
    if (status_.ok()) cpu::CrossAttention(context_, q, k, v, heads, head_dim, out);
  }
  void LinearAttention(const LinearAttentionInput& input, const Matrix& out) override {
    if (status_.ok()) cpu::LinearAttention(context_, input, out);
  }
  void Conv3x3(const Matrix& x, const Grid& grid, const View& weight, const Epilogue& epilogue,
               const Matrix& out) override {
    Run([&] { return cpu::Conv3x3(context_, x, grid, weight, epilogue, out); });
  }
  void UpsampleConv3x3(const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                       const Matrix& out) override {
    Run([&] { return cpu::UpsampleConv3x3(context_, x, grid, weight, bias, out); });
  }
  void DownsampleConv3x3(const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                         const Matrix& out) override {
    Run([&] { return cpu::DownsampleConv3x3(context_, x, grid, weight, bias, out); });
  }
  void DepthwiseConv(const Matrix& x, const Grid& grid, const View& weight, const Matrix& out) override {
    if (status_.ok()) cpu::DepthwiseConv(context_, x, grid, weight, out);
  }
  void DepthwiseGate(const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                     const Matrix& out) override {
    if (status_.ok()) cpu::DepthwiseGate(context_, x, grid, weight, bias, out);
  }
  void PixelShuffle(const Matrix& x, const Grid& grid, const Matrix& out) override {
    if (status_.ok()) cpu::PixelShuffle(context_, x, grid, out);
  }
  void AddUpsampled(const Matrix& x, const Grid& grid, const Matrix& out) override {
    if (status_.ok()) cpu::AddUpsampled(context_, x, grid, out);
  }
  void AddRepeated(const Matrix& x, const Matrix& out) override {
    if (status_.ok()) cpu::AddRepeated(context_, x, out);
  }
  void SpaceToDepth(const Matrix& x, const Grid& grid, int64_t patch, const Matrix& out) override {
    if (status_.ok()) cpu::SpaceToDepth(context_, x, grid, patch, out);
  }
  void AddDownsampled(const Matrix& x, const Grid& grid, const Matrix& out) override {
    if (status_.ok()) cpu::AddDownsampled(context_, x, grid, out);
  }
  void AddAveraged(const Matrix& x, const Matrix& out) override {
    if (status_.ok()) cpu::AddAveraged(context_, x, out);
  }
  void Copy(const Matrix& x, const Matrix& out) override {
    if (status_.ok()) cpu::Copy(context_, x, out);
  }
  void ToPlanes(const Matrix& x, float factor, float* planes) override {
    if (status_.ok()) cpu::ToPlanes(context_, x, factor, planes);
  }
  void FromPlanes(const float* planes, float factor, const Matrix& out) override {
    if (status_.ok()) cpu::FromPlanes(context_, planes, factor, out);
  }
  void Activate(const Matrix& x, Activation activation, const Matrix& out) override {
    if (status_.ok()) cpu::Activate(context_, x, activation, out);
  }
  void AddTable(const View& table, const Matrix& x, const Matrix& out) override {
    if (status_.ok()) cpu::AddTable(context_, table, x, out);
  }
  void AddRow(const Matrix& row, const Matrix& x) override {
    if (status_.ok()) cpu::AddRow(context_, row, x);
  }
  void GuidedStep(const Matrix& null, const Matrix& cond, const StepScalars* step, const Matrix& velocity,
                  const Matrix& x) override {
    if (status_.ok()) cpu::GuidedStep(context_, null, cond, *step, velocity, x);
  }
  void ToPixels(const Matrix& x, uint8_t* pixels) override {
    if (status_.ok()) cpu::ToPixels(context_, x, pixels);
  }
  void FromPixels(const uint8_t* pixels, const Matrix& out) override {
    if (status_.ok()) cpu::FromPixels(context_, pixels, out);
  }
  void FollowPath(const Matrix& mask, const Matrix& latents, const Matrix& noise, float sigma,
                  const Matrix& x) override {
    if (status_.ok()) cpu::FollowPath(context_, mask, latents, noise, sigma, x);
  }
  void KeepLargest(const Matrix& scores, int32_t first, float* best, int32_t* index) override {
    if (status_.ok()) cpu::KeepLargest(context_, scores, first, best, index);
  }
  bool AllFinite(const Matrix& x) override { return !status_.ok() || cpu::AllFinite(context_, x); }

 private:
  template <typename F>
  void Run(const F& operation) {
    if (status_.ok()) status_ = operation();
  }

  cpu::ScratchBytes Need(const Capacity& capacity) const {
    const int threads = pool_->threads();
    cpu::ScratchBytes need;
    for (const cpu::ScratchBytes& family :
         {MatmulScratch(capacity, context_.compute, threads), ConvScratch(capacity, context_.compute, threads),
          TokenMatmulScratch(capacity, threads), AttentionScratch(capacity, threads),
          LinearAttentionScratch(capacity, threads), SamplingScratch(capacity)}) {
      need.shared = std::max(need.shared, family.shared);
      need.per_worker = std::max(need.per_worker, family.per_worker);
    }
    need.per_worker = (need.per_worker + kWorkerAlignment - 1) / kWorkerAlignment * kWorkerAlignment;
    return need;
  }

  std::shared_ptr<ThreadPool> pool_;
  std::unique_ptr<ThreadPool::Lane> lane_;
  std::optional<ThreadPool::Lane::Busy> busy_;
  std::unique_ptr<PanelProducts> products_;
  Context context_;
  Capacity capacity_;
  Status status_;  // the first failure since Finish
};

}  // namespace

Result<std::unique_ptr<Ops>> CreateOps(const Options& options) {
  std::shared_ptr<ThreadPool> pool = options.pool;
  if (pool == nullptr) {
    BLIP3O_ASSIGN_OR_RETURN(pool, ThreadPool::Create(options.threads));
  }
  BLIP3O_ASSIGN_OR_RETURN(std::unique_ptr<PanelProducts> products, PanelProducts::Create(pool->threads()));
  return std::unique_ptr<Ops>(new CpuOps(std::move(pool), std::move(products), options.compute));
}

bool HasNativeBF16() { return __builtin_cpu_supports("avx512bf16") || __builtin_cpu_supports("amx-bf16"); }

}  // namespace blip3o::cpu
