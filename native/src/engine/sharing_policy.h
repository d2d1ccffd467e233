// How requests share the processors: what the language lane does next, and how many lanes draw pictures.
//
// Tokens against prompts: a prefill chunk holds up everyone who draws tokens. It goes first while the pause that it
// makes stays within the latency target; where one chunk alone is longer, chunks get a quarter of the lane's time.
//
// Steps: requests take turns, each step a launch of its own. At the demo's size several requests in one launch were
// measured to be slower on a processor than lanes beside each other (docs/performance.md); larger steps keep all
// threads busy as they are. Several lanes are faster where the loops of one step are too short to be shared well.
#pragma once

#include <chrono>
#include <cstdint>

namespace blip3o {

// Time since a moment that stays the same; a clock's or a simulation's.
using Time = std::chrono::nanoseconds;

// Not safe for use by several threads at once.
class SharingPolicy {
 public:
  explicit SharingPolicy(Time latency_target) : latency_target_(latency_target) {}

  // Some requests wait for a prefill chunk, others for their next token: whether the chunk goes first.
  bool PrefillFirst(Time now) const;

  // Nobody draws tokens: a pause begins after `now` at the earliest.
  void NoteNobodyDraws(Time now) { last_tokens_ = now; }
  // What the language lane did.
  void NotePrefill(Time began, Time ended);
  void NoteTokens(Time began, Time ended);

  // How many lanes draw pictures at once, when a step takes `step_products` multiply-adds and there are `threads`.
  static int PictureLanes(int threads, int64_t step_products);

 private:
  const Time latency_target_;
  // Estimates; zero until there was one.
  Time prefill_ = Time::zero();
  Time tokens_ = Time::zero();
  Time last_tokens_ = Time::zero();           // when tokens were drawn last, or nobody drew: the pause began
  Time tokens_since_prefill_ = Time::zero();  // time that tokens had since the last chunk
};

}  // namespace blip3o
