#include "lanes/hooks.h"

#include <fmt/format.h>

#include <mutex>

#include "lanes/launch_run.h"
#include "lanes/machine.h"

namespace blip3o::cuda::lanes {

namespace {

// Accesses at [begin, begin + bytes) don't count.
struct Window {
  uintptr_t begin = 0;
  uint64_t bytes = 0;
};
thread_local Window window __attribute__((tls_model("initial-exec")));

std::mutex fault_mutex;
std::string host_fault;

void KeepHostFault(const std::string& what) {
  std::lock_guard lock(fault_mutex);
  if (host_fault.empty()) host_fault = what;
}

__attribute__((noinline)) void HostAccess(uintptr_t address) {
  const DeviceMemory& memory = Machine::Get().memory;
  if (memory.Contains(reinterpret_cast<const void*>(address))) {
    KeepHostFault(fmt::format("host code touches {}, the device's memory", memory.Describe(address)));
  }
}

inline void Touched(const void* pointer, size_t bytes, Access access) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(pointer);
  if (address - window.begin < window.bytes || bytes == 0) return;
  LaunchRun* run = LaunchRun::Current();
  if (run == nullptr) return HostAccess(address);
  run->Touch(address, bytes, access);
}

// What the compiler's checks of undefined behaviour have found.
__attribute__((noinline)) void Undefined(const std::string& what) {
  LaunchRun* run = LaunchRun::Current();
  if (run == nullptr) return KeepHostFault("host code " + what);
  CheckNothing();
  run->Fail(what);
}

// The compiler's own layout of what it tells about a place in the source.
struct SourceLocation {
  const char* file;
  uint32_t line, column;
};

std::string At(const SourceLocation& at) {
  return fmt::format(" ({}:{})", at.file == nullptr ? "?" : at.file, at.line);
}

}  // namespace

void CheckHost() { window = {0, 0}; }
void CheckAllBut(uintptr_t begin, uint64_t bytes) { window = {begin, bytes}; }
void CheckNothing() { window = {0, ~uint64_t{0}}; }

std::string TakeHostFault() {
  std::lock_guard lock(fault_mutex);
  return std::exchange(host_fault, {});
}

extern "C" {

void __tsan_init() {}

#define BLIP3O_ACCESSES(bytes)                                                       \
  void __tsan_read##bytes(void* p) { Touched(p, bytes, Access::kRead); }             \
  void __tsan_write##bytes(void* p) { Touched(p, bytes, Access::kWrite); }           \
  void __tsan_unaligned_read##bytes(void* p) { Touched(p, bytes, Access::kRead); }   \
  void __tsan_unaligned_write##bytes(void* p) { Touched(p, bytes, Access::kWrite); } \
  void __tsan_volatile_read##bytes(void* p) { Touched(p, bytes, Access::kRead); }    \
  void __tsan_volatile_write##bytes(void* p) { Touched(p, bytes, Access::kWrite); }
BLIP3O_ACCESSES(1)
BLIP3O_ACCESSES(2)
BLIP3O_ACCESSES(4)
BLIP3O_ACCESSES(8)
BLIP3O_ACCESSES(16)
#undef BLIP3O_ACCESSES

void __tsan_read_range(void* p, size_t bytes) { Touched(p, bytes, Access::kRead); }
void __tsan_write_range(void* p, size_t bytes) { Touched(p, bytes, Access::kWrite); }
void __tsan_vptr_read(void**) {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit(void*) {}
// The guard of a function's static variable, in host code.
uint8_t __tsan_atomic8_load(const volatile uint8_t* p, int) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }

// Copies that the compiler leaves to the library; ptx.h gives them these names.
void* blip3o_lanes_memcpy(void* to, const void* from, size_t bytes) {
  Touched(from, bytes, Access::kRead);
  Touched(to, bytes, Access::kWrite);
  return __builtin_memcpy(to, from, bytes);
}
void* blip3o_lanes_memset(void* to, int value, size_t bytes) {
  Touched(to, bytes, Access::kWrite);
  return __builtin_memset(to, value, bytes);
}

struct TypeMismatch {
  SourceLocation at;
  const void* type;
  unsigned char log_alignment, kind;
};
void __ubsan_handle_type_mismatch_v1(TypeMismatch* data, uintptr_t pointer) {
  const uint64_t alignment = uint64_t{1} << data->log_alignment;
  Undefined(fmt::format("touches an address with remainder {}, where it must be aligned to {} bytes{}",
                        pointer % alignment, alignment, At(data->at)));
}
void __ubsan_handle_out_of_bounds(SourceLocation* at, uintptr_t index) {
  Undefined(fmt::format("uses index {} outside of an array{}", static_cast<int64_t>(index), At(*at)));
}
void __ubsan_handle_shift_out_of_bounds(SourceLocation* at, uintptr_t, uintptr_t by) {
  Undefined(fmt::format("shifts by {}{}", static_cast<int64_t>(by), At(*at)));
}
void __ubsan_handle_divrem_overflow(SourceLocation* at, uintptr_t, uintptr_t) {
  Undefined("divides by zero" + At(*at));
}
#define BLIP3O_OVERFLOW(name)                                                       \
  void __ubsan_handle_##name##_overflow(SourceLocation* at, uintptr_t, uintptr_t) { \
    Undefined("overflows a signed integer" + At(*at));                              \
  }
BLIP3O_OVERFLOW(add)
BLIP3O_OVERFLOW(sub)
BLIP3O_OVERFLOW(mul)
#undef BLIP3O_OVERFLOW
void __ubsan_handle_negate_overflow(SourceLocation* at, uintptr_t) {
  Undefined("overflows a signed integer" + At(*at));
}

}  // extern "C"

}  // namespace blip3o::cuda::lanes
