// Pictures as bytes, on the host: what a caller gives, before it becomes a map of the model.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace blip3o {

// A borrowed picture: [height, width, channels] u8, dense. 1 channel: grey, 3: RGB, 4: RGBA, alpha not premultiplied.
struct PictureView {
  const uint8_t* data = nullptr;
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;
};

// Owns [height, width, channels] u8, dense.
struct Picture {
  std::vector<uint8_t> bytes;
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;

  bool empty() const { return bytes.empty(); }
  PictureView view() const { return {bytes.data(), height, width, channels}; }
  bool operator==(const Picture&) const = default;
};

// The most pixels of a picture, and how many times its longer side may be as long as its shorter one.
inline constexpr int64_t kMaxPicturePixels = int64_t{1} << 28;
inline constexpr int64_t kMaxAspectRatio = 100;

// Refuses sizes that can't be worked with. `name` is what the error calls the picture: "reference 2".
Status CheckPicture(std::string_view name, const PictureView& picture);

// One row of it: `width` pixels RGBA to RGB.
void CompositeOverWhite(const uint8_t* rgba, int64_t width, uint8_t* rgb);

// [height, width, 3]: grey repeated, alpha composited over white, (value·alpha + 255·(255 − alpha)) / 255 rounded to
// the nearest.
Picture ToRgb(const PictureView& picture);

}  // namespace blip3o
