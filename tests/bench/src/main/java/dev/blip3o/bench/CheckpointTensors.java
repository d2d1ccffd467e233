package dev.blip3o.bench;

import java.util.ArrayList;
import java.util.List;

/**
 * The tensors that text to image needs, with the names and shapes of the public checkpoint: Qwen3
 * (transformers), connectors, SanaTransformer2DModel and AutoencoderDC's decoder (diffusers).
 */
final class CheckpointTensors {
  /** How a tensor is filled. */
  enum Fill {
    /** Normal, standard deviation 1/sqrt(fan-in): a product keeps the size of its input. */
    WEIGHT,
    /** Normal, standard deviation 0.02. */
    SMALL,
    /** One. */
    ONE
  }

  record Spec(String name, Fill fill, List<Integer> shape) {
    long elements() {
      return shape.stream().mapToLong(Integer::longValue).reduce(1, Math::multiplyExact);
    }

    /** Elements that one output sums over. */
    long fanIn() {
      return elements() / shape.get(0);
    }
  }

  private final CheckpointSizes sizes;
  private final List<Spec> specs = new ArrayList<>();

  private CheckpointTensors(CheckpointSizes sizes) {
    this.sizes = sizes;
  }

  static List<Spec> of(CheckpointSizes sizes) {
    CheckpointTensors tensors = new CheckpointTensors(sizes);
    tensors.languageModel();
    tensors.connector("model.diffusion_connector", sizes.hidden());
    tensors.connector("model.und_image_vae_connector", sizes.latentChannels());
    tensors.sana();
    tensors.decoder();
    return tensors.specs;
  }

  private void languageModel() {
    int hidden = sizes.hidden();
    add("model.embed_tokens.weight", Fill.SMALL, sizes.vocabulary(), hidden);
    for (int layer = 0; layer < sizes.layers(); layer++) {
      String p = "model.layers." + layer + ".";
      int queries = sizes.heads() * sizes.headDim();
      int keys = sizes.kvHeads() * sizes.headDim();
      add(p + "input_layernorm.weight", Fill.ONE, hidden);
      add(p + "self_attn.q_proj.weight", Fill.WEIGHT, queries, hidden);
      add(p + "self_attn.k_proj.weight", Fill.WEIGHT, keys, hidden);
      add(p + "self_attn.v_proj.weight", Fill.WEIGHT, keys, hidden);
      add(p + "self_attn.o_proj.weight", Fill.WEIGHT, hidden, queries);
      add(p + "self_attn.q_norm.weight", Fill.ONE, sizes.headDim());
      add(p + "self_attn.k_norm.weight", Fill.ONE, sizes.headDim());
      add(p + "post_attention_layernorm.weight", Fill.ONE, hidden);
      add(p + "mlp.gate_proj.weight", Fill.WEIGHT, sizes.intermediate(), hidden);
      add(p + "mlp.up_proj.weight", Fill.WEIGHT, sizes.intermediate(), hidden);
      add(p + "mlp.down_proj.weight", Fill.WEIGHT, hidden, sizes.intermediate());
    }
    add("model.norm.weight", Fill.ONE, hidden);
    if (!sizes.tied()) {
      add("lm_head.weight", Fill.SMALL, sizes.vocabulary(), hidden);
    }
  }

  private void connector(String name, int inputs) {
    linear(name + ".0", sizes.caption(), inputs);
    linear(name + ".2", sizes.caption(), sizes.caption());
    add(name + ".3.weight", Fill.ONE, sizes.caption());
  }

  private void sana() {
    int width = sizes.width();
    String p = "model.sana.";
    add(p + "scale_shift_table", Fill.SMALL, 2, width);
    add(p + "patch_embed.proj.weight", Fill.WEIGHT, width, sizes.latentChannels(), 1, 1);
    add(p + "patch_embed.proj.bias", Fill.SMALL, width);
    linear(p + "time_embed.emb.timestep_embedder.linear_1", width, 256);
    linear(p + "time_embed.emb.timestep_embedder.linear_2", width, width);
    linear(p + "time_embed.linear", 6 * width, width);
    linear(p + "caption_projection.linear_1", width, sizes.caption());
    linear(p + "caption_projection.linear_2", width, width);
    add(p + "caption_norm.weight", Fill.ONE, width);
    for (int layer = 0; layer < sizes.sanaLayers(); layer++) {
      sanaBlock(p + "transformer_blocks." + layer + ".");
    }
    linear(p + "proj_out", sizes.latentChannels(), width);
  }

