// A queue on a real device: streams, staged copies, launches, recorded work.
//
// It has a stream on all multiprocessors and, where the device is shared, one on its role's share. Work moves from one
// to the other only where the caller begins work or repeats some, so that a recording lies on one of them.
#pragma once

#include <array>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "ops/cuda/device/device_state.h"
#include "ops/cuda/device/multiprocessor_split.h"
#include "ops/cuda/device/recorded_work.h"
#include "ops/cuda/products.h"
#include "ops/cuda/queue.h"

namespace blip3o::cuda {

class CudaQueue final : public Queue {
 public:
  // `split` may be null.
  static Result<std::unique_ptr<CudaQueue>> Create(std::shared_ptr<DeviceState> state,
                                                   std::shared_ptr<MultiprocessorSplit> split, LaneRole role);
  ~CudaQueue() override;
  CudaQueue(const CudaQueue&) = delete;
  CudaQueue& operator=(const CudaQueue&) = delete;

  // The library's products on this queue.
  void SetProducts(std::unique_ptr<Products> products) { products_ = std::move(products); }

  std::string name() const override;
  const DeviceLimits& limits() const override { return limits_; }
  Result<Buffer> Allocate(int64_t size_bytes) override { return state_->Allocate(size_bytes); }
  bool Owns(const void* address) const override { return state_->Owns(address); }
  void CopyIn(const void* host, int64_t size_bytes, void* to) override;
  void CopyOut(const void* from, int64_t size_bytes, void* host) override;
  void Fill(void* to, uint8_t value, int64_t size_bytes) override;
  void Launch(const LaunchRequest& request) override;
  void Repeat(const RepeatKey& key, const std::function<void()>& work) override;
  void ForgetRepeats() override { recorded_.Clear(); }
  bool ok() const override { return status_.ok() && !state_->lost(); }
  void Fail(Status failure) override;
  void BeginWork() override;
  void EndWork() override;
  Products* products() override { return products_.get(); }
  Status Finish() override;

  // For what puts its own work into the queue: the stream at hand. Nothing that it starts overlaps its neighbours.
  cudaStream_t stream();
  // Why the last recording failed; ok where none has.
  const Status& recording_failure() const { return recording_failure_; }
  // All multiprocessors that the stream at hand may use.
  int multiprocessors() const { return limits_.multiprocessors; }

 private:
  static constexpr int64_t kStagingBytes = 4 << 20;
  static constexpr int kMostFailedRecordings = 3;

  // Host memory that copies pass through.
  struct Staging {
    char* data = nullptr;
    cudaEvent_t taken = nullptr;  // the last copy from it has ended
  };

  CudaQueue(std::shared_ptr<DeviceState> state, std::shared_ptr<MultiprocessorSplit> split, LaneRole role);
  Status Open();
  // Runs a call of the runtime unless the queue has failed.
  template <typename Call>
  void Run(const char* what, const Call& call) {
    if (ok()) Fail(state_->Run(what, call));
  }
  cudaStream_t Current() const { return on_part_ ? part_ : whole_; }
  // Where work goes from now on, as others share the device or don't.
  void ChooseStream();
  // While recording: what is copied in is there before anything that is recorded runs.
  void CopyAtOnce(void* to, const void* from, int64_t size_bytes, cudaMemcpyKind kind);
  // Records what `work` launches, and runs nothing. Null where that can't be: then `work` is to be run as it is.
  cudaGraphExec_t Record(const RepeatKey& key, const std::function<void()>& work);
  Result<cudaGraph_t> Capture(const std::function<void()>& work);
  Result<cudaGraph_t> EndCapture();
  void Destroy(cudaGraph_t graph);

  const std::shared_ptr<DeviceState> state_;
  const std::shared_ptr<MultiprocessorSplit> split_;
  const LaneRole role_;
  DeviceLimits limits_;
  cudaStream_t whole_ = nullptr;
  cudaStream_t part_ = nullptr;   // null without a split
  cudaStream_t aside_ = nullptr;  // for copies while recording
  cudaEvent_t moved_ = nullptr;
  std::array<Staging, 2> staging_;
  size_t next_staging_ = 0;
  bool on_part_ = false;
  bool recording_ = false;
  bool behind_kernel_ = false;  // the last of the stream at hand is a kernel of ours
  int failed_recordings_ = 0;
  Status recording_failure_;
  std::string no_recording_;                        // why work is not recorded any more
  std::set<std::pair<uint64_t, bool>> run_before_;  // forms of work, on the part or the whole
  std::unique_ptr<Products> products_;
  RecordedWork recorded_;
  Status status_;  // the first failure
};

}  // namespace blip3o::cuda
