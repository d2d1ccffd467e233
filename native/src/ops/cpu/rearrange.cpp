// Moves values between layouts. Bound by memory: each value is read once and written once.
#include <algorithm>
#include <cassert>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/rearrange.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/cpu/kernels.h"
#include "ops/cpu/lanes-inl.h"
#include "ops/cpu/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace blip3o::cpu {
namespace HWY_NAMESPACE {

// The four pixels of the doubled grid under one pixel, in the order 2i + j of (2y + i, 2x + j).
struct Quad {
  float* pixel[4];
};

Quad QuadOf(const Matrix& out, const Grid& grid, int64_t row) {
  const int64_t line = row / grid.width, x = row % grid.width;  // line = picture · height + y
  const int64_t top = 2 * line * 2 * grid.width + 2 * x, bottom = top + 2 * grid.width;
  return {{out.row(top), out.row(top + 1), out.row(bottom), out.row(bottom + 1)}};
}

void PixelShuffle(Context& context, const Matrix& x, const Grid& grid, const Matrix& out) {
  ForRowBlocks(context, grid.rows(), x.cols * 8, [&](int64_t first, int64_t count) {
    for (int64_t row = first; row < first + count; ++row) {
      const Quad quad = QuadOf(out, grid, row);
      const float* from = x.row(row);
      ForLanes(out.cols, [&](auto d, int64_t c) {
        hn::Vec<decltype(d)> v0, v1, v2, v3;
        hn::LoadInterleaved4(d, from + 4 * c, v0, v1, v2, v3);
        hn::StoreU(v0, d, quad.pixel[0] + c);
        hn::StoreU(v1, d, quad.pixel[1] + c);
        hn::StoreU(v2, d, quad.pixel[2] + c);
        hn::StoreU(v3, d, quad.pixel[3] + c);
      });
    }
  });
}

template <class D>
HWY_INLINE void Accumulate(D d, hn::Vec<D> v, float* to) {
  hn::StoreU(hn::Add(hn::LoadU(d, to), v), d, to);
}

// r = 4: all four pixels take channel c.
void AddQuad4(const float* from, const Quad& quad, int64_t channels) {
  ForLanes(channels, [&](auto d, int64_t c) {
    const auto v = hn::LoadU(d, from + c);
    for (float* pixel : quad.pixel) Accumulate(d, v, pixel + c);
  });
}

// r = 2: the upper two pixels take channel 2c, the lower two channel 2c + 1.
void AddQuad2(const float* from, const Quad& quad, int64_t channels) {
  ForLanes(channels, [&](auto d, int64_t c) {
    hn::Vec<decltype(d)> upper, lower;
    hn::LoadInterleaved2(d, from + 2 * c, upper, lower);
    Accumulate(d, upper, quad.pixel[0] + c);
    Accumulate(d, upper, quad.pixel[1] + c);
    Accumulate(d, lower, quad.pixel[2] + c);
    Accumulate(d, lower, quad.pixel[3] + c);
  });
}

void AddQuadAny(const float* from, const Quad& quad, int64_t channels, int64_t repeats) {
  for (int64_t pixel = 0; pixel < 4; ++pixel) {
    for (int64_t c = 0; c < channels; ++c) quad.pixel[pixel][c] += from[(4 * c + pixel) / repeats];
  }
}

void AddUpsampled(Context& context, const Matrix& x, const Grid& grid, const Matrix& out) {
  const int64_t repeats = 4 * out.cols / x.cols;
  ForRowBlocks(context, grid.rows(), (x.cols + 8 * out.cols) * 4, [&](int64_t first, int64_t count) {
    for (int64_t row = first; row < first + count; ++row) {
      const Quad quad = QuadOf(out, grid, row);
      if (repeats == 4) {
        AddQuad4(x.row(row), quad, out.cols);
      } else if (repeats == 2) {
        AddQuad2(x.row(row), quad, out.cols);
      } else {
        AddQuadAny(x.row(row), quad, out.cols, repeats);
      }
    }
  });
}

void AddRepeated(Context& context, const Matrix& x, const Matrix& out) {
  const int64_t repeats = out.cols / x.cols;
  ForRowBlocks(context, x.rows, (x.cols + 2 * out.cols) * 4, [&](int64_t first, int64_t count) {
    for (int64_t row = first; row < first + count; ++row) {
      const float* from = x.row(row);
      float* to = out.row(row);
      if (repeats == 1) {
        ForLanes(x.cols, [&](auto d, int64_t c) { Accumulate(d, hn::LoadU(d, from + c), to + c); });
        continue;
      }
      for (int64_t c = 0; c < x.cols; ++c) {
        float* group = to + c * repeats;
        ForLanes(repeats, [&](auto d, int64_t i) { Accumulate(d, hn::Set(d, from[c]), group + i); });
      }
    }
  });
}

// The rows of the doubled grid under pixel `row` of the halved one.
struct Quarter {
  const float* pixel[4];
};

Quarter QuarterOf(const Matrix& x, const Grid& halved, int64_t row) {
  const int64_t line = row / halved.width, column = row % halved.width;
  const int64_t top = 2 * line * 2 * halved.width + 2 * column, bottom = top + 2 * halved.width;
  return {{x.row(top), x.row(top + 1), x.row(bottom), x.row(bottom + 1)}};
}

// Pixel unshuffle: channel 4c + 2i + j is channel c of pixel (2y + i, 2x + j).
void Unshuffle(const Quarter& from, int64_t channels, float* to) {
  ForLanes(channels, [&](auto d, int64_t c) {
    hn::StoreInterleaved4(hn::LoadU(d, from.pixel[0] + c), hn::LoadU(d, from.pixel[1] + c),
                          hn::LoadU(d, from.pixel[2] + c), hn::LoadU(d, from.pixel[3] + c), d, to + 4 * c);
  });
}

// Patches of any size: few, of three channels.
void GatherPatch(const Matrix& x, const Grid& grid, int64_t patch, int64_t row, float* to) {
  const int64_t height = grid.height / patch, width = grid.width / patch;
  const int64_t picture = row / (height * width), y = row / width % height * patch, column = row % width * patch;
  for (int64_t i = 0; i < patch; ++i) {
    for (int64_t j = 0; j < patch; ++j) {
      const float* from = x.row((picture * grid.height + y + i) * grid.width + column + j);
      for (int64_t c = 0; c < x.cols; ++c) to[(c * patch + i) * patch + j] = from[c];
    }
  }
}

void SpaceToDepth(Context& context, const Matrix& x, const Grid& grid, int64_t patch, const Matrix& out) {
  const bool halves = patch == 2 && grid.height % 2 == 0 && grid.width % 2 == 0;
  const Grid halved{grid.pictures, grid.height / 2, grid.width / 2};
  ForRowBlocks(context, out.rows, out.cols * 8, [&](int64_t first, int64_t count) {
    for (int64_t row = first; row < first + count; ++row) {
      if (halves) {
        Unshuffle(QuarterOf(x, halved, row), x.cols, out.row(row));
      } else {
        GatherPatch(x, grid, patch, row, out.row(row));
      }
    }
  });
}

// r = 4: the mean over the four pixels of one channel.
void AddMean4(const Quarter& from, int64_t channels, float* to) {
  ForLanes(channels, [&](auto d, int64_t c) {
    const auto upper = hn::Add(hn::LoadU(d, from.pixel[0] + c), hn::LoadU(d, from.pixel[1] + c));
    const auto lower = hn::Add(hn::LoadU(d, from.pixel[2] + c), hn::LoadU(d, from.pixel[3] + c));
    Accumulate(d, hn::Mul(hn::Add(upper, lower), hn::Set(d, 0.25f)), to + c);
  });
}

// r = 2: output 2c takes the upper two pixels of channel c, output 2c + 1 the lower two.
void AddMean2(const Quarter& from, int64_t channels, float* to) {
  ForLanes(channels, [&](auto d, int64_t c) {
    const auto half = hn::Set(d, 0.5f);
    const auto upper = hn::Mul(hn::Add(hn::LoadU(d, from.pixel[0] + c), hn::LoadU(d, from.pixel[1] + c)), half);
    const auto lower = hn::Mul(hn::Add(hn::LoadU(d, from.pixel[2] + c), hn::LoadU(d, from.pixel[3] + c)), half);
    hn::Vec<decltype(d)> even, odd;
    hn::LoadInterleaved2(d, to + 2 * c, even, odd);
    hn::StoreInterleaved2(hn::Add(even, upper), hn::Add(odd, lower), d, to + 2 * c);
  });
}

void AddMeanAny(const Quarter& from, int64_t channels, int64_t group, float* to) {
  const float share = 1.0f / static_cast<float>(group);
  for (int64_t c = 0; c < channels; ++c) {
    float sum = 0;
    for (int64_t k = c * group; k < (c + 1) * group; ++k) sum += from.pixel[k % 4][k / 4];
    to[c] += sum * share;
  }
}

void AddDownsampled(Context& context, const Matrix& x, const Grid& grid, const Matrix& out) {
  const int64_t group = 4 * x.cols / out.cols;
  const Grid halved{grid.pictures, grid.height / 2, grid.width / 2};
  ForRowBlocks(context, out.rows, (4 * x.cols + 2 * out.cols) * 4, [&](int64_t first, int64_t count) {
    for (int64_t row = first; row < first + count; ++row) {
      const Quarter from = QuarterOf(x, halved, row);
      if (group == 4) {
        AddMean4(from, out.cols, out.row(row));
      } else if (group == 2) {
        AddMean2(from, x.cols, out.row(row));
      } else {
        AddMeanAny(from, out.cols, group, out.row(row));
      }
    }
  });
}

void AddAveraged(Context& context, const Matrix& x, const Matrix& out) {
  const int64_t group = x.cols / out.cols;
  const float share = 1.0f / static_cast<float>(group);
  ForRowBlocks(context, x.rows, (x.cols + 2 * out.cols) * 4, [&](int64_t first, int64_t count) {
    for (int64_t row = first; row < first + count; ++row) {
      for (int64_t c = 0; c < out.cols; ++c) {
        const float* from = x.row(row) + c * group;
        out.row(row)[c] += SumLanes(group, [&](auto d, int64_t i) { return hn::LoadU(d, from + i); }) * share;
      }
    }
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace blip3o::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace blip3o::cpu {

namespace {

// Transposes go tile by tile: the cache lines of a tile's rows stay in L1 until every value of them is used.
constexpr int64_t kTile = 16;

}  // namespace

HWY_EXPORT(PixelShuffle);
void PixelShuffle(Context& context, const Matrix& x, const Grid& grid, const Matrix& out) {
  assert(x.rows == grid.rows() && out.rows == 4 * x.rows && x.cols == 4 * out.cols);
  HWY_DYNAMIC_DISPATCH(PixelShuffle)(context, x, grid, out);
}

HWY_EXPORT(AddUpsampled);
void AddUpsampled(Context& context, const Matrix& x, const Grid& grid, const Matrix& out) {
  assert(x.rows == grid.rows() && out.rows == 4 * x.rows && 4 * out.cols % x.cols == 0);
  HWY_DYNAMIC_DISPATCH(AddUpsampled)(context, x, grid, out);
}

HWY_EXPORT(AddRepeated);
void AddRepeated(Context& context, const Matrix& x, const Matrix& out) {
  assert(x.rows == out.rows && out.cols % x.cols == 0);
  HWY_DYNAMIC_DISPATCH(AddRepeated)(context, x, out);
}

HWY_EXPORT(SpaceToDepth);
void SpaceToDepth(Context& context, const Matrix& x, const Grid& grid, int64_t patch, const Matrix& out) {
  assert(x.rows == grid.rows() && out.cols == x.cols * patch * patch);
  assert(out.rows == grid.pictures * (grid.height / patch) * (grid.width / patch));
  HWY_DYNAMIC_DISPATCH(SpaceToDepth)(context, x, grid, patch, out);
}

HWY_EXPORT(AddDownsampled);
void AddDownsampled(Context& context, const Matrix& x, const Grid& grid, const Matrix& out) {
  assert(x.rows == grid.rows() && grid.height % 2 == 0 && grid.width % 2 == 0);
  assert(4 * out.rows == x.rows && 4 * x.cols % out.cols == 0);
  HWY_DYNAMIC_DISPATCH(AddDownsampled)(context, x, grid, out);
}

HWY_EXPORT(AddAveraged);
void AddAveraged(Context& context, const Matrix& x, const Matrix& out) {
  assert(x.rows == out.rows && x.cols % out.cols == 0);
  HWY_DYNAMIC_DISPATCH(AddAveraged)(context, x, out);
}

void Copy(Context& context, const Matrix& x, const Matrix& out) {
  assert(x.rows == out.rows && x.cols == out.cols);
  ForRowBlocks(context, x.rows, x.cols * 8, [&](int64_t first, int64_t count) {
    for (int64_t row = first; row < first + count; ++row) std::copy_n(x.row(row), x.cols, out.row(row));
  });
}

void ToPlanes(Context& context, const Matrix& x, float factor, float* planes) {
  ForRowBlocks(context, x.rows, x.cols * 8, [&](int64_t first, int64_t count) {
    for (int64_t row = first; row < first + count; row += kTile) {
      const int64_t rows = std::min(kTile, first + count - row);
      for (int64_t c = 0; c < x.cols; ++c) {
        float* to = planes + c * x.rows + row;
        for (int64_t t = 0; t < rows; ++t) to[t] = x.row(row + t)[c] * factor;
      }
    }
  });
}

void FromPlanes(Context& context, const float* planes, float factor, const Matrix& out) {
  ForRowBlocks(context, out.rows, out.cols * 8, [&](int64_t first, int64_t count) {
    for (int64_t row = first; row < first + count; row += kTile) {
      const int64_t rows = std::min(kTile, first + count - row);
      for (int64_t c = 0; c < out.cols; ++c) {
        const float* from = planes + c * out.rows + row;
        for (int64_t t = 0; t < rows; ++t) out.row(row + t)[c] = from[t] * factor;
      }
    }
  });
}

}  // namespace blip3o::cpu
#endif
