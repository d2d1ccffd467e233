// Depthwise convolutions: out[y, x, c] = Σ weight[c, i, j] · x[y + i − h, x + j − h, c], h = s div 2, zero padding.
//
// Bound by memory: a value is used in s² products only. A task owns a block of channels in a strip of columns and walks
// down the lines. The strip is as narrow as keeps the lines above each other in L2, so that memory is read once, and
// the block is wide, so that it is read in long runs: pixels lie far apart, and often a power of two apart, so short
// runs would wait for each pixel and share few cache sets. A tile of neighbouring outputs runs along the channels and
// shares its loads.
//
// Order of a sum: bias, then tap after tap, line by line. It doesn't depend on the tile.
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
namespace blip3o::cpu::depthwise {

constexpr int64_t kMaxSize = 5;             // of a window; larger kernels go tap by tap
constexpr int64_t kMaxBlock = 512;          // channels of a task
constexpr int64_t kLinesBytes = 384 << 10;  // of three lines of a strip: about a third of an L2 cache
constexpr int64_t kMinColumns = 16;         // many times the columns that two strips both read
constexpr int64_t kBandLines = 16;          // and so for lines
constexpr int64_t kEnoughTasks = 32;        // then no bands
constexpr int64_t kFewTasks = 8;            // then narrower blocks, down to kMinBlock
constexpr int64_t kMinBlock = 64;
constexpr int64_t kTile = 4;  // neighbouring outputs

// What stands outside of the picture.
alignas(64) inline constexpr float kZeros[kMaxBlock] = {};

// What one task computes.
struct Piece {
  int64_t picture;
  int64_t first_line, lines;
  int64_t first_column, columns;
  int64_t first_channel, channels;
};

inline int64_t Parts(int64_t whole, int64_t part) { return (whole + part - 1) / part; }

// How the map is cut; `reads` channels are read for each one written.
struct Cut {
  int64_t lines, columns, channels;  // of a task

  Cut(const Grid& grid, int64_t all_channels, int64_t reads) {
    channels = std::min(all_channels, kMaxBlock);
    const int64_t pixel_bytes = channels * reads * static_cast<int64_t>(sizeof(float));
    columns = std::min(grid.width, std::max(kMinColumns, kLinesBytes / (3 * pixel_bytes) / kTile * kTile));
    lines = grid.height;
    // A small map is cut further, so that every thread has its share.
    if (Tasks(grid, all_channels) < kEnoughTasks) lines = std::min(grid.height, kBandLines);
    while (Tasks(grid, all_channels) < kFewTasks && channels >= 2 * kMinBlock) channels /= 2;
  }

  int64_t Tasks(const Grid& grid, int64_t all_channels) const {
    return grid.pictures * Parts(grid.height, lines) * Parts(grid.width, columns) * Parts(all_channels, channels);
  }
};

template <typename F>
void ForPieces(const Context& context, const Grid& grid, int64_t channels, const Cut& cut, const F& f) {
  const int64_t blocks = Parts(channels, cut.channels), strips = Parts(grid.width, cut.columns),
                bands = Parts(grid.height, cut.lines);
  const auto run = [&](int64_t task, int) {
    const int64_t channel = task % blocks * cut.channels, column = task / blocks % strips * cut.columns;
    const int64_t line = task / blocks / strips % bands * cut.lines;
    f(Piece{task / blocks / strips / bands, line, std::min(cut.lines, grid.height - line), column,
            std::min(cut.columns, grid.width - column), channel, std::min(cut.channels, channels - channel)});
  };
  const int64_t tasks = cut.Tasks(grid, channels);
  if (tasks > 1 && grid.rows() * channels * 8 > kTaskBytes) {
    context.lane->ParallelFor(tasks, run);
  } else {
    for (int64_t task = 0; task < tasks; ++task) run(task, 0);
  }
}

// Weights and bias of a block of channels in f32; tap by tap: weights[(i · size + j) · channels + c].
struct Taps {
  float weights[kMaxSize * kMaxSize * kMaxBlock];
  float bias[kMaxBlock];

  void Load(const View& weight, const View& bias_view, int64_t first_channel, int64_t channels, int64_t size) {
    const int64_t count = size * size;
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t channel = first_channel + c;
      for (int64_t tap = 0; tap < count; ++tap) {
        weights[tap * channels + c] = LoadAsF32(weight.data, weight.dtype, channel * count + tap);
      }
      bias[c] = bias_view.empty() ? 0.0f : LoadAsF32(bias_view.data, bias_view.dtype, channel);
    }
  }
};

