// Sequences in the token loop: their caches, hidden states and codes in the device's memory, and the table of them.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "ops/ops.h"
#include "support/kernel_test.h"
#include "support/lane_test.h"

namespace blip3o::test {

// [layers, 2, kv_heads, capacity, head_dim] of one sequence on the host. NaN where no position has been written.
class HostCache {
 public:
  HostCache(const AttentionShape& shape, int64_t layers, int64_t capacity, int64_t positions, uint64_t seed)
      : shape_(shape),
        capacity_(capacity),
        values_(static_cast<size_t>(layers * 2 * shape.kv_heads * capacity * shape.head_dim),
                std::numeric_limits<float>::quiet_NaN()) {
    Numbers numbers(seed);
    for (int64_t head = 0; head < layers * 2 * shape.kv_heads; ++head) {
      for (int64_t i = 0; i < positions * shape.head_dim; ++i) {
        values_[static_cast<size_t>(head * capacity * shape.head_dim + i)] = numbers();
      }
    }
  }

  float* Key(int64_t layer, int64_t kv_head, int64_t position) { return At(2 * layer, kv_head, position); }
  float* Value(int64_t layer, int64_t kv_head, int64_t position) { return At(2 * layer + 1, kv_head, position); }
  int64_t capacity() const { return capacity_; }
  const std::vector<float>& values() const { return values_; }
  void SetValues(std::vector<float> values) { values_ = std::move(values); }

 private:
  float* At(int64_t half, int64_t kv_head, int64_t position) {
    return values_.data() + ((half * shape_.kv_heads + kv_head) * capacity_ + position) * shape_.head_dim;
  }

  AttentionShape shape_;
  int64_t capacity_;
  std::vector<float> values_;
};

// A host's cache in the device's memory, `shift` floats behind an aligned address.
class DeviceCache {
 public:
  DeviceCache(DeviceContext& context, const HostCache& host, int64_t shift)
      : shift_(shift), array_(context, Shifted(host)) {}

  float* data() const { return array_.data() + shift_; }
  std::vector<float> Read() const {
    std::vector<float> values = array_.Read();
    values.erase(values.begin(), values.begin() + shift_);
    return values;
  }

 private:
  std::vector<float> Shifted(const HostCache& host) const {
    std::vector<float> values(static_cast<size_t>(shift_), OwnedMatrix::kGuard);
    values.insert(values.end(), host.values().begin(), host.values().end());
    return values;
  }

  int64_t shift_;
  DeviceArray<float> array_;
};

// The table of rows in the device's memory.
class DeviceTable {
 public:
  DeviceTable(DeviceContext& context, const std::vector<TokenRow>& rows, int64_t most_positions)
      : array_(context, rows), table_{array_.data(), static_cast<int64_t>(rows.size()), most_positions} {}

  const TokenTable& operator*() const { return table_; }
  std::vector<TokenRow> Read() const { return array_.Read(); }

 private:
  DeviceArray<TokenRow> array_;
  TokenTable table_;
};

}  // namespace blip3o::test
