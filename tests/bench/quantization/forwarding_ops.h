// Operations that another backend computes: what a class derived from these changes is the only difference.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "ops/ops.h"

namespace blip3o::bench {

class ForwardingOps : public Ops {
 public:
  explicit ForwardingOps(std::unique_ptr<Ops> to) : to_(std::move(to)) {}

  std::string name() const override { return to_->name(); }
  Result<Buffer> Allocate(int64_t size_bytes) override { return to_->Allocate(size_bytes); }
  Status Reserve(const Capacity& capacity) override { return to_->Reserve(capacity); }
  void Release() override { to_->Release(); }
  int64_t ScratchBytes(const Capacity& capacity) const override { return to_->ScratchBytes(capacity); }
  void BeginWork() override { to_->BeginWork(); }
  void EndWork() override { to_->EndWork(); }
  void CopyIn(const void* host, int64_t size_bytes, void* to) override { to_->CopyIn(host, size_bytes, to); }
  void CopyOut(const void* from, int64_t size_bytes, void* host) override { to_->CopyOut(from, size_bytes, host); }
  Status Finish() override { return to_->Finish(); }

  void Matmul(const Matrix& x, const View& weight, const Epilogue& epilogue, const Matrix& out) override {
    to_->Matmul(x, weight, epilogue, out);
  }
  void TokenMatmul(const TokenInput& input, std::span<const TokenProduct> products) override {
    to_->TokenMatmul(input, products);
  }
  void TokenSwiGlu(const TokenInput& input, const View& gate, const View& up, const Matrix& out) override {
    to_->TokenSwiGlu(input, gate, up, out);
  }
  void GroupedPointwise(const Matrix& x, const View& weight, const Matrix& out) override {
    to_->GroupedPointwise(x, weight, out);
  }

  void Embed(const View& table, const int32_t* ids, int32_t offset, const Matrix& out) override {
    to_->Embed(table, ids, offset, out);
  }
  void RotaryAppend(const RotaryParameters& parameters, const Matrix& q, const Matrix& k, const Matrix& v,
                    const KvSlot& slot) override {
    to_->RotaryAppend(parameters, q, k, v, slot);
  }
  void PrefillAttention(const AttentionShape& shape, const Matrix& q, const KvSlot& slot, const Matrix& out) override {
    to_->PrefillAttention(shape, q, slot, out);
  }
  void GatherHiddenStates(const TokenTable& table, const Matrix& out) override { to_->GatherHiddenStates(table, out); }
  void DrawTokens(const Matrix& logits, const TokenTable& table) override { to_->DrawTokens(logits, table); }
  void EmbedTokens(const View& embedding, int32_t offset, const TokenTable& table, const Matrix& out) override {
    to_->EmbedTokens(embedding, offset, table, out);
  }
  void RotaryAppendTokens(const RotaryParameters& parameters, int64_t layer, const Matrix& q, const Matrix& k,
                          const Matrix& v, const TokenTable& table) override {
    to_->RotaryAppendTokens(parameters, layer, q, k, v, table);
  }
  void DecodeAttention(const AttentionShape& shape, int64_t layer, const Matrix& q, const TokenTable& table,
                       const Matrix& out) override {
    to_->DecodeAttention(shape, layer, q, table, out);
  }
  void FinishTokens(const Matrix& x, const View& norm, double eps, const TokenTable& table) override {
    to_->FinishTokens(x, norm, eps, table);
  }

  void RmsNorm(const Matrix& x, const View& weight, const View& bias, double eps, Activation activation,
               const Matrix& residual, const Matrix& out) override {
    to_->RmsNorm(x, weight, bias, eps, activation, residual, out);
  }
  void LayerNormModulate(const Matrix& x, const Matrix& shift, const Matrix& scale, double eps,
                         const Matrix& out) override {
    to_->LayerNormModulate(x, shift, scale, eps, out);
  }
  void LayerNorm(const Matrix& x, const View& weight, const View& bias, double eps, const Matrix& out) override {
    to_->LayerNorm(x, weight, bias, eps, out);
  }
  void L2Normalize(const Matrix& x, const Matrix& out) override { to_->L2Normalize(x, out); }

