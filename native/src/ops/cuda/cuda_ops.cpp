#include "ops/cuda/cuda_ops.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "ops/cuda/context.h"
#include "ops/cuda/kernels.h"
#include "ops/cuda/products.h"

namespace blip3o::cuda {

namespace {

constexpr int64_t kCounterBytes = Context::kCounters * static_cast<int64_t>(sizeof(int32_t));
constexpr int64_t kFlagBytes = 256;  // behind the counters: what AllFinite answers
constexpr int kTokensAhead = 4;      // more would hide a cancellation for longer
constexpr int64_t kMostTokenRows = 64;

[[maybe_unused]] bool SameSize(const Matrix& a, const Matrix& b) { return a.rows == b.rows && a.cols == b.cols; }
[[maybe_unused]] bool IsVector(const View& view, int64_t count) { return view.empty() || view.count() == count; }
[[maybe_unused]] bool IsRow(const Matrix& row, int64_t cols) { return row.rows == 1 && row.cols == cols; }

[[maybe_unused]] bool Fits(const Epilogue& e, const Matrix& out) {
  const bool gate = e.gate.empty() || (e.gate.cols == out.cols && (e.gate.rows == 1 || e.gate.rows == out.rows));
  return IsVector(e.bias, out.cols) && gate && (e.residual.empty() || SameSize(e.residual, out));
}

[[maybe_unused]] bool IsProduct(const Matrix& x, const View& weight, const Epilogue& e, const Matrix& out) {
  return x.rows == out.rows && weight.shape[0] == out.cols && weight.count() == out.cols * x.cols && Fits(e, out);
}

[[maybe_unused]] bool IsTokenInput(const TokenInput& input) {
  return input.x.rows >= 1 && input.x.rows <= kMostTokenRows && IsVector(input.norm, input.x.cols);
}

[[maybe_unused]] bool IsConvolution(const Matrix& x, const Grid& grid, const View& weight, const Matrix& out,
                                    int64_t out_rows) {
  return x.rows == grid.rows() && out.rows == out_rows && weight.count() == out.cols * x.cols * 9;
}

[[maybe_unused]] bool AreHeads(const AttentionShape& shape, const Matrix& q, const Matrix& out) {
  return shape.heads % shape.kv_heads == 0 && q.cols == shape.heads * shape.head_dim && SameSize(q, out);
}

[[maybe_unused]] bool AreKeysAndValues(const RotaryParameters& p, const Matrix& q, const Matrix& k, const Matrix& v) {
  return q.cols == p.shape.heads * p.shape.head_dim && k.cols == p.shape.kv_heads * p.shape.head_dim &&
         q.rows == k.rows && SameSize(k, v) && IsVector(p.q_norm, p.shape.head_dim) &&
         IsVector(p.k_norm, p.shape.head_dim);
}

// Of all operations but the library's products; one is under way at a time.
int64_t FamilyScratch(const Capacity& capacity) {
  return std::max({TokenMatmulScratch(capacity), MatmulScratch(capacity), DecodeAttentionScratch(capacity),
                   AttentionScratch(capacity), SamplingScratch(capacity), LinearAttentionScratch(capacity)});
}

class CudaOps final : public Ops {
 public:
  CudaOps(std::unique_ptr<Queue> queue, std::shared_ptr<WeightStore> weights)
      : queue_(std::move(queue)), weights_(std::move(weights)) {
    context_.queue = queue_.get();
    context_.weights = weights_.get();
  }

  std::string name() const override { return queue_->name(); }

  // ---- Memory and order ----------------------------------------------------------------------------------------

  Result<Buffer> Allocate(int64_t size_bytes) override { return queue_->Allocate(size_bytes); }

  int64_t ScratchBytes(const Capacity& capacity) const override {
    return cuda::ScratchBytes(capacity, ProductBytes(capacity));
  }

  Status Reserve(const Capacity& capacity) override {
    const Capacity larger = Larger(capacity_, capacity);
    if (context_.counters.data() == nullptr) {
      BLIP3O_ASSIGN_OR_RETURN(context_.counters, queue_->Allocate(kCounterBytes + kFlagBytes));
      queue_->Fill(context_.counters.data(), 0, kCounterBytes + kFlagBytes);
    }
    const int64_t bytes = std::max(FamilyScratch(larger), ProductBytes(larger));
    if (bytes > context_.scratch.size_bytes()) {
      queue_->ForgetRepeats();
      context_.scratch = Buffer();
      BLIP3O_ASSIGN_OR_RETURN(context_.scratch, queue_->Allocate(bytes));
    }
    capacity_ = larger;
    return {};
  }

