// What all queues of the process share: the device's memory, the clock, the stacks of the lanes. One kernel runs at a
// time.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lanes/shadow.h"

namespace blip3o::cuda::lanes {

// One allocation.
struct Piece {
  int64_t number = 0;  // allocations are counted from 1
  char* begin = nullptr;
  int64_t size_bytes = 0;
  bool freed = false;
  std::unique_ptr<Shadow> shadow;
};

// Addresses are given out once, apart from each other, so that a step beyond and a use of what was given back are seen.
class DeviceMemory {
 public:
  DeviceMemory();

  // Filled with 0xFF: NaN as floats and as bf16, and no sensible index. nullptr: none left.
  char* Allocate(int64_t size_bytes);
  void Free(void* data);

  bool Contains(const void* address) const {
    return reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(base_) < used_;
  }
  // The piece that begins at or before an address that Contains() holds: the address may lie behind its end.
  Piece* Find(uintptr_t address) const {
    return pieces_[owners_[(address - reinterpret_cast<uintptr_t>(base_)) / kUnit]].get();
  }
  // The piece of bytes [data, data + bytes), or nullptr where they are not one living piece's.
  Piece* Holder(const void* data, int64_t bytes) const;
  // "allocation 3 (400 bytes) + 404".
  std::string Describe(uintptr_t address) const;

 private:
  static constexpr uint64_t kUnit = 256;

  std::mutex mutex_;
  char* base_ = nullptr;
  uint32_t* owners_ = nullptr;  // of each unit: the index in pieces_
  uint64_t used_ = 0;
  std::vector<std::unique_ptr<Piece>> pieces_;
};

// The stacks of a block's lanes, each with a page below it that nothing may touch.
class StackPool {
 public:
  static constexpr int64_t kBytes = 256 * 1024;
  // The lower end of stack `i`.
  char* Stack(int i);

 private:
  std::vector<char*> stacks_;
};

struct Machine {
  std::mutex running;
  DeviceMemory memory;
  StackPool stacks;
  uint64_t clock = 1;
  // Shared memory of the block that runs, with room to step beyond on both sides; aligned to 128 bytes and no more.
  static constexpr int64_t kSharedRoom = 1 << 20;
  char* shared = nullptr;

  static Machine& Get();

 private:
  Machine();
};

}  // namespace blip3o::cuda::lanes
