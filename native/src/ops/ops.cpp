#include "ops/ops.h"

#include <algorithm>

namespace blip3o {

Capacity Larger(const Capacity& a, const Capacity& b) {
  Capacity c;
  c.product_depth = std::max(a.product_depth, b.product_depth);
  c.product_stride = std::max(a.product_stride, b.product_stride);
  c.convolution_weights = std::max(a.convolution_weights, b.convolution_weights);
  c.convolution_depth = std::max(a.convolution_depth, b.convolution_depth);
  c.keys = std::max(a.keys, b.keys);
  c.attention_width = std::max(a.attention_width, b.attention_width);
  c.vocabulary = std::max(a.vocabulary, b.vocabulary);
  c.linear_attention_tokens = std::max(a.linear_attention_tokens, b.linear_attention_tokens);
  c.linear_attention_state = std::max(a.linear_attention_state, b.linear_attention_state);
  return c;
}

}  // namespace blip3o
