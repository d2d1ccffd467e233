// What tests of CPU kernels share: every SIMD target of this processor, threads, operands with padding and odd
// alignment.
#pragma once

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "base/tensor.h"
#include "base/thread_pool.h"
#include "ops/cpu/context.h"

namespace blip3o::test {

// Runs `body` once for each SIMD target that is compiled in and that this processor has; says once which ones those
// are.
inline void ForEachTarget(const std::function<void()>& body) {
  const std::vector<int64_t> targets = hwy::SupportedAndGeneratedTargets();
  [[maybe_unused]] static const bool said = [&] {
    std::cout << "SIMD targets under test:";
    for (int64_t target : targets) std::cout << ' ' << hwy::TargetName(target);
    std::cout << std::endl;
    return true;
  }();
  for (int64_t target : targets) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
}

// A context of its own pool and scratch.
struct TestContext {
  explicit TestContext(int threads, int64_t shared_bytes = 0) {
    auto created = ThreadPool::Create(threads);
    pool = std::move(created.value());
    lane = pool->MakeLane();
    context.lane = lane.get();
    context.shared = std::move(Buffer::Allocate(shared_bytes).value());
  }
  operator cpu::Context&() { return context; }

  std::unique_ptr<ThreadPool> pool;
  std::unique_ptr<ThreadPool::Lane> lane;
  cpu::Context context;
};

// Numbers in [-1, 1), the same on every machine.
class Numbers {
 public:
  explicit Numbers(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}
  float operator()() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<float>(static_cast<int32_t>(state_ >> 32)) * 0x1p-31f;
  }

 private:
  uint64_t state_;
};

// A matrix whose rows lie `padding` values apart, filled with a guard that no kernel may touch.
class OwnedMatrix {
 public:
  static constexpr float kGuard = 12345.0f;

  OwnedMatrix(int64_t rows, int64_t cols, int64_t padding = 3)
      : values_(static_cast<size_t>(rows * (cols + padding) + 1), kGuard),
        view_{values_.data() + 1, rows, cols, cols + padding} {}  // + 1: aligned to no vector
  OwnedMatrix(int64_t rows, int64_t cols, Numbers numbers, float scale = 1.0f, int64_t padding = 3)
      : OwnedMatrix(rows, cols, padding) {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < cols; ++c) at(r, c) = scale * numbers();
    }
  }
  OwnedMatrix(const OwnedMatrix& other) : values_(other.values_), view_(other.view_) {
    view_.data = values_.data() + 1;
  }
  OwnedMatrix& operator=(const OwnedMatrix&) = delete;

  const Matrix& operator*() const { return view_; }
  float& at(int64_t r, int64_t c) const { return view_.row(r)[c]; }
  int64_t rows() const { return view_.rows; }
  int64_t cols() const { return view_.cols; }
  // Bytes of everything, padding included.
  bool operator==(const OwnedMatrix& other) const {
    return values_.size() == other.values_.size() &&
           std::memcmp(values_.data(), other.values_.data(), values_.size() * sizeof(float)) == 0;
  }
  // All of it, padding included, and where in it the first value stands.
  const std::vector<float>& values() const { return values_; }
  int64_t offset() const { return view_.data - values_.data(); }
  void SetValues(const std::vector<float>& values) { std::copy(values.begin(), values.end(), values_.begin()); }
  bool PaddingUntouched() const {
    if (values_[0] != kGuard) return false;
    for (int64_t r = 0; r < view_.rows; ++r) {
      for (int64_t c = view_.cols; c < view_.stride; ++c) {
        if (view_.row(r)[c] != kGuard) return false;
      }
    }
    return true;
  }

 private:
  std::vector<float> values_;
  Matrix view_;
};

// A weight of any floating-point dtype that starts at an odd address, as mapped files have them.
class OwnedWeight {
 public:
  OwnedWeight(Shape shape, DType dtype, Numbers numbers, float scale = 1.0f)
      : bytes_(static_cast<size_t>(shape.count() * SizeOf(dtype)) + 64 + 1) {
    char* start = bytes_.data();
    start += reinterpret_cast<uintptr_t>(start) % 2 == 0 ? 1 : 0;
    for (int64_t i = 0; i < shape.count(); ++i) {
      const float value = scale * numbers();
      const uint16_t half = dtype == DType::kBF16 ? BF16FromF32(value) : RoundedToF16(value);
      if (dtype == DType::kF32) {
        std::memcpy(start + 4 * i, &value, 4);
      } else {
        std::memcpy(start + 2 * i, &half, 2);
      }
    }
    view_ = {start, dtype, shape};
  }
  OwnedWeight(const OwnedWeight&) = delete;
  OwnedWeight& operator=(const OwnedWeight&) = delete;

  const View& operator*() const { return view_; }
  double operator[](int64_t i) const { return LoadAsF32(view_.data, view_.dtype, i); }

 private:
  // Truncates the mantissa: any F16 will do. Magnitudes below 2^-14 become zero.
  static uint16_t RoundedToF16(float value) {
    const uint32_t bits = std::bit_cast<uint32_t>(value);
    const int exponent = static_cast<int>((bits >> 23) & 0xFF) - 112;
    const uint32_t magnitude = exponent <= 0 ? 0u : (static_cast<uint32_t>(exponent) << 10 | ((bits >> 13) & 0x3FFu));
    return static_cast<uint16_t>(((bits >> 16) & 0x8000u) | magnitude);
  }

  std::vector<char> bytes_;
  View view_;
};

constexpr DType kWeightTypes[] = {DType::kF32, DType::kBF16, DType::kF16};

}  // namespace blip3o::test