  void Release() override {
    queue_->ForgetRepeats();
    context_.scratch = Buffer();
    context_.counters = Buffer();
    capacity_ = {};
  }

  void BeginWork() override { queue_->BeginWork(); }
  void EndWork() override { queue_->EndWork(); }
  void Repeat(const RepeatKey& key, const std::function<void()>& work) override { queue_->Repeat(key, work); }
  int TokensAhead() const override { return kTokensAhead; }
  void CopyIn(const void* host, int64_t size_bytes, void* to) override { queue_->CopyIn(host, size_bytes, to); }
  void CopyOut(const void* from, int64_t size_bytes, void* host) override { queue_->CopyOut(from, size_bytes, host); }
  Status Finish() override { return queue_->Finish(); }

  // ---- Products ------------------------------------------------------------------------------------------------

  void Matmul(const Matrix& x, const View& weight, const Epilogue& epilogue, const Matrix& out) override {
    assert(IsProduct(x, weight, epilogue, out));
    Products* products = queue_->products();
    if (products != nullptr && products->Multiply(context_, x, weight, epilogue, out)) return;
    cuda::Matmul(context_, x, weight, epilogue, out);
  }
  void TokenMatmul(const TokenInput& input, std::span<const TokenProduct> products) override {
    assert(IsTokenInput(input) && !products.empty() && products.size() <= 3);
    for ([[maybe_unused]] const TokenProduct& product : products) {
      assert(IsProduct(input.x, product.weight, product.epilogue, product.out) && product.out.data != input.x.data);
    }
    cuda::TokenMatmul(context_, input, products);
  }
  void TokenSwiGlu(const TokenInput& input, const View& gate, const View& up, const Matrix& out) override {
    assert(IsTokenInput(input) && gate.shape == up.shape && IsProduct(input.x, gate, {}, out));
    cuda::TokenSwiGlu(context_, input, gate, up, out);
  }
  void GroupedPointwise(const Matrix& x, const View& weight, const Matrix& out) override {
    assert(SameSize(x, out) && weight.shape[0] == x.cols && x.cols % weight.shape[1] == 0);
    cuda::GroupedPointwise(context_, x, weight, out);
  }

  // ---- Language model ------------------------------------------------------------------------------------------

  void Embed(const View& table, const int32_t* ids, int32_t offset, const Matrix& out) override {
    assert(table.shape.rank() == 2 && table.shape[1] == out.cols);
    cuda::Embed(context_, table, ids, offset, out);
  }
  void RotaryAppend(const RotaryParameters& parameters, const Matrix& q, const Matrix& k, const Matrix& v,
                    const KvSlot& slot) override {
    assert(AreKeysAndValues(parameters, q, k, v) && slot.position + q.rows <= slot.capacity);
    cuda::RotaryAppend(context_, parameters, q, k, v, slot);
  }
  void PrefillAttention(const AttentionShape& shape, const Matrix& q, const KvSlot& slot, const Matrix& out) override {
    assert(AreHeads(shape, q, out) && slot.position + q.rows <= slot.capacity);
    cuda::PrefillAttention(context_, shape, q, slot, out);
  }

  // ---- The token loop ------------------------------------------------------------------------------------------

  void GatherHiddenStates(const TokenTable& table, const Matrix& out) override {
    assert(table.count == out.rows);
    cuda::GatherHiddenStates(context_, table, out);
  }
  void DrawTokens(const Matrix& logits, const TokenTable& table) override {
    assert(table.count == logits.rows);
    cuda::DrawTokens(context_, logits, table);
  }
  void EmbedTokens(const View& embedding, int32_t offset, const TokenTable& table, const Matrix& out) override {
    assert(table.count == out.rows && embedding.shape.rank() == 2 && embedding.shape[1] == out.cols);
    cuda::EmbedTokens(context_, embedding, offset, table, out);
  }
  void RotaryAppendTokens(const RotaryParameters& parameters, int64_t layer, const Matrix& q, const Matrix& k,
                          const Matrix& v, const TokenTable& table) override {
    assert(AreKeysAndValues(parameters, q, k, v) && table.count == q.rows);
    cuda::RotaryAppendTokens(context_, parameters, layer, q, k, v, table);
  }
  void DecodeAttention(const AttentionShape& shape, int64_t layer, const Matrix& q, const TokenTable& table,
                       const Matrix& out) override {
    assert(AreHeads(shape, q, out) && table.count == q.rows);
    cuda::DecodeAttention(context_, shape, layer, q, table, out);
  }
  void FinishTokens(const Matrix& x, const View& norm, double eps, const TokenTable& table) override {
    assert(table.count == x.rows && norm.count() == x.cols);
    cuda::FinishTokens(context_, x, norm, eps, table);
  }

