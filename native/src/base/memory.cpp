#include "base/memory.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>

namespace blip3o {

namespace {

constexpr int64_t kUnknown = std::numeric_limits<int64_t>::max();

// A file that holds one number; absent where there is none or it says "max".
std::optional<int64_t> ReadNumber(const char* path) {
  std::ifstream file(path);
  int64_t value = 0;
  if (file >> value) return value;
  return std::nullopt;
}

int64_t SystemAvailable() {
  std::ifstream file("/proc/meminfo");
  std::string key, unit;
  int64_t kibibytes = 0;
  while (file >> key >> kibibytes) {
    if (key == "MemAvailable:") return kibibytes << 10;
    std::getline(file, unit);
  }
  return kUnknown;
}

// Control groups, version 2 then 1, as a container sees its own.
int64_t ControlGroupAvailable() {
  struct Paths {
    const char *limit, *used;
  };
  for (const Paths& paths :
       {Paths{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"},
        Paths{"/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"}}) {
    const std::optional<int64_t> limit = ReadNumber(paths.limit), used = ReadNumber(paths.used);
    if (limit && used) return std::max<int64_t>(0, *limit - *used);
  }
  return kUnknown;
}

size_t MappedBytes(int64_t size_bytes) { return static_cast<size_t>(std::max<int64_t>(size_bytes, 1)); }

}  // namespace

Result<Buffer> AllocatePages(int64_t size_bytes) {
  const size_t mapped = MappedBytes(size_bytes);
  void* data = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) {
    return OutOfMemory(
        fmt::format("could not allocate {} of memory: free some, or make the request smaller", Mebibytes(size_bytes)));
  }
  return Buffer::Adopt(data, size_bytes, [mapped](void* pages) { munmap(pages, mapped); });
}

void LetGo(const Buffer& pages) {
  if (pages.data() == nullptr) return;
  mprotect(pages.data(), MappedBytes(pages.size_bytes()), PROT_NONE);
  madvise(pages.data(), MappedBytes(pages.size_bytes()), MADV_DONTNEED);
}

int64_t AvailableMemoryBytes() { return std::min(SystemAvailable(), ControlGroupAvailable()); }

std::string Mebibytes(int64_t bytes) { return fmt::format("{} MiB", (bytes + (1 << 20) - 1) >> 20); }

}  // namespace blip3o
