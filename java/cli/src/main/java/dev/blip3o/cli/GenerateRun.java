package dev.blip3o.cli;

import dev.blip3o.Blip3oModel;
import dev.blip3o.CancellationToken;
import dev.blip3o.GeneratedImage;
import dev.blip3o.ImageRequest;
import dev.blip3o.ModelOptions;
import dev.blip3o.Progress;
import dev.blip3o.Timings;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/** Draws pictures one after the other and writes and reports each as soon as it is done. */
final class GenerateRun {
  private final List<Path> files;
  private final ProgressDisplay display;
  private final PrintWriter report;
  private final CancellationToken cancellation;
  private final long start = System.nanoTime();
  private Duration firstToken;

  /**
   * @param files where the pictures go, in the order of the requests
   * @param report for the results
   */
  GenerateRun(
      List<Path> files,
      ProgressDisplay display,
      PrintWriter report,
      CancellationToken cancellation) {
    this.files = files;
    this.display = display;
    this.report = report;
    this.cancellation = cancellation;
  }

  /**
   * Draws and writes the pictures.
   *
   * @param requests one for each picture, so that no more than one picture is held in memory
   */
  void run(Path directory, ModelOptions options, List<ImageRequest> requests) {
    display.begin("loading " + Text.oneLine(directory.toString()));
    try (Blip3oModel model = Blip3oModel.open(directory, options)) {
      Duration load = Duration.ofNanos(System.nanoTime() - start);
      for (int i = 0; i < requests.size(); i++) {
        display.startPicture(i + 1, requests.size());
        write(model.generate(requests.get(i), this::onProgress, cancellation), files.get(i));
      }
      summarise(model, load);
    } finally {
      display.clear();
    }
  }

  private void onProgress(Progress progress) {
    if (firstToken == null) {
      firstToken = ProcessClock.age();
    }
    display.onProgress(progress);
  }

  private void write(GeneratedImage image, Path file) {
    long begin = System.nanoTime();
    image.writePng(file);
    long png = System.nanoTime() - begin;

    display.clear();
    Timings timings = image.timings();
    report.printf(
        Locale.ROOT,
        "%s: %d x %d pixels, seed %s%n",
        Text.oneLine(file.toString()),
        image.width(),
        image.height(),
        Long.toUnsignedString(image.seed()));
    report.println(
        "  "
            + part("tokenise", timings.tokenizing())
            + ", "
            + part("prefill", timings.prefill())
            + ", "
            + part("tokens", timings.tokens())
            + ", "
            + part("condition", timings.condition())
            + ", "
            + part("steps", timings.steps())
            + ", "
            + part("decode", timings.decode())
            + ", "
            + part("PNG", Duration.ofNanos(png)));
    report.flush();
  }

  private void summarise(Blip3oModel model, Duration load) {
    report.printf(
        Locale.ROOT,
        "%s in %s: %s, first token %s after start%n",
        Text.plural(files.size(), "picture"),
        Text.seconds(System.nanoTime() - start),
        part("load", load),
        Text.seconds(firstToken));
    report.printf(
        Locale.ROOT,
        "computed in %s by %s, %s%n",
        model.info().compute().name().toLowerCase(Locale.ROOT),
        model.info().backend(),
        Text.plural(model.info().threads(), "thread"));
    report.flush();
  }

  private static String part(String name, Duration duration) {
    return name + " " + Text.seconds(duration);
  }
}
