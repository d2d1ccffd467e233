// Every launch, at the public model's sizes and others, against the limits of every architecture (CUDA C++ Programming
// Guide, table of technical specifications for each compute capability).
#include "table/launches.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "table/times.h"

namespace blip3o {
namespace {

struct Architecture {
  int compute_capability;
  int64_t shared_per_block, shared_per_sm;  // bytes; a block takes 1 KiB of the multiprocessor's beside its own
  int64_t threads_per_sm, blocks_per_sm;
};

constexpr int64_t kKiB = 1024;
constexpr Architecture kArchitectures[] = {
    {80, 163 * kKiB, 164 * kKiB, 2048, 32},  {86, 99 * kKiB, 100 * kKiB, 1536, 16},
    {89, 99 * kKiB, 100 * kKiB, 1536, 24},   {90, 227 * kKiB, 228 * kKiB, 2048, 32},
    {100, 227 * kKiB, 228 * kKiB, 2048, 32}, {103, 227 * kKiB, 228 * kKiB, 2048, 32},
    {120, 99 * kKiB, 100 * kKiB, 1536, 24}};

class Launches : public testing::Test {
 protected:
  void SetUp() override {
    Result<table::PublicModel> opened = table::OpenPublicModel();
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    model_ = std::move(*opened);
  }
  table::PublicModel model_;
};

void ExpectFits(const table::NotedLaunch& launch, const Architecture& architecture) {
  const cuda::LaunchShape& shape = launch.shape;
  EXPECT_TRUE(shape.grid.x >= 1 && shape.grid.x <= (int64_t{1} << 31) - 1) << "grid.x is " << shape.grid.x;
  EXPECT_TRUE(shape.grid.y >= 1 && shape.grid.y <= 65535) << "grid.y is " << shape.grid.y;
  EXPECT_TRUE(shape.grid.z >= 1 && shape.grid.z <= 65535) << "grid.z is " << shape.grid.z;
  EXPECT_TRUE(shape.threads >= 32 && shape.threads <= 1024 && shape.threads % 32 == 0) << shape.threads << " threads";
  EXPECT_LE(shape.shared_bytes, architecture.shared_per_block);
  EXPECT_LE(shape.blocks_per_sm * (shape.shared_bytes + kKiB), architecture.shared_per_sm)
      << "with the stated " << shape.blocks_per_sm << " blocks";
  EXPECT_LE(shape.blocks_per_sm * shape.threads, architecture.threads_per_sm);
  EXPECT_LE(shape.blocks_per_sm, architecture.blocks_per_sm);
  EXPECT_GE(launch.cost.bytes, 0);
  EXPECT_GT(launch.cost.bytes + launch.cost.flops, 0) << "a launch costs something";
}

TEST_F(Launches, FitEveryArchitecture) {
  for (const Architecture& architecture : kArchitectures) {
    SCOPED_TRACE("compute capability " + std::to_string(architecture.compute_capability));
    for (const table::Stage& stage : table::AllStagesOf(model_, architecture.compute_capability)) {
      SCOPED_TRACE(stage.name);
      EXPECT_TRUE(stage.status.ok()) << stage.status.message();
      EXPECT_EQ(stage.launches.empty(), stage.name == "E4M3: preload");
      for (const table::NotedLaunch& launch : stage.launches) {
        SCOPED_TRACE(launch.name);
        ExpectFits(launch, architecture);
      }
    }
  }
}

// The token loop's promise: at most six launches a layer, whatever the batch.
TEST_F(Launches, ATokenTakesAtMostSixALayer) {
  for (const table::Stage& stage : table::StagesOf(*model_.plain, 90)) {
    if (stage.name.rfind("a token", 0) != 0) continue;
    // Beside the layers: gathering, the head's product, the draw, the embedding, and the end.
    EXPECT_LE(stage.launches.size(), 6u * 28 + 6) << stage.name;
  }
}

// Bytes and flops that the launches state add up to what the model needs at least.
TEST_F(Launches, StateTheCostOfTheModel) {
  for (const table::Stage& stage : table::StagesOf(*model_.plain, 90)) {
    double bytes = 0, flops = 0;
    for (const table::NotedLaunch& launch : stage.launches) {
      bytes += launch.cost.bytes;
      flops += launch.cost.flops;
    }
    if (stage.name == "a token, batch 1") {
      EXPECT_GT(bytes, 3.09e9) << "the weights alone";
      EXPECT_LT(bytes, 3.4e9);
    }
    if (stage.name == "step, guided") {
      EXPECT_GT(flops, 5.2e12);
      EXPECT_LT(flops, 5.6e12);
    }
    if (stage.name == "decode") {
      EXPECT_GT(flops, 7.2e12);
      EXPECT_LT(flops, 9.5e12);
    }
  }
}

// More bandwidth never costs time.
TEST_F(Launches, TakeNoLongerWhereOnlyMemoryIsFaster) {
  for (const table::Stage& stage : table::StagesOf(*model_.plain, 90)) {
    for (const table::NotedLaunch& launch : stage.launches) {
      EXPECT_LE(table::TimeOf(launch, table::kH200).seconds, table::TimeOf(launch, table::kH100).seconds)
          << stage.name << ", " << launch.name;
    }
  }
}

// A draw is bound by what its last block reads alone, three times each row, and by exponentials in double before that.
TEST_F(Launches, ADrawTakesItsExponentialsAndItsSearches) {
  for (const table::Stage& stage : table::StagesOf(*model_.plain, 90)) {
    for (const table::NotedLaunch& launch : stage.launches) {
      if (launch.name != "DrawTokens/draw") continue;
      const table::Time time = table::TimeOf(launch, table::kH100);
      EXPECT_GT(time.seconds, 3 * 65536 * 4 / 127e9) << stage.name;
      EXPECT_LT(time.seconds, 30e-6) << stage.name;
    }
  }
}

}  // namespace
}  // namespace blip3o
