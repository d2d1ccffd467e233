#include "image/picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

namespace blip3o {

namespace {

constexpr int kWhite = 255;

// (value·alpha + white·(255 − alpha)) / 255, to the nearest: 255 is odd, so there are no ties.
uint8_t OverWhite(int value, int alpha) {
  return static_cast<uint8_t>((value * alpha + kWhite * (255 - alpha) + 127) / 255);
}

}  // namespace

Status CheckPicture(std::string_view name, const PictureView& picture) {
  const auto [data, height, width, channels] = picture;
  if (height < 1 || width < 1) {
    return InvalidArgument(
        fmt::format("{} is {} x {} pixels: expected at least one pixel each way", name, width, height));
  }
  if (channels != 1 && channels != 3 && channels != 4) {
    return InvalidArgument(fmt::format("{} has {} channels: expected 1 (grey), 3 (RGB) or 4 (RGBA)", name, channels));
  }
  if (height > kMaxPicturePixels / width) {
    return InvalidArgument(fmt::format("{} is {} x {} pixels: expected at most {} in all; make it smaller first", name,
                                       width, height, kMaxPicturePixels));
  }
  const auto [shorter, longer] = std::minmax(height, width);
  if (longer > kMaxAspectRatio * shorter) {
    return InvalidArgument(
        fmt::format("{} is {} x {} pixels: expected the longer side at most {} times the shorter one; crop it first",
                    name, width, height, kMaxAspectRatio));
  }
  if (data == nullptr) return InvalidArgument(fmt::format("{} has a size, but no pixels", name));
  return {};
}

void CompositeOverWhite(const uint8_t* rgba, int64_t width, uint8_t* rgb) {
  for (int64_t i = 0; i < width; ++i, rgba += 4, rgb += 3) {
    for (int c = 0; c < 3; ++c) rgb[c] = OverWhite(rgba[c], rgba[3]);
  }
}

Picture ToRgb(const PictureView& picture) {
  const int64_t pixels = picture.height * picture.width;
  Picture rgb{std::vector<uint8_t>(static_cast<size_t>(pixels * 3)), picture.height, picture.width, 3};
  const uint8_t* from = picture.data;
  uint8_t* to = rgb.bytes.data();
  switch (picture.channels) {
    case 1:
      for (int64_t i = 0; i < pixels; ++i) std::fill_n(to + 3 * i, 3, from[i]);
      break;
    case 3:
      std::copy_n(from, pixels * 3, to);
      break;
    default:
      CompositeOverWhite(from, pixels, to);
  }
  return rgb;
}

}  // namespace blip3o
