// Several CPU backends on one pool of threads.
#include "ops/cpu/cpu_ops.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "ops/dry_ops.h"
#include "support/kernel_test.h"

namespace blip3o {
namespace {

using test::Numbers;
using test::OwnedMatrix;
using test::OwnedWeight;

// A chain of operations with parallel loops of many lengths.
class Chain {
 public:
  explicit Chain(uint64_t seed)
      : x_(kGrid.rows(), kChannels, Numbers(seed)),
        dense_(Shape{kChannels, kChannels}, DType::kBF16, Numbers(seed + 1), 0.1f),
        kernel_(Shape{kChannels, kChannels, 3, 3}, DType::kBF16, Numbers(seed + 2), 0.05f),
        norm_(Shape{kChannels}, DType::kF32, Numbers(seed + 3)) {}

  // What is left in `out` depends on every operation.
  void Run(Ops& ops, const OwnedMatrix& out) const {
    OwnedMatrix a(x_.rows(), kChannels), b(x_.rows(), kChannels);
    ops.Matmul(*x_, *dense_, {.activation = Activation::kSilu}, *a);
    ops.Conv3x3(*a, kGrid, *kernel_, {.residual = *x_}, *b);
    ops.RmsNorm(*b, *norm_, {}, 1e-6, Activation::kNone, {}, *a);
    ops.CrossAttention(*a, *b, *b, 3, kChannels / 3, *out);
    ops.TokenMatmul((*a).Rows(0, 5), *dense_, {}, (*out).Rows(0, 5));
  }

  OwnedMatrix Result(Ops& ops) const {
    OwnedMatrix out(x_.rows(), kChannels);
    Run(ops, out);
    const Status status = ops.Finish();
    EXPECT_TRUE(status.ok()) << status.message();
    return out;
  }

 private:
  static constexpr Grid kGrid = {1, 18, 20};
  static constexpr int64_t kChannels = 48;
  OwnedMatrix x_;
  OwnedWeight dense_, kernel_, norm_;
};

std::unique_ptr<Ops> OpsFor(const Chain& chain, int threads, std::shared_ptr<ThreadPool> pool = nullptr) {
  auto ops = cpu::CreateOps({.threads = threads, .pool = std::move(pool)});
  EXPECT_TRUE(ops.ok()) << ops.status().message();
  DryOps dry;
  chain.Result(dry);
  EXPECT_TRUE((*ops)->Reserve(dry.capacity()).ok());
  return std::move(*ops);
}

// Backends that come, work and go beside each other; a thread each, busy in every other run.
TEST(CpuOps, ManyOnOnePoolGiveTheBytesOfOneAlone) {
  constexpr int kLanes = 3, kRuns = 6;
  std::vector<std::unique_ptr<Chain>> chains;
  std::vector<OwnedMatrix> alone;
  for (int lane = 0; lane < kLanes; ++lane) {
    chains.push_back(std::make_unique<Chain>(10 * lane + 1));
    alone.push_back(chains.back()->Result(*OpsFor(*chains.back(), 1)));
  }
  for (int threads : {1, 2, 4}) {
    std::shared_ptr<ThreadPool> pool = std::move(ThreadPool::Create(threads).value());
    std::vector<std::thread> lanes;
    std::vector<int> equal(kLanes);
    for (size_t lane = 0; lane < kLanes; ++lane) {
      lanes.emplace_back([&, lane, pool] {
        std::unique_ptr<Ops> ops;
        for (int run = 0; run < kRuns; ++run) {
          if (run % 3 == 0) ops = OpsFor(*chains[lane], 0, pool);
          const bool counted = run % 2 == 0;
          if (counted) ops->BeginWork();
          equal[lane] += chains[lane]->Result(*ops) == alone[lane];
          if (counted) ops->EndWork();
        }
      });
    }
    pool.reset();  // the lanes keep it
    for (std::thread& lane : lanes) lane.join();
    EXPECT_EQ(equal, std::vector<int>(kLanes, kRuns)) << threads << " threads";
  }
}

}  // namespace
}  // namespace blip3o
