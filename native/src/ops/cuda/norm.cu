// Norms over the rows of a matrix: out = activation((x − mean) · factor · gain + shift) + residual, where
//   RmsNorm            mean = 0, factor = 1 / √(mean x² + eps), gain = weight, shift = bias;
//   LayerNorm          factor = 1 / √(variance + eps), gain = weight, shift = bias;
//   LayerNormModulate  the same, gain = 1 + scale;
//   L2Normalize        mean = 0, factor = 1 / max(‖x‖₂, 1e-12), gain = 1.
//
// Bound by the device's memory: a row is read once, held in registers while its mean and its squares are summed, and
// written once; some ten operations a value of 8 to 12 bytes. A warp owns a row of up to 512 values, a block a wider
// one. 1024 threads of a multiprocessor hold 32 KiB and more, where H100's bandwidth times its latency is 18 KiB.
// [2048, 2240] of the diffusion transformer: 37 MB, 11 µs at 3.35 TB/s, less from L2.
//
// Order of sums, by the row's width only: a thread's own quads ascending, the lanes by a butterfly, the warps
// ascending. The variance is of the differences to the mean: no digits are lost where the mean is large.
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

struct NormParameters {
  Operand x, out;
  Operand residual;    // null: none
  const float* gain;   // [cols]; null: 1
  const float* shift;  // [cols]; null: 0
  float gain_offset;   // added to the gain
  int64_t rows, cols;
  float inverse_cols;
  float eps;       // or, by length, the least length
  bool centred;    // the mean is taken away
  bool by_length;  // the factor is that of L2Normalize
  Activation activation;
  bool aligned;
};

// A thread's quads of a row, of every `kRowThreads`-th one. kQuads of them are held in registers; 0: as many as the row
// needs, read again each time.
template <int kRowThreads, int kQuads>
struct RowQuads {
  const float* row;
  int64_t cols;
  int first;  // the thread's place in the row
  bool aligned;
  Quad held[kQuads > 0 ? kQuads : 1];

  __device__ void Load() {
    if constexpr (kQuads > 0) {
#pragma unroll
      for (int k = 0; k < kQuads; ++k) held[k] = LoadQuad(row, Col(k), cols, aligned);
    }
  }
  __device__ int64_t Col(int k) const { return 4 * (first + static_cast<int64_t>(k) * kRowThreads); }

  // f(col, quad) in ascending order.
  template <typename F>
  __device__ void ForEach(const F& f) const {
    if constexpr (kQuads > 0) {
#pragma unroll
      for (int k = 0; k < kQuads; ++k) {
        if (Col(k) < cols) f(Col(k), held[k]);
      }
    } else {
      for (int64_t col = 4 * first; col < cols; col += 4 * kRowThreads) f(col, LoadQuad(row, col, cols, aligned));
    }
  }
};

// In every thread of the row: Σ f(x).
template <int kRowThreads, typename Quads, typename F>
__device__ inline float RowSum(const Quads& quads, float* shared, const F& f) {
  float sum = 0.0f;
  quads.ForEach([&](int64_t col, const Quad& quad) {
    float of_quad[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) of_quad[i] = col + i < quads.cols ? f(quad.value[i]) : 0.0f;
    sum += (of_quad[0] + of_quad[1]) + (of_quad[2] + of_quad[3]);
  });
  return kRowThreads == ptx::kWarp ? WarpSum(sum) : BlockSum(sum, shared);
}

__device__ inline float FactorOf(const NormParameters& p, float squares) {
  if (!p.by_length) return 1.0f / sqrtf(squares * p.inverse_cols + p.eps);
  const float length = sqrtf(squares);
  return 1.0f / (length <= p.eps ? p.eps : length);  // NaN stays NaN
}

__device__ inline Quad Normed(const NormParameters& p, const QuadPlace& at, Quad quad, float mean, float factor) {
#pragma unroll
  for (float& value : quad.value) value = (value - mean) * factor;
  if (p.gain != nullptr) {
    const Quad gain = LoadQuad(p.gain, at.col, at.cols, at.aligned);
#pragma unroll
    for (int i = 0; i < 4; ++i) quad.value[i] *= gain.value[i] + p.gain_offset;
  }
  if (p.shift != nullptr) {
    const Quad shift = LoadQuad(p.shift, at.col, at.cols, at.aligned);
#pragma unroll
    for (int i = 0; i < 4; ++i) quad.value[i] += shift.value[i];
  }
#pragma unroll
  for (float& value : quad.value) value = Activated(p.activation, value);
  if (p.residual.data != nullptr) {
    const Quad residual = LoadQuad(p.residual, at);
#pragma unroll
    for (int i = 0; i < 4; ++i) quad.value[i] += residual.value[i];
  }
  return quad;
}

