package dev.blip3o.training;

import dev.blip3o.InvalidRequestException;
import dev.blip3o.training.grpo.LossVariant;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * The numbers of a training run. The defaults are the public recipe's where it has them.
 *
 * @param steps how many updates of the model, 1 or more
 * @param prompts of each step, 1 or more; default 8
 * @param groupSize pictures of each prompt, 2 or more; default 16
 * @param iterations times that a step's pictures are learnt from, 1 or more; default 1
 * @param learningRate the highest one, above 0; default 1e-6; it falls along half a cosine
 * @param warmUp steps of the linear rise before that, from 0 to below {@code steps}; default 0
 * @param gradientLimit the longest that the gradient of all weights together may be; default 1
 * @param clip how far the ratio of probabilities may leave 1 before it stops mattering, above 0 and
 *     below 1; default 0.2
 * @param klWeight weight of the divergence from the starting model, 0 or more; default 0.001
 * @param variant how the losses of tokens become one; default {@link LossVariant#BNPO}
 * @param denoisingSteps of the pictures that are learnt from; empty: the checkpoint's
 * @param guidance of their denoising; empty: the checkpoint's
 * @param seed of everything that is random; default 0
 * @param checkpointEvery steps between two checkpoints, 1 or more; the last step has one anyway;
 *     default 50
 * @param sequencesAtOnce pictures whose activations are in memory together while gradients are
 *     computed, 1 or more; default 16
 * @param layerCheckpointing whether the activations of layers are computed again instead of kept: a
 *     third more work, far less memory; default true
 * @param threads of LibTorch, beside those of OpenBLAS; 0: as many as the model has where the
 *     environment variable {@code OMP_WAIT_POLICY} is {@code passive}, else 1: without it the two
 *     kinds of threads stand in each other's way, and more are slower
 */
public record TrainingSettings(
    int steps,
    int prompts,
    int groupSize,
    int iterations,
    double learningRate,
    int warmUp,
    double gradientLimit,
    double clip,
    double klWeight,
    LossVariant variant,
    OptionalInt denoisingSteps,
    OptionalDouble guidance,
    long seed,
    int checkpointEvery,
    int sequencesAtOnce,
    boolean layerCheckpointing,
    int threads) {
  /** Most pictures of a step: they are in memory together. */
  private static final int MAX_PICTURES = 1 << 16;

  /**
   * Checks the ranges.
   *
   * @throws InvalidRequestException if one is left
   */
  public TrainingSettings {
    Objects.requireNonNull(variant, "variant");
    Objects.requireNonNull(denoisingSteps, "denoisingSteps");
    Objects.requireNonNull(guidance, "guidance");
    atLeast("steps", steps, 1);
    atLeast("prompts", prompts, 1);
    atLeast("groupSize", groupSize, 2);
    atLeast("iterations", iterations, 1);
    atLeast("warmUp", warmUp, 0);
    atLeast("checkpointEvery", checkpointEvery, 1);
    atLeast("sequencesAtOnce", sequencesAtOnce, 1);
    atLeast("threads", threads, 0);
    require(warmUp < steps, "warmUp", "below steps, " + steps, warmUp);
    require(
        (long) prompts * groupSize <= MAX_PICTURES,
        "prompts * groupSize",
        "at most " + MAX_PICTURES,
        (long) prompts * groupSize);
    require(positive(learningRate), "learningRate", "above 0", learningRate);
    require(positive(gradientLimit), "gradientLimit", "above 0", gradientLimit);
    require(clip > 0 && clip < 1, "clip", "above 0 and below 1", clip);
    require(klWeight >= 0 && Double.isFinite(klWeight), "klWeight", "0 or more", klWeight);
  }

  private static boolean positive(double value) {
    return value > 0 && Double.isFinite(value);
  }

  private static void atLeast(String name, int value, int least) {
    require(value >= least, name, least + " or more", value);
  }

  private static void require(boolean holds, String name, String expected, Object found) {
    if (!holds) {
      throw new InvalidRequestException(name + " must be " + expected + ", but is " + found);
    }
  }

  /** A builder with the defaults for a run of {@code steps} steps. */
  public static Builder builder(int steps) {
    return new Builder(steps);
  }

  /** Everything of it that decides the curve, by name. */
  Map<String, String> asText() {
    Map<String, String> text = new TreeMap<>();
    text.put("steps", Integer.toString(steps));
    text.put("prompts of a step", Integer.toString(prompts));
    text.put("group size", Integer.toString(groupSize));
    text.put("iterations", Integer.toString(iterations));
    text.put("learning rate", Double.toString(learningRate));
    text.put("warm-up", Integer.toString(warmUp));
    text.put("gradient limit", Double.toString(gradientLimit));
    text.put("clip", Double.toString(clip));
    text.put("KL weight", Double.toString(klWeight));
    text.put("loss", variant.word());
    text.put("denoising steps", denoisingSteps.isPresent() ? "" + denoisingSteps.getAsInt() : "");
    text.put("guidance", guidance.isPresent() ? "" + guidance.getAsDouble() : "");
    text.put("seed", Long.toUnsignedString(seed));
    text.put("sequences at once", Integer.toString(sequencesAtOnce));
    text.put("layer checkpointing", Boolean.toString(layerCheckpointing).toLowerCase(Locale.ROOT));
    return text;
  }

  /** Builds settings. Not safe for use by several threads at once. */
  public static final class Builder {
    private final int steps;
    private int prompts = 8;
    private int groupSize = 16;
    private int iterations = 1;
    private double learningRate = 1e-6;
    private int warmUp;
    private double gradientLimit = 1;
    private double clip = 0.2;
    private double klWeight = 0.001;
    private LossVariant variant = LossVariant.BNPO;
    private OptionalInt denoisingSteps = OptionalInt.empty();
    private OptionalDouble guidance = OptionalDouble.empty();
    private long seed;
    private int checkpointEvery = 50;
    private int sequencesAtOnce = 16;
    private boolean layerCheckpointing = true;
    private int threads;

    private Builder(int steps) {
      this.steps = steps;
    }

    /** {@link TrainingSettings#prompts}. */
    public Builder prompts(int value) {
      this.prompts = value;
      return this;
    }

    /** {@link TrainingSettings#groupSize}. */
    public Builder groupSize(int value) {
      this.groupSize = value;
      return this;
    }

    /** {@link TrainingSettings#iterations}. */
    public Builder iterations(int value) {
      this.iterations = value;
      return this;
    }

    /** {@link TrainingSettings#learningRate}. */
    public Builder learningRate(double value) {
      this.learningRate = value;
      return this;
    }

    /** {@link TrainingSettings#warmUp}. */
    public Builder warmUp(int value) {
      this.warmUp = value;
      return this;
    }

    /** {@link TrainingSettings#gradientLimit}. */
    public Builder gradientLimit(double value) {
      this.gradientLimit = value;
      return this;
    }

    /** {@link TrainingSettings#clip}. */
    public Builder clip(double value) {
      this.clip = value;
      return this;
    }

    /** {@link TrainingSettings#klWeight}. */
    public Builder klWeight(double value) {
      this.klWeight = value;
      return this;
    }

    /** {@link TrainingSettings#variant}. */
    public Builder variant(LossVariant value) {
      this.variant = value;
      return this;
    }

    /** {@link TrainingSettings#denoisingSteps}. */
    public Builder denoisingSteps(int value) {
      this.denoisingSteps = OptionalInt.of(value);
      return this;
    }

    /** {@link TrainingSettings#guidance}. */
    public Builder guidance(double value) {
      this.guidance = OptionalDouble.of(value);
      return this;
    }

    /** {@link TrainingSettings#seed}. */
    public Builder seed(long value) {
      this.seed = value;
      return this;
    }

    /** {@link TrainingSettings#checkpointEvery}. */
    public Builder checkpointEvery(int value) {
      this.checkpointEvery = value;
      return this;
    }

    /** {@link TrainingSettings#sequencesAtOnce}. */
    public Builder sequencesAtOnce(int value) {
      this.sequencesAtOnce = value;
      return this;
    }

    /** {@link TrainingSettings#layerCheckpointing}. */
    public Builder layerCheckpointing(boolean value) {
      this.layerCheckpointing = value;
      return this;
    }

    /** {@link TrainingSettings#threads}. */
    public Builder threads(int value) {
      this.threads = value;
      return this;
    }

    /**
     * The settings.
     *
     * @throws InvalidRequestException if one is out of its range
     */
    public TrainingSettings build() {
      return new TrainingSettings(
          steps,
          prompts,
          groupSize,
          iterations,
          learningRate,
          warmUp,
          gradientLimit,
          clip,
          klWeight,
          variant,
          denoisingSteps,
          guidance,
          seed,
          checkpointEvery,
          sequencesAtOnce,
          layerCheckpointing,
          threads);
    }
  }
}
