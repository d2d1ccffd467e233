// Products within groups of channels: out[t, g·d + i] = Σ_j x[t, g·d + j] · weight[g·d + i, j].
//
// Bound by the bytes of x and out: at d = 32 an output costs 8 bytes and 64 flops, 0.4 of the time of the bytes at an
// H100's 67 TFLOP/s of f32, in which it computes. A block owns one group of 64 rows: it brings their d channels (128
// bytes of a row at d = 32) and the group's weights into shared memory once.
//
// Order of sums: j ascending.
#include <algorithm>
#include <cassert>
#include <cstdint>

#include "ops/cuda/device_math.h"
#include "ops/cuda/kernels.h"
#include "ops/cuda/quad.h"

namespace blip3o::cuda {

namespace {

constexpr int kThreads = 128;
constexpr int kBlocksPerSm = 4;
constexpr int kRows = 64;
constexpr int kMaxDim = 128;
constexpr int kTile = 4;  // rows and channels of a thread at a time

// Floats from row to row in shared memory: odd, so that the rows of a warp fall on different banks.
constexpr int StrideOf(int dim) { return dim | 1; }
constexpr int64_t SharedBytes(int64_t dim) { return (kRows + dim) * StrideOf(static_cast<int>(dim)) * 4; }
static_assert(SharedBytes(kMaxDim) <= 99 << 10);

struct GroupedPointwiseParameters {
  const float* x;  // [T, C]
  int64_t x_stride;
  DeviceWeight weight;  // [C, d], kF32 or kBF16
  float* out;           // [T, C]
  int64_t out_stride;
  int64_t rows;
  int32_t dim;
  int32_t stride;  // floats from row to row in shared memory
};

__device__ inline float WeightAt(const DeviceWeight& weight, int64_t row, int col) {
  if (weight.type == WeightType::kF32) return static_cast<const float*>(weight.data)[row * weight.stride + col];
  const uint32_t bits = static_cast<const uint16_t*>(weight.data)[row * weight.stride + col];
  return ptx::LowBF16(bits);
}

// A block owns 64 rows of one group; a warp and a thread no more than their 4 × 4 outputs at a time. Sums are f32.
// Alignment: none. Shared memory: the rows' channels and the group's weights. Four blocks a multiprocessor.
__global__ void __launch_bounds__(kThreads, kBlocksPerSm) GroupedPointwiseKernel(const GroupedPointwiseParameters p) {
  const int dim = p.dim, stride = p.stride;
  float* x = reinterpret_cast<float*>(ptx::SharedMemory());
  float* weights = x + kRows * stride;
  const int64_t first_row = static_cast<int64_t>(ptx::BlockX()) * kRows;
  const int64_t first_channel = static_cast<int64_t>(ptx::BlockY()) * dim;
  for (int i = ptx::Thread(); i < dim * dim; i += kThreads) {
    weights[i / dim * stride + i % dim] = WeightAt(p.weight, first_channel + i / dim, i % dim);
  }
  ptx::WaitForPredecessor();
  for (int i = ptx::Thread(); i < kRows * dim; i += kThreads) {
    const int64_t row = first_row + i / dim;
    if (row < p.rows) x[i / dim * stride + i % dim] = p.x[row * p.x_stride + first_channel + i % dim];
  }
  ptx::ReleaseSuccessor();
  ptx::SyncBlock();

  const int rows = static_cast<int>(min(p.rows - first_row, static_cast<int64_t>(kRows)));
  const int across = (dim + kTile - 1) / kTile;
  for (int tile = ptx::Thread(); tile < kRows / kTile * across; tile += kThreads) {
    // Neighbouring threads take neighbouring channels; a thread's four lie `across` apart.
    const int row = tile / across * kTile, channel = tile % across;
    float sums[kTile][kTile] = {};
    for (int j = 0; j < dim; ++j) {
      float a[kTile], b[kTile];
#pragma unroll
      for (int i = 0; i < kTile; ++i) a[i] = row + i < rows ? x[(row + i) * stride + j] : 0.0f;
#pragma unroll
      for (int i = 0; i < kTile; ++i) {
        const int c = channel + i * across;
        b[i] = c < dim ? weights[c * stride + j] : 0.0f;
      }
#pragma unroll
      for (int r = 0; r < kTile; ++r) {
#pragma unroll
        for (int c = 0; c < kTile; ++c) sums[r][c] = fmaf(a[r], b[c], sums[r][c]);
      }
    }
#pragma unroll
    for (int r = 0; r < kTile; ++r) {
#pragma unroll
      for (int c = 0; c < kTile; ++c) {
        const int at = channel + c * across;
        if (row + r < rows && at < dim) p.out[(first_row + row + r) * p.out_stride + first_channel + at] = sums[r][c];
      }
    }
  }
}

}  // namespace

void GroupedPointwise(Context& context, const Matrix& x, const View& view, const Matrix& out) {
  const DeviceWeight weight = context.weights->Rows(*context.queue, view);
  if (weight.data == nullptr) return;  // the queue has failed
  const int64_t dim = weight.cols, groups = weight.rows / dim;
  assert(x.rows == out.rows && x.cols == out.cols && x.cols == weight.rows && groups * dim == weight.rows);
  assert(!context.queue->Owns(view.data));  // a computed weight may not be read before the wait
  assert(dim <= kMaxDim && weight.type != WeightType::kInt8);
  const double values = static_cast<double>(x.rows) * static_cast<double>(x.cols);
  // Of wide groups fewer blocks find room.
  Launch(*context.queue, "GroupedPointwise", GroupedPointwiseKernel,
         {.grid = {CeilDiv(x.rows, kRows), groups, 1},
          .threads = kThreads,
          .blocks_per_sm = dim <= 40 ? kBlocksPerSm : 1,
          .shared_bytes = SharedBytes(dim)},
         {x.data, x.stride, weight, out.data, out.stride, x.rows, static_cast<int32_t>(dim),
          StrideOf(static_cast<int>(dim))},
         {.bytes = 8 * values + static_cast<double>(weight.rows * dim) * 4,
          .flops = 2 * values * static_cast<double>(dim)});
}

}  // namespace blip3o::cuda
