// The pieces of a block against a model that marks every unit of it.
#include "ops/cuda/device/pieces.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <vector>

namespace blip3o::test {

using cuda::Pieces;

constexpr int64_t kUnit = Pieces::kAlignment;

// Length of the gap that begins at `at`; 0 where none does.
int64_t GapAt(const std::vector<bool>& taken, size_t at) {
  if (taken[at] || (at > 0 && !taken[at - 1])) return 0;
  size_t end = at;
  while (end < taken.size() && !taken[end]) ++end;
  return static_cast<int64_t>(end - at);
}

// The first of the smallest gaps that are large enough; −1 where there is none.
int64_t BestGap(const std::vector<bool>& taken, int64_t units) {
  int64_t best = -1, best_length = 0;
  for (size_t at = 0; at < taken.size(); ++at) {
    const int64_t length = GapAt(taken, at);
    if (length < units || (best >= 0 && length >= best_length)) continue;
    best = static_cast<int64_t>(at);
    best_length = length;
  }
  return best;
}

void Mark(std::vector<bool>& taken, int64_t first, int64_t units, bool value) {
  for (int64_t i = 0; i < units; ++i) taken[static_cast<size_t>(first + i)] = value;
}

TEST(Pieces, AgreeWithAMarkForEveryUnit) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    constexpr int64_t kUnits = 200;
    Pieces pieces(kUnits * kUnit + 17);
    std::vector<bool> taken(kUnits);
    std::map<int64_t, int64_t> held;  // units by the first
    for (int step = 0; step < 2000; ++step) {
      if (held.empty() || random() % 100 < 55) {
        const int64_t bytes = static_cast<int64_t>(random() % (random() % 8 == 0 ? 60 * kUnit : 6 * kUnit));
        const int64_t units = bytes == 0 ? 1 : (bytes + kUnit - 1) / kUnit, expected = BestGap(taken, units);
        const std::optional<int64_t> found = pieces.Take(bytes);
        ASSERT_EQ(found.has_value(), expected >= 0);
        if (!found) continue;
        ASSERT_EQ(*found, expected * kUnit);
        Mark(taken, expected, units, true);
        held[expected] = units;
      } else {
        auto piece = held.begin();
        std::advance(piece, random() % held.size());
        pieces.Give(piece->first * kUnit);
        Mark(taken, piece->first, piece->second, false);
        held.erase(piece);
      }
      ASSERT_EQ(pieces.free_bytes(), std::count(taken.begin(), taken.end(), false) * kUnit);
    }
    for (const auto& [first, units] : held) pieces.Give(first * kUnit);
    EXPECT_EQ(pieces.Take(kUnits * kUnit), 0) << "all of it is one gap again";
  }
}

TEST(Pieces, OfNothing) {
  Pieces pieces(kUnit - 1);
  EXPECT_EQ(pieces.free_bytes(), 0);
  EXPECT_FALSE(pieces.Take(0).has_value());
}

}  // namespace blip3o::test
