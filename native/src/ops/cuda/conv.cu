// Convolutions as products on tensor cores: out[pixel, n] = epilogue(Σ_tap Σ_c x[pixel + tap, c] · weight[n, tap, c]).
//
//   Conv3x3            3×3 taps, zero padding;
//   UpsampleConv3x3    nearest ×2, then 3×3: for each of the four pixels that come of one, 2×2 taps on the small grid,
//                      whose weights are sums of the 3×3's; 16 products a channel pair in place of 36;
//   DownsampleConv3x3  3×3 taps around every second pixel.
//
// Bound by the tensor cores: 6.4 TFLOP for a decoded picture of 1024², 10.4 ms at the 613 TFLOP/s that mma.sync reaches
// on an H100 (62 % of its 989). No operand is gathered in memory: a block takes the pixels under 8 × 16 outputs with
// their margin once for 32 channels (64 bytes of bf16 a pixel) into shared memory, and every tap reads its own shifted
// rows of them, so that x is read 1.4 times and not 9. The weights come by asynchronous copies, two taps ahead, from
// L2; x comes by registers, which round it: a few values each tap, of the next channels, while the tensor cores are
// busy. A warp owns 64 × 64 outputs: two blocks read 32 KiB of shared memory, 256 cycles, for each 400 cycles of their
// products. They ask L2 for 336 bytes a channel, tap and block, 6.3 TB/s at that rate: taller blocks would ask less,
// but only one would find room, and nothing would run while it begins and ends, a fifth of its time at 128 channels.
//
// Few outputs (the autoencoder's 128 → 3 at 1024²: 0.55 GB, 160 µs) are bound by the bytes of x: then a block owns 16
// channels, a warp 32 pixels, and three blocks a multiprocessor fetch their next 32 channels all at once.
//
// kF32: x lies in shared memory as bf16 hi and lo of 16 channels (64 bytes a pixel too), the weights as f32; a lane
// splits what it reads of them, and hi·lo, lo·hi, hi·hi are summed.
//
// Order of sums, by Cin alone: 32 (kF32: 16) channels, in them tap after tap, in them 16 channels. Zeros where a tap
// lies outside.
#include <algorithm>
#include <cassert>
#include <cstdint>

#include "ops/cuda/device_math.h"
#include "ops/cuda/kernels.h"
#include "ops/cuda/quad.h"

namespace blip3o::cuda {

namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / ptx::kWarp;
constexpr int kStages = 3;         // taps of weights in shared memory
constexpr int kRowBytes = 64;      // of a pixel's or an output channel's values in shared memory
constexpr int kSegmentBytes = 16;  // that one address of ldmatrix gives
constexpr int kSegments = kRowBytes / kSegmentBytes;
constexpr int kLineRows = 16;         // outputs in a line of a block: the rows of an mma
constexpr int kChannelMultiple = 32;  // that the weights pad Cin to
constexpr int kNarrowChannels = 48;   // at most so many output channels are narrow

enum class Form { kPlain, kUpsample, kDownsample };

// A block's shape.
template <Form kForm_, bool kNarrow, bool kSplit_>
struct Tile {
  static constexpr Form kForm = kForm_;
  static constexpr bool kSplit = kSplit_;  // kF32
  static constexpr int kSide = kForm == Form::kUpsample ? 2 : 3;
  static constexpr int kTaps = kSide * kSide;
  static constexpr int kStride = kForm == Form::kDownsample ? 2 : 1;

  static constexpr int kLines = kForm == Form::kDownsample ? 4 : 8;  // of 16 outputs
  static constexpr int kWidth = kNarrow ? 16 : 128;                  // output channels
  static constexpr int kWarpsAcross = kNarrow ? 1 : (kLines == 8 ? 2 : 4);
  static constexpr int kWarpLines = kLines * kWarpsAcross / kWarps;
  static constexpr int kWarpWidth = kWidth / kWarpsAcross;
  static constexpr int kBlocksPerSm = kForm == Form::kDownsample ? 1 : (kNarrow ? 3 : 2);

