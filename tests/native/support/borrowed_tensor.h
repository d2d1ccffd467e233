// Tensors of the C interface that borrow what a test holds.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/dtype.h"
#include "base/tensor.h"
#include "blip3o/blip3o.h"

namespace blip3o::test {

inline blip3o_tensor Borrow(const void* data, blip3o_dtype dtype, const std::vector<int64_t>& shape) {
  blip3o_tensor tensor = {};
  tensor.data = data;
  tensor.dtype = dtype;
  tensor.rank = static_cast<int32_t>(shape.size());
  std::copy(shape.begin(), shape.end(), tensor.shape);
  return tensor;
}

inline blip3o_tensor Borrow(const View& view) {
  std::vector<int64_t> shape;
  for (int i = 0; i < view.shape.rank(); ++i) shape.push_back(view.shape[i]);
  return Borrow(view.data, static_cast<blip3o_dtype>(view.dtype), shape);
}

inline bool SameShape(const blip3o_tensor& tensor, const View& view) {
  bool same = tensor.rank == view.shape.rank();
  for (int i = 0; same && i < tensor.rank; ++i) same = tensor.shape[i] == view.shape[i];
  return same;
}

// ‖found − expected‖ / ‖expected‖ of two f32 tensors of one shape; NaN where `found` holds one.
inline double RelativeL2(const blip3o_tensor& found, const View& expected) {
  double error = 0, norm = 0;
  for (int64_t i = 0; i < expected.count(); ++i) {
    const double want = LoadAsF32(expected.data, DType::kF32, i);
    const double difference = static_cast<const float*>(found.data)[i] - want;
    error += difference * difference;
    norm += want * want;
  }
  return std::sqrt(error / norm);
}

}  // namespace blip3o::test
