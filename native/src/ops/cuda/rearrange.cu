// Moves values between pixels and channels: pixel shuffles, patches, shortcuts that repeat or average, planes.
//
// Bound by memory: a value is read and written once and hardly computed with. Neighbouring lanes take neighbouring
// channels of one pixel, so that a warp reads and writes whole sectors of 32 bytes on both sides, and what two of its
// loads share it finds in L1. Every thread loads all of a batch before it stores: with 1024 threads a multiprocessor
// has 16 to 32 KiB under way, where an H100's bandwidth times latency is 18 KiB. AddUpsampled before the last stage of
// the autoencoder, 512² · 256 → 1024² · 128: 1.34 GB, 0.4 ms at 3.35 TB/s.
//
// Sums have ascending order.
#include <algorithm>
#include <cassert>
#include <cstdint>

#include "ops/cuda/kernels.h"
#include "ops/cuda/quad.h"

namespace blip3o::cuda {

namespace {

constexpr int kThreads = 256;
constexpr int kBlocksPerSm = 4;
constexpr int kBlockItems = 1024;

constexpr int kTileRows = 64;  // of a transposed tile
constexpr int kTileCols = 32;
constexpr int kTileStride = kTileCols + 1;  // its columns fall on different banks
constexpr int kTileBlocksPerSm = 6;

// What a block goes over: `pixels` of a line, `items` a pixel. Operations on rows have one line of all rows.
template <typename Operation>
struct RearrangeParameters {
  Operation operation;
  int64_t width;     // pixels of a line
  int32_t segments;  // blocks of a line
  int32_t pixels;    // of a block
  int32_t items;     // of a pixel
};

struct Item {
  int64_t line, column;
  int item;
};

// A thread owns every 256th item of the block's pixels, two or four of them at a time. Sums are f32. No shared memory.
// Alignment: 16 bytes where the operation says `aligned`, 4 otherwise. Four blocks a multiprocessor.
template <typename Operation>
__global__ void __launch_bounds__(kThreads, kBlocksPerSm) RearrangeKernel(const RearrangeParameters<Operation> p) {
  using Value = typename Operation::Value;
  constexpr int kBatch = sizeof(Value) == sizeof(float) ? 4 : 2;
  ptx::WaitForPredecessor();
  const int64_t line = ptx::BlockX() / p.segments;
  const int64_t first = static_cast<int64_t>(ptx::BlockX() % p.segments) * p.pixels;
  const int count = static_cast<int>(min(static_cast<int64_t>(p.pixels), p.width - first)) * p.items;
  const auto item_of = [&](int i) {
    const int pixel = static_cast<int>(static_cast<uint32_t>(i) / static_cast<uint32_t>(p.items));
    return Item{line, first + pixel, i - pixel * p.items};
  };
  for (int begin = ptx::Thread(); begin < count; begin += kBatch * kThreads) {
    Value values[kBatch];
#pragma unroll
    for (int b = 0; b < kBatch; ++b) {
      if (begin + b * kThreads < count) values[b] = p.operation.Load(item_of(begin + b * kThreads));
    }
#pragma unroll
    for (int b = 0; b < kBatch; ++b) {
      if (begin + b * kThreads < count) p.operation.Store(item_of(begin + b * kThreads), values[b]);
    }
  }
  ptx::ReleaseSuccessor();
}

// The four pixels of a map of doubled width under pixel `at` of the plain map; pixel 2i + j is (2y + i, 2x + j).
struct Doubled {
  Operand map;
  int64_t width;  // of the plain map
  __device__ float* Pixel(const Item& at, int pixel) const {
    const int64_t row = (2 * at.line + pixel / 2) * 2 * width + 2 * at.column + pixel % 2;
    return map.data + row * map.stride;
  }
};

struct Shuffling {
  using Value = Quad;
  Operand x;
  Doubled out;
  bool aligned;
  __device__ Quad Load(const Item& at) const {
    const float* row = x.data + (at.line * out.width + at.column) * x.stride;
    return LoadQuad(row, 4 * at.item, 4 * at.item + 4, aligned);
  }
  __device__ void Store(const Item& at, const Quad& quad) const {
#pragma unroll
    for (int pixel = 0; pixel < 4; ++pixel) out.Pixel(at, pixel)[at.item] = quad.value[pixel];
  }
};

struct AddingUpsampled {
  using Value = Quad;
  Operand x;
  Doubled out;
  int32_t repeats;
  __device__ Quad Load(const Item& at) const {
    const float* row = x.data + (at.line * out.width + at.column) * x.stride;
    int channel = 4 * at.item / repeats, repeat = 4 * at.item % repeats;
    Quad quad;
#pragma unroll
    for (int pixel = 0; pixel < 4; ++pixel) {
      quad.value[pixel] = out.Pixel(at, pixel)[at.item] + row[channel];
      if (++repeat == repeats) repeat = 0, ++channel;
    }
    return quad;
  }
  __device__ void Store(const Item& at, const Quad& quad) const {
#pragma unroll
    for (int pixel = 0; pixel < 4; ++pixel) out.Pixel(at, pixel)[at.item] = quad.value[pixel];
  }
};

struct AddingRepeated {
  using Value = float;
  Operand x, out;
  int32_t repeats;
  __device__ float Load(const Item& at) const {
    return out.data[at.column * out.stride + at.item] + x.data[at.column * x.stride + at.item / repeats];
  }
  __device__ void Store(const Item& at, float value) const { out.data[at.column * out.stride + at.item] = value; }
};

// Lines of the map under those of the patches.
struct Patched {
  Operand map;
  int64_t height, width;  // of the map
  int64_t lines;          // of patches in a picture
  int32_t patch;
  __device__ const float* Pixel(const Item& at, int i, int j) const {
    const int64_t line = at.line / lines * height + at.line % lines * patch + i;
    return map.data + (line * width + at.column * patch + j) * map.stride;
  }
};

// Patches of 2×2: an item is a channel of x.
struct Unshuffling {
  using Value = Quad;
  Patched x;
  Operand out;
  int64_t width;  // of out
  bool aligned;
  __device__ Quad Load(const Item& at) const {
    Quad quad;
#pragma unroll
    for (int pixel = 0; pixel < 4; ++pixel) quad.value[pixel] = x.Pixel(at, pixel / 2, pixel % 2)[at.item];
    return quad;
  }
  __device__ void Store(const Item& at, const Quad& quad) const {
    float* row = out.data + (at.line * width + at.column) * out.stride;
    StoreQuad(quad, row, 4 * at.item, 4 * at.item + 4, aligned);
  }
};

// Patches of any size: an item is a channel of out.
struct GatheringPatches {
  using Value = float;
  Patched x;
  Operand out;
  int64_t width;  // of out
  __device__ float Load(const Item& at) const {
    const int channel = at.item / (x.patch * x.patch), place = at.item % (x.patch * x.patch);
    return x.Pixel(at, place / x.patch, place % x.patch)[channel];
  }
  __device__ void Store(const Item& at, float value) const {
    out.data[(at.line * width + at.column) * out.stride + at.item] = value;
  }
};

struct AddingDownsampled {
  using Value = float;
  Doubled x;
  Operand out;
  int32_t group;
  float share;
  __device__ float* Out(const Item& at) const {
    return out.data + (at.line * x.width + at.column) * out.stride + at.item;
  }
  __device__ float Load(const Item& at) const {
    float sum = 0.0f;
    for (int k = at.item * group; k < (at.item + 1) * group; ++k) sum += x.Pixel(at, k % 4)[k / 4];
    return fmaf(sum, share, *Out(at));
  }
  __device__ void Store(const Item& at, float value) const { *Out(at) = value; }
};

struct AddingAveraged {
  using Value = float;
  Operand x, out;
  int32_t group;
  float share;
  __device__ float Load(const Item& at) const {
    const float* from = x.data + at.column * x.stride + static_cast<int64_t>(at.item) * group;
    float sum = 0.0f;
    for (int k = 0; k < group; ++k) sum += from[k];
    return fmaf(sum, share, out.data[at.column * out.stride + at.item]);
  }
  __device__ void Store(const Item& at, float value) const { out.data[at.column * out.stride + at.item] = value; }
};

struct Copying {
  using Value = Quad;
  Operand x, out;
  int64_t cols;
  bool aligned;
  __device__ Quad Load(const Item& at) const {
    return LoadQuad(x, {at.column, 4 * static_cast<int64_t>(at.item), cols, aligned});
  }
  __device__ void Store(const Item& at, const Quad& quad) const {
    StoreQuad(quad, out, {at.column, 4 * static_cast<int64_t>(at.item), cols, aligned});
  }
};

struct PlanesParameters {
  Operand map;    // [rows, cols]
  float* planes;  // [cols, rows]
  int64_t rows;
  int32_t cols;
  float factor;
};

// A block owns 64 rows of up to 32 columns: they go through shared memory, so that both sides are touched in runs.
// Arithmetic is f32. Shared memory: the tile. Alignment: 4 bytes. Six blocks a multiprocessor.
template <bool kToPlanes>
__global__ void __launch_bounds__(kThreads, kTileBlocksPerSm) PlanesKernel(const PlanesParameters p) {
  float* tile = reinterpret_cast<float*>(ptx::SharedMemory());
  const int64_t first_row = static_cast<int64_t>(ptx::BlockX()) * kTileRows;
  const int first_col = ptx::BlockY() * kTileCols;
  const int rows = static_cast<int>(min(static_cast<int64_t>(kTileRows), p.rows - first_row));
  const int cols = min(kTileCols, p.cols - first_col);
  const auto map = [&](int i) { return p.map.data + (first_row + i / cols) * p.map.stride + first_col + i % cols; };
  const auto plane = [&](int i) { return p.planes + (first_col + i / rows) * p.rows + first_row + i % rows; };
  ptx::WaitForPredecessor();
  for (int i = ptx::Thread(); i < rows * cols; i += kThreads) {
    if constexpr (kToPlanes) {
      tile[i / cols * kTileStride + i % cols] = *map(i);
    } else {
      tile[i % rows * kTileStride + i / rows] = *plane(i);
    }
  }
  ptx::ReleaseSuccessor();
  ptx::SyncBlock();
  for (int i = ptx::Thread(); i < rows * cols; i += kThreads) {
    if constexpr (kToPlanes) {
      *plane(i) = tile[i % rows * kTileStride + i / rows] * p.factor;
    } else {
      *map(i) = tile[i / cols * kTileStride + i % cols] * p.factor;
    }
  }
}

// ---- Launchers ------------------------------------------------------------------------------------------------------

double ValuesOf(const Matrix& m) { return static_cast<double>(m.rows) * static_cast<double>(m.cols); }

// Bytes that move: what is added to is read too.
Cost MoveCost(const Matrix& x, const Matrix& out) { return {.bytes = 4 * (ValuesOf(x) + ValuesOf(out))}; }
Cost AddCost(const Matrix& x, const Matrix& out) {
  return {.bytes = 4 * (ValuesOf(x) + 2 * ValuesOf(out)), .flops = std::max(ValuesOf(x), ValuesOf(out))};
}

// `lines` of `width` pixels, `items` for each.
template <typename Operation>
void Rearrange(Context& context, const char* name, const Operation& operation, int64_t lines, int64_t width,
               int64_t items, const Cost& cost) {
  const int64_t pixels = std::clamp<int64_t>(kBlockItems / items, 1, width);
  const int64_t segments = CeilDiv(width, pixels);
  Launch(*context.queue, name, RearrangeKernel<Operation>,
         {.grid = {lines * segments, 1, 1}, .threads = kThreads, .blocks_per_sm = kBlocksPerSm},
         {operation, width, static_cast<int32_t>(segments), static_cast<int32_t>(pixels), static_cast<int32_t>(items)},
         cost);
}

template <bool kToPlanes>
void LaunchPlanes(Context& context, const char* name, const Matrix& map, float* planes, float factor) {
  Launch(*context.queue, name, PlanesKernel<kToPlanes>,
         {.grid = {CeilDiv(map.rows, kTileRows), CeilDiv(map.cols, kTileCols), 1},
          .threads = kThreads,
          .blocks_per_sm = kTileBlocksPerSm,
          .shared_bytes = kTileRows * kTileStride * static_cast<int64_t>(sizeof(float))},
         {OperandOf(map), planes, map.rows, static_cast<int32_t>(map.cols), factor},
         {.bytes = 8 * ValuesOf(map), .flops = ValuesOf(map)});
}

}  // namespace

void PixelShuffle(Context& context, const Matrix& x, const Grid& grid, const Matrix& out) {
  assert(x.rows == grid.rows() && out.rows == 4 * x.rows && x.cols == 4 * out.cols);
  const Shuffling operation = {OperandOf(x), {OperandOf(out), grid.width}, QuadsAligned({x})};
  Rearrange(context, "PixelShuffle", operation, grid.pictures * grid.height, grid.width, out.cols, MoveCost(x, out));
}

void AddUpsampled(Context& context, const Matrix& x, const Grid& grid, const Matrix& out) {
  assert(x.rows == grid.rows() && out.rows == 4 * x.rows && 4 * out.cols % x.cols == 0);
  const AddingUpsampled operation = {
      OperandOf(x), {OperandOf(out), grid.width}, static_cast<int32_t>(4 * out.cols / x.cols)};
  Rearrange(context, "AddUpsampled", operation, grid.pictures * grid.height, grid.width, out.cols, AddCost(x, out));
}

void AddRepeated(Context& context, const Matrix& x, const Matrix& out) {
  assert(x.rows == out.rows && out.cols % x.cols == 0);
  const AddingRepeated operation = {OperandOf(x), OperandOf(out), static_cast<int32_t>(out.cols / x.cols)};
  Rearrange(context, "AddRepeated", operation, 1, out.rows, out.cols, AddCost(x, out));
}

void SpaceToDepth(Context& context, const Matrix& x, const Grid& grid, int64_t patch, const Matrix& out) {
  const int64_t height = grid.height / patch, width = grid.width / patch;
  assert(x.rows == grid.rows() && out.cols == x.cols * patch * patch && out.rows == grid.pictures * height * width);
  const Patched patched = {OperandOf(x), grid.height, grid.width, height, static_cast<int32_t>(patch)};
  const Cost cost = {.bytes = 8 * ValuesOf(out)};
  if (patch == 2) {
    const Unshuffling operation = {patched, OperandOf(out), width, QuadsAligned({out})};
    Rearrange(context, "SpaceToDepth/2", operation, grid.pictures * height, width, x.cols, cost);
  } else {
    const GatheringPatches operation = {patched, OperandOf(out), width};
    Rearrange(context, "SpaceToDepth", operation, grid.pictures * height, width, out.cols, cost);
  }
}

void AddDownsampled(Context& context, const Matrix& x, const Grid& grid, const Matrix& out) {
  assert(x.rows == grid.rows() && grid.height % 2 == 0 && grid.width % 2 == 0);
  assert(4 * out.rows == x.rows && 4 * x.cols % out.cols == 0);
  const int64_t group = 4 * x.cols / out.cols;
  const AddingDownsampled operation = {
      {OperandOf(x), grid.width / 2}, OperandOf(out), static_cast<int32_t>(group), 1.0f / static_cast<float>(group)};
  Rearrange(context, "AddDownsampled", operation, grid.pictures * grid.height / 2, grid.width / 2, out.cols,
            AddCost(x, out));
}

void AddAveraged(Context& context, const Matrix& x, const Matrix& out) {
  assert(x.rows == out.rows && x.cols % out.cols == 0);
  const int64_t group = x.cols / out.cols;
  const AddingAveraged operation = {OperandOf(x), OperandOf(out), static_cast<int32_t>(group),
                                    1.0f / static_cast<float>(group)};
  Rearrange(context, "AddAveraged", operation, 1, out.rows, out.cols, AddCost(x, out));
}

void Copy(Context& context, const Matrix& x, const Matrix& out) {
  assert(x.rows == out.rows && x.cols == out.cols);
  const Copying operation = {OperandOf(x), OperandOf(out), x.cols, QuadsAligned({x, out})};
  Rearrange(context, "Copy", operation, 1, x.rows, CeilDiv(x.cols, 4), MoveCost(x, out));
}

void ToPlanes(Context& context, const Matrix& x, float factor, float* planes) {
  LaunchPlanes<true>(context, "ToPlanes", x, planes, factor);
}

void FromPlanes(Context& context, const float* planes, float factor, const Matrix& out) {
  LaunchPlanes<false>(context, "FromPlanes", out, const_cast<float*>(planes), factor);
}

}  // namespace blip3o::cuda
