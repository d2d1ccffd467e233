// The first launch on a device: whether there is code for it and whether it runs. Bound by nothing.
#include "ops/cuda/launch.h"
#include "ops/cuda/probe.h"
#include "ops/cuda/ptx.h"

namespace blip3o::cuda {

namespace {

constexpr int kThreads = kProbeValues;

struct ProbeParameters {
  int32_t* values;  // [kThreads]
};

// A block: one warp; a thread: one value, to which its lane is added. Occupancy: one block per SM.
__global__ void __launch_bounds__(kThreads, 1) ProbeKernel(const ProbeParameters p) {
  ptx::WaitForPredecessor();
  p.values[ptx::Thread()] += ptx::Lane();
  ptx::ReleaseSuccessor();
}

}  // namespace

// --------------------------------------------------------------------------------------------------------------------

void Probe(Queue& queue, int32_t* values) {
  Launch(queue, "Probe", ProbeKernel, {{1}, kThreads, 1, 0}, ProbeParameters{values}, {8.0 * kThreads, 0, false});
}

}  // namespace blip3o::cuda
