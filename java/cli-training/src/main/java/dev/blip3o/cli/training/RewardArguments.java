package dev.blip3o.cli.training;

import dev.blip3o.cli.TimeSpan;
import dev.blip3o.cli.UsageException;
import dev.blip3o.training.rewards.RetryPolicy;
import dev.blip3o.training.rewards.Reward;
import dev.blip3o.training.rewards.RewardSpec;
import java.time.Duration;
import java.util.List;
import picocli.CommandLine.Option;

/** How pictures are scored. */
final class RewardArguments {
  /** A try is over then, whatever a reward would still wait for. */
  private static final Duration MOST = RetryPolicy.DEFAULT.timeout();

  @Option(
      names = "--reward",
      paramLabel = "REWARD",
      required = true,
      converter = RewardConverter.class,
      description =
          "scenes, scenes-whole, ocr, ocr:LANGUAGE, \"process:PROGRAM ARGUMENTS\", or the http or"
              + " https address of a service. WEIGHT* before it weighs it; may be repeated: then"
              + " their sum.")
  private List<RewardSpec> rewards = List.of();

  @Option(
      names = "--reward-timeout",
      paramLabel = "TIME",
      converter = TimeSpan.Converter.class,
      defaultValue = "1m",
      description =
          "How long a program or service may take for an answer, at most 5m; then it is tried"
              + " again, 3 times in all. Default: ${DEFAULT-VALUE}.")
  private TimeSpan timeout;

  /**
   * Opens what was asked for.
   *
   * @throws UsageException if an option is wrong
   */
  Reward open() {
    Duration time = timeout.duration();
    if (time.isZero() || time.compareTo(MOST) > 0) {
      throw new UsageException(
          "--reward-timeout must be above 0 and at most "
              + MOST.toMinutes()
              + "m, but is "
              + time.toMillis()
              + "ms");
    }
    try {
      return RewardSpec.open(rewards, time);
    } catch (IllegalArgumentException e) {
      throw new UsageException("--reward: " + e.getMessage(), e);
    }
  }
}
