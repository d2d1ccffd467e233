#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "base/philox.h"
#include "ops/cpu/kernels.h"
#include "ops/cuda/kernels.h"
#include "support/lane_test.h"
#include "support/placed_matrix.h"
#include "support/scratch_context.h"

namespace blip3o {
namespace {

using test::DeviceArray;
using test::DeviceContext;
using test::ForEachSchedule;
using test::Numbers;
using test::OwnedMatrix;
using test::PlacedMatrix;
using test::Placement;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int64_t kTokens = 5;  // of a row's list

struct Sampling {
  float temperature = 1.0f;
  int64_t top_k = 0;
  float top_p = 1.0f;
  uint64_t seed = 0;
  int64_t drawn = 0;
};

std::string NameOf(const Sampling& s) {
  return "temperature " + std::to_string(s.temperature) + ", top_k " + std::to_string(s.top_k) + ", top_p " +
         std::to_string(s.top_p) + ", seed " + std::to_string(s.seed) + ", drawn " + std::to_string(s.drawn);
}

constexpr float kUntouched = 7.0f;  // no log-probability

// A token's two log-probabilities.
struct Scores {
  float drawn = kUntouched, full = kUntouched;
};

struct Drawn {
  std::vector<int32_t> tokens;
  std::vector<int32_t> finite;
  std::vector<Scores> scores;
};

// Every other row asks for scores.
bool AsksForScores(size_t row) { return row % 2 == 0; }

TokenRow RowOf(const Sampling& sampling, int32_t* tokens) {
  TokenRow row;
  row.tokens = tokens;
  row.drawn = sampling.drawn;
  row.seed = sampling.seed;
  row.top_k = sampling.top_k;
  row.temperature = sampling.temperature;
  row.top_p = sampling.top_p;
  return row;
}

// Draws on the device: row r of `logits` by samplings[r].
Drawn Draw(DeviceContext& context, const OwnedMatrix& logits, const std::vector<Sampling>& samplings,
           Placement placement) {
  const size_t rows = samplings.size();
  const PlacedMatrix on_device(context, logits, placement);
  const DeviceArray<int32_t> tokens(context, std::vector<int32_t>(rows * kTokens, -7));
  std::vector<TokenRow> table;
  const DeviceArray<float> scores(context, std::vector<float>(rows * kTokens * 2, kUntouched));
  for (size_t r = 0; r < rows; ++r) {
    table.push_back(RowOf(samplings[r], tokens.data() + r * kTokens));
    if (AsksForScores(r)) table.back().log_probabilities = scores.data() + r * kTokens * 2;
  }
  const DeviceArray<TokenRow> device_table(context, table);
  context.Reserve(cuda::SamplingScratch({.vocabulary = logits.cols()}));
  cuda::DrawTokens(context, *on_device, {device_table.data(), static_cast<int64_t>(rows), 1});

  Drawn drawn;
  const std::vector<int32_t> all = tokens.Read();
  const std::vector<float> all_scores = scores.Read();
  const std::vector<TokenRow> after = device_table.Read();
  for (size_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < kTokens; ++i) {
      const size_t at = r * kTokens + static_cast<size_t>(i);
      const Scores own = {all_scores[2 * at], all_scores[2 * at + 1]};
      if (i == samplings[r].drawn) {
        drawn.tokens.push_back(all[at]);
        drawn.scores.push_back(own);
      } else {
        EXPECT_EQ(all[at], -7) << "row " << r << " wrote token " << i;
        EXPECT_TRUE(own.drawn == kUntouched && own.full == kUntouched) << "row " << r << " scored token " << i;
      }
    }
    drawn.finite.push_back(after[r].finite);
  }
  return drawn;
}

// The definition: everything sorted, weights as integers.
int32_t ReferenceToken(const OwnedMatrix& logits, int64_t row, const Sampling& s) {
  const auto logit = [&](int64_t id) { return logits.at(row, id); };
  std::vector<int64_t> ids(static_cast<size_t>(logits.cols()));
  std::iota(ids.begin(), ids.end(), 0);
  std::stable_sort(ids.begin(), ids.end(), [&](int64_t a, int64_t b) {
    if (std::isnan(logit(a)) || std::isnan(logit(b))) return !std::isnan(logit(a)) && std::isnan(logit(b));
    return logit(a) > logit(b);
  });
  if (!(s.temperature > 0)) return static_cast<int32_t>(ids[0]);
  if (s.top_k > 0 && s.top_k < logits.cols()) ids.resize(static_cast<size_t>(s.top_k));
  const double largest = logit(ids[0]);
  std::vector<uint64_t> weights;
  for (const int64_t id : ids) {
    const bool equal = logit(id) == logit(ids[0]) || (std::isnan(logit(id)) && std::isnan(logit(ids[0])));
    const double weight =
        equal ? 0x1p40
              : std::nearbyint(0x1p40 * std::exp((logit(id) - largest) * (1.0 / static_cast<double>(s.temperature))));
    weights.push_back(weight > 0 ? static_cast<uint64_t>(weight) : 0);
  }
  const uint64_t total = std::accumulate(weights.begin(), weights.end(), uint64_t{0});
  const double reach = std::ceil(static_cast<double>(s.top_p) * static_cast<double>(total));
  uint64_t kept = 0;
  for (size_t i = 0; i < weights.size() && (i == 0 || static_cast<double>(kept) < reach); ++i) kept += weights[i];
  const float uniform = Uniform(s.seed, RandomStream::kTokens, static_cast<uint64_t>(s.drawn));
  const uint64_t target = static_cast<uint64_t>(static_cast<double>(uniform) * static_cast<double>(kept));
  uint64_t sum = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    sum += weights[i];
    if (sum > target) return static_cast<int32_t>(ids[i]);
  }
  return -1;
}

