// Depthwise convolutions: y[p, q, c] = bias[c] + Σ_ij weight[c, i, j] · x[p + i − h, q + j − h, c], h = s div 2, zero
// padding; DepthwiseGate: out[f] = y[f] · silu(y[F + f]).
//
// Bound by memory: 18 operations a value read (50 at s = 5), where an H100 has time for 80. So each value is read from
// memory once: a block walks down the lines of 16 columns, the lines that its window still needs live on as sums that
// are not complete, and what neighbouring blocks both read (2 columns in 18, 2 lines in 18) they find in L2. Lines come
// by asynchronous copies, two ahead: three blocks hold 55 KiB under way, where bandwidth times latency is 18 KiB.
// Weights stay in registers. DepthwiseGate of the diffusion transformer, 2 · 32² pixels of 2F = 11200: 138 MB, 41 µs at
// 3.35 TB/s, in part from L2.
//
// Order of a sum: bias, then tap after tap, line by line; what lies outside counts as zeros. Where a block begins never
// changes it, so bands may be as high as the device likes them.
#include <algorithm>
#include <cassert>
#include <cstdint>

#include "ops/cuda/device_math.h"
#include "ops/cuda/kernels.h"
#include "ops/cuda/quad.h"

namespace blip3o::cuda {

namespace {

constexpr int kThreads = 128;
constexpr int kBlocksPerSm = 3;
constexpr int kThreadColumns = 4;  // neighbouring outputs of a thread, one warp's
constexpr int kColumns = kThreadColumns * kThreads / ptx::kWarp;
constexpr int kThreadChannels = 2;
constexpr int kChannels = kThreadChannels * ptx::kWarp;
constexpr int kRing = 3;  // lines in shared memory
constexpr int kMaxLines = 32;
constexpr int kMinLines = 8;

constexpr int kAnyThreads = 256;  // of the kernel for any s
constexpr int kAnyBlocksPerSm = 4;

struct DepthwiseParameters {
  const float* x;  // [grid, halves · channels]
  int64_t x_stride;
  const float* weight;  // [s², halves · channels]
  const float* bias;    // [halves · channels]; null: none
  float* out;           // [grid, channels]
  int64_t out_stride;
  int64_t rows;
  int32_t channels;
  int32_t height, width;
  int32_t size;                           // s
  int32_t lines;                          // of a block
  int32_t columns, channel_tiles, bands;  // how many blocks side by side
  bool aligned;                           // every half of every row of x at 16 bytes, of out at 8
};

// The outputs of a block.
struct Place {
  int32_t column, channel, line;
  int64_t picture_row;  // of its picture's first pixel
};

// Blocks that share columns and channels run at the same time.
__device__ inline Place PlaceOf(const DepthwiseParameters& p) {
  int block = ptx::BlockX();
  Place place;
  place.column = block % p.columns * kColumns;
  block /= p.columns;
  place.channel = block % p.channel_tiles * kChannels;
  block /= p.channel_tiles;
  place.line = block % p.bands * p.lines;
  place.picture_row = static_cast<int64_t>(block / p.bands) * p.height * p.width;
  return place;
}

// Neighbouring channels of a thread.
struct alignas(8) Pair {
  float value[kThreadChannels];
};

__device__ inline Pair LoadPair(const float* from, int channel, int channels) {
  Pair pair;
#pragma unroll
  for (int c = 0; c < kThreadChannels; ++c) pair.value[c] = channel + c < channels ? from[channel + c] : 0.0f;
  return pair;
}

// A line in shared memory: [halves, columns with a margin, channels].
template <int kSize, int kHalves>
struct LineOf {
  static constexpr int kWithMargin = kColumns + kSize - 1;
  static constexpr int kHalf = kWithMargin * kChannels;
  static constexpr int kValues = kHalves * kHalf;
  static constexpr int64_t kRingBytes = kRing * kValues * static_cast<int64_t>(sizeof(float));
  static_assert(kBlocksPerSm * (kRingBytes + 1024) <= 100 << 10);
};

// Starts the copy of line `y` under the block, `kValues` channels at once; zeros outside the picture and behind the
// last channel.
template <int kSize, int kHalves, int kValues>
__device__ inline void CopyLineBy(const DepthwiseParameters& p, const Place& place, int y, float* to) {
  using Line = LineOf<kSize, kHalves>;
  constexpr int kParts = kChannels / kValues;
  const int64_t first_row = place.picture_row + static_cast<int64_t>(y) * p.width;
  for (int i = ptx::Thread(); i < Line::kWithMargin * kParts; i += kThreads) {
    const int column = place.column - kSize / 2 + i / kParts, channel = place.channel + i % kParts * kValues;
    const bool inside = y >= 0 && y < p.height && column >= 0 && column < p.width && channel < p.channels;
    const float* from = p.x + (first_row + column) * p.x_stride + channel;
#pragma unroll
    for (int half = 0; half < kHalves; ++half) {
      float* at = to + half * Line::kHalf + i * kValues;
      const float* value = from + half * p.channels;
      if constexpr (kValues == 4) {
        ptx::CopyAsync16(at, value, inside);
      } else {
        ptx::CopyAsync4(at, value, inside);
      }
    }
  }
}

template <int kSize, int kHalves>
__device__ inline void CopyLine(const DepthwiseParameters& p, const Place& place, int y, float* to) {
  if (p.aligned) {
    CopyLineBy<kSize, kHalves, 4>(p, place, y, to);
  } else {
    CopyLineBy<kSize, kHalves, 1>(p, place, y, to);
  }
}

// What a thread holds: the taps of its channels, and the sums of its columns in the kSize output lines that the line at
// hand counts for, the uppermost first.
template <int kSize, int kHalves>
struct Sums {
  Pair taps[kSize][kSize][kHalves];
  Pair bias[kHalves];
  Pair value[kSize][kHalves][kThreadColumns];

