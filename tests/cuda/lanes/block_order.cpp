#include "lanes/block_order.h"

#include <algorithm>

namespace blip3o::cuda::lanes {

bool Release::Covers(const Record& access) const {
  if (access.time() < block_sync) return true;
  if (access.crowd() == Crowd::kBlock || access.crowd() == Crowd::kLaunch) return false;
  if (access.warp() == thread / 32 && access.time() < warp_sync) return true;
  return access.crowd() == Crowd::kThread && access.thread() == thread && access.time() < fence_time;
}

int64_t LaunchOrder::BlockAt(uint64_t time) const {
  return std::upper_bound(block_begins_.begin(), block_begins_.end(), time) - block_begins_.begin() - 1;
}

bool LaunchOrder::CoversDirectly(const Acquired& acquired, int64_t block, const Record& access) {
  const auto begin = acquired.place->releases.begin();
  const auto end = begin + static_cast<ptrdiff_t>(acquired.count);
  // Blocks run one after the other: releases are in their order.
  auto release = std::lower_bound(begin, end, block, [](const Release& r, int64_t b) { return r.block < b; });
  for (; release != end && release->block == block; ++release) {
    if (release->Covers(access)) return true;
  }
  return false;
}

bool LaunchOrder::Covers(const Knowledge& known, const Record& access) const {
  if (access.crowd() == Crowd::kLaunch) return false;
  const int64_t block = BlockAt(access.time());
  for (const Acquired& acquired : known) {
    if (CoversDirectly(acquired, block, access)) return true;
  }
  // Of a place the longest prefix counts; everything behind is what was looked at already.
  std::map<const AtomicPlace*, size_t> reached;
  Knowledge open = known;
  while (!open.empty()) {
    const Acquired acquired = open.back();
    open.pop_back();
    size_t& first = reached[acquired.place];
    if (CoversDirectly(acquired, block, access)) return true;
    for (; first < acquired.count; ++first) {
      const Knowledge& further = acquired.place->releases[first].known;
      open.insert(open.end(), further.begin(), further.end());
    }
  }
  return false;
}

}  // namespace blip3o::cuda::lanes
