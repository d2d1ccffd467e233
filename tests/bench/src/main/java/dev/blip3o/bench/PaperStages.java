package dev.blip3o.bench;

import java.util.List;

/**
 * The stages of text to image as costs, in the operations of {@code native/src/model}, for a
 * checkpoint's sizes.
 *
 * @param sizes of the checkpoint
 */
record PaperStages(CheckpointSizes sizes) {
  private static final int TIME_CHANNELS = 256;
  private static final int PICTURE_CHANNELS = 3;

  /** One pass over the weights with a token of each of {@code batch} requests. */
  StageCost tokens(int batch, int context) {
    long looks = (long) batch * context;
    return languageLayers(batch, looks, looks, 0)
        // Of the output layer only the rows of image codes are computed.
        .product(batch, sizes.hidden(), sizes.codes());
  }

  /** A prompt of so many ids, all at once. */
  StageCost prefill(int prompt) {
    // Position i looks at i + 1 positions; they are read once for all.
    return languageLayers(prompt, (long) prompt * (prompt + 1) / 2, 0, prompt);
  }

  /**
   * All layers for some rows.
   *
   * @param looks positions that all rows together attend to
   * @param stored positions whose keys and values are read for that, of earlier tokens
   * @param fresh the same, of these rows
   */
  private StageCost languageLayers(int rows, long looks, long stored, long fresh) {
    int hidden = sizes.hidden();
    int queries = sizes.heads() * sizes.headDim();
    int keys = sizes.kvHeads() * sizes.headDim();
    int inner = sizes.intermediate();
    long values = (long) rows * hidden;
    StageCost layer =
        new StageCost()
            .plain(0, values, values)
            .product(rows, hidden, queries)
            .product(rows, hidden, keys)
            .product(rows, hidden, keys)
            .plain(0, (long) rows * (queries + 2 * keys), (long) rows * (queries + 2 * keys))
            .weighted(
                4 * looks * queries,
                2 * stored * keys,
                (long) rows * queries + 2 * fresh * keys,
                (long) rows * queries)
            .addedProduct(rows, queries, hidden)
            .plain(0, values, values)
            .weighted(4L * rows * hidden * inner, 2L * hidden * inner, values, (long) rows * inner)
            .addedProduct(rows, inner, hidden);
    return new StageCost().add(layer, sizes.layers());
  }

  /** Hidden states to condition, caption, and the keys and values of every cross attention. */
  StageCost condition() {
    int rows = sizes.imageTokens() + 1;
    int width = sizes.width();
    StageCost cost =
        new StageCost()
            .product(rows, sizes.hidden(), sizes.caption())
            .product(rows, sizes.caption(), sizes.caption())
            .product(rows, sizes.caption(), width)
            .product(rows, width, width);
    StageCost block = new StageCost().product(rows, width, width).product(rows, width, width);
    return cost.add(block, sizes.sanaLayers());
  }

  /** One denoising step of both branches of guidance: all of it. */
  StageCost step() {
    int width = sizes.width();
    int channels = sizes.latentChannels();
    return new StageCost()
        .product(1, TIME_CHANNELS, width)
        .product(1, width, width)
        .product(1, width, 6 * width)
        .product(stepRows(), channels, width)
        .add(linearAttention(), sizes.sanaLayers())
        .add(crossAttention(), sizes.sanaLayers())
        .add(feedForward(), sizes.sanaLayers())
        .plain(0, (long) stepRows() * width, (long) stepRows() * width)
        .product(stepRows(), width, channels);
  }

  /** Latents of both branches. */
  int stepRows() {
    return 2 * sizes.sampleSize() * sizes.sampleSize();
  }

  /** One block's norm, linear attention and its products. */
  StageCost linearAttention() {
    int width = sizes.width();
    long values = (long) stepRows() * width;
    return new StageCost()
        .plain(0, values, values)
        .product(stepRows(), width, width)
        .product(stepRows(), width, width)
        .product(stepRows(), width, width)
        .plain(0, 2 * values, 2 * values)
        .plain(4 * values * sizes.attentionHeadDim(), 3 * values, values)
        .addedProduct(stepRows(), width, width);
  }