  private void sanaBlock(String p) {
    int width = sizes.width();
    add(p + "scale_shift_table", Fill.SMALL, 6, width);
    for (String attention : List.of("attn1.", "attn2.")) {
      add(p + attention + "norm_q.weight", Fill.ONE, width);
      add(p + attention + "norm_k.weight", Fill.ONE, width);
      for (String projection : List.of("to_q", "to_k", "to_v")) {
        add(p + attention + projection + ".weight", Fill.WEIGHT, width, width);
        if (attention.equals("attn2.")) { // attention_bias is false: it speaks of attn1 only
          add(p + attention + projection + ".bias", Fill.SMALL, width);
        }
      }
      linear(p + attention + "to_out.0", width, width);
    }
    gluConv(p + "ff.", width, sizes.feedForward());
  }

  private void gluConv(String p, int channels, int inner) {
    convolution(p + "conv_inverted", 2 * inner, channels, 1);
    convolution(p + "conv_depth", 2 * inner, 1, 3);
    add(p + "conv_point.weight", Fill.WEIGHT, channels, inner, 1, 1);
  }

  private void decoder() {
    List<Integer> channels = sizes.decoderChannels();
    int deepest = channels.size() - 1;
    String p = "model.sana_vae.decoder.";
    convolution(p + "conv_in", channels.get(deepest), sizes.latentChannels(), 3);
    for (int stage = deepest; stage >= 0; stage--) {
      String block = p + "up_blocks." + stage + ".";
      int first = 0;
      if (stage < deepest) {
        convolution(block + "0.conv", channels.get(stage), channels.get(stage + 1), 3);
        first = 1;
      }
      for (int i = first; i < first + sizes.decoderLayers().get(stage); i++) {
        if (stage >= sizes.firstTransformerStage()) {
          transformerBlock(block + i + ".", channels.get(stage));
        } else {
          residualBlock(block + i + ".", channels.get(stage));
        }
      }
    }
    norm(p + "norm_out", channels.get(0));
    convolution(p + "conv_out", 3, channels.get(0), 3);
  }

  private void residualBlock(String p, int channels) {
    convolution(p + "conv1", channels, channels, 3);
    add(p + "conv2.weight", Fill.WEIGHT, channels, channels, 3, 3);
    norm(p + "norm", channels);
  }

  private void transformerBlock(String p, int channels) {
    for (String projection : List.of("to_q", "to_k", "to_v")) {
      add(p + "attn." + projection + ".weight", Fill.WEIGHT, channels, channels);
    }
    String multiscale = p + "attn.to_qkv_multiscale.0.";
    add(multiscale + "proj_in.weight", Fill.WEIGHT, 3 * channels, 1, 5, 5);
    add(multiscale + "proj_out.weight", Fill.WEIGHT, 3 * channels, sizes.decoderHeadDim(), 1, 1);
    add(p + "attn.to_out.weight", Fill.WEIGHT, channels, 2 * channels);
    norm(p + "attn.norm_out", channels);
    gluConv(p + "conv_out.", channels, 4 * channels);
    norm(p + "conv_out.norm", channels);
  }

  private void linear(String name, int outputs, int inputs) {
    add(name + ".weight", Fill.WEIGHT, outputs, inputs);
    add(name + ".bias", Fill.SMALL, outputs);
  }

  private void convolution(String name, int outputs, int inputs, int kernel) {
    add(name + ".weight", Fill.WEIGHT, outputs, inputs, kernel, kernel);
    add(name + ".bias", Fill.SMALL, outputs);
  }

  private void norm(String name, int channels) {
    add(name + ".weight", Fill.ONE, channels);
    add(name + ".bias", Fill.SMALL, channels);
  }

  private void add(String name, Fill fill, Integer... shape) {
    specs.add(new Spec(name, fill, List.of(shape)));
  }
}
