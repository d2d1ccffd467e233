// Depthwise convolutions: out[y, x, c] = Σ weight[c, i, j] · x[y + i − h, x + j − h, c], h = s div 2, zero padding.
//
// Bound by memory: a value is used in s² products only. A task owns a block of channels in a band of lines, so that the
// s lines above each other stay in L2. A vector of channels then walks along a line: each value is loaded once per line
// of the output, the s² weights stay in registers, and s sums travel along.
//
// Order of a sum: column by column, inside a column from top to bottom.
#include <algorithm>
#include <cassert>
#include <cstdint>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/depthwise.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ops/cpu/kernels.h"
#include "ops/cpu/lanes-inl.h"
#include "ops/cpu/parallel.h"
#include "ops/cpu/simd-inl.h"

#ifndef BLIP3O_OPS_CPU_DEPTHWISE_ONCE_
#define BLIP3O_OPS_CPU_DEPTHWISE_ONCE_
namespace blip3o::cpu {
namespace depthwise {

constexpr int64_t kChannelBlock = 64;
constexpr int64_t kMaxSize = 11;
constexpr int64_t kBandLines = 16;    // at least four times the lines that two bands both read
constexpr int64_t kEnoughTasks = 32;  // then whole pictures, with no line read twice

// What one task computes.
struct Piece {
  int64_t picture;
  int64_t first_line, lines;
  int64_t first_channel, channels;
};

template <typename F>
void ForPieces(const Context& context, const Grid& grid, int64_t channels, const F& f) {
  const int64_t blocks = (channels + kChannelBlock - 1) / kChannelBlock;
  const int64_t band = blocks * grid.pictures >= kEnoughTasks ? grid.height : std::min(grid.height, kBandLines);
  const int64_t bands = (grid.height + band - 1) / band;
  const auto run = [&](int64_t task, int) {
    const int64_t block = task % blocks, line = task / blocks % bands * band;
    f(Piece{task / blocks / bands, line, std::min(band, grid.height - line), block * kChannelBlock,
            std::min(kChannelBlock, channels - block * kChannelBlock)});
  };
  const int64_t tasks = grid.pictures * bands * blocks;
  if (tasks > 1 && grid.rows() * channels * 8 > kTaskBytes) {
    context.pool->ParallelFor(tasks, run);
  } else {
    for (int64_t task = 0; task < tasks; ++task) run(task, 0);
  }
}

// The weights of a block of channels in f32, tap by tap: taps[(i · size + j) · kChannelBlock + c].
struct Taps {
  float values[kMaxSize * kMaxSize * kChannelBlock];

