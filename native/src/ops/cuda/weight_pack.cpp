#include "ops/cuda/weight_pack.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>
#include <span>
#include <vector>

#include "base/dtype.h"
#include "ops/cuda/launch.h"

namespace blip3o::cuda {

namespace {

constexpr int64_t kTaps = 9;              // of a 3×3 convolution
constexpr int64_t kRowMultiple = 64;      // values that a product's row is padded to
constexpr int64_t kChannelMultiple = 32;  // channels that a tap is padded to
constexpr float kLargestE4M3 = 448.0f;
constexpr float kLeastMax = 0x1p-90f;  // of a row, so that 1 / scale is finite

// Values [first, first + count) of the view.
void Load(const View& view, int64_t first, int64_t count, float* to) {
  const char* from = static_cast<const char*>(view.data) + first * SizeOf(view.dtype);
  if (view.dtype == DType::kF32) {
    std::memcpy(to, from, static_cast<size_t>(count) * sizeof(float));
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    uint16_t bits;
    std::memcpy(&bits, from + 2 * i, sizeof(bits));
    to[i] = view.dtype == DType::kBF16 ? F32FromBF16(bits) : F32FromF16(bits);
  }
}

// A packed line that is written value by value.
class Line {
 public:
  Line(const PackedForm& form, void* at) : form_(form), at_(static_cast<char*>(at)) {}

  void Clear() { std::memset(at_, 0, static_cast<size_t>(form_.line_bytes())); }
  // All values, in 8 bits, over the scale that makes the largest of them the type's largest.
  void StoreScaled(const float* values, float* scale) {
    float largest = 0.0f;
    for (int64_t i = 0; i < form_.cols; ++i) largest = std::max(largest, std::abs(values[i]));
    *scale = std::max(largest, kLeastMax) / kLargestE4M3;
    for (int64_t i = 0; i < form_.cols; ++i) at_[i] = static_cast<char>(E4M3FromF32(values[i] / *scale));
  }
  // Each `step`-th of the values to [first, first + count).
  void Store(int64_t first, const float* values, int64_t count, int64_t step) {
    if (form_.type == WeightType::kBF16) {
      uint16_t* to = reinterpret_cast<uint16_t*>(at_) + first;
      for (int64_t i = 0; i < count; ++i) to[i] = BF16FromF32(values[i * step]);
    } else {
      float* to = reinterpret_cast<float*>(at_) + first;
      for (int64_t i = 0; i < count; ++i) to[i] = values[i * step];
    }
  }
  // Bytes as the view holds them.
  void Copy(const void* from) { std::memcpy(at_, from, static_cast<size_t>(form_.cols * form_.value_bytes())); }

