// Runs one kernel: block after block in a seeded order, each thread a fiber. Instructions and checked accesses end
// here.
#pragma once

#include <boost/context/detail/fcontext.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "lanes/block_order.h"
#include "lanes/instructions.h"
#include "lanes/lane_queue.h"
#include "lanes/machine.h"
#include "lanes/random.h"

namespace blip3o::cuda::lanes {

enum class Access { kRead, kWrite, kAtomic };

// A copy that has not been waited for.
struct CopyUnderWay {
  uintptr_t to = 0, from = 0;  // from 0: zeros
  int bytes = 0;
  uint64_t started = 0;
  bool taken = false;   // `value` holds the source's bytes
  bool landed = false;  // and they lie in shared memory
  unsigned char value[16] = {};
};

struct Warp;

// One thread of a block.
struct Lane {
  boost::context::detail::fcontext_t context = nullptr;
  uintptr_t stack = 0;  // its lower end
  Warp* warp = nullptr;
  int thread = 0;
  int waits = 0;  // calls of WaitForPredecessor
  bool ended = false;
  std::vector<CopyUnderWay> open;                // not committed yet
  std::deque<std::vector<CopyUnderWay>> groups;  // the oldest first
  Knowledge seen;                                // by atomics since the last fence
  Knowledge known;                               // acquired by this thread
  Release fence;                                 // the newest; fence_time 0: none
};

struct Warp {
  int index = 0;
  uint32_t runnable = 0;  // bits are places in `order`
  int order[32] = {};     // lanes in the order in which they run
  int place[32] = {};     // of a lane in `order`
  uint32_t arrived = 0;   // lanes that wait at `instruction`
  Instruction instruction = Instruction::kNone;
  Operands* operands[32] = {};
  uint64_t sync = 0;  // time of the last SyncWarp
  Knowledge known;
};

class LaunchRun {
 public:
  LaunchRun(const LaunchRequest& request, const LaneOptions& options, uint64_t settled, uint64_t seed);
  ~LaunchRun();

  // Empty when all went well, else what went wrong first.
  std::string Run();

  // ---- Called by the lane that runs
  // ------------------------------------------------------------------------------------

  static LaunchRun* Current();
  const Place& place() const { return place_; }
  const Lane& lane() const { return *lane_; }
  // The lane goes on: its accesses count again.
  void Resume() const;
  std::string Describe(uintptr_t address) const;

  void Touch(uintptr_t address, size_t bytes, Access access) { TouchAs(*lane_, address, bytes, access); }
  void Collect(Instruction instruction, Operands& operands);
  void SyncBlock();
  void FenceDevice();
  void WaitForPredecessor() { ++lane_->waits; }
  // An atomic on `bytes` bytes is about to happen.
  void Atomic(uintptr_t address, size_t bytes);
  void StartCopy(void* shared, const void* global, int bytes, bool valid);
  void CommitCopies();
  void WaitCopies(int pending);
  // Approximate functions: a number in [-1, 1] that depends on the seed, the function and its operand alone.
  double Wobble(uint64_t function, uint64_t operand) const;

  // Ends the launch: the lane does not go on.
  [[noreturn]] void Fail(const std::string& what) { FailAs(*lane_, what); }
  [[noreturn]] void FailAs(const Lane& lane, const std::string& what);

 private:
  void RunBlock(const GridShape& block);
  void BeginBlock(const GridShape& block);
  Warp* RunnableWarp();
  // Goes on with the next lane of the warp that can, or with the scheduler.
  void Leave(Lane& lane);
  void SwitchTo(Lane* next, Lane* self);
  static void Main(boost::context::detail::transfer_t from);
  void End(Lane& lane);
  std::string WhoWaits() const;

  // ---- Accesses
  // --------------------------------------------------------------------------------------------------------

  void TouchAs(Lane& lane, uintptr_t address, size_t bytes, Access access);
  void TouchCells(Lane& lane, Shadow& shadow, uint64_t scope, int64_t offset, size_t bytes, Access access,
                  uintptr_t address);
  void Read(Lane& lane, Cell& cell, uint64_t scope, uintptr_t address);
  void Write(Lane& lane, Cell& cell, uint64_t scope, bool atomic, uintptr_t address);
  void CheckEarly(Lane& lane, const Cell& cell, uintptr_t address);
  bool Ordered(const Lane& lane, const Record& record) const;
  void TouchElsewhere(Lane& lane, uintptr_t address, size_t bytes, Access access);
  [[noreturn]] void Race(Lane& lane, const Record& other, const char* what, const char* before, uintptr_t address);
  std::string Who(const Record& record) const;

  // ---- Copies
  // ------------------------------------------------------------------------------------------------------------

  void ExpectNone(const std::vector<CopyUnderWay>& copies);
  void Land(Lane& lane, CopyUnderWay& copy);
  void Finish(Lane& lane, CopyUnderWay& copy);
  void LandSome(Lane& lane);
  void SetShared(uintptr_t address, int bytes, Record record);

  const LaunchRequest& request_;
  const LaneOptions& options_;
  const uint64_t settled_;  // what was written before is no predecessor's output
  Machine& machine_;
  Random random_;
  const uint64_t wobble_;
  LaunchOrder order_;
  Shadow shared_shadow_;
  const uintptr_t shared_;
  const int64_t shared_bytes_;

  Lane scheduler_;
  Lane* lane_ = nullptr;  // that runs
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<Warp> warps_;
  Place place_;
  int alive_ = 0;
  int at_barrier_ = 0;  // threads that wait at SyncBlock
  int ended_ = 0;
  uint64_t block_begin_ = 0, block_sync_ = 0;
  Knowledge block_known_;
  std::string failure_;
};

}  // namespace blip3o::cuda::lanes
