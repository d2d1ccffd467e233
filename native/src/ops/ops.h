// Every operation of the runtime: formula, shapes, dtypes. The only thing a backend implements, and the only thing that
// model code calls.
//
// Activations are f32 matrices; a map of pictures is a matrix too, channels-last: row ((p·height + y)·width + x) holds
// the channels of pixel (y, x) of picture p. Weights are views in F32, BF16 or F16, dense, of any alignment.
//
// Operations are queued in order and return nothing. The first failure is kept, later operations do nothing, and
// Finish() returns it. Sizes that don't fit together are a defect of the caller and asserted.
//
// Order of sums: each row of a result is computed from its own operands in an order that its own shape decides. Other
// rows, other pictures and the number of threads never change a byte of it.
//
// Operands may alias only where it is said so ("in place").
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/status.h"
#include "base/tensor.h"

namespace blip3o {

enum class Activation { kNone, kSilu, kGeluTanh, kRelu, kTanh };

// What follows a product: out = residual + gate ⊙ activation(product + bias). Absent parts are empty.
struct Epilogue {
  View bias = {};  // [N]
  Activation activation = Activation::kNone;
  Matrix gate = {};      // [1, N] for all rows, or [T, N]
  Matrix residual = {};  // [T, N]; may be `out` itself
};

// The rows of a map: row = (picture · height + y) · width + x.
struct Grid {
  int64_t pictures = 0;
  int64_t height = 0;
  int64_t width = 0;
  int64_t rows() const { return pictures * height * width; }
};

// Causal grouped-query attention: query head i reads key-value head i / (heads / kv_heads).
struct AttentionShape {
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
};

// Where the keys and values of one sequence lie: one piece of memory for all layers,
// [layers, 2, kv_heads, capacity, head_dim] f32, keys before values.
//
// One sequence's keys and values in one layer, each [kv_heads, capacity, head_dim].
struct KvSlot {
  float* keys = nullptr;
  float* values = nullptr;
  int64_t capacity = 0;
  int64_t position = 0;  // of the first row at hand; rows before it are in the cache
};

// Layer `layer` of such a piece of memory.
inline KvSlot SlotOf(const AttentionShape& shape, float* cache, int64_t capacity, int64_t layer, int64_t position) {
  const int64_t half = shape.kv_heads * capacity * shape.head_dim;
  float* keys = cache + 2 * layer * half;
  return {keys, keys + half, capacity, position};
}

// One sequence in the token loop. A table of them lies in the backend's memory, so that the loop goes on without the
// host: DrawTokens and FinishTokens change it.
struct TokenRow {
  float* cache = nullptr;              // of all layers, as above
  int64_t capacity = 0;                // positions that it has room for
  float* hidden_states = nullptr;      // [N + 1, H] dense: row `drawn` is the newest
  int32_t* tokens = nullptr;           // [N] image codes
  float* log_probabilities = nullptr;  // [N, 2], or null: nobody asks for them
  int64_t position = 0;                // of the next token to run
  int64_t drawn = 0;                   // tokens that FinishTokens has seen
  uint64_t seed = 0;
  int64_t top_k = 0;         // 0: all
  float temperature = 1.0f;  // 0: argmax
  float top_p = 1.0f;
  int32_t finite = 1;  // 0 once a logit was NaN or infinite
  int32_t padding = 0;
};

struct TokenTable {
  TokenRow* rows = nullptr;  // the backend's memory
  int64_t count = 0;
  int64_t most_positions = 0;  // no row's position reaches it in the operations at hand
  TokenTable Row(int64_t r) const { return {rows + r, 1, most_positions}; }
};

// What token products read: `x`, or RmsNorm(x, norm, eps) where `norm` is not empty.
struct TokenInput {
  Matrix x;        // [B, K]
  View norm = {};  // [K]
  double eps = 0;
};

struct TokenProduct {
  View weight;  // [N, K]
  Epilogue epilogue = {};
  Matrix out;  // [B, N]
};

struct RotaryParameters {
  AttentionShape shape;
  View q_norm, k_norm;  // [head_dim]
  double eps = 0;
  double theta = 0;
};

// Heads of linear attention inside wider rows: head i of q is columns [i · head_stride, i · head_stride + head_dim) of
// `q`, and so for k and v.
struct LinearAttentionInput {
  Matrix q, k, v;  // [pictures · tokens, …]
  int64_t pictures = 0;
  int64_t heads = 0;
  int64_t head_dim = 0;
  int64_t head_stride = 0;
};

// What changes from one denoising step to the next.
struct StepScalars {
  float guidance = 1.0f;
  float delta = 0.0f;  // sigma_next − sigma
};

// Names a sequence of operations whose operands, all of them, stay where they are.
struct RepeatKey {
  uint64_t owner = 0;               // what it is of: a request, a batch
  const void* workspace = nullptr;  // where its operands lie
  uint64_t form = 0;                // which of the owner's sequences
  bool operator==(const RepeatKey&) const = default;
};

// The largest operands to come, so that a backend can take its scratch memory beforehand.
struct Capacity {
  int64_t product_depth = 0;            // largest K of Matmul and TokenMatmul
  int64_t product_stride = 0;           // largest stride of x in Matmul
  int64_t convolution_weights = 0;      // largest count of a 3×3 convolution's weight
  int64_t convolution_depth = 0;        // largest 9 · Cin of a 3×3 convolution
  int64_t keys = 0;                     // longest sequence of attention, cross attention included
  int64_t attention_width = 0;          // largest heads · head_dim
  int64_t vocabulary = 0;               // largest row of logits
  int64_t linear_attention_tokens = 0;  // most tokens of one picture in LinearAttention
  int64_t linear_attention_state = 0;   // largest heads · head_dim · (head_dim + 1)
  bool operator==(const Capacity&) const = default;
};

// What holds operands of both.
Capacity Larger(const Capacity& a, const Capacity& b);

class Ops {
 public:
  virtual ~Ops() = default;

