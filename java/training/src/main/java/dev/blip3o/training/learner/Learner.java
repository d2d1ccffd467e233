package dev.blip3o.training.learner;

import dev.blip3o.CancellationToken;
import dev.blip3o.GenerationCancelledException;
import dev.blip3o.LanguageModelWeights;
import dev.blip3o.ModelInfo;
import dev.blip3o.WeightTensor;
import dev.blip3o.torch.model.ImageVocabulary;
import dev.blip3o.torch.model.LanguageModel;
import dev.blip3o.torch.model.LanguageModelOptions;
import dev.blip3o.torch.model.TokenBatch;
import dev.blip3o.training.grpo.AdamW;
import dev.blip3o.training.grpo.BatchSize;
import dev.blip3o.training.grpo.Gradients;
import dev.blip3o.training.grpo.GrpoLoss;
import dev.blip3o.training.grpo.LossBatch;
import dev.blip3o.training.grpo.Parameter;
import dev.blip3o.training.grpo.TokenSums;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.pytorch.AbstractTensor;
import org.bytedeco.pytorch.Tensor;

/**
 * The language model that learns, its optimiser, and the model that training started from.
 *
 * <p>Memory, 32-bit floats for each weight: the model, its gradient, two of the optimiser, and the
 * starting model where the loss looks at it (KL weight above 0).
 *
 * <p>One thread at a time.
 */
public final class Learner implements AutoCloseable {
  private final LearnerSettings settings;
  private final GrpoLoss loss;
  private final LanguageModel model;
  private final LanguageModel start;
  private final List<Parameter> parameters;
  private final AdamW optimiser;

  /**
   * A learner that begins with the checkpoint's weights.
   *
   * @param weights of an open model; not needed afterwards
   * @param info of the same model
   * @throws dev.blip3o.NativeLibraryException if LibTorch is missing
   */
  public Learner(LanguageModelWeights weights, ModelInfo info, LearnerSettings settings) {
    this.settings = settings;
    this.loss = new GrpoLoss(settings.loss());
    this.model = open(weights, info, settings);
    this.start = settings.loss().klWeight() > 0 ? open(weights, info, settings) : null;
    this.parameters =
        model.parameters().entrySet().stream()
            .map(entry -> new Parameter(entry.getKey(), entry.getValue()))
            .toList();
    this.optimiser = new AdamW(parameters, settings.optimiser());
  }

  private static LanguageModel open(
      LanguageModelWeights weights, ModelInfo info, LearnerSettings settings) {
    LanguageModelOptions options =
        LanguageModelOptions.DEFAULT.withCheckpointing(settings.layerCheckpointing());
    // One by one: their copies never lie in memory together.
    return LanguageModel.of(
        weights.config(), ImageVocabulary.of(info), weights.tensors()::iterator, options);
  }

  /** What learns, by its names in the checkpoint; ends with this. */
  public List<Parameter> parameters() {
    return parameters;
  }

  /** What changes it. */
  public AdamW optimiser() {
    return optimiser;
  }

  /** The weights as they are now, without a copy: a later step changes them. */
  public List<WeightTensor> weights() {
    return model.weights();
  }

  /**
   * Changes the weights by what a step's pictures teach.
   *
   * @param sequences all with the same number of tokens, those of equal prompts together
   * @param learningRate of the step
   * @param cancellation stops it before the first change; then the weights are those of the step
   *     before
   * @throws GenerationCancelledException if it was cancelled
   * @throws dev.blip3o.training.grpo.GradientException if the gradient is not finite
   */
  public LearnedStep learn(
      List<DrawnSequence> sequences, double learningRate, CancellationToken cancellation) {
    List<Piece> pieces = pieces(sequences, cancellation);
    BatchSize whole =
        new BatchSize(
            sequences.size(), sequences.stream().mapToLong(one -> one.tokens().length).sum());
    TokenSums sums = TokenSums.NONE;
    double norm = 0;
    for (int i = 0; i < settings.iterations(); i++) {
      model.zeroGradients();
      for (Piece piece : pieces) {
        if (i == 0) { // Half of a step's iterations would be a state that no other run passes.
          check(cancellation);
        }
        sums = sums.plus(accumulate(piece, whole));
      }
      norm = Gradients.clip(parameters, settings.gradientLimit());
      optimiser.step(learningRate);
    }
    return new LearnedStep(sums.loss() / settings.iterations(), sums, norm);
  }

  private static void check(CancellationToken cancellation) {
    if (cancellation.isCancelled()) {
      throw new GenerationCancelledException("training was cancelled");
    }
  }

  /**
   * Sequences that are computed together.
   *
   * @param start their log-probabilities under the starting model, row by row; those under the
   *     model that drew them where nobody looks at the starting model
   */
  private record Piece(TokenBatch batch, List<DrawnSequence> sequences, float[] start) {}

  private List<Piece> pieces(List<DrawnSequence> sequences, CancellationToken cancellation) {
    List<Piece> pieces = new ArrayList<>();
    int most = settings.sequencesAtOnce();
    for (int from = 0; from < sequences.size(); from += most) {
      check(cancellation);
      List<DrawnSequence> some = sequences.subList(from, Math.min(sequences.size(), from + most));
      TokenBatch batch =
          new TokenBatch(
              some.stream()
                  .map(one -> new TokenBatch.Sequence(one.prompt(), one.tokens()))
                  .toList());
      pieces.add(new Piece(batch, some, startingLogProbabilities(batch, some)));
    }
    return pieces;
  }

  private float[] startingLogProbabilities(TokenBatch batch, List<DrawnSequence> sequences) {
    if (start == null) {
      return drawn(sequences);
    }
    try (Tensor values = start.logProbabilities(batch)) {
      float[] copy = new float[Math.toIntExact(values.numel())];
      values.data_ptr_float().get(copy);
      return copy;
    }
  }

  private static float[] drawn(List<DrawnSequence> sequences) {
    int each = sequences.get(0).tokens().length;
    float[] values = new float[sequences.size() * each];
    for (int i = 0; i < sequences.size(); i++) {
      System.arraycopy(sequences.get(i).logProbabilities(), 0, values, i * each, each);
    }
    return values;
  }

  private TokenSums accumulate(Piece piece, BatchSize whole) {
    GrpoLoss.Piece[] made = new GrpoLoss.Piece[1];
    model.accumulateGradients(
        piece.batch(),
        chosen -> {
          made[0] = loss.of(lossBatch(chosen, piece), whole);
          return made[0].value();
        });
    try (GrpoLoss.Piece done = made[0]) {
      return done.sums();
    }
  }

  private static LossBatch lossBatch(Tensor chosen, Piece piece) {
    long[] shape = chosen.shape();
    float[] advantages = new float[piece.sequences().size()];
    for (int i = 0; i < advantages.length; i++) {
      advantages[i] = (float) piece.sequences().get(i).advantage();
    }
    float[] mask = new float[piece.start().length];
    Arrays.fill(mask, 1);
    return new LossBatch(
        chosen,
        AbstractTensor.create(drawn(piece.sequences()), shape),
        AbstractTensor.create(piece.start(), shape),
        AbstractTensor.create(advantages, shape[0]),
        AbstractTensor.create(mask, shape));
  }

  /** Frees models and optimiser. May be repeated. */
  @Override
  public void close() {
    optimiser.close();
    Stream.of(model, start).filter(one -> one != null).forEach(LanguageModel::close);
  }
}
