package dev.blip3o.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Which gradients to measure.
 *
 * @param checkpointing whether each layer is computed again when its gradient is due; each is
 *     measured on its own copy of the weights
 * @param batch sequences of one gradient
 * @param tokens image tokens of a sequence; 0: as many as a picture has
 * @param seed of the image tokens
 * @param threads 0: as many as LibTorch takes by itself
 * @param repeats timed gradients
 * @param warmups gradients before them, not counted
 */
record GradientSettings(
    Path model,
    List<Boolean> checkpointing,
    int batch,
    int tokens,
    String prompt,
    long seed,
    int threads,
    int repeats,
    int warmups) {
  static final Set<String> OPTIONS =
      Set.of(
          "model",
          "checkpointing",
          "batch",
          "tokens",
          "prompt",
          "seed",
          "threads",
          "repeats",
          "warmups");

  static GradientSettings from(Options o) {
    if (!o.has("model")) {
      throw new Options.UsageException("--model DIRECTORY is needed");
    }
    return new GradientSettings(
        Path.of(o.text("model", "")),
        checkpointing(o.text("checkpointing", "on")),
        o.integerFrom(1, "batch", 1),
        o.integerFrom(0, "tokens", 0),
        o.text("prompt", "a red circle"),
        o.longInteger("seed", 0),
        o.integerFrom(0, "threads", 0),
        o.integerFrom(1, "repeats", 3),
        o.integerFrom(0, "warmups", 1));
  }

  private static List<Boolean> checkpointing(String text) {
    List<Boolean> values = new ArrayList<>();
    for (String word : text.split(",", -1)) {
      values.add(
          switch (word.trim()) {
            case "on" -> true;
            case "off" -> false;
            default ->
                throw new Options.UsageException(
                    "--checkpointing takes on, off or on,off, not '" + text + "'");
          });
    }
    return List.copyOf(values);
  }
}
