#include "ops/cuda/device/cuda_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace blip3o::cuda {

namespace {

// From here on a kernel may start before its predecessor has ended.
constexpr int kDependentLaunchCapability = 90;
constexpr int64_t kMostGridY = 65535;

LaneRole Other(LaneRole role) { return role == LaneRole::kLanguage ? LaneRole::kPicture : LaneRole::kLanguage; }

dim3 GridOf(const GridShape& grid) {
  assert(grid.x >= 1 && grid.x <= INT32_MAX && grid.y >= 1 && grid.y <= kMostGridY && grid.z >= 1 &&
         grid.z <= kMostGridY);
  return {static_cast<unsigned>(grid.x), static_cast<unsigned>(grid.y), static_cast<unsigned>(grid.z)};
}

}  // namespace

Result<std::unique_ptr<CudaQueue>> CudaQueue::Create(std::shared_ptr<DeviceState> state,
                                                     std::shared_ptr<MultiprocessorSplit> split, LaneRole role) {
  std::unique_ptr<CudaQueue> queue(new CudaQueue(std::move(state), std::move(split), role));
  BLIP3O_RETURN_IF_ERROR(queue->Open());
  return queue;
}

CudaQueue::CudaQueue(std::shared_ptr<DeviceState> state, std::shared_ptr<MultiprocessorSplit> split, LaneRole role)
    : state_(std::move(state)), split_(std::move(split)), role_(role), limits_(state_->limits()), recorded_(state_) {}

Status CudaQueue::Open() {
  // A token is short and somebody waits for the next one: it goes first.
  int least = 0, greatest = 0;
  BLIP3O_RETURN_IF_ERROR(state_->Run("cudaDeviceGetStreamPriorityRange",
                                     [&] { return cudaDeviceGetStreamPriorityRange(&least, &greatest); }));
  const int priority = role_ == LaneRole::kLanguage ? greatest : least;
  for (cudaStream_t* stream : {&whole_, &aside_}) {
    BLIP3O_RETURN_IF_ERROR(state_->Run("cudaStreamCreateWithPriority", [&] {
      return cudaStreamCreateWithPriority(stream, cudaStreamNonBlocking, priority);
    }));
  }
  if (split_ != nullptr) {
    BLIP3O_ASSIGN_OR_RETURN(part_, split_->CreateStream(role_, priority));
  }
  BLIP3O_RETURN_IF_ERROR(state_->Run("cudaEventCreateWithFlags",
                                     [&] { return cudaEventCreateWithFlags(&moved_, cudaEventDisableTiming); }));
  for (Staging& staging : staging_) {
    BLIP3O_RETURN_IF_ERROR(state_->Run("cudaHostAlloc", [&] {
      return cudaHostAlloc(reinterpret_cast<void**>(&staging.data), kStagingBytes, cudaHostAllocDefault);
    }));
    BLIP3O_RETURN_IF_ERROR(state_->Run(
        "cudaEventCreateWithFlags", [&] { return cudaEventCreateWithFlags(&staging.taken, cudaEventDisableTiming); }));
  }
  return {};
}

CudaQueue::~CudaQueue() {
  products_.reset();
  recorded_.Clear();
  const auto end = [&](const char* what, auto* handle, auto call) {
    if (handle != nullptr) (void)state_->Run(what, [&] { return call(handle); });
  };
  for (cudaStream_t stream : {whole_, part_, aside_}) {
    end("cudaStreamSynchronize", stream, cudaStreamSynchronize);
    end("cudaStreamDestroy", stream, cudaStreamDestroy);
  }
  end("cudaEventDestroy", moved_, cudaEventDestroy);
  for (const Staging& staging : staging_) {
    end("cudaEventDestroy", staging.taken, cudaEventDestroy);
    end("cudaFreeHost", staging.data, [](char* data) { return cudaFreeHost(data); });
  }
}

std::string CudaQueue::name() const {
  std::string name = fmt::format("cuda ({}", state_->name());
  if (products_ != nullptr) name += ", " + products_->name();
  if (!no_recording_.empty()) name += ", launches one by one: " + no_recording_;
  return name + ")";
}