int32_t TokenOfCpu(const OwnedMatrix& logits, int64_t row, const Sampling& s, Scores& scores) {
  test::ScratchContext cpu(1, cpu::SamplingScratch({.vocabulary = logits.cols()}));
  std::vector<int32_t> tokens(kTokens, -7);
  std::vector<float> log_probabilities(kTokens * 2);
  TokenRow of_row = RowOf(s, tokens.data());
  of_row.log_probabilities = log_probabilities.data();
  cpu::DrawTokens(cpu, (*logits).Rows(row, 1), {&of_row, 1, 1});
  const size_t at = 2 * static_cast<size_t>(s.drawn);
  scores = {log_probabilities[at], log_probabilities[at + 1]};
  return tokens[static_cast<size_t>(s.drawn)];
}

// The logarithms of two libraries, rounded to f32.
void CheckScore(float score, float expected, const std::string& where) {
  if (std::isnan(expected)) {
    EXPECT_TRUE(std::isnan(score)) << where;
  } else {
    EXPECT_FLOAT_EQ(score, expected) << where;
  }
}

void CheckTokens(const OwnedMatrix& logits, const std::vector<Sampling>& samplings, Placement placement) {
  ForEachSchedule([&](DeviceContext& context) {
    const Drawn drawn = Draw(context, logits, samplings, placement);
    for (size_t r = 0; r < samplings.size(); ++r) {
      const int64_t row = static_cast<int64_t>(r);
      ASSERT_EQ(drawn.tokens[r], ReferenceToken(logits, row, samplings[r]))
          << "row " << r << ": " << NameOf(samplings[r]);
      Scores expected;
      ASSERT_EQ(drawn.tokens[r], TokenOfCpu(logits, row, samplings[r], expected))
          << "row " << r << ": " << NameOf(samplings[r]);
      if (!AsksForScores(r)) expected = {};
      CheckScore(drawn.scores[r].drawn, expected.drawn, "row " + std::to_string(r) + ": " + NameOf(samplings[r]));
      CheckScore(drawn.scores[r].full, expected.full, "row " + std::to_string(r) + ": " + NameOf(samplings[r]));
    }
  });
}

// A seed whose first number lies within 1/64 of `uniform`.
uint64_t SeedFor(double uniform) {
  uint64_t seed = 0;
  while (std::abs(static_cast<double>(Uniform(seed, RandomStream::kTokens, 0)) - uniform) > 1.0 / 64) ++seed;
  return seed;
}

// Every combination that differs, in some order, one for each row.
std::vector<Sampling> SomeSamplings(int64_t vocabulary, int64_t count, uint64_t seed) {
  const int64_t top_ks[] = {0, 1, 12, 1200, vocabulary, vocabulary + 1, vocabulary / 2};
  const float top_ps[] = {1.0f, 0.95f, 0.5f, 0.0f};
  const float temperatures[] = {0.8f, 1.0f, 2.5f, 0.1f, 0.0f};
  std::vector<Sampling> samplings;
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t u = static_cast<uint64_t>(i) + 3 * seed;
    samplings.push_back({temperatures[u % 5], top_ks[(u / 2) % 7], top_ps[u % 4], seed + u * 0x9E3779B97F4A7C15u,
                         static_cast<int64_t>(u % kTokens)});
  }
  return samplings;
}

