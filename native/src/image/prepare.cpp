#include "image/prepare.h"

#include <algorithm>
#include <utility>

#include "image/resize.h"

namespace blip3o {

namespace {

// Where a crop of `side` begins in the middle of `size`: (size − side) / 2, halves to even.
int64_t CentreOffset(int64_t size, int64_t side) {
  const int64_t rest = size - side, half = rest / 2;
  return rest % 2 == 0 ? half : half + half % 2;
}

Picture AsRgb(Picture picture) { return picture.channels == 3 ? std::move(picture) : ToRgb(picture.view()); }

}  // namespace

PreparedPicture Prepare(const PictureView& picture, int64_t tokenizer_side, int64_t autoencoder_side) {
  // Grey stays grey until it is small: channels are resized each by itself, so equal ones stay equal.
  PreparedPicture prepared;
  if (tokenizer_side > 0) {
    prepared.tokenizer = AsRgb(Resize(picture, tokenizer_side, tokenizer_side, ResizeFilter::kBicubic));
  }
  if (autoencoder_side > 0) prepared.autoencoder = AsRgb(ResizeToSquare(picture, autoencoder_side));
  return prepared;
}

Picture ResizeToSquare(const PictureView& picture, int64_t side) {
  const int64_t shorter = std::min(picture.height, picture.width);
  const int64_t height = side * picture.height / shorter, width = side * picture.width / shorter;
  return ResizeAndCrop(picture, height, width, ResizeFilter::kBilinear,
                       {CentreOffset(height, side), CentreOffset(width, side), side, side});
}

}  // namespace blip3o