  // For people: "cpu (AVX-512, f32)".
  virtual std::string name() const = 0;

  // ---- Memory and order ----------------------------------------------------------------------------------------

  // The backend's memory, aligned to 64 bytes at least: the host reads and writes it with CopyIn and CopyOut alone. The
  // Buffer gives it back by itself, from any thread and also when the operations are gone; nothing under way uses it.
  virtual Result<Buffer> Allocate(int64_t size_bytes) = 0;
  // Takes scratch memory for operands up to `capacity`, and keeps what it has for larger ones.
  virtual Status Reserve(const Capacity& capacity) = 0;
  // Gives the scratch memory back. No operation is under way.
  virtual void Release() = 0;
  // Scratch bytes for operands up to `capacity`. Any thread's.
  virtual int64_t ScratchBytes(const Capacity& capacity) const = 0;
  // The caller's work, of one or many steps and tokens, begins and ends. Between them the backend may use its share of
  // the device; outside it leaves it to others. Not nested. Operations run outside too, and count nowhere.
  virtual void BeginWork() = 0;
  virtual void EndWork() = 0;
  // Runs `work`, which only queues operations on the backend's memory. A backend that can may keep what was queued
  // and queue that again, without running `work`, when it is called with the same key.
  virtual void Repeat(const RepeatKey& key, const std::function<void()>& work) { (void)key, work(); }
  // So many tokens may be queued before the host looks at the first: 1 where the host is the device.
  virtual int TokensAhead() const { return 1; }
  // `host` may be written when this returns.
  virtual void CopyIn(const void* host, int64_t size_bytes, void* to) = 0;
  // Waits for the operations before it.
  virtual void CopyOut(const void* from, int64_t size_bytes, void* host) = 0;
  // Waits for every operation and returns, then forgets, the first failure.
  virtual Status Finish() = 0;

  // ---- Products ------------------------------------------------------------------------------------------------

