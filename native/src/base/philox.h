// Counter-based random numbers: Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
//
// A number is a pure function of (seed, stream, index): no state, the same on every thread count and backend.
#pragma once

#include <array>
#include <cstdint>

namespace blip3o {

// Independent streams of one seed.
enum class RandomStream : uint32_t { kNoise = 0, kTokens = 1 };

// The generator itself, ten rounds, as the paper's Random123 defines it.
std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// Four 32-bit words of counter (index, stream, 0) under key `seed`.
std::array<uint32_t, 4> Philox(uint64_t seed, RandomStream stream, uint64_t index);

// Uniform in [0, 1) with 24 bits: word 0 of `index`.
float Uniform(uint64_t seed, RandomStream stream, uint64_t index);

// values[i] standard normal for i in [first, first + count), by Box-Muller on words (4·⌊i/4⌋ …): counter i / 4 yields
// four values from its words a, b, c, d: with u = (a + 1)·2^-32, v = b·2^-32:
// sqrt(-2 ln u)·cos(2πv), sqrt(-2 ln u)·sin(2πv), and the same from c, d. Computed in double, rounded to f32.
void FillNormal(uint64_t seed, int64_t first, int64_t count, float* values);

}  // namespace blip3o