  void CrossAttention(const Matrix& q, const Matrix& k, const Matrix& v, int64_t heads, int64_t head_dim,
                      const Matrix& out) override {
    to_->CrossAttention(q, k, v, heads, head_dim, out);
  }
  void LinearAttention(const LinearAttentionInput& input, const Matrix& out) override {
    to_->LinearAttention(input, out);
  }

  void Conv3x3(const Matrix& x, const Grid& grid, const View& weight, const Epilogue& epilogue,
               const Matrix& out) override {
    to_->Conv3x3(x, grid, weight, epilogue, out);
  }
  void UpsampleConv3x3(const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                       const Matrix& out) override {
    to_->UpsampleConv3x3(x, grid, weight, bias, out);
  }
  void DownsampleConv3x3(const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                         const Matrix& out) override {
    to_->DownsampleConv3x3(x, grid, weight, bias, out);
  }
  void DepthwiseConv(const Matrix& x, const Grid& grid, const View& weight, const Matrix& out) override {
    to_->DepthwiseConv(x, grid, weight, out);
  }
  void DepthwiseGate(const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                     const Matrix& out) override {
    to_->DepthwiseGate(x, grid, weight, bias, out);
  }

  void PixelShuffle(const Matrix& x, const Grid& grid, const Matrix& out) override { to_->PixelShuffle(x, grid, out); }
  void AddUpsampled(const Matrix& x, const Grid& grid, const Matrix& out) override { to_->AddUpsampled(x, grid, out); }
  void AddRepeated(const Matrix& x, const Matrix& out) override { to_->AddRepeated(x, out); }
  void SpaceToDepth(const Matrix& x, const Grid& grid, int64_t patch, const Matrix& out) override {
    to_->SpaceToDepth(x, grid, patch, out);
  }
  void AddDownsampled(const Matrix& x, const Grid& grid, const Matrix& out) override {
    to_->AddDownsampled(x, grid, out);
  }
  void AddAveraged(const Matrix& x, const Matrix& out) override { to_->AddAveraged(x, out); }
  void Copy(const Matrix& x, const Matrix& out) override { to_->Copy(x, out); }
  void ToPlanes(const Matrix& x, float factor, float* planes) override { to_->ToPlanes(x, factor, planes); }
  void FromPlanes(const float* planes, float factor, const Matrix& out) override {
    to_->FromPlanes(planes, factor, out);
  }

  void Activate(const Matrix& x, Activation activation, const Matrix& out) override {
    to_->Activate(x, activation, out);
  }
  void AddTable(const View& table, const Matrix& x, const Matrix& out) override { to_->AddTable(table, x, out); }
  void AddRow(const Matrix& row, const Matrix& x) override { to_->AddRow(row, x); }
  void GuidedStep(const Matrix& null, const Matrix& cond, const StepScalars* step, const Matrix& velocity,
                  const Matrix& x) override {
    to_->GuidedStep(null, cond, step, velocity, x);
  }
  void ToPixels(const Matrix& x, uint8_t* pixels) override { to_->ToPixels(x, pixels); }
  void FromPixels(const uint8_t* pixels, const Matrix& out) override { to_->FromPixels(pixels, out); }
  void FollowPath(const Matrix& mask, const Matrix& latents, const Matrix& noise, float sigma,
                  const Matrix& x) override {
    to_->FollowPath(mask, latents, noise, sigma, x);
  }
  void KeepLargest(const Matrix& scores, int32_t first, float* best, int32_t* index) override {
    to_->KeepLargest(scores, first, best, index);
  }
  bool AllFinite(const Matrix& x) override { return to_->AllFinite(x); }

 protected:
  Ops& to() { return *to_; }

 private:
  const std::unique_ptr<Ops> to_;
};

}  // namespace blip3o::bench
