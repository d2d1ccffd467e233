#include "base/philox.h"

#include <cmath>
#include <numbers>

namespace blip3o {

namespace {

constexpr uint32_t kMultiplier0 = 0xD2511F53u, kMultiplier1 = 0xCD9E8D57u;
constexpr uint32_t kWeyl0 = 0x9E3779B9u, kWeyl1 = 0xBB67AE85u;
constexpr int kRounds = 10;

std::array<float, 2> BoxMuller(uint32_t a, uint32_t b) {
  const double u = (static_cast<double>(a) + 1.0) * 0x1p-32;  // (0, 1]: its logarithm is finite
  const double angle = 2.0 * std::numbers::pi * (static_cast<double>(b) * 0x1p-32);
  const double radius = std::sqrt(-2.0 * std::log(u));
  return {static_cast<float>(radius * std::cos(angle)), static_cast<float>(radius * std::sin(angle))};
}

}  // namespace

std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  std::array<uint32_t, 4>& x = counter;
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t p0 = static_cast<uint64_t>(kMultiplier0) * x[0];
    const uint64_t p1 = static_cast<uint64_t>(kMultiplier1) * x[2];
    x = {static_cast<uint32_t>(p1 >> 32) ^ x[1] ^ key[0], static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ x[3] ^ key[1], static_cast<uint32_t>(p0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return x;
}

std::array<uint32_t, 4> Philox(uint64_t seed, RandomStream stream, uint64_t index) {
  return Philox4x32(
      {static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32), static_cast<uint32_t>(stream), 0u},
      {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
}

float Uniform(uint64_t seed, RandomStream stream, uint64_t index) {
  return static_cast<float>(Philox(seed, stream, index)[0] >> 8) * 0x1p-24f;
}

void FillNormal(uint64_t seed, int64_t first, int64_t count, float* values) {
  for (int64_t i = first; i < first + count;) {
    const std::array<uint32_t, 4> words = Philox(seed, RandomStream::kNoise, static_cast<uint64_t>(i) / 4);
    const std::array<float, 2> low = BoxMuller(words[0], words[1]), high = BoxMuller(words[2], words[3]);
    const std::array<float, 4> four = {low[0], low[1], high[0], high[1]};
    for (int64_t lane = i % 4; lane < 4 && i < first + count; ++lane, ++i) values[i - first] = four[lane];
  }
}

}  // namespace blip3o