// The pixels under a tile of outputs that starts at (y, column): pixel[i · columns + j] points to channel `channel` of
// (y + i − size / 2, column + j − size / 2), columns = size + tile − 1.
struct Window {
  const float* pixel[kMaxSize * (kMaxSize + kTile - 1)];

  void Place(const Matrix& x, const Grid& grid, int64_t picture, int64_t y, int64_t column, int64_t channel,
             int64_t size, int64_t tile) {
    const float** at = pixel;
    for (int64_t line = y - size / 2; line <= y + size / 2; ++line) {
      const int64_t first_row = (picture * grid.height + line) * grid.width;
      for (int64_t j = column - size / 2; j < column + tile + size / 2; ++j) {
        const bool inside = line >= 0 && line < grid.height && j >= 0 && j < grid.width;
        *at++ = inside ? x.row(first_row + j) + channel : kZeros;
      }
    }
  }
};

}  // namespace blip3o::cpu::depthwise
#endif

HWY_BEFORE_NAMESPACE();
namespace blip3o::cpu {
namespace HWY_NAMESPACE {

using depthwise::kTile;
using depthwise::Piece;
using depthwise::Taps;
using depthwise::Window;

// The sums of a tile of outputs for the vector of channels that starts at the c-th of the block.
template <int kSize, int kOutputs, class D>
HWY_INLINE void SumTaps(D d, const Window& window, const Taps& taps, int64_t channels, int64_t c, hn::Vec<D>* sums) {
  constexpr int kColumns = kSize + kOutputs - 1;
  for (int t = 0; t < kOutputs; ++t) sums[t] = hn::LoadU(d, taps.bias + c);
  for (int i = 0; i < kSize; ++i) {
    hn::Vec<D> values[kColumns];
    for (int j = 0; j < kColumns; ++j) values[j] = hn::LoadU(d, window.pixel[i * kColumns + j] + c);
    for (int j = 0; j < kSize; ++j) {
      const auto weight = hn::LoadU(d, taps.weights + (i * kSize + j) * channels + c);
      for (int t = 0; t < kOutputs; ++t) sums[t] = hn::MulAdd(values[t + j], weight, sums[t]);
    }
  }
}

template <int kSize, int kOutputs>
void ConvolveTile(const Window& window, const Taps& taps, const Piece& piece, const Matrix& to) {
  ForLanes(piece.channels, [&](auto d, int64_t c) {
    hn::Vec<decltype(d)> sums[kOutputs];
    SumTaps<kSize, kOutputs>(d, window, taps, piece.channels, c, sums);
    for (int t = 0; t < kOutputs; ++t) hn::StoreU(sums[t], d, to.row(t) + piece.first_channel + c);
  });
}

// Calls f(y, column, tile, to) for the tiles of a piece, whole ones and then single outputs; `to` starts at the tile's
// row.
template <class F>
HWY_INLINE void ForTiles(const Grid& grid, const Piece& piece, const Matrix& out, const F& f) {
  const int64_t end = piece.first_column + piece.columns;
  for (int64_t y = piece.first_line; y < piece.first_line + piece.lines; ++y) {
    const int64_t first_row = (piece.picture * grid.height + y) * grid.width;
    int64_t column = piece.first_column;
    for (; column + kTile <= end; column += kTile) f(y, column, kTile, out.Rows(first_row + column, kTile));
    for (; column < end; ++column) f(y, column, int64_t{1}, out.Rows(first_row + column, 1));
  }
}

template <int kSize>
void ConvolvePiece(const Matrix& x, const Grid& grid, const Piece& piece, const Taps& taps, const Matrix& out) {
  Window window;
  ForTiles(grid, piece, out, [&](int64_t y, int64_t column, int64_t tile, const Matrix& to) {
    window.Place(x, grid, piece.picture, y, column, piece.first_channel, kSize, tile);
    if (tile == kTile) {
      ConvolveTile<kSize, kTile>(window, taps, piece, to);
    } else {
      ConvolveTile<kSize, 1>(window, taps, piece, to);
    }
  });
}

// out += weights ⊙ the pixel (dy, dx) away, over a piece; pixels outside add nothing.
void AddTap(const Matrix& x, const Grid& grid, const Piece& piece, int64_t dy, int64_t dx, const float* weights,
            const Matrix& out) {
  const int64_t first_column = std::max(piece.first_column, -dx);
  const int64_t end_column = std::min(piece.first_column + piece.columns, grid.width - dx);
  for (int64_t y = piece.first_line; y < piece.first_line + piece.lines; ++y) {
    if (y + dy < 0 || y + dy >= grid.height) continue;
    const int64_t first_row = (piece.picture * grid.height + y) * grid.width;
    for (int64_t row = first_row + first_column; row < first_row + end_column; ++row) {
      const float* from = x.row(row + dy * grid.width + dx) + piece.first_channel;
      float* to = out.row(row) + piece.first_channel;
      ForLanes(piece.channels, [&](auto d, int64_t c) {
        hn::StoreU(hn::MulAdd(hn::LoadU(d, from + c), hn::LoadU(d, weights + c), hn::LoadU(d, to + c)), d, to + c);
      });
    }
  }
}

// Sizes that no checkpoint known to us has: one pass over the piece for each tap.
void ConvolvePieceOfAnySize(const Matrix& x, const Grid& grid, const Piece& piece, const View& weight,
                            const Matrix& out) {
  ForTiles(grid, piece, out, [&](int64_t, int64_t, int64_t tile, const Matrix& to) {
    for (int64_t t = 0; t < tile; ++t) std::fill_n(to.row(t) + piece.first_channel, piece.channels, 0.0f);
  });
  const int64_t size = weight.shape[2];
  float weights[depthwise::kMaxBlock];
  for (int64_t tap = 0; tap < size * size; ++tap) {
    for (int64_t c = 0; c < piece.channels; ++c) {
      weights[c] = LoadAsF32(weight.data, weight.dtype, (piece.first_channel + c) * size * size + tap);
    }
    AddTap(x, grid, piece, tap / size - size / 2, tap % size - size / 2, weights, out);
  }
}

void DepthwiseConv(Context& context, const Matrix& x, const Grid& grid, const View& weight, const Matrix& out) {
  const int64_t size = weight.shape[2];
  const depthwise::Cut cut(grid, x.cols, 1);
  depthwise::ForPieces(context, grid, x.cols, cut, [&](const Piece& piece) {
    if (size != 3 && size != 5) {
      ConvolvePieceOfAnySize(x, grid, piece, weight, out);
      return;
    }
    Taps taps;
    taps.Load(weight, View(), piece.first_channel, piece.channels, size);
    if (size == 3) {
      ConvolvePiece<3>(x, grid, piece, taps, out);
    } else {
      ConvolvePiece<5>(x, grid, piece, taps, out);
    }
  });
}

// What the two halves of DepthwiseGate read for the same outputs.
struct GateOperands {
  Window value_window, gate_window;
  Taps value_taps, gate_taps;
};

template <int kOutputs>
void GateTile(const GateOperands& operands, const Piece& piece, const Matrix& to) {
  ForLanes(piece.channels, [&](auto d, int64_t c) {
    hn::Vec<decltype(d)> values[kOutputs], gates[kOutputs];
    SumTaps<3, kOutputs>(d, operands.gate_window, operands.gate_taps, piece.channels, c, gates);
    for (int t = 0; t < kOutputs; ++t) gates[t] = Silu(d, gates[t]);
    SumTaps<3, kOutputs>(d, operands.value_window, operands.value_taps, piece.channels, c, values);
    for (int t = 0; t < kOutputs; ++t) {
      hn::StoreU(hn::Mul(values[t], gates[t]), d, to.row(t) + piece.first_channel + c);
    }
  });
}

void DepthwiseGate(Context& context, const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                   const Matrix& out) {
  const int64_t features = out.cols;
  const depthwise::Cut cut(grid, features, 2);
  depthwise::ForPieces(context, grid, features, cut, [&](const Piece& piece) {
    const int64_t value_channel = piece.first_channel, gate_channel = features + piece.first_channel;
    GateOperands operands;
    operands.value_taps.Load(weight, bias, value_channel, piece.channels, 3);
    operands.gate_taps.Load(weight, bias, gate_channel, piece.channels, 3);
    ForTiles(grid, piece, out, [&](int64_t y, int64_t column, int64_t tile, const Matrix& to) {
      operands.value_window.Place(x, grid, piece.picture, y, column, value_channel, 3, tile);
      operands.gate_window.Place(x, grid, piece.picture, y, column, gate_channel, 3, tile);
      if (tile == kTile) {
        GateTile<kTile>(operands, piece, to);
      } else {
        GateTile<1>(operands, piece, to);
      }
    });
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
