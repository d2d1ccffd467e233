package dev.blip3o.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The JSON files of a random checkpoint beside its weights and its tokenizer. */
final class CheckpointConfigs {
  private CheckpointConfigs() {}

  static void write(Path directory, CheckpointSizes sizes) throws IOException {
    Path diffusion = directory.resolve("diffusion");
    put(directory.resolve("config.json"), model(sizes));
    put(directory.resolve("generation_config.json"), generation());
    put(diffusion.resolve("transformer/config.json"), transformer(sizes));
    put(diffusion.resolve("vae/config.json"), autoencoder(sizes));
    put(diffusion.resolve("scheduler/scheduler_config.json"), scheduler());
  }

  private static void put(Path file, Map<String, Object> content) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, Json.of(content) + "\n");
  }

  private static Map<String, Object> model(CheckpointSizes sizes) {
    Map<String, Object> c = new LinkedHashMap<>();
    c.put("architectures", List.of("blip3oQwenForInferenceLM"));
    c.put("model_type", "blip3o_qwen");
    c.put("dtype", "bfloat16");
    c.put("vocab_size", sizes.vocabulary());
    c.put("hidden_size", sizes.hidden());
    c.put("intermediate_size", sizes.intermediate());
    c.put("num_hidden_layers", sizes.layers());
    c.put("num_attention_heads", sizes.heads());
    c.put("num_key_value_heads", sizes.kvHeads());
    c.put("head_dim", sizes.headDim());
    c.put("hidden_act", "silu");
    c.put("max_position_embeddings", sizes.maxPositions());
    c.put("rms_norm_eps", 1e-6);
    c.put("tie_word_embeddings", sizes.tied());
    c.put("rope_theta", 1e6);
    c.put("attention_bias", false);
    c.put("image_start_tag_id", sizes.imageStartTag());
    c.put("image_end_tag_id", sizes.imageStartTag() + 1);
    c.put("scale_start_token_id", sizes.scaleStart());
    c.put("scale_end_token_id", sizes.scaleStart() + 2);
    c.put("num_scale_tokens", 3);
    c.put("image_start_token_id", sizes.firstCode());
    c.put("image_end_token_id", sizes.firstCode() + sizes.codes() - 1);
    c.put("num_image_tokens", sizes.codes());
    c.put("diffusion_name_or_path", "diffusion");
    Map<String, Object> vision = new LinkedHashMap<>();
    vision.put("hidden_size", sizes.visionHidden());
    vision.put("num_attention_heads", sizes.visionHeads());
    vision.put("num_hidden_layers", sizes.visionLayers());
    vision.put("intermediate_size", sizes.visionIntermediate());
    vision.put("image_size", sizes.imageSize());
    vision.put("patch_size", sizes.imagePatch());
    c.put("vision_tower_config", vision);
    c.put("use_und_image_vae", true);
    c.put("use_und_image_vae_as_noise", true);
    return c;
  }

  private static Map<String, Object> generation() {
    Map<String, Object> c = new LinkedHashMap<>();
    c.put("do_sample", true);
    c.put("temperature", 1.0);
    c.put("top_k", 1200);
    c.put("top_p", 0.95);
    return c;
  }

  private static Map<String, Object> transformer(CheckpointSizes sizes) {
    Map<String, Object> c = new LinkedHashMap<>();
    c.put("_class_name", "SanaTransformer2DModel");
    c.put("in_channels", sizes.latentChannels());
    c.put("out_channels", sizes.latentChannels());
    c.put("num_layers", sizes.sanaLayers());
    c.put("num_attention_heads", sizes.attentionHeads());
    c.put("attention_head_dim", sizes.attentionHeadDim());
    c.put("num_cross_attention_heads", sizes.crossHeads());
    c.put("cross_attention_head_dim", sizes.crossHeadDim());
    c.put("cross_attention_dim", sizes.width());
    c.put("caption_channels", sizes.caption());
    c.put("mlp_ratio", 2.5);
    c.put("sample_size", sizes.sampleSize());
    c.put("patch_size", 1);
    c.put("attention_bias", false);
    c.put("norm_elementwise_affine", false);
    c.put("norm_eps", 1e-6);
    c.put("interpolation_scale", null);
    c.put("guidance_embeds", false);
    c.put("qk_norm", "rms_norm_across_heads");
    c.put("timestep_scale", 1.0);
    return c;
  }

  private static Map<String, Object> autoencoder(CheckpointSizes sizes) {
    List<Object> blocks = new ArrayList<>();
    List<Object> multiscales = new ArrayList<>();
    for (int stage = 0; stage < sizes.decoderChannels().size(); stage++) {
      boolean transformer = stage >= sizes.firstTransformerStage();
      blocks.add(transformer ? "EfficientViTBlock" : "ResBlock");
      multiscales.add(transformer ? List.of(5) : List.of());
    }
    Map<String, Object> c = new LinkedHashMap<>();
    c.put("_class_name", "AutoencoderDC");
    c.put("in_channels", 3);
    c.put("latent_channels", sizes.latentChannels());
    c.put("attention_head_dim", sizes.decoderHeadDim());
    for (String half : List.of("encoder", "decoder")) {
      c.put(half + "_block_types", blocks);
      c.put(half + "_block_out_channels", sizes.decoderChannels());
      c.put(
          half + "_layers_per_block",
          half.equals("encoder") ? sizes.encoderLayers() : sizes.decoderLayers());
      c.put(half + "_qkv_multiscales", multiscales);
    }
    c.put("upsample_block_type", "interpolate");
    c.put("downsample_block_type", "conv");
    c.put("decoder_norm_types", "rms_norm");
    c.put("decoder_act_fns", "silu");
    c.put("decoder_conv_act_fn", "relu");
    c.put("encoder_out_shortcut", true);
    c.put("decoder_in_shortcut", true);
    c.put("scaling_factor", 0.41407);
    return c;
  }

  private static Map<String, Object> scheduler() {
    Map<String, Object> c = new LinkedHashMap<>();
    c.put("_class_name", "FlowMatchEulerDiscreteScheduler");
    c.put("num_train_timesteps", 1000);
    c.put("shift", 1.0);
    return c;
  }
}
