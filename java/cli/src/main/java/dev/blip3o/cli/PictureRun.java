package dev.blip3o.cli;

import dev.blip3o.Blip3oModel;
import dev.blip3o.CancellationToken;
import dev.blip3o.GeneratedImage;
import dev.blip3o.ModelInfo;
import dev.blip3o.ModelOptions;
import dev.blip3o.PictureRequest;
import dev.blip3o.Progress;
import dev.blip3o.Timings;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/** Makes pictures and writes and reports each, in their order, as soon as it is done. */
final class PictureRun {
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
  PictureRun(
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
   * Makes and writes the pictures.
   *
   * @param check throws if the checkpoint doesn't fit what was given
   * @param requests one for each picture
   */
  void run(
      Path directory,
      ModelOptions options,
      Consumer<ModelInfo> check,
      List<PictureRequest> requests) {
    display.begin("loading " + Text.oneLine(directory.toString()));
    MainLoop loop = new MainLoop(cancellation);
    try (Blip3oModel model =
        Blip3oModel.open(directory, options.toBuilder().executor(loop).build())) {
      check.accept(model.info());
      Duration load = Duration.ofNanos(System.nanoTime() - start);
      PictureQueue queue = new PictureQueue(model, loop, requests, display, this::noteFirstToken);
      for (Path file : files) {
        write(queue.next(), file);
      }
      summarise(model, load);
    } finally {
      display.clear();
    }
  }

  private void noteFirstToken(Progress progress) {
    if (firstToken == null && progress.stage() == Progress.Stage.TOKENS) {
      firstToken = ProcessClock.age();
    }
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
    report.println("  " + times(timings, Duration.ofNanos(png)));
    report.flush();
  }

  private static String times(Timings timings, Duration png) {
    List<String> parts = new ArrayList<>();
    parts.add(part("tokenise", timings.tokenizing()));
    if (!timings.encode().isZero()) {
      parts.add(part("encode", timings.encode()));
    }
    parts.add(part("prefill", timings.prefill()));
    parts.add(part("tokens", timings.tokens()));
    parts.add(part("condition", timings.condition()));
    parts.add(part("steps", timings.steps()));
    parts.add(part("decode", timings.decode()));
    parts.add(part("PNG", png));
    return String.join(", ", parts);
  }

  private void summarise(Blip3oModel model, Duration load) {
    report.printf(
        Locale.ROOT,
        "%s in %s: %s%s%n",
        Text.plural(files.size(), "picture"),
        Text.seconds(System.nanoTime() - start),
        part("load", load),
        // Tokens that are given are not drawn, so that no first one comes.
        firstToken == null ? "" : ", first token " + Text.seconds(firstToken) + " after start");
    report.println("computed in " + ComputedBy.text(model.info()));
    report.flush();
  }

  private static String part(String name, Duration duration) {
    return name + " " + Text.seconds(duration);
  }
}
