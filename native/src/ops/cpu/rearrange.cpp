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
