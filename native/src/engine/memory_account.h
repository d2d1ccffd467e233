// Counts the memory that an engine holds.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>

namespace blip3o {

// Safe for use by any thread.
class MemoryAccount {
 public:
  int64_t bytes() const { return bytes_.load(); }
  int64_t peak() const { return peak_.load(); }
  int64_t blocks() const { return blocks_.load(); }

 private:
  friend class Holding;
  void Add(int64_t bytes) {
    const int64_t now = bytes_.fetch_add(bytes) + bytes;
    int64_t peak = peak_.load();
    while (peak < now && !peak_.compare_exchange_weak(peak, now)) {
    }
    blocks_.fetch_add(1);
  }
  void Remove(int64_t bytes) {
    bytes_.fetch_sub(bytes);
    blocks_.fetch_sub(1);
  }

  std::atomic<int64_t> bytes_ = 0, peak_ = 0, blocks_ = 0;
};

// One block in an account, for as long as it lives.
class Holding {
 public:
  Holding() = default;
  Holding(MemoryAccount& account, int64_t bytes) : account_(&account), bytes_(bytes) { account.Add(bytes); }
  Holding(Holding&& other) noexcept : account_(std::exchange(other.account_, nullptr)), bytes_(other.bytes_) {}
  Holding& operator=(Holding&& other) noexcept {
    std::swap(account_, other.account_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Holding() {
    if (account_ != nullptr) account_->Remove(bytes_);
  }

  int64_t bytes() const { return account_ != nullptr ? bytes_ : 0; }

 private:
  MemoryAccount* account_ = nullptr;
  int64_t bytes_ = 0;
};

}  // namespace blip3o
