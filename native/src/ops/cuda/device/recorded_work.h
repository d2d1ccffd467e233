// Sequences of launches that a queue has recorded (CUDA graphs), found by what they were recorded for.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "ops/cuda/device/device_state.h"
#include "ops/ops.h"

namespace blip3o::cuda {

class RecordedWork {
 public:
  // Kept; the longest unused goes first. Tokens of 1 to 64 rows, on the whole device and on a share of it, and what
  // else a queue records: a batch that requests join and leave records each form once. The record of a token is some
  // 180 kernels of a kilobyte each: all of them together take about 30 MB of the device.
  static constexpr size_t kMost = 2 * 64 + 16;

  explicit RecordedWork(std::shared_ptr<DeviceState> state) : state_(std::move(state)) {}
  ~RecordedWork() { Clear(); }
  RecordedWork(const RecordedWork&) = delete;
  RecordedWork& operator=(const RecordedWork&) = delete;

  // Null where nothing was recorded for the key on these multiprocessors.
  cudaGraphExec_t Find(const RepeatKey& key, bool part);
  // What runs `graph`, kept for the key. What another owner recorded in the same place is of the same form and is
  // changed instead of built anew.
  Result<cudaGraphExec_t> Keep(const RepeatKey& key, bool part, cudaGraph_t graph);
  void Clear();

 private:
  struct Entry {
    RepeatKey key;
    bool part = false;  // of the multiprocessors
    cudaGraphExec_t exec = nullptr;
    uint64_t used = 0;
  };

  void Destroy(cudaGraphExec_t exec);

  const std::shared_ptr<DeviceState> state_;
  std::vector<Entry> entries_;
  uint64_t uses_ = 0;
};

}  // namespace blip3o::cuda
