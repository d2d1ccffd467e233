#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>
#include <vector>

#include "base/philox.h"
#include "ops/cpu/kernels.h"
#include "support/kernel_test.h"

namespace blip3o {
namespace {

using cpu::SamplingParameters;

using test::Numbers;
using test::TestContext;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

class Sampler {
 public:
  explicit Sampler(int64_t vocabulary) : context_(1, cpu::SamplingScratch({.vocabulary = vocabulary}).shared) {}

  int32_t operator()(std::vector<float> logits, const SamplingParameters& parameters) {
    const int64_t count = static_cast<int64_t>(logits.size());
    int32_t token = -1;
    cpu::Sample(context_, {logits.data(), 1, count, count}, parameters, &token);
    return token;
  }

  // The token and its two log-probabilities.
  std::tuple<int32_t, float, float> Scored(std::vector<float> logits, const SamplingParameters& parameters) {
    const int64_t count = static_cast<int64_t>(logits.size());
    int32_t token = -1;
    float scores[2] = {1, 1};
    cpu::Sample(context_, {logits.data(), 1, count, count}, parameters, &token, scores);
    return {token, scores[0], scores[1]};
  }

 private:
  TestContext context_;
};

// The definition, sorted in full and summed in double.
std::vector<std::pair<int32_t, double>> KeptDistribution(const std::vector<float>& logits,
                                                         const SamplingParameters& parameters) {
  std::vector<int32_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  std::stable_sort(ids.begin(), ids.end(), [&](int32_t a, int32_t b) { return logits[a] > logits[b]; });
  if (parameters.top_k > 0 && parameters.top_k < static_cast<int64_t>(ids.size())) ids.resize(parameters.top_k);
  std::vector<double> weights;
  for (int32_t id : ids) {
    weights.push_back(std::exp((static_cast<double>(logits[id]) - logits[ids[0]]) / parameters.temperature));
  }
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<std::pair<int32_t, double>> kept;
  double before = 0;
  for (size_t i = 0; i < ids.size() && (i == 0 || before < parameters.top_p * total); ++i) {
    kept.emplace_back(ids[i], weights[i]);
    before += weights[i];
  }
  for (auto& entry : kept) entry.second /= before;
  return kept;
}

int32_t ReferenceSample(const std::vector<float>& logits, const SamplingParameters& parameters) {
  double sum = 0;
  const auto kept = KeptDistribution(logits, parameters);
  for (const auto& [id, probability] : kept) {
    sum += probability;
    if (sum > parameters.uniform) return id;
  }
  return kept.back().first;
}

std::vector<float> RandomLogits(int64_t count, uint64_t seed, float scale = 6.0f) {
  Numbers numbers(seed);
  std::vector<float> logits(static_cast<size_t>(count));
  for (float& logit : logits) logit = scale * numbers();
  return logits;
}

TEST(Sample, AgreesWithTheSortedDefinition) {
  for (int64_t count : {1, 2, 13, 207, 4098, 65536}) {
    Sampler sample(count);
    const std::vector<float> logits = RandomLogits(count, static_cast<uint64_t>(count));
    for (int64_t top_k : {int64_t{0}, int64_t{1}, int64_t{12}, int64_t{1200}, count, count + 1}) {
      for (float top_p : {0.0f, 0.5f, 0.95f, 1.0f}) {
        for (float uniform : {0.0f, 0.3f, 0.77f, 0.99999994f}) {
          const SamplingParameters parameters = {0.8f, top_k, top_p, uniform};
          ASSERT_EQ(sample(logits, parameters), ReferenceSample(logits, parameters))
              << count << " logits, top_k " << top_k << ", top_p " << top_p << ", uniform " << uniform;
        }
      }
    }
  }
}

TEST(Sample, DrawsWithTheProbabilitiesOfTheSoftmax) {
  constexpr int kDraws = 20000;
  const std::vector<float> logits = RandomLogits(40, 5, 2.0f);
  Sampler sample(40);
  SamplingParameters parameters = {1.3f, 20, 0.9f, 0.0f};
  const auto kept = KeptDistribution(logits, parameters);
  ASSERT_GT(kept.size(), 5u);
  ASSERT_LT(kept.size(), 20u);
  std::vector<int> counts(logits.size());
  for (int i = 0; i < kDraws; ++i) {
    parameters.uniform = Uniform(11, RandomStream::kTokens, static_cast<uint64_t>(i));
    ++counts[static_cast<size_t>(sample(logits, parameters))];
  }
  double chi_square = 0;
  int kept_draws = 0;
  for (const auto& [id, probability] : kept) {
    chi_square += std::pow(counts[static_cast<size_t>(id)] - kDraws * probability, 2) / (kDraws * probability);
    kept_draws += counts[static_cast<size_t>(id)];
  }
  EXPECT_EQ(kept_draws, kDraws) << "a token outside of the kept set was drawn";
  EXPECT_LT(chi_square, 43.8);  // at most 19 degrees of freedom, one chance in a thousand; the seed is fixed
}

// Weights are rounded to 2^-40, so that a sum of V of them is off by V · 2^-41 at most; what is told is rounded to f32.
double ScoreTolerance(size_t vocabulary, double score) {
  return static_cast<double>(vocabulary) * 0x1p-41 + std::abs(score) * 0x1p-24 + 1e-12;
}

double LogSoftmax(const std::vector<float>& logits, int32_t token) {
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - logits[static_cast<size_t>(token)]);
  return -std::log(sum);
}

TEST(Sample, TellsLogProbabilities) {
  for (const int64_t count : {1, 2, 7, 100, 1201, 65536}) {
    Sampler sample(count);
    const std::vector<float> logits = RandomLogits(count, static_cast<uint64_t>(count));
    for (const SamplingParameters& parameters :
         {SamplingParameters{1.0f, 0, 1.0f, 0.4f}, SamplingParameters{0.7f, 0, 0.9f, 0.8f},
          SamplingParameters{1.5f, 5, 1.0f, 0.1f}, SamplingParameters{2.0f, 50, 0.5f, 0.99f}}) {
      const auto [token, drawn, full] = sample.Scored(logits, parameters);
      ASSERT_EQ(token, sample(logits, parameters));
      double expected = -kInfinity;
      for (const auto& [id, probability] : KeptDistribution(logits, parameters)) {
        if (id == token) expected = std::log(probability);
      }
      EXPECT_NEAR(drawn, expected, ScoreTolerance(logits.size(), expected)) << count;
      expected = LogSoftmax(logits, token);
      EXPECT_NEAR(full, expected, ScoreTolerance(logits.size(), expected)) << count;
    }
    // One distribution: the same bits.
    const auto [token, drawn, full] = sample.Scored(logits, {1.0f, 0, 1.0f, 0.6f});
    EXPECT_EQ(drawn, full);
  }
}

TEST(Sample, ATokenThatIsNotDrawnIsCertain) {
  Sampler sample(4);
  const std::vector<float> logits = {0.0f, 2.0f, 1.0f, -1.0f};
  for (const SamplingParameters& parameters :
       {SamplingParameters{0.0f, 0, 1.0f, 0.9f}, SamplingParameters{1.0f, 1, 1.0f, 0.9f}}) {
    const auto [token, drawn, full] = sample.Scored(logits, parameters);
    EXPECT_EQ(token, 1);
    EXPECT_EQ(drawn, 0.0f);
    EXPECT_NEAR(full, LogSoftmax(logits, 1), 1e-7);
  }
}

TEST(Sample, IsGreedyAtTemperatureZero) {
  Sampler sample(70000);
  EXPECT_EQ(sample({1, 3, 2, 3}, {0.0f, 0, 1.0f, 0.9f}), 1);
  EXPECT_EQ(sample({-5, -3, -3}, {0.0f, 7, 0.1f, 0.9f}), 1);
  EXPECT_EQ(sample({-0.0f, 0.0f}, {0.0f, 0, 1.0f, 0.5f}), 0);
  EXPECT_EQ(sample({-kInfinity, -kInfinity}, {0.0f, 0, 1.0f, 0.5f}), 0);
  std::vector<float> logits = RandomLogits(65536, 3);
  logits[40000] = logits[50000] = 100.0f;
  EXPECT_EQ(sample(logits, {0.0f, 0, 1.0f, 0.5f}), 40000);
}

TEST(Sample, PutsTheLowerIdFirstAmongEqualLogits) {
  Sampler sample(100);
  const std::vector<float> equal(10, 1.0f);
  // Five of ten equal logits are kept: ids 0 to 4, a fifth of the draws each, in ascending order.
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(sample(equal, {1.0f, 5, 1.0f, (static_cast<float>(i) + 0.5f) / 5}), i);
    EXPECT_EQ(sample(equal, {1.0f, 0, 0.5f, (static_cast<float>(i) + 0.5f) / 5}), i);
  }
  EXPECT_EQ(sample({0.0f, -0.0f, 0.0f}, {1.0f, 2, 1.0f, 0.75f}), 1);
}

