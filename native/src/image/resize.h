// Antialiased resizing, equal to Pillow's Image.resize to the bit.
//
// Source: Pillow: src/libImaging/Resample.c. Support = radius · max(1, in/out), radius 1 (bilinear) or 2 (bicubic,
// a = −0.5); weights normalised in double, then rounded to 22-bit fixed point; the horizontal pass first, rounded and
// clamped to 8 bits, then the vertical; a pass that changes no size is skipped.
#pragma once

#include <cstdint>

#include "image/picture.h"

namespace blip3o {

enum class ResizeFilter { kBilinear, kBicubic };

// The part of the resized picture that is wanted.
struct CropWindow {
  int64_t top = 0;
  int64_t left = 0;
  int64_t height = 0;
  int64_t width = 0;
};

// `picture` resized to height × width, each channel by itself; RGBA is composited over white first and yields RGB.
Picture Resize(const PictureView& picture, int64_t height, int64_t width, ResizeFilter filter);

// The same, then cropped: only the window is computed, and memory is taken for no more.
Picture ResizeAndCrop(const PictureView& picture, int64_t height, int64_t width, ResizeFilter filter,
                      const CropWindow& window);

}  // namespace blip3o