  __device__ void Load(const DepthwiseParameters& p, int channel) {
#pragma unroll
    for (int half = 0; half < kHalves; ++half) {
      const int64_t first = static_cast<int64_t>(half) * p.channels;
#pragma unroll
      for (int tap = 0; tap < kSize * kSize; ++tap) {
        const float* weight = p.weight + static_cast<int64_t>(tap) * kHalves * p.channels + first;
        taps[tap / kSize][tap % kSize][half] = LoadPair(weight, channel, p.channels);
      }
      bias[half] = p.bias == nullptr ? Pair{} : LoadPair(p.bias + first, channel, p.channels);
    }
#pragma unroll
    for (int line = 0; line < kSize; ++line) Begin(line);
  }

  __device__ void Begin(int line) {
#pragma unroll
    for (int half = 0; half < kHalves; ++half) {
#pragma unroll
      for (int t = 0; t < kThreadColumns; ++t) value[line][half][t] = bias[half];
    }
  }

  // `from`: the line in shared memory at the thread's first column and channel.
  __device__ void Add(const float* from) {
#pragma unroll
    for (int half = 0; half < kHalves; ++half) {
#pragma unroll
      for (int column = 0; column < kThreadColumns + kSize - 1; ++column) {
        const Pair x = *reinterpret_cast<const Pair*>(from + half * LineOf<kSize, kHalves>::kHalf + column * kChannels);
#pragma unroll
        for (int t = 0; t < kThreadColumns; ++t) {
          const int j = column - t;
          if (j < 0 || j >= kSize) continue;
#pragma unroll
          for (int line = 0; line < kSize; ++line) {
#pragma unroll
            for (int c = 0; c < kThreadChannels; ++c) {
              float& sum = value[line][half][t].value[c];
              sum = fmaf(x.value[c], taps[kSize - 1 - line][j][half].value[c], sum);
            }
          }
        }
      }
    }
  }

  // The uppermost line is complete.
  __device__ void Advance() {
#pragma unroll
    for (int line = 0; line + 1 < kSize; ++line) {
#pragma unroll
      for (int half = 0; half < kHalves; ++half) {
#pragma unroll
        for (int t = 0; t < kThreadColumns; ++t) value[line][half][t] = value[line + 1][half][t];
      }
    }
    Begin(kSize - 1);
  }