// kRowThreads = 32: a warp owns a row, a block eight; 256: a block owns a row. A thread owns every kRowThreads-th quad
// of it. Sums are f32. Shared memory: a float for each warp. Alignment: 16 bytes where `aligned` says so, else 4. Four
// blocks a multiprocessor.
template <int kRowThreads, int kQuads>
__global__ void __launch_bounds__(kThreads, kBlocksPerSm) NormKernel(const NormParameters p) {
  float* shared = reinterpret_cast<float*>(ptx::SharedMemory());
  ptx::WaitForPredecessor();
  constexpr int kRows = kThreads / kRowThreads;
  const int64_t row = static_cast<int64_t>(ptx::BlockX()) * kRows + ptx::Thread() / kRowThreads;
  if (row >= p.rows) return;  // a whole warp, and no barrier follows where a block has several rows
  RowQuads<kRowThreads, kQuads> quads{p.x.data + row * p.x.stride, p.cols, ptx::Thread() % kRowThreads, p.aligned, {}};
  quads.Load();
  ptx::ReleaseSuccessor();
  float mean = 0.0f;
  if (p.centred) mean = p.inverse_cols * RowSum<kRowThreads>(quads, shared, [](float v) { return v; });
  const float squares = RowSum<kRowThreads>(quads, shared, [&](float v) { return (v - mean) * (v - mean); });
  const float factor = FactorOf(p, squares);
  quads.ForEach([&](int64_t col, const Quad& quad) {
    const QuadPlace at{row, col, p.cols, p.aligned};
    StoreQuad(Normed(p, at, quad, mean, factor), p.out, at);
  });
}

// ---- Launchers -----------------------------------------------------------------------------------------------------

template <int kRowThreads, int kQuads>
void LaunchNorm(Context& context, const char* name, const NormParameters& p) {
  const double values = static_cast<double>(p.rows) * static_cast<double>(p.cols);
  const double bytes = p.residual.data == nullptr ? 8 : 12;
  Launch(*context.queue, name, NormKernel<kRowThreads, kQuads>,
         {.grid = {CeilDiv(p.rows, kThreads / kRowThreads), 1, 1},
          .threads = kThreads,
          .blocks_per_sm = kBlocksPerSm,
          .shared_bytes = kWarps * static_cast<int64_t>(sizeof(float))},
         p, {.bytes = values * bytes, .flops = values * 8});
}

// The shape of a row decides the threads that share it.
void LaunchForWidth(Context& context, const char* name, const NormParameters& p) {
  if (p.rows == 0 || p.cols == 0) return;
  if (p.cols <= 256) return LaunchNorm<32, 2>(context, name, p);
  if (p.cols <= 512) return LaunchNorm<32, 4>(context, name, p);
  if (p.cols <= 3072) return LaunchNorm<256, 3>(context, name, p);
  LaunchNorm<256, 0>(context, name, p);
}

NormParameters ParametersOf(const Matrix& x, const Matrix& out) {
  assert(out.rows == x.rows && out.cols == x.cols);
  NormParameters p{};
  p.x = OperandOf(x);
  p.out = OperandOf(out);
  p.rows = x.rows;
  p.cols = x.cols;
  p.inverse_cols = 1.0f / static_cast<float>(x.cols);
  p.aligned = QuadsAligned({x, out});
  return p;
}

void SetAffine(NormParameters& p, const float* gain, const float* shift) {
  p.gain = gain;
  p.shift = shift;
  p.aligned = p.aligned && QuadsAligned(gain) && QuadsAligned(shift);
}

}  // namespace

void RmsNorm(Context& context, const Matrix& x, const View& weight, const View& bias, double eps, Activation activation,
             const Matrix& residual, const Matrix& out) {
  assert(weight.count() == x.cols && (bias.empty() || bias.count() == x.cols));
  assert(residual.empty() || (residual.rows == x.rows && residual.cols == x.cols));
  NormParameters p = ParametersOf(x, out);
  SetAffine(p, context.weights->Vector(*context.queue, weight), context.weights->Vector(*context.queue, bias));
  p.residual = OperandOf(residual);
  p.aligned = p.aligned && QuadsAligned({residual});
  p.eps = static_cast<float>(eps);
  p.activation = activation;
  LaunchForWidth(context, "RmsNorm", p);
}

void LayerNormModulate(Context& context, const Matrix& x, const Matrix& shift, const Matrix& scale, double eps,
                       const Matrix& out) {
  assert(shift.rows == 1 && shift.cols == x.cols && scale.rows == 1 && scale.cols == x.cols);
  NormParameters p = ParametersOf(x, out);
  SetAffine(p, scale.data, shift.data);
  p.gain_offset = 1.0f;
  p.eps = static_cast<float>(eps);
  p.centred = true;
  LaunchForWidth(context, "LayerNormModulate", p);
}

void LayerNorm(Context& context, const Matrix& x, const View& weight, const View& bias, double eps, const Matrix& out) {
  assert(weight.count() == x.cols && bias.count() == x.cols);
  NormParameters p = ParametersOf(x, out);
  SetAffine(p, context.weights->Vector(*context.queue, weight), context.weights->Vector(*context.queue, bias));
  p.eps = static_cast<float>(eps);
  p.centred = true;
  LaunchForWidth(context, "LayerNorm", p);
}

void L2Normalize(Context& context, const Matrix& x, const Matrix& out) {
  constexpr float kLeastLength = 1e-12f;
  NormParameters p = ParametersOf(x, out);
  p.eps = kLeastLength;
  p.by_length = true;
  LaunchForWidth(context, "L2Normalize", p);
}

}  // namespace blip3o::cuda
