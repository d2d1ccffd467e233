// Weights of the language model in eight bits: symmetric int8 with a scale for each 128 inputs of a row (base/q8.h).
//
// scale = max |w| / 127, int8 = w / scale rounded to the nearest, ties to even. Products read half the bytes of BF16; a
// weight is off by at most half a scale, 1/254 of the largest of its block.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "base/tensor.h"
#include "weights/model_weights.h"

namespace blip3o {

// Quantizes weight [N, K] of any floating-point dtype into `to`, of Q8Layout's size, aligned to 4 bytes.
void QuantizeQ8(const View& weight, void* to);

// Bytes of all products' weights of the language model in eight bits.
int64_t QuantizedBytes(const LanguageModelWeights& weights);

// The products' weights of the language model in eight bits: q, k, v, o, gate, up, down of each layer and the image
// head; embeddings and norms stay. The views point into the buffer. Takes all processors for a moment. Errors:
// OUT_OF_MEMORY.
Result<Buffer> QuantizeLanguageModel(LanguageModelWeights& weights, int threads);

// The same views, to measure with: nobody may read them.
void QuantizeSizesOnly(LanguageModelWeights& weights);

}  // namespace blip3o
