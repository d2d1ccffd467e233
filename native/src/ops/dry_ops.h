// Operations that compute nothing and note how large their operands are. Model code run on them, with a measuring
// Arena, tells what memory the same run will take.
#pragma once

#include "ops/ops.h"

namespace blip3o {

class DryOps : public Ops {
 public:
  const Capacity& capacity() const { return capacity_; }
  // Multiply-adds of Matmul.
  int64_t products() const { return products_; }

  std::string name() const override { return "dry run"; }
  Result<Buffer> Allocate(int64_t) override { return Buffer(); }
  Status Reserve(const Capacity&) override { return {}; }
  void Release() override {}
  int64_t ScratchBytes(const Capacity&) const override { return 0; }
  void BeginWork() override {}
  void EndWork() override {}
  void CopyIn(const void*, int64_t, void*) override {}
  void CopyOut(const void*, int64_t, void*) override {}
  Status Finish() override { return {}; }

  void Matmul(const Matrix& x, const View&, const Epilogue&, const Matrix&) override;
  using Ops::TokenMatmul;
  void TokenMatmul(const TokenInput& input, std::span<const TokenProduct>) override;
  void TokenSwiGlu(const TokenInput& input, const View&, const View&, const Matrix&) override;
  void GroupedPointwise(const Matrix&, const View&, const Matrix&) override {}
  void Embed(const View&, const int32_t*, int32_t, const Matrix&) override {}
  void RotaryAppend(const RotaryParameters&, const Matrix&, const Matrix&, const Matrix&, const KvSlot&) override {}
  void PrefillAttention(const AttentionShape&, const Matrix& q, const KvSlot&, const Matrix&) override;
  void GatherHiddenStates(const TokenTable&, const Matrix&) override {}
  void DrawTokens(const Matrix& logits, const TokenTable&) override;
  void EmbedTokens(const View&, int32_t, const TokenTable&, const Matrix&) override {}
  void RotaryAppendTokens(const RotaryParameters&, int64_t, const Matrix&, const Matrix&, const Matrix&,
                          const TokenTable&) override {}
  void DecodeAttention(const AttentionShape&, int64_t, const Matrix& q, const TokenTable& table,
                       const Matrix&) override;
  void FinishTokens(const Matrix&, const View&, double, const TokenTable&) override {}
  void RmsNorm(const Matrix&, const View&, const View&, double, Activation, const Matrix&, const Matrix&) override {}
  void LayerNormModulate(const Matrix&, const Matrix&, const Matrix&, double, const Matrix&) override {}
  void LayerNorm(const Matrix&, const View&, const View&, double, const Matrix&) override {}
  void L2Normalize(const Matrix&, const Matrix&) override {}
  void CrossAttention(const Matrix& q, const Matrix& k, const Matrix&, int64_t, int64_t, const Matrix&) override;
  void LinearAttention(const LinearAttentionInput& input, const Matrix&) override;
  void Conv3x3(const Matrix&, const Grid&, const View& weight, const Epilogue&, const Matrix&) override;
  void UpsampleConv3x3(const Matrix&, const Grid&, const View& weight, const View&, const Matrix&) override;
  void DownsampleConv3x3(const Matrix&, const Grid&, const View& weight, const View&, const Matrix&) override;
  void DepthwiseConv(const Matrix&, const Grid&, const View&, const Matrix&) override {}
  void DepthwiseGate(const Matrix&, const Grid&, const View&, const View&, const Matrix&) override {}
  void PixelShuffle(const Matrix&, const Grid&, const Matrix&) override {}
  void AddUpsampled(const Matrix&, const Grid&, const Matrix&) override {}
  void AddRepeated(const Matrix&, const Matrix&) override {}
  void SpaceToDepth(const Matrix&, const Grid&, int64_t, const Matrix&) override {}
  void AddDownsampled(const Matrix&, const Grid&, const Matrix&) override {}
  void AddAveraged(const Matrix&, const Matrix&) override {}
  void Copy(const Matrix&, const Matrix&) override {}
  void ToPlanes(const Matrix&, float, float*) override {}
  void FromPlanes(const float*, float, const Matrix&) override {}
  void Activate(const Matrix&, Activation, const Matrix&) override {}
  void AddTable(const View&, const Matrix&, const Matrix&) override {}
  void AddRow(const Matrix&, const Matrix&) override {}
  void GuidedStep(const Matrix&, const Matrix&, const StepScalars*, const Matrix&, const Matrix&) override {}
  void ToPixels(const Matrix&, uint8_t*) override {}
  void FromPixels(const uint8_t*, const Matrix&) override {}
  void FollowPath(const Matrix&, const Matrix&, const Matrix&, float, const Matrix&) override {}
  void KeepLargest(const Matrix&, int32_t, float*, int32_t*) override {}
  bool AllFinite(const Matrix&) override { return true; }

 private:
  void NoteConvolution(const Matrix& x, const View& weight);
  void NoteAttention(const Matrix& q, int64_t keys);
  Capacity capacity_;
  int64_t products_ = 0;
};

}  // namespace blip3o