  // out[t, n] = epilogue(Σ_k x[t, k] · weight[n, k]); x [T, K], weight [N, K] (more dimensions of 1 are allowed).
  // For many rows: prefill, diffusion, pictures.
  virtual void Matmul(const Matrix& x, const View& weight, const Epilogue& epilogue, const Matrix& out) = 0;
  // The same product for 1 to 64 rows, one token each, bound by the bytes of the weight; 1 to 3 of them of one input.
  // One order over K at any rows. No product's `out` may be the input.
  virtual void TokenMatmul(const TokenInput& input, std::span<const TokenProduct> products) = 0;
  // One product of x as it is.
  void TokenMatmul(const Matrix& x, const View& weight, const Epilogue& epilogue, const Matrix& out) {
    const TokenProduct product{weight, epilogue, out};
    TokenMatmul({.x = x}, {&product, 1});
  }
  // out = silu(x gateᵀ) ⊙ (x upᵀ); x [B, K] as in TokenMatmul, gate and up [I, K].
  virtual void TokenSwiGlu(const TokenInput& input, const View& gate, const View& up, const Matrix& out) = 0;
  // out[t, g·d + i] = Σ_j x[t, g·d + j] · weight[g·d + i, j]; weight [C, d, 1, 1] with C = groups · d.
  virtual void GroupedPointwise(const Matrix& x, const View& weight, const Matrix& out) = 0;

  // ---- Language model ------------------------------------------------------------------------------------------

  // out[t] = table[ids[t] + offset]; ids i32, table [V, H].
  virtual void Embed(const View& table, const int32_t* ids, int32_t offset, const Matrix& out) = 0;
  // For row t at position p = slot.position + t: q and k heads through RMSNorm and the rotary embedding (half-split
  // pairs i, i + d/2; angle p · theta^(−2i/d)), q in place, k and v into the cache at p.
  // q [T, heads·d], k and v [T, kv_heads·d].
  virtual void RotaryAppend(const RotaryParameters& parameters, const Matrix& q, const Matrix& k, const Matrix& v,
                            const KvSlot& slot) = 0;
  // Row t attends to positions [0, slot.position + t], which are in the cache: softmax(q·k / √d) v.
  // q, out [T, heads·d].
  virtual void PrefillAttention(const AttentionShape& shape, const Matrix& q, const KvSlot& slot,
                                const Matrix& out) = 0;

  // ---- The token loop: rows are those of the table ------------------------------------------------------------------

  // out[b] = hidden_states[drawn] of row b; out [B, H].
  virtual void GatherHiddenStates(const TokenTable& table, const Matrix& out) = 0;
  // tokens[drawn] of row b = one token from softmax(logits[b] / temperature) kept to the top_k largest, then to the
  // smallest set whose probability reaches top_p (at least one token), with the uniform number Philox(seed,
  // RandomStream::kTokens, drawn). Equal logits: the lower id comes first. `finite` becomes 0 where a logit is NaN or
  // infinite. logits [B, V]. Where row b has log_probabilities, [drawn] = the token's under the distribution it was
  // drawn from (0 where temperature is 0 or top_k is 1), and under softmax(logits[b]).
  virtual void DrawTokens(const Matrix& logits, const TokenTable& table) = 0;
  // out[b] = embedding[tokens[drawn] + offset]; embedding [V, H], out [B, H].
  virtual void EmbedTokens(const View& embedding, int32_t offset, const TokenTable& table, const Matrix& out) = 0;
  // RotaryAppend of row b at its position, into its own cache of `layer`.
  virtual void RotaryAppendTokens(const RotaryParameters& parameters, int64_t layer, const Matrix& q, const Matrix& k,
                                  const Matrix& v, const TokenTable& table) = 0;
  // Row b attends to positions [0, position] of its own cache of `layer`. Keys are split every 128 positions from 0 and
  // the parts combined in ascending order. q, out [B, heads·d].
  virtual void DecodeAttention(const AttentionShape& shape, int64_t layer, const Matrix& q, const TokenTable& table,
                               const Matrix& out) = 0;
  // hidden_states[drawn + 1] of row b = RmsNorm(x[b], norm, eps); then drawn and position grow by one. x [B, H].
  virtual void FinishTokens(const Matrix& x, const View& norm, double eps, const TokenTable& table) = 0;

