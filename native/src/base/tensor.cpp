#include "base/tensor.h"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

namespace blip3o {

namespace {
constexpr int64_t kAlignment = 64;
}

std::string Shape::ToString() const {
  std::string text = "[";
  for (int i = 0; i < rank_; ++i) text += fmt::format("{}{}", i == 0 ? "" : ", ", dims_[i]);
  return text + "]";
}

Result<Buffer> Buffer::Allocate(int64_t size_bytes) {
  const int64_t rounded = (size_bytes + kAlignment - 1) / kAlignment * kAlignment;
  void* data = std::aligned_alloc(kAlignment, static_cast<size_t>(rounded > 0 ? rounded : kAlignment));
  if (data == nullptr) {
    return OutOfMemory(fmt::format("could not allocate {} MiB of memory: free some, or make the request smaller",
                                   (size_bytes + (1 << 20) - 1) >> 20));
  }
  return Adopt(data, size_bytes, [](void* p) { std::free(p); });
}

Buffer Buffer::Adopt(void* data, int64_t size_bytes, std::function<void(void*)> free) {
  Buffer buffer;
  buffer.data_ = std::unique_ptr<void, Free>(data, Free{std::move(free)});
  buffer.size_bytes_ = size_bytes;
  return buffer;
}

}  // namespace blip3o
