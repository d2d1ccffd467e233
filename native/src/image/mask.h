// A mask says which part of a picture may change: 255 may, 0 may not, between them in part.
#pragma once

#include <cstdint>
#include <vector>

#include "image/picture.h"

namespace blip3o {

// One weight a latent, row by row: the most that any of its pixels may change, in [0, 1]. `mask` is [side, side, 1],
// and side a multiple of `latent_side`.
std::vector<float> LatentMask(const Picture& mask, int64_t latent_side);

// The mask faded towards its border, inside it, so that pixels outside stay 0: each value times
// min(1, d / (feather + 1)), rounded to nearest, where d is the distance in pixels (the larger of rows and columns) to
// the nearest pixel of value 0; 1 for neighbours. Beyond the picture's border nothing is 0.
Picture Feather(const Picture& mask, int64_t feather);

// pixels = (weight·pixels + (255 − weight)·kept) / 255, rounded to nearest. `weights` [height, width, 1], `kept`
// [height, width, 3], pixels the same size.
void Blend(const Picture& weights, const Picture& kept, uint8_t* pixels);

}  // namespace blip3o
