#include "image/mask.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace blip3o {
namespace {

// Blots of 0 and of grey levels in a white square or oblong.
Picture RandomMask(int64_t height, int64_t width, int holes, uint32_t seed) {
  Picture mask{std::vector<uint8_t>(static_cast<size_t>(height * width), 255), height, width, 1};
  std::mt19937 random(seed);
  for (int hole = 0; hole < holes; ++hole) {
    const int64_t top = random() % height, left = random() % width, rows = 1 + random() % 4, columns = 1 + random() % 5;
    const uint8_t value = hole % 2 == 0 ? 0 : static_cast<uint8_t>(random());
    for (int64_t y = top; y < std::min(height, top + rows); ++y) {
      for (int64_t x = left; x < std::min(width, left + columns); ++x) mask.bytes[y * width + x] = value;
    }
  }
  return mask;
}

// The definition, pixel by pixel over the whole mask.
Picture BruteForceFeather(const Picture& mask, int64_t feather) {
  Picture faded = mask;
  for (int64_t y = 0; y < mask.height; ++y) {
    for (int64_t x = 0; x < mask.width; ++x) {
      double share = 1;
      for (int64_t v = 0; v < mask.height; ++v) {
        for (int64_t u = 0; u < mask.width; ++u) {
          if (mask.bytes[v * mask.width + u] != 0) continue;
          const int64_t distance = std::max(std::abs(v - y), std::abs(u - x));
          share = std::min(share, static_cast<double>(distance) / static_cast<double>(feather + 1));
        }
      }
      uint8_t& byte = faded.bytes[y * mask.width + x];
      byte = static_cast<uint8_t>(std::floor(byte * share + 0.5));
    }
  }
  return faded;
}

TEST(Feather, IsTheDistanceToTheNearest0) {
  // Shares of a half to a 16th are exact in double, those of 5 never end in a half: no tie depends on rounding.
  for (int64_t feather : {0, 1, 3, 4, 7, 15}) {
    for (uint32_t seed = 0; seed < 4; ++seed) {
      const Picture mask = RandomMask(29, 37, 3 + 2 * static_cast<int>(seed), seed);
      EXPECT_EQ(Feather(mask, feather), BruteForceFeather(mask, feather)) << feather << " seed " << seed;
    }
  }
  const Picture row = RandomMask(1, 41, 3, 9), column = RandomMask(41, 1, 3, 9);
  EXPECT_EQ(Feather(row, 3), BruteForceFeather(row, 3));
  EXPECT_EQ(Feather(column, 3), BruteForceFeather(column, 3));
}

TEST(Feather, FadesInwardsByEqualSteps) {
  const Picture mask{{0, 255, 255, 255, 255, 255, 0}, 1, 7, 1};
  EXPECT_EQ(Feather(mask, 0), mask);
  EXPECT_EQ(Feather(mask, 2).bytes, (std::vector<uint8_t>{0, 85, 170, 255, 170, 85, 0}));
}

TEST(Feather, LeavesAWhiteMaskAlone) {
  const Picture white{std::vector<uint8_t>(64, 255), 8, 8, 1};
  EXPECT_EQ(Feather(white, 16), white);
}

TEST(LatentMask, IsTheMostOfEachBlock) {
  Picture mask{std::vector<uint8_t>(36, 0), 6, 6, 1};
  mask.bytes[5 * 6 + 5] = 255;              // the last corner
  mask.bytes[0] = 51, mask.bytes[1] = 102;  // the first block: the larger one counts
  mask.bytes[1 * 6 + 2] = 1, mask.bytes[2 * 6 + 1] = 7;
  EXPECT_EQ(LatentMask(mask, 3), (std::vector<float>{102 / 255.0f, 1 / 255.0f, 0, 7 / 255.0f, 0, 0, 0, 0, 1}));
  EXPECT_EQ(LatentMask(mask, 1), (std::vector<float>{1}));
  EXPECT_EQ(LatentMask(mask, 6).at(35), 1.0f);
}

// Every weight with every pair of a few values.
TEST(Blend, RoundsToTheNearest) {
  const std::vector<uint8_t> values = {0, 1, 2, 99, 127, 128, 200, 254, 255};
  Picture weights{{}, 256, 81, 1}, kept{{}, 256, 81, 3};
  std::vector<uint8_t> pixels;
  for (int weight = 0; weight < 256; ++weight) {
    for (uint8_t a : values) {
      for (uint8_t b : values) {
        weights.bytes.push_back(static_cast<uint8_t>(weight));
        for (int c = 0; c < 3; ++c) {
          pixels.push_back(static_cast<uint8_t>(a ^ c));
          kept.bytes.push_back(static_cast<uint8_t>(b ^ (c << 3)));
        }
      }
    }
  }
  std::vector<uint8_t> blended = pixels;
  Blend(weights, kept, blended.data());
  for (size_t i = 0; i < pixels.size(); ++i) {
    const double weight = weights.bytes[i / 3] / 255.0;
    ASSERT_EQ(blended[i], std::lround(weight * pixels[i] + (1 - weight) * kept.bytes[i])) << i;
  }
}

TEST(Blend, LeavesBothEndsExact) {
  const Picture weights{{0, 255}, 1, 2, 1}, kept{{1, 2, 3, 4, 5, 6}, 1, 2, 3};
  std::vector<uint8_t> pixels = {11, 12, 13, 14, 15, 16};
  Blend(weights, kept, pixels.data());
  EXPECT_EQ(pixels, (std::vector<uint8_t>{1, 2, 3, 14, 15, 16}));
}

}  // namespace
}  // namespace blip3o
