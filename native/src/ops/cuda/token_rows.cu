// What the token loop moves by itself: the newest hidden state in, the drawn code's embedding in, the normed hidden
// state out, and each row's counters on.
//
// A row is some 16 KiB from or to L2: the launch costs more than the bytes. A block owns a row, so that a row's
// counters are read and advanced by one block only; its threads take every 256th quad, all of a row of 2048 in two
// loads each.
#include <cassert>
#include <cmath>

#include "ops/cuda/device_math.h"
#include "ops/cuda/kernels.h"
#include "ops/cuda/quad.h"

namespace blip3o::cuda {

namespace {

constexpr int kThreads = 256;
constexpr int kBlocksPerSm = 4;
constexpr int kWarps = kThreads / ptx::kWarp;

// f(col) for every quad of a row that is the thread's.
template <typename F>
__device__ inline void ForQuads(int64_t cols, const F& f) {
#pragma unroll 2
  for (int64_t col = 4 * ptx::Thread(); col < cols; col += 4 * kThreads) f(col);
}

__device__ inline bool IsQuadAligned(const float* values) {
  return reinterpret_cast<uintptr_t>(values) % sizeof(Quad) == 0;
}

struct GatherHiddenStatesParameters {
  const TokenRow* rows;
  Operand out;  // [rows, cols]
  int64_t cols;
};

// A block owns a row, a thread every 256th quad of it. No sums, no shared memory. Alignment: 4 bytes, 16 where the row
// has them on both sides. Four blocks a multiprocessor.
__global__ void __launch_bounds__(kThreads, kBlocksPerSm)
    GatherHiddenStatesKernel(const GatherHiddenStatesParameters p) {
  ptx::WaitForPredecessor();
  const TokenRow& row = p.rows[ptx::BlockX()];
  const float* from = row.hidden_states + row.drawn * p.cols;
  float* to = p.out.data + ptx::BlockX() * p.out.stride;
  const bool aligned = IsQuadAligned(from) && IsQuadAligned(to);
  ForQuads(p.cols, [&](int64_t col) { StoreQuad(LoadQuad(from, col, p.cols, aligned), to, col, p.cols, aligned); });
  ptx::ReleaseSuccessor();
}

struct EmbedTokensParameters {
  DeviceWeight embedding;  // [V, cols], kF32 or kBF16
  int64_t offset;          // of the row of code 0
  const TokenRow* rows;
  Operand out;  // [rows, cols]
};

// As above; a row of the table is aligned to 8 bytes in bf16, and to 4 or 16 in f32.
__global__ void __launch_bounds__(kThreads, kBlocksPerSm) EmbedTokensKernel(const EmbedTokensParameters p) {
  ptx::WaitForPredecessor();
  const TokenRow& row = p.rows[ptx::BlockX()];
  const int64_t id = row.tokens[row.drawn] + p.offset, cols = p.embedding.cols;
  float* to = p.out.data + ptx::BlockX() * p.out.stride;
  const bool from_aligned = p.embedding.type != WeightType::kF32 ||
                            (IsQuadAligned(static_cast<const float*>(p.embedding.data)) && p.embedding.stride % 4 == 0);
  const bool aligned = from_aligned && IsQuadAligned(to);
  ForQuads(cols, [&](int64_t col) { StoreQuad(LoadTableQuad(p.embedding, id, col, aligned), to, col, cols, aligned); });
  ptx::ReleaseSuccessor();
}

struct FinishTokensParameters {
  Operand x;          // [rows, cols]
  const float* norm;  // [cols]
  int64_t cols;
  float eps;
  TokenRow* rows;
};

// As above. The sum of squares is f32: a thread's quads ascending, then the block's. Every thread has read the row's
// counters before the barriers of that sum, and one thread advances them behind. Shared memory: a float for each warp.
__global__ void __launch_bounds__(kThreads, kBlocksPerSm) FinishTokensKernel(const FinishTokensParameters p) {
  ptx::WaitForPredecessor();
  TokenRow& row = p.rows[ptx::BlockX()];
  const int64_t drawn = row.drawn, position = row.position;
  float* to = row.hidden_states + (drawn + 1) * p.cols;
  const float* from = p.x.data + ptx::BlockX() * p.x.stride;
  const bool from_aligned = IsQuadAligned(from), to_aligned = IsQuadAligned(to), norm_aligned = IsQuadAligned(p.norm);
  float squares = 0.0f;
  ForQuads(p.cols, [&](int64_t col) {
    const Quad x = LoadQuad(from, col, p.cols, from_aligned);
#pragma unroll
    for (int i = 0; i < 4; ++i) squares += x.value[i] * x.value[i];
  });
  squares = BlockSum(squares, reinterpret_cast<float*>(ptx::SharedMemory()));
  const float factor = 1.0f / sqrtf(squares / static_cast<float>(p.cols) + p.eps);
  ForQuads(p.cols, [&](int64_t col) {
    Quad x = LoadQuad(from, col, p.cols, from_aligned);
    const Quad norm = LoadQuad(p.norm, col, p.cols, norm_aligned);
#pragma unroll
    for (int i = 0; i < 4; ++i) x.value[i] = x.value[i] * factor * norm.value[i];
    StoreQuad(x, to, col, p.cols, to_aligned);
  });
  if (ptx::Thread() == 0) {
    row.drawn = drawn + 1;
    row.position = position + 1;
  }
  ptx::ReleaseSuccessor();
}

// ---- Launchers ------------------------------------------------------------------------------------------------------

template <typename Parameters>
void LaunchRows(Context& context, const char* name, void (*kernel)(Parameters), const std::remove_cv_t<Parameters>& p,
                int64_t rows, double bytes_per_row) {
  if (rows == 0) return;
  Launch(*context.queue, name, kernel,
         {.grid = {rows, 1, 1},
          .threads = kThreads,
          .blocks_per_sm = kBlocksPerSm,
          .shared_bytes = kWarps * static_cast<int64_t>(sizeof(float))},
         p, {.bytes = static_cast<double>(rows) * bytes_per_row});
}

}  // namespace

void GatherHiddenStates(Context& context, const TokenTable& table, const Matrix& out) {
  assert(out.rows == table.count);
  const GatherHiddenStatesParameters p{table.rows, OperandOf(out), out.cols};
  LaunchRows(context, "GatherHiddenStates", GatherHiddenStatesKernel, p, out.rows, 8.0 * static_cast<double>(out.cols));
}

void EmbedTokens(Context& context, const View& embedding, int32_t offset, const TokenTable& table, const Matrix& out) {
  assert(out.rows == table.count);
  const DeviceWeight weight = context.weights->Rows(*context.queue, embedding, Use::kTable);
  assert(weight.data == nullptr || weight.cols == out.cols);
  const EmbedTokensParameters p{weight, offset, table.rows, OperandOf(out)};
  const double bytes = weight.type == WeightType::kF32 ? 8 : 6;
  LaunchRows(context, "EmbedTokens", EmbedTokensKernel, p, out.rows, bytes * static_cast<double>(out.cols));
}

void FinishTokens(Context& context, const Matrix& x, const View& norm, double eps, const TokenTable& table) {
  assert(x.rows == table.count && norm.count() == x.cols);
  const FinishTokensParameters p{OperandOf(x), context.weights->Vector(*context.queue, norm), x.cols,
                                 static_cast<float>(eps), table.rows};
  LaunchRows(context, "FinishTokens", FinishTokensKernel, p, x.rows, 12.0 * static_cast<double>(x.cols));
}

}  // namespace blip3o::cuda
