package dev.blip3o.bench;

import java.util.List;

/**
 * The tensors that text to image and editing need, with the names and shapes of the public
 * checkpoint: Qwen3 (transformers), connectors, SanaTransformer2DModel and AutoencoderDC
 * (diffusers), TA-Tok.
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
  private final TensorList tensors = new TensorList();

  private CheckpointTensors(CheckpointSizes sizes) {
    this.sizes = sizes;
  }

  static List<Spec> of(CheckpointSizes sizes) {
    CheckpointTensors all = new CheckpointTensors(sizes);
    all.languageModel();
    all.connector("model.diffusion_connector", sizes.hidden());
    all.connector("model.und_image_vae_connector", sizes.latentChannels());
    all.sana();
    AutoencoderTensors autoencoder = new AutoencoderTensors(sizes, all.tensors);
    autoencoder.decoder();
    autoencoder.encoder();
    new ImageTokenizerTensors(sizes, all.tensors).all();
    return all.tensors.specs();
  }

  private void languageModel() {
    int hidden = sizes.hidden();
    tensors.add("model.embed_tokens.weight", Fill.SMALL, sizes.vocabulary(), hidden);
    for (int layer = 0; layer < sizes.layers(); layer++) {
      String p = "model.layers." + layer + ".";
      int queries = sizes.heads() * sizes.headDim();
      int keys = sizes.kvHeads() * sizes.headDim();
      tensors.add(p + "input_layernorm.weight", Fill.ONE, hidden);
      tensors.add(p + "self_attn.q_proj.weight", Fill.WEIGHT, queries, hidden);
      tensors.add(p + "self_attn.k_proj.weight", Fill.WEIGHT, keys, hidden);
      tensors.add(p + "self_attn.v_proj.weight", Fill.WEIGHT, keys, hidden);
      tensors.add(p + "self_attn.o_proj.weight", Fill.WEIGHT, hidden, queries);
      tensors.add(p + "self_attn.q_norm.weight", Fill.ONE, sizes.headDim());
      tensors.add(p + "self_attn.k_norm.weight", Fill.ONE, sizes.headDim());
      tensors.add(p + "post_attention_layernorm.weight", Fill.ONE, hidden);
      tensors.add(p + "mlp.gate_proj.weight", Fill.WEIGHT, sizes.intermediate(), hidden);
      tensors.add(p + "mlp.up_proj.weight", Fill.WEIGHT, sizes.intermediate(), hidden);
      tensors.add(p + "mlp.down_proj.weight", Fill.WEIGHT, hidden, sizes.intermediate());
    }
    tensors.add("model.norm.weight", Fill.ONE, hidden);
    if (!sizes.tied()) {
      tensors.add("lm_head.weight", Fill.SMALL, sizes.vocabulary(), hidden);
    }
  }

  private void connector(String name, int inputs) {
    tensors.linear(name + ".0", sizes.caption(), inputs);
    tensors.linear(name + ".2", sizes.caption(), sizes.caption());
    tensors.add(name + ".3.weight", Fill.ONE, sizes.caption());
  }

  private void sana() {
    int width = sizes.width();
    String p = "model.sana.";
    tensors.add(p + "scale_shift_table", Fill.SMALL, 2, width);
    tensors.add(p + "patch_embed.proj.weight", Fill.WEIGHT, width, sizes.latentChannels(), 1, 1);
    tensors.add(p + "patch_embed.proj.bias", Fill.SMALL, width);
    tensors.linear(p + "time_embed.emb.timestep_embedder.linear_1", width, 256);
    tensors.linear(p + "time_embed.emb.timestep_embedder.linear_2", width, width);
    tensors.linear(p + "time_embed.linear", 6 * width, width);
    tensors.linear(p + "caption_projection.linear_1", width, sizes.caption());
    tensors.linear(p + "caption_projection.linear_2", width, width);
    tensors.add(p + "caption_norm.weight", Fill.ONE, width);
    for (int layer = 0; layer < sizes.sanaLayers(); layer++) {
      sanaBlock(p + "transformer_blocks." + layer + ".");
    }
    tensors.linear(p + "proj_out", sizes.latentChannels(), width);
  }

  private void sanaBlock(String p) {
    int width = sizes.width();
    tensors.add(p + "scale_shift_table", Fill.SMALL, 6, width);
    for (String attention : List.of("attn1.", "attn2.")) {
      tensors.add(p + attention + "norm_q.weight", Fill.ONE, width);
      tensors.add(p + attention + "norm_k.weight", Fill.ONE, width);
      for (String projection : List.of("to_q", "to_k", "to_v")) {
        tensors.add(p + attention + projection + ".weight", Fill.WEIGHT, width, width);
        if (attention.equals("attn2.")) { // attention_bias is false: it speaks of attn1 only
          tensors.add(p + attention + projection + ".bias", Fill.SMALL, width);
        }
      }
      tensors.linear(p + attention + "to_out.0", width, width);
    }
    tensors.gluConv(p + "ff.", width, sizes.feedForward());
  }
}
