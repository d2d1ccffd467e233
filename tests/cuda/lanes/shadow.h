// Who touched memory last, a cell for every few bytes.
//
// Lanes run one after the other, so that a clock which moves at every event of order (a barrier, a fence, an atomic,
// the start of a block) tells by itself which accesses lie before such an event.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>

namespace blip3o::cuda::lanes {

// Of whom a record tells: of one thread, or of several that no barrier has ordered.
enum class Crowd : uint64_t { kThread = 0, kWarp = 1, kBlock = 2, kLaunch = 3 };

// time (48 bits) | thread (10) | flags (6). Zero: nobody.
class Record {
 public:
  static constexpr uint64_t kAtomic = 4;
  static constexpr uint64_t kInFlight = 8;   // an asynchronous copy that was not waited for
  static constexpr uint64_t kProduced = 16;  // stands for a kernel's output, whenever that was

  Record() = default;
  Record(uint64_t time, int thread, uint64_t flags = 0)
      : bits_(time << 16 | static_cast<uint64_t>(thread) << 6 | flags) {}

  uint64_t time() const { return bits_ >> 16; }
  int thread() const { return static_cast<int>(bits_ >> 6 & 1023); }
  int warp() const { return static_cast<int>(bits_ >> 11 & 31); }
  Crowd crowd() const { return static_cast<Crowd>(bits_ & 3); }
  bool Has(uint64_t flag) const { return (bits_ & flag) != 0; }
  Record Of(Crowd crowd) const {
    Record r;
    r.bits_ = (bits_ & ~uint64_t{3}) | static_cast<uint64_t>(crowd);
    return r;
  }
  bool operator==(const Record&) const = default;

 private:
  uint64_t bits_ = 0;
};

struct Cell {
  Record write, read;
};

// The cells of one piece of memory; of four bytes each until somebody touches less.
class Shadow {
 public:
  explicit Shadow(int64_t size_bytes) : size_bytes_(size_bytes) { cells_ = Cleared(); }

  int shift() const { return shift_; }
  Cell* cells() const { return cells_.get(); }

  // From now on a cell stands for 2^shift bytes.
  void Refine(int shift) {
    const int64_t old_count = (size_bytes_ >> shift_) + 1;
    const int split = shift_ - shift;
    std::unique_ptr<Cell, Free> old = std::move(cells_);
    shift_ = shift;
    cells_ = Cleared();
    const int64_t count = (size_bytes_ >> shift_) + 1;
    for (int64_t i = 0; i < old_count; ++i) {
      if (old.get()[i].write == Record() && old.get()[i].read == Record()) continue;  // leaves pages untouched
      for (int64_t j = i << split; j < (i + 1) << split && j < count; ++j) cells_.get()[j] = old.get()[i];
    }
  }

  // Bytes [offset, offset + bytes) were given `write`, and nobody has read them.
  void Set(int64_t offset, int64_t bytes, Record write) {
    while (shift_ > 0 && ((offset | bytes) & ((1 << shift_) - 1)) != 0 && !(offset == 0 && bytes == size_bytes_)) {
      Refine(shift_ - 1);
    }
    for (int64_t i = offset >> shift_; i << shift_ < offset + bytes; ++i) cells_.get()[i] = {write, Record()};
  }

 private:
  struct Free {
    void operator()(Cell* cells) const { std::free(cells); }
  };
  std::unique_ptr<Cell, Free> Cleared() const {
    // calloc's pages are zero without being touched: a weight that is never read costs no shadow.
    return std::unique_ptr<Cell, Free>(
        static_cast<Cell*>(std::calloc(static_cast<size_t>((size_bytes_ >> shift_) + 1), sizeof(Cell))));
  }

  int64_t size_bytes_;
  int shift_ = 2;
  std::unique_ptr<Cell, Free> cells_;
};

}  // namespace blip3o::cuda::lanes
