// What the model sees of a caller's picture.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/status.h"
#include "image/picture.h"

namespace blip3o {

// A picture in the two sizes that the encoders take, RGB.
struct PreparedPicture {
  Picture tokenizer;    // [image_size, image_size, 3]: bicubic, aspect ratio not kept
  Picture autoencoder;  // [side, side, 3]: shorter side to `side`, bilinear, centre crop

  bool empty() const { return tokenizer.empty() && autoencoder.empty(); }
  bool operator==(const PreparedPicture&) const = default;
};

// Source: BLIP3o-NEXT: SiglipImageProcessor, and torchvision's Resize(side) and CenterCrop(side): long side =
// floor(side · long / short), offset (size − side) / 2 with halves rounded to even. A side of 0 leaves that size out.
PreparedPicture Prepare(const PictureView& picture, int64_t tokenizer_side, int64_t autoencoder_side);

// Only the centre crop; grey stays grey.
Picture ResizeToSquare(const PictureView& picture, int64_t side);

}  // namespace blip3o
