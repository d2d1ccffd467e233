#include "model/flow.h"

#include <cstddef>

namespace blip3o {

std::vector<float> FlowSigmas(int steps, double shift) {
  std::vector<float> sigmas;
  sigmas.reserve(static_cast<size_t>(steps) + 1);
  const double last = 1.0 / steps;
  for (int i = 0; i < steps; ++i) {
    const double sigma = steps == 1 ? 1.0 : 1.0 + (last - 1.0) * i / (steps - 1);
    sigmas.push_back(static_cast<float>(shift * sigma / (1.0 + (shift - 1.0) * sigma)));
  }
  sigmas.push_back(0.0f);
  return sigmas;
}

}  // namespace blip3o
