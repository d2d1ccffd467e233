// The search for values that are not finite.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/tensor.h"

namespace blip3o {

// The first NaN or infinity of a dense tensor in F32, BF16 or F16, as "nan at [3, 7]", rows counted from `first_row`;
// none where all are finite, or of another dtype.
std::optional<std::string> FindNonFinite(const View& view, int64_t first_row = 0);

}  // namespace blip3o
