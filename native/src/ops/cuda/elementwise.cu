// Operations on each value by itself.
//
// Bound by the device's memory: two to five operands of 4 bytes a value and hardly a product. A thread takes four
// neighbouring values of a row and does nothing else, so that 1536 threads of a multiprocessor have 24 KiB of each
// operand under way; H100's 3.35 TB/s over 132 multiprocessors need 18 KiB to cover 0.7 µs of latency. A step's
// GuidedStep on [4096, 32] latents moves 2 MB from L2 and costs no more than its launch.
//
// What is dense in all operands is one long row, whatever its width.
#include <cassert>
#include <cmath>

#include "ops/cuda/device_math.h"
#include "ops/cuda/kernels.h"
#include "ops/cuda/quad.h"

namespace blip3o::cuda {

namespace {

constexpr int kThreads = 256;
constexpr int kBlocksPerSm = 6;

constexpr int kRowThreads = 128;  // of KeepLargest
constexpr int kRowBlocksPerSm = 8;

template <typename Operation>
struct ElementwiseParameters {
  Operation operation;
  int64_t rows, cols;
  int32_t log2_across;    // threads side by side on a row, the others on the rows below
  int32_t column_blocks;  // blocks side by side
  bool aligned;
};

// A thread owns four values of a row; `across` threads of a block lie side by side. Arithmetic is f32. No shared
// memory. Alignment: 16 bytes where `aligned` says so, 4 otherwise. Six blocks a multiprocessor.
template <typename Operation>
__global__ void __launch_bounds__(kThreads, kBlocksPerSm) ElementwiseKernel(const ElementwiseParameters<Operation> p) {
  ptx::WaitForPredecessor();
  ptx::ReleaseSuccessor();
  const int across = 1 << p.log2_across;
  const int64_t row_block = ptx::BlockX() / p.column_blocks, column_block = ptx::BlockX() % p.column_blocks;
  QuadPlace at;
  at.row = row_block * (kThreads >> p.log2_across) + (ptx::Thread() >> p.log2_across);
  at.col = 4 * (column_block * across + (ptx::Thread() & (across - 1)));
  at.cols = p.cols;
  at.aligned = p.aligned;
  if (at.row < p.rows && at.col < p.cols) p.operation(at);
}

struct Embedding {
  DeviceWeight table;
  const int32_t* ids;
  int32_t offset;
  Operand out;
  __device__ void operator()(const QuadPlace& at) const {
    StoreQuad(LoadTableQuad(table, static_cast<int64_t>(ids[at.row]) + offset, at.col, at.aligned), out, at);
  }
};

struct Activating {
  Operand x, out;
  Activation activation;
  __device__ void operator()(const QuadPlace& at) const {
    Quad quad = LoadQuad(x, at);
#pragma unroll
    for (float& value : quad.value) value = Activated(activation, value);
    StoreQuad(quad, out, at);
  }
};

struct Adding {
  Operand a, b, out;
  __device__ void operator()(const QuadPlace& at) const {
    const Quad left = LoadQuad(a, at);
    Quad quad = LoadQuad(b, at);
#pragma unroll
    for (int i = 0; i < 4; ++i) quad.value[i] += left.value[i];
    StoreQuad(quad, out, at);
  }
};

struct Stepping {
  Operand null, cond, velocity, x;
  const StepScalars* step;
  __device__ void operator()(const QuadPlace& at) const {
    const float guidance = step->guidance, delta = step->delta;
    Quad v = LoadQuad(cond, at), to = LoadQuad(x, at);
    if (null.data != nullptr) {
      const Quad base = LoadQuad(null, at);
#pragma unroll
      for (int i = 0; i < 4; ++i) v.value[i] = fmaf(guidance, v.value[i] - base.value[i], base.value[i]);
    }
    if (velocity.data != nullptr) StoreQuad(v, velocity, at);
#pragma unroll
    for (int i = 0; i < 4; ++i) to.value[i] = fmaf(delta, v.value[i], to.value[i]);
    StoreQuad(to, x, at);
  }
};

__device__ inline uint8_t PixelOf(float x) {
  const float share = ptx::AddRounded(ptx::MultiplyRounded(x, 0.5f), 0.5f);
  const float clamped = fminf(fmaxf(share, 0.0f), 1.0f);  // NaN: black
  return static_cast<uint8_t>(rintf(ptx::MultiplyRounded(clamped, 255.0f)));
}

// As the reference computes it in f32: value / 255, less 0.5, divided by 0.5.
__device__ inline float ValueOf(uint8_t pixel) {
  const float centred = ptx::AddRounded(static_cast<float>(pixel) / 255.0f, -0.5f);
  return ptx::AddRounded(centred, centred);
}

// Whether the four pixels at `at` are one word of memory.
__device__ inline bool IsWord(const uint8_t* pixels, const QuadPlace& at) {
  return at.col + 4 <= at.cols && reinterpret_cast<uintptr_t>(pixels) % sizeof(uint32_t) == 0;
}

struct Quantising {
  Operand x;
  uint8_t* pixels;
  __device__ void operator()(const QuadPlace& at) const {
    const Quad quad = LoadQuad(x, at);
    uint8_t* to = pixels + at.row * at.cols + at.col;
    if (IsWord(to, at)) {
      uint32_t word = 0;
#pragma unroll
      for (int i = 0; i < 4; ++i) word |= static_cast<uint32_t>(PixelOf(quad.value[i])) << (8 * i);
      *reinterpret_cast<uint32_t*>(to) = word;
      return;
    }
    for (int i = 0; i < 4; ++i) {
      if (at.col + i < at.cols) to[i] = PixelOf(quad.value[i]);
    }
  }
};

struct Widening {
  const uint8_t* pixels;
  Operand out;
  __device__ void operator()(const QuadPlace& at) const {
    const uint8_t* from = pixels + at.row * at.cols + at.col;
    uint32_t word = 0;
    if (IsWord(from, at)) {
      word = *reinterpret_cast<const uint32_t*>(from);
    } else {
      for (int i = 0; i < 4; ++i) {
        if (at.col + i < at.cols) word |= static_cast<uint32_t>(from[i]) << (8 * i);
      }
    }
    Quad quad;
#pragma unroll
    for (int i = 0; i < 4; ++i) quad.value[i] = ValueOf(static_cast<uint8_t>(word >> (8 * i)));
    StoreQuad(quad, out, at);
  }
};

struct Following {
  const float* mask;  // null: 0 everywhere
  int64_t mask_stride;
  Operand latents, noise, x;
  float sigma;
  __device__ void operator()(const QuadPlace& at) const {
    const float free = mask == nullptr ? 0.0f : mask[at.row * mask_stride];
    // A row that is quite free or quite bound keeps its bytes, or the path's: 0 times an infinite value would not.
    if (free == 1.0f) return;
    const Quad latent = LoadQuad(latents, at), noisy = LoadQuad(noise, at);
    Quad path;
#pragma unroll
    for (int i = 0; i < 4; ++i) path.value[i] = fmaf(sigma, noisy.value[i], (1.0f - sigma) * latent.value[i]);
    if (free != 0.0f) {
      const Quad own = LoadQuad(x, at);
#pragma unroll
      for (int i = 0; i < 4; ++i) path.value[i] = fmaf(free, own.value[i], (1.0f - free) * path.value[i]);
    }
    StoreQuad(path, x, at);
  }
};

struct Checking {
  Operand x;
  uint32_t* finite;
  __device__ void operator()(const QuadPlace& at) const {
    constexpr uint32_t kExponent = 0x7F800000u;
    const Quad quad = LoadQuad(x, at);
    bool good = true;
#pragma unroll
    for (int i = 0; i < 4; ++i) good = good && (ptx::BitsOf(quad.value[i]) & kExponent) != kExponent;
    if (!good) ptx::AtomicAnd(finite, 0);
  }
};

struct KeepLargestParameters {
  Operand scores;
  int64_t cols;
  int32_t first;
  float* best;
  int32_t* index;
  bool aligned;
};

struct Leader {
  float value;
  int32_t column;
};

__device__ inline Leader Better(const Leader& a, const Leader& b) {
  return b.value > a.value || (b.value == a.value && b.column < a.column) ? b : a;
}

// What NaN and −∞ leave: nothing is below it, and it never wins.
__device__ inline Leader Nobody() { return {-INFINITY, INT32_MAX}; }

__device__ inline Leader LeaderOfThread(const KeepLargestParameters& p, const float* row) {
  Leader leader = Nobody();
  for (int64_t col = 4 * ptx::Thread(); col < p.cols; col += 4 * kRowThreads) {
    const Quad quad = LoadQuad(row, col, p.cols, p.aligned);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if (col + i < p.cols && quad.value[i] > leader.value) leader = {quad.value[i], static_cast<int32_t>(col + i)};
    }
  }
  return leader;
}

// A block owns a row, a warp and a thread every so many quads of it. Bound by the bytes of `scores`. Shared memory: a
// leader for each warp. Eight blocks a multiprocessor.
__global__ void __launch_bounds__(kRowThreads, kRowBlocksPerSm) KeepLargestKernel(const KeepLargestParameters p) {
  Leader* leaders = reinterpret_cast<Leader*>(ptx::SharedMemory());
  ptx::WaitForPredecessor();
  const int64_t row = ptx::BlockX();
  Leader leader = LeaderOfThread(p, p.scores.data + row * p.scores.stride);
  ptx::ReleaseSuccessor();
  for (int mask = ptx::kWarp / 2; mask > 0; mask /= 2) {
    leader = Better(leader, {ptx::ShuffleXor(leader.value, mask), ptx::ShuffleXor(leader.column, mask)});
  }
  if (ptx::Lane() == 0) leaders[ptx::Warp()] = leader;
  ptx::SyncBlock();
  if (ptx::Thread() != 0) return;
  for (int w = 1; w < kRowThreads / ptx::kWarp; ++w) leader = Better(leader, leaders[w]);
  const float best = p.first == 0 ? Nobody().value : p.best[row];
  if (leader.value > best) {
    p.best[row] = leader.value;
    p.index[row] = p.first + leader.column;
  } else if (p.first == 0) {
    p.best[row] = best;
    p.index[row] = 0;
  }
}

// ---- Launchers -----------------------------------------------------------------------------------------------------

// What an operation covers. Operands that are dense become one row.
struct Extent {
  int64_t rows = 0;
  int64_t cols = 0;
};

bool IsDense(const Matrix& m, int64_t cols) { return m.empty() || m.stride == cols; }

Extent ExtentOf(int64_t rows, int64_t cols, std::initializer_list<Matrix> matrices) {
  for (const Matrix& m : matrices) {
    if (!IsDense(m, cols)) return {rows, cols};
  }
  return {1, rows * cols};
}

// Dense operands that became one row are aligned where they start.
bool AlignedIn(const Extent& extent, std::initializer_list<Matrix> matrices) {
  if (extent.rows != 1) return QuadsAligned(matrices);
  for (const Matrix& m : matrices) {
    if (!QuadsAligned(m.data)) return false;
  }
  return true;
}

// `value_bytes`: moved for each value of the extent.
template <typename Operation>
void LaunchElementwise(Context& context, const char* name, const Operation& operation, const Extent& extent,
                       bool aligned, double value_bytes) {
  if (extent.rows == 0 || extent.cols == 0) return;
  const int64_t quads = CeilDiv(extent.cols, 4);
  int32_t log2_across = 0;
  while ((1 << log2_across) < kThreads && (1 << log2_across) < quads) ++log2_across;
  const int64_t column_blocks = CeilDiv(quads, int64_t{1} << log2_across);
  const int64_t row_blocks = CeilDiv(extent.rows, kThreads >> log2_across);
  const ElementwiseParameters<Operation> parameters{
      operation, extent.rows, extent.cols, log2_across, static_cast<int32_t>(column_blocks), aligned};
  const double values = static_cast<double>(extent.rows) * static_cast<double>(extent.cols);
  Launch(*context.queue, name, ElementwiseKernel<Operation>,
         {.grid = {row_blocks * column_blocks, 1, 1}, .threads = kThreads, .blocks_per_sm = kBlocksPerSm}, parameters,
         {.bytes = values * value_bytes, .flops = values});
}

}  // namespace

