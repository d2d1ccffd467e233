package dev.blip3o.training.prompts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.blip3o.InvalidRequestException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PromptsFileTest {
  private static final PromptCheck UP_TO_20 =
      prompt -> {
        if (prompt.length() > 20) {
          throw new InvalidRequestException("the prompt has " + prompt.length() + " characters");
        }
      };

  @TempDir Path folder;

  private Path file(String text) throws IOException {
    return Files.writeString(folder.resolve("prompts.txt"), text);
  }

  private String refusal(Path file) {
    PromptsFileException e =
        assertThrows(PromptsFileException.class, () -> PromptsFile.read(file, UP_TO_20));
    assertTrue(e.getMessage().contains(file.toString()), e.getMessage());
    return e.getMessage();
  }

  @Test
  void linesCommentsAndObjects() throws IOException {
    Path file =
        file(
            "\uFEFF# a comment\r\n  a red circle \r\n\r\n"
                + "{\"prompt\": \"#1 shop\", \"text\": \"OPEN\", \"size\": 3}\nein grüner Stern");
    assertEquals(
        List.of(
            TrainingPrompt.of("a red circle"),
            new TrainingPrompt("#1 shop", Map.of("text", "OPEN", "size", "3")),
            TrainingPrompt.of("ein grüner Stern")),
        PromptsFile.read(file, UP_TO_20));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\n \n", "# only a comment\n"})
  void aFileWithoutPromptsIsRefused(String text) throws IOException {
    assertTrue(refusal(file(text)).contains("holds no prompt"));
  }

  @Test
  void aLineThatIsTooLongIsNamed() throws IOException {
    String message = refusal(file("a star\n# no prompt\na very very very very long prompt\n"));
    assertTrue(message.contains("line 3: the prompt has 33 characters"), message);
  }

  @Test
  void otherTextThanUtf8IsNamed() throws IOException {
    Path file =
        Files.write(folder.resolve("latin1.txt"), new byte[] {'a', '\n', 'b', (byte) 0xFC, 'c'});
    String message = refusal(file);
    assertTrue(message.contains("line 2") && message.contains("0xFC"), message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"text\": \"OPEN\"}",
        "{\"prompt\": 3}",
        "{\"prompt\": \" \"}",
        "{\"prompt\": \"a\", \"text\": [1]}",
        "{\"prompt\": \"a\", \"text\": null}",
        "{\"prompt\": \"a\", \"prompt\": \"b\"}",
        "{\"prompt\": \"a\"} b",
        "{red circle"
      })
  void aMalformedObjectIsNamed(String line) throws IOException {
    String message = refusal(file("a star\n" + line));
    assertTrue(message.contains("line 2: "), message);
  }

  @Test
  void whatIsNoFileIsRefused() {
    assertTrue(refusal(folder.resolve("nothing.txt")).contains("there is no prompts file"));
    assertTrue(refusal(folder).contains("is a directory"));
  }
}
