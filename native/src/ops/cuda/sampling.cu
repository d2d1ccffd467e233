// Draws a token from each row of logits, as the CPU does (ops/cpu/sampling.cpp).
//
// Probabilities are fixed-point integers, weight = round(2^40 · exp((logit − max) / temperature)), whose sums are exact
// in any order. Entries stand in the order of their keys: the larger logit first, the lower id first of equals. Cutting
// at top_k, cutting at top_p and drawing are one search: in that order, the first entry at which the running count or
// the running sum of weights exceeds a target. Entries of weight 0 are never what is sought and are left out. A search
// takes two steps: 2048 bins of equal width in the logit, of which each holds its entries' count and sum, lead to one
// bin; a radix selection over the keys' digits leads to the entry in it. Nothing is sorted.
//
// exp is in double: CUDA's is off by at most 1 ulp, and so is the CPU's. A weight differs from the CPU's, by one unit
// of 2^-40, only where 2^40 · exp lies within 2^-12 of a tie: in a few entries of a flat row, in none of most rows. The
// token differs where the target falls between the two sums: less than once in 10^10 tokens.
//
// What bounds it: not the row's 256 KiB (V = 65536), which lie in L2, but 65536 exponentials in double. They are spread
// over V / 1024 blocks, since one multiprocessor alone would take 20 µs for them on an H100 and 500 µs on a GeForce,
// which has 1/64 of the rate. Two launches: the row's range (2 µs), then weights and bins; the row's last block makes
// the searches, each of which reads the row once more at the 64 bytes a cycle of one multiprocessor (3 µs). About 6 µs
// where only the draw is left to do, 14 µs with top_k and top_p: about 1% of a token of the 3B model. (The launcher's
// cost holds the exponentials and what three searches read, and nothing for starts and barriers: 7 µs.) A row in which
// more than 1024 entries share a bin, as equal logits do, is read for each digit: a hundred µs, the same result.
#include <cassert>
#include <cmath>

#include "ops/cuda/device_math.h"
#include "ops/cuda/kernels.h"
#include "ops/cuda/quad.h"

