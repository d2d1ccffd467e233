package dev.blip3o.training;

import dev.blip3o.support.Repository;
import dev.blip3o.training.report.StepMetrics;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What tests of whole runs share. */
final class Runs {
  private Runs() {}

  /** A small model with random weights. */
  static Path tiny() {
    return Repository.golden().resolve("reference/tiny/model");
  }

  /** A prompts file. */
  static Path prompts(Path folder, String... lines) {
    try {
      return Files.writeString(folder.resolve("prompts.txt"), String.join("\n", lines) + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Settings of small, quick steps. */
  static TrainingSettings.Builder quick(int steps) {
    return TrainingSettings.builder(steps)
        .prompts(2)
        .groupSize(4)
        .denoisingSteps(1)
        .guidance(1)
        .learningRate(1e-3)
        .threads(1);
  }

  /** Remembers the steps. */
  static final class Heard implements TrainingListener {
    final List<StepMetrics> steps = new ArrayList<>();

    @Override
    public void onStep(StepMetrics metrics) {
      steps.add(metrics);
    }
  }
}
