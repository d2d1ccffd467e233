// What lies before what: within a block by barriers, between the blocks of a launch by fences around atomics.
//
// Blocks run one after the other, lanes too. An access lies before a barrier when its time does. Between blocks the
// rules are those of PTX's memory model: a thread's FenceDevice, then its atomic, releases all that lies before the
// fence; an atomic on the same address in another block, then FenceDevice in that thread, acquires it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "lanes/shadow.h"

namespace blip3o::cuda::lanes {

struct Release;

// One address that atomics touched in this launch: what each of them released, in order.
struct AtomicPlace {
  std::vector<Release> releases;
};

// The first `count` releases at `place` are known.
struct Acquired {
  const AtomicPlace* place;
  size_t count;
};

using Knowledge = std::vector<Acquired>;

// What lies before a fence; nothing where there was none.
struct Release {
  int64_t block = 0;
  int thread = 0;
  uint64_t fence_time = 0, warp_sync = 0, block_sync = 0;
  Knowledge known;

  bool Covers(const Record& access) const;
};

// One launch's blocks, as far as they have begun.
class LaunchOrder {
 public:
  void Begin(uint64_t time) { begin_ = time, block_begins_.clear(), places_.clear(); }
  void BeginBlock(uint64_t time) { block_begins_.push_back(time); }

  uint64_t begin() const { return begin_; }
  // The index, in the order in which blocks ran, of the block that was running then.
  int64_t BlockAt(uint64_t time) const;
  AtomicPlace& Place(uintptr_t address) { return places_[address]; }
  // True where `known`, or what those knew who released it, holds `access`, which another block made.
  bool Covers(const Knowledge& known, const Record& access) const;

 private:
  static bool CoversDirectly(const Acquired& acquired, int64_t block, const Record& access);

  uint64_t begin_ = 0;
  std::vector<uint64_t> block_begins_;
  std::map<uintptr_t, AtomicPlace> places_;
};

}  // namespace blip3o::cuda::lanes
