#include "image/resize.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace blip3o {

namespace {

// A byte's 8 bits and two for the sign and for partial sums of bicubic weights above 1 leave 22 of 32.
constexpr int kWeightBits = 22;
constexpr int32_t kHalf = 1 << (kWeightBits - 1);

double Bilinear(double x) {
  x = std::abs(x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

// Keys' cubic convolution, a = −0.5.
double Bicubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return 0.0;
}

// One axis of a pass: which source positions each wanted position sums, and with which weights.
struct Taps {
  struct Span {
    int64_t first = 0;  // source position
    int64_t count = 0;
  };

  int64_t positions() const { return static_cast<int64_t>(spans.size()); }
  const int32_t* weights_of(int64_t position) const { return weights.data() + position * stride; }
  // The source positions that are read: spans begin and end in order.
  int64_t first() const { return spans.front().first; }
  int64_t end() const { return spans.back().first + spans.back().count; }

  std::vector<Span> spans;       // [positions]
  std::vector<int32_t> weights;  // [positions, stride], of 22 bits
  int64_t stride = 0;
};

int32_t FixedPoint(double weight) {
  const double scaled = weight * (1 << kWeightBits);
  return static_cast<int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);  // halves away from 0
}

// Of `size` source positions, resized to `resized`, the taps of [first, first + count). Every operation on doubles is
// in Pillow's order: another one would round some weights otherwise.
Taps MakeTaps(int64_t size, int64_t resized, int64_t first, int64_t count, ResizeFilter filter) {
  const bool bicubic = filter == ResizeFilter::kBicubic;
  const double scale = static_cast<double>(size) / static_cast<double>(resized);
  const double stretch = std::max(scale, 1.0), inverse = 1.0 / stretch;
  const double support = (bicubic ? 2.0 : 1.0) * stretch;

  Taps taps;
  taps.stride = 2 * static_cast<int64_t>(std::ceil(support)) + 1;
  taps.spans.resize(static_cast<size_t>(count));
  taps.weights.resize(static_cast<size_t>(count * taps.stride));
  std::vector<double> exact(static_cast<size_t>(taps.stride));
  for (int64_t i = 0; i < count; ++i) {
    const double centre = (static_cast<double>(first + i) + 0.5) * scale;
    const int64_t begin = std::max<int64_t>(static_cast<int64_t>(centre - support + 0.5), 0);
    const int64_t end = std::min(static_cast<int64_t>(centre + support + 0.5), size);
    double sum = 0;
    for (int64_t k = begin; k < end; ++k) {
      const double x = (static_cast<double>(k) - centre + 0.5) * inverse;
      sum += exact[static_cast<size_t>(k - begin)] = bicubic ? Bicubic(x) : Bilinear(x);
    }
    int32_t* weights = taps.weights.data() + i * taps.stride;
    for (int64_t k = 0; k < end - begin; ++k) weights[k] = FixedPoint(exact[static_cast<size_t>(k)] / sum);
    taps.spans[static_cast<size_t>(i)] = {begin, end - begin};
  }
  return taps;
}

uint8_t ToByte(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kWeightBits, 0, 255)); }

// Borrowed rows of bytes, `stride` apart.
struct Rows {
  const uint8_t* data = nullptr;
  int64_t stride = 0;

  const uint8_t* operator[](int64_t row) const { return data + row * stride; }
};

// to[positions, Channels] = sums along one row.
template <int Channels>
uint8_t* SumAlong(const uint8_t* row, const Taps& taps, uint8_t* to) {
  for (int64_t i = 0; i < taps.positions(); ++i, to += Channels) {
    const Taps::Span span = taps.spans[static_cast<size_t>(i)];
    const uint8_t* bytes = row + span.first * Channels;
    const int32_t* weights = taps.weights_of(i);
    std::array<int32_t, Channels> sums;
    sums.fill(kHalf);
    for (int64_t k = 0; k < span.count; ++k, bytes += Channels) {
      for (int c = 0; c < Channels; ++c) sums[static_cast<size_t>(c)] += bytes[c] * weights[k];
    }
    for (int c = 0; c < Channels; ++c) to[c] = ToByte(sums[static_cast<size_t>(c)]);
  }
  return to;
}

