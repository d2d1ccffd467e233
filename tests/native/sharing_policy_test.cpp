#include "engine/sharing_policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace blip3o {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A language lane under a clock of its own: there are always prompts to prefill and requests that draw tokens.
class Lane {
 public:
  Lane(Time target, Time chunk, Time batch) : policy_(target), chunk_(chunk), batch_(batch) {}

  void SetSpeed(Time chunk, Time batch) {
    chunk_ = chunk;
    batch_ = batch;
  }
  void Wait(Time duration) { now_ += duration; }

  bool PrefillFirst() const { return policy_.PrefillFirst(now_); }
  void Prefill() {
    const Time began = now_;
    now_ += chunk_;
    policy_.NotePrefill(began, now_);
    chunk_time_ += chunk_;
    ++chunks_;
    ++chunks_in_pause_;
  }
  void DrawTokens() {
    const Time began = now_;
    now_ += batch_;
    policy_.NoteTokens(began, now_);
    token_time_ += batch_;
    ++batches_;
    longest_pause_ = std::max(longest_pause_, now_ - last_batch_);
    last_batch_ = now_;
    most_chunks_in_pause_ = std::max(most_chunks_in_pause_, std::exchange(chunks_in_pause_, 0));
  }
  // Works for `duration` as the policy says.
  void Work(Time duration) {
    for (const Time end = now_ + duration; now_ < end;) {
      if (PrefillFirst()) {
        Prefill();
      } else {
        DrawTokens();
      }
    }
  }
  // Forgets what was counted, as after a warm-up.
  void CountAgain() {
    chunks_ = batches_ = most_chunks_in_pause_ = chunks_in_pause_ = 0;
    chunk_time_ = token_time_ = longest_pause_ = Time::zero();
    last_batch_ = now_;
  }
  // Both were seen, and the pause at hand has just begun.
  void WarmUp() {
    Prefill();
    DrawTokens();
    CountAgain();
  }

  int chunks() const { return chunks_; }
  int batches() const { return batches_; }
  int most_chunks_in_pause() const { return most_chunks_in_pause_; }
  // From the end of one batch of tokens to the end of the next.
  Time longest_pause() const { return longest_pause_; }
  double chunk_share() const {
    return static_cast<double>(chunk_time_.count()) / static_cast<double>((chunk_time_ + token_time_).count());
  }

 private:
  SharingPolicy policy_;
  Time chunk_, batch_;
  Time now_ = seconds(1000), last_batch_ = now_;
  int chunks_ = 0, batches_ = 0, chunks_in_pause_ = 0, most_chunks_in_pause_ = 0;
  Time chunk_time_ = Time::zero(), token_time_ = Time::zero(), longest_pause_ = Time::zero();
};

TEST(SharingPolicy, TheFirstChunkGoesFirst) {
  SharingPolicy policy(milliseconds(1));
  EXPECT_TRUE(policy.PrefillFirst(seconds(1)));  // how long will it take? there is one way to know
  policy.NoteTokens(seconds(1), seconds(2));
  EXPECT_TRUE(policy.PrefillFirst(seconds(2)));
  policy.NotePrefill(seconds(2), seconds(3));
  EXPECT_FALSE(policy.PrefillFirst(seconds(3)));
}

// Within the target: as many chunks as fit between two batches, and not one more.
TEST(SharingPolicy, KeepsTheTargetAndPrefillsAsFastAsItAllows) {
  for (const int target : {50, 200, 1000}) {
    for (const int chunk : {1, 7, 20, 49, 90, 190}) {
      for (const int batch : {1, 3, 10, 30}) {
        if (chunk + batch > target) continue;
        SCOPED_TRACE(testing::Message() << "target " << target << ", chunk " << chunk << ", batch " << batch);
        Lane lane{milliseconds(target), milliseconds(chunk), milliseconds(batch)};
        lane.WarmUp();
        lane.Work(seconds(60));
        const int fit = (target - batch) / chunk;
        EXPECT_LE(lane.longest_pause(), milliseconds(target));
        EXPECT_EQ(lane.most_chunks_in_pause(), fit);
        ASSERT_GT(lane.batches(), 10);
        EXPECT_NEAR(lane.chunks(), lane.batches() * fit, fit);  // in every pause but for the last
      }
    }
  }
}

// The target is to the nanosecond: a chunk that would just not end in time makes no pause longer.
TEST(SharingPolicy, AChunkThatJustFitsGoesFirst) {
  SharingPolicy policy(milliseconds(200));
  policy.NotePrefill(seconds(1), seconds(1) + milliseconds(60));
  policy.NoteTokens(seconds(2), seconds(2) + milliseconds(40));
  const Time pause = seconds(2) + milliseconds(40);
  EXPECT_TRUE(policy.PrefillFirst(pause));
  EXPECT_TRUE(policy.PrefillFirst(pause + milliseconds(100)));
  EXPECT_FALSE(policy.PrefillFirst(pause + milliseconds(100) + Time(1)));
}

