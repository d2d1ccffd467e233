package dev.blip3o.training.report;

import dev.blip3o.OutputFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.function.ToDoubleFunction;

/**
 * A run as one HTML file that needs nothing else: curves as inline SVG, pictures as data URLs, for
 * light and dark screens, no scripts, no requests.
 *
 * @param title the page's heading, for example the model's and the reward's name
 * @param steps the metrics so far, in order
 * @param prompts the report's prompts
 * @param checkpoints what each checkpoint draws for them, in order
 */
public record ReportPage(
    String title,
    List<StepMetrics> steps,
    List<String> prompts,
    List<CheckpointPictures> checkpoints) {
  private static final String STYLE = resource("report.css");

  /** Steps that the smooth curve of the reward averages. */
  private static final int WINDOW = 10;

  /**
   * Copies the lists.
   *
   * @throws IllegalArgumentException if a checkpoint has more or fewer pictures than there are
   *     prompts
   */
  public ReportPage {
    Objects.requireNonNull(title, "title");
    steps = List.copyOf(steps);
    prompts = List.copyOf(prompts);
    checkpoints = List.copyOf(checkpoints);
    for (CheckpointPictures checkpoint : checkpoints) {
      if (checkpoint.pngs().size() != prompts.size()) {
        throw new IllegalArgumentException(
            String.format(
                "the checkpoint of step %d must have one picture for each of %d prompts, but has %d",
                checkpoint.step(), prompts.size(), checkpoint.pngs().size()));
      }
    }
  }

  /**
   * Writes the page; it appears whole or not at all.
   *
   * @throws dev.blip3o.OutputException if it can't be written
   */
  public void write(Path file) {
    byte[] bytes = html().getBytes(StandardCharsets.UTF_8);
    OutputFile.at(file).write(out -> out.write(bytes));
  }

  /** The page. */
  public String html() {
    StringBuilder html = new StringBuilder();
    html.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    html.append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    html.append("<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    html.append(Html.text(title)).append("</title>\n<style>\n").append(STYLE);
    html.append("</style>\n</head>\n<body>\n<h1>").append(Html.text(title)).append("</h1>\n");
    html.append("<p>").append(Html.text(summary())).append("</p>\n");
    if (!steps.isEmpty()) {
      html.append("<div class=\"charts\">\n");
      charts().forEach(chart -> html.append(chart.html()));
      html.append("</div>\n");
    }
    if (!checkpoints.isEmpty()) {
      html.append(pictures());
    }
    return html.append("</body>\n</html>\n").toString();
  }

  private String summary() {
    if (steps.isEmpty()) {
      return "No step has been taken yet.";
    }
    int skipped = steps.stream().mapToInt(StepMetrics::groupsSkipped).sum();
    int dropped = steps.stream().mapToInt(StepMetrics::groupsDropped).sum();
    int pictures = steps.stream().mapToInt(StepMetrics::pictures).sum();
    return String.format(
        "%d steps, %d pictures; %d groups skipped for want of spread, %d dropped as their reward"
            + " failed.",
        steps.size(), pictures, skipped, dropped);
  }

  private List<LineChart> charts() {
    double[] rewards = values(StepMetrics::reward);
    return List.of(
        chart(
            "Reward",
            "mean of a step, and of the last " + WINDOW,
            new LineChart.Series("step", "faint", rewards),
            new LineChart.Series("mean", "one", LineChart.smooth(rewards, WINDOW))),
        chart("Spread of the reward", "mean deviation of a group", StepMetrics::rewardDeviation),
        chart("KL from the starting model", "nats a token", StepMetrics::kl),
        chart("Clipped tokens", "share", StepMetrics::clipped),
        chart("Entropy", "nats a token", StepMetrics::entropy),
        chart("Gradient norm", "before clipping", StepMetrics::gradientNorm),
        chart("Learning rate", "", StepMetrics::learningRate),
        chart("Pictures a second", "", StepMetrics::picturesPerSecond),
        chart(
            "Time of a step",
            "seconds",
            new LineChart.Series("rollouts", "one", values(StepMetrics::rolloutSeconds)),
            new LineChart.Series("rewards", "two", values(StepMetrics::rewardSeconds)),
            new LineChart.Series("gradients", "three", values(StepMetrics::gradientSeconds))));
  }

  private LineChart chart(String name, String unit, ToDoubleFunction<StepMetrics> value) {
    return chart(name, unit, new LineChart.Series(name, "one", values(value)));
  }

  private LineChart chart(String name, String unit, LineChart.Series... series) {
    List<Integer> places = steps.stream().map(StepMetrics::step).toList();
    return new LineChart(name, unit, places, List.of(series));
  }

  private double[] values(ToDoubleFunction<StepMetrics> value) {
    return steps.stream().mapToDouble(value).toArray();
  }

  private String pictures() {
    StringBuilder html = new StringBuilder("<h2>The same prompts at each checkpoint</h2>\n");
    html.append("<div class=\"scroll\"><table>\n<tr><th></th>");
    for (CheckpointPictures checkpoint : checkpoints) {
      html.append("<th>").append(checkpoint.step() == 0 ? "start" : "step " + checkpoint.step());
      html.append("</th>");
    }
    html.append("</tr>\n");
    for (int i = 0; i < prompts.size(); i++) {
      String prompt = Html.text(prompts.get(i));
      html.append("<tr><th scope=\"row\">").append(prompt).append("</th>");
      for (CheckpointPictures checkpoint : checkpoints) {
        html.append("<td><img alt=\"").append(prompt).append(", step ");
        html.append(checkpoint.step()).append("\" src=\"data:image/png;base64,");
        html.append(Base64.getEncoder().encodeToString(checkpoint.pngs().get(i)));
        html.append("\"></td>");
      }
      html.append("</tr>\n");
    }
    return html.append("</table></div>\n").toString();
  }

  private static String resource(String name) {
    try (InputStream stream = ReportPage.class.getResourceAsStream(name)) {
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
