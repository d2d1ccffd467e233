#include "engine/sharing_policy.h"

#include <algorithm>

namespace blip3o {

namespace {

// A new duration counts for a quarter of the estimate: a few chunks follow a change, one outlier does not.
constexpr int kMemory = 4;
// Of the lane's time, tokens have three quarters where chunks are longer than the latency target allows.
constexpr int kTokenShare = 3;

// From this many multiply-adds on, a step keeps all threads busy: two lanes would only double the memory.
constexpr int64_t kLargeStep = int64_t{1} << 32;
constexpr int kMostPictureLanes = 8;

void Learn(Time& estimate, Time duration) {
  estimate = estimate == Time::zero() ? duration : estimate + (duration - estimate) / kMemory;
}

}  // namespace

bool SharingPolicy::PrefillFirst(Time now) const {
  if (prefill_ == Time::zero()) return true;  // nobody knows yet
  if (now - last_tokens_ + prefill_ + tokens_ <= latency_target_) return true;
  // Within the target there may be room for chunks, only not any more in this pause.
  if (prefill_ + tokens_ <= latency_target_) return false;
  return tokens_since_prefill_ >= kTokenShare * prefill_;
}

void SharingPolicy::NotePrefill(Time began, Time ended) {
  Learn(prefill_, ended - began);
  tokens_since_prefill_ = Time::zero();
}

void SharingPolicy::NoteTokens(Time began, Time ended) {
  Learn(tokens_, ended - began);
  tokens_since_prefill_ += ended - began;
  last_tokens_ = ended;
}

int SharingPolicy::PictureLanes(int threads, int64_t step_products) {
  return step_products >= kLargeStep ? 1 : std::clamp(threads, 1, kMostPictureLanes);
}

}  // namespace blip3o
