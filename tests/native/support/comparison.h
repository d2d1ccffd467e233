// Compares a result with the exact one: first where NaN and infinity stand, then every value within its own bound.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace blip3o::test {

// Collects the values of one result; Verdict names the worst element.
class Comparison {
 public:
  // `bound`: how far `actual` may lie from `expected`.
  void Add(float actual, double expected, double bound, int64_t row, int64_t column) {
    if (!std::isfinite(expected) || !std::isfinite(actual)) {
      const bool same = std::isnan(expected) ? std::isnan(actual) : static_cast<double>(actual) == expected;
      if (!same && misplaced_.row < 0) misplaced_ = {actual, expected, 0, row, column};
      return;
    }
    const double error = std::abs(actual - expected);
    const double ratio = error == 0 ? 0 : error / bound;
    if (ratio >= worst_ratio_) {
      worst_ratio_ = ratio;
      worst_ = {actual, expected, bound, row, column};
    }
  }

  testing::AssertionResult Verdict() const {
    if (misplaced_.row >= 0) return Failure(misplaced_) << ": NaN or infinity in the wrong place";
    if (worst_ratio_ > 1) return Failure(worst_) << ": " << worst_ratio_ << " times the bound " << worst_.bound;
    return testing::AssertionSuccess();
  }

 private:
  struct Element {
    float actual = 0;
    double expected = 0, bound = 0;
    int64_t row = -1, column = -1;
  };

  static testing::AssertionResult Failure(const Element& e) {
    return testing::AssertionFailure() << "at " << e.row << "," << e.column << " found " << e.actual << ", expected "
                                       << e.expected;
  }

  Element misplaced_, worst_;
  double worst_ratio_ = 0;
};

}  // namespace blip3o::test