void Embed(Context& context, const View& table, const int32_t* ids, int32_t offset, const Matrix& out) {
  assert(table.shape.rank() == 2 && table.shape[1] == out.cols);
  const DeviceWeight rows = context.weights->Rows(*context.queue, table, Use::kTable);
  const bool f32 = rows.type == WeightType::kF32;
  const bool aligned =
      QuadsAligned({out}) && (!f32 || (QuadsAligned(static_cast<const float*>(rows.data)) && rows.stride % 4 == 0));
  LaunchElementwise(context, "Embed", Embedding{rows, ids, offset, OperandOf(out)}, {out.rows, out.cols}, aligned,
                    f32 ? 8 : 6);
}

void Activate(Context& context, const Matrix& x, Activation activation, const Matrix& out) {
  assert(out.rows == x.rows && out.cols == x.cols);
  const Extent extent = ExtentOf(x.rows, x.cols, {x, out});
  LaunchElementwise(context, "Activate", Activating{OperandOf(x), OperandOf(out), activation}, extent,
                    AlignedIn(extent, {x, out}), 8);
}

void AddTable(Context& context, const View& table, const Matrix& x, const Matrix& out) {
  assert(table.count() == out.rows * out.cols && x.cols == out.cols && (x.rows == 1 || x.rows == out.rows));
  const float* values = context.weights->Vector(*context.queue, table);
  const Matrix addend{const_cast<float*>(values), out.rows, out.cols, out.cols};
  const bool one_row = x.rows == 1 && out.rows != 1;
  const Extent extent = one_row ? Extent{out.rows, out.cols} : ExtentOf(out.rows, out.cols, {addend, x, out});
  const Operand of_x = one_row ? Operand{x.data, 0} : OperandOf(x);
  LaunchElementwise(context, "AddTable", Adding{OperandOf(addend), of_x, OperandOf(out)}, extent,
                    AlignedIn(extent, {addend, x, out}), one_row ? 8 : 12);
}