  // ---- Norms ---------------------------------------------------------------------------------------------------

  // out = activation(x · rsqrt(mean x² + eps) · weight + bias) + residual over each row; bias, residual may be empty.
  // In place allowed; residual may be `out`.
  virtual void RmsNorm(const Matrix& x, const View& weight, const View& bias, double eps, Activation activation,
                       const Matrix& residual, const Matrix& out) = 0;
  // out = (x − mean) · rsqrt(variance + eps) · (1 + scale) + shift over each row; shift, scale [1, C]. In place
  // allowed.
  virtual void LayerNormModulate(const Matrix& x, const Matrix& shift, const Matrix& scale, double eps,
                                 const Matrix& out) = 0;
  // out = (x − mean) · rsqrt(variance + eps) · weight + bias over each row; weight, bias [C]. In place allowed.
  virtual void LayerNorm(const Matrix& x, const View& weight, const View& bias, double eps, const Matrix& out) = 0;
  // out = x / max(‖x‖₂, 1e-12) over each row. In place allowed.
  virtual void L2Normalize(const Matrix& x, const Matrix& out) = 0;

  // ---- Attention of the diffusion transformer, the autoencoder and the vision encoder ------------------------------

  // softmax(q kᵀ / √d) v per head; q, out [T, heads·d], k, v [M, heads·d]. Self-attention of pictures, where k and v
  // are of the same rows as q, is this too.
  virtual void CrossAttention(const Matrix& q, const Matrix& k, const Matrix& v, int64_t heads, int64_t head_dim,
                              const Matrix& out) = 0;
  // Per picture and head, with q' = relu(q), k' = relu(k): S = Σ_t v_t k'_tᵀ, z = Σ_t k'_t,
  // out_t = S q'_t / (z·q'_t + 1e-15). States of 256 tokens each are summed in ascending order.
  // out [pictures · tokens, heads · head_dim].
  virtual void LinearAttention(const LinearAttentionInput& input, const Matrix& out) = 0;

  // ---- Convolutions, zero padding, on maps -----------------------------------------------------------------------

  // 3×3; x [grid, Cin], weight [Cout, Cin, 3, 3], out [grid, Cout]. The epilogue has no gate.
  virtual void Conv3x3(const Matrix& x, const Grid& grid, const View& weight, const Epilogue& epilogue,
                       const Matrix& out) = 0;
  // Nearest-neighbour ×2, then 3×3 with bias: x [grid, Cin], out [2·height, 2·width, Cout]. Computed as four 2×2
  // convolutions on the small grid.
  virtual void UpsampleConv3x3(const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                               const Matrix& out) = 0;
  // 3×3 of stride 2 with bias: out[y, x] sees x[2y − 1 … 2y + 1, 2x − 1 … 2x + 1]; x [grid, Cin] of even height and
  // width, out [height/2, width/2, Cout].
  virtual void DownsampleConv3x3(const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                                 const Matrix& out) = 0;
  // Depthwise s×s, s odd, no bias: weight [C, 1, s, s].
  virtual void DepthwiseConv(const Matrix& x, const Grid& grid, const View& weight, const Matrix& out) = 0;
  // With y = depthwise 3×3 of x + bias, out[f] = y[f] · silu(y[F + f]); x [grid, 2F], weight [2F, 1, 3, 3], out [., F].
  virtual void DepthwiseGate(const Matrix& x, const Grid& grid, const View& weight, const View& bias,
                             const Matrix& out) = 0;

  // ---- Rearrangements --------------------------------------------------------------------------------------------

