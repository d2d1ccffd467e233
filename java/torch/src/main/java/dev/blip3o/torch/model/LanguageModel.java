package dev.blip3o.torch.model;

import dev.blip3o.InvalidRequestException;
import dev.blip3o.LanguageModelConfig;
import dev.blip3o.WeightTensor;
import dev.blip3o.torch.LibTorch;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Qwen3 over image tokens, with gradients: what the engine computes for a given sequence of tokens,
 * from copies of the same weights.
 *
 * <pre>{@code
 * try (LanguageModel model = LanguageModel.of(config, images, weights, LanguageModelOptions.DEFAULT)) {
 *   model.zeroGradients();
 *   double loss = model.accumulateGradients(batch, chosen -> chosen.mean().neg());  // chosen [B, N]
 *   for (Tensor parameter : model.parameters().values()) {
 *     ...                                                                           // parameter.grad()
 *   }
 * }
 * }</pre>
 *
 * <p>Memory, beside the parameters and their gradients: with checkpointing {@code layers · B · T ·
 * H} numbers, the activations of one layer, and {@link LanguageModelOptions#logitsBytes} three
 * times.
 *
 * <p>For one thread at a time. Errors: {@link InvalidRequestException} for a batch that is not the
 * model's, {@link IllegalStateException} after {@link #close}.
 */
public final class LanguageModel implements AutoCloseable {
  private final LanguageModelConfig config;
  private final ImageVocabulary images;
  private final LanguageModelOptions options;
  private final Parameters parameters;
  private final List<DecoderLayer> layers = new ArrayList<>();
  private boolean closed;

  /** Some of the rows of a tensor. */
  interface Chunk {
    void accept(long from, long count);
  }

  private LanguageModel(
      LanguageModelConfig config,
      ImageVocabulary images,
      LanguageModelOptions options,
      Parameters parameters) {
    this.config = config;
    this.images = images;
    this.options = options;
    this.parameters = parameters;
    for (int i = 0; i < config.layers(); i++) {
      String prefix = Parameters.layer(i);
      layers.add(new DecoderLayer(config, name -> parameters.get(prefix + name)));
    }
  }

  /**
   * A model with copies of weights.
   *
   * @param config the sizes
   * @param images which ids are image tokens
   * @param weights all weights of the model, in any order and type: {@code
   *     engine.languageModelWeights().tensors()::iterator}, which copies each when it is asked for,
   *     or a list. Read once; no weight is needed when the next one is asked for, so that a model
   *     is made in its own memory and that of one weight
   * @param options how to compute
   * @throws InvalidRequestException if a weight is missing, unknown or of another shape
   * @throws dev.blip3o.NativeLibraryException if LibTorch is missing
   */
  public static LanguageModel of(
      LanguageModelConfig config,
      ImageVocabulary images,
      Iterable<WeightTensor> weights,
      LanguageModelOptions options) {
    Objects.requireNonNull(options, "options");
    if (images.first() < 0
        || images.codes() < 1
        || images.first() + (long) images.codes() > config.vocabularySize()) {
      throw new InvalidRequestException(
          String.format(
              "the image tokens must be within the vocabulary of %d, but are %d from %d",
              config.vocabularySize(), images.codes(), images.first()));
    }
    LibTorch.load();
    return new LanguageModel(
        config, images, options, new Parameters(config, weights, options.precision()));
  }

  /** The sizes. */
  public LanguageModelConfig config() {
    return config;
  }

  /** How it computes. */
  public LanguageModelOptions options() {
    return options;
  }

  /**
   * The parameters by their checkpoint's names, in the order of the weights: leaves, whose {@code
   * grad()} {@link #accumulateGradients} adds to. They are this model's and end with it; an
   * optimizer may change them in place.
   */
  public Map<String, Tensor> parameters() {
    requireOpen();
    return parameters.all();
  }

  /** Sets the gradients of all parameters to zero, keeping their memory. */
  public void zeroGradients() {
    requireOpen();
    Scopes.closing(() -> parameters.all().values().forEach(Gradients::zero));
  }

  /**
   * The hidden states after the final norm at {@code <S0>} and every image token. A graph is
   * recorded where the calling thread's mode says so.
   *
   * @return {@code [B, N + 1, H]}
   */
  public Tensor hiddenStates(TokenBatch batch) {
    requireOpen();
    return Scopes.keep(
        () -> {
          BatchLayout layout = layout(batch, batch.tokens());
          Tensor states = head(headRows()).hiddenStates(rows(layout, batch));
          return states.view(batch.size(), batch.tokens() + 1, config.hiddenSize());
        });
  }

  /**
   * The logits of every image code at the position of every image token. A graph is recorded where
   * the calling thread's mode says so. All logits are in memory at once: {@link #logProbabilities}
   * needs less.
   *
   * @return {@code [B, N, codes]}
   */
  public Tensor logits(TokenBatch batch) {
    requireOpen();
    return Scopes.keep(
        () -> {
          BatchLayout layout = layout(batch, batch.tokens() - 1);
          Tensor logits = head(headRows()).logits(rows(layout, batch));
          return logits.view(batch.size(), batch.tokens(), images.codes());
        });
  }

  /**
   * The log-probability of every image token, given those before it, among all image codes, at
   * temperature 1 and without truncation: {@code log_softmax(logits)[token]}. No graph is recorded,
   * and the logits of few positions are in memory at once.
   *
   * @return {@code [B, N]}
   */
  public Tensor logProbabilities(TokenBatch batch) {
    requireOpen();
    return Scopes.withoutGraph(
        () -> {
          BatchLayout layout = layout(batch, batch.tokens() - 1);
          return logProbabilities(rows(layout, batch), layout.targets(), batch);
        });
  }

  /**
   * Adds the gradients of a loss of the tokens' log-probabilities to those of the parameters.
   *
   * @param batch the sequences
   * @param loss is called once, with {@link #logProbabilities} {@code [B, N]} of this batch as the
   *     leaf of a graph, and returns one number; what it makes on the way is closed
   * @return the loss
   * @throws InvalidRequestException also if the loss is not one number that depends on its argument
   */
  public double accumulateGradients(TokenBatch batch, UnaryOperator<Tensor> loss) {
    requireOpen();
    return Scopes.closing(() -> new GradientSweep(this, batch).run(loss, options.checkpointing()));
  }

  /**
   * The parameters as weights of 32-bit floats. Those of {@link Precision#F32} are views without a
   * copy: a step of an optimizer changes them too. Each keeps its memory for as long as its buffer
   * is reachable, also beyond {@link #close}.
   */
  public List<WeightTensor> weights() {
    requireOpen();
    return parameters.all().entrySet().stream()
        .map(entry -> TensorBytes.weight(entry.getKey(), entry.getValue()))
        .toList();
  }

  /** Frees the parameters. A second call has no effect. */
  @Override
  public void close() {
    closed = true;
    parameters.close();
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the language model is closed");
    }
  }

  BatchLayout layout(TokenBatch batch, int fed) {
    return new BatchLayout(batch, images, fed, config.vocabularySize());
  }

  Rotary rotary(BatchLayout layout) {
    return Rotary.of(config, layout.length(), options.precision());
  }

  Tensor parameter(String name) {
    return parameters.get(name);
  }

  DecoderLayer layer(int i) {
    return layers.get(i);
  }

  /** {@code [B, T, H]} of {@code ids [B * T]}. */
  Tensor embed(Tensor ids, int size) {
    return torch
        .embedding(parameter(Parameters.EMBEDDING), ids)
        .view(size, -1, config.hiddenSize());
  }

  /** {@code x [B, T, H]} through all layers. */
  Tensor layers(Tensor x, Rotary rotary) {
    Tensor y = x;
    for (DecoderLayer layer : layers) {
      y = layer.forward(y, rotary);
    }
    return y;
  }

  /** {@code [R, H]}: the last layer's rows where the batch's image tokens are predicted. */
  private Tensor rows(BatchLayout layout, TokenBatch batch) {
    Tensor last = layers(embed(layout.ids(), batch.size()), rotary(layout));
    return last.view(-1, config.hiddenSize()).index_select(0, layout.rows());
  }

  /** The head's rows of image tokens, {@code [codes, H]}: a view. */
  Tensor headRows() {
    return headWeight().narrow(0, images.first(), images.codes());
  }

  private Tensor headWeight() {
    return parameter(config.tiedEmbeddings() ? Parameters.EMBEDDING : Parameters.HEAD);
  }

  /** Adds {@code [codes, H]} to the gradient of {@link #headRows}. */
  void addHeadGradient(Tensor gradient) {
    Gradients.of(headWeight()).narrow(0, images.first(), images.codes()).add_(gradient);
  }

  ImageHead head(Tensor headRows) {
    return new ImageHead(parameter(Parameters.NORM), headRows, config.rmsNormEps());
  }

  /** {@code [B, N]} of {@code rows [B * N, H]} and {@code targets [B * N, 1]}. */
  Tensor logProbabilities(Tensor rows, Tensor targets, TokenBatch batch) {
    return Scopes.withoutGraph(
        () -> {
          ImageHead head = head(headRows());
          TensorVector parts = new TensorVector();
          inChunks(
              rows.size(0),
              (from, count) ->
                  parts.push_back(
                      head.logProbabilities(
                          rows.narrow(0, from, count), targets.narrow(0, from, count))));
          return torch.cat(parts, 0).view(batch.size(), batch.tokens());
        });
  }

  /**
   * As many rows at once as {@link LanguageModelOptions#logitsBytes} has room for; what the work
   * makes is closed after each.
   */
  void inChunks(long rows, Chunk work) {
    long row = (long) images.codes() * options.precision().bytes();
    long most = Math.max(1, options.logitsBytes() / row);
    for (long from = 0; from < rows; from += most) {
      long start = from;
      Scopes.closing(() -> work.accept(start, Math.min(most, rows - start)));
    }
  }
}
