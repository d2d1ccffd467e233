// Activations as 8-bit floats with a scale per token, for products of the library: s = max |x[t]| / 448,
// to[t, k] = e4m3(x[t, k] / s), 0 behind x's columns. Bound by memory: 5 bytes a value; the second look at a row finds
// it in the cache.
#include <cassert>

#include "ops/cuda/device_math.h"
#include "ops/cuda/product_operands.h"
#include "ops/cuda/ptx.h"

namespace blip3o::cuda {

namespace {

constexpr int kThreads = 256;
constexpr int kBlocksPerSm = 4;
constexpr int kValues = 16;            // of a thread at once: 16 bytes written
constexpr float kLargest = 448.0f;     // of E4M3
constexpr float kLeastMax = 0x1p-90f;  // below it a row's scale is that of this maximum, so that 1 / scale is finite

struct QuantizeRowsParameters {
  const float* x;  // [rows, cols], rows `stride` apart
  int64_t stride;
  int64_t cols;
  uint8_t* values;      // [rows, padded_cols] dense, aligned to 16
  int64_t padded_cols;  // multiple of kValues
  float* scales;        // [rows]
};

// To nearest, ties to even, magnitudes beyond 448 to 448: sign, 4 bits of exponent (bias 7), 3 of mantissa; 0x7F is
// NaN.
__device__ inline uint32_t E4M3Of(float x) {
  const uint32_t bits = ptx::BitsOf(x), sign = (bits >> 24) & 0x80u, magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return 0x7Fu;
  uint32_t code;
  if (magnitude < 0x3C800000u) {  // below 2^-6: multiples of 2^-9, which is the unit of 2^14's last place
    code = ptx::BitsOf(ptx::AddRounded(ptx::FloatOf(magnitude), 0x1p14f)) - ptx::BitsOf(0x1p14f);
  } else {
    code = ((magnitude + 0x7FFFFu + ((magnitude >> 20) & 1u)) >> 20) - ((127u - 7u) << 3);
    if (code > 0x7Eu) code = 0x7Eu;
  }
  return sign | code;
}

// In every thread: the largest of the block. `shared` holds a float for each warp.
__device__ inline float BlockMax(float value, float* shared) {
  value = WarpMax(value);
  if (ptx::Lane() == 0) shared[ptx::Warp()] = value;
  ptx::SyncBlock();
  float largest = 0.0f;
  for (int w = 0; w < kThreads / ptx::kWarp; ++w) largest = fmaxf(largest, shared[w]);
  return largest;
}

// A block: one row; a thread: every kThreads-th piece of kValues neighbours. Occupancy: kBlocksPerSm blocks per SM.
__global__ void __launch_bounds__(kThreads, kBlocksPerSm) QuantizeRowsKernel(const QuantizeRowsParameters p) {
  ptx::WaitForPredecessor();
  const int64_t row = ptx::BlockX();
  const float* x = p.x + row * p.stride;
  float largest = 0.0f;
  for (int64_t k = ptx::Thread(); k < p.cols; k += kThreads) largest = fmaxf(largest, fabsf(x[k]));
  largest = fmaxf(BlockMax(largest, reinterpret_cast<float*>(ptx::SharedMemory())), kLeastMax);
  const float scale = largest / kLargest, factor = 1.0f / scale;
  if (ptx::Thread() == 0) p.scales[row] = scale;

  for (int64_t first = ptx::Thread() * kValues; first < p.padded_cols; first += kThreads * kValues) {
    ptx::Words4 words;
    for (int w = 0; w < 4; ++w) {
      words.word[w] = 0;
      for (int i = 0; i < 4; ++i) {
        const int64_t k = first + 4 * w + i;
        if (k < p.cols) words.word[w] |= E4M3Of(x[k] * factor) << (8 * i);
      }
    }
    *reinterpret_cast<ptx::Words4*>(p.values + row * p.padded_cols + first) = words;
  }
  ptx::ReleaseSuccessor();
}

}  // namespace

// --------------------------------------------------------------------------------------------------------------------

void QuantizeRows(Context& context, const Matrix& x, int64_t padded_cols, uint8_t* values, float* scales) {
  assert(padded_cols % kValues == 0 && padded_cols >= x.cols);
  QuantizeRowsParameters p;
  p.x = x.data;
  p.stride = x.stride;
  p.cols = x.cols;
  p.values = values;
  p.padded_cols = padded_cols;
  p.scales = scales;
  const LaunchShape shape = {{x.rows}, kThreads, kBlocksPerSm, kThreads / ptx::kWarp * 4};
  const double count = static_cast<double>(x.rows * x.cols);
  Launch(*context.queue, "Matmul/quantize", QuantizeRowsKernel, shape, p, {5 * count, 3 * count, false});
}

}  // namespace blip3o::cuda