  __device__ Pair Result(int t) const {
    Pair result = value[0][0][t];
    if constexpr (kHalves == 2) {
#pragma unroll
      for (int c = 0; c < kThreadChannels; ++c) result.value[c] *= Silu(value[0][1][t].value[c]);
    }
    return result;
  }
};

__device__ inline void StorePair(const DepthwiseParameters& p, const Pair& pair, int64_t row, int channel) {
  float* to = p.out + row * p.out_stride + channel;
  if (p.aligned && channel < p.channels) {
    *reinterpret_cast<Pair*>(to) = pair;
    return;
  }
#pragma unroll
  for (int c = 0; c < kThreadChannels; ++c) {
    if (channel + c < p.channels) to[c] = pair.value[c];
  }
}

// A block owns 64 channels (of both halves) of 16 columns and `lines` lines of a picture, a warp 4 of the columns, a
// lane 2 neighbouring channels of those. Sums are f32. Shared memory: a ring of three lines with their margins.
// Alignment: 16 bytes where `aligned` says so, 4 otherwise. Three blocks a multiprocessor.
template <int kSize, int kHalves>
__global__ void __launch_bounds__(kThreads, kBlocksPerSm) DepthwiseKernel(const DepthwiseParameters p) {
  using Line = LineOf<kSize, kHalves>;
  float* ring = reinterpret_cast<float*>(ptx::SharedMemory());
  const Place place = PlaceOf(p);
  const int channel = place.channel + kThreadChannels * ptx::Lane();
  const int first_column = kThreadColumns * ptx::Warp();
  Sums<kSize, kHalves> sums;
  sums.Load(p, channel);
  ptx::WaitForPredecessor();

  const int first = place.line - kSize / 2, end = min(place.line + p.lines, p.height) + kSize / 2;
  for (int line = 0; line < kRing - 1; ++line) {
    CopyLine<kSize, kHalves>(p, place, first + line, ring + line * Line::kValues);
    ptx::CommitCopies();
  }
  int slot = 0;
  for (int y = first; y < end; ++y) {
    ptx::WaitCopies<kRing - 2>();
    ptx::SyncBlock();
    // Into the slot of the line before, which every thread has left behind.
    const int free_slot = slot == 0 ? kRing - 1 : slot - 1;
    if (y + kRing - 1 < end) CopyLine<kSize, kHalves>(p, place, y + kRing - 1, ring + free_slot * Line::kValues);
    ptx::CommitCopies();

    sums.Add(ring + slot * Line::kValues + first_column * kChannels + kThreadChannels * ptx::Lane());
    const int complete = y - kSize / 2;
    if (complete >= place.line) {
      const int64_t row = place.picture_row + static_cast<int64_t>(complete) * p.width + place.column + first_column;
#pragma unroll
      for (int t = 0; t < kThreadColumns; ++t) {
        if (place.column + first_column + t < p.width) StorePair(p, sums.Result(t), row + t, channel);
      }
    }
    sums.Advance();
    slot = slot + 1 == kRing ? 0 : slot + 1;
  }
  ptx::ReleaseSuccessor();
}

// A thread owns one output, neighbouring lanes neighbouring channels. Sums are f32. No shared memory. Alignment: 4
// bytes. Four blocks a multiprocessor.
__global__ void __launch_bounds__(kAnyThreads, kAnyBlocksPerSm) DepthwiseAnyKernel(const DepthwiseParameters p) {
  ptx::WaitForPredecessor();
  const int64_t index = static_cast<int64_t>(ptx::BlockX()) * kAnyThreads + ptx::Thread();
  const int64_t row = index / p.channels;
  const int channel = static_cast<int>(index % p.channels);
  if (row < p.rows) {
    const int column = static_cast<int>(row % p.width), line = static_cast<int>(row / p.width % p.height);
    float sum = 0.0f;
    for (int i = 0; i < p.size; ++i) {
      const int dy = i - p.size / 2;
      if (line + dy < 0 || line + dy >= p.height) continue;
      for (int j = 0; j < p.size; ++j) {
        const int dx = j - p.size / 2;
        if (column + dx < 0 || column + dx >= p.width) continue;
        const float x = p.x[(row + static_cast<int64_t>(dy) * p.width + dx) * p.x_stride + channel];
        sum = fmaf(x, p.weight[static_cast<int64_t>(i * p.size + j) * p.channels + channel], sum);
      }
    }
    p.out[row * p.out_stride + channel] = sum;
  }
  ptx::ReleaseSuccessor();
}

// ---- Launchers ------------------------------------------------------------------------------------------------------

// `halves`: how many channels of x make one of out.
DepthwiseParameters ParametersOf(Context& context, const Matrix& x, const Grid& grid, const View& weight,
                                 const View& bias, const Matrix& out, [[maybe_unused]] int64_t halves) {
  assert(x.rows == grid.rows() && out.rows == grid.rows() && x.cols == halves * out.cols);
  assert(weight.shape.rank() == 4 && weight.shape[0] == x.cols && weight.shape[2] == weight.shape[3]);
  assert(weight.shape[2] % 2 == 1);
  DepthwiseParameters p = {};
  p.x = x.data;
  p.x_stride = x.stride;
  p.weight = context.weights->Depthwise(*context.queue, weight);
  p.bias = context.weights->Vector(*context.queue, bias);
  p.out = out.data;
  p.out_stride = out.stride;
  p.rows = grid.rows();
  p.channels = static_cast<int32_t>(out.cols);
  p.height = static_cast<int32_t>(grid.height);
  p.width = static_cast<int32_t>(grid.width);
  p.size = static_cast<int32_t>(weight.shape[2]);
  p.aligned = QuadsAligned({x, out}) && out.cols % 4 == 0;
  return p;
}

Cost CostOf(const Matrix& x, const View& weight, const Matrix& out) {
  const double values = static_cast<double>(x.rows) * static_cast<double>(x.cols);
  return {.bytes = 4.0 * (values + static_cast<double>(out.rows) * static_cast<double>(out.cols) +
                          static_cast<double>(weight.count())),
          .flops = 2.0 * static_cast<double>(weight.shape[2] * weight.shape[3]) * values};
}

// Bands as high as leave work for every multiprocessor: what two bands both read is read twice.
int64_t LinesOf(const Grid& grid, int64_t blocks_per_band, int multiprocessors) {
  int64_t lines = kMaxLines;
  while (lines > kMinLines &&
         grid.pictures * CeilDiv(grid.height, lines) * blocks_per_band < kBlocksPerSm * multiprocessors) {
    lines /= 2;
  }
  return lines;
}

template <int kSize, int kHalves>
void LaunchTiles(Context& context, const char* name, DepthwiseParameters p, const Grid& grid, const Cost& cost) {
  p.columns = static_cast<int32_t>(CeilDiv(p.width, kColumns));
  p.channel_tiles = static_cast<int32_t>(CeilDiv(p.channels, kChannels));
  const int64_t blocks_per_band = static_cast<int64_t>(p.columns) * p.channel_tiles;
  p.lines = static_cast<int32_t>(LinesOf(grid, blocks_per_band, context.queue->limits().multiprocessors));
  p.bands = static_cast<int32_t>(CeilDiv(p.height, p.lines));
  Launch(*context.queue, name, DepthwiseKernel<kSize, kHalves>,
         {.grid = {grid.pictures * p.bands * blocks_per_band, 1, 1},
          .threads = kThreads,
          .blocks_per_sm = kBlocksPerSm,
          .shared_bytes = LineOf<kSize, kHalves>::kRingBytes},
         p, cost);
}

}  // namespace

void DepthwiseConv(Context& context, const Matrix& x, const Grid& grid, const View& weight, const Matrix& out) {
  const DepthwiseParameters p = ParametersOf(context, x, grid, weight, {}, out, 1);
  const Cost cost = CostOf(x, weight, out);
  switch (p.size) {
    case 3:
      return LaunchTiles<3, 1>(context, "DepthwiseConv", p, grid, cost);
    case 5:
      return LaunchTiles<5, 1>(context, "DepthwiseConv", p, grid, cost);
    default:
      break;
  }
  Launch(*context.queue, "DepthwiseConv/any", DepthwiseAnyKernel,
         {.grid = {CeilDiv(out.rows * out.cols, kAnyThreads), 1, 1},
          .threads = kAnyThreads,
          .blocks_per_sm = kAnyBlocksPerSm},
         p, cost);
}

void DepthwiseGate(Context& context, const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                   const Matrix& out) {
  const DepthwiseParameters p = ParametersOf(context, x, grid, weight, bias, out, 2);
  assert(p.size == 3);
  LaunchTiles<3, 2>(context, "DepthwiseGate", p, grid, CostOf(x, weight, out));
}

}  // namespace blip3o::cuda
