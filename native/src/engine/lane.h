// A thread that works for an engine: its own backend, and the memory of the piece of work at hand.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <thread>

#include "base/status.h"
#include "base/tensor.h"
#include "engine/job.h"
#include "engine/memory_account.h"
#include "engine/scheduler.h"
#include "ops/ops.h"

namespace blip3o {

struct Lane {
  explicit Lane(int index) : index(index) {}

  const int index;           // in the scheduler
  std::unique_ptr<Ops> ops;  // made, used and freed by the lane's thread
  Buffer workspace;
  HalfNeed has;  // what workspace and scratch are enough for
  Holding holding;
  std::thread thread;

  // Under the engine's lock.
  std::condition_variable wake;
  bool waits = false;

  // Makes workspace and scratch large enough for `need`, and no larger than `granted_bytes` in all. By the lane's
  // thread.
  Status Provide(const HalfNeed& need, int64_t granted_bytes, MemoryAccount& account);
  // Busy from piece to piece of work: a lane that let go of its processor in between would wake a thread to take its
  // place. By the lane's thread.
  void SetBusy(bool now);
  // Gives all of it back. By any thread while the lane is idle, or gone, and stays so.
  void Release();

 private:
  bool busy_ = false;
};

// What a request asks of the scheduler, in bytes.
Demand DemandOf(const Ops& ops, const MemoryNeed& need);

}  // namespace blip3o
