package dev.blip3o.bench;

import dev.blip3o.Compute;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * What to measure.
 *
 * @param computes each is measured on its own opening of the model
 * @param maxTokens of part {@link Part#TOKENS}: stop after so many
 * @param rounds how often model and reference take turns
 * @param repeats timed runs of a round
 * @param warmups runs before them, not counted
 * @param reference a shell command whose output {@link ReferenceCommand} reads
 */
record BenchmarkSettings(
    Path model,
    Part part,
    List<Compute> computes,
    String prompt,
    long seed,
    int steps,
    double guidance,
    int threads,
    int maxTokens,
    int rounds,
    int repeats,
    int warmups,
    Optional<String> reference) {

  /** What is run: a whole picture, one of its stages, or the encoders of a reference. */
  enum Part {
    ALL,
    TOKENS,
    STEPS,
    DECODE,
    /** The DC-AE encoder. */
    ENCODE,
    /** The image tokenizer: SigLIP, task layer, codes. */
    SIGLIP,
    /** Both encoders of a reference. */
    ENCODERS
  }

  static final Set<String> OPTIONS =
      Set.of(
          "model",
          "part",
          "compute",
          "prompt",
          "seed",
          "steps",
          "guidance",
          "threads",
          "max-tokens",
          "rounds",
          "repeats",
          "warmups",
          "reference");

  static BenchmarkSettings from(Options o) {
    if (!o.has("model")) {
      throw new Options.UsageException("--model DIRECTORY is needed");
    }
    return new BenchmarkSettings(
        Path.of(o.text("model", "")),
        choice("part", o.text("part", "all"), Part.class),
        computes(o.text("compute", "auto")),
        o.text("prompt", "a red circle"),
        o.longInteger("seed", 0),
        o.integerFrom(1, "steps", 30),
        o.number("guidance", 2.0),
        o.integer("threads", 0),
        o.integerFrom(2, "max-tokens", Integer.MAX_VALUE),
        o.integerFrom(1, "rounds", 1),
        o.integerFrom(1, "repeats", 5),
        o.integerFrom(0, "warmups", 1),
        Optional.ofNullable(o.text("reference", null)));
  }

  private static List<Compute> computes(String text) {
    List<Compute> computes = new ArrayList<>();
    for (String name : text.split(",")) {
      computes.add(choice("compute", name.trim(), Compute.class));
    }
    return List.copyOf(computes);
  }

  private static <E extends Enum<E>> E choice(String option, String name, Class<E> type) {
    for (E constant : type.getEnumConstants()) {
      if (constant.name().toLowerCase(Locale.ROOT).equals(name)) {
        return constant;
      }
    }
    throw new Options.UsageException(
        "--"
            + option
            + " is one of "
            + List.of(type.getEnumConstants()).toString().toLowerCase(Locale.ROOT)
            + ", not '"
            + name
            + "'");
  }
}
