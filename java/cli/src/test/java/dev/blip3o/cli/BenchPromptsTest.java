package dev.blip3o.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BenchPromptsTest {
  @TempDir Path folder;

  @Test
  void aFileComesBeforeTheCheckpointsOwnAndThatBeforeOurs() throws IOException {
    BenchPrompts ours = BenchPrompts.of(null, folder);
    assertEquals("the program", ours.source());
    assertTrue(ours.texts().size() > 1);

    Path own = Files.writeString(folder.resolve("prompts.json"), "[\"a cross\", \"zwei Äpfel\"]");
    assertEquals(
        new BenchPrompts(List.of("a cross", "zwei Äpfel"), own.toString()),
        BenchPrompts.of(null, folder));

    Path file = Files.writeString(folder.resolve("prompts.txt"), "a star\n");
    assertEquals(
        new BenchPrompts(List.of("a star"), file.toString()), BenchPrompts.of(file, folder));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[] | there is none",
        "{} | there is none",
        "3 | there is none",
        "[\"a\", 3] | item 1 is 3",
        "[\" \"] | item 0 is \" \"",
        "{\"prompts\": [\"a\"]} | item 0 is [\"a\"]",
        "[\"a\" | it is no JSON"
      })
  void otherFilesAreRefused(String text, String part) throws IOException {
    Path own = Files.writeString(folder.resolve("prompts.json"), text);
    CliException refusal = assertThrows(CliException.class, () -> BenchPrompts.of(null, folder));
    assertTrue(refusal.getMessage().startsWith(own + ": "), refusal.getMessage());
    assertTrue(refusal.getMessage().contains(part), refusal.getMessage());
    assertTrue(refusal.getMessage().endsWith("with --prompts FILE"), refusal.getMessage());
  }
}
