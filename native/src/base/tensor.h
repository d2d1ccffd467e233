// Memory with a shape. A Buffer owns, a View borrows a dense tensor, a Matrix borrows rows of f32 activations.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>

#include "base/dtype.h"
#include "base/status.h"

namespace blip3o {

// Up to five dimensions, row-major.
class Shape {
 public:
  static constexpr int kMaxRank = 5;

  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) {
    assert(dims.size() <= kMaxRank);
    for (int64_t dim : dims) dims_[rank_++] = dim;
  }

  int rank() const { return rank_; }
  int64_t operator[](int i) const { return dims_[i]; }
  void Append(int64_t dim) { dims_[rank_++] = dim; }
  int64_t count() const {
    int64_t product = 1;
    for (int i = 0; i < rank_; ++i) product *= dims_[i];
    return product;
  }
  bool operator==(const Shape&) const = default;
  std::string ToString() const;  // "[2, 3]"

 private:
  int rank_ = 0;
  std::array<int64_t, kMaxRank> dims_{};
};

// A borrowed dense tensor. Weights are views of mapped files: their data may be aligned to no more than one byte.
struct View {
  const void* data = nullptr;
  DType dtype = DType::kF32;
  Shape shape;

  bool empty() const { return data == nullptr; }
  int64_t count() const { return shape.count(); }
  int64_t size_bytes() const { return count() * SizeOf(dtype); }
};

// Borrowed f32 activations: `rows` rows of `cols` values, `stride` values from row to row.
struct Matrix {
  float* data = nullptr;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t stride = 0;

  bool empty() const { return data == nullptr; }
  float* row(int64_t r) const { return data + r * stride; }
  // Rows [first, first + count).
  Matrix Rows(int64_t first, int64_t count) const { return {data + first * stride, count, cols, stride}; }
  // Columns [first, first + count).
  Matrix Cols(int64_t first, int64_t count) const { return {data + first, rows, count, stride}; }
};

// Owns memory aligned to 64 bytes; not initialised.
class Buffer {
 public:
  Buffer() = default;
  static Result<Buffer> Allocate(int64_t size_bytes);
  // Owns memory of another kind, a device's: `free` is called once, from any thread.
  static Buffer Adopt(void* data, int64_t size_bytes, std::function<void(void*)> free);

  void* data() const { return data_.get(); }
  int64_t size_bytes() const { return size_bytes_; }

 private:
  struct Free {
    std::function<void(void*)> free;
    void operator()(void* p) const { free(p); }
  };
  std::unique_ptr<void, Free> data_;
  int64_t size_bytes_ = 0;
};

}  // namespace blip3o