  // ---- Norms ---------------------------------------------------------------------------------------------------

  void RmsNorm(const Matrix& x, const View& weight, const View& bias, double eps, Activation activation,
               const Matrix& residual, const Matrix& out) override {
    assert(SameSize(x, out) && weight.count() == x.cols && IsVector(bias, x.cols));
    assert(residual.empty() || SameSize(residual, out));
    cuda::RmsNorm(context_, x, weight, bias, eps, activation, residual, out);
  }
  void LayerNormModulate(const Matrix& x, const Matrix& shift, const Matrix& scale, double eps,
                         const Matrix& out) override {
    assert(SameSize(x, out) && IsRow(shift, x.cols) && IsRow(scale, x.cols));
    cuda::LayerNormModulate(context_, x, shift, scale, eps, out);
  }
  void LayerNorm(const Matrix& x, const View& weight, const View& bias, double eps, const Matrix& out) override {
    assert(SameSize(x, out) && weight.count() == x.cols && bias.count() == x.cols);
    cuda::LayerNorm(context_, x, weight, bias, eps, out);
  }
  void L2Normalize(const Matrix& x, const Matrix& out) override {
    assert(SameSize(x, out));
    cuda::L2Normalize(context_, x, out);
  }

  // ---- Attention of the diffusion transformer, the autoencoder and the vision encoder --------------------------

  void CrossAttention(const Matrix& q, const Matrix& k, const Matrix& v, int64_t heads, int64_t head_dim,
                      const Matrix& out) override {
    assert(q.cols == heads * head_dim && k.cols == q.cols && SameSize(k, v) && SameSize(q, out));
    cuda::CrossAttention(context_, q, k, v, heads, head_dim, out);
  }
  void LinearAttention(const LinearAttentionInput& input, const Matrix& out) override {
    assert(input.q.rows == input.k.rows && input.q.rows == input.v.rows && input.q.rows % input.pictures == 0);
    assert(out.rows == input.q.rows && out.cols == input.heads * input.head_dim);
    cuda::LinearAttention(context_, input, out);
  }

  // ---- Convolutions --------------------------------------------------------------------------------------------

  void Conv3x3(const Matrix& x, const Grid& grid, const View& weight, const Epilogue& epilogue,
               const Matrix& out) override {
    assert(IsConvolution(x, grid, weight, out, grid.rows()) && epilogue.gate.empty() && Fits(epilogue, out));
    cuda::Conv3x3(context_, x, grid, weight, epilogue, out);
  }
  void UpsampleConv3x3(const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                       const Matrix& out) override {
    assert(IsConvolution(x, grid, weight, out, 4 * grid.rows()) && IsVector(bias, out.cols));
    cuda::UpsampleConv3x3(context_, x, grid, weight, bias, out);
  }
  void DownsampleConv3x3(const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                         const Matrix& out) override {
    assert(grid.height % 2 == 0 && grid.width % 2 == 0);
    assert(IsConvolution(x, grid, weight, out, grid.rows() / 4) && IsVector(bias, out.cols));
    cuda::DownsampleConv3x3(context_, x, grid, weight, bias, out);
  }
  void DepthwiseConv(const Matrix& x, const Grid& grid, const View& weight, const Matrix& out) override {
    assert(x.rows == grid.rows() && SameSize(x, out) && weight.shape[0] == x.cols);
    cuda::DepthwiseConv(context_, x, grid, weight, out);
  }
  void DepthwiseGate(const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                     const Matrix& out) override {
    assert(x.rows == grid.rows() && out.rows == x.rows && x.cols == 2 * out.cols);
    assert(weight.count() == 9 * x.cols && IsVector(bias, x.cols));
    cuda::DepthwiseGate(context_, x, grid, weight, bias, out);
  }

  // ---- Rearrangements ------------------------------------------------------------------------------------------

