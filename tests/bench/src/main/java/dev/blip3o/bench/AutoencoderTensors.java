package dev.blip3o.bench;

import dev.blip3o.bench.CheckpointTensors.Fill;
import java.util.List;

/** Both halves of DC-AE: diffusers' AutoencoderDC under {@code model.sana_vae}. */
final class AutoencoderTensors {
  private static final int PICTURE_CHANNELS = 3;

  private final CheckpointSizes sizes;
  private final TensorList tensors;

  AutoencoderTensors(CheckpointSizes sizes, TensorList tensors) {
    this.sizes = sizes;
    this.tensors = tensors;
  }

  void decoder() {
    List<Integer> channels = sizes.decoderChannels();
    int deepest = channels.size() - 1;
    String p = "model.sana_vae.decoder.";
    tensors.convolution(p + "conv_in", channels.get(deepest), sizes.latentChannels(), 3);
    for (int stage = deepest; stage >= 0; stage--) {
      String block = p + "up_blocks." + stage + ".";
      int first = 0;
      if (stage < deepest) {
        tensors.convolution(block + "0.conv", channels.get(stage), channels.get(stage + 1), 3);
        first = 1;
      }
      blocks(block, stage, first, sizes.decoderLayers().get(stage));
    }
    tensors.norm(p + "norm_out", channels.get(0));
    tensors.convolution(p + "conv_out", PICTURE_CHANNELS, channels.get(0), 3);
  }

  void encoder() {
    List<Integer> channels = sizes.decoderChannels();
    int deepest = channels.size() - 1;
    String p = "model.sana_vae.encoder.";
    tensors.convolution(p + "conv_in", channels.get(0), PICTURE_CHANNELS, 3);
    for (int stage = 0; stage <= deepest; stage++) {
      String block = p + "down_blocks." + stage + ".";
      int layers = sizes.encoderLayers().get(stage);
      blocks(block, stage, 0, layers);
      if (stage < deepest) {
        tensors.convolution(
            block + layers + ".conv", channels.get(stage + 1), channels.get(stage), 3);
      }
    }
    tensors.convolution(p + "conv_out", sizes.latentChannels(), channels.get(deepest), 3);
  }

  /** {@code layers} blocks of a stage, children from {@code first} on. */
  private void blocks(String p, int stage, int first, int layers) {
    int channels = sizes.decoderChannels().get(stage);
    for (int i = first; i < first + layers; i++) {
      if (stage >= sizes.firstTransformerStage()) {
        transformerBlock(p + i + ".", channels);
      } else {
        residualBlock(p + i + ".", channels);
      }
    }
  }

  private void residualBlock(String p, int channels) {
    tensors.convolution(p + "conv1", channels, channels, 3);
    tensors.add(p + "conv2.weight", Fill.WEIGHT, channels, channels, 3, 3);
    tensors.norm(p + "norm", channels);
  }

  private void transformerBlock(String p, int channels) {
    for (String projection : List.of("to_q", "to_k", "to_v")) {
      tensors.add(p + "attn." + projection + ".weight", Fill.WEIGHT, channels, channels);
    }
    String multiscale = p + "attn.to_qkv_multiscale.0.";
    int headDim = sizes.decoderHeadDim();
    tensors.add(multiscale + "proj_in.weight", Fill.WEIGHT, 3 * channels, 1, 5, 5);
    tensors.add(multiscale + "proj_out.weight", Fill.WEIGHT, 3 * channels, headDim, 1, 1);
    tensors.add(p + "attn.to_out.weight", Fill.WEIGHT, channels, 2 * channels);
    tensors.norm(p + "attn.norm_out", channels);
    tensors.gluConv(p + "conv_out.", channels, 4 * channels);
    tensors.norm(p + "conv_out.norm", channels);
  }
}