  static constexpr int kChunk = kSplit ? 16 : 32;                      // channels in shared memory
  static constexpr int kMarginLines = (kLines - 1) * kStride + kSide;  // of x under the block
  static constexpr int kMarginColumns = (kLineRows - 1) * kStride + kSide;
  static constexpr int kPixels = kMarginLines * kMarginColumns;
  static constexpr int kPixelQuads = kChunk / 4;
  static constexpr int kFetches = (kPixels * kPixelQuads + kThreads - 1) / kThreads;  // quads of a thread and chunk
  static constexpr int kStepFetches = kNarrow ? kFetches : (kFetches + kTaps - 1) / kTaps;

  static constexpr int kPixelBytes = kPixels * kRowBytes;
  static constexpr int kWeightBytes = kWidth * kRowBytes;
  static constexpr int kSharedBytes = 2 * kPixelBytes + kStages * kWeightBytes;
  static constexpr int kStagedStride = kWarpWidth + 8;  // floats: no two rows of an mma on one bank
  static constexpr int kStagedFloats = kLineRows * kStagedStride;
  static_assert(kWarps * kStagedFloats * 4 <= kSharedBytes);
  static_assert(kBlocksPerSm * (kSharedBytes + 1024) <= 100 << 10);
};

struct ConvParameters {
  const float* x;  // [pictures, height, width, channels]
  int32_t x_stride;
  const char* weight;                   // kConv or kUpsample of WeightStore
  int64_t weight_bytes;                 // from row to row
  int32_t tap_bytes;                    // of the padded channels
  int32_t chunks;                       // of kChunk channels
  int32_t channels;                     // Cin
  int32_t out_channels;                 // Cout
  int32_t height, width;                // of x
  int32_t out_height, out_width;        // of the outputs of one phase
  int32_t width_tiles, columns, bands;  // how many blocks side by side: channels, columns, lines
  DeviceEpilogue epilogue;
  float* out;
  int64_t out_stride;
  bool x_aligned;    // every row of x starts at 16 bytes and is of whole quads
  bool out_aligned;  // and so of out and residual
};

// Where a block works.
struct Place {
  int32_t phase;         // of kUpsample: 2 · row + column of the output under a pixel
  int32_t n;             // first output channel
  int32_t line, column;  // first output of its phase
  int32_t y, x;          // first pixel of the margin
  int64_t picture;
  int64_t x_offset;  // of the margin's first pixel, which may lie outside of x
};

// Blocks of one place and all output channels run at the same time: x comes from memory once.
template <typename T>
__device__ inline Place PlaceOf(const ConvParameters& p) {
  int block = ptx::BlockX();
  Place place;
  place.phase = ptx::BlockY();
  place.n = block % p.width_tiles * T::kWidth;
  block /= p.width_tiles;
  place.column = block % p.columns * kLineRows;
  block /= p.columns;
  place.line = block % p.bands * T::kLines;
  place.picture = block / p.bands;
  // Phase 0 of an axis sees the pixel before and its own, phase 1 its own and the one behind.
  place.y = place.line * T::kStride - 1 + place.phase / 2;
  place.x = place.column * T::kStride - 1 + place.phase % 2;
  place.x_offset = ((place.picture * p.height + place.y) * p.width + place.x) * p.x_stride;
  return place;
}

// ---- Shared memory --------------------------------------------------------------------------------------------------

// Rows of 64 bytes: the 16-byte segments of 8 rows that follow each other fall on different banks.
__device__ inline int SwizzledOffset(int row, int segment) {
  return row * kRowBytes + (segment ^ ((row >> 1) & (kSegments - 1))) * kSegmentBytes;
}

// The row of a pixel of the margin. At a stride of 2 even columns come first, so that the pixels under neighbouring
// outputs follow each other.
template <typename T>
__device__ inline int PixelRow(int line, int column) {
  if constexpr (T::kStride == 2) column = (column & 1) * ((T::kMarginColumns + 1) / 2) + (column >> 1);
  return line * T::kMarginColumns + column;
}

// The copies of weights, a step's one tap of one chunk: what a thread copies lies at the same places of every step.
template <typename T>
struct WeightCopies {
  static constexpr int kRowsApart = kThreads / kSegments;  // of a thread's copies
  static constexpr int kCount = (T::kWidth + kRowsApart - 1) / kRowsApart;
  static_assert(kRowsApart % 8 == 0);  // so they are swizzled alike