namespace blip3o::cuda {

namespace {

constexpr int64_t kSlice = 1024;   // logits of a block
constexpr int64_t kMostRows = 64;  // of a launch
constexpr int kBins = 2048;        // of a row
constexpr int kCandidates = 1024;  // entries of one bin that fit in shared memory
constexpr int kMostSearches = 3;   // of a row, one behind the other: by top_k, by top_p, the draw itself

constexpr int kRangeThreads = static_cast<int>(kSlice) / 4;
constexpr int kRangeBlocksPerSm = 6;
constexpr int kRangeWarps = kRangeThreads / ptx::kWarp;

constexpr int kDrawThreads = 512;
constexpr int kDrawBlocksPerSm = 2;
constexpr int kDrawWarps = kDrawThreads / ptx::kWarp;

// A key: the logit's order in 32 bits, the inverted id below. No two are equal; larger is earlier.
constexpr int kIdBits = 23;
constexpr uint32_t kMostIds = 1u << kIdBits;
constexpr int kDigitBits = 9;
constexpr int kDigits = 1 << kDigitBits;
constexpr int kFirstShift = 54;  // of the digit that holds the key's highest bit
static_assert(kFirstShift + kDigitBits >= 32 + kIdBits && kFirstShift % kDigitBits == 0);
static_assert(kDigits % kDrawThreads == 0 && kBins % kDrawThreads == 0);

constexpr double kOne = 0x1p40;      // the weight of the largest logit
constexpr float kVanishing = 28.5f;  // exp(−28.5) is below half of 2^-40
constexpr float kLargestF32 = 3.4e38f;

// What one slice's block tells of it.
struct SliceRange {
  uint64_t largest_key;
  float least;  // logit, of those that are not NaN
  float padding;
};

struct SamplingParameters {
  const float* logits;  // [rows, vocabulary]
  int64_t stride, vocabulary;
  TokenRow* rows;      // of the table
  SliceRange* ranges;  // [rows, slices]
  uint64_t* sums;      // [rows, kBins]
  uint32_t* counts;    // [rows, kBins]
  uint32_t* tickets;   // [rows]: blocks of the row that have added their bins
  bool aligned;        // rows of logits start at 16 bytes
};

// Maps a float to an integer of the same order. −0 equals +0; NaN comes last.
__device__ inline uint32_t OrderOf(float logit) {
  const uint32_t bits = ptx::BitsOf(ptx::AddRounded(logit, 0.0f));
  const uint32_t order = bits ^ ((bits >> 31) != 0 ? 0xFFFFFFFFu : 0x80000000u);
  return logit == logit ? order : 0;
}

// The logit of an order, but for the sign of 0; NaN for 0.
__device__ inline float LogitOf(uint32_t order) {
  return ptx::FloatOf(order ^ ((order >> 31) != 0 ? 0x80000000u : 0xFFFFFFFFu));
}

__device__ inline uint64_t KeyOf(uint32_t order, int64_t id) {
  return static_cast<uint64_t>(order) << kIdBits | (kMostIds - 1 - static_cast<uint32_t>(id));
}
__device__ inline uint32_t OrderOfKey(uint64_t key) { return static_cast<uint32_t>(key >> kIdBits); }
__device__ inline int32_t IdOf(uint64_t key) {
  return static_cast<int32_t>(kMostIds - 1 - (static_cast<uint32_t>(key) & (kMostIds - 1)));
}

// ---- A row ---------------------------------------------------------------------------------------------------------

// What weighs the entries of a row and puts them in bins.
struct Scale {
  float largest;
  uint32_t largest_order;
  double inverse_temperature;
  float bins_per_unit;
};

// Entries equal to the largest weigh kOne whatever they are, so the sum is never zero, even of NaN or infinities.
__device__ inline uint64_t WeightOf(const Scale& scale, float logit) {
  if (OrderOf(logit) == scale.largest_order) return static_cast<uint64_t>(kOne);
  const double exponent = (static_cast<double>(logit) - static_cast<double>(scale.largest)) * scale.inverse_temperature;
  const double weight = rint(kOne * exp(exponent));
  return weight > 0 ? static_cast<uint64_t>(weight) : 0;  // NaN: 0
}

// Never falls where the logit falls: each step rounds monotonically.
__device__ inline int BinOf(const Scale& scale, float logit) {
  const float bin = ptx::MultiplyRounded(scale.largest - logit, scale.bins_per_unit);
  return static_cast<int>(fminf(bin, static_cast<float>(kBins - 1)));  // NaN: the last
}

// Bins cover the row, or as much of it as has a weight.
__device__ inline Scale ScaleOf(const SliceRange& range, float temperature) {
  Scale scale;
  scale.largest_order = OrderOfKey(range.largest_key);
  scale.largest = LogitOf(scale.largest_order);
  scale.inverse_temperature = 1.0 / static_cast<double>(temperature);
  const float covered = fminf(scale.largest - range.least, kVanishing * temperature);
  scale.bins_per_unit = fminf(static_cast<float>(kBins - 1) / covered, kLargestF32);
  return scale;
}

__device__ inline SliceRange Wider(const SliceRange& a, const SliceRange& b) {
  return {a.largest_key > b.largest_key ? a.largest_key : b.largest_key, fminf(a.least, b.least), 0.0f};
}

__device__ inline SliceRange EmptyRange() { return {0, INFINITY, 0.0f}; }

// Warp. In every lane.
__device__ inline SliceRange WidestOfWarp(SliceRange range) {
  for (int mask = ptx::kWarp / 2; mask > 0; mask /= 2) {
    range = Wider(range, {ptx::ShuffleXor(range.largest_key, mask), ptx::ShuffleXor(range.least, mask), 0.0f});
  }
  return range;
}

// In every thread. `shared` holds a range for each warp.
__device__ inline SliceRange WidestOfBlock(SliceRange range, SliceRange* shared) {
  range = WidestOfWarp(range);
  if (ptx::Lane() == 0) shared[ptx::Warp()] = range;
  ptx::SyncBlock();
  range = EmptyRange();
  for (int w = 0; w < ptx::Threads() / ptx::kWarp; ++w) range = Wider(range, shared[w]);
  return range;
}

// ---- Sums in shared memory -----------------------------------------------------------------------------------------

// Counts and 64-bit sums. A sum is two words: shared memory adds words natively, and the thread whose addition wraps
// the lower one carries.
template <int kSize>
struct Bins {
  uint32_t low[kSize], high[kSize], count[kSize];

