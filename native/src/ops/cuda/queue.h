// The device as the launch code sees it: memory, copies and kernels, in order. The one on a real device is
// device/cuda_queue.h; the tests' runs kernels lane by lane, or only notes what is launched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "base/status.h"
#include "base/tensor.h"
#include "ops/ops.h"

namespace blip3o::cuda {

class Products;

// What launch code may rely on; of the device at hand.
struct DeviceLimits {
  int compute_capability = 80;         // 10 · major + minor
  int multiprocessors = 1;             // those that this queue may use
  int64_t shared_bytes_per_block = 0;  // with the opt-in of dynamic shared memory
};

struct GridShape {
  int64_t x = 1, y = 1, z = 1;  // y and z at most 65535
};

struct LaunchShape {
  GridShape grid;
  int threads = 0;           // of a block; a multiple of 32, equal to the kernel's launch bound
  int blocks_per_sm = 1;     // the occupancy that the kernel's header states, equal to its launch bound
  int64_t shared_bytes = 0;  // dynamic
};

// What bounds a launch, for docs/cuda.md and the benchmarks.
struct Cost {
  double bytes = 0;           // that must move between the device's memory and its processors: operands once each
  double flops = 0;           // 2 a multiply-add
  bool tensor_cores = false;  // the kernel's PTX holds mma
  double f64_flops = 0;       // of the flops, those in double precision
  double alone_bytes = 0;     // that one block reads, through its own multiprocessor, when all others have ended
};

struct LaunchRequest {
  const char* name = nullptr;    // the operation's, as in ops.h, with a part's name behind it: "DecodeAttention/parts"
  const void* kernel = nullptr;  // a __global__ function of one struct
  void (*call)(const void* kernel, const void* parameters) = nullptr;  // calls it as a plain function
  LaunchShape shape;
  Cost cost;
  const void* parameters = nullptr;
  size_t parameters_bytes = 0;
};

// One thread at a time. The first failure is kept; what comes behind it does nothing.
class Queue {
 public:
  virtual ~Queue() = default;

  virtual std::string name() const = 0;
  virtual const DeviceLimits& limits() const = 0;

  // Aligned to 256 bytes. The Buffer gives it back by itself, from any thread.
  virtual Result<Buffer> Allocate(int64_t size_bytes) = 0;
  // True for memory of Allocate.
  virtual bool Owns(const void* address) const = 0;

  virtual void CopyIn(const void* host, int64_t size_bytes, void* to) = 0;
  // Waits.
  virtual void CopyOut(const void* from, int64_t size_bytes, void* host) = 0;
  // False where memory is only counted: nobody has to make what would be copied in.
  virtual bool HoldsData() const { return true; }
  // Sets bytes.
  virtual void Fill(void* to, uint8_t value, int64_t size_bytes) = 0;
  virtual void Launch(const LaunchRequest& request) = 0;
  // Runs `work`, which only launches kernels and fills memory; where `key` was seen before it may replay what was
  // recorded then.
  virtual void Repeat(const RepeatKey& key, const std::function<void()>& work) = 0;
  // What was recorded is of no use any more: memory that it names is given back.
  virtual void ForgetRepeats() {}
  // False from the first failure that is known on to the next Finish(): always behind CopyOut.
  virtual bool ok() const = 0;
  // Keeps `failure`, which is not ok, as if an operation had failed with it.
  virtual void Fail(Status failure) = 0;
  // Between them the caller's work is under way: others that wait for the device may be given a part of it.
  virtual void BeginWork() {}
  virtual void EndWork() {}
  // Null where kernels of ours serve alone.
  virtual Products* products() { return nullptr; }
  // Waits for all and returns, then forgets, the first failure.
  virtual Status Finish() = 0;
};

}  // namespace blip3o::cuda