  const char* from;
  int64_t apart_bytes;
  int32_t tap_bytes;
  int to, rows;  // offset in a stage; rows from its own on

  __device__ WeightCopies(const ConvParameters& p, const Place& place) {
    const int n = ptx::Thread() / kSegments, segment = ptx::Thread() % kSegments;
    rows = min(T::kWidth, p.out_channels - place.n) - n;
    const int64_t row = static_cast<int64_t>(place.phase) * p.out_channels + place.n + n;
    from = p.weight + row * p.weight_bytes + segment * kSegmentBytes;
    apart_bytes = kRowsApart * p.weight_bytes;
    tap_bytes = p.tap_bytes;
    to = SwizzledOffset(n, segment);
  }

  __device__ void Start(int step, char* stage) const {
    const char* at = from + static_cast<int64_t>(step % T::kTaps) * tap_bytes + step / T::kTaps * kRowBytes;
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      if (T::kWidth < kRowsApart && ptx::Thread() >= T::kWidth * kSegments) continue;
      ptx::CopyAsync16(stage + to + i * kRowsApart * kRowBytes, at + i * apart_bytes, i * kRowsApart < rows);
    }
  }
};

// ---- x --------------------------------------------------------------------------------------------------------------

// Quads of the margin on their way to shared memory, the thread's [first, first + kCount) of a chunk.
template <typename T, int kCount>
struct Fetch {
  Quad quads[kCount];

  // Of the margin's quads.
  struct At {
    int line, column, quad;
    bool exists;
    // The i-th of the thread.
    __device__ explicit At(int i) {
      const uint32_t index = static_cast<uint32_t>(i * kThreads + ptx::Thread()), pixel = index / T::kPixelQuads;
      line = static_cast<int>(pixel / T::kMarginColumns);
      column = static_cast<int>(pixel % T::kMarginColumns);
      quad = static_cast<int>(index % T::kPixelQuads);
      exists = pixel < T::kPixels;
    }
  };

  __device__ void Load(const ConvParameters& p, const Place& place, int chunk, int first) {
    if (p.x_aligned) {
      LoadBy<true>(p, place, chunk, first);
    } else {
      LoadBy<false>(p, place, chunk, first);
    }
  }

  // All loads are under way before the first value is waited for.
  template <bool kAligned>
  __device__ void LoadBy(const ConvParameters& p, const Place& place, int chunk, int first) {
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const At at(first + i);
      const int channel = chunk * T::kChunk + at.quad * 4, y = place.y + at.line, x = place.x + at.column;
      const bool inside = at.exists && y >= 0 && y < p.height && x >= 0 && x < p.width;
      const int pixel = at.line * p.width + at.column;
      const float* from = p.x + (place.x_offset + static_cast<int64_t>(pixel) * p.x_stride + channel);
      quads[i] = Quad{};
      if constexpr (kAligned) {
        if (inside && channel < p.channels) quads[i] = *reinterpret_cast<const Quad*>(from);
      } else {
#pragma unroll
        for (int c = 0; c < 4; ++c) {
          if (inside && channel + c < p.channels) quads[i].value[c] = from[c];
        }
      }
    }
  }

  __device__ void Store(int first, char* pixels) const {
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const At at(first + i);
      if (!at.exists) continue;
      const int row = PixelRow<T>(at.line, at.column), half = (at.quad & 1) * static_cast<int>(sizeof(BF16Quad));
      char* to = pixels + SwizzledOffset(row, at.quad >> 1) + half;
      const float(&v)[4] = quads[i].value;
      if constexpr (T::kSplit) {
        const SplitWords left = SplitBF16(v[0], v[1]), right = SplitBF16(v[2], v[3]);
        char* to_low = pixels + SwizzledOffset(row, (at.quad >> 1) + 2) + half;
        *reinterpret_cast<BF16Quad*>(to) = {left.high, right.high};
        *reinterpret_cast<BF16Quad*>(to_low) = {left.low, right.low};
      } else {
        *reinterpret_cast<BF16Quad*>(to) = {ptx::PackBF16(v[0], v[1]), ptx::PackBF16(v[2], v[3])};
      }
    }
  }
};

// ---- Products -------------------------------------------------------------------------------------------------------

