#include "lanes/launch_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

#include "lanes/hooks.h"
#include "lanes/warp_instructions.h"

extern "C" char __executable_start, _end;  // the linker's: constants of the program lie between

namespace blip3o::cuda::lanes {

namespace context = boost::context::detail;

namespace {

thread_local LaunchRun* current = nullptr;

uintptr_t AddressOf(const void* p) { return reinterpret_cast<uintptr_t>(p); }

const char* Verb(Access access) {
  return access == Access::kRead ? "reads" : access == Access::kWrite ? "writes" : "updates";
}

}  // namespace

LaunchRun* LaunchRun::Current() { return current; }

LaunchRun::LaunchRun(const LaunchRequest& request, const LaneOptions& options, uint64_t settled, uint64_t seed)
    : request_(request),
      options_(options),
      settled_(settled),
      machine_(Machine::Get()),
      random_(seed),
      wobble_(Mixed(options.seed)),
      shared_shadow_(request.shape.shared_bytes),
      shared_(AddressOf(machine_.shared)),
      shared_bytes_(request.shape.shared_bytes) {
  const int threads = request.shape.threads;
  const GridShape& grid = request.shape.grid;
  place_.threads = threads;
  const int64_t sizes[3] = {grid.x, grid.y, grid.z};
  for (int i = 0; i < 3; ++i) place_.grid[i] = static_cast<int>(sizes[i]);
  warps_.resize(static_cast<size_t>(threads / 32));
  for (size_t w = 0; w < warps_.size(); ++w) warps_[w].index = static_cast<int>(w);
  for (int t = 0; t < threads; ++t) {
    lanes_.push_back(std::make_unique<Lane>());
    lanes_.back()->thread = t;
    lanes_.back()->warp = &warps_[static_cast<size_t>(t / 32)];
    lanes_.back()->stack = AddressOf(machine_.stacks.Stack(t));
  }
}

LaunchRun::~LaunchRun() = default;

void LaunchRun::Resume() const { CheckAllBut(lane_->stack, StackPool::kBytes); }

// ---- The order of blocks and lanes
// --------------------------------------------------------------------------------------

std::string LaunchRun::Run() {
  current = this;
  CheckNothing();
  order_.Begin(++machine_.clock);
  const GridShape& grid = request_.shape.grid;
  std::vector<int64_t> blocks(static_cast<size_t>(grid.x * grid.y * grid.z));
  std::iota(blocks.begin(), blocks.end(), 0);
  random_.Shuffle(blocks.data(), static_cast<int64_t>(blocks.size()));
  for (int64_t block : blocks) {
    RunBlock({block % grid.x, block / grid.x % grid.y, block / grid.x / grid.y});
    if (!failure_.empty()) break;
  }
  ++machine_.clock;
  current = nullptr;
  CheckHost();
  return failure_;
}

void LaunchRun::BeginBlock(const GridShape& block) {
  place_.block[0] = static_cast<int>(block.x);
  place_.block[1] = static_cast<int>(block.y);
  place_.block[2] = static_cast<int>(block.z);
  block_begin_ = block_sync_ = ++machine_.clock;
  order_.BeginBlock(block_begin_);
  block_known_.clear();
  at_barrier_ = ended_ = 0;
  alive_ = place_.threads;
  std::memset(machine_.shared, 0xFF, static_cast<size_t>(shared_bytes_));
  for (Warp& warp : warps_) {
    std::iota(warp.order, warp.order + 32, 0);
    random_.Shuffle(warp.order, 32);
    for (int i = 0; i < 32; ++i) warp.place[warp.order[i]] = i;
    warp.runnable = ~0u;
    warp.arrived = 0;
    warp.sync = block_begin_;
    warp.known.clear();
  }
  for (auto& lane : lanes_) {
    char* stack = reinterpret_cast<char*>(lane->stack);
    lane->context = context::make_fcontext(stack + StackPool::kBytes, StackPool::kBytes, &LaunchRun::Main);
    lane->waits = 0;
    lane->ended = false;
    lane->open.clear();
    lane->groups.clear();
    lane->seen.clear();
    lane->known.clear();
    lane->fence = {};
  }
}

void LaunchRun::RunBlock(const GridShape& block) {
  BeginBlock(block);
  while (alive_ > 0) {
    Warp* warp = RunnableWarp();
    if (warp == nullptr) {
      failure_ = fmt::format("kernel \"{}\", block ({}, {}, {}): no thread can go on: {}", request_.name, block.x,
                             block.y, block.z, WhoWaits());
      return;
    }
    const int place = std::countr_zero(warp->runnable);
    warp->runnable &= warp->runnable - 1;
    SwitchTo(lanes_[static_cast<size_t>(warp->index * 32 + warp->order[place])].get(), &scheduler_);
    if (!failure_.empty()) return;
  }
}

Warp* LaunchRun::RunnableWarp() {
  const size_t first = static_cast<size_t>(random_.Below(static_cast<int64_t>(warps_.size())));
  for (size_t i = 0; i < warps_.size(); ++i) {
    Warp& warp = warps_[(first + i) % warps_.size()];
    if (warp.runnable != 0) return &warp;
  }
  return nullptr;
}

void LaunchRun::SwitchTo(Lane* next, Lane* self) {
  lane_ = next;
  const context::transfer_t from = context::jump_fcontext(next->context, self);
  static_cast<Lane*>(from.data)->context = from.fctx;
}

void LaunchRun::Main(context::transfer_t from) {
  static_cast<Lane*>(from.data)->context = from.fctx;
  LaunchRun& run = *current;
  Lane& self = *run.lane_;
  CheckAllBut(self.stack, StackPool::kBytes);
  run.request_.call(run.request_.kernel, run.request_.parameters);
  CheckNothing();
  run.End(self);
}

void LaunchRun::Leave(Lane& lane) {
  Warp& warp = *lane.warp;
  if (warp.runnable == 0) return SwitchTo(&scheduler_, &lane);
  const int place = std::countr_zero(warp.runnable);
  warp.runnable &= warp.runnable - 1;
  SwitchTo(lanes_[static_cast<size_t>(warp.index * 32 + warp.order[place])].get(), &lane);
}

void LaunchRun::End(Lane& lane) {
  if (lane.waits != 1) {
    Fail(fmt::format("has called WaitForPredecessor {} times: each thread calls it once", lane.waits));
  }
  if (lane.warp->arrived != 0) {
    Fail(fmt::format("has ended while lane {} of its warp waits at {}", std::countr_zero(lane.warp->arrived),
                     NameOf(lane.warp->instruction)));
  }
  if (at_barrier_ > 0) Fail(fmt::format("has ended while {} threads of its block wait at SyncBlock", at_barrier_));
  for (const auto& group : lane.groups) ExpectNone(group);
  ExpectNone(lane.open);
  lane.ended = true;
  ++ended_;
  --alive_;
  Leave(lane);
}

std::string LaunchRun::WhoWaits() const {
  std::string text;
  for (const Warp& warp : warps_) {
    int at_barrier = 0;
    for (int l = 0; l < 32; ++l) {
      const Lane& lane = *lanes_[static_cast<size_t>(warp.index * 32 + l)];
      at_barrier += !lane.ended && (warp.arrived >> l & 1) == 0 ? 1 : 0;
    }
    if (!text.empty()) text += "; ";
    text += fmt::format("of warp {} {} lanes wait at SyncBlock", warp.index, at_barrier);
    if (warp.arrived != 0) {
      text += fmt::format(" and {} at {}", std::popcount(warp.arrived), NameOf(warp.instruction));
    }
    if (text.size() > 300) return text + "; …";
  }
  return text;
}

void LaunchRun::FailAs(const Lane& lane, const std::string& what) {
  CheckNothing();
  failure_ = fmt::format("kernel \"{}\", block ({}, {}, {}), thread {} {}", request_.name, place_.block[0],
                         place_.block[1], place_.block[2], lane.thread, what);
  SwitchTo(&scheduler_, lane_);
  std::abort();  // nobody goes back to it
}

// ---- Barriers, fences, atomics
// --------------------------------------------------------------------------------------------

void LaunchRun::Collect(Instruction instruction, Operands& operands) {
  Lane& lane = *lane_;
  Warp& warp = *lane.warp;
  LandSome(lane);
  const int self = lane.thread % 32;
  for (int l = 0; l < 32; ++l) {
    if (ended_ > 0 && lanes_[static_cast<size_t>(warp.index * 32 + l)]->ended) {
      Fail(fmt::format("calls {}, which lane {} of its warp never does: it has ended", NameOf(instruction), l));
    }
  }
  if (warp.arrived == 0) warp.instruction = instruction;
  if (warp.instruction != instruction) {
    Fail(fmt::format("calls {} while lane {} of its warp waits at {}", NameOf(instruction),
                     std::countr_zero(warp.arrived), NameOf(warp.instruction)));
  }
  warp.operands[self] = &operands;
  warp.arrived |= 1u << self;
  if (warp.arrived != ~0u) return Leave(lane);

  if (instruction == Instruction::kSyncWarp) {
    warp.sync = ++machine_.clock;
    for (int l = 0; l < 32; ++l) {
      const Knowledge& known = lanes_[static_cast<size_t>(warp.index * 32 + l)]->known;
      warp.known.insert(warp.known.end(), known.begin(), known.end());
    }
  }
  const int rows = RowsOf(instruction);
  for (int l = 0; l < rows; ++l) {
    Lane& owner = *lanes_[static_cast<size_t>(warp.index * 32 + l)];
    const uintptr_t address = AddressOf(warp.operands[l]->address);
    if (address - shared_ >= static_cast<uintptr_t>(shared_bytes_)) {
      FailAs(owner, fmt::format("calls {} with {}: it reads shared memory", NameOf(instruction), Describe(address)));
    }
    if (address % 16 != 0) {
      FailAs(owner, fmt::format("calls {} with {}, not aligned to 16 bytes", NameOf(instruction), Describe(address)));
    }
    TouchAs(owner, address, 16, Access::kRead);
  }
  Perform(instruction, warp.operands);
  warp.arrived = 0;
  warp.runnable = ~(1u << warp.place[self]);
}

void LaunchRun::SyncBlock() {
  Lane& lane = *lane_;
  LandSome(lane);
  if (ended_ > 0)
    Fail(fmt::format("waits at SyncBlock, which {} threads of its block never reach: they have ended", ended_));
  if (++at_barrier_ < place_.threads) return Leave(lane);
  at_barrier_ = 0;
  block_sync_ = ++machine_.clock;
  for (auto& other : lanes_) block_known_.insert(block_known_.end(), other->known.begin(), other->known.end());
  for (auto& other : lanes_) other->known.clear();
  for (Warp& warp : warps_) {
    warp.runnable = ~0u;
    warp.known.clear();
  }
  lane.warp->runnable &= ~(1u << lane.warp->place[lane.thread % 32]);
}

void LaunchRun::FenceDevice() {
  Lane& lane = *lane_;
  lane.known.insert(lane.known.end(), lane.seen.begin(), lane.seen.end());
  lane.seen.clear();
  lane.fence = {
      order_.BlockAt(machine_.clock), lane.thread, ++machine_.clock, lane.warp->sync, block_sync_, lane.known};
  const auto add = [&](const Knowledge& more) {
    lane.fence.known.insert(lane.fence.known.end(), more.begin(), more.end());
  };
  add(lane.warp->known);
  add(block_known_);
}

void LaunchRun::Atomic(uintptr_t address, size_t bytes) {
  Lane& lane = *lane_;
  if (address % bytes != 0) Fail(fmt::format("updates {} bytes at {}, not aligned to them", bytes, Describe(address)));
  ++machine_.clock;
  Touch(address, bytes, Access::kAtomic);
  ++machine_.clock;
  if (address - shared_ < static_cast<uintptr_t>(shared_bytes_)) return;
  AtomicPlace& place = order_.Place(address);
  Release release = lane.fence;
  release.block = order_.BlockAt(machine_.clock);
  place.releases.push_back(std::move(release));
  lane.seen.push_back({&place, place.releases.size()});
}

double LaunchRun::Wobble(uint64_t function, uint64_t operand) const {
  return static_cast<double>(static_cast<int64_t>(Mixed(wobble_ ^ Mixed(operand * 64 + function)))) * 0x1p-63;
}

// ---- Asynchronous copies
// ----------------------------------------------------------------------------------------------------

void LaunchRun::StartCopy(void* shared, const void* global, int bytes, bool valid) {
  Lane& lane = *lane_;
  LandSome(lane);
  CopyUnderWay copy;
  copy.to = AddressOf(shared);
  copy.from = valid ? AddressOf(global) : 0;
  copy.bytes = bytes;
  for (uintptr_t address : {copy.to, copy.from}) {
    if (address % static_cast<uintptr_t>(bytes) != 0) {
      Fail(fmt::format("copies {} bytes of {}, not aligned to them", bytes, Describe(address)));
    }
  }
  if (copy.to - shared_ >= static_cast<uintptr_t>(shared_bytes_)) {
    Fail(fmt::format("copies {} bytes to {}, which is not its shared memory", bytes, Describe(copy.to)));
  }
  if (valid && !machine_.memory.Contains(global)) {
    Fail(fmt::format("copies {} bytes from {}, which is not the device's memory", bytes, Describe(copy.from)));
  }
  if (valid) Touch(copy.from, static_cast<size_t>(bytes), Access::kRead);
  Touch(copy.to, static_cast<size_t>(bytes), Access::kWrite);
  SetShared(copy.to, bytes, Record(machine_.clock, lane.thread, Record::kInFlight));
  copy.started = ++machine_.clock;
  const bool take =
      options_.copies == CopyTiming::kAtOnce || (options_.copies == CopyTiming::kBetween && random_.Below(2) == 0);
  if (take && valid) std::memcpy(copy.value, global, static_cast<size_t>(bytes));
  copy.taken = take || !valid;
  if (options_.copies == CopyTiming::kAtOnce) Land(lane, copy);
  lane.open.push_back(copy);
}

void LaunchRun::CommitCopies() {
  Lane& lane = *lane_;
  lane.groups.push_back(std::move(lane.open));
  lane.open.clear();
  LandSome(lane);
}

void LaunchRun::WaitCopies(int pending) {
  Lane& lane = *lane_;
  ++machine_.clock;
  while (static_cast<int>(lane.groups.size()) > pending) {
    for (CopyUnderWay& copy : lane.groups.front()) Finish(lane, copy);
    lane.groups.pop_front();
  }
}

void LaunchRun::ExpectNone(const std::vector<CopyUnderWay>& copies) {
  if (!copies.empty()) {
    Fail(fmt::format("has ended with an asynchronous copy to {} under way that it has not waited for",
                     Describe(copies.front().to)));
  }
}

void LaunchRun::Land(Lane&, CopyUnderWay& copy) {
  if (copy.landed) return;
  if (!copy.taken) std::memcpy(copy.value, reinterpret_cast<const void*>(copy.from), static_cast<size_t>(copy.bytes));
  copy.taken = copy.landed = true;
  std::memcpy(reinterpret_cast<void*>(copy.to), copy.value, static_cast<size_t>(copy.bytes));
}

void LaunchRun::Finish(Lane& lane, CopyUnderWay& copy) {
  if (copy.from != 0) {
    Piece* piece = machine_.memory.Find(copy.from);
    const Shadow& shadow = *piece->shadow;
    const int64_t offset = static_cast<int64_t>(copy.from - AddressOf(piece->begin));
    for (int64_t i = offset >> shadow.shift(); i << shadow.shift() < offset + copy.bytes; ++i) {
      const Record& write = shadow.cells()[i].write;
      if (write.time() >= copy.started) {
        FailAs(lane, fmt::format("copies from {}, which {} writes before the copy is waited for", Describe(copy.from),
                                 Who(write)));
      }
    }
  }
  Land(lane, copy);
  SetShared(copy.to, copy.bytes, Record(machine_.clock, lane.thread));
}

void LaunchRun::LandSome(Lane& lane) {
  if (options_.copies != CopyTiming::kBetween) return;
  const auto land = [&](std::vector<CopyUnderWay>& copies) {
    for (CopyUnderWay& copy : copies) {
      if (!copy.landed && random_.Below(4) == 0) Land(lane, copy);
    }
  };
  for (auto& group : lane.groups) land(group);
  land(lane.open);
}

void LaunchRun::SetShared(uintptr_t address, int bytes, Record record) {
  const int64_t offset = static_cast<int64_t>(address - shared_);
  for (int64_t i = offset >> shared_shadow_.shift(); i << shared_shadow_.shift() < offset + bytes; ++i) {
    shared_shadow_.cells()[i] = {record, Record()};
  }
}

// ---- Accesses
// ------------------------------------------------------------------------------------------------------------------

void LaunchRun::TouchAs(Lane& lane, uintptr_t address, size_t bytes, Access access) {
  const uintptr_t in_shared = address - shared_;
  if (in_shared < static_cast<uintptr_t>(shared_bytes_) && bytes <= static_cast<uintptr_t>(shared_bytes_) - in_shared) {
    return TouchCells(lane, shared_shadow_, block_begin_, static_cast<int64_t>(in_shared), bytes, access, address);
  }
  if (!machine_.memory.Contains(reinterpret_cast<const void*>(address))) {
    return TouchElsewhere(lane, address, bytes, access);
  }
  Piece* piece = machine_.memory.Find(address);
  const int64_t offset = static_cast<int64_t>(address - AddressOf(piece->begin));
  if (piece->freed || offset + static_cast<int64_t>(bytes) > piece->size_bytes) {
    FailAs(lane, fmt::format("{} {} bytes at {}: out of bounds", Verb(access), bytes, Describe(address)));
  }
  if (access != Access::kRead && lane.waits == 0) {
    FailAs(lane, fmt::format("{} {} bytes at {} before WaitForPredecessor", Verb(access), bytes, Describe(address)));
  }
  TouchCells(lane, *piece->shadow, order_.begin(), offset, bytes, access, address);
}

void LaunchRun::TouchElsewhere(Lane& lane, uintptr_t address, size_t bytes, Access access) {
  const auto within = [&](const void* begin, uint64_t size) { return address - AddressOf(begin) <= size - bytes; };
  if (within(reinterpret_cast<const void*>(lane.stack), StackPool::kBytes)) return;
  if (access == Access::kRead && (within(request_.parameters, request_.parameters_bytes) ||
                                  within(&__executable_start, static_cast<uint64_t>(&_end - &__executable_start)))) {
    return;
  }
  FailAs(lane, fmt::format("{} {} bytes at {}", Verb(access), bytes, Describe(address)));
}

void LaunchRun::TouchCells(Lane& lane, Shadow& shadow, uint64_t scope, int64_t offset, size_t bytes, Access access,
                           uintptr_t address) {
  const int64_t finest = (offset | static_cast<int64_t>(bytes)) & ((1 << shadow.shift()) - 1);
  if (finest != 0) shadow.Refine(std::countr_zero(static_cast<uint64_t>(finest)));
  const int64_t first = offset >> shadow.shift(), last = (offset + static_cast<int64_t>(bytes) - 1) >> shadow.shift();
  const uintptr_t begin = address - static_cast<uintptr_t>(offset);
  const bool early = lane.waits == 0 && &shadow != &shared_shadow_;
  for (int64_t i = first; i <= last; ++i) {
    Cell& cell = shadow.cells()[i];
    const uintptr_t at = begin + static_cast<uintptr_t>(i << shadow.shift());
    if (early) CheckEarly(lane, cell, at);
    if (access == Access::kRead) {
      Read(lane, cell, scope, at);
    } else {
      Write(lane, cell, scope, access == Access::kAtomic, at);
    }
  }
}

inline void LaunchRun::Read(Lane& lane, Cell& cell, uint64_t scope, uintptr_t address) {
  if (cell.write.time() >= scope && !Ordered(lane, cell.write)) Race(lane, cell.write, "reads", "wrote", address);
  const Record now(machine_.clock, lane.thread);
  const Record before = cell.read;
  if (before == now) return;
  if (before.time() < scope) {
    cell.read = now;
  } else if (before.crowd() == Crowd::kLaunch) {
    cell.read = now.Of(Crowd::kLaunch);
  } else if (Ordered(lane, before)) {
    cell.read = now;
  } else if (before.time() < block_begin_) {
    cell.read = now.Of(Crowd::kLaunch);
  } else if (before.crowd() != Crowd::kBlock && before.warp() == now.warp()) {
    cell.read = now.Of(Crowd::kWarp);
  } else {
    cell.read = now.Of(Crowd::kBlock);
  }
}

inline void LaunchRun::Write(Lane& lane, Cell& cell, uint64_t scope, bool atomic, uintptr_t address) {
  const char* verb = atomic ? "updates" : "writes";
  if (cell.write.time() >= scope && !(atomic && cell.write.Has(Record::kAtomic)) && !Ordered(lane, cell.write)) {
    Race(lane, cell.write, verb, "wrote", address);
  }
  if (cell.read.time() >= scope && !Ordered(lane, cell.read)) Race(lane, cell.read, verb, "read", address);
  cell.write = Record(machine_.clock, lane.thread, atomic ? Record::kAtomic : 0);
  cell.read = Record();
}

void LaunchRun::CheckEarly(Lane& lane, const Cell& cell, uintptr_t address) {
  if (!cell.write.Has(Record::kProduced) && cell.write.time() <= settled_) return;
  if (cell.write.time() >= order_.begin()) return;  // this launch's: a race or none
  FailAs(lane, fmt::format("reads {}, which an earlier kernel wrote, before WaitForPredecessor", Describe(address)));
}

inline bool LaunchRun::Ordered(const Lane& lane, const Record& record) const {
  if (record.Has(Record::kInFlight)) return false;
  if (record.crowd() == Crowd::kLaunch) return false;
  if (record.time() >= block_begin_) {
    if (record.crowd() == Crowd::kThread && record.thread() == lane.thread) return true;
    if (record.time() < block_sync_) return true;
    return record.crowd() != Crowd::kBlock && record.warp() == lane.warp->index && record.time() < lane.warp->sync;
  }
  const auto covered = [&](const Knowledge& known) { return !known.empty() && order_.Covers(known, record); };
  return covered(lane.known) || covered(lane.warp->known) || covered(block_known_);
}

void LaunchRun::Race(Lane& lane, const Record& other, const char* what, const char* before, uintptr_t address) {
  std::string text = fmt::format("{} {}, which {} {}", what, Describe(address), Who(other), before);
  if (other.Has(Record::kInFlight)) {
    text += " by an asynchronous copy that it has not waited for";
  } else if (other.time() >= block_begin_) {
    text += " with no barrier between";
  } else {
    text += ": needs FenceDevice before and behind an atomic in the threads that call it, and barriers around them";
  }
  FailAs(lane, text);
}

std::string LaunchRun::Describe(uintptr_t address) const {
  const int64_t in_shared = static_cast<int64_t>(address - shared_);
  if (in_shared >= -Machine::kSharedRoom && in_shared < 2 * Machine::kSharedRoom) {
    return fmt::format("shared memory ({} bytes) {} {}", shared_bytes_, in_shared < 0 ? "-" : "+", std::abs(in_shared));
  }
  if (machine_.memory.Contains(reinterpret_cast<const void*>(address))) return machine_.memory.Describe(address);
  for (const auto& lane : lanes_) {
    if (address - lane->stack < static_cast<uintptr_t>(StackPool::kBytes)) {
      return fmt::format("the local memory of thread {}", lane->thread);
    }
  }
  return fmt::format("{:#x}, which is not the device's memory", address);
}

std::string LaunchRun::Who(const Record& record) const {
  const bool here = record.time() >= block_begin_;
  const std::string who =
      here ? "" : fmt::format(" of block {} in the order of this run", order_.BlockAt(record.time()));
  switch (record.crowd()) {
    case Crowd::kThread:
      return fmt::format("thread {}{}", record.thread(), who);
    case Crowd::kWarp:
      return fmt::format("threads of warp {}{}", record.warp(), who);
    case Crowd::kBlock:
      return fmt::format("threads of several warps{}", who);
    case Crowd::kLaunch:
      return "threads of several blocks";
  }
  return {};
}

}  // namespace blip3o::cuda::lanes
