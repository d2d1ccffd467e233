#include "weights/finite.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/dtype.h"

namespace blip3o {

namespace {

// Whether a bit pattern is NaN or infinite: its exponent is all ones.
template <typename Bits, Bits kExponent>
int64_t FirstNonFinite(const char* data, int64_t count) {
  constexpr int64_t kChunk = 4096;  // copied, since the file's data may be misaligned; stays in the first cache
  std::array<Bits, kChunk> chunk;
  for (int64_t begin = 0; begin < count; begin += kChunk) {
    const int64_t size = std::min(kChunk, count - begin);
    if (size < kChunk) chunk.fill(0);
    std::memcpy(chunk.data(), data + begin * static_cast<int64_t>(sizeof(Bits)),
                static_cast<size_t>(size) * sizeof(Bits));
    Bits bad = 0;
    for (int64_t i = 0; i < kChunk; ++i) {
      bad = static_cast<Bits>(bad | ((chunk[static_cast<size_t>(i)] & kExponent) == kExponent ? 1 : 0));
    }
    if (bad == 0) continue;
    const auto it = std::find_if(chunk.begin(), chunk.end(), [](Bits b) { return (b & kExponent) == kExponent; });
    return begin + (it - chunk.begin());
  }
  return -1;
}

int64_t FirstNonFinite(const View& view) {
  const auto* data = static_cast<const char*>(view.data);
  switch (view.dtype) {
    case DType::kF32:
      return FirstNonFinite<uint32_t, 0x7F800000u>(data, view.count());
    case DType::kBF16:
      return FirstNonFinite<uint16_t, 0x7F80u>(data, view.count());
    case DType::kF16:
      return FirstNonFinite<uint16_t, 0x7C00u>(data, view.count());
    default:
      return -1;
  }
}

// "[3, 7]" of flat index `index`, counted from row `first_row`.
std::string IndexText(const Shape& shape, int64_t index, int64_t first_row) {
  std::vector<int64_t> indices(static_cast<size_t>(shape.rank()));
  for (int i = shape.rank() - 1; i >= 0; --i) {
    indices[static_cast<size_t>(i)] = index % shape[i];
    index /= shape[i];
  }
  if (!indices.empty()) indices[0] += first_row;
  return fmt::format("[{}]", fmt::join(indices, ", "));
}

}  // namespace

std::optional<std::string> FindNonFinite(const View& view, int64_t first_row) {
  const int64_t index = FirstNonFinite(view);
  if (index < 0) return std::nullopt;
  const float value = LoadAsF32(view.data, view.dtype, index);
  const char* kind = std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
  return fmt::format("{} at {}", kind, IndexText(view.shape, index, first_row));
}

}  // namespace blip3o