// The sums of a warp.
template <typename T>
struct Sums {
  float value[T::kWarpLines][T::kWarpWidth / 8][4] = {};
  int first_line, first_n;  // of the block's

  __device__ Sums() {
    first_line = ptx::Warp() / T::kWarpsAcross * T::kWarpLines;
    first_n = ptx::Warp() % T::kWarpsAcross * T::kWarpWidth;
  }

  // Where the lane's segments of the pixels under the warp's lines begin, shifted by the tap. Those of the second half
  // of a row are found by kHalf.
  static constexpr int kHalf = 2 * kSegmentBytes;
  __device__ void Find(int tap, int (&at)[T::kWarpLines]) const {
    const int column = ptx::Lane() % kLineRows * T::kStride + tap % T::kSide, segment = ptx::Lane() / kLineRows;
#pragma unroll
    for (int m = 0; m < T::kWarpLines; ++m) {
      const int row = PixelRow<T>((first_line + m) * T::kStride + tap / T::kSide, column);
      at[m] = SwizzledOffset(row, segment);
    }
  }

  __device__ static void Load(const char* pixels, const int (&at)[T::kWarpLines], int half,
                              uint32_t (&a)[T::kWarpLines][4]) {
#pragma unroll
    for (int m = 0; m < T::kWarpLines; ++m) ptx::LoadMatrix4(a[m], pixels + (at[m] ^ half * kHalf));
  }

  __device__ void Add(int n8, const uint32_t (&a)[T::kWarpLines][4], const uint32_t (&b)[2]) {
#pragma unroll
    for (int m = 0; m < T::kWarpLines; ++m) ptx::MmaBF16(value[m][n8], a[m], b);
  }

  __device__ void AddRounded(const char* pixels, const char* weights, int tap) {
    int at[T::kWarpLines];
    Find(tap, at);
    // Rows 8 apart are swizzled alike.
    const int row = first_n + ptx::Lane() / 16 * 8 + ptx::Lane() % 8;
    const int weights_at = SwizzledOffset(row, ptx::Lane() / 8 % 2);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      uint32_t a[T::kWarpLines][4];
      Load(pixels, at, half, a);
      const char* of_half = weights + (weights_at ^ half * kHalf);
#pragma unroll
      for (int n8 = 0; n8 < T::kWarpWidth / 8; n8 += 2) {
        uint32_t b[4];
        ptx::LoadMatrix4(b, of_half + 8 * n8 * kRowBytes);
        Add(n8, a, {b[0], b[1]});
        Add(n8 + 1, a, {b[2], b[3]});
      }
    }
  }

  __device__ void AddSplit(const char* pixels, const char* weights, int tap) {
    int at[T::kWarpLines];
    Find(tap, at);
    uint32_t high[T::kWarpLines][4], low[T::kWarpLines][4];
    Load(pixels, at, 0, high);
    Load(pixels, at, 1, low);
    const int pair = ptx::Lane() % 4;  // values 2 · pair, and 8 behind them
    const int weights_at = SwizzledOffset(first_n + ptx::Lane() / 4, pair / 2);
    const char* of_pair = weights + pair % 2 * static_cast<int>(sizeof(Float2));
#pragma unroll
    for (int n8 = 0; n8 < T::kWarpWidth / 8; ++n8) {
      SplitWords b[2];
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        const char* of_n8 = of_pair + (weights_at ^ i * kHalf) + 8 * n8 * kRowBytes;
        const Float2 values = *reinterpret_cast<const Float2*>(of_n8);
        b[i] = SplitBF16(values.x, values.y);
      }
      Add(n8, high, {b[0].low, b[1].low});
      Add(n8, low, {b[0].high, b[1].high});
      Add(n8, high, {b[0].high, b[1].high});
    }
  }

  struct alignas(8) Float2 {
    float x, y;
  };

  // The 16 outputs of line `m`, [16, kWarpWidth] in the warp's part of shared memory.
  __device__ void Stage(int m, float* staged) const {
    float* at = staged + ptx::Lane() / 4 * T::kStagedStride + ptx::Lane() % 4 * 2;
#pragma unroll
    for (int i = 0; i < T::kWarpLines; ++i) {
      if (i != m) continue;
#pragma unroll
      for (int n8 = 0; n8 < T::kWarpWidth / 8; ++n8) {
        *reinterpret_cast<Float2*>(at + 8 * n8) = {value[i][n8][0], value[i][n8][1]};
        *reinterpret_cast<Float2*>(at + 8 * n8 + 8 * T::kStagedStride) = {value[i][n8][2], value[i][n8][3]};
      }
    }
  }
};

