package dev.blip3o.bench;

import dev.blip3o.bench.CheckpointTensors.Fill;
import java.util.List;

/**
 * TA-Tok under {@code model.vision_tower.vision_tower}: a SigLIP vision encoder (transformers'
 * SiglipVisionModel), task layer and SimVQ bottleneck; not its own decoder, which inference never
 * reads.
 */
final class ImageTokenizerTensors {
  private static final String PREFIX = "model.vision_tower.vision_tower.";
  private static final int PICTURE_CHANNELS = 3;

  private final CheckpointSizes sizes;
  private final TensorList tensors;

  ImageTokenizerTensors(CheckpointSizes sizes, TensorList tensors) {
    this.sizes = sizes;
    this.tensors = tensors;
  }

  void all() {
    int hidden = sizes.visionHidden();
    String embeddings = PREFIX + "encoder.embeddings.";
    tensors.convolution(
        embeddings + "patch_embedding", hidden, PICTURE_CHANNELS, sizes.imagePatch());
    tensors.add(embeddings + "position_embedding.weight", Fill.SMALL, sizes.imageTokens(), hidden);
    for (int layer = 0; layer < sizes.visionLayers(); layer++) {
      layer(PREFIX + "encoder.encoder.layers." + layer + ".");
    }
    tensors.norm(PREFIX + "encoder.post_layernorm", hidden);
    tensors.linear(PREFIX + "encode_task_layer.0", hidden, hidden);
    bottleneck(PREFIX + "bottleneck.");
  }

  private void layer(String p) {
    int hidden = sizes.visionHidden();
    tensors.norm(p + "layer_norm1", hidden);
    for (String projection : List.of("q_proj", "k_proj", "v_proj", "out_proj")) {
      tensors.linear(p + "self_attn." + projection, hidden, hidden);
    }
    tensors.norm(p + "layer_norm2", hidden);
    tensors.linear(p + "mlp.fc1", sizes.visionIntermediate(), hidden);
    tensors.linear(p + "mlp.fc2", hidden, sizes.visionIntermediate());
  }

  private void bottleneck(String p) {
    int code = sizes.codeWidth();
    tensors.linear(p + "in_linear", code, sizes.visionHidden());
    tensors.add(p + "regularizer.embedding.weight", Fill.WEIGHT, sizes.codes(), code);
    tensors.linear(p + "regularizer.embedding_proj", code, code);
  }
}
