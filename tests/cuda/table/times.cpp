#include "table/times.h"

#include <cmath>

namespace blip3o::table {

namespace {

// How much longer the blocks of a launch take than they would on multiprocessors that are all busy to the end.
double Rounds(const cuda::LaunchShape& shape, const Device& device) {
  const double blocks = static_cast<double>(shape.grid.x * shape.grid.y * shape.grid.z);
  const double places = static_cast<double>(shape.blocks_per_sm) * device.multiprocessors;
  return std::ceil(blocks / places) * places / blocks;
}

}  // namespace

Time TimeOf(const NotedLaunch& launch, const Device& device) {
  const cuda::Cost& cost = launch.cost;
  const double rounds = Rounds(launch.shape, device);
  const double flops = cost.tensor_cores ? device.tensor_flops : device.vector_flops;
  const double alone = cost.alone_bytes / device.bytes_per_second_alone;
  const Time times[] = {{cost.bytes / device.bytes_per_second, "memory"},
                        {rounds * (cost.flops - cost.f64_flops) / flops, cost.tensor_cores ? "tensor cores" : "f32"},
                        {rounds * cost.f64_flops / device.f64_flops, "f64"}};
  Time longest;
  for (const Time& time : times) {
    if (time.seconds > longest.seconds) longest = time;
  }
  return {longest.seconds + alone, alone > longest.seconds ? "one block" : longest.bound};
}

}  // namespace blip3o::table
