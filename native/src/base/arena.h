// The memory of one run, handed out like a stack. A measuring arena hands out addresses that nobody can touch, so that
// a dry run of the same code tells how much a real one needs.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>

#include "base/tensor.h"

namespace blip3o {

class Arena {
 public:
  // Measures.
  Arena() = default;
  // Hands out memory of `buffer`, whose size a measuring run told.
  explicit Arena(const Buffer& buffer)
      : base_(reinterpret_cast<uintptr_t>(buffer.data())), size_(buffer.size_bytes()) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  template <typename T>
  T* Take(int64_t count) {
    const uintptr_t address = base_ + static_cast<uintptr_t>(used_);
    used_ += (count * static_cast<int64_t>(sizeof(T)) + kAlignment - 1) / kAlignment * kAlignment;
    peak_ = std::max(peak_, used_);
    assert(size_ < 0 || used_ <= size_);  // else the dry run took another way
    return reinterpret_cast<T*>(address);
  }
  // [rows, cols], dense.
  Matrix TakeMatrix(int64_t rows, int64_t cols) { return {Take<float>(rows * cols), rows, cols, cols}; }

  // Whether a measuring arena may have handed it out.
  static bool IsUntouchable(const void* address) { return reinterpret_cast<uintptr_t>(address) >> 62 == 1; }

  // The most bytes that were in use at once.
  int64_t peak_bytes() const { return peak_; }

  // Gives back, at its end, what was taken since its beginning.
  class Scope {
   public:
    explicit Scope(Arena& arena) : arena_(arena), used_(arena.used_) {}
    ~Scope() { arena_.used_ = used_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Arena& arena_;
    int64_t used_;
  };

 private:
  static constexpr int64_t kAlignment = 64;
  // Not null, as a null matrix is an absent one; and no processor that we run on has memory there.
  static constexpr uintptr_t kUntouchable = uintptr_t{1} << 62;
  uintptr_t base_ = kUntouchable;
  int64_t size_ = -1;  // without limit: it measures
  int64_t used_ = 0;
  int64_t peak_ = 0;
};

}  // namespace blip3o