// ---- Results --------------------------------------------------------------------------------------------------------

// Four channels of every few outputs of a line, in a lane.
template <typename T>
struct Results {
  static constexpr int kQuads = T::kWarpWidth / 4;  // of an output
  static constexpr int kApart = ptx::kWarp / kQuads;
  static constexpr int kCount = kLineRows / kApart;

  const ConvParameters& p;
  float* staged;  // the lane's first quad
  int n;          // its first channel

  __device__ Results(const ConvParameters& parameters, int first_n, float* of_warp)
      : p(parameters),
        staged(of_warp + ptx::Lane() / kQuads * T::kStagedStride + ptx::Lane() % kQuads * 4),
        n(first_n + ptx::Lane() % kQuads * 4) {}

  __device__ static int RowOf(int i) { return ptx::Lane() / kQuads + i * kApart; }
  __device__ Quad& At(int i) const { return *reinterpret_cast<Quad*>(staged + i * kApart * T::kStagedStride); }

  // In place: what needs many instructions stands in the code once.
  __device__ void AddBiasAndActivate() const {
    const Quad bias = p.epilogue.bias == nullptr ? Quad{} : LoadQuad(p.epilogue.bias, n, p.out_channels, false);
#pragma unroll 1
    for (int i = 0; i < kCount; ++i) {
      Quad quad = At(i);
#pragma unroll
      for (int c = 0; c < 4; ++c) quad.value[c] = Activated(p.epilogue.activation, quad.value[c] + bias.value[c]);
      At(i) = quad;
    }
  }

  // `rows[i]`: of out; negative: none. kAligned: whole quads at 16 bytes. All loads come before the first store.
  template <bool kAligned>
  __device__ void Store(const int64_t (&rows)[kCount]) const {
    if (n >= p.out_channels) return;
    Quad residual[kCount];
    if (p.epilogue.residual != nullptr) {
#pragma unroll
      for (int i = 0; i < kCount; ++i) {
        const float* row = p.epilogue.residual + rows[i] * p.epilogue.residual_stride;
        if (rows[i] >= 0) residual[i] = LoadQuad(row, n, kAligned ? n + 4 : p.out_channels, kAligned);
      }
    }
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      if (rows[i] < 0) continue;
      Quad quad = At(i);
      if (p.epilogue.residual != nullptr) {
#pragma unroll
        for (int c = 0; c < 4; ++c) quad.value[c] += residual[i].value[c];
      }
      StoreQuad(quad, p.out + rows[i] * p.out_stride, n, kAligned ? n + 4 : p.out_channels, kAligned);
    }
  }
};

// The row of out for output (line, column) of the place's phase; negative outside.
template <typename T>
__device__ inline int64_t OutRow(const ConvParameters& p, const Place& place, int line, int column) {
  if (line >= p.out_height || column >= p.out_width) return -1;
  if constexpr (T::kForm == Form::kUpsample) {
    const int64_t y = (place.picture * p.out_height + line) * 2 + place.phase / 2;
    return (y * p.out_width + column) * 2 + place.phase % 2;
  }
  return (place.picture * p.out_height + line) * p.out_width + column;
}

template <typename T>
__device__ inline void StoreSums(const ConvParameters& p, const Place& place, const Sums<T>& sums, float* staged) {
  const Results<T> results(p, place.n + sums.first_n, staged);
#pragma unroll 1
  for (int m = 0; m < T::kWarpLines; ++m) {
    sums.Stage(m, staged);
    ptx::SyncWarp();
    if (p.epilogue.bias != nullptr || p.epilogue.activation != Activation::kNone) results.AddBiasAndActivate();
    int64_t rows[Results<T>::kCount];
#pragma unroll
    for (int i = 0; i < Results<T>::kCount; ++i) {
      rows[i] = OutRow<T>(p, place, place.line + sums.first_line + m, place.column + results.RowOf(i));
    }
    if (p.out_aligned) {
      results.template Store<true>(rows);
    } else {
      results.template Store<false>(rows);
    }
    ptx::SyncWarp();
  }
}

