#include "base/philox.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

namespace blip3o {
namespace {

using Words = std::array<uint32_t, 4>;

// Random123's kat_vectors, philox4x32 with 10 rounds.
TEST(Philox, GivesTheKnownAnswers) {
  EXPECT_EQ(Philox4x32({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, CountsByIndexAndStreamUnderTheSeed) {
  EXPECT_EQ(Philox(0x0123456789abcdef, RandomStream::kTokens, 0xfedcba9876543210),
            Philox4x32({0x76543210, 0xfedcba98, 1, 0}, {0x89abcdef, 0x01234567}));
  EXPECT_NE(Philox(1, RandomStream::kNoise, 0), Philox(1, RandomStream::kTokens, 0));
  EXPECT_NE(Philox(1, RandomStream::kNoise, 0), Philox(1ull << 32, RandomStream::kNoise, 0));
}

TEST(Uniform, StaysInRangeAndIsFlat) {
  constexpr int kBins = 16, kCount = 1 << 16;
  std::vector<int> bins(kBins);
  for (int i = 0; i < kCount; ++i) {
    const float u = Uniform(42, RandomStream::kTokens, static_cast<uint64_t>(i));
    ASSERT_GE(u, 0.0f);
    ASSERT_LT(u, 1.0f);
    ++bins[static_cast<size_t>(u * kBins)];
  }
  double chi_square = 0;
  for (int count : bins) chi_square += std::pow(count - kCount / kBins, 2) / (kCount / kBins);
  EXPECT_LT(chi_square, 37.7);  // 15 degrees of freedom, one chance in a thousand; the seed is fixed
}

TEST(FillNormal, IsTheSameInAnySplit) {
  constexpr int64_t kCount = 1009;
  std::vector<float> whole(kCount);
  FillNormal(7, 0, kCount, whole.data());
  for (int64_t piece : {1, 2, 3, 5, 13, 1000}) {
    std::vector<float> parts(kCount);
    for (int64_t first = 0; first < kCount; first += piece) {
      FillNormal(7, first, std::min(piece, kCount - first), parts.data() + first);
    }
    EXPECT_EQ(std::memcmp(parts.data(), whole.data(), kCount * sizeof(float)), 0) << piece;
  }
}

// Box-Muller by hand on the words of the known answer of counter 0 under key 0.
TEST(FillNormal, HasFixedValues) {
  const uint32_t words[] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  float values[4];
  FillNormal(0, 0, 4, values);
  for (int pair = 0; pair < 2; ++pair) {
    const double radius = std::sqrt(-2 * std::log((words[2 * pair] + 1.0) / 4294967296.0));
    const double angle = 2 * M_PI * words[2 * pair + 1] / 4294967296.0;
    EXPECT_FLOAT_EQ(values[2 * pair], static_cast<float>(radius * std::cos(angle)));
    EXPECT_FLOAT_EQ(values[2 * pair + 1], static_cast<float>(radius * std::sin(angle)));
  }
}

TEST(FillNormal, HasTheMomentsOfANormal) {
  constexpr int64_t kCount = 1 << 20;
  std::vector<float> values(kCount);
  FillNormal(123, 0, kCount, values.data());
  double moments[5] = {};
  for (float value : values) {
    ASSERT_TRUE(std::isfinite(value));
    for (int k = 1; k <= 4; ++k) moments[k] += std::pow(value, k) / kCount;
  }
  // Standard errors are sqrt(1, 2, 15, 96) / 1024; four of them.
  EXPECT_NEAR(moments[1], 0, 4 * 1.0 / 1024);
  EXPECT_NEAR(moments[2], 1, 4 * 1.415 / 1024);
  EXPECT_NEAR(moments[3], 0, 4 * 3.873 / 1024);
  EXPECT_NEAR(moments[4], 3, 4 * 9.80 / 1024);
}

}  // namespace
}  // namespace blip3o
