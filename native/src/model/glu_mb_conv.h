// GLUMBConv, the gated inverted bottleneck that SANA and DC-AE share: 1×1 expand, SiLU, depthwise 3×3, gate, 1×1 back.
//
// Source: diffusers: transformers/sana_transformer.py: GLUMBConv.
#pragma once

#include "base/arena.h"
#include "ops/ops.h"
#include "weights/model_weights.h"

namespace blip3o {

// out = epilogue(conv_point(a · silu(g))), (a, g) = halves of conv_depth(silu(conv_inverted(x))); x, out [grid, D].
// The norm of DC-AE's form is the caller's.
void GluMbConv(Ops& ops, Arena& arena, const GluMbConvWeights& weights, const Matrix& x, const Grid& grid,
               const Epilogue& epilogue, const Matrix& out);

}  // namespace blip3o