// A block owns 8 (stride 2: 4) lines of 16 outputs and 128 or 16 output channels; a warp 64 × 64 of them (stride 2:
// 64 × 32; narrow: 32 or 16 × 16) in fragments of mma; a thread fetches every 128th quad of the pixels below. Sums are
// f32. Shared memory: two chunks of pixels, three taps of weights; behind the products a line of results for each warp.
// Alignment: the weights' rows at 16 bytes; x, out and residual at 16 where they are said to be, at 4 otherwise. Two
// blocks a multiprocessor; narrow three; stride 2 one.
template <typename T>
__global__ void __launch_bounds__(kThreads, T::kBlocksPerSm) ConvKernel(const ConvParameters p) {
  char* pixels = ptx::SharedMemory();
  char* weights = pixels + 2 * T::kPixelBytes;
  const Place place = PlaceOf<T>(p);
  const int steps = p.chunks * T::kTaps;
  const WeightCopies<T> copies(p, place);
  for (int step = 0; step < kStages - 1; ++step) {
    copies.Start(step, weights + step * T::kWeightBytes);
    ptx::CommitCopies();
  }
  ptx::WaitForPredecessor();
  {
    Fetch<T, T::kFetches> whole;
    whole.Load(p, place, 0, 0);
    whole.Store(0, pixels);
  }

  Sums<T> sums;
  const bool busy = place.line + sums.first_line < p.out_height && place.n + sums.first_n < p.out_channels;
  int chunk = 0, tap = 0, slot = 0;
#pragma unroll 1
  for (int step = 0; step < steps; ++step) {
    ptx::WaitCopies<kStages - 2>();
    ptx::SyncBlock();
    // Into the slot of the step before, which every thread has left behind.
    const int free_slot = slot == 0 ? kStages - 1 : slot - 1;
    if (step + kStages - 1 < steps) copies.Start(step + kStages - 1, weights + free_slot * T::kWeightBytes);
    ptx::CommitCopies();

    const int first = tap * T::kStepFetches;
    const bool fetching = chunk + 1 < p.chunks && first < T::kFetches;
    Fetch<T, T::kStepFetches> next;
    if (fetching) next.Load(p, place, chunk + 1, first);
    const char* now = pixels + chunk % 2 * T::kPixelBytes;
    if (busy) {
      if constexpr (T::kSplit) {
        sums.AddSplit(now, weights + slot * T::kWeightBytes, tap);
      } else {
        sums.AddRounded(now, weights + slot * T::kWeightBytes, tap);
      }
    }
    if (fetching) next.Store(first, pixels + (chunk + 1) % 2 * T::kPixelBytes);

    slot = slot + 1 == kStages ? 0 : slot + 1;
    if (++tap == T::kTaps) tap = 0, ++chunk;
  }
  ptx::ReleaseSuccessor();
  ptx::SyncBlock();
  if (busy) StoreSums(p, place, sums, reinterpret_cast<float*>(pixels) + ptx::Warp() * T::kStagedFloats);
}

// ---- Launchers ------------------------------------------------------------------------------------------------------

template <typename T>
void LaunchTiles(Context& context, const char* name, ConvParameters p, int64_t pictures, const Cost& cost) {
  p.chunks = static_cast<int32_t>(CeilDiv(p.channels, T::kChunk));
  p.width_tiles = static_cast<int32_t>(CeilDiv(p.out_channels, T::kWidth));
  p.columns = static_cast<int32_t>(CeilDiv(p.out_width, kLineRows));
  p.bands = static_cast<int32_t>(CeilDiv(p.out_height, T::kLines));
  const int64_t phases = T::kForm == Form::kUpsample ? 4 : 1;
  Launch(*context.queue, name, ConvKernel<T>,
         {.grid = {pictures * p.bands * p.columns * p.width_tiles, phases, 1},
          .threads = kThreads,
          .blocks_per_sm = T::kBlocksPerSm,
          .shared_bytes = T::kSharedBytes},
         p, cost);
}

double ValuesOf(const Matrix& m) { return static_cast<double>(m.rows) * static_cast<double>(m.cols); }

