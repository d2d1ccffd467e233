// The part of the CUDA runtime that a queue on a real device calls, on the host: streams that run nothing before
// somebody waits for them, so that every missing wait shows; recordings; faults that end a context.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace blip3o::test {

// A kernel of the tests: *to = *from * factor + added, in 32 bits.
struct FakeParameters {
  const int32_t* from;
  int32_t* to;
  int32_t factor, added;
};
const void* FakeKernel();

struct FakeLaunch {
  bool dependent = false;  // may start before its predecessor has ended
  int64_t shared_bytes = 0;
  const void* stream = nullptr;
  bool recorded = false;
};

// What the machine has and what goes wrong. Reset by ResetFakeCuda.
struct FakeCuda {
  int driver_version = 13000;
  cudaError_t start = cudaSuccess;  // of cudaGetDeviceCount
  int devices = 1;
  int capability = 90;
  int64_t memory_bytes = int64_t{1} << 30;
  std::map<std::string, cudaError_t> fails;  // by the call's name: once
  cudaError_t dead = cudaSuccess;            // from now on every call returns it
  bool breaks_recordings = false;
  bool has_green_contexts = true;
  bool updates_graphs = true;

  // What was done.
  std::map<std::string, int> calls;
  int calls_when_dead = 0;
  std::vector<FakeLaunch> launches;
  int64_t allocated_bytes = 0;
  int host_pieces = 0, streams = 0, events = 0, graphs = 0, programs = 0, contexts = 0;  // that were not given back
};
FakeCuda& Fake();
void ResetFakeCuda();

}  // namespace blip3o::test
