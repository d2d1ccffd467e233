package dev.blip3o.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where pictures go.
 *
 * <ul>
 *   <li>{@code picture.png}: one picture there; several as {@code picture-1.png}, {@code
 *       picture-2.png} and so on
 *   <li>a directory: the same names inside it, with the command's usual word
 *   <li>a pattern, {@code {prompt}-{seed}.png}: each word in braces is replaced
 * </ul>
 *
 * Numbers have leading zeros, so that names sort in the order of the pictures.
 */
final class OutputNames {
  private static final String EXTENSION = ".png";
  private static final Pattern PLACEHOLDER = Pattern.compile("\\{([^{}]*)\\}");
  private static final Map<String, Function<Picture, String>> PLACEHOLDERS =
      Map.of(
          "number", Picture::numberText,
          "prompt", Picture::promptText,
          "seed", picture -> Long.toUnsignedString(picture.seed));

  private OutputNames() {}

  /**
   * One picture of a run.
   *
   * @param number running number, from 1
   * @param numbers how many pictures the run makes
   * @param prompt number of its prompt, from 1
   * @param prompts how many prompts there are
   * @param seed its seed
   */
  record Picture(int number, int numbers, int prompt, int prompts, long seed) {
    private String numberText() {
      return padded(number, numbers);
    }

    private String promptText() {
      return padded(prompt, prompts);
    }

    private static String padded(int value, int largest) {
      return String.format(Locale.ROOT, "%0" + Integer.toString(largest).length() + "d", value);
    }
  }

  /**
   * The file of each picture.
   *
   * @param output the value of {@code -o}
   * @param usual what a picture in a directory is called, without {@code .png}
   * @throws UsageException if {@code output} is no place for pictures, or two pictures would have
   *     one name
   */
  static List<Path> of(String output, String usual, List<Picture> pictures) {
    Template template = template(output, usual, pictures.size() > 1);
    List<Path> files = new ArrayList<>();
    Map<Path, Picture> taken = new HashMap<>();
    for (Picture picture : pictures) {
      Path file = template.file(picture);
      Picture other = taken.put(file.toAbsolutePath().normalize(), picture);
      if (other != null) {
        throw new UsageException(
            String.format(
                Locale.ROOT,
                "pictures %d and %d would both be %s: put {number} into -o",
                other.number,
                picture.number,
                file));
      }
      files.add(file);
    }
    return files;
  }

  private static Template template(String output, String usual, boolean several) {
    if (output.isEmpty()) {
      throw new UsageException(
          "-o: the name is empty: give one that ends in .png, or a directory (. is this one)");
    }
    String number = several ? "-{number}" : "";
    if (output.endsWith("/") || Files.isDirectory(Path.of(output))) {
      return new Template(Path.of(output), usual + number + EXTENSION);
    }
    if (!output.toLowerCase(Locale.ROOT).endsWith(EXTENSION)) {
      throw new UsageException(
          "-o " + output + ": expected a name that ends in .png, or an existing directory");
    }
    if (PLACEHOLDER.matcher(output).find()) {
      return new Template(Path.of(""), output);
    }
    int dot = output.length() - EXTENSION.length();
    return new Template(Path.of(""), output.substring(0, dot) + number + output.substring(dot));
  }

  /** A folder, and a name in it whose words in braces are replaced. */
  private record Template(Path folder, String name) {
    Path file(Picture picture) {
      Matcher matcher = PLACEHOLDER.matcher(name);
      StringBuilder text = new StringBuilder();
      while (matcher.find()) {
        Function<Picture, String> value = PLACEHOLDERS.get(matcher.group(1));
        if (value == null) {
          throw new UsageException(
              "-o " + name + ": " + matcher.group() + " is none of {number}, {prompt} and {seed}");
        }
        matcher.appendReplacement(text, value.apply(picture));
      }
      return folder.resolve(matcher.appendTail(text).toString());
    }
  }
}
