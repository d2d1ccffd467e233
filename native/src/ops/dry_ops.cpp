#include "ops/dry_ops.h"

#include <algorithm>

namespace blip3o {

namespace {
void Raise(int64_t& most, int64_t value) { most = std::max(most, value); }
}  // namespace

void DryOps::Matmul(const Matrix& x, const View&, const Epilogue&, const Matrix& out) {
  products_ += x.rows * x.cols * out.cols;
  Raise(capacity_.product_depth, x.cols);
  Raise(capacity_.product_stride, x.stride);
}

void DryOps::TokenMatmul(const TokenInput& input, std::span<const TokenProduct>) {
  Raise(capacity_.product_depth, input.x.cols);
}

void DryOps::TokenSwiGlu(const TokenInput& input, const View&, const View&, const Matrix&) {
  Raise(capacity_.product_depth, input.x.cols);
}

void DryOps::NoteAttention(const Matrix& q, int64_t keys) {
  Raise(capacity_.keys, keys);
  Raise(capacity_.attention_width, q.cols);
}

void DryOps::PrefillAttention(const AttentionShape&, const Matrix& q, const KvSlot& slot, const Matrix&) {
  NoteAttention(q, slot.capacity);
}

void DryOps::DrawTokens(const Matrix& logits, const TokenTable&) { Raise(capacity_.vocabulary, logits.cols); }

void DryOps::DecodeAttention(const AttentionShape&, int64_t, const Matrix& q, const TokenTable& table, const Matrix&) {
  NoteAttention(q, table.most_positions);
}

void DryOps::CrossAttention(const Matrix& q, const Matrix& k, const Matrix&, int64_t, int64_t, const Matrix&) {
  NoteAttention(q, k.rows);
}

void DryOps::LinearAttention(const LinearAttentionInput& input, const Matrix&) {
  Raise(capacity_.linear_attention_tokens, input.q.rows / input.pictures);
  Raise(capacity_.linear_attention_state, input.heads * input.head_dim * (input.head_dim + 1));
}

void DryOps::NoteConvolution(const Matrix& x, const View& weight) {
  Raise(capacity_.convolution_weights, weight.count());
  Raise(capacity_.convolution_depth, 9 * x.cols);
}

void DryOps::Conv3x3(const Matrix& x, const Grid&, const View& weight, const Epilogue&, const Matrix&) {
  NoteConvolution(x, weight);
}

void DryOps::UpsampleConv3x3(const Matrix& x, const Grid&, const View& weight, const View&, const Matrix&) {
  NoteConvolution(x, weight);
}

void DryOps::DownsampleConv3x3(const Matrix& x, const Grid&, const View& weight, const View&, const Matrix&) {
  NoteConvolution(x, weight);
}

}  // namespace blip3o