TEST(Sample, KeepsTheSmallestSetThatReachesTopP) {
  // Probabilities 1/2, 1/4, 1/8, 1/8, shuffled.
  const std::vector<float> logits = {std::log(0.125f), std::log(0.5f), std::log(0.125f), std::log(0.25f)};
  Sampler sample(4);
  const float last = 0.99999994f;
  EXPECT_EQ(sample(logits, {1.0f, 0, 0.0f, last}), 1);   // at least one
  EXPECT_EQ(sample(logits, {1.0f, 0, 0.49f, last}), 1);  // the first alone reaches it
  EXPECT_EQ(sample(logits, {1.0f, 0, 0.51f, last}), 3);
  EXPECT_EQ(sample(logits, {1.0f, 0, 0.76f, last}), 0);
  EXPECT_EQ(sample(logits, {1.0f, 0, 0.88f, last}), 2);
  EXPECT_EQ(sample(logits, {1.0f, 0, 1.0f, last}), 2);
  // Top-p acts on what top-k has left: two tokens of 2/3 and 1/3.
  EXPECT_EQ(sample(logits, {1.0f, 2, 0.6f, last}), 1);
  EXPECT_EQ(sample(logits, {1.0f, 2, 0.7f, last}), 3);
}

TEST(Sample, BearsExtremes) {
  Sampler sample(1000);
  EXPECT_EQ(sample({3.0f}, {1.0f, 0, 1.0f, 0.99f}), 0);
  EXPECT_EQ(sample({-3e38f, 3e38f, -3e38f}, {1.0f, 0, 1.0f, 0.99f}), 1);
  EXPECT_EQ(sample({1.0f, 1.0000001f}, {1e-30f, 0, 1.0f, 0.99f}), 1);
  EXPECT_EQ(sample({0.0f, kInfinity, 1.0f}, {1.0f, 0, 1.0f, 0.99f}), 1);
  EXPECT_EQ(sample({-kInfinity, 0.0f, -kInfinity}, {1.0f, 0, 1.0f, 0.99f}), 1);
  EXPECT_EQ(sample({0.0f, 0.0f, 0.0f, 0.0f}, {1e30f, 0, 1.0f, 0.6f}), 2);
}

TEST(Sample, SurvivesNaN) {
  Sampler sample(1000);
  for (int64_t top_k : {0, 3}) {
    for (float temperature : {0.0f, 1.0f}) {
      for (float uniform : {0.0f, 0.5f, 0.99999994f}) {
        const std::vector<float> all(207, NAN);
        const int32_t token = sample(all, {temperature, top_k, 0.9f, uniform});
        EXPECT_TRUE(token >= 0 && token < 207) << token;
        std::vector<float> some = RandomLogits(207, 9);
        some[7] = some[200] = NAN;
        const int32_t other = sample(some, {temperature, top_k, 0.9f, uniform});
        EXPECT_TRUE(other >= 0 && other < 207 && other != 7 && other != 200) << other;
      }
    }
  }
}

}  // namespace
}  // namespace blip3o