  __device__ void Clear() {
    for (int i = ptx::Thread(); i < kSize; i += kDrawThreads) low[i] = high[i] = count[i] = 0;
  }
  __device__ void Add(int bin, uint64_t weight) {
    const uint32_t lower = static_cast<uint32_t>(weight);
    const uint32_t before = ptx::AtomicAdd(&low[bin], lower);
    const uint32_t upper = static_cast<uint32_t>(weight >> 32) + (before + lower < before ? 1 : 0);
    if (upper != 0) ptx::AtomicAdd(&high[bin], upper);
    ptx::AtomicAdd(&count[bin], 1u);
  }
  __device__ uint64_t Sum(int bin) const { return static_cast<uint64_t>(high[bin]) << 32 | low[bin]; }
};

struct Tally {
  uint64_t count, weight;
};

__device__ inline Tally operator+(const Tally& a, const Tally& b) { return {a.count + b.count, a.weight + b.weight}; }

struct Candidate {
  uint64_t key, weight;
};

struct Located {
  int bin;
  uint32_t count;  // of its entries
  Tally before;    // of the bins before it
};

struct DrawShared {
  Bins<kBins> bins;  // the block's slice, then the row
  Bins<kDigits> digits;
  Candidate candidates[kCandidates];
  SliceRange ranges[kDrawWarps];
  Tally of_warp[kDrawWarps];
  Located located;
  Candidate found;
  uint32_t gathered;
  uint32_t is_last;
};

static_assert(sizeof(DrawShared) <= 48 * 1024);  // no architecture needs to be asked for it

enum class Measure { kCount, kWeight };

__device__ inline uint64_t Measured(Measure measure, const Tally& tally) {
  return measure == Measure::kCount ? tally.count : tally.weight;
}

template <int kSize>
__device__ inline Tally TallyOf(const Bins<kSize>& bins, int bin) {
  return {bins.count[bin], bins.Sum(bin)};
}

// Sums over all threads before this one; `all`: over all.
__device__ inline Tally TallyBefore(DrawShared& shared, const Tally& own, Tally& all) {
  Tally upto = own;
  for (int delta = 1; delta < ptx::kWarp; delta *= 2) {
    const Tally below = {ptx::ShuffleUp(upto.count, delta), ptx::ShuffleUp(upto.weight, delta)};
    if (ptx::Lane() >= delta) upto = upto + below;
  }
  if (ptx::Lane() == ptx::kWarp - 1) shared.of_warp[ptx::Warp()] = upto;
  ptx::SyncBlock();
  Tally before = {upto.count - own.count, upto.weight - own.weight};
  all = {0, 0};
  for (int w = 0; w < kDrawWarps; ++w) {
    if (w < ptx::Warp()) before = before + shared.of_warp[w];
    all = all + shared.of_warp[w];
  }
  return before;
}

// In every thread: the first bin at which the running measure exceeds `target`, which is below that of all.
template <int kSize>
__device__ inline Located Locate(DrawShared& shared, const Bins<kSize>& bins, Measure measure, uint64_t target) {
  constexpr int kOwn = kSize / kDrawThreads;
  const int first = ptx::Thread() * kOwn;
  Tally own = {0, 0}, all;
  for (int i = 0; i < kOwn; ++i) own = own + TallyOf(bins, first + i);
  Tally before = TallyBefore(shared, own, all);
  if (Measured(measure, before) <= target && target < Measured(measure, before + own)) {
    int bin = first;
    while (bin + 1 < first + kOwn && Measured(measure, before + TallyOf(bins, bin)) <= target) {
      before = before + TallyOf(bins, bin++);
    }
    shared.located = {bin, bins.count[bin], before};
  }
  ptx::SyncBlock();
  return shared.located;
}

// ---- A search ------------------------------------------------------------------------------------------------------

struct Row {
  const float* logits;
  int64_t vocabulary;
  bool aligned;
  Scale scale;
};

// f(key, weight) for every entry of `bin` that has a weight, as the row is read by the whole block: four loads of a
// thread are under way at once.
template <typename F>
__device__ inline void ForEachOfBin(const Row& row, int bin, const F& f) {
  constexpr int kAtOnce = 4;
  constexpr int64_t kStep = 4 * kDrawThreads;
  for (int64_t first = 4 * ptx::Thread(); first < row.vocabulary; first += kAtOnce * kStep) {
    Quad quads[kAtOnce];
#pragma unroll
    for (int k = 0; k < kAtOnce; ++k) {
      quads[k] = LoadQuad(row.logits, first + k * kStep, row.vocabulary, row.aligned);
    }
#pragma unroll
    for (int k = 0; k < kAtOnce; ++k) {
      for (int i = 0; i < 4; ++i) {
        const int64_t id = first + k * kStep + i;
        const float logit = quads[k].value[i];
        if (id >= row.vocabulary || BinOf(row.scale, logit) != bin) continue;
        const uint64_t weight = WeightOf(row.scale, logit);
        if (weight != 0) f(KeyOf(OrderOf(logit), id), weight);
      }
    }
  }
}

// The entries of a bin in shared memory, in any order.
__device__ inline void Gather(DrawShared& shared, const Row& row, int bin) {
  if (ptx::Thread() == 0) shared.gathered = 0;
  ptx::SyncBlock();
  ForEachOfBin(row, bin, [&](uint64_t key, uint64_t weight) {
    shared.candidates[ptx::AtomicAdd(&shared.gathered, 1u)] = {key, weight};
  });
  ptx::SyncBlock();
}

// f(key, weight) for the entries of the bin that was located.
template <typename F>
__device__ inline void ForEachCandidate(DrawShared& shared, const Row& row, const Located& in, const F& f) {
  if (in.count > kCandidates) return ForEachOfBin(row, in.bin, f);
  for (uint32_t i = static_cast<uint32_t>(ptx::Thread()); i < in.count; i += kDrawThreads) {
    f(shared.candidates[i].key, shared.candidates[i].weight);
  }
}

// In every thread: the first entry in descending order of the keys at which the running measure exceeds `target`, which
// is below the measure of all, and the sum of weights up to it, itself included.
__device__ inline Candidate Find(DrawShared& shared, const Row& row, Measure measure, uint64_t target) {
  const Located in = Locate(shared, shared.bins, measure, target);
  if (in.count <= kCandidates) Gather(shared, row, in.bin);
  Tally before = in.before;
  uint64_t prefix = 0;  // the digits of the key so far
  int shift = kFirstShift;
  for (;; shift -= kDigitBits) {
    shared.digits.Clear();
    ptx::SyncBlock();
    ForEachCandidate(shared, row, in, [&](uint64_t key, uint64_t weight) {
      if (key >> shift >> kDigitBits != prefix) return;
      shared.digits.Add(kDigits - 1 - static_cast<int>(key >> shift & (kDigits - 1)), weight);
    });
    ptx::SyncBlock();
    const Located digit = Locate(shared, shared.digits, measure, target - Measured(measure, before));
    before = before + digit.before;
    prefix = prefix << kDigitBits | static_cast<uint64_t>(kDigits - 1 - digit.bin);
    if (digit.count == 1 || shift == 0) break;  // no two keys are equal
  }
  ForEachCandidate(shared, row, in, [&](uint64_t key, uint64_t weight) {
    if (key >> shift == prefix) shared.found = {key, before.weight + weight};
  });
  ptx::SyncBlock();
  return shared.found;
}

// ---- A row's draw --------------------------------------------------------------------------------------------------

// base/philox.h: Uniform.
__device__ inline float UniformOf(uint64_t seed, uint64_t index) {
  constexpr uint32_t kTokens = 1;  // RandomStream::kTokens
  uint32_t x[4] = {static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32), kTokens, 0};
  uint32_t key[2] = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = static_cast<uint64_t>(0xD2511F53u) * x[0], p1 = static_cast<uint64_t>(0xCD9E8D57u) * x[2];
    x[0] = static_cast<uint32_t>(p1 >> 32) ^ x[1] ^ key[0];
    x[1] = static_cast<uint32_t>(p1);
    x[2] = static_cast<uint32_t>(p0 >> 32) ^ x[3] ^ key[1];
    x[3] = static_cast<uint32_t>(p0);
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return static_cast<float>(x[0] >> 8) * 0x1p-24f;
}

// One of a draw's searches, by what went before: `kept` is the weight of the entries that are still in.
struct Search {
  bool is_needed;
  Measure measure;
  uint64_t target;
};

// Finds the last of the top_k entries.
__device__ inline Search TopKSearch(const TokenRow& parameters, const Tally& all) {
  const int64_t top_k = parameters.top_k;
  return {top_k > 0 && static_cast<uint64_t>(top_k) < all.count, Measure::kCount, static_cast<uint64_t>(top_k) - 1};
}

// Finds the last entry of the smallest set whose probability reaches top_p: entries are kept while the sum before them
// is below top_p · kept.
__device__ inline Search TopPSearch(const TokenRow& parameters, uint64_t kept) {
  const double reach = ceil(static_cast<double>(parameters.top_p) * static_cast<double>(kept));
  const bool is_needed = reach < static_cast<double>(kept);
  return {is_needed, Measure::kWeight, reach > 1 ? static_cast<uint64_t>(reach) - 1 : 0};
}

__device__ inline Search DrawSearch(const TokenRow& parameters, uint64_t kept) {
  const float uniform = UniformOf(parameters.seed, static_cast<uint64_t>(parameters.drawn));
  return {true, Measure::kWeight, static_cast<uint64_t>(static_cast<double>(uniform) * static_cast<double>(kept))};
}

// A token, and the weight of all entries that it was drawn from; 0 where it was not drawn, but is the largest.
struct Drawn {
  int32_t token;
  uint64_t kept;
};

// In every thread: the token of a row whose bins are in shared memory. The searches share one body of code.
__device__ inline Drawn Draw(DrawShared& shared, const Row& row, const TokenRow& parameters, const Tally& all) {
  Candidate found = {0, all.weight};
  uint64_t kept = 0;
#pragma unroll 1
  for (int step = 0; step < kMostSearches; ++step) {
    const Search search = step == 0   ? TopKSearch(parameters, all)
                          : step == 1 ? TopPSearch(parameters, found.weight)
                                      : DrawSearch(parameters, found.weight);
    kept = found.weight;
    if (search.is_needed) found = Find(shared, row, search.measure, search.target);
  }
  return {IdOf(found.key), kept};
}

// In every thread: the sum of all weights of a row.
__device__ inline uint64_t WeightOfAll(DrawShared& shared, const Row& row) {
  Tally own = {0, 0}, all;
  for (int64_t id = ptx::Thread(); id < row.vocabulary; id += kDrawThreads) {
    own.weight += WeightOf(row.scale, row.logits[id]);
  }
  TallyBefore(shared, own, all);
  return all.weight;
}

// log(exp((logit − largest) / temperature) / sum), of a sum of weights.
__device__ inline float LogProbability(const Scale& scale, float logit, uint64_t sum) {
  const double exponent = (static_cast<double>(logit) - static_cast<double>(scale.largest)) * scale.inverse_temperature;
  return static_cast<float>(exponent - log(static_cast<double>(sum) / kOne));
}

// The whole block: a drawn token's two log-probabilities. `plain`: the row at temperature 1, `all` the sum of its
// weights, or 0 where nobody knows it yet.
__device__ inline void Score(DrawShared& shared, const Row& row, const Row& plain, const TokenRow& parameters,
                             const Drawn& drawn, uint64_t all) {
  if (all == 0) all = WeightOfAll(shared, plain);
  if (ptx::Thread() != 0) return;
  const float logit = row.logits[drawn.token];
  float* to = parameters.log_probabilities + 2 * parameters.drawn;
  to[0] = drawn.kept == 0 ? 0.0f : LogProbability(row.scale, logit, drawn.kept);
  to[1] = LogProbability(plain.scale, logit, all);
}

// Adds the weights of the block's slice to its bins.
__device__ inline void AddSlice(DrawShared& shared, const Row& row) {
  const int64_t first = ptx::BlockX() * kSlice;
  for (int64_t id = first + ptx::Thread(); id < first + kSlice && id < row.vocabulary; id += kDrawThreads) {
    const float logit = row.logits[id];
    const uint64_t weight = WeightOf(row.scale, logit);
    if (weight != 0) shared.bins.Add(BinOf(row.scale, logit), weight);
  }
}

// Adds the block's bins to the row's.
__device__ inline void AddBins(const DrawShared& shared, uint64_t* sums, uint32_t* counts) {
  for (int bin = ptx::Thread(); bin < kBins; bin += kDrawThreads) {
    if (shared.bins.count[bin] == 0) continue;
    ptx::AtomicAdd(&sums[bin], shared.bins.Sum(bin));
    ptx::AtomicAdd(&counts[bin], shared.bins.count[bin]);
  }
}

// In every thread: the sums over all bins, which come to shared memory.
__device__ inline Tally TakeBins(DrawShared& shared, const uint64_t* sums, const uint32_t* counts) {
  Tally own = {0, 0}, all;
  for (int bin = ptx::Thread(); bin < kBins; bin += kDrawThreads) {
    const uint64_t sum = sums[bin];
    shared.bins.low[bin] = static_cast<uint32_t>(sum);
    shared.bins.high[bin] = static_cast<uint32_t>(sum >> 32);
    shared.bins.count[bin] = counts[bin];
    own = own + TallyOf(shared.bins, bin);
  }
  TallyBefore(shared, own, all);
  ptx::SyncBlock();
  return all;
}

// ---- Kernels -------------------------------------------------------------------------------------------------------

// A block owns a slice of 1024 logits of row BlockY, a thread four of them: the slice's range, whether all are finite.
// Clears its share of the row's bins. Shared memory: a range for each warp. Alignment: 16 bytes where `aligned` says
// so, else 4. Six blocks a multiprocessor.
__global__ void __launch_bounds__(kRangeThreads, kRangeBlocksPerSm) SamplingRangeKernel(const SamplingParameters p) {
  SliceRange* shared = reinterpret_cast<SliceRange*>(ptx::SharedMemory());
  ptx::WaitForPredecessor();
  ptx::ReleaseSuccessor();
  constexpr uint32_t kExponent = 0x7F800000u;
  const int64_t row = ptx::BlockY(), slices = ptx::GridX();
  const int64_t first = ptx::BlockX() * kSlice + 4 * ptx::Thread();
  const Quad quad = LoadQuad(p.logits + row * p.stride, first, p.vocabulary, p.aligned);
  SliceRange range = EmptyRange();
  bool finite = true;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const float logit = quad.value[i];
    if (first + i >= p.vocabulary) continue;
    range = Wider(range, {KeyOf(OrderOf(logit), first + i), logit, 0.0f});  // fminf passes over NaN
    finite = finite && (ptx::BitsOf(logit) & kExponent) != kExponent;
  }
  if (ptx::Ballot(!finite) != 0 && ptx::Lane() == 0) {
    ptx::AtomicAnd(reinterpret_cast<uint32_t*>(&p.rows[row].finite), 0u);
  }
  range = WidestOfBlock(range, shared);
  if (ptx::Thread() == 0) p.ranges[row * slices + ptx::BlockX()] = range;
  for (int64_t bin = ptx::BlockX() * kRangeThreads + ptx::Thread(); bin < kBins; bin += slices * kRangeThreads) {
    p.sums[row * kBins + bin] = 0;
    p.counts[row * kBins + bin] = 0;
  }
}

