#include "model/connector.h"

#include <vector>

namespace blip3o {

namespace {
constexpr double kNormEps = 1e-5;
}

void Connector::Apply(Ops& ops, Arena& arena, const Matrix& hidden_states, const Matrix& condition) const {
  const Arena::Scope scope(arena);
  const Matrix inner = arena.TakeMatrix(condition.rows, condition.cols);
  ops.Matmul(hidden_states, weights_.linear_0, {.bias = weights_.bias_0, .activation = Activation::kGeluTanh}, inner);
  ops.Matmul(inner, weights_.linear_2, {.bias = weights_.bias_2}, condition);
  ops.RmsNorm(condition, weights_.norm, {}, kNormEps, Activation::kNone, {}, condition);
}

void Connector::ApplyToZeros(Ops& ops, Arena& arena, int64_t hidden_size, const Matrix& null_condition) const {
  const Arena::Scope scope(arena);
  const Matrix zeros = arena.TakeMatrix(1, hidden_size);
  const std::vector<float> host(static_cast<size_t>(hidden_size), 0.0f);
  ops.CopyIn(host.data(), hidden_size * SizeOf(DType::kF32), zeros.data);
  Apply(ops, arena, zeros, null_condition);
}

}  // namespace blip3o