  // out[2y + i, 2x + j, c] = x[y, x, 4c + 2i + j]; x [grid, 4C].
  virtual void PixelShuffle(const Matrix& x, const Grid& grid, const Matrix& out) = 0;
  // out[2y + i, 2x + j, c] += x[y, x, (4c + 2i + j) / r], r = 4·Cout / Cin; x [grid, Cin].
  virtual void AddUpsampled(const Matrix& x, const Grid& grid, const Matrix& out) = 0;
  // out[t, c] += x[t, c / r], r = Cout / Cin.
  virtual void AddRepeated(const Matrix& x, const Matrix& out) = 0;
  // out[y, x, (c·p + i)·p + j] = x[p·y + i, p·x + j, c], p = patch; rows and columns beyond a multiple of p are left
  // out. x [grid, C], out [height div p · width div p, C·p²]. Pixel unshuffle at p = 2; the operand of a patch
  // convolution.
  virtual void SpaceToDepth(const Matrix& x, const Grid& grid, int64_t patch, const Matrix& out) = 0;
  // out[y, x, c] += mean over k < r of u[y, x, c·r + k], u = SpaceToDepth(x, grid, 2), r = 4·Cin / Cout; x [grid, Cin].
  virtual void AddDownsampled(const Matrix& x, const Grid& grid, const Matrix& out) = 0;
  // out[t, c] += mean over k < r of x[t, c·r + k], r = Cin / Cout.
  virtual void AddAveraged(const Matrix& x, const Matrix& out) = 0;
  // out = x.
  virtual void Copy(const Matrix& x, const Matrix& out) = 0;
  // out[c, t] = x[t, c] · factor, dense: channels-last to planes.
  virtual void ToPlanes(const Matrix& x, float factor, float* planes) = 0;
  // out[t, c] = planes[c, t] · factor.
  virtual void FromPlanes(const float* planes, float factor, const Matrix& out) = 0;

  // ---- Elementwise -----------------------------------------------------------------------------------------------

  // out = activation(x). In place allowed.
  virtual void Activate(const Matrix& x, Activation activation, const Matrix& out) = 0;
  // out[r] = table[r] + x[r], or + x[0] where x has one row; table [R, D].
  virtual void AddTable(const View& table, const Matrix& x, const Matrix& out) = 0;
  // x[t] += row[0].
  virtual void AddRow(const Matrix& row, const Matrix& x) = 0;
  // velocity = null + guidance · (cond − null), or cond where `null` is empty; x += delta · velocity. `velocity` may be
  // empty when nobody wants it. All [T, c]. `step`: the backend's memory, so that a step can be repeated with others.
  virtual void GuidedStep(const Matrix& null, const Matrix& cond, const StepScalars* step, const Matrix& velocity,
                          const Matrix& x) = 0;
  // pixels = round-half-even(clamp(x / 2 + 0.5, 0, 1) · 255) as u8, dense.
  virtual void ToPixels(const Matrix& x, uint8_t* pixels) = 0;
  // out = (pixels / 255 − 0.5) / 0.5, each operation rounded to f32; pixels u8, dense.
  virtual void FromPixels(const uint8_t* pixels, const Matrix& out) = 0;
  // x[t] = m·x[t] + (1 − m)·((1 − sigma)·latents[t] + sigma·noise[t]), m = mask[t]: what may not change follows the
  // latents' own noised path. mask [T, 1]; empty: 0 everywhere. All others [T, c].
  virtual void FollowPath(const Matrix& mask, const Matrix& latents, const Matrix& noise, float sigma,
                          const Matrix& x) = 0;
  // A running argmax over column blocks: where scores[t, j] > best[t], best[t] = scores[t, j] and index[t] = first + j.
  // At first = 0 both are set anew. Of equal scores the lowest column wins; NaN never does. scores [T, n].
  virtual void KeepLargest(const Matrix& scores, int32_t first, float* best, int32_t* index) = 0;
  // True when every value is finite. Waits.
  virtual bool AllFinite(const Matrix& x) = 0;
};

}  // namespace blip3o
