// What follows a product of the library that it could not do itself: out = residual + gate ⊙ activation(product +
// bias). Bound by memory: 8 bytes a value, and 4 for each operand that is there.
#include "ops/cuda/device_math.h"
#include "ops/cuda/product_operands.h"
#include "ops/cuda/ptx.h"

namespace blip3o::cuda {

namespace {

constexpr int kThreads = 256;
constexpr int kBlocksPerSm = 4;
constexpr int kValues = 4;  // of a thread, 16 bytes

struct EpilogueParameters {
  const float* product;  // [rows, cols]; may be `out`
  int64_t product_stride;
  DeviceEpilogue epilogue;  // its residual may be `out`
  float* out;               // [rows, cols]
  int64_t out_stride;
  int64_t cols;
  int64_t row_pieces;  // of kValues, the last one shorter
  int64_t pieces;      // rows · row_pieces
  bool aligned;        // product and out, and their rows, start at 16 bytes
};

// A thread: kValues neighbours of one row; a block: kThreads such pieces. Occupancy: kBlocksPerSm blocks per SM.
__global__ void __launch_bounds__(kThreads, kBlocksPerSm) EpilogueKernel(const EpilogueParameters p) {
  ptx::WaitForPredecessor();
  const int64_t piece = static_cast<int64_t>(ptx::BlockX()) * kThreads + ptx::Thread();
  if (piece < p.pieces) {
    const int64_t row = piece / p.row_pieces, col = piece % p.row_pieces * kValues;
    const float* from = p.product + row * p.product_stride + col;
    float* to = p.out + row * p.out_stride + col;
    if (p.aligned && col + kValues <= p.cols) {
      ptx::Words4 words = *reinterpret_cast<const ptx::Words4*>(from);
      for (int i = 0; i < kValues; ++i) {
        words.word[i] = ptx::BitsOf(Epilogued(p.epilogue, ptx::FloatOf(words.word[i]), row, col + i));
      }
      *reinterpret_cast<ptx::Words4*>(to) = words;
    } else {
      for (int i = 0; i < kValues && col + i < p.cols; ++i) to[i] = Epilogued(p.epilogue, from[i], row, col + i);
    }
  }
  ptx::ReleaseSuccessor();
}

bool Aligned(const Matrix& m) { return reinterpret_cast<uintptr_t>(m.data) % 16 == 0 && m.stride % 4 == 0; }

}  // namespace

// --------------------------------------------------------------------------------------------------------------------

void ApplyEpilogue(Context& context, const Matrix& product, const DeviceEpilogue& epilogue, const Matrix& out) {
  EpilogueParameters p;
  p.product = product.data;
  p.product_stride = product.stride;
  p.epilogue = epilogue;
  p.out = out.data;
  p.out_stride = out.stride;
  p.cols = out.cols;
  p.row_pieces = CeilDiv(out.cols, kValues);
  p.pieces = out.rows * p.row_pieces;
  p.aligned = Aligned(product) && Aligned(out);
  const LaunchShape shape = {{CeilDiv(p.pieces, kThreads)}, kThreads, kBlocksPerSm, 0};
  const double operands = (epilogue.residual != nullptr ? 1 : 0) + (epilogue.gate_stride != 0 ? 1 : 0);
  const double values = static_cast<double>(out.rows * out.cols);
  Launch(*context.queue, "Matmul/epilogue", EpilogueKernel, shape, p,
         {(8 + 4 * operands) * values, 10 * values, false});
}

}  // namespace blip3o::cuda
