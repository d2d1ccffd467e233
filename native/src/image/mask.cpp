#include "image/mask.h"

#include <algorithm>
#include <cassert>
#include <cstddef>

namespace blip3o {

namespace {

// min(limit, the distance to the nearest 0), row by row. Two sweeps are exact for the larger of rows and columns: the
// shortest way of a king on a chessboard splits into moves that each sweep follows.
std::vector<int64_t> DistanceToZero(const Picture& mask, int64_t limit) {
  const int64_t height = mask.height, width = mask.width;
  std::vector<int64_t> distance(mask.bytes.size());
  for (size_t i = 0; i < distance.size(); ++i) distance[i] = mask.bytes[i] == 0 ? 0 : limit;
  // Shortens the pixel's distance by way of the neighbour at (y + dy, x + dx), where there is one.
  const auto step = [&](int64_t y, int64_t x, int64_t dy, int64_t dx) {
    if (y + dy < 0 || y + dy >= height || x + dx < 0 || x + dx >= width) return;
    int64_t& here = distance[static_cast<size_t>(y * width + x)];
    here = std::min(here, distance[static_cast<size_t>((y + dy) * width + x + dx)] + 1);
  };
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      for (int64_t dx : {-1, 0, 1}) step(y, x, -1, dx);
      step(y, x, 0, -1);
    }
  }
  for (int64_t y = height - 1; y >= 0; --y) {
    for (int64_t x = width - 1; x >= 0; --x) {
      for (int64_t dx : {-1, 0, 1}) step(y, x, 1, dx);
      step(y, x, 0, 1);
    }
  }
  return distance;
}

}  // namespace

std::vector<float> LatentMask(const Picture& mask, int64_t latent_side) {
  assert(mask.channels == 1 && mask.height == mask.width && latent_side > 0 && mask.width % latent_side == 0);
  const int64_t side = mask.width, block = side / latent_side;
  std::vector<float> weights(static_cast<size_t>(latent_side * latent_side), 0.0f);
  for (int64_t y = 0; y < side; ++y) {
    for (int64_t x = 0; x < side; ++x) {
      float& weight = weights[static_cast<size_t>(y / block * latent_side + x / block)];
      weight = std::max(weight, static_cast<float>(mask.bytes[static_cast<size_t>(y * side + x)]) / 255.0f);
    }
  }
  return weights;
}

Picture Feather(const Picture& mask, int64_t feather) {
  assert(mask.channels == 1 && feather >= 0);
  const int64_t whole = feather + 1;
  const std::vector<int64_t> distance = DistanceToZero(mask, whole);
  Picture faded = mask;
  for (size_t i = 0; i < distance.size(); ++i) {
    faded.bytes[i] = static_cast<uint8_t>((2 * mask.bytes[i] * distance[i] + whole) / (2 * whole));
  }
  return faded;
}

void Blend(const Picture& weights, const Picture& kept, uint8_t* pixels) {
  assert(weights.channels == 1 && kept.channels == 3 && weights.bytes.size() * 3 == kept.bytes.size());
  for (size_t i = 0; i < kept.bytes.size(); ++i) {
    const int weight = weights.bytes[i / 3];
    pixels[i] = static_cast<uint8_t>((weight * pixels[i] + (255 - weight) * kept.bytes[i] + 127) / 255);
  }
}

}  // namespace blip3o
