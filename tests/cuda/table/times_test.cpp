#include "table/times.h"

#include <gtest/gtest.h>

#include <string>

namespace blip3o::table {
namespace {

constexpr Device kDevice = {"a device", 10, 1e9, 1e12, 1e11, 1e10, 1e8};

NotedLaunch Launch(int64_t blocks, int blocks_per_sm, const cuda::Cost& cost) {
  return {"A", nullptr, {.grid = {blocks}, .threads = 128, .blocks_per_sm = blocks_per_sm}, cost};
}

void ExpectTime(const NotedLaunch& launch, double seconds, const std::string& bound) {
  const Time time = TimeOf(launch, kDevice);
  EXPECT_DOUBLE_EQ(time.seconds, seconds);
  EXPECT_EQ(time.bound, bound);
}

TEST(Times, AreOfTheSlowerCost) {
  ExpectTime(Launch(20, 2, {.bytes = 1e9, .flops = 1e11}), 1, "memory");
  ExpectTime(Launch(20, 2, {.bytes = 1e8, .flops = 1e11}), 1, "f32");
  ExpectTime(Launch(20, 2, {.bytes = 1e8, .flops = 1e12, .tensor_cores = true}), 1, "tensor cores");
}

TEST(Times, ArithmeticPaysForWholeRoundsAndMemoryDoesNot) {
  ExpectTime(Launch(21, 2, {.flops = 2.1e11}), 4, "f32");
  ExpectTime(Launch(5, 2, {.flops = 1e11}), 4, "f32");
  ExpectTime(Launch(21, 2, {.bytes = 1e9}), 1, "memory");
}

// Rounds may make arithmetic the slower one.
TEST(Times, RoundsCountBeforeTheSlowerIsTaken) {
  ExpectTime(Launch(21, 2, {.bytes = 3e9, .flops = 2.1e11}), 4, "f32");
  ExpectTime(Launch(21, 2, {.bytes = 5e9, .flops = 2.1e11}), 5, "memory");
}

TEST(Times, DoublePrecisionHasItsOwnRate) {
  ExpectTime(Launch(20, 2, {.flops = 3e10, .f64_flops = 2e10}), 2, "f64");
  ExpectTime(Launch(20, 2, {.flops = 4e11, .f64_flops = 1e10}), 3.9, "f32");
}

TEST(Times, OneBlockIsAloneBehindTheOthers) {
  ExpectTime(Launch(20, 2, {.bytes = 1e9, .alone_bytes = 2e8}), 3, "one block");
  ExpectTime(Launch(20, 2, {.bytes = 3e9, .alone_bytes = 2e8}), 5, "memory");
}

}  // namespace
}  // namespace blip3o::table
