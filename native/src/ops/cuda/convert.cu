// Activations rounded to bf16 for products of the library: to[t, k] = bf16(x[t, k]), 0 behind x's columns.
// Bound by memory: 6 bytes a value.
#include <algorithm>
#include <cassert>

#include "ops/cuda/product_operands.h"
#include "ops/cuda/ptx.h"

namespace blip3o::cuda {

namespace {

constexpr int kThreads = 256;
constexpr int kBlocksPerSm = 4;
constexpr int kValues = 8;  // of a thread: 32 bytes read, 16 written

struct RoundRowsParameters {
  const float* x;  // [rows, cols], rows `stride` apart
  int64_t stride;
  int64_t cols;
  uint16_t* to;         // [rows, padded_cols] dense, aligned to 16
  int64_t padded_cols;  // multiple of kValues
  int64_t pieces;       // rows · padded_cols / kValues
  bool aligned;         // x and its rows start at 16 bytes
};

__device__ inline void LoadPiece(const RoundRowsParameters& p, int64_t row, int64_t col, float (&values)[kValues]) {
  const float* from = p.x + row * p.stride + col;
  if (p.aligned && col + kValues <= p.cols) {
    for (int i = 0; i < kValues; i += 4) {
      const ptx::Words4 words = *reinterpret_cast<const ptx::Words4*>(from + i);
      for (int j = 0; j < 4; ++j) values[i + j] = ptx::FloatOf(words.word[j]);
    }
    return;
  }
  for (int i = 0; i < kValues; ++i) values[i] = col + i < p.cols ? from[i] : 0.0f;
}

// A thread: kValues neighbours of one row; a block: kThreads such pieces. Occupancy: kBlocksPerSm blocks per SM.
__global__ void __launch_bounds__(kThreads, kBlocksPerSm) RoundRowsKernel(const RoundRowsParameters p) {
  ptx::WaitForPredecessor();
  const int64_t piece = static_cast<int64_t>(ptx::BlockX()) * kThreads + ptx::Thread();
  if (piece < p.pieces) {
    const int64_t row = piece * kValues / p.padded_cols, col = piece * kValues % p.padded_cols;
    float values[kValues];
    LoadPiece(p, row, col, values);
    ptx::Words4 words;
    for (int i = 0; i < 4; ++i) words.word[i] = ptx::PackBF16(values[2 * i], values[2 * i + 1]);
    *reinterpret_cast<ptx::Words4*>(p.to + piece * kValues) = words;
  }
  ptx::ReleaseSuccessor();
}

}  // namespace

// --------------------------------------------------------------------------------------------------------------------

void RoundRows(Context& context, const Matrix& x, int64_t padded_cols, uint16_t* to) {
  assert(padded_cols % kValues == 0 && padded_cols >= x.cols);
  RoundRowsParameters p;
  p.x = x.data;
  p.stride = x.stride;
  p.cols = x.cols;
  p.to = to;
  p.padded_cols = padded_cols;
  p.pieces = x.rows * padded_cols / kValues;
  p.aligned = reinterpret_cast<uintptr_t>(x.data) % 16 == 0 && x.stride % 4 == 0;
  const LaunchShape shape = {{CeilDiv(p.pieces, kThreads)}, kThreads, kBlocksPerSm, 0};
  const double values = static_cast<double>(x.rows * x.cols);
  Launch(*context.queue, "Matmul/round", RoundRowsKernel, shape, p, {6 * values, values, false});
}

}  // namespace blip3o::cuda