TEST(DrawTokens, EqualsTheSortedDefinitionAndTheCpu) {
  for (const int64_t vocabulary : {1, 2, 13, 207, 1024, 1025}) {
    SCOPED_TRACE(vocabulary);
    const OwnedMatrix logits(7, vocabulary, Numbers(static_cast<uint64_t>(vocabulary)), 6.0f);
    CheckTokens(logits, SomeSamplings(vocabulary, 7, static_cast<uint64_t>(vocabulary)),
                vocabulary % 2 == 0 ? Placement::kAligned : Placement::kOdd);
  }
  const OwnedMatrix logits(6, 5003, Numbers(7), 9.0f);
  CheckTokens(logits, SomeSamplings(5003, 6, 2), Placement::kOdd);
}

// Of the public model, as it samples.
TEST(DrawTokens, DrawsFromAVocabularyOf65536) {
  OwnedMatrix logits(1, 65536, Numbers(5), 4.0f);
  CheckTokens(logits, {{1.0f, 1200, 0.95f, 42, 3}}, Placement::kAligned);
}

// More entries share a bin than shared memory has room for: the row is read for each digit of the key.
TEST(DrawTokens, SelectsAmongManyEntriesOfOneBin) {
  constexpr int64_t kVocabulary = 2603;
  OwnedMatrix logits(6, kVocabulary, Numbers(3), 0x1p-20f);
  for (int64_t c = 0; c < kVocabulary; ++c) {
    logits.at(0, c) = 1.5f;                            // all equal
    logits.at(1, c) = c % 2 == 0 ? 1.0f : 1.0000001f;  // two values
    logits.at(2, c) += c == 77 ? -20.0f : 0.0f;        // an outlier makes the bins wide
    logits.at(3, c) += c == 2000 ? 1.0f : 0.0f;
    logits.at(4, c) = c < 1500 ? -0.0f : 0.0f;  // equal too
  }
  CheckTokens(logits,
              {{1.0f, 0, 1.0f, 5, 0},
               {0.7f, 1700, 0.9f, 6, 1},
               {1.0f, 0, 0.5f, 7, 2},
               {1.0f, 2000, 0.97f, 8, 3},
               {1e30f, 2500, 0.4f, 9, 4},
               {3.0f, 1100, 1.0f, 10, 0}},
              Placement::kOdd);
}

TEST(DrawTokens, PutsTheLowerIdFirstAmongEqualLogits) {
  // Five of the largest are kept: ids 0, 1, 2, 4, 5, a fifth of the draws each, in this order.
  OwnedMatrix logits(10, 10);
  std::vector<Sampling> samplings;
  for (int64_t r = 0; r < 10; ++r) {
    for (int64_t c = 0; c < 10; ++c) logits.at(r, c) = c == 3 ? -40.0f : 1.0f;
    const uint64_t seed = SeedFor((static_cast<double>(r / 2) + 0.5) / 5);
    samplings.push_back({1.0f, r % 2 == 0 ? 5 : 0, r % 2 == 0 ? 1.0f : 0.55f, seed, 0});
  }
  ForEachSchedule([&](DeviceContext& context) {
    EXPECT_EQ(Draw(context, logits, samplings, Placement::kAligned).tokens,
              (std::vector<int32_t>{0, 0, 1, 1, 2, 2, 4, 4, 5, 5}));
  });
}

TEST(DrawTokens, IsGreedyAtTemperatureZeroOrTopKOne) {
  OwnedMatrix logits(5, 3001, Numbers(3));
  logits.at(0, 1400) = logits.at(0, 2500) = 100.0f;
  logits.at(1, 2999) = 100.0f;
  logits.at(2, 0) = logits.at(2, 5) = 7.0f;
  for (int64_t c = 0; c < 3001; ++c) logits.at(3, c) = -kInfinity;
  for (int64_t c = 0; c < 3001; ++c) logits.at(4, c) = c % 2 == 0 ? -0.0f : 0.0f;
  const std::vector<Sampling> samplings = {
      {0.0f, 0, 1.0f, 1, 0}, {0.0f, 7, 0.1f, 2, 1}, {1.0f, 1, 1.0f, 3, 2}, {0.0f, 0, 1.0f, 4, 3}, {-1.0f, 0, 1, 5, 4}};
  ForEachSchedule([&](DeviceContext& context) {
    const Drawn drawn = Draw(context, logits, samplings, Placement::kOdd);
    EXPECT_EQ(drawn.tokens, (std::vector<int32_t>{1400, 2999, 0, 0, 0}));
    EXPECT_EQ(drawn.finite, (std::vector<int32_t>{1, 1, 1, 0, 1}));
  });
}