 private:
  const PackedForm& form_;
  char* at_;
};

bool SameType(DType dtype, WeightType type) {
  return (dtype == DType::kBF16 && type == WeightType::kBF16) || (dtype == DType::kF32 && type == WeightType::kF32);
}

// A row of a matrix or a vector.
void PackRow(const View& view, const PackedForm& form, int64_t row, Line line) {
  if (form.stride > form.cols) line.Clear();
  if (SameType(view.dtype, form.type)) {
    line.Copy(static_cast<const char*>(view.data) + row * form.cols * SizeOf(view.dtype));
    return;
  }
  std::array<float, 1024> values;
  for (int64_t col = 0; col < form.cols; col += std::ssize(values)) {
    const int64_t count = std::min<int64_t>(std::ssize(values), form.cols - col);
    Load(view, row * form.cols + col, count, values.data());
    line.Store(col, values.data(), count, 1);
  }
}

// A row of 8-bit floats with its scale.
void PackScaledRow(const View& view, const PackedForm& form, int64_t row, std::span<float> values, Line line,
                   float* scale) {
  Load(view, row * form.cols, form.cols, values.data());
  line.Clear();
  line.StoreScaled(values.data(), scale);
}

// [Cin, 3, 3] of one output channel → taps of padded channels.
void PackConvRow(const View& view, int64_t row, std::span<float> values, Line line) {
  const int64_t channels = view.shape[1], padded = RoundUp(channels, kChannelMultiple);
  Load(view, row * channels * kTaps, channels * kTaps, values.data());
  line.Clear();
  for (int64_t tap = 0; tap < kTaps; ++tap) line.Store(tap * padded, values.data() + tap, channels, kTaps);
}

// The taps of one axis of a 3×3 convolution that fall on input pixel `tap` of a phase.
struct TapRange {
  int64_t begin, end;
};
constexpr TapRange UpsampledTaps(int64_t phase, int64_t tap) {
  const int64_t split = phase == 0 ? 1 : 2;
  return tap == 0 ? TapRange{0, split} : TapRange{split, 3};
}

// [Cin, 3, 3] of one output channel → 2×2 taps of padded channels.
void PackUpsampleRow(const View& view, int64_t packed_row, std::span<float> values, Line line) {
  const int64_t outputs = view.shape[0], channels = view.shape[1], padded = RoundUp(channels, kChannelMultiple);
  const int64_t phase = packed_row / outputs, row = packed_row % outputs;
  Load(view, row * channels * kTaps, channels * kTaps, values.data());
  line.Clear();
  for (int64_t tap = 0; tap < 4; ++tap) {
    const TapRange rows = UpsampledTaps(phase / 2, tap / 2), cols = UpsampledTaps(phase % 2, tap % 2);
    for (int64_t c = 0; c < channels; ++c) {
      const float* kernel = values.data() + c * kTaps;
      float sum = kernel[3 * rows.begin + cols.begin];
      for (int64_t i = 3 * rows.begin + cols.begin + 1; i < 3 * rows.end; ++i) {
        if (i / 3 < rows.end && i % 3 >= cols.begin && i % 3 < cols.end) sum += kernel[i];
      }
      line.Store(tap * padded + c, &sum, 1, 1);
    }
  }
}

// Tap `tap` of every channel.
void PackDepthwiseTap(const View& view, const PackedForm& form, int64_t tap, Line line) {
  for (int64_t c = 0; c < form.cols; ++c) {
    float value;
    Load(view, c * form.lines + tap, 1, &value);
    line.Store(c, &value, 1, 1);
  }
}

PackedForm Rows(WeightType type, int64_t rows, int64_t cols) { return {type, rows, cols, RoundUp(cols, kRowMultiple)}; }

}  // namespace

PackedForm FormOf(const View& view, Use use, const WeightOptions& options) {
  const WeightType product = options.product;
  assert((product == WeightType::kF32 || product == WeightType::kBF16) && view.shape.rank() > 0);
  if (view.dtype == DType::kQ8) {
    assert(use == Use::kRows || use == Use::kStepRows);
    const Q8Layout layout = Q8Layout::Of(view);
    return {WeightType::kInt8, layout.rows, layout.cols, layout.stride};
  }
  assert(view.dtype == DType::kF32 || view.dtype == DType::kBF16 || view.dtype == DType::kF16);
  const int64_t first = view.shape[0], rest = view.count() / first;
  switch (use) {
    case Use::kRows:
    case Use::kTable:
      return Rows(product, first, rest);
    case Use::kStepRows:
      return Rows(options.steps_in_8_bits ? WeightType::kE4M3 : product, first, rest);
    case Use::kConv:
      assert(view.shape.rank() == 4 && rest == view.shape[1] * kTaps);
      return Rows(product, first, kTaps * RoundUp(view.shape[1], kChannelMultiple));
    case Use::kUpsample:
      assert(view.shape.rank() == 4 && rest == view.shape[1] * kTaps);
      return Rows(product, 4 * first, 4 * RoundUp(view.shape[1], kChannelMultiple));
    case Use::kDepthwise:
      return {WeightType::kF32, rest, first, first};
    case Use::kVector:
      break;
  }
  if (view.shape.rank() == 1) return {WeightType::kF32, 1, first, first};
  return {WeightType::kF32, first, rest, rest};
}

void PackLines(const View& view, Use use, const PackedForm& form, int64_t first, int64_t count, void* to,
               float* scales) {
  if (form.type == WeightType::kInt8) {
    const Q8Layout layout = Q8Layout::Of(view);
    std::memcpy(to, layout.row(view, first), static_cast<size_t>(count * form.line_bytes()));
    std::memcpy(scales, layout.scales(view, first), static_cast<size_t>(count * form.line_scales()) * sizeof(float));
    return;
  }
  std::vector<float> values;
  if (use == Use::kConv || use == Use::kUpsample) values.resize(static_cast<size_t>(view.shape[1] * kTaps));
  if (form.type == WeightType::kE4M3) values.resize(static_cast<size_t>(form.cols));
  for (int64_t i = 0; i < count; ++i) {
    const Line line(form, static_cast<char*>(to) + i * form.line_bytes());
    switch (use) {
      case Use::kVector:
      case Use::kRows:
      case Use::kTable:
      case Use::kStepRows:
        if (form.type == WeightType::kE4M3) {
          PackScaledRow(view, form, first + i, values, line, scales + i);
        } else {
          PackRow(view, form, first + i, line);
        }
        break;
      case Use::kConv:
        PackConvRow(view, first + i, values, line);
        break;
      case Use::kUpsample:
        PackUpsampleRow(view, first + i, values, line);
        break;
      case Use::kDepthwise:
        PackDepthwiseTap(view, form, first + i, line);
        break;
    }
  }
}

uint8_t E4M3FromF32(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value), sign = (bits >> 24) & 0x80u, magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return 0x7F;
  if (magnitude < 0x3C800000u) {  // below 2^-6: multiples of 2^-9
    return static_cast<uint8_t>(sign | static_cast<uint32_t>(std::nearbyint(std::abs(value) * 0x1p9f)));
  }
  const uint32_t code = ((magnitude + 0x7FFFFu + ((magnitude >> 20) & 1u)) >> 20) - (120u << 3);
  return static_cast<uint8_t>(sign | std::min(code, 0x7Eu));
}

}  // namespace blip3o::cuda