void CudaQueue::Fail(Status failure) {
  if (status_.ok()) status_ = std::move(failure);
}

cudaStream_t CudaQueue::stream() {
  behind_kernel_ = false;
  return Current();
}

// ---- Copies ---------------------------------------------------------------------------------------------------------

void CudaQueue::CopyIn(const void* host, int64_t size_bytes, void* to) {
  if (recording_) return CopyAtOnce(to, host, size_bytes, cudaMemcpyHostToDevice);
  for (int64_t done = 0; done < size_bytes && ok(); done += kStagingBytes) {
    const size_t bytes = static_cast<size_t>(std::min(kStagingBytes, size_bytes - done));
    const Staging& staging = staging_[next_staging_++ % staging_.size()];
    Run("cudaEventSynchronize", [&] { return cudaEventSynchronize(staging.taken); });
    if (!ok()) return;
    std::memcpy(staging.data, static_cast<const char*>(host) + done, bytes);
    Run("cudaMemcpyAsync", [&] {
      return cudaMemcpyAsync(static_cast<char*>(to) + done, staging.data, bytes, cudaMemcpyHostToDevice, stream());
    });
    Run("cudaEventRecord", [&] { return cudaEventRecord(staging.taken, Current()); });
  }
}

void CudaQueue::CopyOut(const void* from, int64_t size_bytes, void* host) {
  if (recording_) return CopyAtOnce(host, from, size_bytes, cudaMemcpyDeviceToHost);
  for (int64_t done = 0; done < size_bytes && ok(); done += kStagingBytes) {
    const size_t bytes = static_cast<size_t>(std::min(kStagingBytes, size_bytes - done));
    const Staging& staging = staging_[next_staging_++ % staging_.size()];
    // Behind what is still read from it: the stream's order.
    Run("cudaMemcpyAsync", [&] {
      return cudaMemcpyAsync(staging.data, static_cast<const char*>(from) + done, bytes, cudaMemcpyDeviceToHost,
                             stream());
    });
    Run("cudaStreamSynchronize", [&] { return cudaStreamSynchronize(Current()); });
    if (ok()) std::memcpy(static_cast<char*>(host) + done, staging.data, bytes);
  }
}

void CudaQueue::CopyAtOnce(void* to, const void* from, int64_t size_bytes, cudaMemcpyKind kind) {
  Run("cudaMemcpyAsync", [&] { return cudaMemcpyAsync(to, from, static_cast<size_t>(size_bytes), kind, aside_); });
  Run("cudaStreamSynchronize", [&] { return cudaStreamSynchronize(aside_); });
}

void CudaQueue::Fill(void* to, uint8_t value, int64_t size_bytes) {
  Run("cudaMemsetAsync", [&] { return cudaMemsetAsync(to, value, static_cast<size_t>(size_bytes), stream()); });
}

// ---- Launches -------------------------------------------------------------------------------------------------------

void CudaQueue::Launch(const LaunchRequest& request) {
  if (!ok()) return;
  Fail(state_->AllowShared(request.kernel, request.shape.shared_bytes, request.name));
  cudaLaunchAttribute dependent = {};
  dependent.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  dependent.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config = {};
  config.gridDim = GridOf(request.shape.grid);
  config.blockDim = dim3(static_cast<unsigned>(request.shape.threads));
  config.dynamicSmemBytes = static_cast<size_t>(request.shape.shared_bytes);
  config.stream = Current();
  config.attrs = &dependent;
  // Only a kernel of ours says when its successor may start.
  config.numAttrs = behind_kernel_ && limits_.compute_capability >= kDependentLaunchCapability ? 1 : 0;
  void* arguments[] = {const_cast<void*>(request.parameters)};
  Run(request.name, [&] { return cudaLaunchKernelExC(&config, request.kernel, arguments); });
  behind_kernel_ = true;
}