TEST(DrawTokens, BearsExtremesAndTellsOfThem) {
  OwnedMatrix logits(10, 37, Numbers(2));
  for (int64_t c = 0; c < 37; ++c) {
    logits.at(0, c) = NAN;
    logits.at(3, c) = -kInfinity;
    logits.at(6, c) = c == 11 ? 3e38f : -3e38f;
  }
  logits.at(1, 7) = logits.at(1, 36) = -NAN;
  logits.at(9, 3) = logits.at(9, 20) = logits.at(9, 36) = NAN;  // weigh nothing where all the others may be drawn
  logits.at(2, 30) = kInfinity;
  logits.at(3, 5) = 0.0f;
  logits.at(4, 4) = 1.0f;
  logits.at(4, 5) = 1.0000001f;
  const std::vector<Sampling> samplings = {{1.0f, 0, 0.9f, 1, 0}, {1.0f, 3, 0.9f, 2, 1},   {1.0f, 0, 1.0f, 3, 2},
                                           {1.0f, 5, 0.9f, 4, 3}, {1e-30f, 0, 1.0f, 5, 4}, {1e30f, 0, 1.0f, 6, 0},
                                           {1.0f, 0, 1.0f, 7, 1}, {1e38f, 9, 0.5f, 8, 2},  {kInfinity, 0, 1.0f, 9, 3},
                                           {1.0f, 0, 1.0f, 10, 4}};
  CheckTokens(logits, samplings, Placement::kAligned);
  ForEachSchedule([&](DeviceContext& context) {
    const Drawn drawn = Draw(context, logits, samplings, Placement::kAligned);
    EXPECT_EQ(drawn.finite, (std::vector<int32_t>{0, 0, 0, 0, 1, 1, 1, 1, 1, 0}));
    EXPECT_EQ(drawn.tokens[2], 30);
    EXPECT_EQ(drawn.tokens[3], 5);
    EXPECT_EQ(drawn.tokens[4], 5);
    EXPECT_EQ(drawn.tokens[6], 11);
  });
}

// The sets that top_p keeps of probabilities 1/8, 1/2, 1/8, 1/4, each seen by its last entry.
TEST(DrawTokens, KeepsTheSmallestSetThatReachesTopP) {
  const std::vector<std::pair<float, int32_t>> last = {{0.0f, 1},  {0.49f, 1}, {0.51f, 3},
                                                       {0.76f, 0}, {0.88f, 2}, {1.0f, 2}};
  OwnedMatrix logits(6, 4);
  std::vector<Sampling> samplings;
  std::vector<int32_t> expected;
  for (int64_t r = 0; r < 6; ++r) {
    logits.at(r, 0) = logits.at(r, 2) = std::log(0.125f);
    logits.at(r, 1) = std::log(0.5f);
    logits.at(r, 3) = std::log(0.25f);
    samplings.push_back({1.0f, 0, last[static_cast<size_t>(r)].first, SeedFor(0.98), 0});
    expected.push_back(last[static_cast<size_t>(r)].second);
  }
  ForEachSchedule([&](DeviceContext& context) {
    EXPECT_EQ(Draw(context, logits, samplings, Placement::kAligned).tokens, expected);
  });
}

// More rows than one launch takes; a row alone draws the same token.
TEST(DrawTokens, DrawsForAnyNumberOfRows) {
  const OwnedMatrix logits(65, 29, Numbers(4), 3.0f);
  const std::vector<Sampling> samplings = SomeSamplings(29, 65, 11);
  DeviceContext context({});
  const Drawn drawn = Draw(context, logits, samplings, Placement::kOdd);
  for (size_t r = 0; r < samplings.size(); ++r) {
    Scores expected;
    EXPECT_EQ(drawn.tokens[r], TokenOfCpu(logits, static_cast<int64_t>(r), samplings[r], expected))
        << NameOf(samplings[r]);
    if (AsksForScores(r)) CheckScore(drawn.scores[r].full, expected.full, NameOf(samplings[r]));
  }
  OwnedMatrix one(1, 29);
  for (int64_t c = 0; c < 29; ++c) one.at(0, c) = logits.at(64, c);
  EXPECT_EQ(Draw(context, one, {samplings[64]}, Placement::kOdd).tokens[0], drawn.tokens[64]);
  EXPECT_TRUE(context.CountersAreZero());
  ASSERT_TRUE(context.queue.Finish().ok());
}

}  // namespace
}  // namespace blip3o