void AddRow(Context& context, const Matrix& row, const Matrix& x) {
  assert(row.rows == 1 && row.cols == x.cols);
  const Matrix one{row.data, 1, row.cols, 0};
  LaunchElementwise(context, "AddRow", Adding{OperandOf(one), OperandOf(x), OperandOf(x)}, {x.rows, x.cols},
                    QuadsAligned({one, x}), 8);
}

void GuidedStep(Context& context, const Matrix& null, const Matrix& cond, const StepScalars* step,
                const Matrix& velocity, const Matrix& x) {
  assert(cond.rows == x.rows && cond.cols == x.cols && (null.empty() || (null.rows == x.rows && null.cols == x.cols)));
  assert(velocity.empty() || (velocity.rows == x.rows && velocity.cols == x.cols));
  const Extent extent = ExtentOf(x.rows, x.cols, {null, cond, velocity, x});
  LaunchElementwise(
      context, "GuidedStep", Stepping{OperandOf(null), OperandOf(cond), OperandOf(velocity), OperandOf(x), step},
      extent, AlignedIn(extent, {null, cond, velocity, x}), 12 + (null.empty() ? 0 : 4) + (velocity.empty() ? 0 : 4));
}

void ToPixels(Context& context, const Matrix& x, uint8_t* pixels) {
  const Extent extent = ExtentOf(x.rows, x.cols, {x});
  LaunchElementwise(context, "ToPixels", Quantising{OperandOf(x), pixels}, extent, AlignedIn(extent, {x}), 5);
}

