#include "lanes/machine.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cstring>

namespace blip3o::cuda::lanes {

namespace {

constexpr uint64_t kAddresses = uint64_t{1} << 38;  // reserved, not used: pages come when they are touched
constexpr uint64_t kPage = 4096;

char* Reserve(uint64_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return at == MAP_FAILED ? nullptr : static_cast<char*>(at);
}

}  // namespace

DeviceMemory::DeviceMemory() {
  base_ = Reserve(kAddresses);
  owners_ = reinterpret_cast<uint32_t*>(Reserve(kAddresses / kUnit * sizeof(uint32_t)));
  // A first piece of nothing, so that addresses below the first real one belong to somebody.
  pieces_.push_back(std::make_unique<Piece>());
  pieces_.back()->begin = base_;
  used_ = kUnit;
}

char* DeviceMemory::Allocate(int64_t size_bytes) {
  std::lock_guard lock(mutex_);
  const uint64_t bytes = static_cast<uint64_t>(size_bytes);
  // Behind each piece at least one unit stays free.
  const uint64_t units = bytes / kUnit + 2;
  if (base_ == nullptr || owners_ == nullptr || size_bytes < 0 || units * kUnit > kAddresses - used_) return nullptr;
  auto piece = std::make_unique<Piece>();
  piece->number = static_cast<int64_t>(pieces_.size());
  piece->begin = base_ + used_;
  piece->size_bytes = size_bytes;
  piece->shadow = std::make_unique<Shadow>(size_bytes);
  std::memset(piece->begin, 0xFF, bytes);
  for (uint64_t i = 0; i < units; ++i) owners_[used_ / kUnit + i] = static_cast<uint32_t>(pieces_.size());
  used_ += units * kUnit;
  pieces_.push_back(std::move(piece));
  return pieces_.back()->begin;
}

void DeviceMemory::Free(void* data) {
  std::lock_guard lock(mutex_);
  Piece* piece = Find(reinterpret_cast<uintptr_t>(data));
  piece->freed = true;
  piece->shadow.reset();
  const uint64_t begin = (reinterpret_cast<uintptr_t>(data) + kPage - 1) / kPage * kPage;
  const uint64_t end = (reinterpret_cast<uintptr_t>(data) + static_cast<uint64_t>(piece->size_bytes)) / kPage * kPage;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

Piece* DeviceMemory::Holder(const void* data, int64_t bytes) const {
  if (!Contains(data)) return nullptr;
  Piece* piece = Find(reinterpret_cast<uintptr_t>(data));
  const int64_t offset = static_cast<const char*>(data) - piece->begin;
  return piece->freed || bytes < 0 || offset + bytes > piece->size_bytes ? nullptr : piece;
}

std::string DeviceMemory::Describe(uintptr_t address) const {
  const Piece* piece = Find(address);
  return fmt::format("allocation {} ({} bytes{}) + {}", piece->number, piece->size_bytes,
                     piece->freed ? ", given back" : "", address - reinterpret_cast<uintptr_t>(piece->begin));
}

char* StackPool::Stack(int i) {
  while (static_cast<int>(stacks_.size()) <= i) {
    char* at = Reserve(kBytes + kPage);
    mprotect(at, kPage, PROT_NONE);
    stacks_.push_back(at + kPage);
  }
  return stacks_[static_cast<size_t>(i)];
}

Machine::Machine() { shared = Reserve(3 * kSharedRoom) + kSharedRoom + 128; }

Machine& Machine::Get() {
  static Machine* const machine = new Machine();  // outlives the Buffers of static tests
  return *machine;
}

}  // namespace blip3o::cuda::lanes
