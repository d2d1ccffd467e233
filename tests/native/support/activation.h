// The activations in double precision.
#pragma once

#include <cmath>

#include "ops/ops.h"

namespace blip3o::test {

inline double Activated(Activation activation, double x) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return x < 0 ? 0 : x;
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kGeluTanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::kTanh:
      return std::tanh(x);
  }
  return x;
}

constexpr Activation kActivations[] = {Activation::kNone, Activation::kSilu, Activation::kGeluTanh, Activation::kRelu,
                                       Activation::kTanh};

}  // namespace blip3o::test
