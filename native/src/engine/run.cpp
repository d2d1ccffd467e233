#include "engine/run.h"

#include <cstring>

namespace blip3o {

Matrix Workplace::Load(Arena& from, int64_t rows, int64_t cols, const void* host) const {
  const Matrix matrix = from.TakeMatrix(rows, cols);
  ops.CopyIn(host, rows * cols * SizeOf(DType::kF32), matrix.data);
  return matrix;
}

Matrix Workplace::LoadMap(Arena& from, int64_t channels, int64_t tokens, const float* host) const {
  const Matrix map = from.TakeMatrix(tokens, channels);
  const Arena::Scope scope(arena);
  const Matrix planes = Load(arena, channels, tokens, host);
  ops.FromPlanes(planes.data, 1.0f, map);
  return map;
}

bool Run::IsResultOfLastStage(Value value) const {
  switch (request.last_stage) {
    case Stage::kReferences:
      return value == Value::kReferenceTokens || value == Value::kReferenceLatents;
    case Stage::kTokens:
      return value == Value::kTokens || value == Value::kHiddenStates;
    case Stage::kCondition:
      return value == Value::kCondition || value == Value::kNullCondition;
    case Stage::kLatents:
      return value == Value::kLatents;
    case Stage::kPixels:
      return value == Value::kPixels;
  }
  return false;
}

HostTensor& Run::Place(Value value, DType dtype, const Shape& shape) {
  HostTensor& tensor = values[static_cast<size_t>(value)];
  tensor.dtype = dtype;
  tensor.shape = shape;
  tensor.bytes.resize(static_cast<size_t>(shape.count() * SizeOf(dtype)));
  return tensor;
}

void Run::Keep(Ops& ops, Value value, DType dtype, const Shape& shape, const void* data) {
  if (dry || !Wants(value)) return;
  HostTensor& tensor = Place(value, dtype, shape);
  ops.CopyOut(data, static_cast<int64_t>(tensor.bytes.size()), tensor.bytes.data());
}

void Run::Keep(Ops& ops, Value value, const Matrix& matrix) {
  Keep(ops, value, DType::kF32, {matrix.rows, matrix.cols}, matrix.data);
}

void Run::KeepPlanes(const Workplace& at, Value value, const Matrix& map, int64_t height, int64_t width) {
  if (!Wants(value)) return;
  const Arena::Scope scope(at.arena);
  float* planes = at.arena.Take<float>(map.rows * map.cols);
  at.ops.ToPlanes(map, 1.0f, planes);
  Keep(at.ops, value, DType::kF32, {map.cols, height, width}, planes);
}

void Run::KeepHost(Value value, DType dtype, const Shape& shape, const void* data) {
  if (dry || !Wants(value)) return;
  HostTensor& tensor = Place(value, dtype, shape);
  std::memcpy(tensor.bytes.data(), data, tensor.bytes.size());
}

}  // namespace blip3o
