package dev.blip3o.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Runs another implementation's timing program and reads what it measured. Two forms are
 * understood, anywhere in its standard output:
 *
 * <ul>
 *   <li>a JSON line of numbers: {@code {"tokens": 0.38, "steps": 0.77, "decode": 0.02, "total":
 *       1.17, "peak_mib": 456}}, in seconds and MiB
 *   <li>lines that end in a number: {@code tokens/s 2.74}, {@code guided step, s 47.3}, {@code
 *       decode 1024, s 20.1}, {@code encode 1024, s 9.8}, {@code encode one reference, s 3.2} and
 *       {@code ..., peak MiB 4041}
 * </ul>
 */
final class ReferenceCommand {
  private static final Pattern JSON_NUMBER = Pattern.compile("\"(\\w+)\"\\s*:\\s*(-?[0-9.eE+-]+)");
  private static final Pattern LABELLED = Pattern.compile("^(.*\\S)\\s+([0-9]+(?:\\.[0-9]+)?)$");

  private ReferenceCommand() {}

  /**
   * Runs {@code command} in a shell and waits for it.
   *
   * @return measurements under {@link StageRuns}' names
   * @throws IOException when it fails or prints no number that is known
   */
  static Map<String, Double> run(String command) throws IOException {
    Process process =
        new ProcessBuilder("sh", "-c", command)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int exitCode = exitCode(process);
    if (exitCode != 0) {
      throw new IOException("the reference command ended with exit code " + exitCode);
    }
    Map<String, Double> measured = parse(output);
    if (measured.isEmpty()) {
      throw new IOException("no measurement in what the reference command printed: " + output);
    }
    return measured;
  }

  private static int exitCode(Process process) throws IOException {
    try {
      return process.waitFor();
    } catch (InterruptedException e) {
      process.destroy();
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while the reference command ran", e);
    }
  }

  static Map<String, Double> parse(String output) {
    Map<String, Double> measured = new LinkedHashMap<>();
    for (String line : output.split("\\R")) {
      if (line.startsWith("{")) {
        Matcher number = JSON_NUMBER.matcher(line);
        while (number.find()) {
          measured.put(number.group(1), Double.parseDouble(number.group(2)));
        }
        continue;
      }
      Matcher labelled = LABELLED.matcher(line.strip());
      if (labelled.matches()) {
        String name = name(labelled.group(1));
        if (name != null) {
          measured.put(name, Double.parseDouble(labelled.group(2)));
        }
      }
    }
    return measured;
  }

  private static String name(String label) {
    if (label.endsWith("peak MiB")) {
      return "peak_mib";
    }
    if (label.startsWith("decode ")) {
      return "decode";
    }
    if (label.equals("encode one reference, s")) {
      return "siglip";
    }
    if (label.startsWith("encode ")) {
      return "encode";
    }
    return switch (label) {
      case "tokens/s" -> "tokens_per_second";
      case "guided step, s" -> "step";
      default -> null;
    };
  }
}
