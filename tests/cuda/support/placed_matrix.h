// A matrix in the device's memory, placed so that kernels take single values, or whole vectors.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "support/kernel_test.h"
#include "support/lane_test.h"

namespace blip3o::test {

enum class Placement {
  kOdd,      // rows start at odd floats
  kAligned,  // rows start at 16 bytes
  kDense,    // aligned at the start, nothing between the rows
};

constexpr Placement kPlacements[] = {Placement::kOdd, Placement::kAligned, Placement::kDense};

// Copies of `host`'s values; a guard before, between and behind the rows that no kernel may touch. It counts as an
// earlier kernel's output.
class PlacedMatrix {
 public:
  PlacedMatrix(DeviceContext& context, const OwnedMatrix& host, Placement placement)
      : offset_(placement == Placement::kOdd ? 1 : 4),
        view_{nullptr, host.rows(), host.cols(), StrideOf(host.cols(), placement)},
        array_(context, ValuesOf(host)) {
    view_.data = array_.data() + offset_;
  }

  const Matrix& operator*() const { return view_; }
  // Copies the values back; false where a kernel has touched the guard.
  bool CopyTo(OwnedMatrix& host) const {
    const std::vector<float> values = array_.Read();
    const int64_t end = offset_ + view_.rows * view_.stride;
    for (int64_t i = 0; i < static_cast<int64_t>(values.size()); ++i) {
      const int64_t row = (i - offset_) / view_.stride, col = (i - offset_) % view_.stride;
      if (i >= offset_ && i < end && col < view_.cols) {
        host.at(row, col) = values[static_cast<size_t>(i)];
      } else if (values[static_cast<size_t>(i)] != OwnedMatrix::kGuard) {
        return false;
      }
    }
    return true;
  }

 private:
  static int64_t StrideOf(int64_t cols, Placement placement) {
    if (placement == Placement::kDense) return cols;
    return placement == Placement::kOdd ? cols + 3 : (cols + 3) / 4 * 4 + 4;
  }
  std::vector<float> ValuesOf(const OwnedMatrix& host) const {
    std::vector<float> values(static_cast<size_t>(offset_ + view_.rows * view_.stride + 4), OwnedMatrix::kGuard);
    for (int64_t r = 0; r < host.rows(); ++r) {
      for (int64_t c = 0; c < host.cols(); ++c) {
        values[static_cast<size_t>(offset_ + r * view_.stride + c)] = host.at(r, c);
      }
    }
    return values;
  }

  int64_t offset_;
  Matrix view_;
  DeviceArray<float> array_;
};

// Runs `body` on a device of every schedule, with operands of every placement.
inline void ForEachPlacement(const std::function<void(DeviceContext&, Placement)>& body,
                             cuda::WeightType products = cuda::WeightType::kBF16) {
  for (const Placement placement : kPlacements) {
    SCOPED_TRACE(placement == Placement::kOdd ? "odd" : placement == Placement::kAligned ? "aligned" : "dense");
    ForEachSchedule([&](DeviceContext& context) { body(context, placement); }, products);
  }
}

}  // namespace blip3o::test