void FromPixels(Context& context, const uint8_t* pixels, const Matrix& out) {
  const Extent extent = ExtentOf(out.rows, out.cols, {out});
  LaunchElementwise(context, "FromPixels", Widening{pixels, OperandOf(out)}, extent, AlignedIn(extent, {out}), 5);
}

void FollowPath(Context& context, const Matrix& mask, const Matrix& latents, const Matrix& noise, float sigma,
                const Matrix& x) {
  assert(mask.empty() || (mask.rows == x.rows && mask.cols == 1));
  assert(latents.rows == x.rows && latents.cols == x.cols && noise.rows == x.rows && noise.cols == x.cols);
  LaunchElementwise(context, "FollowPath",
                    Following{mask.data, mask.stride, OperandOf(latents), OperandOf(noise), OperandOf(x), sigma},
                    {x.rows, x.cols}, QuadsAligned({latents, noise, x}), mask.empty() ? 12 : 16);
}

void KeepLargest(Context& context, const Matrix& scores, int32_t first, float* best, int32_t* index) {
  if (scores.rows == 0) return;
  const KeepLargestParameters parameters{OperandOf(scores), scores.cols, first, best, index, QuadsAligned({scores})};
  const double values = static_cast<double>(scores.rows) * static_cast<double>(scores.cols);
  Launch(*context.queue, "KeepLargest", KeepLargestKernel,
         {.grid = {scores.rows, 1, 1},
          .threads = kRowThreads,
          .blocks_per_sm = kRowBlocksPerSm,
          .shared_bytes = kRowThreads / ptx::kWarp * static_cast<int64_t>(sizeof(Leader))},
         parameters, {.bytes = values * 4, .flops = values});
}

void CheckFinite(Context& context, const Matrix& x, int32_t* finite) {
  const Extent extent = ExtentOf(x.rows, x.cols, {x});
  LaunchElementwise(context, "CheckFinite", Checking{OperandOf(x), reinterpret_cast<uint32_t*>(finite)}, extent,
                    AlignedIn(extent, {x}), 4);
}

}  // namespace blip3o::cuda
