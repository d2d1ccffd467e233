package dev.blip3o.bench;

import java.util.List;
import java.util.Set;

/**
 * The sizes of a checkpoint; the defaults are those of the public 3B model.
 *
 * @param textVocabulary ids below the image tags; the chat tokens are its last six
 * @param codes image codes
 * @param imageSize pixels of a side of a reference picture; with {@code imagePatch} it gives the
 *     image tokens of a picture, (imageSize div imagePatch)²
 * @param visionHidden width of the SigLIP encoder that reads references
 * @param codeWidth width of a row of the image codebook
 * @param attentionHeads heads of SANA's linear attention; with {@code attentionHeadDim} its width
 * @param decoderChannels channels of each DC-AE stage, from pixels to latents
 * @param decoderLayers blocks of each stage of the decoder
 * @param encoderLayers blocks of each stage of the encoder, whose channels are the decoder's
 * @param transformerStages how many of the deepest stages hold EfficientViT blocks
 */
record CheckpointSizes(
    int textVocabulary,
    int codes,
    int hidden,
    int layers,
    int heads,
    int kvHeads,
    int headDim,
    int intermediate,
    int maxPositions,
    boolean tied,
    int imageSize,
    int imagePatch,
    int visionHidden,
    int visionHeads,
    int visionLayers,
    int visionIntermediate,
    int codeWidth,
    int sanaLayers,
    int attentionHeads,
    int attentionHeadDim,
    int crossHeads,
    int crossHeadDim,
    int caption,
    int latentChannels,
    int sampleSize,
    List<Integer> decoderChannels,
    List<Integer> decoderLayers,
    List<Integer> encoderLayers,
    int transformerStages,
    int decoderHeadDim) {

  /** The option names of {@link #from}. */
  static final Set<String> OPTIONS =
      Set.of(
          "text-vocabulary",
          "codes",
          "hidden",
          "layers",
          "heads",
          "kv-heads",
          "head-dim",
          "intermediate",
          "max-positions",
          "image-size",
          "image-patch",
          "vision-hidden",
          "vision-heads",
          "vision-layers",
          "vision-intermediate",
          "code-width",
          "sana-layers",
          "attention-heads",
          "attention-head-dim",
          "cross-heads",
          "cross-head-dim",
          "caption",
          "latent-channels",
          "sample-size",
          "decoder-channels",
          "decoder-layers",
          "encoder-layers",
          "transformer-stages",
          "decoder-head-dim");

  /** The tags and spare rows between and after text and image codes. */
  static final int EXTRA_IDS = 16;

  static CheckpointSizes from(Options o) {
    CheckpointSizes sizes =
        new CheckpointSizes(
            o.integer("text-vocabulary", 151_936),
            o.integer("codes", 65_536),
            o.integer("hidden", 2048),
            o.integer("layers", 28),
            o.integer("heads", 16),
            o.integer("kv-heads", 8),
            o.integer("head-dim", 128),
            o.integer("intermediate", 6144),
            o.integer("max-positions", 40_960),
            !o.has("separate-lm-head"),
            o.integer("image-size", 384),
            o.integer("image-patch", 14),
            o.integer("vision-hidden", 1152),
            o.integer("vision-heads", 16),
            o.integer("vision-layers", 27),
            o.integer("vision-intermediate", 4304),
            o.integer("code-width", 1536),
            o.integer("sana-layers", 20),
            o.integer("attention-heads", 70),
            o.integer("attention-head-dim", 32),
            o.integer("cross-heads", 20),
            o.integer("cross-head-dim", 112),
            o.integer("caption", 2304),
            o.integer("latent-channels", 32),
            o.integer("sample-size", 32),
            o.integers("decoder-channels", List.of(128, 256, 512, 512, 1024, 1024)),
            o.integers("decoder-layers", List.of(3, 3, 3, 3, 3, 3)),
            o.integers("encoder-layers", List.of(2, 2, 2, 3, 3, 3)),
            o.integer("transformer-stages", 3),
            o.integer("decoder-head-dim", 32));
    sizes.check();
    return sizes;
  }

  private void check() {
    require(
        textVocabulary >= 1024, "text-vocabulary", "at least 1024 (bytes, merges, chat tokens)");
    require(heads % kvHeads == 0, "heads", "a multiple of kv-heads");
    require(headDim % 2 == 0, "head-dim", "even");
    require(
        crossHeads * crossHeadDim == width(),
        "cross-heads",
        "cross-heads · cross-head-dim = attention-heads · attention-head-dim = " + width());
    require(imagePatch <= imageSize, "image-patch", "at most image-size");
    require(visionHidden % visionHeads == 0, "vision-hidden", "a multiple of vision-heads");
    requireLayers("decoder-layers", decoderLayers);
    requireLayers("encoder-layers", encoderLayers);
    require(
        transformerStages <= decoderChannels.size(), "transformer-stages", "at most the stages");
    require(
        decoderChannels.get(decoderChannels.size() - 1) % latentChannels == 0,
        "decoder-channels",
        "deepest a multiple of latent-channels");
    for (int stage = firstTransformerStage(); stage < decoderChannels.size(); stage++) {
      require(
          decoderChannels.get(stage) % decoderHeadDim == 0,
          "decoder-channels",
          "a multiple of decoder-head-dim where EfficientViT blocks stand");
    }
  }

  private void requireLayers(String option, List<Integer> layers) {
    boolean holds =
        layers.size() == decoderChannels.size() && layers.stream().allMatch(count -> count > 0);
    require(holds, option, "as long as decoder-channels, each at least 1");
  }

  private static void require(boolean holds, String option, String expected) {
    if (!holds) {
      throw new Options.UsageException("--" + option + " must be " + expected);
    }
  }

  /** Image tokens of a picture. */
  int imageTokens() {
    int side = imageSize / imagePatch;
    return side * side;
  }

  int width() {
    return attentionHeads * attentionHeadDim;
  }

  int feedForward() {
    return width() * 5 / 2;
  }

  int vocabulary() {
    return textVocabulary + codes + EXTRA_IDS;
  }

  int firstTransformerStage() {
    return decoderChannels.size() - transformerStages;
  }

  /** Id of {@code <im_start>}; {@code <im_end>} and {@code <S0>} to {@code <S2>} follow. */
  int imageStartTag() {
    return textVocabulary;
  }

  int scaleStart() {
    return textVocabulary + 2;
  }

  /** Id of {@code <I0>}. */
  int firstCode() {
    return scaleStart() + 3;
  }

  /** Id of {@code <|im_end|>}, the first of the six chat tokens. */
  int firstChatToken() {
    return textVocabulary - 6;
  }
}
