// A device of the tests' own, computed by the CPU: it proves what an engine promises to every device.
//
// Its memory can't be touched: what Allocate gives are addresses that fault, and the operations work on a shadow of
// them. Operations run when somebody waits, as on a real device: what they were called with is gone by then. Work that
// is repeated is not called again but replayed as it was recorded. Every operand must lie in memory that is allocated
// when the operation runs, or be a weight that was brought in. Weights that come later lie in its own memory: nobody
// needs the host's any more.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "ops/backend.h"

namespace blip3o::test {

struct ShadowOptions {
  int tokens_ahead = 4;
  bool replays = true;
  int threads = 2;
  int64_t memory_bytes = int64_t{1} << 32;
  int64_t fault_at = -1;      // this operation, counted from 0 over all lanes, ends the device
  int64_t no_memory_at = -1;  // this allocation finds no memory
  Status preload_failure = {};
  std::string lacks = {};
  std::function<void(int64_t operation)> before_operation = {};  // by the lane's thread
  std::function<void()> before_load = {};                        // of weights that come later
};

class ShadowDevice final : public Device {
 public:
  explicit ShadowDevice(const ShadowOptions& options = {});
  ~ShadowDevice() override;

  std::string name() const override { return "shadow"; }
  std::string lacks() const override;
  Result<std::unique_ptr<Ops>> CreateOps(LaneRole role) override;
  Status Preload(const std::function<void(Ops&)>& dry_run, const std::vector<View>& e4m3) override;
  Result<Buffer> Load(const std::function<void(Ops&)>& dry_run) override;
  int64_t LoadBytes(const std::function<void(Ops&)>& dry_run) const override;
  Status TakeArena(int64_t bytes) override;
  int64_t weight_bytes() const override;
  int64_t FreeBytes() const override;
  Status health() const override;

  // What was done against the rules, one sentence each; a test expects none.
  std::vector<std::string> complaints() const;
  // Operations that reached the device, and how many of them were replayed.
  int64_t operations() const;
  int64_t replayed() const;
  int64_t allocations() const;
  int64_t allocated_bytes() const;  // now
  int64_t arena_bytes() const;      // 0: none was taken
  // Sequences that are kept to be replayed.
  int64_t recorded() const;
  // The most calls of Repeat with one key that were queued before anybody waited.
  int most_repeats_ahead() const;
  const std::vector<View>& e4m3() const { return e4m3_; }
  // The device is lost now, whatever runs.
  void Break();

  class State;

 private:
  const std::shared_ptr<State> state_;
  std::vector<View> e4m3_;
};

}  // namespace blip3o::test
