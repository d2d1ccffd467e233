package dev.blip3o.training.grpo;

import java.util.Locale;

/**
 * How the losses of tokens become one. With l(i, t) the loss of token t of sequence i, |o(i)| the
 * tokens of sequence i, and B sequences in the batch. Pictures of one model have equally many
 * tokens; then all three are the same.
 *
 * <p>Source: {@code grpo_trainer.py: _compute_loss}. Only the last sum differs: advantages are
 * scaled by the deviation under all of them.
 */
public enum LossVariant {
  /** Each sequence weighs the same: 1/B · Σ(i) 1/|o(i)| · Σ(t) l(i, t). arXiv 2402.03300. */
  GRPO,
  /** Each token weighs the same: Σ(i) Σ(t) l(i, t) / Σ(i) |o(i)|. The public recipe's default. */
  BNPO,
  /**
   * Each token weighs the same in every batch: Σ(i) Σ(t) l(i, t) / (B · L), with L the longest that
   * a sequence may be. arXiv 2503.20783, without its other change, advantages without scale.
   */
  DR_GRPO;

  /** The name of it in options and files, for example {@code "dr_grpo"}. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
