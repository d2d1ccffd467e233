// Draws a token from a row of logits.
//
// Probabilities are fixed-point integers, weight = round(2^40 · exp((logit − max) / temperature)): their sums are exact
// in any order, so the row needs no sorting. Cutting at top_p and drawing are the same search: in descending order of
// the logits, the first entry at which the running sum exceeds a target. It halves the row by selection and costs O(V).
#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <functional>
#include <span>

#include "ops/cpu/kernels.h"

namespace blip3o::cpu {

namespace {

// The weight of the largest logit. 2^23 entries of it still fit in 64 bits; a probability below 2^-41 of the largest is
// rounded to zero and never drawn.
constexpr double kOne = 0x1p40;

struct Entry {
  uint64_t key;  // larger is earlier: the logit's order above, the inverted id below; no two are equal
  uint64_t weight;
  bool operator>(const Entry& other) const { return key > other.key; }
};

// Maps a float to an integer of the same order. −0 equals +0; NaN comes last.
uint32_t OrderOf(float logit) {
  const uint32_t bits = std::bit_cast<uint32_t>(logit + 0.0f);
  const uint32_t order = bits ^ (static_cast<uint32_t>(static_cast<int32_t>(bits) >> 31) | 0x80000000u);
  return logit == logit ? order : 0;
}

uint64_t KeyOf(float logit, int64_t id) {
  return static_cast<uint64_t>(OrderOf(logit)) << 32 | static_cast<uint32_t>(~static_cast<uint32_t>(id));
}
uint32_t OrderOfKey(uint64_t key) { return static_cast<uint32_t>(key >> 32); }
int32_t IdOf(uint64_t key) { return static_cast<int32_t>(~static_cast<uint32_t>(key)); }

int32_t ArgMax(std::span<const float> logits) {
  uint64_t best = 0;
  for (size_t id = 0; id < logits.size(); ++id) best = std::max(best, KeyOf(logits[id], static_cast<int64_t>(id)));
  return IdOf(best);
}

// Entries equal to the largest weigh kOne whatever they are, so the sum is never zero, even of NaN or infinities.
uint64_t WeightOf(float logit, float largest, uint32_t order, uint32_t largest_order, double inverse_temperature) {
  if (order == largest_order) return static_cast<uint64_t>(kOne);
  const double exponent = (static_cast<double>(logit) - static_cast<double>(largest)) * inverse_temperature;
  const double weight = std::nearbyint(kOne * std::exp(exponent));
  return weight > 0 ? static_cast<uint64_t>(weight) : 0;  // NaN: 0
}

// Moves the `count` largest entries to the front, in no order.
void KeepLargest(std::span<Entry> entries, int64_t count) {
  std::nth_element(entries.begin(), entries.begin() + (count - 1), entries.end(), std::greater<>());
}

void Weigh(std::span<Entry> entries, std::span<const float> logits, double temperature) {
  uint64_t largest_key = 0;
  for (const Entry& entry : entries) largest_key = std::max(largest_key, entry.key);
  const float largest = logits[IdOf(largest_key)];
  for (Entry& entry : entries) {
    entry.weight =
        WeightOf(logits[IdOf(entry.key)], largest, OrderOfKey(entry.key), OrderOfKey(largest_key), 1.0 / temperature);
  }
}

uint64_t SumOf(std::span<const Entry> entries) {
  uint64_t sum = 0;
  for (const Entry& entry : entries) sum += entry.weight;
  return sum;
}

struct Found {
  uint64_t key;
  uint64_t sum;  // of the weights up to this entry, itself included
};

// The first entry in descending order at which the sum of weights exceeds `target`, which is below the sum of all.
Found FindInDescendingOrder(std::span<Entry> entries, uint64_t target) {
  uint64_t before = 0;
  while (entries.size() > 1) {
    const size_t half = entries.size() / 2;
    std::nth_element(entries.begin(), entries.begin() + half, entries.end(), std::greater<>());
    const uint64_t upper = SumOf(entries.first(half));
    if (target < before + upper) {
      entries = entries.first(half);
    } else {
      before += upper;
      entries = entries.subspan(half);
    }
  }
  return {entries[0].key, before + entries[0].weight};
}

// The weight of the smallest set whose probability reaches `top_p`: entries are kept while the sum before them is below
// top_p · total.
uint64_t KeptWeight(std::span<Entry> entries, uint64_t total, float top_p) {
  const double reach = std::ceil(static_cast<double>(top_p) * static_cast<double>(total));
  if (!(reach < static_cast<double>(total))) return total;
  const uint64_t target = reach > 1 ? static_cast<uint64_t>(reach) - 1 : 0;
  return FindInDescendingOrder(entries, target).sum;
}

// log(exp((logit − largest) / temperature) / sum), of a sum of weights.
float LogProbability(float logit, float largest, double inverse_temperature, uint64_t sum) {
  const double exponent = (static_cast<double>(logit) - static_cast<double>(largest)) * inverse_temperature;
  return static_cast<float>(exponent - std::log(static_cast<double>(sum) / kOne));
}

float LargestOf(std::span<const float> logits) { return logits[static_cast<size_t>(ArgMax(logits))]; }

// Of the token among all of them, at temperature 1. The weights are integers: their sum does not depend on an order.
float LogSoftmax(std::span<const float> logits, int32_t token) {
  const float largest = LargestOf(logits);
  const uint32_t largest_order = OrderOf(largest);
  uint64_t sum = 0;
  for (const float logit : logits) sum += WeightOf(logit, largest, OrderOf(logit), largest_order, 1.0);
  return LogProbability(logits[static_cast<size_t>(token)], largest, 1.0, sum);
}

}  // namespace

ScratchBytes SamplingScratch(const Capacity& capacity) {
  return {capacity.vocabulary * static_cast<int64_t>(sizeof(Entry)), 0};
}

void Sample(Context& context, const Matrix& logits, const SamplingParameters& parameters, int32_t* token,
            float* log_probabilities) {
  assert(logits.rows == 1 && logits.cols > 0 && logits.cols <= int64_t{1} << 23);
  const std::span<const float> row(logits.data, static_cast<size_t>(logits.cols));
  if (!(parameters.temperature > 0) || parameters.top_k == 1) {
    *token = ArgMax(row);
    if (log_probabilities != nullptr) {
      log_probabilities[0] = 0.0f;
      log_probabilities[1] = LogSoftmax(row, *token);
    }
    return;
  }
  assert(context.shared.size_bytes() >= logits.cols * static_cast<int64_t>(sizeof(Entry)));
  std::span<Entry> entries(context.Shared<Entry>(), row.size());
  for (size_t id = 0; id < row.size(); ++id) entries[id] = {KeyOf(row[id], static_cast<int64_t>(id)), 0};
  if (parameters.top_k > 0 && parameters.top_k < logits.cols) {
    KeepLargest(entries, parameters.top_k);
    entries = entries.first(static_cast<size_t>(parameters.top_k));
  }
  Weigh(entries, row, parameters.temperature);
  const uint64_t kept = KeptWeight(entries, SumOf(entries), parameters.top_p);
  const double target = static_cast<double>(parameters.uniform) * static_cast<double>(kept);
  *token = IdOf(FindInDescendingOrder(entries, static_cast<uint64_t>(target)).key);
  if (log_probabilities == nullptr) return;
  const float logit = row[static_cast<size_t>(*token)];
  log_probabilities[0] = LogProbability(logit, LargestOf(row), 1.0 / parameters.temperature, kept);
  log_probabilities[1] = LogSoftmax(row, *token);
}

}  // namespace blip3o::cpu