// A block owns a slice of 1024 logits of row BlockY, a thread two of them: their weights go to the bins. The row's last
// block draws its token. Sums are 64-bit integers. Shared memory: DrawShared. Alignment as above. Two blocks a
// multiprocessor.
__global__ void __launch_bounds__(kDrawThreads, kDrawBlocksPerSm) SamplingDrawKernel(const SamplingParameters p) {
  DrawShared& shared = *reinterpret_cast<DrawShared*>(ptx::SharedMemory());
  shared.bins.Clear();
  ptx::WaitForPredecessor();
  ptx::ReleaseSuccessor();
  const int64_t r = ptx::BlockY(), slices = ptx::GridX();
  SliceRange range = EmptyRange();
  for (int64_t s = ptx::Thread(); s < slices; s += kDrawThreads) range = Wider(range, p.ranges[r * slices + s]);
  range = WidestOfBlock(range, shared.ranges);

  TokenRow& parameters = p.rows[r];
  const float temperature = parameters.temperature;
  const Row plain{p.logits + r * p.stride, p.vocabulary, p.aligned, ScaleOf(range, 1.0f)};
  Row row = plain;
  Drawn drawn = {IdOf(range.largest_key), 0};
  uint64_t all_at_one = 0;
  if (!(temperature > 0) || parameters.top_k == 1) {
    if (ptx::BlockX() != 0) return;
  } else {
    row.scale = ScaleOf(range, temperature);
    AddSlice(shared, row);
    ptx::SyncBlock();
    AddBins(shared, p.sums + r * kBins, p.counts + r * kBins);
    if (!IsLastBlock(p.tickets + r, static_cast<uint32_t>(slices), &shared.is_last)) return;
    const Tally all = TakeBins(shared, p.sums + r * kBins, p.counts + r * kBins);
    drawn = Draw(shared, row, parameters, all);
    if (temperature == 1.0f) all_at_one = all.weight;
  }
  if (parameters.log_probabilities != nullptr) Score(shared, row, plain, parameters, drawn, all_at_one);
  if (ptx::Thread() == 0) parameters.tokens[parameters.drawn] = drawn.token;
}