// The rows of a picture as they are resized: grey or RGB. RGBA is composited one row at a time, so that no second
// picture of its size is needed.
class SourceRows {
 public:
  explicit SourceRows(const PictureView& picture) : picture_(picture) {
    if (picture.channels == 4) composited_.resize(static_cast<size_t>(picture.width * 3));
  }

  int64_t channels() const { return picture_.channels == 1 ? 1 : 3; }
  // Good until the next call.
  const uint8_t* operator[](int64_t row) {
    const uint8_t* bytes = picture_.data + row * picture_.width * picture_.channels;
    if (composited_.empty()) return bytes;
    CompositeOverWhite(bytes, picture_.width, composited_.data());
    return composited_.data();
  }

 private:
  const PictureView& picture_;
  std::vector<uint8_t> composited_;
};

// to[rows, positions, channels] = sums along each row from `first` on.
void HorizontalPass(SourceRows& source, int64_t first, int64_t rows, const Taps& taps, uint8_t* to) {
  for (int64_t row = first; row < first + rows; ++row) {
    to = source.channels() == 1 ? SumAlong<1>(source[row], taps, to) : SumAlong<3>(source[row], taps, to);
  }
}

// to[positions, row_bytes] = sums over rows of `from`, whose row 0 is the source's row taps.first().
void VerticalPass(Rows from, int64_t row_bytes, const Taps& taps, uint8_t* to) {
  constexpr int64_t kStrip = 2048;  // sums that stay in the first cache
  std::array<int32_t, kStrip> sums;
  for (int64_t i = 0; i < taps.positions(); ++i, to += row_bytes) {
    const Taps::Span span = taps.spans[static_cast<size_t>(i)];
    const int32_t* weights = taps.weights_of(i);
    for (int64_t begin = 0; begin < row_bytes; begin += kStrip) {
      const int64_t count = std::min(kStrip, row_bytes - begin);
      std::fill_n(sums.begin(), count, kHalf);
      for (int64_t k = 0; k < span.count; ++k) {
        const uint8_t* bytes = from[span.first - taps.first() + k] + begin;
        const int32_t weight = weights[k];
        for (int64_t x = 0; x < count; ++x) sums[static_cast<size_t>(x)] += bytes[x] * weight;
      }
      for (int64_t x = 0; x < count; ++x) to[begin + x] = ToByte(sums[static_cast<size_t>(x)]);
    }
  }
}

}  // namespace

Picture Resize(const PictureView& picture, int64_t height, int64_t width, ResizeFilter filter) {
  return ResizeAndCrop(picture, height, width, filter, {0, 0, height, width});
}

Picture ResizeAndCrop(const PictureView& picture, int64_t height, int64_t width, ResizeFilter filter,
                      const CropWindow& window) {
  assert(picture.height > 0 && picture.width > 0);
  assert(picture.channels == 1 || picture.channels == 3 || picture.channels == 4);
  assert(window.height > 0 && window.top >= 0 && window.top + window.height <= height);
  assert(window.width > 0 && window.left >= 0 && window.left + window.width <= width);

  const bool vertical = height != picture.height;
  Taps row_taps;
  int64_t first_row = window.top, rows = window.height;  // of the source, that are read
  if (vertical) {
    row_taps = MakeTaps(picture.height, height, window.top, window.height, filter);
    first_row = row_taps.first();
    rows = row_taps.end() - first_row;
  }

  SourceRows source(picture);
  const int64_t row_bytes = window.width * source.channels();
  std::vector<uint8_t> narrowed(static_cast<size_t>(rows * row_bytes));  // the window's columns of those rows
  if (width != picture.width) {
    const Taps column_taps = MakeTaps(picture.width, width, window.left, window.width, filter);
    HorizontalPass(source, first_row, rows, column_taps, narrowed.data());
  } else {
    for (int64_t row = 0; row < rows; ++row) {
      std::copy_n(source[first_row + row] + window.left * source.channels(), row_bytes, &narrowed[row * row_bytes]);
    }
  }

  Picture result{std::move(narrowed), window.height, window.width, source.channels()};
  if (vertical) {
    const std::vector<uint8_t> between =
        std::exchange(result.bytes, std::vector<uint8_t>(static_cast<size_t>(window.height * row_bytes)));
    VerticalPass({between.data(), row_bytes}, row_bytes, row_taps, result.bytes.data());
  }
  return result;
}

}  // namespace blip3o
