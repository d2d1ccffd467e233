// The numbers that a schedule is drawn from, and those that depend on nothing but their operands.
#pragma once

#include <cstdint>
#include <utility>

namespace blip3o::cuda::lanes {

// SplitMix64's finish: every bit of the result depends on every bit of `x`.
inline uint64_t Mixed(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t operator()() { return Mixed(state_ += 0x9E3779B97F4A7C15u); }
  int64_t Below(int64_t n) { return static_cast<int64_t>((*this)() % static_cast<uint64_t>(n)); }

  // A random order of what lies in [first, first + count).
  template <typename T>
  void Shuffle(T* first, int64_t count) {
    for (int64_t i = count - 1; i > 0; --i) std::swap(first[i], first[Below(i + 1)]);
  }

 private:
  uint64_t state_;
};

}  // namespace blip3o::cuda::lanes
