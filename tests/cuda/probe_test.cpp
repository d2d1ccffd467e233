#include "ops/cuda/probe.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "support/lane_test.h"

namespace blip3o {
namespace {

using test::DeviceArray;
using test::DeviceContext;
using test::ForEachSchedule;

TEST(Probe, AddsToEachValueItsLane) {
  std::vector<int32_t> before(cuda::kProbeValues), after;
  for (int32_t i = 0; i < cuda::kProbeValues; ++i) {
    before[static_cast<size_t>(i)] = 1000 - 7 * i;
    after.push_back(1000 - 6 * i);
  }
  ForEachSchedule([&](DeviceContext& context) {
    DeviceArray<int32_t> values(context, before);
    cuda::Probe(context.queue, values.data());
    EXPECT_EQ(values.Read(), after);
  });
}

}  // namespace
}  // namespace blip3o
