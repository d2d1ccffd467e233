// The weights on the device, in the layouts of the kernels, found by their address in the mapped files, which stay as
// long as the store.
//
// Preload() takes all that a model will need in one piece of memory, Load() what comes to it and goes again. A weight
// that was not foreseen is brought in where it is first used; one that lies in the device's memory already (computed
// there, in F32) is used where it is. Rows of a matrix or part of a vector that is there whole are used where they lie
// in it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "ops/cuda/device_tensor.h"
#include "ops/cuda/queue.h"

namespace blip3o::cuda {

enum class Use : int32_t {
  kVector,    // f32, dense, as it is: norms, biases, tables [R, C] of any rank
  kRows,      // a product's weight [N, K]: DeviceWeight
  kStepRows,  // as kRows, which finds it: of products of many rows only, kE4M3 where the options say so
  kTable,     // [V, H] rows that are looked up: as kRows, never kInt8
  kConv,  // [Cout, Cin, 3, 3] → rows of K = 9 · CinP, k = (3·i + j) · CinP + c, CinP = Cin padded to 32 with zeros
  kUpsample,  // [Cout, Cin, 3, 3] → four weights of 2×2 taps, one behind the other: row (phase · Cout + n),
              // K = 4 · CinP, k = (2·i + j) · CinP + c, phase = 2·(output row % 2) + output column % 2; taps that fall
              // on one input pixel are summed in f32. Phase row 0 reads input rows y − 1, y; row 1 reads y, y + 1
  kDepthwise,  // [C, 1, s, s] → [s·s, C] f32
};

struct WeightOptions {
  WeightType product = WeightType::kBF16;  // kRows, kTable, kConv, kUpsample: kF32 or kBF16
  bool steps_in_8_bits = false;            // kStepRows: kE4M3, which needs a library that multiplies it
};

// One for all queues of a device. Any thread's.
class WeightStore {
 public:
  explicit WeightStore(const WeightOptions& options = {}) : options_(options) {}

  // How products round whose operands are activations only.
  WeightType product() const { return options_.product; }

  struct Wanted {
    View view;
    Use use;
    bool operator<(const Wanted& other) const {
      return std::tie(view.data, use) < std::tie(other.view.data, other.use);
    }
  };
  // Bytes that Preload takes.
  int64_t SizeOf(const std::vector<Wanted>& wanted) const;
  Status Preload(Queue& queue, const std::vector<Wanted>& wanted);
  // The same into memory that the caller keeps, and gives back behind Remove. Queues find the weights when it returns,
  // and wait for none of it. Empty where nothing is wanted.
  Result<Buffer> Load(Queue& queue, const std::vector<Wanted>& wanted);
  // Nobody finds them, or parts of them, any more.
  void Remove(const std::vector<Wanted>& wanted);

  // Of the device's memory that it holds: not what Load has yielded.
  int64_t bytes() const;

  // In an order of the queue's. A failure is the queue's; what is returned then is null, and so for an empty view.
  const float* Vector(Queue& queue, const View& view);
  const float* Depthwise(Queue& queue, const View& view);
  // kRows, kTable, kConv or kUpsample.
  DeviceWeight Rows(Queue& queue, const View& view, Use use = Use::kRows);

 private:
  struct Entry {
    View view;   // what it was packed from
    Buffer own;  // empty where it lies in preloaded memory
    DeviceWeight weight;
  };
  using Key = std::pair<Use, const void*>;
  struct Placed {
    Wanted wanted;
    int64_t offset;  // in the preloaded memory
  };

  // Uses that lie packed alike, or find each other.
  static Use KindOf(Use use) { return use == Use::kTable || use == Use::kStepRows ? Use::kRows : use; }
  // What has to be packed for `wanted`, and behind it the bytes of all.
  std::pair<std::vector<Placed>, int64_t> Plan(const std::vector<Wanted>& wanted) const;
  DeviceWeight Find(Queue& queue, const View& view, Use use);
  DeviceWeight BringIn(Queue& queue, const View& view, Use use);
  // Packs and copies; `use` as it was asked for.
  DeviceWeight Upload(Queue& queue, const View& view, Use use, void* to) const;

  const WeightOptions options_;
  mutable std::mutex mutex_;
  std::vector<Buffer> kept_;  // memory of many weights, or of one that a larger one took the place of
  std::map<Key, Entry> entries_;
};

}  // namespace blip3o::cuda
