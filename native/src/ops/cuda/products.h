// Products of many rows by a library of the device's maker, where a queue has one (product_library.h).
#pragma once

#include <cstdint>
#include <string>

#include "base/tensor.h"
#include "ops/cuda/context.h"
#include "ops/ops.h"

namespace blip3o::cuda {

class Products {
 public:
  virtual ~Products() = default;

  virtual std::string name() const = 0;  // "cuBLASLt 13.1"

  virtual int64_t ScratchBytes(const Capacity& capacity) const = 0;
  // Ops::Matmul. False where the library has no product for this weight, which its own shape and type decide and never
  // the rows: then nothing was queued.
  virtual bool Multiply(Context& context, const Matrix& x, const View& weight, const Epilogue& epilogue,
                        const Matrix& out) = 0;
};

}  // namespace blip3o::cuda
