package dev.blip3o.training.run;

import dev.blip3o.InvalidRequestException;
import dev.blip3o.OutputException;
import dev.blip3o.training.report.MetricsFile;
import dev.blip3o.training.resume.ResumeException;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Where a run's files lie:
 *
 * <pre>
 * metrics.csv
 * report.html
 * checkpoints/step-000050/      a model in the public layout, and training/ to go on from
 * pictures/step-000050/1.png    the report's prompts, drawn by that checkpoint
 * </pre>
 *
 * @param folder the run's
 */
public record RunFolder(Path folder) {
  private static final Pattern STEP = Pattern.compile("step-(\\d{6,9})");

  /**
   * Makes the folder of a new run. What is there of a run that ended before its first checkpoint,
   * and so can't be resumed, makes room for it.
   *
   * @throws InvalidRequestException if it holds a run that can be resumed
   * @throws OutputException if it can't be made, or holds another program's {@code metrics.csv}
   */
  public static RunFolder create(Path folder) {
    RunFolder run = new RunFolder(folder);
    if (Files.exists(run.metrics())) {
      MetricsFile.read(run.metrics()); // Another program's file is not ours to replace.
    }
    if (!run.steps().isEmpty()) {
      throw new InvalidRequestException(
          folder + " holds a training run: resume it, or name another folder for a new one");
    }
    run.makeFolders();
    return run;
  }

  /**
   * The folder of a run that has a checkpoint to go on from.
   *
   * @throws ResumeException if there is none
   */
  public static RunFolder existing(Path folder) {
    RunFolder run = new RunFolder(folder);
    if (run.steps().isEmpty()) {
      throw new ResumeException(
          "there is nothing to resume in "
              + folder
              + ": it holds no checkpoint, "
              + run.checkpoint(1).getParent()
              + "/step-…; begin the run without resuming");
    }
    run.makeFolders();
    return run;
  }

  private void makeFolders() {
    try {
      Files.createDirectories(checkpoint(0).getParent());
      Files.createDirectories(pictures(0).getParent());
    } catch (FileSystemException e) {
      throw new OutputException(
          "can't make the run's folder "
              + folder
              + ": "
              + (e.getReason() == null ? e.getClass().getSimpleName() : e.getReason()),
          e);
    } catch (IOException e) {
      throw new OutputException("can't make the run's folder " + folder + ": " + e.getMessage(), e);
    }
  }

  /** The metrics of its steps. */
  public Path metrics() {
    return folder.resolve("metrics.csv");
  }

  /** The page. */
  public Path report() {
    return folder.resolve("report.html");
  }

  /** The checkpoint of a step, from 1. */
  public Path checkpoint(int step) {
    return folder.resolve("checkpoints").resolve(name(step));
  }

  /** The folder of what a step's model draws for the report; 0: the starting model. */
  public Path pictures(int step) {
    return folder.resolve("pictures").resolve(name(step));
  }

  private static String name(int step) {
    return String.format(Locale.ROOT, "step-%06d", step);
  }

  /**
   * The steps that have checkpoints, in order.
   *
   * @throws OutputException if the folder can't be read
   */
  public List<Integer> steps() {
    Path checkpoints = checkpoint(0).getParent();
    if (!Files.isDirectory(checkpoints)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(checkpoints)) {
      return files
          .map(file -> STEP.matcher(file.getFileName().toString()))
          .filter(Matcher::matches)
          .map(matcher -> Integer.valueOf(matcher.group(1)))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new OutputException("can't read " + checkpoints + ": " + e.getMessage(), e);
    }
  }
}