// Beyond the target: a quarter of the time for chunks. One chunk is the longest pause, nobody starves.
TEST(SharingPolicy, ChunksLongerThanTheTargetHaveAQuarter) {
  for (const int chunk : {200, 350, 1000, 5000}) {
    for (const int batch : {1, 10, 40, 100}) {
      SCOPED_TRACE(testing::Message() << "chunk " << chunk << ", batch " << batch);
      Lane lane{milliseconds(200), milliseconds(chunk), milliseconds(batch)};
      lane.WarmUp();
      lane.Work(100 * milliseconds(4 * chunk));
      EXPECT_NEAR(lane.chunk_share(), 0.25, 0.03);
      EXPECT_EQ(lane.most_chunks_in_pause(), 1);
      EXPECT_EQ(lane.longest_pause(), milliseconds(chunk + batch));
    }
  }
}

// Where a batch of tokens is as long as that, chunks and batches alternate: less than a quarter, but never nothing.
TEST(SharingPolicy, PromptsDoNotStarveBehindLongBatches) {
  Lane lane{milliseconds(200), milliseconds(100), milliseconds(1000)};
  lane.WarmUp();
  lane.Work(seconds(110));
  EXPECT_NEAR(lane.chunks(), 100, 1);
  EXPECT_NEAR(lane.batches(), 100, 1);
}

// Nobody drew for a while: those who draw now go first, once, and the pause is counted from there.
TEST(SharingPolicy, TokensGoFirstAfterALongPause) {
  Lane lane{milliseconds(200), milliseconds(50), milliseconds(20)};
  lane.WarmUp();
  lane.Wait(seconds(10));
  EXPECT_FALSE(lane.PrefillFirst());
  lane.DrawTokens();
  EXPECT_TRUE(lane.PrefillFirst());
}

// Tokens had the lane for themselves: the newcomer's first long chunk does not wait.
TEST(SharingPolicy, ALongChunkGoesFirstWhereTokensHadTheirShare) {
  Lane lane{milliseconds(200), milliseconds(300), milliseconds(20)};
  lane.WarmUp();
  EXPECT_FALSE(lane.PrefillFirst());
  for (int i = 0; i < 43; ++i) lane.DrawTokens();
  EXPECT_FALSE(lane.PrefillFirst());  // 880 ms of 900
  lane.DrawTokens();
  EXPECT_TRUE(lane.PrefillFirst());
  lane.Prefill();
  EXPECT_FALSE(lane.PrefillFirst());
}

TEST(SharingPolicy, EstimatesFollowAChangeOfSpeed) {
  Lane lane{milliseconds(200), milliseconds(50), milliseconds(20)};
  lane.WarmUp();
  lane.Work(seconds(5));
  EXPECT_EQ(lane.most_chunks_in_pause(), 3);

  lane.SetSpeed(milliseconds(15), milliseconds(10));  // faster: more chunks
  lane.Work(seconds(5));
  lane.CountAgain();
  lane.Work(seconds(20));
  EXPECT_LE(lane.longest_pause(), milliseconds(200));
  EXPECT_GE(lane.most_chunks_in_pause(), 11);
  EXPECT_LE(lane.most_chunks_in_pause(), 12);

  lane.SetSpeed(milliseconds(80), milliseconds(30));  // slower: fewer
  lane.Work(seconds(5));
  lane.CountAgain();
  lane.Work(seconds(20));
  EXPECT_LE(lane.longest_pause(), milliseconds(200));
  EXPECT_EQ(lane.most_chunks_in_pause(), 2);

  lane.SetSpeed(milliseconds(600), milliseconds(30));  // slower than the target: a quarter
  lane.Work(seconds(30));
  lane.CountAgain();
  lane.Work(seconds(240));
  EXPECT_EQ(lane.most_chunks_in_pause(), 1);
  EXPECT_NEAR(lane.chunk_share(), 0.25, 0.03);

  lane.SetSpeed(milliseconds(50), milliseconds(20));  // and back
  lane.Work(seconds(30));
  lane.CountAgain();
  lane.Work(seconds(20));
  EXPECT_LE(lane.longest_pause(), milliseconds(200));
  EXPECT_EQ(lane.most_chunks_in_pause(), 3);
}

// One slow chunk, as when a page had to be read from the disk, makes no rule.
TEST(SharingPolicy, AnOutlierIsForgotten) {
  Lane lane{milliseconds(200), milliseconds(50), milliseconds(20)};
  lane.WarmUp();
  lane.Work(seconds(5));
  lane.SetSpeed(milliseconds(500), milliseconds(20));
  lane.Prefill();
  lane.SetSpeed(milliseconds(50), milliseconds(20));
  lane.DrawTokens();
  lane.Work(seconds(3));
  lane.CountAgain();
  lane.Work(seconds(10));
  EXPECT_LE(lane.longest_pause(), milliseconds(200));
  EXPECT_EQ(lane.most_chunks_in_pause(), 3);
}

TEST(SharingPolicy, PictureLanesAreForShortSteps) {
  constexpr int64_t kLarge = int64_t{1} << 32;
  EXPECT_EQ(SharingPolicy::PictureLanes(4, kLarge), 1);
  EXPECT_EQ(SharingPolicy::PictureLanes(4, 100 * kLarge), 1);
  EXPECT_EQ(SharingPolicy::PictureLanes(4, kLarge - 1), 4);
  EXPECT_EQ(SharingPolicy::PictureLanes(1, 0), 1);
  EXPECT_EQ(SharingPolicy::PictureLanes(0, 0), 1);
  EXPECT_EQ(SharingPolicy::PictureLanes(64, 0), 8);  // each holds memory
}

}  // namespace
}  // namespace blip3o
