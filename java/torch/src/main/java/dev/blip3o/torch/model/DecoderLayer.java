package dev.blip3o.torch.model;

import dev.blip3o.LanguageModelConfig;
import java.util.function.Function;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/** One layer of Qwen3 (transformers' modeling_qwen3.py: Qwen3DecoderLayer). */
final class DecoderLayer {
  private final LanguageModelConfig config;
  private final Function<String, Tensor> weights;

  /**
   * A layer.
   *
   * @param weights parameters by their name behind the layer's prefix
   */
  DecoderLayer(LanguageModelConfig config, Function<String, Tensor> weights) {
    this.config = config;
    this.weights = weights;
  }

  /** {@code x [B, T, H]} to the next layer's; all that is made between is closed. */
  Tensor forward(Tensor x, Rotary rotary) {
    return Scopes.keep(
        () -> {
          Tensor seen = x.add(attention(norm(x, "input_layernorm"), rotary));
          return seen.add(mlp(norm(seen, "post_attention_layernorm")));
        });
  }

  /** Grouped queries, causal: no position sees a later one. */
  private Tensor attention(Tensor x, Rotary rotary) {
    Tensor queries = rotary.turn(norm(heads(x, "q_proj", config.heads()), "self_attn.q_norm"));
    Tensor keys = rotary.turn(norm(heads(x, "k_proj", config.kvHeads()), "self_attn.k_norm"));
    Tensor values = heads(x, "v_proj", config.kvHeads());
    Tensor mixed =
        torch.scaled_dot_product_attention(
            queries,
            shared(keys),
            shared(values),
            new TensorOptional(),
            0,
            true,
            new DoubleOptional(1 / Math.sqrt(config.headDim())),
            false);
    Tensor rows = mixed.transpose(1, 2).reshape(x.size(0), x.size(1), -1);
    return linear(rows, "self_attn.o_proj");
  }

  /** {@code [B, heads, T, d]}. */
  private Tensor heads(Tensor x, String projection, int heads) {
    return linear(x, "self_attn." + projection)
        .view(x.size(0), x.size(1), heads, config.headDim())
        .transpose(1, 2);
  }

  /** Each key or value head beside itself, once for every query head that shares it. */
  private Tensor shared(Tensor x) {
    int each = config.heads() / config.kvHeads();
    if (each == 1) {
      return x;
    }
    return x.unsqueeze(2)
        .expand(x.size(0), x.size(1), each, x.size(2), x.size(3))
        .reshape(x.size(0), config.heads(), x.size(2), x.size(3));
  }

  private Tensor mlp(Tensor x) {
    Tensor gate = torch.silu(linear(x, "mlp.gate_proj"));
    return linear(gate.mul(linear(x, "mlp.up_proj")), "mlp.down_proj");
  }

  private Tensor linear(Tensor x, String name) {
    return torch.linear(x, weights.apply(name + ".weight"));
  }

  private Tensor norm(Tensor x, String name) {
    return rmsNorm(x, weights.apply(name + ".weight"), config.rmsNormEps());
  }

  /** Over the last axis: weight · x / sqrt(mean x² + eps). */
  static Tensor rmsNorm(Tensor x, Tensor weight, double eps) {
    return torch.rms_norm(
        x, new long[] {weight.size(0)}, new TensorOptional(weight), new DoubleOptional(eps));
  }
}
