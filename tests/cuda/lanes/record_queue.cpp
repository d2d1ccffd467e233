#include "lanes/record_queue.h"

#include <cstring>
#include <utility>

#include "lanes/refusal.h"

namespace blip3o::cuda::lanes {

namespace {
constexpr uint64_t kFirst = uint64_t{1} << 52;
constexpr uint64_t kAlignment = 256;
}  // namespace

Result<Buffer> RecordQueue::Allocate(int64_t size_bytes) {
  void* data = reinterpret_cast<void*>(next_);
  next_ += (static_cast<uint64_t>(size_bytes) / kAlignment + 2) * kAlignment;
  return Buffer::Adopt(data, size_bytes, [](void*) {});
}

bool RecordQueue::Owns(const void* address) const {
  const uint64_t a = reinterpret_cast<uint64_t>(address);
  return a >= kFirst && a < next_;
}

void RecordQueue::CopyOut(const void*, int64_t size_bytes, void* host) {
  std::memset(host, 1, static_cast<size_t>(size_bytes));
}

void RecordQueue::Launch(const LaunchRequest& request) {
  if (const std::string refusal = RefusalOf(request, limits_); !refusal.empty()) Fail(InternalError(refusal));
  launches_.push_back({request.name, request.kernel, request.shape, request.cost});
}

void RecordQueue::Fail(Status failure) {
  if (failure_.ok()) failure_ = std::move(failure);
}

Status RecordQueue::Finish() { return std::exchange(failure_, Status()); }

}  // namespace blip3o::cuda::lanes