  void PixelShuffle(const Matrix& x, const Grid& grid, const Matrix& out) override {
    assert(x.rows == grid.rows() && out.rows == 4 * x.rows && x.cols == 4 * out.cols);
    cuda::PixelShuffle(context_, x, grid, out);
  }
  void AddUpsampled(const Matrix& x, const Grid& grid, const Matrix& out) override {
    assert(x.rows == grid.rows() && out.rows == 4 * x.rows && 4 * out.cols % x.cols == 0);
    cuda::AddUpsampled(context_, x, grid, out);
  }
  void AddRepeated(const Matrix& x, const Matrix& out) override {
    assert(x.rows == out.rows && out.cols % x.cols == 0);
    cuda::AddRepeated(context_, x, out);
  }
  void SpaceToDepth(const Matrix& x, const Grid& grid, int64_t patch, const Matrix& out) override {
    assert(x.rows == grid.rows() && out.cols == x.cols * patch * patch);
    assert(out.rows == grid.pictures * (grid.height / patch) * (grid.width / patch));
    cuda::SpaceToDepth(context_, x, grid, patch, out);
  }
  void AddDownsampled(const Matrix& x, const Grid& grid, const Matrix& out) override {
    assert(x.rows == grid.rows() && 4 * out.rows == x.rows && 4 * x.cols % out.cols == 0);
    cuda::AddDownsampled(context_, x, grid, out);
  }
  void AddAveraged(const Matrix& x, const Matrix& out) override {
    assert(x.rows == out.rows && x.cols % out.cols == 0);
    cuda::AddAveraged(context_, x, out);
  }
  void Copy(const Matrix& x, const Matrix& out) override {
    assert(SameSize(x, out));
    cuda::Copy(context_, x, out);
  }
  void ToPlanes(const Matrix& x, float factor, float* planes) override { cuda::ToPlanes(context_, x, factor, planes); }
  void FromPlanes(const float* planes, float factor, const Matrix& out) override {
    cuda::FromPlanes(context_, planes, factor, out);
  }

  // ---- Elementwise ---------------------------------------------------------------------------------------------

  void Activate(const Matrix& x, Activation activation, const Matrix& out) override {
    assert(SameSize(x, out));
    cuda::Activate(context_, x, activation, out);
  }
  void AddTable(const View& table, const Matrix& x, const Matrix& out) override {
    assert(table.count() == out.rows * out.cols && x.cols == out.cols && (x.rows == 1 || x.rows == out.rows));
    cuda::AddTable(context_, table, x, out);
  }
  void AddRow(const Matrix& row, const Matrix& x) override {
    assert(IsRow(row, x.cols));
    cuda::AddRow(context_, row, x);
  }
  void GuidedStep(const Matrix& null, const Matrix& cond, const StepScalars* step, const Matrix& velocity,
                  const Matrix& x) override {
    assert(SameSize(cond, x) && (null.empty() || SameSize(null, x)) && (velocity.empty() || SameSize(velocity, x)));
    cuda::GuidedStep(context_, null, cond, step, velocity, x);
  }
  void ToPixels(const Matrix& x, uint8_t* pixels) override { cuda::ToPixels(context_, x, pixels); }
  void FromPixels(const uint8_t* pixels, const Matrix& out) override { cuda::FromPixels(context_, pixels, out); }
  void FollowPath(const Matrix& mask, const Matrix& latents, const Matrix& noise, float sigma,
                  const Matrix& x) override {
    assert(SameSize(latents, x) && SameSize(noise, x));
    assert(mask.empty() || (mask.rows == x.rows && mask.cols == 1));
    cuda::FollowPath(context_, mask, latents, noise, sigma, x);
  }
  void KeepLargest(const Matrix& scores, int32_t first, float* best, int32_t* index) override {
    cuda::KeepLargest(context_, scores, first, best, index);
  }
  bool AllFinite(const Matrix& x) override {
    if (context_.counters.data() == nullptr) {
      if (Status status = Reserve({}); !status.ok()) {
        queue_->Fail(std::move(status));
        return true;
      }
    }
    int32_t finite = 1;
    int32_t* flag = static_cast<int32_t*>(context_.counters.data()) + Context::kCounters;
    queue_->CopyIn(&finite, sizeof(finite), flag);
    cuda::CheckFinite(context_, x, flag);
    queue_->CopyOut(flag, sizeof(finite), &finite);
    return !queue_->ok() || finite != 0;
  }

 private:
  // One operation uses the scratch at a time.
  int64_t ProductBytes(const Capacity& capacity) const {
    const Products* products = queue_->products();
    return products == nullptr ? 0 : products->ScratchBytes(capacity);
  }

  const std::unique_ptr<Queue> queue_;
  const std::shared_ptr<WeightStore> weights_;
  Context context_;
  Capacity capacity_;
};

}  // namespace

int64_t ScratchBytes(const Capacity& capacity, int64_t product_bytes) {
  return std::max(FamilyScratch(capacity), product_bytes) + kCounterBytes + kFlagBytes;
}

std::unique_ptr<Ops> CreateOps(std::unique_ptr<Queue> queue, std::shared_ptr<WeightStore> weights) {
  return std::make_unique<CudaOps>(std::move(queue), std::move(weights));
}

}  // namespace blip3o::cuda
