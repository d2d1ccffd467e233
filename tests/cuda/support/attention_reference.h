// softmax(q·k_j / √d) v in double, and how far a result may lie from it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "support/comparison.h"
#include "support/tolerance.h"

namespace blip3o::test {

// How operands of products are rounded, relative to their magnitude.
struct AttentionRounding {
  double scores = 0;  // of a product q·k
  double values = 0;  // of a product of weight and value
};
constexpr AttentionRounding kF32Attention = {0, 0};
constexpr AttentionRounding kBF16Attention = {0x1p-8 + 0x1p-16, 0x1p-8 + 0x1p-16};  // 2^-9 for each operand
constexpr AttentionRounding kSplitAttention = {0x1p-15, 0x1p-15};

// One query against its keys. A score is off by δ = (rounding + γ of its sum) · Σ|q k| / √d, and a few units of its
// scaled value in the exponent; so weights and their sum are off by a factor of e^δ each, and the rest is relative to
// Σ w |v|.
class AttentionReference {
 public:
  AttentionReference(const float* q, int64_t head_dim, const AttentionRounding& rounding)
      : q_(q), head_dim_(head_dim), rounding_(rounding) {}

  void Add(const float* k, const float* v) {
    const double scale = 1 / std::sqrt(static_cast<double>(head_dim_));
    double score = 0, magnitude = 0;
    for (int64_t c = 0; c < head_dim_; ++c) {
      const double product = static_cast<double>(q_[c]) * k[c];
      score += product;
      magnitude += std::abs(product);
    }
    scores_.push_back(score * scale);
    values_.push_back(v);
    error_ = std::max(error_, (rounding_.scores + Gamma(3 * head_dim_ + 16)) * magnitude * scale);
  }

  // `other`: another's result, which rounds no coarser, to compare with in place of the formula.
  void Check(const float* out, int64_t row, int64_t first_column, Comparison& comparison,
             const float* other = nullptr) const {
    const double maximum = *std::max_element(scores_.begin(), scores_.end());
    std::vector<double> weights;
    double sum = 0;
    for (double score : scores_) sum += weights.emplace_back(std::exp(score - maximum));
    const int64_t keys = static_cast<int64_t>(scores_.size());
    // Two approximate powers of 2^-22 each, and as many rescalings as there are tiles.
    const double relative =
        std::expm1(2 * error_) + rounding_.values + 4 * 0x1p-22 * (1 + keys / 64.0) + 2 * Gamma(3 * keys + 32);
    for (int64_t c = 0; c < head_dim_; ++c) {
      double expected = 0, magnitude = 0;
      for (size_t j = 0; j < weights.size(); ++j) {
        expected += weights[j] / sum * values_[j][c];
        magnitude += weights[j] / sum * std::abs(values_[j][c]);
      }
      if (other != nullptr) {
        comparison.Add(out[c], other[c], 2 * relative * magnitude, row, first_column + c);
      } else {
        comparison.Add(out[c], expected, relative * magnitude, row, first_column + c);
      }
    }
  }

 private:
  const float* q_;
  int64_t head_dim_;
  AttentionRounding rounding_;
  std::vector<double> scores_;
  std::vector<const float*> values_;
  double error_ = 0;
};

}  // namespace blip3o::test