// Products in the padding of channels don't count; the three of split operands do.
Cost CostOf(const Matrix& x, const DeviceWeight& weight, double taps, const Epilogue& epilogue, const Matrix& out) {
  const bool split = weight.type == WeightType::kF32;
  const double weights = static_cast<double>(weight.rows) * static_cast<double>(weight.cols) * (split ? 4 : 2);
  return {.bytes = 4 * (ValuesOf(x) + ValuesOf(out) * (epilogue.residual.empty() ? 1 : 2)) + weights,
          .flops = 2 * taps * static_cast<double>(x.cols) * ValuesOf(out) * (split ? 3 : 1),
          .tensor_cores = true};
}

template <Form kForm>
void Convolve(Context& context, const char* name, const Matrix& x, const Grid& grid, const View& view,
              const Epilogue& epilogue, const Matrix& out) {
  constexpr int64_t kTaps = Tile<kForm, false, false>::kTaps, kStride = Tile<kForm, false, false>::kStride;
  assert(x.rows == grid.rows() && view.shape.rank() == 4 && view.shape[2] == 3 && view.shape[3] == 3);
  assert(view.shape[0] == out.cols && view.shape[1] == x.cols && epilogue.gate.empty());
  const Use use = kForm == Form::kUpsample ? Use::kUpsample : Use::kConv;
  const DeviceWeight weight = context.weights->Rows(*context.queue, view, use);
  const bool split = weight.type == WeightType::kF32;
  ConvParameters p = {};
  p.x = x.data;
  p.x_stride = static_cast<int32_t>(x.stride);
  p.weight = static_cast<const char*>(weight.data);
  p.weight_bytes = weight.stride * (split ? 4 : 2);
  p.tap_bytes = static_cast<int32_t>(RoundUp(x.cols, kChannelMultiple) * (split ? 4 : 2));
  p.channels = static_cast<int32_t>(x.cols);
  p.out_channels = static_cast<int32_t>(out.cols);
  p.height = static_cast<int32_t>(grid.height);
  p.width = static_cast<int32_t>(grid.width);
  p.out_height = static_cast<int32_t>(grid.height / kStride);
  p.out_width = static_cast<int32_t>(grid.width / kStride);
  p.epilogue.bias = context.weights->Vector(*context.queue, epilogue.bias);
  p.epilogue.activation = epilogue.activation;
  p.epilogue.residual = epilogue.residual.data;
  p.epilogue.residual_stride = epilogue.residual.stride;
  p.out = out.data;
  p.out_stride = out.stride;
  p.x_aligned = QuadsAligned({x}) && x.cols % 4 == 0;
  p.out_aligned = QuadsAligned({out, epilogue.residual}) && out.cols % 4 == 0;

  const Cost cost = CostOf(x, weight, kTaps, epilogue, out);
  const bool narrow = out.cols <= kNarrowChannels;
  if (narrow && split) return LaunchTiles<Tile<kForm, true, true>>(context, name, p, grid.pictures, cost);
  if (narrow) return LaunchTiles<Tile<kForm, true, false>>(context, name, p, grid.pictures, cost);
  if (split) return LaunchTiles<Tile<kForm, false, true>>(context, name, p, grid.pictures, cost);
  LaunchTiles<Tile<kForm, false, false>>(context, name, p, grid.pictures, cost);
}

}  // namespace

void Conv3x3(Context& context, const Matrix& x, const Grid& grid, const View& weight, const Epilogue& epilogue,
             const Matrix& out) {
  assert(out.rows == grid.rows());
  Convolve<Form::kPlain>(context, "Conv3x3", x, grid, weight, epilogue, out);
}

void UpsampleConv3x3(Context& context, const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                     const Matrix& out) {
  assert(out.rows == 4 * grid.rows());
  Convolve<Form::kUpsample>(context, "UpsampleConv3x3", x, grid, weight, {.bias = bias}, out);
}

void DownsampleConv3x3(Context& context, const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                       const Matrix& out) {
  assert(grid.height % 2 == 0 && grid.width % 2 == 0 && 4 * out.rows == grid.rows());
  Convolve<Form::kDownsample>(context, "DownsampleConv3x3", x, grid, weight, {.bias = bias}, out);
}

}  // namespace blip3o::cuda
