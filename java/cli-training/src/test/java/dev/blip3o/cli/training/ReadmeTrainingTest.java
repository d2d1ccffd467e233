package dev.blip3o.cli.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.support.Readme;
import dev.blip3o.support.Repository;
import dev.blip3o.training.report.MetricsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README's training example, as it stands there. */
class ReadmeTrainingTest {
  private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|(\\S+)");
  private static final String LAUNCHER = "./blip3o";

  @TempDir Path folder;

  @Test
  void itTrainsAndDrawsWithWhatWasLearnt() throws IOException {
    String script = Readme.block("train", "sh").replace("\\\n", " ");
    List<String> commands = script.lines().map(String::strip).toList();
    assertEquals(2, commands.size(), script);
    for (String command : commands) {
      assertTrue(command.startsWith(LAUNCHER + " "), command);
      Run done = Run.of(words(command.substring(LAUNCHER.length())));
      assertEquals(0, done.code(), command + "\n" + done.err());
    }
    assertEquals(10, MetricsFile.read(folder.resolve("run/metrics.csv")).size());
    assertTrue(Files.exists(folder.resolve("run/report.html")));
    assertEquals(128, ImageIO.read(folder.resolve("learnt.png").toFile()).getWidth());
  }

  private String[] words(String command) {
    List<String> words = new ArrayList<>();
    Matcher matcher = WORD.matcher(command);
    for (MatchResult word : matcher.results().toList()) {
      words.add(word.group(1) != null ? word.group(1) : inItsPlace(word.group(2)));
    }
    return words.toArray(String[]::new);
  }

  /** The README speaks to someone in the repository's root; what is written goes elsewhere here. */
  private String inItsPlace(String word) {
    if (word.startsWith("weights/")) {
      return Repository.root().resolve(word).toString();
    }
    boolean file = word.equals("run") || word.startsWith("run/") || word.endsWith(".png");
    return file ? folder.resolve(word).toString() : word;
  }
}
