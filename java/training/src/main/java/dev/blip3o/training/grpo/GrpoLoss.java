package dev.blip3o.training.grpo;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;

/**
 * The loss of a token, and of a batch.
 *
 * <pre>
 * ratio = exp(logProbability − drawn)                       d = reference − logProbability
 * loss  = −min(ratio · A, clamp(ratio, 1 − ε, 1 + ε) · A) + β · (exp(d) − d − 1)
 * </pre>
 *
 * <p>A is the sequence's advantage. How tokens become one number says {@link LossVariant}. Source:
 * {@code grpo_trainer.py: _compute_loss}; the estimator of the divergence is Schulman's k3.
 *
 * <p>Differs: a batch that is computed in pieces is divided by the whole batch's counts, so that
 * the pieces' gradients add up to the whole's exactly, whatever the pieces; the recipe averages
 * over pieces.
 *
 * <p>Immutable; any thread may use it.
 */
public final class GrpoLoss {
  private final GrpoSettings settings;

  /** A loss with these numbers. */
  public GrpoLoss(GrpoSettings settings) {
    this.settings = settings;
  }

  /**
   * The loss of a piece, as a tensor, and what is counted beside it.
   *
   * @param value a scalar with its graph; its owner closes it after {@code backward}
   * @param sums of the piece
   */
  public record Piece(Tensor value, TokenSums sums) implements AutoCloseable {
    @Override
    public void close() {
      value.close();
    }
  }

  /**
   * The loss of a piece of a batch. The pieces' losses add up to the batch's.
   *
   * @param piece the tokens
   * @param whole the counts of the whole batch
   */
  @SuppressWarnings("try") // The scope closes what is made between.
  public Piece of(LossBatch piece, BatchSize whole) {
    try (PointerScope scope = new PointerScope()) {
      Tensor advantages = piece.advantages().unsqueeze(1);
      Tensor ratio = piece.logProbabilities().sub(piece.drawn()).exp();
      Tensor divergence = divergence(piece);
      Tensor tokens = policy(ratio, advantages).add(divergence, new Scalar(settings.klWeight()));
      Tensor loss = total(tokens.mul(piece.mask()), piece.mask(), whole);
      loss.retainReference();
      return new Piece(loss, sums(piece, loss, ratio, advantages, divergence));
    }
  }

  /** −min(ratio · A, clamp(ratio) · A), [B, T]. */
  private Tensor policy(Tensor ratio, Tensor advantages) {
    Tensor clamped =
        ratio.clamp(
            new ScalarOptional(new Scalar(1 - settings.clip())),
            new ScalarOptional(new Scalar(1 + settings.clip())));
    return ratio.mul(advantages).minimum(clamped.mul(advantages)).neg();
  }

  /** exp(d) − d − 1, [B, T]. */
  private static Tensor divergence(LossBatch piece) {
    Tensor d = piece.reference().sub(piece.logProbabilities());
    return d.exp().sub(d).sub(new Scalar(1.0));
  }

  /** One number of the masked losses, [B, T]. */
  private Tensor total(Tensor losses, Tensor mask, BatchSize whole) {
    return switch (settings.variant()) {
      case GRPO -> {
        Tensor lengths = mask.sum(1).clamp(new ScalarOptional(new Scalar(1.0)));
        yield losses.sum(1).div(lengths).sum().div(new Scalar((double) whole.sequences()));
      }
      case BNPO -> losses.sum().div(new Scalar((double) whole.tokens()));
      case DR_GRPO ->
          losses.sum().div(new Scalar((double) whole.sequences() * (double) settings.maxLength()));
    };
  }

  @SuppressWarnings("try") // The guard works by being there.
  private TokenSums sums(
      LossBatch piece, Tensor loss, Tensor ratio, Tensor advantages, Tensor divergence) {
    try (NoGradGuard guard = new NoGradGuard()) {
      Tensor mask = piece.mask();
      Scalar zero = new Scalar(0.0);
      Tensor low = ratio.lt(new Scalar(1 - settings.clip())).logical_and(advantages.lt(zero));
      Tensor high = ratio.gt(new Scalar(1 + settings.clip())).logical_and(advantages.gt(zero));
      return new TokenSums(
          loss.item_double(),
          divergence.mul(mask).sum().item_double(),
          mask.mul(low.logical_or(high)).sum().item_double(),
          piece.logProbabilities().mul(mask).sum().neg().item_double(),
          mask.sum().item_double());
    }
  }
}
