// Launches a kernel of one parameter struct.
#pragma once

#include <type_traits>

#include "ops/cuda/queue.h"

namespace blip3o::cuda {

// A block of a kernel with `threads` threads takes so many of these for n: n divided, rounded up.
constexpr int64_t CeilDiv(int64_t n, int64_t by) { return (n + by - 1) / by; }
constexpr int64_t RoundUp(int64_t n, int64_t to) { return CeilDiv(n, to) * to; }

template <typename Parameters>
void Launch(Queue& queue, const char* name, void (*kernel)(Parameters), const LaunchShape& shape,
            const std::remove_cv_t<Parameters>& parameters, const Cost& cost) {
  static_assert(std::is_trivially_copyable_v<Parameters>);
  static_assert(sizeof(Parameters) <= 4096);
  LaunchRequest request;
  request.name = name;
  request.kernel = reinterpret_cast<const void*>(kernel);
  request.call = [](const void* function, const void* values) {
    reinterpret_cast<void (*)(Parameters)>(const_cast<void*>(function))(
        *static_cast<const std::remove_cv_t<Parameters>*>(values));
  };
  request.shape = shape;
  request.cost = cost;
  request.parameters = &parameters;
  request.parameters_bytes = sizeof(parameters);
  queue.Launch(request);
}

}  // namespace blip3o::cuda
