// How far an f32 result may lie from the same formula in exact arithmetic. Bounds follow Higham, "Accuracy and
// Stability of Numerical Algorithms", 2nd edition, §3.1; they hold for any order of the sums.
#pragma once

#include <cstdint>

namespace blip3o::test {

// Unit roundoff: half the distance of 1 to the next f32.
constexpr double kUnit = 0x1p-24;

// γ_n: the relative error of n roundings in a row.
constexpr double Gamma(int64_t n) { return static_cast<double>(n) * kUnit / (1 - static_cast<double>(n) * kUnit); }

// |error| of an f32 sum of n products a_i b_i whose magnitudes |a_i b_i| sum to `magnitude`. Two more roundings allow
// for a start value and a conversion.
constexpr double SumBound(int64_t n, double magnitude) { return Gamma(n + 2) * magnitude + 0x1p-126; }

// |error| of activation(y) where y is off by `error`: no activation is steeper than 1.13 (GELU's largest slope), and
// its own evaluation is within 32 roundings of |y|.
constexpr double ActivationBound(double y, double error) { return 1.13 * error + 32 * kUnit * (y < 0 ? -y : y); }

}  // namespace blip3o::test