  /** One block's attention to the caption; of the null branch it is a row that is added. */
  StageCost crossAttention() {
    int width = sizes.width();
    int rows = stepRows() / 2;
    int caption = sizes.imageTokens() + 1;
    long values = (long) rows * width;
    return new StageCost()
        .plain(0, values, values)
        .product(rows, width, width)
        .plain(0, values, values)
        .weighted(4L * rows * caption * width, 2L * caption * width, values, values)
        .addedProduct(rows, width, width);
  }

  /** One block's norm and GLUMBConv. */
  StageCost feedForward() {
    long values = (long) stepRows() * sizes.width();
    StageCost cost = new StageCost().plain(0, values, values);
    gluConv(cost, stepRows(), sizes.width(), sizes.feedForward());
    return cost;
  }

  private static void gluConv(StageCost cost, long rows, int channels, int inner) {
    cost.product(rows, channels, 2L * inner)
        .weighted(2 * 9 * rows * 2 * inner, 9 * 2L * inner, rows * 2 * inner, rows * inner)
        .addedProduct(rows, inner, channels);
  }

  /** Latents to pixels. */
  StageCost decode() {
    List<Integer> channels = sizes.decoderChannels();
    int deepest = channels.size() - 1;
    long pixels = (long) sizes.sampleSize() * sizes.sampleSize();
    StageCost cost = new StageCost();
    convolution(cost, pixels, sizes.latentChannels(), channels.get(deepest));
    for (int stage = deepest; stage >= 0; stage--) {
      int width = channels.get(stage);
      if (stage < deepest) {
        upsample(cost, pixels, channels.get(stage + 1), width);
        pixels *= 4;
      }
      StageCost block =
          stage >= sizes.firstTransformerStage()
              ? transformerBlock(pixels, width)
              : residualBlock(pixels, width);
      cost.add(block, sizes.decoderLayers().get(stage));
    }
    cost.plain(0, pixels * channels.get(0), pixels * channels.get(0));
    convolution(cost, pixels, channels.get(0), PICTURE_CHANNELS);
    return cost;
  }

  private static void convolution(StageCost cost, long pixels, long inputs, long outputs) {
    cost.weighted(
        2 * 9 * pixels * inputs * outputs, 9 * inputs * outputs, pixels * inputs, pixels * outputs);
  }

  /** Doubling and 3×3 are four convolutions 2×2 on the small map; then the shortcut is added. */
  private static void upsample(StageCost cost, long pixels, long inputs, long outputs) {
    cost.weighted(
        2 * 4 * 4 * pixels * inputs * outputs,
        9 * inputs * outputs,
        pixels * inputs,
        4 * pixels * outputs);
    cost.plain(0, pixels * inputs + 4 * pixels * outputs, 4 * pixels * outputs);
  }

  private static StageCost residualBlock(long pixels, int channels) {
    StageCost cost = new StageCost();
    convolution(cost, pixels, channels, channels);
    convolution(cost, pixels, channels, channels);
    return cost.plain(0, 2 * pixels * channels, pixels * channels);
  }

  private StageCost transformerBlock(long pixels, int channels) {
    long values = pixels * channels;
    long headDim = sizes.decoderHeadDim();
    StageCost cost =
        new StageCost()
            .product(pixels, channels, channels)
            .product(pixels, channels, channels)
            .product(pixels, channels, channels)
            .weighted(2 * 25 * 3 * values, 25 * 3L * channels, 3 * values, 3 * values)
            .weighted(2 * 3 * values * headDim, 3 * channels * headDim, 3 * values, 3 * values)
            .plain(4 * 2 * values * headDim, 6 * values, 2 * values)
            .product(pixels, 2L * channels, channels)
            .plain(0, 2 * values, values);
    gluConv(cost, pixels, channels, 4 * channels);
    return cost.plain(0, 2 * values, values);
  }
}
