package dev.blip3o.training.rewards;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A reward as people write it, {@code [WEIGHT*]KIND}:
 *
 * <ul>
 *   <li>{@code scenes}: {@link ScenesReward#partial}; {@code scenes-whole}: {@link
 *       ScenesReward#whole};
 *   <li>{@code ocr} or {@code ocr:LANGUAGE}: {@link OcrReward} with {@link TesseractReader}; {@code
 *       eng} where none is named;
 *   <li>{@code process:PROGRAM ARGUMENTS}: {@link ProcessReward}, split at spaces;
 *   <li>{@code http://…} or {@code https://…}: {@link HttpReward}.
 * </ul>
 *
 * @param weight its factor in a sum; 1 where none is written
 * @param kind the rest
 */
public record RewardSpec(double weight, String kind) {
  private static final Pattern SPEC = Pattern.compile("(?:([-+0-9.eE]+)\\*)?(\\S.*)");
  private static final Pattern KIND =
      Pattern.compile("scenes|scenes-whole|ocr(:\\w+)?|process:\\s*\\S.*|https?://\\S+");

  /**
   * Checks both.
   *
   * @throws IllegalArgumentException if the weight is not finite or the kind is unknown
   */
  public RewardSpec {
    if (!Double.isFinite(weight)) {
      throw new IllegalArgumentException("the weight of a reward must be finite: " + weight);
    }
    if (!KIND.matcher(kind).matches()) {
      throw new IllegalArgumentException(
          "expected scenes, scenes-whole, ocr, ocr:LANGUAGE, process:PROGRAM or http://ADDRESS, but"
              + " found: "
              + kind);
    }
  }

  /**
   * Reads one.
   *
   * @throws IllegalArgumentException if it is none
   */
  public static RewardSpec parse(String text) {
    Matcher spec = SPEC.matcher(text.strip());
    if (!spec.matches()) {
      throw new IllegalArgumentException("expected a reward, but found nothing");
    }
    try {
      double weight = spec.group(1) == null ? 1 : Double.parseDouble(spec.group(1));
      return new RewardSpec(weight, spec.group(2));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "expected a weight before the *, but found: " + spec.group(1), e);
    }
  }

  /**
   * Opens the reward of one or the weighted sum of several.
   *
   * @param specs one or more
   * @param timeout how long a program or a service may take for an answer
   * @throws RewardContractException if one can't be opened; then none stays open
   */
  public static Reward open(List<RewardSpec> specs, Duration timeout) {
    if (specs.size() == 1 && specs.get(0).weight() == 1) {
      return specs.get(0).open(timeout);
    }
    List<WeightedReward.Part> parts = new ArrayList<>();
    try {
      for (RewardSpec spec : specs) {
        parts.add(new WeightedReward.Part(spec.weight(), spec.open(timeout)));
      }
      return new WeightedReward(parts);
    } catch (RuntimeException e) {
      parts.forEach(part -> part.reward().close());
      throw e;
    }
  }

  private Reward open(Duration timeout) {
    if (kind.startsWith("process:")) {
      String command = kind.substring("process:".length()).strip();
      return new ProcessReward(List.of(command.split("\\s+")), timeout);
    }
    if (kind.startsWith("http")) {
      return new HttpReward(URI.create(kind), timeout);
    }
    if (kind.startsWith("ocr")) {
      String language = kind.contains(":") ? kind.substring(kind.indexOf(':') + 1) : "eng";
      return new OcrReward(TesseractReader.open(language));
    }
    return kind.equals("scenes") ? ScenesReward.partial() : ScenesReward.whole();
  }
}
