#include "ops/cuda/weight_plan.h"

#include "base/arena.h"

namespace blip3o::cuda {

void WeightPlan::Note(const View& view, Use use) {
  if (view.empty() || Arena::IsUntouchable(view.data)) return;
  if (noted_.emplace(view.data, view.count(), use).second) wanted_.push_back({view, use});
}

void WeightPlan::Matmul(const Matrix&, const View& weight, const Epilogue& epilogue, const Matrix&) {
  Note(weight, Use::kRows);
  Note(epilogue.bias, Use::kVector);
}

void WeightPlan::TokenMatmul(const TokenInput& input, std::span<const TokenProduct> products) {
  Note(input.norm, Use::kVector);
  for (const TokenProduct& product : products) {
    Note(product.weight, Use::kRows);
    Note(product.epilogue.bias, Use::kVector);
  }
}

void WeightPlan::TokenSwiGlu(const TokenInput& input, const View& gate, const View& up, const Matrix&) {
  Note(input.norm, Use::kVector);
  Note(gate, Use::kRows);
  Note(up, Use::kRows);
}

void WeightPlan::GroupedPointwise(const Matrix&, const View& weight, const Matrix&) { Note(weight, Use::kRows); }

void WeightPlan::Embed(const View& table, const int32_t*, int32_t, const Matrix&) { Note(table, Use::kTable); }

void WeightPlan::RotaryAppend(const RotaryParameters& parameters, const Matrix&, const Matrix&, const Matrix&,
                              const KvSlot&) {
  Note(parameters.q_norm, Use::kVector);
  Note(parameters.k_norm, Use::kVector);
}

void WeightPlan::EmbedTokens(const View& embedding, int32_t, const TokenTable&, const Matrix&) {
  Note(embedding, Use::kTable);
}

void WeightPlan::RotaryAppendTokens(const RotaryParameters& parameters, int64_t, const Matrix&, const Matrix&,
                                    const Matrix&, const TokenTable&) {
  Note(parameters.q_norm, Use::kVector);
  Note(parameters.k_norm, Use::kVector);
}

void WeightPlan::FinishTokens(const Matrix&, const View& norm, double, const TokenTable&) { Note(norm, Use::kVector); }

void WeightPlan::RmsNorm(const Matrix&, const View& weight, const View& bias, double, Activation, const Matrix&,
                         const Matrix&) {
  Note(weight, Use::kVector);
  Note(bias, Use::kVector);
}

void WeightPlan::LayerNorm(const Matrix&, const View& weight, const View& bias, double, const Matrix&) {
  Note(weight, Use::kVector);
  Note(bias, Use::kVector);
}

void WeightPlan::Conv3x3(const Matrix&, const Grid&, const View& weight, const Epilogue& epilogue, const Matrix&) {
  Note(weight, Use::kConv);
  Note(epilogue.bias, Use::kVector);
}

void WeightPlan::UpsampleConv3x3(const Matrix&, const Grid&, const View& weight, const View& bias, const Matrix&) {
  Note(weight, Use::kUpsample);
  Note(bias, Use::kVector);
}

void WeightPlan::DownsampleConv3x3(const Matrix&, const Grid&, const View& weight, const View& bias, const Matrix&) {
  Note(weight, Use::kConv);
  Note(bias, Use::kVector);
}

void WeightPlan::DepthwiseConv(const Matrix&, const Grid&, const View& weight, const Matrix&) {
  Note(weight, Use::kDepthwise);
}

void WeightPlan::DepthwiseGate(const Matrix&, const Grid&, const View& weight, const View& bias, const Matrix&) {
  Note(weight, Use::kDepthwise);
  Note(bias, Use::kVector);
}

void WeightPlan::AddTable(const View& table, const Matrix&, const Matrix&) { Note(table, Use::kVector); }

}  // namespace blip3o::cuda