  void Load(const View& weight, int64_t first_channel, int64_t channels, int64_t size) {
    const int64_t count = size * size;
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t tap = 0; tap < count; ++tap) {
        values[tap * kChannelBlock + c] = LoadAsF32(weight.data, weight.dtype, (first_channel + c) * count + tap);
      }
    }
  }
};

}  // namespace depthwise
}  // namespace blip3o::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace blip3o::cpu {
namespace HWY_NAMESPACE {

using depthwise::kChannelBlock;
using depthwise::Piece;
using depthwise::Taps;

// The input of one tap row along a line; outside of the picture, zeros with stride 0.
struct Line {
  const float* data;
  int64_t stride;
};

// Calls store(x, y) with y = the convolution at column x for one vector of channels, for every x of the line.
template <int kSize, class D, class Store>
HWY_INLINE void ConvolveLine(D d, const Line* lines, int64_t width, const float* taps, const Store& store) {
  using V = hn::Vec<D>;
  constexpr int kHalf = kSize / 2;
  V weights[kSize * kSize];
  for (int i = 0; i < kSize * kSize; ++i) weights[i] = hn::LoadU(d, taps + i * kChannelBlock);
  V sums[kSize];  // sums[j] belongs to the output at column x + kHalf − j
  for (int j = 0; j < kSize; ++j) sums[j] = hn::Zero(d);
  for (int64_t x = 0; x < width + kHalf; ++x) {
    if (x < width) {
      V values[kSize];
      for (int i = 0; i < kSize; ++i) values[i] = hn::LoadU(d, lines[i].data + x * lines[i].stride);
      for (int j = 0; j < kSize; ++j) {
        V column = hn::Mul(values[0], weights[j]);
        for (int i = 1; i < kSize; ++i) column = hn::MulAdd(values[i], weights[i * kSize + j], column);
        sums[j] = hn::Add(sums[j], column);
      }
    }
    if (x >= kHalf) store(x - kHalf, sums[kSize - 1]);
    for (int j = kSize - 1; j > 0; --j) sums[j] = sums[j - 1];
    sums[0] = hn::Zero(d);
  }
}

// The same for a size known only at run time.
template <class D, class Store>
HWY_INLINE void ConvolveLineOfAnySize(D d, const Line* lines, int64_t width, int64_t size, const float* taps,
                                      const Store& store) {
  for (int64_t x = 0; x < width; ++x) {
    auto sum = hn::Zero(d);
    for (int64_t j = std::max<int64_t>(0, size / 2 - x); j < std::min(size, width + size / 2 - x); ++j) {
      for (int64_t i = 0; i < size; ++i) {
        const auto value = hn::LoadU(d, lines[i].data + (x + j - size / 2) * lines[i].stride);
        sum = hn::MulAdd(value, hn::LoadU(d, taps + (i * size + j) * kChannelBlock), sum);
      }
    }
    store(x, sum);
  }
}

template <class D, class Store>
HWY_INLINE void ConvolveLine(D d, const Line* lines, int64_t width, int64_t size, const float* taps,
                             const Store& store) {
  if (size == 3) {
    ConvolveLine<3>(d, lines, width, taps, store);
  } else if (size == 5) {
    ConvolveLine<5>(d, lines, width, taps, store);
  } else {
    ConvolveLineOfAnySize(d, lines, width, size, taps, store);
  }
}

// The `size` lines around line `y` of a picture, from channel `c` on.
template <class D>
HWY_INLINE void LinesAround(D, const Matrix& x, const Grid& grid, int64_t picture, int64_t y, int64_t c, int64_t size,
                            Line* lines) {
  alignas(64) static constexpr float kZeros[HWY_MAX_BYTES / sizeof(float)] = {};
  for (int64_t i = 0; i < size; ++i) {
    const int64_t line = y + i - size / 2;
    const bool inside = line >= 0 && line < grid.height;
    lines[i] = inside ? Line{x.row((picture * grid.height + line) * grid.width) + c, x.stride} : Line{kZeros, 0};
  }
}

void DepthwiseConv(Context& context, const Matrix& x, const Grid& grid, const View& weight, const Matrix& out) {
  const int64_t size = weight.shape[2];
  depthwise::ForPieces(context, grid, x.cols, [&](const Piece& piece) {
    Taps taps;
    taps.Load(weight, piece.first_channel, piece.channels, size);
    for (int64_t y = piece.first_line; y < piece.first_line + piece.lines; ++y) {
      const Matrix to = out.Rows((piece.picture * grid.height + y) * grid.width, grid.width);
      ForLanes(piece.channels, [&](auto d, int64_t i) {
        const int64_t c = piece.first_channel + i;
        Line lines[depthwise::kMaxSize];
        LinesAround(d, x, grid, piece.picture, y, c, size, lines);
        ConvolveLine(d, lines, grid.width, size, taps.values + i,
                     [&](int64_t column, auto v) { hn::StoreU(v, d, to.row(column) + c); });
      });
    }
  });
}

// One line of DepthwiseGate for a vector of channels. The gate's half goes first and waits in `out`, which is in L1.
template <class D>
HWY_INLINE void GateLine(D d, const Matrix& x, const Grid& grid, const Piece& piece, int64_t y, int64_t i,
                         const Taps& value_taps, const Taps& gate_taps, const float* value_bias, const float* gate_bias,
                         const Matrix& to) {
  const int64_t c = piece.first_channel + i, features = to.cols;
  Line lines[3];
  LinesAround(d, x, grid, piece.picture, y, features + c, 3, lines);
  const auto bias = hn::LoadU(d, gate_bias + i);
  ConvolveLine<3>(d, lines, grid.width, gate_taps.values + i,
                  [&](int64_t column, auto v) { hn::StoreU(Silu(d, hn::Add(v, bias)), d, to.row(column) + c); });
  LinesAround(d, x, grid, piece.picture, y, c, 3, lines);
  const auto bias_of_value = hn::LoadU(d, value_bias + i);
  ConvolveLine<3>(d, lines, grid.width, value_taps.values + i, [&](int64_t column, auto v) {
    float* at = to.row(column) + c;
    hn::StoreU(hn::Mul(hn::Add(v, bias_of_value), hn::LoadU(d, at)), d, at);
  });
}

void DepthwiseGate(Context& context, const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                   const Matrix& out) {
  const int64_t features = out.cols;
  depthwise::ForPieces(context, grid, features, [&](const Piece& piece) {
    Taps value_taps, gate_taps;
    value_taps.Load(weight, piece.first_channel, piece.channels, 3);
    gate_taps.Load(weight, features + piece.first_channel, piece.channels, 3);
    float value_bias[kChannelBlock] = {}, gate_bias[kChannelBlock] = {};
    for (int64_t c = 0; c < piece.channels && !bias.empty(); ++c) {
      value_bias[c] = LoadAsF32(bias.data, bias.dtype, piece.first_channel + c);
      gate_bias[c] = LoadAsF32(bias.data, bias.dtype, features + piece.first_channel + c);
    }
    for (int64_t y = piece.first_line; y < piece.first_line + piece.lines; ++y) {
      const Matrix to = out.Rows((piece.picture * grid.height + y) * grid.width, grid.width);
      ForLanes(piece.channels, [&](auto d, int64_t i) {
        GateLine(d, x, grid, piece, y, i, value_taps, gate_taps, value_bias, gate_bias, to);
      });
    }
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace blip3o::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace blip3o::cpu {

HWY_EXPORT(DepthwiseConv);
void DepthwiseConv(Context& context, const Matrix& x, const Grid& grid, const View& weight, const Matrix& out) {
  assert(x.rows == grid.rows() && out.rows == x.rows && out.cols == x.cols);
  assert(weight.shape[0] == x.cols && weight.shape[2] == weight.shape[3] && weight.shape[2] % 2 == 1);
  assert(weight.shape[2] <= depthwise::kMaxSize);
  HWY_DYNAMIC_DISPATCH(DepthwiseConv)(context, x, grid, weight, out);
}

HWY_EXPORT(DepthwiseGate);
void DepthwiseGate(Context& context, const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                   const Matrix& out) {
  assert(x.rows == grid.rows() && out.rows == x.rows && x.cols == 2 * out.cols);
  assert(weight.shape[0] == x.cols && weight.shape[2] == 3 && weight.shape[3] == 3);
  HWY_DYNAMIC_DISPATCH(DepthwiseGate)(context, x, grid, weight, bias, out);
}

}  // namespace blip3o::cpu
#endif
