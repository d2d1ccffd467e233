#include "lanes/refusal.h"

#include <fmt/format.h>

namespace blip3o::cuda::lanes {

std::string RefusalOf(const LaunchRequest& request, const DeviceLimits& limits) {
  const LaunchShape& shape = request.shape;
  const GridShape& grid = shape.grid;
  const auto refused = [&](const std::string& why) {
    return fmt::format("launch of \"{}\": {}", request.name == nullptr ? "?" : request.name, why);
  };
  if (request.name == nullptr || *request.name == 0) return refused("it has no name");
  if (grid.x < 1 || grid.y < 1 || grid.z < 1 || grid.x > 0x7FFFFFFF || grid.y > 65535 || grid.z > 65535) {
    return refused(
        fmt::format("a grid of {} x {} x {} blocks: expected 1 to 2^31 - 1, 65535 and 65535", grid.x, grid.y, grid.z));
  }
  if (shape.threads < 32 || shape.threads > 1024 || shape.threads % 32 != 0) {
    return refused(fmt::format("{} threads a block: expected whole warps, up to 1024", shape.threads));
  }
  if (shape.shared_bytes < 0 || shape.shared_bytes > limits.shared_bytes_per_block) {
    return refused(fmt::format("{} bytes of shared memory: a block has up to {}", shape.shared_bytes,
                               limits.shared_bytes_per_block));
  }
  if (shape.blocks_per_sm < 1) return refused("no blocks on a multiprocessor");
  return {};
}

}  // namespace blip3o::cuda::lanes
