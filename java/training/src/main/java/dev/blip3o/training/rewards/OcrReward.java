package dev.blip3o.training.rewards;

import dev.blip3o.training.prompts.TrainingPrompt;
import java.awt.image.BufferedImage;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;

/**
 * How much of the wanted text can be read in a picture, from 0 to 1: 1 − d / n, where n is the
 * wanted text's length and d the edit distance from it to what was read, at most n; d is 0 where
 * the wanted text stands anywhere in what was read. Space and case don't count. Source:
 * BLIP3o-NEXT, {@code trl/trl/trainer/grpo_trainer.py: _calculate_rewards}.
 *
 * <p>The wanted text is the field {@code text} of the prompt's line, else what the prompt has in
 * double quotes.
 */
public final class OcrReward implements Reward {
  private static final String NAME = "ocr";

  private final TextReader reader;
  private final ExecutorService worker;

  /**
   * Reads with {@code reader}, which it closes.
   *
   * @param reader for example {@link TesseractReader}
   */
  public OcrReward(TextReader reader) {
    this.reader = reader;
    this.worker =
        Executors.newSingleThreadExecutor(
            task -> {
              Thread thread = new Thread(task, "blip3o-reward-ocr");
              thread.setDaemon(true);
              return thread;
            });
  }

  @Override
  public String name() {
    return NAME;
  }

  /**
   * {@inheritDoc}
   *
   * @throws RewardContractException if it wants no text
   */
  @Override
  public void checkPrompt(TrainingPrompt prompt) {
    wanted(prompt);
  }

  @Override
  public CompletableFuture<double[]> score(List<RewardInput> batch) {
    List<RewardInput> pictures = List.copyOf(batch);
    try {
      return CompletableFuture.supplyAsync(
          () -> pictures.stream().mapToDouble(this::score).toArray(), worker);
    } catch (RejectedExecutionException e) {
      return CompletableFuture.failedFuture(
          new RewardException("the reward '" + NAME + "' has been closed", e));
    }
  }

  private double score(RewardInput input) {
    BufferedImage picture = input.picture();
    return score(wanted(input.prompt()), reader.read(picture));
  }

  /** The score of what was read. */
  static double score(String wanted, String read) {
    String target = plain(wanted);
    String text = plain(read);
    if (text.contains(target)) {
      return 1;
    }
    int length = target.codePointCount(0, target.length());
    return 1 - (double) Math.min(length, EditDistance.of(text, target)) / length;
  }

  private static String plain(String text) {
    return text.replaceAll("\\s+", "").toLowerCase(Locale.ROOT);
  }

  private static String wanted(TrainingPrompt prompt) {
    return WantedText.of(prompt)
        .orElseThrow(
            () ->
                new RewardContractException(
                    "the reward '"
                        + NAME
                        + "' needs to know the wanted text: expected a field \"text\" or a text in"
                        + " double quotes, but found the prompt: "
                        + prompt.text()));
  }

  /** Closes the reader once the picture that it reads is done. */
  @Override
  public void close() {
    if (!worker.isShutdown()) {
      worker.execute(reader::close);
      worker.shutdown();
    }
  }
}
