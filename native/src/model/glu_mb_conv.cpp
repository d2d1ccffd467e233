#include "model/glu_mb_conv.h"

namespace blip3o {

void GluMbConv(Ops& ops, Arena& arena, const GluMbConvWeights& weights, const Matrix& x, const Grid& grid,
               const Epilogue& epilogue, const Matrix& out) {
  const Arena::Scope scope(arena);
  const int64_t expanded = weights.conv_inverted.shape[0];
  const Matrix inner = arena.TakeMatrix(x.rows, expanded);      // [grid, 2F]
  const Matrix gated = arena.TakeMatrix(x.rows, expanded / 2);  // [grid, F]
  ops.Matmul(x, weights.conv_inverted, {.bias = weights.bias_inverted, .activation = Activation::kSilu}, inner);
  ops.DepthwiseGate(inner, grid, weights.conv_depth, weights.bias_depth, gated);
  ops.Matmul(gated, weights.conv_point, epilogue, out);
}

}  // namespace blip3o
