// Which pieces of one block of memory are taken.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace blip3o::cuda {

// Offsets and sizes alone: the memory itself is never touched. Not safe for use by several threads at once.
class Pieces {
 public:
  static constexpr int64_t kAlignment = 256;  // of every offset, and so of what a piece takes

  // Block of so many bytes, rounded down to whole units.
  explicit Pieces(int64_t bytes);

  // The begin of the smallest gap that is large enough: large ones stay whole. Empty where there is none, though all
  // gaps together may be large enough.
  std::optional<int64_t> Take(int64_t bytes);
  // A piece that Take gave. Allocates nothing and so never throws.
  void Give(int64_t offset) noexcept;

  int64_t free_bytes() const { return free_; }

 private:
  // Size by offset.
  std::map<int64_t, int64_t> gaps_;  // no two of them touch
  std::map<int64_t, int64_t> taken_;
  int64_t free_ = 0;
};

}  // namespace blip3o::cuda