void CudaQueue::Repeat(const RepeatKey& key, const std::function<void()>& work) {
  if (!ok()) return;
  ChooseStream();
  if (recording_ || !no_recording_.empty()) return work();
  cudaGraphExec_t exec = recorded_.Find(key, on_part_);
  if (exec == nullptr) {
    // Once as it is: what it loads and allocates at its first launches is no part of a recording.
    if (run_before_.insert({key.form, on_part_}).second) return work();
    exec = Record(key, work);
    if (!ok()) return;
    if (exec == nullptr) return work();
  }
  Run("cudaGraphLaunch", [&] { return cudaGraphLaunch(exec, stream()); });
}

cudaGraphExec_t CudaQueue::Record(const RepeatKey& key, const std::function<void()>& work) {
  Result<cudaGraph_t> graph = Capture(work);
  if (!ok()) return nullptr;
  Status failure = graph.status();
  if (graph.ok()) {
    Result<cudaGraphExec_t> kept = recorded_.Keep(key, on_part_, graph.value());
    Destroy(graph.value());
    if (kept.ok()) return kept.value();
    failure = kept.status();
  }
  if (++failed_recordings_ == kMostFailedRecordings) no_recording_ = failure.message();
  recording_failure_ = std::move(failure);
  return nullptr;
}

Result<cudaGraph_t> CudaQueue::Capture(const std::function<void()>& work) {
  // Another thread's allocations, and a weight that this one brings in, must not end it.
  BLIP3O_RETURN_IF_ERROR(state_->Run("cudaStreamBeginCapture",
                                     [&] { return cudaStreamBeginCapture(stream(), cudaStreamCaptureModeRelaxed); }));
  recording_ = true;
  try {
    work();
  } catch (...) {
    // The stream takes work again, and what was recorded is of no use.
    if (Result<cudaGraph_t> graph = EndCapture(); graph.ok()) Destroy(graph.value());
    throw;
  }
  return EndCapture();
}

Result<cudaGraph_t> CudaQueue::EndCapture() {
  recording_ = false;
  behind_kernel_ = false;
  cudaGraph_t graph = nullptr;
  const Status ended = state_->Run("cudaStreamEndCapture", [&] { return cudaStreamEndCapture(Current(), &graph); });
  if (ended.ok() && ok()) return graph;
  if (graph != nullptr) Destroy(graph);
  if (ended.ok()) return status_;
  // What ended the capture failed the launches behind it: they are tried again, one by one.
  if (!state_->lost()) status_ = Status();
  return ended;
}

void CudaQueue::Destroy(cudaGraph_t graph) {
  (void)state_->Run("cudaGraphDestroy", [&] { return cudaGraphDestroy(graph); });
}

// ---- Order ----------------------------------------------------------------------------------------------------------

void CudaQueue::BeginWork() {
  ++state_->working(role_);
  ChooseStream();
}

void CudaQueue::EndWork() { --state_->working(role_); }

void CudaQueue::ChooseStream() {
  if (part_ == nullptr || recording_) return;
  const bool shared = state_->working(Other(role_)) > 0;
  if (shared == on_part_) return;
  Run("cudaEventRecord", [&] { return cudaEventRecord(moved_, stream()); });
  on_part_ = shared;
  Run("cudaStreamWaitEvent", [&] { return cudaStreamWaitEvent(stream(), moved_, 0); });
  limits_.multiprocessors = shared ? split_->multiprocessors(role_) : state_->limits().multiprocessors;
}

Status CudaQueue::Finish() {
  // Behind a failure too: nothing may be under way when it is told.
  if (!state_->lost()) {
    // Work that moved from stream to stream is waited for with the last, unless the move itself failed.
    const bool both = !status_.ok() && part_ != nullptr;
    for (cudaStream_t stream : {Current(), both && on_part_ ? whole_ : both ? part_ : nullptr}) {
      if (stream == nullptr) continue;
      const Status ended = state_->Run("cudaStreamSynchronize", [&] { return cudaStreamSynchronize(stream); });
      if (!ended.ok()) Fail(ended);
    }
  }
  if (state_->lost()) return state_->health();
  return std::exchange(status_, Status());
}

}  // namespace blip3o::cuda
