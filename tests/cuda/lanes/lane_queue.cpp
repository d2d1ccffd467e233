#include "lanes/lane_queue.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "lanes/hooks.h"
#include "lanes/launch_run.h"
#include "lanes/machine.h"
#include "lanes/refusal.h"

namespace blip3o::cuda::lanes {

namespace {

constexpr int64_t kSharedBytes = 99 * 1024;  // the least of all architectures that kernels are built for

}  // namespace

LaneQueue::LaneQueue(const LaneOptions& options) : options_(options) {
  limits_.compute_capability = options.compute_capability;
  limits_.multiprocessors = options.multiprocessors;
  limits_.shared_bytes_per_block = kSharedBytes;
}

std::string LaneQueue::name() const { return "cuda (lane by lane)"; }

Result<Buffer> LaneQueue::Allocate(int64_t size_bytes) {
  char* data = Machine::Get().memory.Allocate(size_bytes);
  if (data == nullptr)
    return OutOfMemory(fmt::format("no addresses are left for {} bytes of device memory", size_bytes));
  return Buffer::Adopt(data, size_bytes, [](void* p) { Machine::Get().memory.Free(p); });
}

bool LaneQueue::Owns(const void* address) const { return Machine::Get().memory.Contains(address); }

void LaneQueue::Fail(Status failure) {
  if (failure_.ok()) failure_ = std::move(failure);
}

void LaneQueue::Settle() { settled_ = Machine::Get().clock; }

void LaneQueue::CopyIn(const void* host, int64_t size_bytes, void* to) {
  if (!ok()) return;
  if (recording_ != nullptr) return Fail(InternalError("CopyIn inside of Repeat: it only launches and fills"));
  Piece* piece = Machine::Get().memory.Holder(to, size_bytes);
  if (piece == nullptr) return Fail(InternalError(fmt::format("CopyIn of {} bytes to no allocation's", size_bytes)));
  std::memcpy(to, host, static_cast<size_t>(size_bytes));
  piece->shadow->Set(static_cast<char*>(to) - piece->begin, size_bytes, Record());
}

void LaneQueue::CopyOut(const void* from, int64_t size_bytes, void* host) {
  if (!ok()) return;
  if (recording_ != nullptr) return Fail(InternalError("CopyOut inside of Repeat: it only launches and fills"));
  Settle();
  if (Machine::Get().memory.Holder(from, size_bytes) == nullptr) {
    return Fail(InternalError(fmt::format("CopyOut of {} bytes from no allocation's", size_bytes)));
  }
  std::memcpy(host, from, static_cast<size_t>(size_bytes));
}

void LaneQueue::Fill(void* to, uint8_t value, int64_t size_bytes) {
  QueuedWork work;
  work.to = to;
  work.value = value;
  work.size_bytes = size_bytes;
  Run(work);
}

void LaneQueue::Launch(const LaunchRequest& request) {
  QueuedWork work;
  work.request = request;
  const auto* parameters = static_cast<const unsigned char*>(request.parameters);
  work.parameters.assign(parameters, parameters + request.parameters_bytes);
  Run(work);
}

void LaneQueue::Repeat(const RepeatKey& key, const std::function<void()>& work) {
  if (!ok()) return;
  const Key wanted{key.owner, key.workspace, key.form};
  if (const auto found = recorded_.find(wanted); found != recorded_.end()) {
    for (const QueuedWork& queued : found->second) Run(queued);
    return;
  }
  std::vector<QueuedWork> recording;
  recording_ = &recording;
  work();
  recording_ = nullptr;
  if (ok()) recorded_[wanted] = std::move(recording);
}

void LaneQueue::Run(const QueuedWork& work) {
  if (!ok()) return;
  if (recording_ != nullptr) recording_->push_back(work);
  if (work.request.kernel != nullptr) {
    LaunchRequest request = work.request;
    request.parameters = work.parameters.data();
    return RunKernel(request);
  }
  Piece* piece = Machine::Get().memory.Holder(work.to, work.size_bytes);
  if (piece == nullptr) return Fail(InternalError(fmt::format("Fill of {} bytes of no allocation", work.size_bytes)));
  std::memset(work.to, work.value, static_cast<size_t>(work.size_bytes));
  piece->shadow->Set(static_cast<char*>(work.to) - piece->begin, work.size_bytes, Record());
}

void LaneQueue::RunKernel(const LaunchRequest& request) {
  if (observer_) observer_(request);
  if (const std::string refusal = RefusalOf(request, limits_); !refusal.empty()) return Fail(InternalError(refusal));
  std::lock_guard lock(Machine::Get().running);
  LaunchRun run(request, options_, settled_, Mixed(options_.seed) + ++launches_);
  if (const std::string failure = run.Run(); !failure.empty()) Fail(InternalError(failure));
}

Status LaneQueue::Finish() {
  Settle();
  if (const std::string fault = TakeHostFault(); !fault.empty()) Fail(InternalError(fault));
  return std::exchange(failure_, Status());
}

void LaneQueue::MarkAsProduced(void* data, int64_t size_bytes) {
  if (size_bytes == 0) return;
  Piece* piece = Machine::Get().memory.Holder(data, size_bytes);
  piece->shadow->Set(static_cast<char*>(data) - piece->begin, size_bytes, Record(0, 0, Record::kProduced));
}

}  // namespace blip3o::cuda::lanes
