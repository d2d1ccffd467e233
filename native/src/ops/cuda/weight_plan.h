// Operations that compute nothing and note which weights they read, and as what. Model code run on them tells what has
// to be on a device before it is run for good.
#pragma once

#include <set>
#include <span>
#include <tuple>
#include <vector>

#include "ops/cuda/weight_store.h"
#include "ops/dry_ops.h"

namespace blip3o::cuda {

class WeightPlan final : public DryOps {
 public:
  // Each weight once for each use, in the order of their first. Not those that an operation before has computed.
  const std::vector<WeightStore::Wanted>& wanted() const { return wanted_; }

  void Matmul(const Matrix&, const View& weight, const Epilogue& epilogue, const Matrix&) override;
  void TokenMatmul(const TokenInput& input, std::span<const TokenProduct> products) override;
  void TokenSwiGlu(const TokenInput& input, const View& gate, const View& up, const Matrix&) override;
  void GroupedPointwise(const Matrix&, const View& weight, const Matrix&) override;
  void Embed(const View& table, const int32_t*, int32_t, const Matrix&) override;
  void RotaryAppend(const RotaryParameters& parameters, const Matrix&, const Matrix&, const Matrix&,
                    const KvSlot&) override;
  void EmbedTokens(const View& embedding, int32_t, const TokenTable&, const Matrix&) override;
  void RotaryAppendTokens(const RotaryParameters& parameters, int64_t, const Matrix&, const Matrix&, const Matrix&,
                          const TokenTable&) override;
  void FinishTokens(const Matrix&, const View& norm, double, const TokenTable&) override;
  void RmsNorm(const Matrix&, const View& weight, const View& bias, double, Activation, const Matrix&,
               const Matrix&) override;
  void LayerNorm(const Matrix&, const View& weight, const View& bias, double, const Matrix&) override;
  void Conv3x3(const Matrix&, const Grid&, const View& weight, const Epilogue& epilogue, const Matrix&) override;
  void UpsampleConv3x3(const Matrix&, const Grid&, const View& weight, const View& bias, const Matrix&) override;
  void DownsampleConv3x3(const Matrix&, const Grid&, const View& weight, const View& bias, const Matrix&) override;
  void DepthwiseConv(const Matrix&, const Grid&, const View& weight, const Matrix&) override;
  void DepthwiseGate(const Matrix&, const Grid&, const View& weight, const View& bias, const Matrix&) override;
  void AddTable(const View& table, const Matrix&, const Matrix&) override;

 private:
  void Note(const View& view, Use use);

  std::vector<WeightStore::Wanted> wanted_;
  std::set<std::tuple<const void*, int64_t, Use>> noted_;
};

}  // namespace blip3o::cuda