// ---- Launchers -----------------------------------------------------------------------------------------------------

// The scratch memory: ranges, sums, counts.
struct ScratchLayout {
  explicit ScratchLayout(int64_t vocabulary)
      : slices(CeilDiv(vocabulary, kSlice)),
        sums(kMostRows * slices * static_cast<int64_t>(sizeof(SliceRange))),
        counts(sums + kMostRows * kBins * static_cast<int64_t>(sizeof(uint64_t))),
        size_bytes(counts + kMostRows * kBins * static_cast<int64_t>(sizeof(uint32_t))) {}
  int64_t slices, sums, counts, size_bytes;
};

// A weight takes 23 instructions in double and 4 conversions from and to it at a quarter of their rate: as long as 39
// multiply-adds.
constexpr double kWeightFlops = 2 * 39;

// Rows' last blocks search beside each other, each on a multiprocessor of its own.
void DrawRows(Context& context, const Matrix& logits, TokenRow* rows) {
  const ScratchLayout layout(logits.cols);
  assert(context.scratch.size_bytes() >= layout.size_bytes && logits.rows <= kMostRows);
  char* scratch = context.Scratch<char>();
  const SamplingParameters parameters{logits.data,
                                      logits.stride,
                                      logits.cols,
                                      rows,
                                      reinterpret_cast<SliceRange*>(scratch),
                                      reinterpret_cast<uint64_t*>(scratch + layout.sums),
                                      reinterpret_cast<uint32_t*>(scratch + layout.counts),
                                      static_cast<uint32_t*>(context.counters.data()),
                                      QuadsAligned({logits})};
  const double row_values = static_cast<double>(logits.cols), values = static_cast<double>(logits.rows) * row_values;
  Launch(*context.queue, "DrawTokens/range", SamplingRangeKernel,
         {.grid = {layout.slices, logits.rows, 1},
          .threads = kRangeThreads,
          .blocks_per_sm = kRangeBlocksPerSm,
          .shared_bytes = kRangeWarps * static_cast<int64_t>(sizeof(SliceRange))},
         parameters, {.bytes = 4 * values, .flops = values});
  Launch(*context.queue, "DrawTokens/draw", SamplingDrawKernel,
         {.grid = {layout.slices, logits.rows, 1},
          .threads = kDrawThreads,
          .blocks_per_sm = kDrawBlocksPerSm,
          .shared_bytes = sizeof(DrawShared)},
         parameters,
         {.bytes = 4 * values,
          .flops = kWeightFlops * values,
          .f64_flops = kWeightFlops * values,
          .alone_bytes = kMostSearches * 4 * row_values});
}

}  // namespace

int64_t SamplingScratch(const Capacity& capacity) {
  return capacity.vocabulary == 0 ? 0 : ScratchLayout(capacity.vocabulary).size_bytes;
}

void DrawTokens(Context& context, const Matrix& logits, const TokenTable& table) {
  assert(logits.rows == table.count && logits.cols > 0 && logits.cols <= kMostIds);
  for (int64_t first = 0; first < logits.rows; first += kMostRows) {
    const int64_t count = logits.rows - first < kMostRows ? logits.rows - first : kMostRows;
    DrawRows(context, logits.Rows(first, count), table.rows + first);
  }
}

}  // namespace blip3o::cuda
